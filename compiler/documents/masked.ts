/** Lines of the input without what nobody else may see: findings show the line that they are about. */
import type { Source } from "../diagnostics.ts";

/** What may be data of a Secret: base64, and PEM, which is base64 in lines. */
const DATA = /[A-Za-z0-9+/]{16,}={0,2}/g;

/** The whole of a line, as in a block of text. */
const DATA_LINE = /^(\s*)([A-Za-z0-9+/=]+)(\s*)$/;

/** Texts that have a Secret, or a key in any place. `LS0tLS1CRUdJTi` is how `-----BEGIN` begins in base64. */
const HAS_SECRETS = /\bSecret(?:List)?\b|PRIVATE KEY|LS0tLS1CRUdJTi/;

const known = new WeakMap<Source, boolean>();

/** `line` of `source`, with `*` for what may be data of a Secret. It keeps its length, so that places in it stay the same. */
export function maskSecrets(source: Source, line: string): string {
  let hasSecrets = known.get(source);
  if (hasSecrets === undefined) {
    hasSecrets = HAS_SECRETS.test(source.text);
    known.set(source, hasSecrets);
  }
  if (!hasSecrets) return line;
  const stars = (text: string): string => "*".repeat(text.length);
  return line
    .replace(DATA_LINE, (_, before: string, data: string, after: string) => `${before}${stars(data)}${after}`)
    .replace(DATA, stars);
}
