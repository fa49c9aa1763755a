/** Texts that people choose as words of a configuration. */

/** One word of a line: nothing in it means anything to HAProxy. `text` has no control characters. */
export function quoted(text: string): string {
  if (!isWord(text)) throw new RangeError(`${JSON.stringify(text)} is no word of a line`);
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** One word of a line that HAProxy reads as a format, in which `%` begins a variable. */
export function quotedFormat(text: string): string {
  return quoted(literal(text));
}

/** Text in a format. */
export function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

/** Whether HAProxy can be given a text as a word: it has no control characters, and is not empty. */
export function isWord(text: string): boolean {
  return text !== "" && [...text].every((each) => each >= " " && each !== "\u007f");
}

const PLAIN = /^[A-Za-z0-9/_.:,+-]+$/;

/** A regular expression (PCRE) for just this text. */
export function pattern(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9_/-]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}
