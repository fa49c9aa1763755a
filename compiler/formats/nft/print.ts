/** A ruleset as text for `nft -f`, in the form in which the kernel lists it back. */
import { unreachable } from "../../invariant.ts";
import { typeOf } from "../../ir/expression-type.ts";
import { familyTested } from "../../ir/packet-family.ts";
import type {
  BaseChain,
  Chain,
  DataType,
  Expression,
  Interval,
  Match,
  NatTarget,
  Rule,
  Statement,
  Step,
  Table,
  TableFamily,
  Value,
} from "../../ir/types.ts";
import { type Mark, UNMARKED } from "../marks.ts";
import { FLAGS, priorityName, SYMBOLS } from "./keywords.ts";
import { printAsked, printVerdict, quoteComment } from "./print-elements.ts";
import { printExpression } from "./print-expression.ts";
import { isFamilyTest, printFamilyElements, printFamilyTest } from "./print-family.ts";
import { printReject } from "./print-reject.ts";
import { listSet } from "./print-sets.ts";
import { flagNames, printInterval, printValue } from "./print-values.ts";
import { printDuration } from "./times.ts";

/** One table as `nft list table` shows it. `mark` is given each rule and element. */
export function printTable(table: Table, mark: Mark = UNMARKED): string {
  const { family, name, comment, sets, maps, chains, objects = [] } = table;
  const written = writtenChains(table);
  const blocks = [
    ...objects.map(({ head, lines }) => block(head, lines)),
    ...maps.map((map) => block(`map ${map.name}`, listSet(map, mark))),
    ...sets.map((set) => block(`set ${set.name}`, listSet(set, mark))),
    ...chains.filter((chain) => !isAnonymous(chain)).map((chain) => printChain(chain, family, written, mark)),
  ];
  const head = [
    ...(comment === undefined ? [] : [`\tcomment ${quoteComment(comment)}`]),
    ...(table.dormant ? ["\tflags dormant"] : []),
  ];
  return `table ${family} ${name} {\n${[...head, blocks.join("\n")].join("\n\n")}}\n`;
}

function isAnonymous(chain: Chain): boolean {
  return chain.kind === "regular" && chain.anonymous === true;
}

/** What stands in a rule that leads to a chain of this name: its rules in braces if it is written there, else undefined. */
type WrittenChain = (name: string) => string | undefined;

function writtenChains({ chains, family }: Table): WrittenChain {
  const anonymous = new Map(chains.filter(isAnonymous).map((chain) => [chain.name, chain]));
  const written: WrittenChain = (name) => {
    const chain = anonymous.get(name);
    if (chain === undefined) return undefined;
    const lines = chain.rules.map((rule) => `\t\t\t${printRule(rule, family, written)}\n`);
    return `{\n${lines.join("")}\t\t}`;
  };
  return written;
}

// --- chains ------------------------------------------------------------------------------------------------------------

function printChain(chain: Chain, family: TableFamily, written: WrittenChain, mark: Mark): string {
  const head = [
    ...(chain.comment === undefined ? [] : [`comment ${quoteComment(chain.comment)}`]),
    ...(chain.kind === "base" ? [printHook(chain, family)] : []),
  ];
  const rules = chain.rules.map((rule) => mark(printRule(rule, family, written), rule));
  return block(`chain ${chain.name}`, [...head, ...rules]);
}

/** `type … hook … priority …; policy …;` */
export function printHook(chain: BaseChain, family: TableFamily): string {
  const priority = priorityName(family, chain.hook, chain.priority) ?? String(chain.priority);
  const device = chain.device === undefined ? "" : ` ${printDevices(chain.device)}`;
  return `type ${chain.type} hook ${chain.hook}${device} priority ${priority}; policy ${chain.policy};`;
}

/** The devices of a chain: one by its name, or a list in braces. */
function printDevices(device: string): string {
  return device.startsWith("{") ? `devices = ${device.replaceAll(" ,", ",")}` : `device "${device}"`;
}

