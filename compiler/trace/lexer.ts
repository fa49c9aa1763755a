/** The words of a packet: `tcp 10.180.0.2:40000 > 172.30.0.41:80 iif eth0`. */

export interface PacketWord {
  /** `word`: an address, a port, `pod/NAMESPACE/NAME`, the name of an interface, a keyword. `bracketed`: an IPv6 address. */
  readonly kind: "word" | "bracketed" | ":" | ">";
  readonly text: string;
  /** Offset of its first character. */
  readonly start: number;
}

const WORDS = /(?<word>[A-Za-z0-9_./@~+=-]+)|(?<bracketed>\[[0-9A-Fa-f:.]+\])|[:>]|\s+/g;

/** All words of `text`, or the offsets of the first characters that are in none: half-open. */
export function packetWords(text: string): readonly PacketWord[] | { readonly start: number; readonly end: number } {
  const words: PacketWord[] = [];
  let end = 0;
  for (const { 0: found, index, groups = {} } of text.matchAll(WORDS)) {
    if (index > end) return { start: end, end: index };
    end = index + found.length;
    if (groups["word"] !== undefined) words.push({ kind: "word", text: found, start: index });
    else if (groups["bracketed"] !== undefined) words.push({ kind: "bracketed", text: found, start: index });
    else if (found === ":" || found === ">") words.push({ kind: found, text: found, start: index });
  }
  return end < text.length ? { start: end, end: text.length } : words;
}
