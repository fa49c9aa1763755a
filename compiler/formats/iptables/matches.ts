/** What the match extensions of iptables mean. An extension that is not here, or an option in a way that is not
 *  understood, is kept as opaque. */

import { addressField, anyBit, equal, noBit, within } from "../../ir/build.ts";
import { ADDRESS_TYPE, CT_STATE, CT_STATUS, PACKET_TYPE, TCP_FLAG } from "../../ir/constants.ts";
import { mergeIntervals } from "../../ir/interval.ts";
import type { Expression, Interval, Match, Step, Value } from "../../ir/types.ts";
import { parseAddress } from "../../net/address.ts";
import { parseProtocol } from "../../net/names.ts";
import { prefixRange } from "../../net/prefix.ts";
import { parseServicePort } from "../../net/service-names.ts";
import { meaningOf } from "../../words.ts";
import type { SetAnswer, SetQuery } from "../ipset/to-ir.ts";
import { combine, either, listsOf, type MatchRead } from "./choice.ts";
import type { OptionText } from "./grammar.ts";
import { typeOfIpv6 } from "./ipv6-types.ts";
import { ICMP_TYPES, ICMPV6_TYPES } from "./words.ts";

/** `-m NAME` with its options. */
export interface Unit {
  readonly name: string;
  readonly options: readonly OptionText[];
}

/** What is known around a match. */
export interface MatchScope {
  readonly family: "ip" | "ip6";
  /** The table of the rule. */
  readonly table: string;
  /** What rules of this chain translate, by the hooks that lead to it; undefined: nothing, or both. */
  readonly translates: "destination" | "source" | undefined;
  /** The one protocol that `-p` names. */
  readonly protocol: number | undefined;
  /** How the lists of `recent` that are nothing but affinity are asked: seconds, or undefined for no limit. */
  readonly affinity: ReadonlyMap<string, number | undefined>;
  /** What the match on a set of ipset asks for; undefined: it is not known. */
  readonly ipset: (query: Omit<SetQuery, "family">) => Exclude<SetAnswer, { kind: "unknown" }> | undefined;
}

export interface MatchReader {
  /** Options and the number of their words. */
  readonly options: Readonly<Record<string, number>>;
  /** Other names of options. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The steps; undefined when it is not understood; a text that says what was expected when iptables refuses it. */
  readonly read: (unit: Unit, scope: MatchScope) => MatchRead;
}

/** One step for each option, by name. An option that is not in `readers` makes the whole match opaque. */
function each(
  readers: Readonly<Record<string, (option: OptionText, scope: MatchScope) => MatchRead>>,
): MatchReader["read"] {
  return ({ options }, scope) => {
    let lists: Step[][] = [[]];
    for (const option of options) {
      const read = meaningOf(readers, option.name);
      const found = read === undefined ? undefined : read(option, scope);
      if (typeof found !== "object") return found;
      lists = combine(lists, listsOf(found));
    }
    const [only = [], ...more] = lists;
    return more.length === 0 ? only : { either: lists };
  };
}

// --- values ------------------------------------------------------------------------------------------------------------

/** `field` is in `interval`, or is not. */
export function testInterval(
  field: Expression,
  interval: Interval,
  negated: boolean,
): Extract<Match, { kind: "compare" | "within" }> {
  if (interval.from !== interval.to) return within(field, [interval], negated);
  return { kind: "compare", left: field, operator: negated ? "!=" : "==", right: interval.from };
}

/** `field` is in one of `intervals`, or in none. */
export function testIntervals(field: Expression, intervals: readonly Interval[], negated: boolean): Match {
  const merged = mergeIntervals(intervals);
  const [only] = merged;
  return merged.length === 1 && only !== undefined
    ? testInterval(field, only, negated)
    : within(field, merged, negated);
}

const EXPECTED_PORT = "expected a port or the name of a service";

/** `80`, `80:90`, `:90`, `80:`, names of services; undefined for anything else. */
function parsePorts(text: string, separator = ":"): Interval | undefined {
  // Names of services may hold a "-", ranges are written with ":".
  const parts = text.split(separator);
  if (parts.length > 2 || text === "") return undefined;
  const [first = "", second = first] = parts;
  const from = first === "" && parts.length === 2 ? 0 : parseServicePort(first);
  const to = second === "" && parts.length === 2 ? 65535 : parseServicePort(second);
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

function transport(protocol: "tcp" | "udp" | "sctp" | "th", field: "sport" | "dport"): Expression {
  return { kind: "transport", protocol, field };
}

/** An unsigned number of at most `bits` bits, decimal, octal or hexadecimal as strtoul reads it. */
export function parseUnsigned(text: string, bits = 32): number | undefined {
  if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) return undefined;
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return value < 2 ** bits ? value : undefined;
}

