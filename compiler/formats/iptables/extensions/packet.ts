/** Matches of the packet, of its socket, and of chance. */
import { counting, equal, IIFNAME } from "../../../ir/build.ts";
import { PACKET_TYPE } from "../../../ir/constants.ts";
import { describe } from "../../../ir/describe.ts";
import type { Expression, HeaderField, Step } from "../../../ir/types.ts";
import { meaningOf } from "../../../words.ts";
import { type MatchRead, type RefusedOption, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { choice, firstValue, only, upTo } from "../option-rules.ts";
import { type Lacking, lacking, optionWords, unitWords } from "../rule-words.ts";
import { each, type FieldPrinter, type MatchRow, type MatchScope, oneOption, type Words } from "./row.ts";
import {
  markPrinter,
  oneValue,
  parsePorts,
  parseUnsigned,
  printHex,
  printRange,
  readMark,
  testInterval,
  testValue,
} from "./values.ts";

// --- sockets -------------------------------------------------------------------------------------------------------------

/** A number or a range; a name is looked up on the host. Without a socket a negated test holds (owner_mt): `meta skuid !=` does
 *  not hold then. */
function ownerOption(key: "skuid" | "skgid") {
  return ({ values: [text = ""], negated }: OptionText): MatchRead => {
    if (!/^[0-9]/.test(text)) return undefined;
    const [first = "", second = first, ...more] = text.split("-");
    const [from, to] = [parseUnsigned(first), parseUnsigned(second)];
    // The last number is nobody's.
    if (from === undefined || to === undefined || from > to || to === 0xffffffff || more.length > 0)
      return refuse("expected a number, or FROM-TO from the lower one");
    const test = testInterval({ kind: "meta", key }, { from, to }, negated);
    return [negated ? { ...test, orAbsent: true } : test];
  };
}

function ownerPrinter(option: string): FieldPrinter {
  return {
    one: (interval, { negated, orAbsent }) =>
      negated && !orAbsent
        ? lacking("another owner: a packet without a socket is one for iptables, none for nft")
        : oneOption("owner", option, [printRange(interval, "-")], negated),
  };
}

const owner: MatchRow = {
  options: { "--uid-owner": 1, "--gid-owner": 1, "--socket-exists": 0, "--suppl-groups": 0 },
  asks: {
    other: (options) => {
      const groups = options.find(({ name }) => name === "--suppl-groups");
      if (groups === undefined) return undefined;
      if (groups.negated) return "expected --suppl-groups without a negation";
      return options.some(({ name }) => name === "--gid-owner")
        ? undefined
        : "expected --gid-owner beside --suppl-groups";
    },
  },
  placement: { hooks: ["OUTPUT", "POSTROUTING"] },
  read: each({ "--uid-owner": ownerOption("skuid"), "--gid-owner": ownerOption("skgid") }),
  fields: { "meta skuid": ownerPrinter("--uid-owner"), "meta skgid": ownerPrinter("--gid-owner") },
  // At the hooks where it may be asked only the node's own packets have sockets (owner_mt).
  certain: { needs: equal(IIFNAME, "") },
};

// --- headers -------------------------------------------------------------------------------------------------------------

/** Names of code points, as iptables has them; nft has the same numbers. */
const DSCP_CLASSES: Readonly<Record<string, number>> = {
  BE: 0,
  EF: 46,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`CS${i}`, 8 * i])),
  ...Object.fromEntries([1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`AF${c}${d}`, 8 * c + 2 * d]))),
};

function dscpOption(parse: (text: string) => number | undefined) {
  return ({ values: [text = ""], negated }: OptionText, { family }: MatchScope): Step[] | RefusedOption => {
    const value = parse(text);
    if (value === undefined) return refuse("expected a code point from 0 to 63, or a class such as CS1, AF41, EF, BE");
    return [testValue({ kind: "header", field: family === "ip" ? "ip dscp" : "ip6 dscp" }, value, negated)];
  };
}

const dscpPrinter: FieldPrinter = {
  one: oneValue((value, negated) => oneOption("dscp", "--dscp", [printHex(value, 2)], negated)),
};

const HOP_OPERATORS = { eq: "==", lt: "<", gt: ">" } as const;

function hops(match: "ttl" | "hl", family: "ip" | "ip6", field: HeaderField): MatchRow {
  const printer: FieldPrinter = {
    one: oneValue((value, negated) => oneOption(match, `--${match}-eq`, [String(value)], negated)),
    order: (operator, value) =>
      oneOption(match, `--${match}-${operator === "<" ? "lt" : "gt"}`, [String(value)], false),
  };
  const left: Expression = { kind: "header", field };
  const readers = Object.entries(HOP_OPERATORS).map(([how, operator]) => {
    const read = ({ values: [text = ""], negated }: OptionText): Step[] | RefusedOption => {
      const right = parseUnsigned(text, 8);
      if (right === undefined) return refuse("expected a number from 0 to 255");
      return [{ kind: "compare", left, operator: negated ? "!=" : operator, right }];
    };
    return [`--${match}-${how}`, read] as const;
  });
  const options = readers.map(([option]) => option);
  return {
    family,
    options: Object.fromEntries(options.map((option) => [option, 1])),
    aliases: { [`--${match}`]: `--${match}-eq` },
    asks: choice(...options),
    read: each(Object.fromEntries(readers)),
    fields: { [field]: printer },
  };
}

