/** What the targets of iptables do. */

import { shiftNumber } from "../../ir/bits.ts";
import type {
  Expression,
  Interval,
  NatRandom,
  NatTarget,
  RejectWith,
  Statement,
  WritableField,
} from "../../ir/types.ts";
import { type Address, parseAddress } from "../../net/address.ts";
import { parseServicePort } from "../../net/service-names.ts";
import { meaningOf } from "../../words.ts";
import type { OptionText } from "./grammar.ts";
import { type MatchScope, parseBlock, parseMarkAndMask, parseUnsigned, type Unit } from "./matches.ts";
import { REJECT_TYPES } from "./words.ts";

export interface TargetReader {
  readonly options: Readonly<Record<string, number>>;
  readonly aliases?: Readonly<Record<string, string>>;
  /** The statement; undefined when it is not understood; a text that says what was expected when iptables refuses it. */
  readonly read: (unit: Unit, scope: MatchScope) => Statement | undefined | string;
}

const MARK = { kind: "meta", key: "mark" } as const satisfies WritableField;
const CT_MARK = { kind: "ct", key: "mark" } as const satisfies WritableField;
export const CT_STATE_FIELD = { kind: "ct", key: "state" } as const satisfies WritableField;

function verdict(kind: "accept" | "drop" | "return"): TargetReader {
  return { options: {}, read: () => ({ kind: "verdict", verdict: { kind } }) };
}

// --- translation -------------------------------------------------------------------------------------------------------

const RANDOM_OPTIONS = { "--random": 0, "--random-fully": 0, "--persistent": 0 };

function natOptions(options: readonly OptionText[]): { readonly random: NatRandom; readonly persistent?: true } {
  const has = (wanted: string): boolean => options.some(({ name }) => name === wanted);
  const random = has("--random-fully") ? "fully-random" : has("--random") ? "random" : "none";
  return { random, ...(has("--persistent") ? { persistent: true } : {}) };
}

function nat(kind: "dnat" | "snat"): TargetReader {
  const option = kind === "dnat" ? "--to-destination" : "--to-source";
  return {
    options: { [option]: 1, ...RANDOM_OPTIONS },
    read: ({ options }, { family }) => {
      const [to] = options.filter(({ name }) => name === option);
      if (to === undefined) return `expected ${option} and an address`;
      const target = parseNatTarget(to.values[0] ?? "", family);
      if (target === undefined)
        return `expected an address of ${family === "ip" ? "IPv4" : "IPv6"}, a range of them, with ports or not`;
      return { kind, to: kind === "snat" ? withoutBase(target) : target, ...natOptions(options) };
    },
  };
}

/** iptables 1.8.9 takes the base of shifted ports of a source, and does not pass it on (it lists 0). */
function withoutBase(target: LiteralTarget): NatTarget {
  return target.base === undefined ? target : { ...target, base: 0 };
}

type LiteralTarget = Extract<NatTarget, { kind: "literal" }>;

/** `ADDRESS`, `FROM-TO`, `ADDRESS:PORT`, `:FROM-TO`, `:FROM-TO/BASE`; IPv6 addresses with ports in brackets. */
function parseNatTarget(text: string, family: "ip" | "ip6"): LiteralTarget | undefined {
  const pattern =
    family === "ip"
      ? /^([0-9.-]*)(?::([A-Za-z0-9/-]+))?$/
      : /^(?:\[([^\]]*)\]|([0-9A-Fa-f:.-]*?))(?:(?<=\]|^):([A-Za-z0-9/-]+))?$/;
  const found = pattern.exec(text.replace(/\]-\[/, "-"));
  if (found === null) return undefined;
  const addressText = (family === "ip" ? found[1] : (found[1] ?? found[2])) ?? "";
  const portText = family === "ip" ? found[2] : found[3];
  const addresses = addressText === "" ? undefined : parseAddressRange(addressText, family);
  const ports = portText === undefined ? undefined : parseShiftedPorts(portText);
  if ((addressText !== "" && addresses === undefined) || (portText !== undefined && ports === undefined))
    return undefined;
  if (addresses === undefined && ports === undefined) return undefined;
  return { kind: "literal", ...(addresses === undefined ? {} : { addresses }), ...ports };
}

/** `PORT`, `FROM-TO` or `FROM-TO/BASE`. */
function parseShiftedPorts(text: string): Pick<LiteralTarget, "ports" | "base"> | undefined {
  const [, range = text, baseText] = /^([0-9]+-[0-9]+)\/(.+)$/.exec(text) ?? [];
  const ports = parsePortRange(range);
  const base = baseText === undefined ? undefined : parseServicePort(baseText);
  if (ports === undefined || base === 0 || (baseText !== undefined && base === undefined)) return undefined;
  return { ports, ...(base === undefined ? {} : { base }) };
}