/** `VALUE` or `VALUE/MASK`. */
export function parseMarkAndMask(text: string): { readonly value: number; readonly mask: number } | undefined {
  const [first = "", second] = text.split("/");
  const value = parseUnsigned(first);
  const mask = second === undefined ? 0xffffffff : parseUnsigned(second);
  return value === undefined || mask === undefined || text.split("/").length > 2 ? undefined : { value, mask };
}

/** `field & mask == value`, or not. */
export function testMasked(field: Expression, mask: Value, value: Value, negated: boolean, all = 0xffffffff): Match {
  const xor = typeof mask === "bigint" ? 0n : 0;
  const left: Expression = mask === all ? field : { kind: "bitwise", operand: field, mask, xor };
  return { kind: "compare", left, operator: negated ? "!=" : "==", right: value };
}

function markTest(field: Expression): (option: OptionText) => Step[] | string {
  return ({ values: [text = ""], negated }) => {
    const parsed = parseMarkAndMask(text);
    return parsed === undefined
      ? "expected a mark, or mark/mask, of 32 bits"
      : [testMasked(field, parsed.mask, parsed.value, negated)];
  };
}

/** `a-b` or one number. */
function parseNumberRange(text: string, separator: string, bits: number): Interval | undefined {
  const [first = "", second = first, ...more] = text.split(separator);
  const from = parseUnsigned(first, bits);
  const to = parseUnsigned(second, bits);
  return from === undefined || to === undefined || from > to || more.length > 0 ? undefined : { from, to };
}

/** The bits of a comma list; undefined when a word is none. */
function parseBits(text: string, bits: Readonly<Record<string, number>>): number | undefined {
  let mask = 0;
  for (const word of text.split(",")) {
    const bit = meaningOf(bits, word.toUpperCase());
    if (bit === undefined) return undefined;
    mask |= bit;
  }
  return mask;
}

// --- transport ---------------------------------------------------------------------------------------------------------

function portOption(protocol: "tcp" | "udp" | "sctp", field: "sport" | "dport") {
  return ({ values: [text = ""], negated }: OptionText): Step[] | string => {
    const ports = parsePorts(text);
    if (ports === undefined) return EXPECTED_PORT;
    return ports.from === 0 && ports.to === 65535 && !negated
      ? []
      : [testInterval(transport(protocol, field), ports, negated)];
  };
}

const PORT_ALIASES = { "--source-port": "--sport", "--destination-port": "--dport" };

const FLAGS: Readonly<Record<string, number>> = {
  NONE: 0,
  ALL: 63,
  FIN: TCP_FLAG.fin,
  SYN: TCP_FLAG.syn,
  RST: TCP_FLAG.rst,
  PSH: TCP_FLAG.psh,
  ACK: TCP_FLAG.ack,
  URG: TCP_FLAG.urg,
};

const TCP_FLAGS_FIELD = { kind: "header", field: "tcp flags" } as const satisfies Expression;

function flagsTest(mask: number, value: number, negated: boolean): Step {
  return testMasked(TCP_FLAGS_FIELD, mask, value, negated, 255);
}

const tcp: MatchReader = {
  options: { "--sport": 1, "--dport": 1, "--tcp-flags": 2, "--syn": 0, "--tcp-option": 1 },
  aliases: PORT_ALIASES,
  read: each({
    "--sport": portOption("tcp", "sport"),
    "--dport": portOption("tcp", "dport"),
    "--syn": ({ negated }) => [flagsTest(FLAG_SYN_MASK, TCP_FLAG.syn, negated)],
    "--tcp-flags": ({ values: [first = "", second = ""], negated }) => {
      const mask = parseBits(first, FLAGS);
      const value = parseBits(second, FLAGS);
      if (mask === undefined || value === undefined)
        return "expected two lists of SYN, ACK, FIN, RST, URG, PSH, ALL, NONE";
      return [flagsTest(mask, value, negated)];
    },
  }),
};

const FLAG_SYN_MASK = TCP_FLAG.syn | TCP_FLAG.rst | TCP_FLAG.ack | TCP_FLAG.fin;

function ports(protocol: "udp" | "sctp"): MatchReader {
  return {
    options: { "--sport": 1, "--dport": 1, ...(protocol === "sctp" ? { "--chunk-types": 2 } : {}) },
    aliases: PORT_ALIASES,
    read: each({ "--sport": portOption(protocol, "sport"), "--dport": portOption(protocol, "dport") }),
  };
}

