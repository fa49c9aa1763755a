import { createToken, Lexer, type TokenType } from "chevrotain";
import { quickLexing } from "../lazy-lookahead.ts";

/** The words of nft's language. Keywords are words too: which of them means something depends on the place. */
export const Blank = createToken({ name: "Blank", pattern: /[ \t\r\f]+|\\\r?\n/, group: Lexer.SKIPPED });
export const Comment = createToken({ name: "Comment", pattern: /#[^\n]*/, group: Lexer.SKIPPED });
export const Newline = createToken({ name: "Newline", pattern: /\n/, line_breaks: true, label: "the end of the line" });

export const Word = createToken({
  name: "Word",
  pattern: /(?:[A-Za-z_]|\\\*)(?:[A-Za-z0-9_/.-]|\\\*)*\*?/,
  label: "a word",
});

/** Values that begin with a digit or hold colons; the longer ones first. */
const HEX = "[0-9a-fA-F]{1,4}";
export const Ip6 = createToken({
  name: "Ip6",
  pattern: new RegExp(
    `(?:(?:${HEX}:){1,6}|::(?:${HEX}:){0,5}|(?:${HEX}:){1,5}(?::${HEX}){1,4}:)(?:[0-9]{1,3}\\.){3}[0-9]{1,3}|` +
      `(?:${HEX}:){7}${HEX}|(?:${HEX}(?::${HEX}){0,6})?::(?:${HEX}(?::${HEX}){0,6})?`,
  ),
  start_chars_hint: [..."0123456789abcdefABCDEF:"],
  line_breaks: false,
  longer_alt: Word,
  label: "an IPv6 address",
});
export const Mac = createToken({
  name: "Mac",
  pattern: /(?:[0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}/,
  label: "a hardware address",
});
export const Classid = createToken({
  name: "Classid",
  pattern: /[0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4}(?![0-9a-zA-Z:._])/,
  label: "a class of traffic control",
});
/** Numbers, addresses of IPv4, times and sizes. */
export const Numeral = createToken({
  name: "Numeral",
  pattern: /[0-9][0-9A-Za-z_]*(?:\.[0-9A-Za-z_]+)*/,
  label: "a number",
});
export const Text = createToken({ name: "Text", pattern: /"[^"\n]*"|'[^'\n]*'/, label: "a text in quotation marks" });
export const Variable = createToken({ name: "Variable", pattern: /\$[A-Za-z_][A-Za-z0-9_]*/, label: "a variable" });

function symbol(name: string, pattern: RegExp): TokenType {
  return createToken({ name, pattern, label: `"${pattern.source.replaceAll("\\", "")}"` });
}

export const Relation = createToken({ name: "Relation", pattern: /==|!=|<=|>=|<(?!<)|>(?!>)/, label: "an operator" });
export const Shift = createToken({ name: "Shift", pattern: /<<|>>/, label: "a shift" });
export const Ampersand = symbol("Ampersand", /&/);
export const Caret = symbol("Caret", /\^/);
export const Pipe = symbol("Pipe", /\|/);
export const OpenBrace = symbol("OpenBrace", /\{/);
export const CloseBrace = symbol("CloseBrace", /\}/);
export const OpenParen = symbol("OpenParen", /\(/);
export const CloseParen = symbol("CloseParen", /\)/);
export const OpenBracket = symbol("OpenBracket", /\[/);
export const CloseBracket = symbol("CloseBracket", /\]/);
export const Semicolon = symbol("Semicolon", /;/);
export const Comma = symbol("Comma", /,/);
export const Equals = symbol("Equals", /=/);
export const At = symbol("At", /@/);
export const Bang = symbol("Bang", /!/);
export const Colon = symbol("Colon", /:/);
export const Dot = symbol("Dot", /\./);
export const Dash = symbol("Dash", /-/);
export const Plus = symbol("Plus", /\+/);
export const Slash = symbol("Slash", /\//);
export const Star = symbol("Star", /\*/);
export const Other = createToken({ name: "Other", pattern: /[!-\uffff]/, label: "a character" });

function keyword(name: string, pattern: RegExp, label = `"${pattern.source}"`): TokenType {
  return createToken({ name, pattern, longer_alt: Word, categories: Word, label });
}

export const Verdict = keyword("Verdict", /accept|drop|continue|return/, "a verdict");
export const Jump = keyword("Jump", /jump|goto/);
export const Nat = keyword("Nat", /snat|dnat/);
export const Masquerade = keyword("Masquerade", /masquerade|redirect/);
export const Counter = keyword("Counter", /counter/);
export const Log = keyword("Log", /log/);
export const Limit = keyword("Limit", /limit/);
export const Quota = keyword("Quota", /quota/);
export const Last = keyword("Last", /last/);
export const Reject = keyword("Reject", /reject/);
export const Tproxy = keyword("Tproxy", /tproxy/);
export const Notrack = keyword("Notrack", /notrack/);
export const Flow = keyword("Flow", /flow/);
export const Duplicate = keyword("Duplicate", /dup|fwd/);
export const Synproxy = keyword("Synproxy", /synproxy/);
export const Queue = keyword("Queue", /queue/);
export const Operation = keyword("Operation", /add|update|delete/);
export const Meter = keyword("Meter", /meter/);
export const CommentWord = keyword("CommentWord", /comment/);
export const Xt = keyword("Xt", /xt/);
export const Reset = keyword("Reset", /reset/);
export const Secmark = keyword("Secmark", /secmark/);
export const Meta = keyword("Meta", /meta/);
export const Ct = keyword("Ct", /ct/);
export const Direction = keyword("Direction", /original|reply/);
export const Fib = keyword("Fib", /fib/);
export const Numgen = keyword("Numgen", /numgen/);
export const Hash = keyword("Hash", /jhash|symhash/);
export const Socket = keyword("Socket", /socket/);
export const Osf = keyword("Osf", /osf/);
export const Ipsec = keyword("Ipsec", /ipsec/);
export const Rt = keyword("Rt", /rt/);
export const Exthdr = keyword("Exthdr", /exthdr/);
export const MapWord = keyword("MapWord", /map/);
export const Vmap = keyword("Vmap", /vmap/);
export const SetWord = keyword("SetWord", /set/);
export const To = keyword("To", /to/);
export const With = keyword("With", /with/);
export const BitWord = keyword("BitWord", /and|or|xor|lshift|rshift/, "and, or, xor");
export const RelationWord = keyword("RelationWord", /eq|ne|lt|gt|le|ge/, "an operator");
export const IpHeader = keyword("IpHeader", /ip6|ip/, "ip or ip6");
export const OptionHeader = keyword("OptionHeader", /tcp|dccp|sctp/, "tcp, dccp or sctp");
/** Headers whose fields are one word. */
export const Header = keyword(
  "Header",
  /udplite|udp|th|icmpv6|icmp|igmp|ether|vlan|arp|ah|esp|comp|gretap|gre|vxlan|geneve|hbh|frag|dst|mh|srh|rt0|rt2|rt4/,
  "a header",
);
/** Keys that need no `meta`. */
export const MetaKeyWord = keyword(
  "MetaKeyWord",
  /iifname|oifname|iifgroup|oifgroup|iiftype|oiftype|iif|oif|mark|nftrace|rtclassid|skuid|skgid|ibrname|obrname|ibriport|obriport|pkttype|cpu|cgroup|iifkind|oifkind|sdifname|sdif|time|day|hour/,
  "a key of meta",
);

const KEYWORDS = [
  Verdict,
  Jump,
  Nat,
  Masquerade,
  Counter,
  Log,
  Limit,
  Quota,
  Last,
  Reject,
  Tproxy,
  Notrack,
  Flow,
  Duplicate,
  Synproxy,
  Queue,
  Operation,
  Meter,
  CommentWord,
  Xt,
  Reset,
  Secmark,
  Meta,
  Ct,
  Direction,
  Fib,
  Numgen,
  Hash,
  Socket,
  Osf,
  Ipsec,
  Header,
  OptionHeader,
  IpHeader,
  Exthdr,
  MapWord,
  Vmap,
  SetWord,
  To,
  With,
  BitWord,
  RelationWord,
  MetaKeyWord,
  Rt, // behind rtclassid
];

export const TOKENS = [
  Blank,
  Comment,
  Newline,
  Text,
  Variable,
  Ip6,
  Mac,
  Classid,
  Numeral,
  ...KEYWORDS,
  Word,
  Shift,
  Relation,
  Ampersand,
  Caret,
  Pipe,
  OpenBrace,
  CloseBrace,
  OpenParen,
  CloseParen,
  OpenBracket,
  CloseBracket,
  Semicolon,
  Comma,
  Equals,
  At,
  Bang,
  Colon,
  Dot,
  Dash,
  Plus,
  Slash,
  Star,
  Other,
];

export const nftLexer = new Lexer(TOKENS, quickLexing(false));
