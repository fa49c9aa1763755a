/** Words in which texts of one shape differ: where such a word ends, and which values it stands for. */
import { parseIpv6 } from "../../net/address.ts";

/** What a word is for whoever wrote it: an address or port is a number or bigint, a name or text a string. */
export type HoleValue = number | bigint | string;

/**
 * What stands in a hole. Each kind holds only words that mean the same with any other value of it: numbers without leading
 * zeros, prefixes with at least one free bit of the address, ranges of at least two addresses.
 */
export type HoleKind =
  | "ipv4"
  | "ipv4-prefix"
  | "ipv4-range"
  | "ipv6"
  | "ipv6-prefix"
  /** 0 to 65535. */
  | "number"
  /** 1 to 65535. */
  | "port"
  /** Letters, digits, `_` and `-`, the first no digit and no `-`. */
  | "word"
  /** A class of traffic control: two numbers of up to four hexadecimal digits with a colon between them. */
  | "classid"
  /** A word that is known as a name. */
  | "name"
  /** A word that is known as a list of clients. */
  | "list"
  /** What stands between quotation marks, of which the hole is the text. */
  | "quoted";

/** Kinds of holes that hold known words only. */
export type KnownHole = "name" | "list";

/** The word under which one is known, which is kept instead of the one in the text; undefined: it is none that fits. */
export type KnownName = (word: string, kind: KnownHole) => string | undefined;

interface Hole {
  /** How many values it has: prefixes and ranges have their first and their last address. */
  readonly values: 1 | 2;
  /** Where the word of this kind ends that begins at `at`, and its values into `values`, from `slot` on; -1: there is none. */
  readonly scan: (text: string, at: number, values: HoleValue[], slot: number, nameOf: KnownName) => number;
  /** Words to try in the `n`th hole of a text: two that nothing else has, then the least and the greatest. */
  readonly probes: (n: number) => readonly [string, string, string, string];
}

export const PROBES = 4;

// --- numbers -------------------------------------------------------------------------------------------------------------

/** The number at the end of the last word that was scanned. */
let scanned = 0;

/** Decimal, at most 65535, in its only spelling. */
function scanNumber(text: string, from: number): number {
  let value = 0;
  let at = from;
  for (; at - from < 6; at++) {
    const digit = text.charCodeAt(at) - 48;
    // Behind the end of the text there is no digit either: NaN.
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  const length = at - from;
  if (length === 0 || value > 65535 || (length > 1 && text.charCodeAt(from) === 48)) return -1;
  scanned = value;
  return at;
}

/** Four octets in their only spelling. */
function scanIpv4(text: string, from: number): number {
  let value = 0;
  let at = from;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== DOT) return -1;
    const first = at;
    let octet = 0;
    for (; at - first < 4; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      octet = octet * 10 + digit;
    }
    const length = at - first;
    if (length === 0 || octet > 255 || (length > 1 && text.charCodeAt(first) === 48)) return -1;
    value = value * 256 + octet;
  }
  scanned = value;
  return at;
}

const DOT = 46;
const SLASH = 47;
const DASH = 45;
const COLON = 58;
const QUOTE = 34;
const BACKSLASH = 92;
const UNDERSCORE = 95;
const NEWLINE = 10;
const EQUALS = 61;

/** What begins at `from` and is written in hexadecimal digits and colons. */
function endOfIpv6(text: string, from: number): number {
  let at = from;
  for (; ; at++) {
    const code = text.charCodeAt(at);
    const lower = code | 32;
    if (!((code >= 48 && code <= COLON) || (lower >= 97 && lower <= 102))) return at;
  }
}

function scanLength(text: string, slash: number, most: number): number {
  const end = text.charCodeAt(slash) === SLASH ? scanNumber(text, slash + 1) : -1;
  return end < 0 || scanned < 1 || scanned > most ? -1 : end;
}

// --- kinds ---------------------------------------------------------------------------------------------------------------

function endOfWord(text: string, from: number): number {
  let at = from;
  for (; ; at++) {
    const code = text.charCodeAt(at);
    const lower = code | 32;
    const isLetter = lower >= 97 && lower <= 122;
    if (!isLetter && !(code >= 48 && code <= 57) && code !== UNDERSCORE && (code !== DASH || at === from)) return at;
  }
}

function probeWords(n: number): readonly [string, string, string, string] {
  return [`probe-a-${n}`, `PROBE_${n}-B`, "x", `Z${"9-".repeat(12)}${n}`];
}

/** Whether a word is one that `probeWords` gives. */
export function isProbeWord(word: string): boolean {
  return word === "x" || /^(?:probe-a-\d+|PROBE_\d+-B|Z(?:9-){12}\d+)$/.test(word);
}

function known(kind: KnownHole): Hole {
  return {
    values: 1,
    scan: (text, at, values, slot, nameOf) => {
      const end = endOfWord(text, at);
      const name = end === at ? undefined : nameOf(text.slice(at, end), kind);
      if (name === undefined) return -1;
      values[slot] = name;
      return end;
    },
    probes: probeWords,
  };
}