function icmp(
  header: "icmp" | "icmpv6",
  option: string,
  names: Readonly<Record<string, readonly [number, number?]>>,
): MatchReader {
  const type = { kind: "header", field: `${header} type` } as const satisfies Expression;
  const code = { kind: "header", field: `${header} code` } as const satisfies Expression;
  return {
    options: { [option]: 1 },
    read: each({
      [option]: ({ values: [text = ""], negated }) => {
        if (text === "any" || /^255(\/|$)/.test(text)) return negated ? undefined : [];
        const found = parseIcmp(text, names);
        if (found === undefined)
          return `expected a type of ICMP, such as ${header === "icmp" ? "8, 3/4" : "128, 1/4"} or echo-request`;
        const [wantedType, wantedCode] = found;
        const ofType = equal(type, wantedType);
        const ofOther = testInterval(type, { from: wantedType, to: wantedType }, true);
        if (wantedCode === undefined) return [negated ? ofOther : ofType];
        if (!negated) return [ofType, equal(code, wantedCode)];
        return either(ofOther, ofType, testInterval(code, { from: wantedCode, to: wantedCode }, true));
      },
    }),
  };
}

function parseIcmp(
  text: string,
  names: Readonly<Record<string, readonly [number, number?]>>,
): readonly [number, number?] | undefined {
  const lower = text.toLowerCase();
  const matching = Object.keys(names).filter((name) => name.toLowerCase().startsWith(lower));
  const exact = Object.keys(names).find((name) => name.toLowerCase() === lower);
  const name = exact ?? (matching.length === 1 ? matching[0] : undefined);
  if (name !== undefined) return names[name];
  const [first = "", second, ...more] = text.split("/");
  const type = parseUnsigned(first, 8);
  const code = second === undefined ? undefined : parseUnsigned(second, 8);
  if (type === undefined || more.length > 0 || (second !== undefined && code === undefined)) return undefined;
  return code === undefined ? [type] : [type, code];
}

/** Which header multiport looks into; others have ports too, but the IR has no field for them. */
const WITH_PORTS: ReadonlyMap<number, "tcp" | "udp" | "sctp"> = new Map([
  [6, "tcp"],
  [17, "udp"],
  [132, "sctp"],
]);

function multiportOption(field: "sport" | "dport" | undefined) {
  return ({ values: [text = ""], negated }: OptionText, { protocol }: MatchScope): MatchRead => {
    const list = text.split(",").map((part) => parsePorts(part));
    const intervals = list.flatMap((interval) => interval ?? []);
    if (intervals.length < list.length) return `${EXPECTED_PORT}, at most 15 of them`;
    const slots = intervals.reduce((sum, { from, to }) => sum + (from === to ? 1 : 2), 0);
    if (slots > 15) return "expected at most 15 ports; a range counts as two";
    const header = protocol === undefined ? undefined : WITH_PORTS.get(protocol);
    if (header === undefined) return undefined;
    if (field !== undefined) return [testIntervals(transport(header, field), intervals, negated)];
    const [source, destination] = [transport(header, "sport"), transport(header, "dport")];
    const isOther = testIntervals(source, intervals, true);
    return negated
      ? [isOther, testIntervals(destination, intervals, true)]
      : either(testIntervals(source, intervals, false), isOther, testIntervals(destination, intervals, false));
  };
}

const multiport: MatchReader = {
  options: { "--sports": 1, "--dports": 1, "--ports": 1 },
  aliases: { "--source-ports": "--sports", "--destination-ports": "--dports", "--port": "--ports" },
  read: each({
    "--sports": multiportOption("sport"),
    "--dports": multiportOption("dport"),
    "--ports": multiportOption(undefined),
  }),
};

// --- connection tracking -----------------------------------------------------------------------------------------------

const STATE_FIELD = { kind: "ct", key: "state" } as const satisfies Expression;
const STATUS_FIELD = { kind: "ct", key: "status" } as const satisfies Expression;

const STATES: Readonly<Record<string, number>> = {
  INVALID: CT_STATE.invalid,
  NEW: CT_STATE.new,
  RELATED: CT_STATE.related,
  ESTABLISHED: CT_STATE.established,
  UNTRACKED: CT_STATE.untracked,
};

/** States that are derived from the connection's status. */
const NAT_STATES: Readonly<Record<string, number>> = { SNAT: CT_STATUS.snat, DNAT: CT_STATUS.dnat };

const STATUSES: Readonly<Record<string, number>> = {
  NONE: 0,
  EXPECTED: CT_STATUS.expected,
  SEEN_REPLY: CT_STATUS["seen-reply"],
  ASSURED: CT_STATUS.assured,
  CONFIRMED: CT_STATUS.confirmed,
};

const EXPECTED_STATE = "expected states: INVALID, NEW, ESTABLISHED, RELATED, UNTRACKED, SNAT or DNAT";

