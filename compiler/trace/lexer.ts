import { createToken, Lexer } from "chevrotain";

/** The words of a packet: `tcp 10.180.0.2:40000 > 172.30.0.41:80 iif eth0`. Manifests write protocols in capitals, so both are taken. */
export const Blank = createToken({ name: "Blank", pattern: /\s+/, group: Lexer.SKIPPED });
export const Greater = createToken({ name: "Greater", pattern: />/, label: '">"' });
export const Colon = createToken({ name: "Colon", pattern: /:/, label: '":"' });
export const Bracketed = createToken({
  name: "Bracketed",
  pattern: /\[[0-9A-Fa-f:.]+\]/,
  label: "an IPv6 address in brackets",
});
/** Addresses, ports, `pod/NAMESPACE/NAME`, interface names. The keywords are words too: a port may have such a name. */
export const Word = createToken({ name: "Word", pattern: /[A-Za-z0-9_./@~+=-]+/, label: "an address or a name" });
export const Protocol = createToken({
  name: "Protocol",
  categories: Word,
  pattern: /tcp|udp|sctp|icmp(?:v?6)?/i,
  longer_alt: Word,
  label: "tcp, udp, sctp or icmp",
});
export const Iif = createToken({ name: "Iif", categories: Word, pattern: /iif/, longer_alt: Word, label: '"iif"' });
export const Mark = createToken({ name: "Mark", categories: Word, pattern: /mark/, longer_alt: Word, label: '"mark"' });

export const TOKENS = [Blank, Greater, Colon, Bracketed, Protocol, Iif, Mark, Word];

export const packetLexer = new Lexer(TOKENS, { positionTracking: "onlyOffset" });
