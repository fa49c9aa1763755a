/** One rule in the words of iptables-save. */

import { unreachable } from "../../invariant.ts";
import { shiftNumber } from "../../ir/bits.ts";
import { ADDRESS_TYPE, CT_STATE, CT_STATUS, PACKET_TYPE, PROTOCOL_NAMES, TCP_FLAG } from "../../ir/constants.ts";
import { intervalAsPrefix } from "../../ir/interval.ts";
import type {
  Expression,
  HeaderField,
  Interval,
  Match,
  NatRandom,
  NatTarget,
  Rule,
  SetDeclaration,
  Statement,
  Value,
  WritableField,
} from "../../ir/types.ts";
import { Unsupported } from "../../ir/unsupported.ts";
import { isMatch } from "../../ir/walk.ts";
import { type Address, printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import { isNoUnicast } from "./ipv6-types.ts";
import { REJECT_TYPES } from "./words.ts";

/** What a rule may refer to. */
export interface RuleContext {
  readonly family: "ip" | "ip6";
  /** The table that the rule is in, where what it says of packets without a connection counts. */
  readonly table?: string;
  /** The names that chains have in iptables. */
  readonly chainNames: ReadonlyMap<string, string>;
  /** Sets that rules fill. */
  readonly sets: ReadonlyMap<string, SetDeclaration>;
  /** The list of `recent` that a set is; a name of ours unless told otherwise. */
  readonly listName?: (set: string) => string;
}

/** The rule behind `-A CHAIN`. Throws `Unsupported`. */
export function printRule(rule: Rule, context: RuleContext): string {
  const parts: Parts = { head: [], modules: [], conntrack: [], target: undefined };
  for (const step of rule.steps) {
    if (parts.target !== undefined) throw new Unsupported("a rule has one target, and it is the last");
    if (isMatch(step)) addMatch(step, parts, context);
    else if (step.kind === "remember") {
      flushConntrack(parts);
      parts.modules.push(`-m recent --set ${recentList(step.set, context)}`);
    } else parts.target = printTarget(step, context);
  }
  const order = ["-s", "-d", "-i", "-o", "-p", "-f"];
  const rank = (text: string): number => order.indexOf(headOption(text));
  const head = [...parts.head].sort((a, b) => rank(a) - rank(b));
  flushConntrack(parts);
  const comment = rule.comment === undefined ? [] : [`-m comment --comment ${quote(rule.comment)}`];
  return [...head, ...parts.modules, ...comment, ...(parts.target === undefined ? [] : [parts.target])].join(" ");
}

interface Parts {
  /** `-s`, `-d`, `-i`, `-o`, `-p`, `-f`, each at most once. */
  readonly head: string[];
  /** Everything with `-m`, but connection tracking. */
  readonly modules: string[];
  /** Options of one `-m conntrack`. */
  readonly conntrack: string[];
  target: string | undefined;
}

// --- matches -----------------------------------------------------------------------------------------------------------

/** `-s` of `! -s 10.0.0.0/8`. */
function headOption(text: string): string {
  return text.replace(/^! /, "").slice(0, 2);
}

/** iptables takes each of these options once; the same test twice is one. */
function addHead(text: string, parts: Parts): void {
  if (parts.head.includes(text)) return;
  const option = headOption(text);
  if (hasHead(option, parts)) throw new Unsupported(`a second test with ${option}`);
  parts.head.push(text);
}

function hasHead(option: string, { head }: Parts): boolean {
  return head.some((text) => headOption(text) === option);
}

/** `-i` and `-o` take no empty name, and none of more than 15 characters; a "+" at its end stands for any rest. */
function interfaceName(name: string, { isPrefix }: { readonly isPrefix: boolean }): string {
  if (!/^[^\s"]+$/.test(name) || name.length > (isPrefix ? 14 : 15) || (name.endsWith("+") && !isPrefix))
    throw new Unsupported(`an interface named ${JSON.stringify(name)}`);
  return isPrefix ? `${name}+` : name;
}

function addMatch(match: Match, parts: Parts, context: RuleContext): void {
  switch (match.kind) {
    case "chance":
      parts.modules.push(`-m statistic --mode random --probability ${(match.numerator / 2 ** 31).toFixed(11)}`);
      return;
    case "member": {
      if (context.sets.get(match.set)?.dynamic === undefined) throw new Unsupported(`set ${match.set}`);
      const seconds = context.sets.get(match.set)?.dynamic?.timeoutSeconds;
      const within = seconds === undefined ? "" : ` --seconds ${seconds} --reap`;
      parts.modules.push(`-m recent ${sign(match.negated)}--rcheck${within} ${recentList(match.set, context)}`);
      return;
    }
    case "name-prefix":
      addHead(
        `${sign(match.negated)}${interfaceOption(match.left)} ${interfaceName(match.prefix, { isPrefix: true })}`,
        parts,
      );
      return;
    case "opaque":
      addOpaque(match, parts);
      return;
    case "within": {
      const [only] = match.intervals;
      if (only === undefined) throw new Unsupported("a match that nothing is within");
      if (match.intervals.length > 1) addList(match, parts, context);
      else addField(match.left, only, match, parts, context);
      return;
    }
    case "compare":
      addCompare(match, parts, context);
      return;
    default:
      unreachable(match);
  }
}

/** What an extension that is not understood tests, in its own words. */
function addOpaque({ text, negated, spelled }: Extract<Match, { kind: "opaque" }>, parts: Parts): void {
  const words = spelled ?? (negated ? undefined : text);
  if (words === undefined || !/^(! )?-/.test(words)) throw new Unsupported(text);
  if (words.startsWith("-m ")) {
    flushConntrack(parts);
    parts.modules.push(words);
  } else {
    addHead(words, parts);
  }
}

/** Lists that one match of iptables can hold: ports, and types of addresses. */
function addList(
  { left, intervals, negated }: Extract<Match, { kind: "within" }>,
  parts: Parts,
  context: RuleContext,
): void {
  if (left.kind === "transport") {
    protocolFor(left.protocol, parts);
    const option = left.field === "sport" ? "sports" : "dports";
    parts.modules.push(`-m multiport ${sign(negated)}--${option} ${intervals.map(portRange).join(",")}`);
  } else if (left.kind === "fib") {
    addTypes(left.of, intervals, negated, parts, context);
  } else if (left.kind === "ip6" && isNoUnicast(intervals)) {
    parts.modules.push(`-m addrtype ${sign(!negated)}--${left.field === "saddr" ? "src" : "dst"}-type UNICAST`);
  } else {
    throw new Unsupported("a list of intervals in one match");
  }
}

function addressTypeName(type: Value): string {
  const name = Object.entries(ADDRESS_TYPE).find(([, value]) => value === type)?.[0];
  if (name === undefined) throw new Unsupported("address type");
  return name.toUpperCase();
}

function addTypes(
  of: "saddr" | "daddr",
  intervals: readonly Interval[],
  negated: boolean,
  parts: Parts,
  { family }: RuleContext,
): void {
  const types = intervals.flatMap(({ from, to }) => {
    const [first, last] = [Number(from), Number(to)];
    return Array.from({ length: last - first + 1 }, (_, i) => addressTypeName(first + i));
  });
  // Of the others ip6tables has another idea (match_type6).
  if (family === "ip6" && types.join() !== "LOCAL") throw new Unsupported("a type of IPv6 addresses other than LOCAL");
  parts.modules.push(`-m addrtype ${sign(negated)}--${of === "saddr" ? "src" : "dst"}-type ${types.join(",")}`);
}

/** The protocol behind `-p`, which has to be there for a test of its header: `th` is the header of any with ports. A test of
 *  one protocol's header says which one; `-p` says so then. */
function protocolFor(header: "th" | "tcp" | "udp" | "sctp" | "icmp" | "ipv6-icmp", parts: Parts): string {
  const found = parts.head.find((text) => text.startsWith("-p "))?.slice(3);
  if (header === "th") {
    if (found === undefined || !PORT_PROTOCOLS.includes(found)) throw new Unsupported("a port without a protocol");
    return found;
  }
  if (found === undefined) addHead(`-p ${header}`, parts);
  else if (found !== header) throw new Unsupported(`a header of ${header} in a packet of ${found}`);
  return header;
}

/** Protocols of which iptables tests ports. */
const PORT_PROTOCOLS: readonly string[] = ["tcp", "udp", "sctp", "udplite", "dccp"];

function addCompare(
  { left, operator, right, orAbsent }: Extract<Match, { kind: "compare" }>,
  parts: Parts,
  context: RuleContext,
): void {
  if (left.kind === "header" && (operator === "<" || operator === ">")) {
    addHops(left.field, operator === "<" ? "lt" : "gt", right, false, parts);
    return;
  }
  if (operator !== "==" && operator !== "!=") throw new Unsupported(`operator ${operator}`);
  const negated = operator === "!=";
  if (left.kind !== "bitwise") {
    addField(left, { from: right, to: right }, { negated, ...(orAbsent ? { orAbsent } : {}) }, parts, context);
    return;
  }
  const { operand, mask, xor } = left;
  if (xor !== 0 && xor !== 0n) throw new Unsupported("bitwise operation");
  if ((operand.kind === "meta" || operand.kind === "ct") && operand.key === "mark") {
    const name = operand.kind === "meta" ? "mark" : "connmark";
    parts.modules.push(`-m ${name} ${sign(negated)}--mark ${hex(right)}/${hex(mask)}`);
    return;
  }
  if (operand.kind === "ip" || operand.kind === "ip6") {
    const option = operand.field === "saddr" ? "-s" : "-d";
    addHead(`${sign(negated)}${option} ${printAddress(right as Address)}/${printAddress(mask as Address)}`, parts);
    return;
  }
  if (typeof mask !== "number") throw new Unsupported("bitwise operation");
  if (operand.kind === "header" && operand.field === "tcp flags" && typeof right === "number") {
    protocolFor("tcp", parts);
    parts.modules.push(`-m tcp ${sign(negated)}--tcp-flags ${tcpFlags(mask)} ${tcpFlags(right)}`);
    return;
  }
  if (operand.kind !== "ct" || right !== 0) throw new Unsupported("bitwise operation");
  // "some bit is set" is what iptables means by a list; negation turns it around.
  const states = operand.key === "state" ? bitNames(mask, STATES) : undefined;
  const natStates = operand.key === "status" ? bitNames(mask, NAT_STATUS) : undefined;
  const statuses = operand.key !== "status" ? undefined : mask === 0 ? ["none"] : bitNames(mask, STATUS);
  const flags = states ?? natStates ?? statuses;
  if (flags === undefined) throw new Unsupported(`ct ${operand.key}`);
  const option = flags === statuses ? "--ctstatus" : "--ctstate";
  // `operator` is that of a test of bits: "==" is "none of them".
  if (flags === natStates && !negated && !orAbsent && context.table !== undefined && context.table !== "nat")
    throw new Unsupported("no such status: a packet without a connection is one for iptables, none for nft");
  // Each list is a test of its own; one match holds one.
  flushConntrack(parts);
  parts.conntrack.push(`${sign(!negated)}${option} ${flags.join(",").toUpperCase().replaceAll("-", "_")}`);
  flushConntrack(parts);
}

function tcpFlags(mask: number): string {
  const names = Object.entries(TCP_FLAG).filter(([, bit]) => bit < 64);
  if (mask === 0) return "NONE";
  if (mask > 63) throw new Unsupported("TCP flags ECN and CWR");
  // In the order in which iptables-save lists them.
  return names
    .filter(([, bit]) => (mask & bit) !== 0)
    .map(([name]) => name.toUpperCase())
    .join(",");
}

/** In the order in which iptables-save lists them. */
const STATES = {
  invalid: CT_STATE.invalid,
  new: CT_STATE.new,
  related: CT_STATE.related,
  established: CT_STATE.established,
  untracked: CT_STATE.untracked,
};

/** States that iptables derives from the connection's status. */
const NAT_STATUS = { snat: CT_STATUS.snat, dnat: CT_STATUS.dnat };

const STATUS = {
  expected: CT_STATUS.expected,
  "seen-reply": CT_STATUS["seen-reply"],
  assured: CT_STATUS.assured,
  confirmed: CT_STATUS.confirmed,
};

/** One match takes each option once. */
function pushConntrack(parts: Parts, text: string): void {
  const option = /--\S+/.exec(text)?.[0] ?? "";
  if (parts.conntrack.some((other) => other.includes(`${option} `))) flushConntrack(parts);
  parts.conntrack.push(text);
}

function flushConntrack(parts: Parts): void {
  if (parts.conntrack.length === 0) return;
  parts.modules.push(`-m conntrack ${parts.conntrack.splice(0).join(" ")}`);
}

function bitNames(mask: number, bits: Readonly<Record<string, number>>): string[] | undefined {
  const names = Object.entries(bits).filter(([, bit]) => (mask & bit) !== 0);
  const covered = names.reduce((sum, [, bit]) => sum | bit, 0);
  return covered === mask && names.length > 0 ? names.map(([name]) => name) : undefined;
}

/** A test of one field for one interval. */
function addField(
  field: Expression,
  interval: Interval,
  { negated, orAbsent }: { readonly negated: boolean; readonly orAbsent?: true },
  parts: Parts,
  context: RuleContext,
): void {
  switch (field.kind) {
    case "ip":
    case "ip6": {
      const option = field.field === "saddr" ? "-s" : "-d";
      const block = intervalAsPrefix(interval, field.kind === "ip" ? "ipv4_addr" : "ipv6_addr");
      if (block !== undefined && !hasHead(option, parts)) {
        addHead(`${sign(negated)}${option} ${printPrefix(block)}`, parts);
      } else {
        const range = `${printAddress(interval.from as Address)}-${printAddress(interval.to as Address)}`;
        parts.modules.push(`-m iprange ${sign(negated)}--${field.field === "saddr" ? "src" : "dst"}-range ${range}`);
      }
      return;
    }
    case "transport": {
      const protocol = protocolFor(field.protocol, parts);
      parts.modules.push(`-m ${protocol} ${sign(negated)}--${field.field} ${portRange(interval)}`);
      return;
    }
    case "meta":
      if (field.key === "skuid" || field.key === "skgid") {
        const option = field.key === "skuid" ? "--uid-owner" : "--gid-owner";
        if (negated && !orAbsent)
          throw new Unsupported("another owner: a packet without a socket is one for iptables, none for nft");
        parts.modules.push(`-m owner ${sign(negated)}${option} ${portRange(interval).replace(":", "-")}`);
      } else {
        addMeta(field.key, single(interval), negated, parts);
      }
      return;
    case "header":
      addHeader(field.field, interval, negated, parts);
      return;
    case "ct":
      addConntrack(field.key, interval, negated, parts, context);
      return;
    case "fib":
      addTypes(field.of, [interval], negated, parts, context);
      return;
    default:
      // iptables compares fields only.
      throw new Unsupported(field.kind);
  }
}

function addMeta(
  key: Extract<Expression, { kind: "meta" }>["key"],
  value: Value,
  negated: boolean,
  parts: Parts,
): void {
  switch (key) {
    case "l4proto":
      addHead(`${sign(negated)}-p ${PROTOCOL_NAMES.get(Number(value)) ?? value}`, parts);
      return;
    case "iifname":
    case "oifname": {
      if (value === "") throw new Unsupported("whether a packet came by an interface");
      const option = key === "iifname" ? "-i" : "-o";
      addHead(`${sign(negated)}${option} ${interfaceName(String(value), { isPrefix: false })}`, parts);
      return;
    }
    case "mark":
      parts.modules.push(`-m mark ${sign(negated)}--mark ${hex(value)}`);
      return;
    case "pkttype": {
      const name = Object.entries(PACKET_TYPE).find(([, type]) => type === value)?.[0];
      if (name === undefined || name === "other") throw new Unsupported("packet type");
      parts.modules.push(`-m pkttype ${sign(negated)}--pkt-type ${name}`);
      return;
    }
    default:
      throw new Unsupported(`meta ${key}`);
  }
}

function addHeader(field: HeaderField, interval: Interval, negated: boolean, parts: Parts): void {
  switch (field) {
    case "ether saddr": {
      const text = Number(single(interval))
        .toString(16)
        .padStart(12, "0")
        .replace(/(..)(?=.)/g, "$1:");
      parts.modules.push(`-m mac ${sign(negated)}--mac-source ${text}`);
      return;
    }
    case "icmp type":
    case "icmpv6 type":
      protocolFor(field === "icmp type" ? "icmp" : "ipv6-icmp", parts);
      parts.modules.push(
        `-m ${field === "icmp type" ? "icmp --icmp" : "icmp6 --icmpv6"}-type ${single(interval)}`.replace(
          " --",
          ` ${sign(negated)}--`,
        ),
      );
      return;
    // Behind the type, in one match with it.
    case "icmp code":
    case "icmpv6 code": {
      const last = parts.modules.at(-1) ?? "";
      if (negated || !/^-m icmp6? --icmp(v6)?-type \d+$/.test(last)) throw new Unsupported(`${field} without the type`);
      parts.modules[parts.modules.length - 1] = `${last}/${single(interval)}`;
      return;
    }
    case "ip length":
      parts.modules.push(`-m length ${sign(negated)}--length ${portRange(interval)}`);
      return;
    case "ip dscp":
    case "ip6 dscp":
      parts.modules.push(`-m dscp ${sign(negated)}--dscp ${hex(single(interval)).replace(/x(.)$/, "x0$1")}`);
      return;
    case "ip ttl":
    case "ip6 hoplimit":
      addHops(field, "eq", single(interval), negated, parts);
      return;
    default:
      throw new Unsupported(field);
  }
}

function addHops(field: HeaderField, how: "eq" | "lt" | "gt", value: Value, negated: boolean, parts: Parts): void {
  if (field !== "ip ttl" && field !== "ip6 hoplimit") throw new Unsupported(field);
  const name = field === "ip ttl" ? "ttl" : "hl";
  parts.modules.push(`-m ${name} ${sign(negated)}--${name}-${how} ${value}`);
}

function addConntrack(
  key: Extract<Expression, { kind: "ct" }>["key"],
  interval: Interval,
  negated: boolean,
  parts: Parts,
  { family }: RuleContext,
): void {
  switch (key) {
    case "mark":
      parts.modules.push(`-m connmark ${sign(negated)}--mark ${hex(single(interval))}`);
      return;
    case "direction":
      pushConntrack(parts, `--ctdir ${single(interval) === 0 ? "ORIGINAL" : "REPLY"}`);
      return;
    case "original-protocol":
      pushConntrack(parts, `${sign(negated)}--ctproto ${single(interval)}`);
      return;
    case "original-saddr":
    case "original-daddr":
    case "reply-saddr":
    case "reply-daddr": {
      const block = intervalAsPrefix(interval, family === "ip" ? "ipv4_addr" : "ipv6_addr");
      if (block === undefined) throw new Unsupported("a range of a connection's addresses");
      const text = interval.from === interval.to ? printAddress(block.address) : printPrefix(block);
      pushConntrack(parts, `${sign(negated)}${tupleOption(key)} ${text}`);
      return;
    }
    case "original-proto-src":
    case "original-proto-dst":
    case "reply-proto-src":
    case "reply-proto-dst":
      pushConntrack(parts, `${sign(negated)}${tupleOption(key)}port ${portRange(interval)}`);
      return;
    default:
      throw new Unsupported(`ct ${key}`);
  }
}

/** `--ctorigsrc` and the like, for an address; of a port "port" follows. */
function tupleOption(key: string): string {
  return `--ct${key.startsWith("original") ? "orig" : "repl"}${/(?:saddr|src)$/.test(key) ? "src" : "dst"}`;
}

function interfaceOption(field: Expression): "-i" | "-o" {
  if (field.kind === "meta" && field.key === "iifname") return "-i";
  if (field.kind === "meta" && field.key === "oifname") return "-o";
  throw new Unsupported("a name prefix of something that is no interface");
}

/** Which list of `recent`, by the source address. Lists have names of their own, which may hold up to 200 characters. */
function recentList(set: string, { family, listName = ourList }: RuleContext): string {
  const mask = family === "ip" ? "255.255.255.255" : new Array(8).fill("ffff").join(":");
  return `--name ${listName(set)} --mask ${mask} --rsource`;
}

function ourList(set: string): string {
  return `KPC-${set.replaceAll("/", "-")}`;
}

// --- targets -----------------------------------------------------------------------------------------------------------

function printTarget(statement: Statement, context: RuleContext): string {
  switch (statement.kind) {
    case "verdict": {
      const { verdict } = statement;
      if (verdict.kind === "jump" || verdict.kind === "goto") {
        return `${verdict.kind === "jump" ? "-j" : "-g"} ${context.chainNames.get(verdict.chain) ?? verdict.chain}`;
      }
      if (verdict.kind === "continue") throw new Unsupported("continue");
      return `-j ${verdict.kind.toUpperCase()}`;
    }
    case "dnat":
    case "snat": {
      if (statement.to.kind === "literal" && statement.to.netmap) return printNetmap(statement);
      const option = statement.kind === "dnat" ? "--to-destination" : "--to-source";
      return `-j ${statement.kind.toUpperCase()} ${option} ${printTo(statement.to)}${natOptions(statement)}`;
    }
    case "masquerade":
      return `-j MASQUERADE${toPorts(statement.ports)}${natOptions(statement)}`;
    case "redirect":
      return `-j REDIRECT${toPorts(statement.ports)}${natOptions(statement)}`;
    case "reject":
      return `-j REJECT --reject-with ${rejectType(statement.with, context.family)}`;
    case "set":
      return printSet(statement);
    case "opaque-statement":
      if (!statement.text.startsWith("-j ")) throw new Unsupported(statement.text);
      return statement.text;
    case "vmap":
    case "remember":
    case "counter":
      throw new Unsupported(statement.kind);
    default:
      return unreachable(statement);
  }
}

function printSet({ field, value }: Extract<Statement, { kind: "set" }>): string {
  if (field.kind === "ct" && field.key === "state") return "-j CT --notrack";
  if (value.kind === "opaque" && value.text.startsWith("-j ")) return value.text;
  if (field.key !== "mark") throw new Unsupported("writing this field");
  const target = field.kind === "meta" ? "MARK" : "CONNMARK";
  if (value.kind === "constant") return `-j ${target} --set-xmark ${hex(value.value)}/0xffffffff`;
  if (isSameField(value, field) && value.kind === "bitwise" && typeof value.mask === "number")
    return `-j ${target} --set-xmark ${hex(value.xor)}/${hex(~value.mask >>> 0)}`;
  if (field.kind === "ct" && value.kind === "shift" && isSameField(value.operand, field)) {
    const shift = ` --${value.by > 0 ? "left" : "right"}-shift-mark ${Math.abs(value.by)}`;
    return `${printSet({ kind: "set", field, value: value.operand })}${shift}`;
  }
  const copied = copyOf(value, field);
  if (copied === undefined) throw new Unsupported("writing this value");
  const { cleared, taken, by } = copied;
  const [nfmask, ctmask] = field.kind === "ct" ? [taken, cleared] : [cleared, taken];
  const shift = by === 0 ? "" : ` --${by > 0 ? "left" : "right"}-shift-mark ${Math.abs(by)}`;
  return `-j CONNMARK --${field.kind === "ct" ? "save" : "restore"}-mark --nfmask ${hex(nfmask)} --ctmask ${hex(ctmask)}${shift}`;
}

/** The other mark, as CONNMARK copies it: `(field & ~cleared) ^ ((other & taken) << by)`. */
interface CopiedMark {
  readonly cleared: number;
  readonly taken: number;
  readonly by: number;
}

function copyOf(value: Expression, field: WritableField): CopiedMark | undefined {
  if (value.kind === "combine") {
    for (const [own, other] of [
      [value.left, value.right],
      [value.right, value.left],
    ] as const) {
      const kept = maskOf(own, field.kind);
      const copied = copyOf(other, field);
      if (kept === undefined || copied?.cleared !== ALL_BITS) continue;
      const { taken, by } = copied;
      // "or" is "xor" where no bit is in both.
      if (value.operator === "xor" || (value.operator === "or" && (kept & shiftNumber(taken, by)) === 0))
        return { cleared: ~kept >>> 0, taken, by };
    }
    return undefined;
  }
  const [operand, by] = value.kind === "shift" ? [value.operand, value.by] : [value, 0];
  const taken = maskOf(operand, field.kind === "ct" ? "meta" : "ct");
  return taken === undefined ? undefined : { cleared: ALL_BITS, taken, by };
}

const ALL_BITS = 0xffffffff;

/** The mask over the mark of the packet (`meta`) or of the connection (`ct`), if `expression` is nothing else. */
function maskOf(expression: Expression, of: "meta" | "ct"): number | undefined {
  if (expression.kind === "bitwise")
    return maskOf(expression.operand, of) === ALL_BITS && expression.xor === 0 && typeof expression.mask === "number"
      ? expression.mask
      : undefined;
  return expression.kind === of && expression.key === "mark" ? ALL_BITS : undefined;
}

function isSameField(value: Expression, field: Expression): boolean {
  const { operand } = value.kind === "bitwise" ? value : { operand: undefined };
  return operand?.kind === field.kind && "key" in operand && "key" in field && operand.key === field.key;
}

/** A mapping of addresses, in chains of NAT that translate what it does: nothing else is said of it. */
function printNetmap({ to, random, persistent }: Extract<Statement, { kind: "dnat" | "snat" }>): string {
  const addresses = to.kind === "literal" ? to.addresses : undefined;
  const block =
    addresses && intervalAsPrefix(addresses, typeof addresses.from === "number" ? "ipv4_addr" : "ipv6_addr");
  if (to.kind !== "literal" || to.ports !== undefined || block === undefined || random !== "none" || persistent)
    throw new Unsupported("a mapping of addresses that is not from prefix to prefix");
  return `-j NETMAP --to ${printPrefix(block)}`;
}

function printTo(to: NatTarget): string {
  if (to.kind === "map") throw new Unsupported("a translation by map");
  const { addresses, ports, base } = to;
  // Of sources iptables takes any base, which counts as 0.
  const behind = ports === undefined ? "" : `:${portRange(ports).replace(":", "-")}${printBase(base)}`;
  if (addresses === undefined) return behind;
  const [from, end] = [addresses.from, addresses.to].map((each) => printAddress(each as Address));
  const range = from === end ? from : `${from}-${end}`;
  return typeof addresses.from === "number" || behind === "" ? `${range}${behind}` : `[${range}]${behind}`;
}

function printBase(base: number | undefined): string {
  return base === undefined ? "" : `/${base === 0 ? 1 : base}`;
}

function toPorts(ports: Interval | undefined): string {
  return ports === undefined ? "" : ` --to-ports ${portRange(ports).replace(":", "-")}`;
}

function natOptions({ random, persistent }: { readonly random: NatRandom; readonly persistent?: true }): string {
  const option = random === "none" ? "" : random === "random" ? " --random" : " --random-fully";
  return persistent ? `${option} --persistent` : option;
}

function rejectType(how: Extract<Statement, { kind: "reject" }>["with"], family: "ip" | "ip6"): string {
  const name = REJECT_TYPES[family][how]?.[0];
  if (name === undefined) throw new Unsupported(`reject with ${how}`);
  return name;
}

// --- words -------------------------------------------------------------------------------------------------------------

function sign(negated: boolean): string {
  return negated ? "! " : "";
}

function single({ from, to }: Interval): Value {
  if (from !== to) throw new Unsupported("a range where iptables takes one value");
  return from;
}

function portRange({ from, to }: Interval): string {
  return from === to ? String(from) : `${from}:${to}`;
}

function hex(value: Value): string {
  return `0x${value.toString(16)}`;
}

/** An argument as iptables-save writes it: quoted unless it is one plain word. A comment holds 255 bytes. */
function quote(text: string): string {
  const printable = text.replace(/[\p{Cc}\p{Cs}]/gu, "?");
  const clean = new TextDecoder().decode(new TextEncoder().encode(printable).subarray(0, 255)).replace(/\ufffd+$/, "");
  return /^[A-Za-z0-9_-]+$/.test(clean) ? clean : `"${clean.replace(/(["\\])/g, "\\$1")}"`;
}