/** A list of states is true when the packet has one of them. */
function stateOption({ values: [text = ""], negated }: OptionText, { table }: MatchScope): MatchRead {
  const states = parseBits(text, { ...STATES, ...zeroed(NAT_STATES) });
  const statuses = parseBits(text, { ...NAT_STATES, ...zeroed(STATES) });
  if (states === undefined || statuses === undefined) return EXPECTED_STATE;
  if (statuses === 0) return [negated ? noBit(STATE_FIELD, states) : anyBit(STATE_FIELD, states)];
  const hasStatus = anyBit(STATUS_FIELD, statuses);
  if (!negated)
    return states === 0 ? [hasStatus] : either(anyBit(STATE_FIELD, states), noBit(STATE_FIELD, states), hasStatus);
  // A packet without a connection has no status: the negation holds (conntrack_mt). NAT chains never see such packets.
  const noStatus: Step =
    table === "nat" ? noBit(STATUS_FIELD, statuses) : { ...noBit(STATUS_FIELD, statuses), orAbsent: true };
  return states === 0 ? [noStatus] : [noBit(STATE_FIELD, states), noStatus];
}

function zeroed(bits: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.keys(bits).map((name) => [name, 0]));
}

function connectionAddress(key: "original-saddr" | "original-daddr" | "reply-saddr" | "reply-daddr") {
  return ({ values: [text = ""], negated }: OptionText, { family }: MatchScope): Step[] | string => {
    const interval = parseBlock(text, family);
    if (interval === undefined) return "expected an address or address/length";
    return [testInterval({ kind: "ct", key }, interval, negated)];
  };
}

function connectionPort(key: `${"original" | "reply"}-proto-${"src" | "dst"}`) {
  return ({ values: [text = ""], negated }: OptionText): Step[] | string => {
    const interval = parsePorts(text);
    return interval === undefined ? EXPECTED_PORT : [testInterval({ kind: "ct", key }, interval, negated)];
  };
}

const conntrackOptions = each({
  "--ctstate": stateOption,
  "--ctproto": ({ values: [text = ""], negated }) => {
    const protocol = parseProtocol(text);
    return protocol === undefined
      ? "expected a protocol"
      : [testInterval({ kind: "ct", key: "original-protocol" }, { from: protocol, to: protocol }, negated)];
  },
  "--ctorigsrc": connectionAddress("original-saddr"),
  "--ctorigdst": connectionAddress("original-daddr"),
  "--ctorigsrcport": connectionPort("original-proto-src"),
  "--ctorigdstport": connectionPort("original-proto-dst"),
  "--ctreplsrc": connectionAddress("reply-saddr"),
  "--ctrepldst": connectionAddress("reply-daddr"),
  "--ctreplsrcport": connectionPort("reply-proto-src"),
  "--ctrepldstport": connectionPort("reply-proto-dst"),
  "--ctstatus": ({ values: [text = ""], negated }) => {
    const mask = parseBits(text, STATUSES);
    if (mask === undefined) return "expected NONE, EXPECTED, SEEN_REPLY, ASSURED or CONFIRMED";
    // No bit of none is set: never, or always where there is a connection.
    return [negated ? noBit(STATUS_FIELD, mask) : anyBit(STATUS_FIELD, mask)];
  },
  "--ctdir": ({ values: [text = ""] }) => {
    const direction = ["ORIGINAL", "REPLY"].indexOf(text.toUpperCase());
    return direction < 0 ? "expected ORIGINAL or REPLY" : [equal({ kind: "ct", key: "direction" }, direction)];
  },
});

const conntrack: MatchReader = {
  options: {
    "--ctstate": 1,
    "--ctproto": 1,
    "--ctorigsrc": 1,
    "--ctorigdst": 1,
    "--ctreplsrc": 1,
    "--ctrepldst": 1,
    "--ctorigsrcport": 1,
    "--ctorigdstport": 1,
    "--ctreplsrcport": 1,
    "--ctrepldstport": 1,
    "--ctstatus": 1,
    "--ctexpire": 1,
    "--ctdir": 1,
  },
  read: (unit, scope) => {
    // Without a connection only the state is compared; the other options count as true then (conntrack_mt).
    const state = unit.options.find(({ name }) => name === "--ctstate");
    const mayHaveNone =
      state !== undefined &&
      (state.negated || /INVALID|UNTRACKED/i.test(state.values[0] ?? "")) &&
      scope.table !== "nat";
    return unit.options.length > 1 && mayHaveNone ? undefined : conntrackOptions(unit, scope);
  },
};