function parseAddressRange(text: string, family: "ip" | "ip6"): Interval | undefined {
  const [first = "", second = first, ...more] = text.split("-");
  const isOfFamily = (address: Address | undefined): address is Address =>
    address !== undefined && (typeof address === "number") === (family === "ip");
  const from = parseAddress(first);
  const to = parseAddress(second);
  return isOfFamily(from) && isOfFamily(to) && from <= to && more.length === 0 ? { from, to } : undefined;
}

function parsePortRange(text: string): Interval | undefined {
  const named = parseServicePort(text); // a name may hold a dash
  if (named !== undefined) return { from: named, to: named };
  // The ends of a range are numbers (libxt_NAT).
  const [, first, second] = /^([0-9]+)-([0-9]+)$/.exec(text) ?? [];
  const [from, to] = [first, second].map((port) => (port === undefined ? undefined : parseServicePort(port)));
  return from === undefined || to === undefined || from > to ? undefined : { from, to };
}

/** A prefix that replaces the one of the packet's address: of the destination where destinations are translated, else of the
 *  source. */
const netmap: TargetReader = {
  options: { "--to": 1 },
  read: ({ options }, { family, translates }) => {
    const block = parseBlock(options.find(({ name }) => name === "--to")?.values[0] ?? "", family);
    if (block === undefined) return "expected --to and an address or a prefix, such as 10.1.0.0/24";
    if (translates === undefined) return undefined;
    const kind = translates === "destination" ? "dnat" : "snat";
    const isOne = block.from === block.to;
    return { kind, to: { kind: "literal", addresses: block, ...(isOne ? {} : { netmap: true }) }, random: "none" };
  },
};

function toPorts(kind: "masquerade" | "redirect"): TargetReader {
  return {
    options: { "--to-ports": 1, ...RANDOM_OPTIONS },
    read: ({ options }) => {
      const text = options.find(({ name }) => name === "--to-ports")?.values[0];
      const ports = text === undefined ? undefined : parsePortRange(text);
      if (text !== undefined && ports === undefined) return "expected a port or FROM-TO";
      return { kind, ...(ports === undefined ? {} : { ports }), ...natOptions(options) };
    },
  };
}

// --- marks -------------------------------------------------------------------------------------------------------------

/** `(field & ~mask) ^ value`, as all of MARK's options become (xt_mark). */
function writeMark(field: WritableField, value: number, mask: number): Statement {
  return {
    kind: "set",
    field,
    value:
      mask === 0xffffffff
        ? { kind: "constant", type: "mark", value }
        : { kind: "bitwise", operand: field, mask: ~mask >>> 0, xor: value },
  };
}

/** How each option is written with a mask. */
const MARK_OPTIONS: Readonly<Record<string, (value: number, mask: number) => readonly [value: number, mask: number]>> =
  {
    "--set-xmark": (value, mask) => [value, mask],
    "--set-mark": (value, mask) => [value, (value | mask) >>> 0],
    "--and-mark": (value) => [0, ~value >>> 0],
    "--or-mark": (value) => [value, value],
    "--xor-mark": (value) => [value, 0],
  };

const EXPECTED_MARK = "expected a mark, or mark/mask, of 32 bits";

function readMark(field: WritableField, options: readonly OptionText[]): Statement | undefined | string {
  const [option, ...more] = options;
  const change = option === undefined ? undefined : meaningOf(MARK_OPTIONS, option.name);
  if (option === undefined || change === undefined || more.length > 0) return undefined;
  const parsed = parseMarkAndMask(option.values[0] ?? "");
  return parsed === undefined ? EXPECTED_MARK : writeMark(field, ...change(parsed.value, parsed.mask));
}

const markOptions = Object.fromEntries(Object.keys(MARK_OPTIONS).map((name) => [name, 1]));

const mark: TargetReader = {
  options: markOptions,
  read: ({ options }) =>
    options.length === 0
      ? "expected one of --set-xmark, --set-mark, --and-mark, --or-mark, --xor-mark"
      : readMark(MARK, options),
};

const MASKED_ALL = 0xffffffff;

function masked(field: WritableField, mask: number): Expression {
  return mask === MASKED_ALL ? field : { kind: "bitwise", operand: field, mask, xor: 0 };
}

/** `(field & ~cleared) ^ ((source & taken) << by)` (connmark_tg_shift); it has no value without a connection, whatever is
 *  taken: nothing is written then. */
function copiedMark(
  field: WritableField,
  cleared: number,
  source: WritableField,
  taken: number,
  by: number,
): Expression {
  const copied = masked(source, taken);
  const moved: Expression = by === 0 ? copied : { kind: "shift", operand: copied, by };
  return cleared === MASKED_ALL
    ? moved
    : { kind: "combine", operator: "xor", left: masked(field, ~cleared >>> 0), right: moved };
}