/** One rule, without the chain that holds it. Chains that are written in it stand there by name, unless `written` gives their text. */
export function printRule(rule: Rule, family: TableFamily, written: WrittenChain = () => undefined): string {
  const steps = rule.steps.map((step, i) => {
    if (step.kind === "verdict" && "chain" in step.verdict) {
      const { kind, chain } = step.verdict;
      return printVerdict({ kind, chain: written(chain) ?? chain });
    }
    if (step.kind !== "reject") return printStep(step, family);
    // A test of the family stands for the words `icmp` and `icmpv6` of the source.
    return printReject(step.with, familyTested(rule.steps.slice(0, i)) ?? family);
  });
  return rule.comment === undefined ? steps.join(" ") : `${steps.join(" ")} comment ${quoteComment(rule.comment)}`;
}

function printStep(step: Step, family: TableFamily): string {
  switch (step.kind) {
    case "compare":
    case "within":
    case "name-prefix":
    case "member":
    case "chance":
    case "opaque":
      return printMatch(step, family);
    default:
      // All statements: `printStatement` takes no match.
      return printStatement(step, family);
  }
}

function printMatch(match: Match, family: TableFamily): string {
  if ((match.kind === "compare" || match.kind === "within") && isFamilyTest(match.left, family))
    return printFamilyTest(match);
  switch (match.kind) {
    case "compare":
      // nft has no words for the addition, and refuses these: for people who follow a packet through iptables' rules.
      return `${printCompare(match, family)}${match.orAbsent ? orNothing(match.left) : ""}`;
    case "within": {
      const type = typeOf(match.left, family);
      const intervals = match.intervals.flatMap((interval) => namedValues(interval, type));
      const texts = intervals.map((interval) => printInterval(interval, type));
      const right = texts.length === 1 ? texts.join() : `{ ${texts.join(", ")} }`;
      const also = match.orAbsent ? orNothing(match.left) : "";
      return `${printExpression(match.left, family)} ${match.negated ? "!= " : ""}${right}${also}`;
    }
    case "name-prefix":
      return `${printExpression(match.left, family)} ${match.negated ? "!= " : ""}"${match.prefix}*"`;
    case "member":
      return `${printExpression(match.key, family)} ${match.negated ? "!= " : ""}${printAsked(match.set)}${match.orAbsent ? " (or without it)" : ""}`;
    case "chance":
      return `meta random & 2147483647 < ${match.numerator}`;
    case "opaque":
      return match.spelled ?? (match.negated ? `! ${match.text}` : match.text);
    default:
      return unreachable(match);
  }
}

function orNothing(left: Expression): string {
  return left.kind === "meta" ? " (or no socket)" : " (or no connection)";
}

/** Values with names are listed one by one: nft has no ranges of names. */
function namedValues(interval: Interval, type: DataType): Interval[] {
  const { from, to } = interval;
  if ((SYMBOLS[type] ?? FLAGS[type]) === undefined || typeof from !== "number" || typeof to !== "number")
    return [interval];
  if (to - from > MANY_NAMES) return [interval];
  return Array.from({ length: to - from + 1 }, (_, i) => ({ from: from + i, to: from + i }));
}

/** More than this are no list of names. */
const MANY_NAMES = 32;

function printCompare({ left, operator, right }: Extract<Match, { kind: "compare" }>, family: TableFamily): string {
  if (right === "") return `iif ${operator === "==" ? "" : `${operator} `}0`; // nft takes no empty name
  // A list of flags is a test of bits: true when one of them is set, with `!` when none is.
  if (left.kind === "bitwise" && right === 0 && left.xor === 0 && typeof left.mask === "number") {
    const names =
      operator === "!=" || operator === "==" ? flagNames(left.mask, typeOf(left.operand, family)) : undefined;
    if (names !== undefined && names.length > 0)
      return `${printExpression(left.operand, family)} ${operator === "==" ? "! " : ""}${names.join(",")}`;
  }
  const value = left.kind === "bitwise" && right === 0 ? "0" : printFlags(right, typeOf(left, family));
  // Without an operator a flag is a test of its bit.
  const isImplicit = operator === "==" && left.kind !== "bitwise" && FLAGS[typeOf(left, family)] === undefined;
  const sign = isImplicit ? "" : `${operator} `;
  return `${printExpression(left, family)} ${sign}${value}`;
}