const length: MatchRow = {
  options: { "--length": 1 },
  asks: only("--length"),
  read: each({
    "--length": ({ values: [text = ""], negated }, { family }) => {
      const interval = parsePorts(text);
      if (interval === undefined) return refuse("expected a length or FROM:TO");
      return family === "ip6" ? undefined : [testInterval({ kind: "header", field: "ip length" }, interval, negated)];
    },
  }),
  fields: {
    "ip length": { one: (interval, { negated }) => oneOption("length", "--length", [printRange(interval)], negated) },
  },
};

// --- types ---------------------------------------------------------------------------------------------------------------

const PACKET_TYPES: Readonly<Record<string, number>> = { ...PACKET_TYPE, host: 0, bcast: 1, mcast: 2, otherhost: 3 };

const pkttype: MatchRow = {
  options: { "--pkt-type": 1 },
  asks: only("--pkt-type"),
  read: each({
    "--pkt-type": ({ values: [text = ""], negated }) => {
      const type = meaningOf(PACKET_TYPES, text.toLowerCase());
      return type === undefined
        ? refuse("expected unicast, broadcast or multicast")
        : [testValue({ kind: "meta", key: "pkttype" }, type, negated)];
    },
  }),
  fields: {
    "meta pkttype": {
      one: oneValue((value, negated): Words | Lacking => {
        const [name] = Object.entries(PACKET_TYPE).find(([, type]) => type === value) ?? [];
        return name === undefined || name === "other"
          ? lacking("packet type")
          : oneOption("pkttype", "--pkt-type", [name], negated);
      }),
    },
  },
};

// --- chance --------------------------------------------------------------------------------------------------------------

/** Of every EVERY packets the one with PACKET others before it, as `numgen inc` counts them. */
function readNth(options: readonly OptionText[]): MatchRead {
  const [every, packet] = ["--every", "--packet"].map((name) => parseUnsigned(firstValue(options, name) ?? ""));
  if (every === undefined || packet === undefined) return undefined;
  const negated = options.some(({ name, negated }) => name === "--every" && negated);
  return [testValue(counting(every), packet, negated)];
}

const statistic: MatchRow = {
  options: { "--mode": 1, "--probability": 1, "--every": 1, "--packet": 1 },
  asks: {
    notInverted: ["--mode", "--packet"],
    numbers: { "--every": upTo(0xffffffff, 1) },
    other: (options) => {
      const [every, packet] = ["--every", "--packet"].map((name) => firstValue(options, name));
      if (firstValue(options, "--mode") !== "nth") return undefined;
      if (every === undefined || packet === undefined) return "expected --every and --packet with --mode nth";
      return Number(packet) < Number(every) ? undefined : "expected --packet to be less than --every";
    },
  },
  read: ({ options }) => {
    const probability = options.find(({ name }) => name === "--probability");
    const mode = firstValue(options, "--mode");
    if (mode !== "random" && mode !== "nth") return refuse("expected --mode random or --mode nth");
    if (mode === "nth") return probability === undefined ? readNth(options) : undefined;
    if (options.some(({ name }) => name === "--every" || name === "--packet")) return undefined;
    const value = Number(probability?.values[0] ?? "");
    if (probability === undefined || !(value >= 0 && value <= 1))
      return refuse("expected --probability and a number from 0 to 1");
    // lround(0x80000000 * p), as iptables stores it.
    const numerator = Math.round(value * 2 ** 31);
    return [{ kind: "chance", numerator: probability.negated ? 2 ** 31 - numerator : numerator }];
  },
  steps: {
    chance: ({ numerator }) => ({
      match: unitWords(
        "statistic",
        optionWords("--mode", ["random"]),
        optionWords("--probability", [(numerator / 2 ** 31).toFixed(11)]),
      ),
    }),
    compare: ({ left, operator, right }) => {
      if (left.kind !== "numgen" || left.mode !== "inc" || (operator !== "==" && operator !== "!="))
        return lacking(`a test of ${describe(left)}`);
      const packet = Number(right) - left.offset;
      if (packet < 0 || packet >= left.modulus) return lacking(`${describe(left)} ${operator} ${right}`);
      return {
        match: unitWords(
          "statistic",
          optionWords("--mode", ["nth"]),
          optionWords("--every", [left.modulus], operator === "!="),
          optionWords("--packet", [packet]),
        ),
      };
    },
  },
};

export const PACKET_MATCHES: Readonly<Record<string, MatchRow>> = {
  mark: {
    options: { "--mark": 1 },
    asks: only("--mark"),
    read: each({ "--mark": readMark({ kind: "meta", key: "mark" }) }),
    fields: { "meta mark": markPrinter("mark") },
  },
  owner,
  dscp: {
    options: { "--dscp": 1, "--dscp-class": 1 },
    asks: { ...choice("--dscp", "--dscp-class"), numbers: { "--dscp": upTo(63) } },
    read: each({
      "--dscp": dscpOption((text) => parseUnsigned(text, 6)),
      "--dscp-class": dscpOption((text) => meaningOf(DSCP_CLASSES, text.toUpperCase())),
    }),
    fields: { "ip dscp": dscpPrinter, "ip6 dscp": dscpPrinter },
  },
  pkttype,
  statistic,
  length,
  ttl: hops("ttl", "ip", "ip ttl"),
  hl: hops("hl", "ip6", "ip6 hoplimit"),
};
