/** A ruleset as text for `nft -f`, in the form in which the kernel lists it back. */
import { unreachable } from "../../invariant.ts";
import { typeOf } from "../../ir/expression-type.ts";
import type {
  BaseChain,
  Chain,
  Component,
  Interval,
  MapDeclaration,
  MapElement,
  Match,
  NatRandom,
  NatTarget,
  Rule,
  SetDeclaration,
  SetElement,
  Statement,
  Step,
  Table,
  TableFamily,
  Verdict,
} from "../../ir/types.ts";
import { priorityName } from "./keywords.ts";
import { flagNames, printExpression, printInterval, printKey, printValue } from "./print-expression.ts";

/** One table as `nft list table` shows it. */
export function printTable(table: Table): string {
  const { family, name, comment, sets, maps, chains } = table;
  const blocks = [
    ...maps.map((map) => printMap(map)),
    ...sets.map((set) => printSet(set)),
    ...chains.map((chain) => printChain(chain, family)),
  ];
  const head = comment === undefined ? [] : [`\tcomment ${quoteComment(comment)}`];
  return `table ${family} ${name} {\n${[...head, blocks.join("\n")].join("\n\n")}}\n`;
}

// --- sets and maps -----------------------------------------------------------------------------------------------------

function printSet(set: SetDeclaration): string {
  return block(`set ${set.name}`, [...declareSet(set), ...printElements(set, printSetElement)]);
}

function printMap(map: MapDeclaration): string {
  return block(`map ${map.name}`, [...declareMap(map), ...printElements(map, printMapElement)]);
}

/** The lines that declare `set`, without its elements. */
export function declareSet(set: SetDeclaration): string[] {
  const lines = [printTypes(set.key)];
  const flags: string[] = set.interval ? ["interval"] : [];
  if (set.dynamic !== undefined) {
    lines.push(`size ${set.dynamic.size}`);
    flags.push("dynamic");
    if (set.dynamic.timeoutSeconds !== undefined) flags.push("timeout");
  }
  if (flags.length > 0) lines.push(`flags ${flags.join(",")}`);
  if (set.dynamic?.timeoutSeconds !== undefined) lines.push(`timeout ${printDuration(set.dynamic.timeoutSeconds)}`);
  if (set.comment !== undefined) lines.push(`comment ${quoteComment(set.comment)}`);
  return lines;
}

/** The lines that declare `map`, without its elements. */
export function declareMap(map: MapDeclaration): string[] {
  const lines = [printTypes(map.key, map.data)];
  if (map.interval) lines.push("flags interval");
  if (map.comment !== undefined) lines.push(`comment ${quoteComment(map.comment)}`);
  return lines;
}

/** `type …`, or `typeof …` where a component's type has no name that a concatenation may hold. */
function printTypes(key: readonly Component[], data?: "verdict" | readonly Component[]): string {
  const parts = data === undefined || data === "verdict" ? key : [...key, ...data];
  const needsSamples = parts.some(({ type }) => type === "integer");
  const print = (components: readonly Component[]): string =>
    components.map(({ type, sample }) => (needsSamples ? printExpression(sample, "ip") : type)).join(" . ");
  const value = data === undefined ? "" : ` : ${data === "verdict" ? "verdict" : print(data)}`;
  return `${needsSamples ? "typeof" : "type"} ${print(key)}${value}`;
}

/** In the order of the program: a Service's elements stand together. */
function printElements<Declaration extends SetDeclaration | MapDeclaration>(
  declaration: Declaration,
  print: (element: Declaration["elements"][number], declaration: Declaration) => string,
): string[] {
  const { elements } = declaration;
  if (elements.length === 0) return [];
  const runs: string[] = [];
  for (let start = 0; start < elements.length; start += RUN) {
    const run = elements.slice(start, start + RUN);
    runs.push(run.map((element) => print(element, declaration)).join(BETWEEN_ELEMENTS));
  }
  return [`elements = { ${runs.join(BETWEEN_ELEMENTS)} }`];
}

const BETWEEN_ELEMENTS = ",\n\t\t\t     ";

/** Elements whose texts are held one by one: of a million of them each would outlive several garbage collections. */
const RUN = 256;

function printSetElement(element: SetElement, set: Pick<SetDeclaration, "key">): string {
  const comment = element.comment === undefined ? "" : ` comment ${quoteComment(element.comment)}`;
  return `${printKey(element.key, set.key)}${comment}`;
}

/** An element of the set or map `declaration`. */
export function printElement(element: SetElement | MapElement, declaration: SetDeclaration | MapDeclaration): string {
  if ("value" in element && "data" in declaration) return printMapElement(element, declaration);
  return printSetElement(element, declaration);
}

function printMapElement(element: MapElement, map: MapDeclaration): string {
  const comment = element.comment === undefined ? "" : ` comment ${quoteComment(element.comment)}`;
  const value =
    map.data === "verdict"
      ? printVerdict(element.value as Verdict)
      : printKey(element.value as Exclude<MapElement["value"], Verdict>, map.data);
  return `${printKey(element.key, map.key)}${comment} : ${value}`;
}

// --- chains ------------------------------------------------------------------------------------------------------------

function printChain(chain: Chain, family: TableFamily): string {
  const head = [
    ...(chain.comment === undefined ? [] : [`comment ${quoteComment(chain.comment)}`]),
    ...(chain.kind === "base" ? [printHook(chain, family)] : []),
  ];
  return block(`chain ${chain.name}`, [...head, ...chain.rules.map((rule) => printRule(rule, family))]);
}

