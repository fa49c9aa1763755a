/** One rule in the words of iptables-save. */
import { ADDRESS_TYPE, CT_STATE, CT_STATUS, PROTOCOL_NAMES } from "../../ir/constants.ts";
import { intervalAsPrefix } from "../../ir/interval.ts";
import type {
  Expression,
  Interval,
  Match,
  NatRandom,
  NatTarget,
  Rule,
  SetDeclaration,
  Statement,
  Value,
} from "../../ir/types.ts";
import { type Address, printAddress, printAddressPort } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";

/** What a rule may refer to. */
export interface RuleContext {
  readonly family: "ip" | "ip6";
  /** The names that chains have in iptables. */
  readonly chainNames: ReadonlyMap<string, string>;
  /** Sets that rules fill. */
  readonly sets: ReadonlyMap<string, SetDeclaration>;
}

/** Something that iptables has no words for. */
export class Inexpressible extends Error {}

/** The rule behind `-A CHAIN`. Throws `Inexpressible`. */
export function printRule(rule: Rule, context: RuleContext): string {
  const parts: Parts = { head: [], modules: [], conntrack: [], target: undefined };
  for (const step of rule.steps) {
    if (parts.target !== undefined) throw new Inexpressible("a rule has one target, and it is the last");
    switch (step.kind) {
      case "compare":
      case "within":
      case "name-prefix":
      case "member":
      case "chance":
      case "opaque":
        addMatch(step, parts, context);
        break;
      case "remember":
        parts.modules.push(`-m recent --set ${recentList(step.set, context)}`);
        break;
      default:
        parts.target = printTarget(step, context);
    }
  }
  const order = ["-s", "-d", "-i", "-o", "-p"];
  const rank = (text: string): number => order.indexOf(text.replace(/^! /, "").slice(0, 2));
  const head = [...parts.head].sort((a, b) => rank(a) - rank(b));
  const conntrack = parts.conntrack.length === 0 ? [] : [`-m conntrack ${parts.conntrack.join(" ")}`];
  const comment = rule.comment === undefined ? [] : [`-m comment --comment ${quote(rule.comment)}`];
  return [
    ...head,
    ...parts.modules,
    ...conntrack,
    ...comment,
    ...(parts.target === undefined ? [] : [parts.target]),
  ].join(" ");
}

interface Parts {
  /** `-s`, `-d`, `-i`, `-o`, `-p`. */
  readonly head: string[];
  /** Everything with `-m`, but connection tracking. */
  readonly modules: string[];
  /** Options of one `-m conntrack`. */
  readonly conntrack: string[];
  target: string | undefined;
}

// --- matches -----------------------------------------------------------------------------------------------------------

function addMatch(match: Match, parts: Parts, context: RuleContext): void {
  switch (match.kind) {
    case "chance":
      parts.modules.push(`-m statistic --mode random --probability ${(match.numerator / 2 ** 31).toFixed(11)}`);
      return;
    case "member": {
      if (match.negated || context.sets.get(match.set)?.dynamic === undefined)
        throw new Inexpressible(`set ${match.set}`);
      const seconds = context.sets.get(match.set)?.dynamic?.timeoutSeconds;
      const within = seconds === undefined ? "" : ` --seconds ${seconds} --reap`;
      parts.modules.push(`-m recent --rcheck${within} ${recentList(match.set, context)}`);
      return;
    }
    case "name-prefix":
      parts.head.push(`${sign(match.negated)}${interfaceOption(match.left)} ${match.prefix}+`);
      return;
    case "opaque":
      throw new Inexpressible(match.text);
    case "within": {
      const [only] = match.intervals;
      if (only === undefined || match.intervals.length > 1) throw new Inexpressible("a list of intervals in one match");
      addField(match.left, only, match.negated, parts, context);
      return;
    }
    case "compare":
      addCompare(match, parts, context);
  }
}