/** A value; of several flags, each by its name. */
function printFlags(value: Value, type: DataType): string {
  const names = typeof value === "number" && value !== 0 ? flagNames(value, type) : undefined;
  return names === undefined || names.length < 2 ? printValue(value, type) : `(${names.join(" | ")})`;
}

function printStatement(statement: Statement, family: TableFamily): string {
  switch (statement.kind) {
    case "verdict":
      return printVerdict(statement.verdict);
    case "vmap":
      return `${printVmapKey(statement, family)} vmap ${printVmapTarget(statement, family)}`;
    case "dnat":
    case "snat":
    case "masquerade":
    case "redirect":
      return [statement.kind, ...translationWords(statement, family)].join(" ");
    case "reject":
      return printReject(statement.with, family);
    case "set":
      if (statement.field.kind === "ct" && statement.field.key === "state") return "notrack";
      return `${printExpression(statement.field, family)} set ${printExpression(statement.value, family)}`;
    case "remember": {
      const timeout =
        statement.timeoutSeconds === undefined ? "" : ` timeout ${printDuration(statement.timeoutSeconds)}`;
      return `${statement.operation} @${statement.set} { ${printExpression(statement.key, family)}${timeout} }`;
    }
    case "counter":
      return "counter";
    case "opaque-statement":
      return statement.text;
    default:
      return unreachable(statement);
  }
}

export function printVmapKey({ key }: Extract<Statement, { kind: "vmap" }>, family: TableFamily): string {
  return isFamilyTest(key, family) ? "meta protocol" : printExpression(key, family);
}

function printVmapTarget({ key, map }: Extract<Statement, { kind: "vmap" }>, family: TableFamily): string {
  const isOfFamily = typeof map !== "string" && isFamilyTest(key, family);
  return isOfFamily ? printFamilyElements(map.elements, printVerdict) : printAsked(map);
}

/** What stands behind the verb of a translation. */
export function translationWords(
  statement: Extract<Statement, { kind: "dnat" | "snat" | "masquerade" | "redirect" }>,
  family: TableFamily,
): readonly string[] {
  const { random, persistent } = statement;
  const to =
    "to" in statement ? printNatTarget(statement.to, family) : statement.ports && printNatPorts(statement.ports);
  const flags = [...(random === "none" ? [] : [random]), ...(persistent ? ["persistent"] : [])];
  return [...(to === undefined ? [] : [to]), ...(flags.length === 0 ? [] : [flags.join(",")])];
}

function printNatTarget(to: NatTarget, family: TableFamily): string {
  if (to.kind === "map")
    return `${family === "ip6" ? "ip6" : (to.family ?? "ip")} to ${printExpression(to.key, family)} map ${printAsked(to.map)}`;
  // nft has no words for the base of shifted ports, and refuses these: for people who follow a packet through iptables' rules.
  const base = to.base === undefined ? "" : `/${to.base}`;
  const ports = to.ports === undefined ? "" : `:${printInterval(to.ports, "inet_service")}${base}`;
  if (to.addresses === undefined) return `to ${ports}`;
  const isIpv6 = typeof to.addresses.from === "bigint";
  const type = isIpv6 ? "ipv6_addr" : "ipv4_addr";
  const addresses = to.netmap ? printInterval(to.addresses, type) : printRange(to.addresses, type);
  // In a table of both families the statement says of which one it is.
  const word = family === "ip" || family === "ip6" ? "" : isIpv6 ? "ip6 " : "ip ";
  return `${word}${to.netmap ? "prefix " : ""}to ${isIpv6 && ports !== "" ? `[${addresses.replace("-", "]-[")}]` : addresses}${ports}`;
}

/** Translation takes no prefixes. */
function printRange({ from, to }: Interval, type: "ipv4_addr" | "ipv6_addr"): string {
  return from === to ? printValue(from, type) : `${printValue(from, type)}-${printValue(to, type)}`;
}

function printNatPorts(ports: Interval): string {
  return `to :${printInterval(ports, "inet_service")}`;
}

// --- shapes ------------------------------------------------------------------------------------------------------------

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}
