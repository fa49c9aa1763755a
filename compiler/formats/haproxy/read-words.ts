/** Words of a line of a configuration, and what stands for texts in them: the other way round than `quoting.ts`. */

/** The words of a line: quotes and backslashes are taken away. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [whole] of line.matchAll(/(?:'[^']*'|\\.|[^\s'\\])+/g))
    words.push(whole.replace(/'([^']*)'|\\(.)/g, (_, inside?: string, escaped?: string) => inside ?? escaped ?? ""));
  return words;
}

/** The text of a format without variables. */
export function textOfFormat(format: string): string {
  return format.replaceAll("%%", "%");
}

/** Signs of a regular expression that `pattern` makes. */
export const PATTERN = String.raw`(?:[A-Za-z0-9_/-]|\\x[0-9a-f]{2})*`;

/** The text that such an expression stands for. */
export function textOfPattern(expression: string): string {
  const bytes = [...expression.matchAll(/\\x([0-9a-f]{2})|(.)/g)].map(([, code, char = ""]) =>
    code === undefined ? char.charCodeAt(0) : Number.parseInt(code, 16),
  );
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
