/** The words of a packet, `tcp 10.180.0.2:40000 > 172.30.0.41:80 iif eth0`, or of a request, `pod/shop/web-1 > GET http://a/b?c`. */

export interface PacketWord {
  /** `word`: an address, a port, `pod/NAMESPACE/NAME`, the name of an interface, a keyword. `bracketed`: an IPv6 address. `url`: it has a scheme, or follows a method of HTTP. */
  readonly kind: "word" | "bracketed" | "url" | ":" | ">";
  readonly text: string;
  /** Offset of its first character. */
  readonly start: number;
}

/** Methods of HTTP that ask for a URL. */
export const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"] as const;

const WORDS = new RegExp(
  [
    // Up to the next blank: with a scheme, or behind a method.
    `(?<url>(?:[A-Za-z][A-Za-z0-9+.-]*://|(?<=(?:^|[\\s>])(?:${METHODS.join("|")})\\s+)(?=[^\\s>]))\\S*)`,
    "(?<word>[A-Za-z0-9_./@~+=-]+)",
    "(?<bracketed>\\[[0-9A-Fa-f:.]+\\])",
    "[:>]",
    "\\s+",
  ].join("|"),
  "g",
);

/** All words of `text`, or the offsets of the first characters that are in none: half-open. */
export function packetWords(text: string): readonly PacketWord[] | { readonly start: number; readonly end: number } {
  const words: PacketWord[] = [];
  let end = 0;
  for (const { 0: found, index, groups = {} } of text.matchAll(WORDS)) {
    if (index > end) return { start: end, end: index };
    end = index + found.length;
    if (groups["word"] !== undefined) words.push({ kind: "word", text: found, start: index });
    else if (groups["url"] !== undefined) words.push({ kind: "url", text: found, start: index });
    else if (groups["bracketed"] !== undefined) words.push({ kind: "bracketed", text: found, start: index });
    else if (found === ":" || found === ">") words.push({ kind: found, text: found, start: index });
  }
  return end < text.length ? { start: end, end: text.length } : words;
}
