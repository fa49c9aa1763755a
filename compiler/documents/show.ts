/** Values from the input, in messages. */

/** Longest value that is shown in full. */
const MAX_SHOWN = 80;

/** A value in a message: JSON on one line, shortened, without characters that a terminal would obey. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const short = value.length > MAX_SHOWN;
    return printable(JSON.stringify(short ? `${value.slice(0, MAX_SHOWN - 3)}...` : value));
  }
  const text = typeof value === "object" && value !== null ? showCollection(value, 3) : String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text;
}

/** As JSON.stringify, which would overflow on deep nesting and waste time on long lists: only as much as is shown. */
function showCollection(value: object, depth: number): string {
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts: string[] = [];
  let length = 0;
  for (const key in value) {
    if (length > MAX_SHOWN || depth === 0) {
      parts.push("...");
      break;
    }
    const member = (value as Readonly<Record<string, unknown>>)[key];
    const text = typeof member === "object" && member !== null ? showCollection(member, depth - 1) : show(member);
    parts.push(Array.isArray(value) ? text : `${show(key)}:${text}`);
    length += text.length;
  }
  return `${open}${parts.join(",")}${close}`;
}

/** `text` with control characters, line separators and characters that change the writing direction as escapes. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNPRINTABLE = /[\x00-\x1f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Whether `value` is a map of the input. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