/** Up to four hexadecimal digits. */
function scanHexadecimal(text: string, from: number): number {
  let value = 0;
  let at = from;
  for (; at - from < 5; at++) {
    const code = text.charCodeAt(at);
    const letter = code | 32;
    if (code >= 48 && code <= 57) value = value * 16 + code - 48;
    else if (letter >= 97 && letter <= 102) value = value * 16 + letter - 87;
    else break;
  }
  if (at === from || at - from > 4) return -1;
  scanned = value;
  return at;
}

function numberFrom(least: number): Hole {
  return {
    values: 1,
    scan: (text, at, values, slot) => {
      const end = scanNumber(text, at);
      if (end < 0 || scanned < least) return -1;
      values[slot] = scanned;
      return end;
    },
    probes: (n) => [`${10007 + 13 * n}`, `${20011 + 17 * n}`, `${least}`, "65535"],
  };
}

export const HOLES: Readonly<Record<HoleKind, Hole>> = {
  ipv4: {
    values: 1,
    scan: (text, at, values, slot) => {
      const end = scanIpv4(text, at);
      if (end >= 0) values[slot] = scanned;
      return end;
    },
    probes: (n) => [`198.51.${n}.17`, `203.${n}.113.201`, "0.0.0.0", "255.255.255.255"],
  },
  "ipv4-prefix": {
    values: 2,
    scan: (text, at, values, slot) => {
      const slash = scanIpv4(text, at);
      if (slash < 0) return -1;
      const address = scanned;
      const end = scanLength(text, slash, 31);
      if (end < 0) return -1;
      const size = 2 ** (32 - scanned);
      const from = address - (address % size);
      values[slot] = from;
      values[slot + 1] = from + size - 1;
      return end;
    },
    probes: (n) => [`198.51.${n}.0/24`, `203.${n}.128.7/17`, "0.0.0.0/1", "255.255.255.255/31"],
  },
  "ipv4-range": {
    values: 2,
    scan: (text, at, values, slot) => {
      const dash = scanIpv4(text, at);
      if (dash < 0 || text.charCodeAt(dash) !== DASH) return -1;
      const from = scanned;
      const end = scanIpv4(text, dash + 1);
      if (end < 0 || scanned <= from) return -1;
      values[slot] = from;
      values[slot + 1] = scanned;
      return end;
    },
    probes: (n) => [
      `198.51.${n}.17-198.52.${n}.3`,
      `203.${n}.113.201-203.${n}.113.202`,
      "0.0.0.0-255.255.255.254",
      "0.0.0.1-255.255.255.255",
    ],
  },
  ipv6: {
    values: 1,
    scan: (text, at, values, slot) => {
      const end = endOfIpv6(text, at);
      const address = parseIpv6(text.slice(at, end));
      if (address === undefined) return -1;
      values[slot] = address;
      return end;
    },
    probes: (n) => [
      `2001:db8:${n.toString(16)}::17`,
      `fd00:${n.toString(16)}::1:2:3:c9`,
      "::",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ],
  },
  "ipv6-prefix": {
    values: 2,
    scan: (text, at, values, slot) => {
      const slash = endOfIpv6(text, at);
      const address = parseIpv6(text.slice(at, slash));
      const end = address === undefined ? -1 : scanLength(text, slash, 127);
      if (address === undefined || end < 0) return -1;
      const free = (1n << BigInt(128 - scanned)) - 1n;
      values[slot] = address & ~free;
      values[slot + 1] = address | free;
      return end;
    },
    probes: (n) => [
      `2001:db8:${n.toString(16)}::/48`,
      `fd00:${n.toString(16)}::7/112`,
      "::/1",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
    ],
  },
  classid: {
    values: 1,
    scan: (text, at, values, slot) => {
      const colon = scanHexadecimal(text, at);
      if (colon < 0 || text.charCodeAt(colon) !== COLON) return -1;
      const major = scanned;
      const end = scanHexadecimal(text, colon + 1);
      if (end >= 0) values[slot] = major * 65536 + scanned;
      return end;
    },
    probes: (n) => [`1a${n.toString(16)}:17`, `BEEF:c9${n.toString(16)}`, "0:0", "ffff:ffff"],
  },
  number: numberFrom(0),
  port: numberFrom(1),
  word: {
    values: 1,
    scan: (text, at, values, slot) => {
      const end = endOfWord(text, at);
      const first = text.charCodeAt(at);
      if (end === at || (first >= 48 && first <= 57)) return -1;
      values[slot] = text.slice(at, end);
      return end;
    },
    probes: probeWords,
  },
  name: known("name"),
  list: known("list"),
  quoted: {
    values: 1,
    scan: (text, at, values, slot) => {
      // A "=" in front is of some option's own syntax.
      if (text.charCodeAt(at - 1) !== QUOTE || text.charCodeAt(at) === EQUALS) return -1;
      for (let end = at; end < text.length; end++) {
        const code = text.charCodeAt(end);
        if (code === BACKSLASH || code === NEWLINE) return -1;
        if (code !== QUOTE) continue;
        values[slot] = text.slice(at, end);
        return end;
      }
      return -1;
    },
    probes: (n) => [`probe a, ${n}`, `PROBE: ${n} # {b}`, "", `${"é'~ ".repeat(50)}${n}`],
  },
};