/** How far `options` shift a mark; a text where iptables refuses that. */
function shiftOf(options: readonly OptionText[]): number | string | undefined {
  const [shift, ...more] = options.filter(({ name }) => /^--(left|right)-shift-mark$/.test(name));
  if (shift === undefined) return 0;
  if (more.length > 0) return "expected one of --left-shift-mark and --right-shift-mark";
  const bits = parseUnsigned(shift.values[0] ?? "");
  // iptables takes 32 as well, and the kernel (6.18) refuses it.
  if (bits === undefined || bits > 31) return "expected a number of bits from 0 to 31";
  return shift.name === "--left-shift-mark" ? bits : -bits;
}

const connmark: TargetReader = {
  options: {
    ...markOptions,
    "--save-mark": 0,
    "--restore-mark": 0,
    "--left-shift-mark": 1,
    "--right-shift-mark": 1,
    "--nfmask": 1,
    "--ctmask": 1,
    "--mask": 1,
  },
  read: ({ options }) => {
    const copy = options.find(({ name }) => name === "--save-mark" || name === "--restore-mark");
    const by = shiftOf(options);
    if (typeof by !== "number") return by;
    const others = options.filter(({ name }) => !name.endsWith("-shift-mark"));
    if (copy === undefined) return shiftedWrite(readMark(CT_MARK, others), by);
    const maskOf = (name: string): number | undefined => {
      const text = options.find((option) => option.name === name || option.name === "--mask")?.values[0];
      return text === undefined ? 0xffffffff : parseMarkAndMask(text)?.value;
    };
    const [nfmask, ctmask] = [maskOf("--nfmask"), maskOf("--ctmask")];
    if (nfmask === undefined || ctmask === undefined) return "expected a mask of 32 bits";
    const [field, source] = copy.name === "--save-mark" ? [CT_MARK, MARK] : [MARK, CT_MARK];
    const [cleared, taken] = copy.name === "--save-mark" ? [ctmask, nfmask] : [nfmask, ctmask];
    return { kind: "set", field, value: copiedMark(field, cleared, source, taken, by) };
  },
};

/** What `--set-xmark` makes of the connection's mark is shifted as a whole. */
function shiftedWrite(written: Statement | undefined | string, by: number): Statement | undefined | string {
  if (typeof written !== "object" || written.kind !== "set" || by === 0) return written;
  const { value } = written;
  if (value.kind === "constant" && typeof value.value === "number")
    return { ...written, value: { ...value, value: shiftNumber(value.value, by) } };
  return { ...written, value: { kind: "shift", operand: value, by } };
}

const UNTRACKED = { kind: "constant", type: "ct_state", value: 64 } as const;

/** Zones and helpers make no difference to the first packet of a connection. */
const ct: TargetReader = {
  options: {
    "--notrack": 0,
    "--helper": 1,
    "--timeout": 1,
    "--ctevents": 1,
    "--expevents": 1,
    "--zone": 1,
    "--zone-orig": 1,
    "--zone-reply": 1,
  },
  read: ({ options }) =>
    options.some(({ name }) => name === "--notrack")
      ? { kind: "set", field: CT_STATE_FIELD, value: UNTRACKED }
      : undefined,
};

// --- verdicts ----------------------------------------------------------------------------------------------------------

const reject: TargetReader = {
  options: { "--reject-with": 1 },
  read: ({ options }, { family }) => {
    const text = options.find(({ name }) => name === "--reject-with")?.values[0];
    if (text === undefined) return { kind: "reject", with: "port-unreachable" };
    const types = Object.entries(REJECT_TYPES[family]) as [RejectWith, readonly string[]][];
    const found = types.find(([, names]) => names.includes(text));
    return found === undefined
      ? `expected a type of reject: ${types.map(([, [name]]) => name).join(", ")}`
      : { kind: "reject", with: found[0] };
  },
};

/** By the name behind `-j`. */
export const TARGET_READERS: Readonly<Record<string, TargetReader>> = {
  ACCEPT: verdict("accept"),
  DROP: verdict("drop"),
  RETURN: verdict("return"),
  REJECT: reject,
  DNAT: nat("dnat"),
  SNAT: nat("snat"),
  MASQUERADE: toPorts("masquerade"),
  REDIRECT: toPorts("redirect"),
  NETMAP: netmap,
  MARK: mark,
  CONNMARK: connmark,
  CT: ct,
  NOTRACK: { options: {}, read: () => ({ kind: "set", field: CT_STATE_FIELD, value: UNTRACKED }) },
};