const state: MatchReader = {
  options: { "--state": 1 },
  read: each({
    "--state": (option, scope) =>
      /SNAT|DNAT/i.test(option.values[0] ?? "") ? EXPECTED_STATE : stateOption(option, scope),
  }),
};

// --- addresses ---------------------------------------------------------------------------------------------------------

/** An address, `address/length` or `address/mask`; undefined also where the mask is no prefix. */
export function parseBlock(text: string, family: "ip" | "ip6"): Interval | undefined {
  const parsed = parseMasked(text, family);
  if (parsed === undefined) return undefined;
  const { address, mask } = parsed;
  const length = prefixLength(mask);
  if (length === undefined) return undefined;
  return prefixRange({ address: address as Parameters<typeof prefixRange>[0]["address"], length });
}

export interface Masked {
  /** With the bits outside of the mask cleared. */
  readonly address: Value;
  readonly mask: Value;
}

/** `address`, `address/length`, `address/mask` of `family`, as numbers. */
export function parseMasked(text: string, family: "ip" | "ip6"): Masked | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined || (typeof address === "number") !== (family === "ip")) return undefined;
  const mask = slash < 0 ? allOnes(family) : parseMask(text.slice(slash + 1), family);
  if (mask === undefined) return undefined;
  return typeof address === "number" && typeof mask === "number"
    ? { address: (address & mask) >>> 0, mask }
    : { address: (address as bigint) & (mask as bigint), mask };
}

function allOnes(family: "ip" | "ip6"): Value {
  return family === "ip" ? 0xffffffff : (1n << 128n) - 1n;
}

function parseMask(text: string, family: "ip" | "ip6"): Value | undefined {
  const bits = family === "ip" ? 32 : 128;
  if (/^[0-9]{1,3}$/.test(text)) {
    const length = Number(text);
    if (length > bits) return undefined;
    return family === "ip"
      ? length === 0
        ? 0
        : (-1 << (32 - length)) >>> 0
      : ((1n << BigInt(length)) - 1n) << BigInt(128 - length);
  }
  const mask = parseAddress(text);
  return mask !== undefined && (typeof mask === "number") === (family === "ip") ? mask : undefined;
}

/** The length of a mask whose set bits are the leading ones. */
export function prefixLength(mask: Value): number | undefined {
  if (typeof mask === "number") {
    const others = ~mask >>> 0;
    return (others & (others + 1)) === 0 ? Math.clz32(others) : undefined;
  }
  const text = mask.toString(2).padStart(128, "0");
  return /^1*0*$/.test(text) ? (text.indexOf("0") < 0 ? text.length : text.indexOf("0")) : undefined;
}

function rangeOption(field: "saddr" | "daddr") {
  return ({ values: [text = ""], negated }: OptionText, { family }: MatchScope): Step[] | string => {
    const [first = "", second = first] = text.split("-");
    const from = parseAddress(first);
    const to = parseAddress(second);
    const wanted = family === "ip" ? "number" : "bigint";
    if (from === undefined || to === undefined || typeof from !== wanted || typeof to !== wanted || from > to)
      return "expected a range of addresses, FROM-TO";
    return [testInterval(addressField(family === "ip" ? "IPv4" : "IPv6", field), { from, to }, negated)];
  };
}

const iprange: MatchReader = {
  options: { "--src-range": 1, "--dst-range": 1 },
  read: each({ "--src-range": rangeOption("saddr"), "--dst-range": rangeOption("daddr") }),
};

function typeOption(of: "saddr" | "daddr") {
  return (option: OptionText, { family }: MatchScope): MatchRead => {
    if (family === "ip6") return typeOfIpv6(option);
    const {
      values: [text = ""],
      negated,
    } = option;
    const intervals: Interval[] = [];
    for (const word of text.split(",")) {
      const type = meaningOf<number>(ADDRESS_TYPE, word.toLowerCase());
      if (/^(throw|nat|xresolve)$/i.test(word)) return undefined; // no route has them
      if (type === undefined) return "expected types of addresses, such as LOCAL or BROADCAST";
      intervals.push({ from: type, to: type });
    }
    return [testIntervals({ kind: "fib", of, result: "type" }, intervals, negated)];
  };
}

const readTypes = each({ "--src-type": typeOption("saddr"), "--dst-type": typeOption("daddr") });

const addrtype: MatchReader = {
  options: { "--src-type": 1, "--dst-type": 1, "--limit-iface-in": 0, "--limit-iface-out": 0 },
  read: (unit, scope) => {
    const limit = unit.options.find(({ name }) => name.startsWith("--limit-iface"));
    if (limit === undefined) return readTypes(unit, scope);
    const [type, ...more] = unit.options.filter((option) => option !== limit);
    return type === undefined || more.length > 0 ? undefined : readLimited(type, limit, scope);
  },
};