function addCompare(
  { left, operator, right }: Extract<Match, { kind: "compare" }>,
  parts: Parts,
  context: RuleContext,
): void {
  if (operator !== "==" && operator !== "!=") throw new Inexpressible(`operator ${operator}`);
  const negated = operator === "!=";
  if (left.kind !== "bitwise") {
    addField(left, { from: right, to: right }, negated, parts, context);
    return;
  }
  const { operand, mask, xor } = left;
  if (xor !== 0 || typeof mask !== "number") throw new Inexpressible("bitwise operation");
  if (operand.kind === "meta" && operand.key === "mark") {
    parts.modules.push(`-m mark ${sign(negated)}--mark ${hex(right)}/${hex(mask)}`);
    return;
  }
  if (operand.kind !== "ct" || right !== 0) throw new Inexpressible("bitwise operation");
  // "some bit is set" is what iptables means by a list; negation turns it around.
  const flags =
    operand.key === "state"
      ? bitNames(mask, STATES)
      : operand.key === "status"
        ? bitNames(mask, NAT_STATUS)
        : undefined;
  if (flags === undefined) throw new Inexpressible(`ct ${operand.key}`);
  parts.conntrack.push(`${sign(!negated)}--ctstate ${flags.join(",").toUpperCase()}`);
  // Each list is a test of its own; one match holds one.
  flushConntrack(parts);
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

function flushConntrack(parts: Parts): void {
  parts.modules.push(`-m conntrack ${parts.conntrack.splice(0).join(" ")}`);
}

function bitNames(mask: number, bits: Readonly<Record<string, number>>): string[] | undefined {
  const names = Object.entries(bits).filter(([, bit]) => (mask & bit) !== 0);
  const covered = names.reduce((sum, [, bit]) => sum | bit, 0);
  return covered === mask && names.length > 0 ? names.map(([name]) => name) : undefined;
}

/** A test of one field for one interval. */
function addField(field: Expression, interval: Interval, negated: boolean, parts: Parts, context: RuleContext): void {
  switch (field.kind) {
    case "ip":
    case "ip6": {
      const option = field.field === "saddr" ? "-s" : "-d";
      const block = intervalAsPrefix(interval, field.kind === "ip" ? "ipv4_addr" : "ipv6_addr");
      if (block !== undefined) {
        parts.head.push(`${sign(negated)}${option} ${printPrefix(block)}`);
      } else {
        const range = `${printAddress(interval.from as Address)}-${printAddress(interval.to as Address)}`;
        parts.modules.push(`-m iprange ${sign(negated)}--${field.field === "saddr" ? "src" : "dst"}-range ${range}`);
      }
      return;
    }
    case "transport": {
      const protocol = parts.head.find((text) => text.startsWith("-p "))?.slice(3);
      if (protocol === undefined) throw new Inexpressible("a port without a protocol");
      parts.modules.push(`-m ${protocol} ${sign(negated)}--${field.field} ${portRange(interval)}`);
      return;
    }
    case "meta":
      addMeta(field.key, single(interval), negated, parts);
      return;
    case "ct":
      addConntrack(field.key, interval, negated, parts, context);
      return;
    case "fib": {
      if (single(interval) !== ADDRESS_TYPE.local) throw new Inexpressible("address type");
      parts.modules.push(`-m addrtype ${sign(negated)}--${field.of === "saddr" ? "src" : "dst"}-type LOCAL`);
      return;
    }
    default:
      throw new Inexpressible(field.kind);
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
      parts.head.push(`${sign(negated)}-p ${PROTOCOL_NAMES.get(Number(value)) ?? value}`);
      return;
    case "iifname":
      parts.head.push(`${sign(negated)}-i ${value}`);
      return;
    case "oifname":
      parts.head.push(`${sign(negated)}-o ${value}`);
      return;
    case "mark":
      parts.modules.push(`-m mark ${sign(negated)}--mark ${hex(value)}`);
      return;
    default:
      throw new Inexpressible(`meta ${key}`);
  }
}

function addConntrack(
  key: Extract<Expression, { kind: "ct" }>["key"],
  interval: Interval,
  negated: boolean,
  parts: Parts,
  { family }: RuleContext,
): void {
  switch (key) {
    case "original-saddr":
    case "original-daddr": {
      const block = intervalAsPrefix(interval, family === "ip" ? "ipv4_addr" : "ipv6_addr");
      if (block === undefined) throw new Inexpressible("a range of a connection's addresses");
      const text = interval.from === interval.to ? printAddress(block.address) : printPrefix(block);
      parts.conntrack.push(`${sign(negated)}--ctorig${key === "original-saddr" ? "src" : "dst"} ${text}`);
      return;
    }
    case "original-proto-src":
    case "original-proto-dst":
      parts.conntrack.push(
        `${sign(negated)}--ctorig${key === "original-proto-src" ? "src" : "dst"}port ${portRange(interval)}`,
      );
      return;
    default:
      throw new Inexpressible(`ct ${key}`);
  }
}

function interfaceOption(field: Expression): "-i" | "-o" {
  if (field.kind === "meta" && field.key === "iifname") return "-i";
  if (field.kind === "meta" && field.key === "oifname") return "-o";
  throw new Inexpressible("a name prefix of something that is no interface");
}

/** Which list of `recent`, by the source address. Lists have names of their own, which may hold up to 200 characters. */
function recentList(set: string, { family }: RuleContext): string {
  const mask = family === "ip" ? "255.255.255.255" : new Array(8).fill("ffff").join(":");
  return `--name KPC-${set.replaceAll("/", "-")} --mask ${mask} --rsource`;
}

// --- targets -----------------------------------------------------------------------------------------------------------

function printTarget(statement: Statement, context: RuleContext): string {
  switch (statement.kind) {
    case "verdict": {
      const { verdict } = statement;
      if (verdict.kind === "jump" || verdict.kind === "goto") {
        return `${verdict.kind === "jump" ? "-j" : "-g"} ${context.chainNames.get(verdict.chain) ?? verdict.chain}`;
      }
      if (verdict.kind === "continue") throw new Inexpressible("continue");
      return `-j ${verdict.kind.toUpperCase()}`;
    }
    case "dnat":
    case "snat": {
      const option = statement.kind === "dnat" ? "--to-destination" : "--to-source";
      return `-j ${statement.kind.toUpperCase()} ${option} ${printTo(statement.to)}${randomOption(statement.random)}`;
    }
    case "masquerade":
      return `-j MASQUERADE${toPorts(statement.ports)}${randomOption(statement.random)}`;
    case "redirect":
      return `-j REDIRECT${toPorts(statement.ports)}${randomOption(statement.random)}`;
    case "reject":
      return `-j REJECT --reject-with ${rejectType(statement.with, context.family)}`;
    case "set": {
      const { field, value } = statement;
      if (field.kind !== "meta" || field.key !== "mark" || value.kind !== "constant")
        throw new Inexpressible("writing this field");
      return `-j MARK --set-xmark ${hex(value.value)}/0xffffffff`;
    }
    default:
      throw new Inexpressible(statement.kind);
  }
}

function printTo(to: NatTarget): string {
  if (to.kind === "map") throw new Inexpressible("a translation by map");
  const { addresses, ports } = to;
  if (addresses === undefined)
    return ports === undefined ? "" : `:${ports.from}${ports.to === ports.from ? "" : `-${ports.to}`}`;
  const { from, to: end } = addresses;
  if (ports === undefined)
    return from === end
      ? printAddress(from as Address)
      : `${printAddress(from as Address)}-${printAddress(end as Address)}`;
  if (from !== end || ports.from !== ports.to) throw new Inexpressible("a range of addresses with ports");
  return printAddressPort(from as Address, Number(ports.from));
}

function toPorts(ports: Interval | undefined): string {
  return ports === undefined ? "" : ` --to-ports ${portRange(ports).replace(":", "-")}`;
}

function randomOption(random: NatRandom): string {
  return random === "none" ? "" : random === "random" ? " --random" : " --random-fully";
}

function rejectType(how: Extract<Statement, { kind: "reject" }>["with"], family: "ip" | "ip6"): string {
  if (how === "tcp-reset") return "tcp-reset";
  const ipv6: Readonly<Record<string, string>> = {
    "port-unreachable": "icmp6-port-unreachable",
    "host-unreachable": "icmp6-addr-unreachable",
    "net-unreachable": "icmp6-no-route",
    "admin-prohibited": "icmp6-adm-prohibited",
  };
  return family === "ip6" ? (ipv6[how] ?? how) : `icmp-${how}`;
}

// --- words -------------------------------------------------------------------------------------------------------------

function sign(negated: boolean): string {
  return negated ? "! " : "";
}

function single({ from, to }: Interval): Value {
  if (from !== to) throw new Inexpressible("a range where iptables takes one value");
  return from;
}

function portRange({ from, to }: Interval): string {
  return from === to ? String(from) : `${from}:${to}`;
}

function hex(value: Value): string {
  return `0x${value.toString(16)}`;
}

/** An argument as iptables-save writes it: quoted unless it is one plain word. */
function quote(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, "?").slice(0, 255);
  return /^[A-Za-z0-9_-]+$/.test(clean) ? clean : `"${clean.replace(/(["\\])/g, "\\$1")}"`;
}