/** `type … hook … priority …; policy …;` */
export function printHook(chain: BaseChain, family: TableFamily): string {
  const priority = priorityName(family, chain.hook, chain.priority) ?? String(chain.priority);
  const device = chain.device === undefined ? "" : ` device "${chain.device}"`;
  return `type ${chain.type} hook ${chain.hook}${device} priority ${priority}; policy ${chain.policy};`;
}

/** One rule, without the chain that holds it. */
export function printRule(rule: Rule, family: TableFamily): string {
  const steps = rule.steps.map((step) => printStep(step, family)).join(" ");
  return rule.comment === undefined ? steps : `${steps} comment ${quoteComment(rule.comment)}`;
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
      return printStatement(step, family);
  }
}

function printMatch(match: Match, family: TableFamily): string {
  switch (match.kind) {
    case "compare":
      return printCompare(match, family);
    case "within": {
      const type = typeOf(match.left, family);
      const { intervals } = match;
      const texts = intervals.map((interval) => printInterval(interval, type));
      const right = texts.length === 1 ? texts.join() : `{ ${texts.join(", ")} }`;
      return `${printExpression(match.left, family)} ${match.negated ? "!= " : ""}${right}`;
    }
    case "name-prefix":
      return `${printExpression(match.left, family)} ${match.negated ? "!= " : ""}"${match.prefix}*"`;
    case "member":
      return `${printExpression(match.key, family)} ${match.negated ? "!= " : ""}@${match.set}`;
    case "chance":
      return `meta random & 2147483647 < ${match.numerator}`;
    case "opaque":
      return match.negated ? `! ${match.text}` : match.text;
    default:
      return unreachable(match);
  }
}

function printCompare({ left, operator, right }: Extract<Match, { kind: "compare" }>, family: TableFamily): string {
  // A list of flags is a test of bits: true when one of them is set, with `!` when none is.
  if (left.kind === "bitwise" && right === 0 && left.xor === 0 && typeof left.mask === "number") {
    const names =
      operator === "!=" || operator === "==" ? flagNames(left.mask, typeOf(left.operand, family)) : undefined;
    if (names !== undefined)
      return `${printExpression(left.operand, family)} ${operator === "==" ? "! " : ""}${names.join(",")}`;
  }
  const value = left.kind === "bitwise" && right === 0 ? "0" : printValue(right, typeOf(left, family));
  const sign = operator === "==" && left.kind !== "bitwise" ? "" : `${operator} `;
  return `${printExpression(left, family)} ${sign}${value}`;
}

function printStatement(statement: Statement, family: TableFamily): string {
  switch (statement.kind) {
    case "verdict":
      return printVerdict(statement.verdict);
    case "vmap":
      return `${printExpression(statement.key, family)} vmap ${printVmapTarget(statement, family)}`;
    case "dnat":
    case "snat":
      return `${statement.kind}${printNatTarget(statement.to, family)}${printRandom(statement.random)}`;
    case "masquerade":
      return `masquerade${printNatPorts(statement.ports)}${printRandom(statement.random)}`;
    case "redirect":
      return `redirect${printNatPorts(statement.ports)}${printRandom(statement.random)}`;
    case "reject":
      return printReject(statement.with, family);
    case "set":
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

function printVmapTarget({ key, map }: Extract<Statement, { kind: "vmap" }>, family: TableFamily): string {
  if (typeof map === "string") return `@${map}`;
  const parts = key.kind === "concat" ? key.parts : [key];
  const components = parts.map((sample): Component => ({ type: typeOf(sample, family), sample }));
  const elements = map.map(
    (element) => `${printKey(element.key, components)} : ${printVerdict(element.value as Verdict)}`,
  );
  return `{ ${elements.join(", ")} }`;
}

function printNatTarget(to: NatTarget, family: TableFamily): string {
  const ip = family === "ip6" ? " ip6" : " ip";
  if (to.kind === "map") return `${ip} to ${printExpression(to.key, family)} map @${to.map}`;
  const ports = to.ports === undefined ? "" : `:${printInterval(to.ports, "inet_service")}`;
  if (to.addresses === undefined) return ` to ${ports}`;
  const addresses = printInterval(to.addresses, family === "ip6" ? "ipv6_addr" : "ipv4_addr");
  return ` to ${family === "ip6" && ports !== "" ? `[${addresses}]` : addresses}${ports}`;
}

function printNatPorts(ports: Interval | undefined): string {
  return ports === undefined ? "" : ` to :${printInterval(ports, "inet_service")}`;
}

function printRandom(random: NatRandom): string {
  return random === "none" ? "" : ` ${random}`;
}

function printReject(how: Extract<Statement, { kind: "reject" }>["with"], family: TableFamily): string {
  switch (how) {
    case "port-unreachable":
      return "reject";
    case "tcp-reset":
      return "reject with tcp reset";
    default:
      return `reject with ${family === "ip6" ? "icmpv6" : "icmp"} ${how}`;
  }
}

function printVerdict(verdict: Verdict): string {
  return verdict.kind === "jump" || verdict.kind === "goto" ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

// --- shapes ------------------------------------------------------------------------------------------------------------

function block(head: string, lines: readonly string[]): string {
  return `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}

/** Seconds as nft lists them: `3h`, `1d2h`, `90s` as `1m30s`. */
export function printDuration(seconds: number): string {
  const units = [
    ["d", 86400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
  ] as const;
  let rest = seconds;
  let text = "";
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}

/** A comment. nft strings have no escapes: what could end one is replaced. */
export function quoteComment(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]|["\\]/g, "?").slice(0, 127)}"`;
}