/** The type that an address has on one interface: an address that is local, or a broadcast, on another is unicast there
 *  (inet_dev_addr_type). On which interface it is, is not known. The unknown part has nft's name. */
function readLimited(type: OptionText, limit: OptionText, { family }: MatchScope): MatchRead {
  const of = type.name === "--src-type" ? "saddr" : "daddr";
  const field = { kind: "fib", of, result: "type" } as const;
  const word = type.values[0]?.toLowerCase() ?? "";
  const spelled = `-m addrtype ${type.negated ? "! " : ""}${type.name} ${word.toUpperCase()} ${limit.name}`;
  const onInterface = (name: string, negated: boolean): Step => {
    const text = `fib ${of} . ${limit.name === "--limit-iface-in" ? "iif" : "oif"} type ${name}`;
    return { kind: "opaque", text, negated, spelled };
  };
  const { local, unicast, multicast } = ADDRESS_TYPE;
  const isLocal = equal(field, local);
  const address = addressField("IPv4", of);
  switch (word) {
    case "local": {
      const other: Step = { kind: "compare", left: field, operator: "!=", right: local };
      return type.negated
        ? { either: [[other], [isLocal, onInterface("local", true)]] }
        : [isLocal, onInterface("local", false)];
    }
    case "unicast": {
      if (family === "ip6") return typeOfIpv6(type);
      const plain = [unicast, local, multicast].map((known) => ({ from: known, to: known }));
      return {
        either: [
          [equal(field, type.negated ? multicast : unicast)],
          [isLocal, onInterface("local", !type.negated)],
          ...(type.negated ? [[within(field, plain, true), equal(address, LIMITED_BROADCAST)]] : []),
          [
            within(field, plain, true),
            { kind: "compare", left: address, operator: "!=", right: LIMITED_BROADCAST },
            onInterface("unicast", type.negated),
          ],
        ],
      };
    }
    case "multicast":
      return family === "ip6"
        ? typeOfIpv6(type)
        : [testInterval(field, { from: multicast, to: multicast }, type.negated)];
    case "broadcast": {
      if (family === "ip6") return typeOfIpv6(type);
      // These are so on every interface; those of a network on its own only.
      const everywhere = [0, LIMITED_BROADCAST].map((known) => ({ from: known, to: known }));
      const others: Step[] = [within(address, everywhere, true), equal(field, ADDRESS_TYPE.broadcast)];
      const onIt = onInterface("broadcast", type.negated);
      return type.negated
        ? {
            either: [
              [
                within(address, everywhere, true),
                { kind: "compare", left: field, operator: "!=", right: ADDRESS_TYPE.broadcast },
              ],
              [...others, onIt],
            ],
          }
        : { either: [[within(address, everywhere, false)], [...others, onIt]] };
    }
    default:
      return undefined;
  }
}

const LIMITED_BROADCAST = 0xffffffff;

const mac: MatchReader = {
  options: { "--mac-source": 1 },
  read: each({
    "--mac-source": ({ values: [text = ""], negated }) => {
      if (!/^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(text))
        return "expected a hardware address, such as 02:00:00:00:00:01";
      const value = text.split(":").reduce((sum, octet) => sum * 256 + Number.parseInt(octet, 16), 0);
      return [testInterval({ kind: "header", field: "ether saddr" }, { from: value, to: value }, negated)];
    },
  }),
};

// --- the packet and its socket -----------------------------------------------------------------------------------------

/** A number or a range; a name is looked up on the host. Without a socket a negated test holds (owner_mt): `meta skuid !=` does
 *  not hold then. */
function ownerOption(key: "skuid" | "skgid") {
  return ({ values: [text = ""], negated }: OptionText): Step[] | undefined | string => {
    if (!/^[0-9]/.test(text)) return undefined;
    const interval = parseNumberRange(text, "-", 32);
    // The last number is nobody's.
    if (interval === undefined || interval.to === 0xffffffff) return "expected a number, or FROM-TO from the lower one";
    const test = testInterval({ kind: "meta", key }, interval, negated);
    return [negated ? { ...test, orAbsent: true } : test];
  };
}

const owner: MatchReader = {
  options: { "--uid-owner": 1, "--gid-owner": 1, "--socket-exists": 0, "--suppl-groups": 0 },
  read: each({ "--uid-owner": ownerOption("skuid"), "--gid-owner": ownerOption("skgid") }),
};

/** Names of code points, as iptables has them; nft has the same numbers. */
const DSCP_CLASSES: Readonly<Record<string, number>> = {
  BE: 0,
  EF: 46,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`CS${i}`, 8 * i])),
  ...Object.fromEntries([1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`AF${c}${d}`, 8 * c + 2 * d]))),
};

function dscpOption(parse: (text: string) => number | undefined) {
  return ({ values: [text = ""], negated }: OptionText, { family }: MatchScope): Step[] | string => {
    const value = parse(text);
    if (value === undefined) return "expected a code point from 0 to 63, or a class such as CS1, AF41, EF, BE";
    const field = family === "ip" ? "ip dscp" : "ip6 dscp";
    return [testInterval({ kind: "header", field }, { from: value, to: value }, negated)];
  };
}

const dscp: MatchReader = {
  options: { "--dscp": 1, "--dscp-class": 1 },
  read: each({
    "--dscp": dscpOption((text) => parseUnsigned(text, 6)),
    "--dscp-class": dscpOption((text) => meaningOf(DSCP_CLASSES, text.toUpperCase())),
  }),
};

const pkttype: MatchReader = {
  options: { "--pkt-type": 1 },
  read: each({
    "--pkt-type": ({ values: [text = ""], negated }) => {
      const names: Readonly<Record<string, number>> = { ...PACKET_TYPE, host: 0, bcast: 1, mcast: 2, otherhost: 3 };
      const type = meaningOf(names, text.toLowerCase());
      return type === undefined
        ? "expected unicast, broadcast or multicast"
        : [testInterval({ kind: "meta", key: "pkttype" }, { from: type, to: type }, negated)];
    },
  }),
};

const statistic: MatchReader = {
  options: { "--mode": 1, "--probability": 1, "--every": 1, "--packet": 1 },
  read: ({ options }) => {
    const probability = options.find(({ name }) => name === "--probability");
    const mode = options.find(({ name }) => name === "--mode")?.values[0];
    if (mode !== "random" && mode !== "nth") return "expected --mode random or --mode nth";
    if (mode !== "random" || options.some(({ name }) => name === "--every" || name === "--packet")) return undefined;
    const value = Number(probability?.values[0] ?? "");
    if (probability === undefined || !(value >= 0 && value <= 1))
      return "expected --probability and a number from 0 to 1";
    // lround(0x80000000 * p), as iptables stores it.
    const numerator = Math.round(value * 2 ** 31);
    return [{ kind: "chance", numerator: probability.negated ? 2 ** 31 - numerator : numerator }];
  },
};

const LENGTH_FIELDS = { ip: { kind: "header", field: "ip length" } } as const satisfies Record<string, Expression>;

const length: MatchReader = {
  options: { "--length": 1 },
  read: each({
    "--length": ({ values: [text = ""], negated }, { family }) => {
      const interval = parsePorts(text);
      if (interval === undefined) return "expected a length or FROM:TO";
      return family === "ip6" ? undefined : [testInterval(LENGTH_FIELDS.ip, interval, negated)];
    },
  }),
};

function hopOption(field: Expression, operator: "==" | "<" | ">") {
  return ({ values: [text = ""], negated }: OptionText): Step[] | string => {
    const value = parseUnsigned(text, 8);
    if (value === undefined) return "expected a number from 0 to 255";
    return [{ kind: "compare", left: field, operator: negated ? "!=" : operator, right: value }];
  };
}

function hops(prefix: "ttl" | "hl", field: Expression): MatchReader {
  return {
    options: { [`--${prefix}-eq`]: 1, [`--${prefix}-lt`]: 1, [`--${prefix}-gt`]: 1 },
    aliases: { [`--${prefix}`]: `--${prefix}-eq` },
    read: each({
      [`--${prefix}-eq`]: hopOption(field, "=="),
      [`--${prefix}-lt`]: hopOption(field, "<"),
      [`--${prefix}-gt`]: hopOption(field, ">"),
    }),
  };
}

// --- lists that rules fill ---------------------------------------------------------------------------------------------

/** Lists that are nothing but affinity: clients are entered, and found again within a time. */
const recent: MatchReader = {
  options: {
    "--set": 0,
    "--rcheck": 0,
    "--update": 0,
    "--remove": 0,
    "--seconds": 1,
    "--reap": 0,
    "--hitcount": 1,
    "--rttl": 0,
    "--name": 1,
    "--rsource": 0,
    "--rdest": 0,
    "--mask": 1,
  },
  read: ({ options }, { family, affinity }) => {
    const list = recentName(options);
    if (!affinity.has(list)) return undefined;
    const key = addressField(family === "ip" ? "IPv4" : "IPv6", "saddr");
    const verb = options.find(({ name }) => name === "--set" || name === "--rcheck" || name === "--update");
    const remember: Step = { kind: "remember", operation: "update", set: list, key };
    const found: Step = { kind: "member", key, negated: verb?.negated ?? false, set: list };
    if (verb?.name === "--set") return [remember];
    return verb?.name === "--update" ? [found, remember] : [found];
  },
};

/** Whether counters are counted makes no difference to packets. */
const set: MatchReader = {
  options: {
    "--match-set": 2,
    "--return-nomatch": 0,
    "--update-counters": 0,
    "--update-subcounters": 0,
    "--packets-eq": 1,
    "--packets-lt": 1,
    "--packets-gt": 1,
    "--bytes-eq": 1,
    "--bytes-lt": 1,
    "--bytes-gt": 1,
  },
  aliases: { "--set": "--match-set" },
  read: ({ options }, { protocol, ipset }) => {
    const [match, ...more] = options.filter(({ name }) => !/^--update-/.test(name));
    if (match === undefined) return "expected --match-set, a set and directions, such as src,dst";
    const [name = "", directions = ""] = match.values;
    if (!/^(src|dst)(,(src|dst))*$/.test(directions)) return "expected directions: src and dst, by commas";
    if (match.name !== "--match-set" || more.length > 0) return undefined;
    const answer = ipset({ set: name, directions: directions.split(","), protocol });
    if (answer === undefined) return undefined;
    const { negated } = match;
    if (answer.kind === "never") return negated ? [] : [{ kind: "chance", numerator: 0 }];
    const { key, declaration } = answer;
    return [{ kind: "member", key, negated, set: declaration.name, ...(negated ? { orAbsent: true } : {}) }];
  },
};

export function recentName(options: readonly OptionText[]): string {
  return options.find(({ name }) => name === "--name")?.values[0] ?? "DEFAULT";
}

/** The seconds of a use of a list that is plain affinity by source (undefined: no limit), or `other`. */
export function affinityOf(options: readonly OptionText[]): number | undefined | "other" | "set" {
  const names = new Set(options.map(({ name }) => name));
  const plain = ["--set", "--rcheck", "--update", "--seconds", "--reap", "--name", "--rsource", "--mask"];
  const mask = options.find(({ name }) => name === "--mask")?.values[0] ?? "";
  if ([...names].some((name) => !plain.includes(name)) || !/^(|255\.255\.255\.255|(ffff:){7}ffff)$/.test(mask))
    return "other";
  if (options.some(({ name, negated }) => negated && name !== "--rcheck")) return "other";
  if (names.has("--set")) return names.has("--seconds") ? "other" : "set";
  const seconds = options.find(({ name }) => name === "--seconds")?.values[0];
  return seconds === undefined ? undefined : (parseUnsigned(seconds) ?? "other");
}

/** `5/m`, `5/minute` and `5/min` are one rate; the burst of 5 is what it is anyway. */
const limit: MatchReader = {
  options: { "--limit": 1, "--limit-burst": 1 },
  read: ({ options }) => {
    const rate =
      /^([0-9]+)(?:\/(s|se|sec|seco|secon|second|m|mi|min|minu|minut|minute|h|ho|hou|hour|d|da|day))?$/i.exec(
        options.find(({ name }) => name === "--limit")?.values[0] ?? "3/hour",
      );
    const burst = options.find(({ name }) => name === "--limit-burst")?.values[0] ?? "5";
    if (rate === null || Number(rate[1]) === 0) return "expected a rate, such as 5/minute";
    const unit = { s: "sec", m: "min", h: "hour", d: "day" }[(rate[2] ?? "s").slice(0, 1).toLowerCase()];
    const text = `-m limit --limit ${rate[1]}/${unit}${burst === "5" ? "" : ` --limit-burst ${burst}`}`;
    return [{ kind: "opaque", text, negated: false }];
  },
};

/** By the name behind `-m`. */
export const MATCH_READERS: Readonly<Record<string, MatchReader>> = {
  tcp,
  udp: ports("udp"),
  sctp: ports("sctp"),
  icmp: icmp("icmp", "--icmp-type", ICMP_TYPES),
  icmp6: icmp("icmpv6", "--icmpv6-type", ICMPV6_TYPES),
  multiport,
  conntrack,
  state,
  mark: { options: { "--mark": 1 }, read: each({ "--mark": markTest({ kind: "meta", key: "mark" }) }) },
  connmark: { options: { "--mark": 1 }, read: each({ "--mark": markTest({ kind: "ct", key: "mark" }) }) },
  iprange,
  addrtype,
  mac,
  owner,
  dscp,
  pkttype,
  statistic,
  length,
  ttl: hops("ttl", { kind: "header", field: "ip ttl" }),
  hl: hops("hl", { kind: "header", field: "ip6 hoplimit" }),
  recent,
  limit,
  set,
};
