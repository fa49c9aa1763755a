/** One rule in the words of iptables-save. */
import { unreachable } from "../../invariant.ts";
import { nameOfField } from "../../ir/describe.ts";
import type { Expression, Match, Rule, Statement, Step, Value } from "../../ir/types.ts";
import { asField, isMatch } from "../../ir/walk.ts";
import { FIELD_PRINTERS, printStep } from "./extensions/matches.ts";
import type { FieldPrinter, OtherStep, PrintScope, RuleContext, Words } from "./extensions/row.ts";
import { TARGET_PRINTERS } from "./extensions/targets.ts";
import { HEAD_PRINTERS, printNamePrefix, protocolTested } from "./head-options.ts";
import { type Lacking, lacking, type OptionWords, optionWords, type RuleWords, type UnitWords } from "./rule-words.ts";

/** The rule behind `-A CHAIN`, or what of it iptables has no words for. */
export function printRule(rule: Rule, context: RuleContext): RuleWords | Lacking {
  const open = new OpenRule(rule.steps, context);
  for (const step of rule.steps) {
    const missing = open.add(step);
    if (missing !== undefined) return missing;
  }
  return open.close(rule.comment);
}

/** As iptables-save lists them. */
const HEAD_ORDER = ["-s", "-d", "-i", "-o", "-p", "-f"];

/** The rule so far. It is what its matches are printed in. */
class OpenRule implements PrintScope {
  readonly family: PrintScope["family"];
  readonly table: PrintScope["table"];
  readonly chainNames: PrintScope["chainNames"];
  readonly sets: PrintScope["sets"];
  readonly listName: PrintScope["listName"];
  /** The protocol that a test says, which may come later: `-p` counts for the whole rule. */
  private readonly tested: string | undefined;
  private readonly head: OptionWords[] = [];
  private readonly matches: UnitWords[] = [];
  /** A match to which options are added as long as no other one has to stand behind it. */
  private open: UnitWords | undefined;
  private target: RuleWords["target"];

  constructor(steps: readonly Step[], context: RuleContext) {
    this.family = context.family;
    this.table = context.table;
    this.chainNames = context.chainNames;
    this.sets = context.sets;
    this.listName = context.listName;
    this.tested = protocolTested(steps);
  }

  /** What of `step` iptables has no words for; undefined: it is in the rule. */
  add(step: Step): Lacking | undefined {
    if (this.target !== undefined) return lacking("a rule has one target, and it is the last");
    if (isMatch(step) || step.kind === "remember") {
      const words = printMatch(step, this);
      return "lacking" in words ? words : this.take(words);
    }
    const target = printTarget(step, this);
    if ("lacking" in target) return target;
    this.target = target;
    return undefined;
  }

  close(comment: string | undefined): RuleWords {
    this.closeMatch();
    const head = [...this.head].sort((a, b) => HEAD_ORDER.indexOf(a.name) - HEAD_ORDER.indexOf(b.name));
    return { head, matches: this.matches, comment, target: this.target };
  }

  get protocol(): string | undefined {
    return this.named() ?? this.tested;
  }

  get last(): UnitWords | undefined {
    return this.matches.at(-1);
  }

  has(option: string): boolean {
    return this.head.some(({ name }) => name === option);
  }

  /** What `-p` names so far. */
  private named(): string | undefined {
    return this.head.find(({ name, negated }) => name === "-p" && !negated)?.values[0];
  }

  private take({ protocol, head, match, joins }: Words): Lacking | undefined {
    const missing =
      (protocol === undefined ? undefined : this.needProtocol(protocol)) ??
      (head === undefined ? undefined : this.addHead(head));
    if (missing !== undefined || match === undefined) return missing;
    if (joins === "open") this.addOpen(match);
    else {
      if (joins === "closed") this.closeMatch();
      if (joins === "instead") this.matches.pop();
      this.matches.push(match);
    }
    return undefined;
  }

  /** A test of one protocol's header says which one; `-p` says so then. */
  private needProtocol(wanted: string): Lacking | undefined {
    const protocol = this.named();
    if (protocol === undefined) return this.addHead(optionWords("-p", [wanted]));
    return protocol === wanted ? undefined : lacking(`a header of ${wanted} in a packet of ${protocol}`);
  }

  /** iptables takes each of these options once; the same test twice is one. */
  private addHead(words: OptionWords): Lacking | undefined {
    const other = this.head.find(({ name }) => name === words.name);
    if (other === undefined) this.head.push(words);
    else if (other.negated !== words.negated || other.values.join(" ") !== words.values.join(" "))
      return lacking(`a second test with ${words.name}`);
    return undefined;
  }

  /** One match takes each option once. */
  private addOpen({ name, options }: UnitWords): void {
    const isThere = this.open?.options.some((option) => options.some((other) => other.name === option.name));
    if (isThere || this.open?.name !== name) this.closeMatch();
    this.open = { name, options: [...(this.open?.options ?? []), ...options] };
  }

  private closeMatch(): void {
    if (this.open !== undefined) this.matches.push(this.open);
    this.open = undefined;
  }
}

// --- matches -------------------------------------------------------------------------------------------------------------

function printMatch(step: Match | OtherStep, scope: PrintScope): Words | Lacking {
  switch (step.kind) {
    case "chance":
    case "member":
    case "remember":
      return printStep(step, scope) ?? lacking(step.kind);
    case "name-prefix":
      return printNamePrefix(step);
    case "opaque":
      return printOpaque(step);
    case "within":
      return printWithin(step, scope);
    case "compare":
      return printCompare(step, scope);
    default:
      return unreachable(step);
  }
}

/** What an extension that is not understood tests, in its own words. */
function printOpaque({ text, negated, spelled }: Extract<Match, { kind: "opaque" }>): Words | Lacking {
  const words = spelled ?? (negated ? undefined : text);
  const [, match] = /^-m (\S+)/.exec(words ?? "") ?? [];
  if (words !== undefined && match !== undefined)
    return { match: { name: match, options: [], spelled: words }, joins: "closed" };
  const [, bang, option, value] = /^(! )?(-\S*)(?: (.*))?$/.exec(words ?? "") ?? [];
  if (option === undefined) return lacking(text);
  return { head: optionWords(option, value === undefined ? [] : [value], bang !== undefined) };
}

function printWithin(match: Extract<Match, { kind: "within" }>, scope: PrintScope): Words | Lacking {
  const { left, intervals, negated, orAbsent = false } = match;
  const [only, ...more] = intervals;
  if (only === undefined) return lacking("a match that nothing is within");
  const printer = printerOf(left);
  if (more.length > 0) return printer?.list?.(intervals, negated, scope) ?? lacking("a list of intervals in one match");
  return printer?.one?.(only, { negated, orAbsent }, scope) ?? lacking(nameFor(left));
}

function printCompare(match: Extract<Match, { kind: "compare" }>, scope: PrintScope): Words | Lacking {
  const { left, operator, right, orAbsent = false } = match;
  if (left.kind === "numgen") return printStep(match, scope) ?? lacking(nameFor(left));
  if (operator === "<" || operator === ">")
    return (
      printerOf(left)?.order?.(operator, right) ?? lacking(left.kind === "header" ? left.field : `operator ${operator}`)
    );
  if (operator !== "==" && operator !== "!=") return lacking(`operator ${operator}`);
  const sign = { negated: operator === "!=", orAbsent };
  if (left.kind === "bitwise") return printBits(left, right, sign, scope);
  return printerOf(left)?.one?.({ from: right, to: right }, sign, scope) ?? lacking(nameFor(left));
}

function printBits(
  { operand, mask, xor }: Extract<Expression, { kind: "bitwise" }>,
  value: Value,
  sign: { readonly negated: boolean; readonly orAbsent: boolean },
  scope: PrintScope,
): Words | Lacking {
  const isPlain = xor === 0 || xor === 0n;
  const printed = isPlain ? printerOf(operand)?.masked?.({ mask, value }, sign, scope) : undefined;
  return printed ?? lacking("bitwise operation");
}

/** iptables compares fields only. */
function printerOf(expression: Expression): FieldPrinter | undefined {
  const field = asField(expression);
  if (field === undefined) return undefined;
  const name = nameOfField(field);
  return HEAD_PRINTERS[name] ?? FIELD_PRINTERS[name];
}

function nameFor(expression: Expression): string {
  const field = asField(expression);
  return field === undefined ? expression.kind : nameOfField(field);
}

// --- targets -------------------------------------------------------------------------------------------------------------

function printTarget(statement: Statement, context: RuleContext): NonNullable<RuleWords["target"]> | Lacking {
  if (statement.kind === "verdict") {
    const { verdict } = statement;
    if (verdict.kind === "jump" || verdict.kind === "goto") {
      const name = context.chainNames.get(verdict.chain) ?? verdict.chain;
      return { option: verdict.kind === "jump" ? "-j" : "-g", unit: { name, options: [] } };
    }
  }
  const text = spelledTarget(statement);
  if (text !== undefined) {
    const [, name] = /^-j (\S+)/.exec(text) ?? [];
    return name === undefined ? lacking(text) : { option: "-j", unit: { name, options: [], spelled: text } };
  }
  for (const [name, print] of TARGET_PRINTERS.get(statement.kind) ?? []) {
    const options = print(statement, context);
    if (options === undefined) continue;
    return "lacking" in options ? options : { option: "-j", unit: { name, options } };
  }
  return lacking(whatOf(statement));
}

function whatOf(statement: Statement): string {
  if (statement.kind === "verdict") return statement.verdict.kind;
  return statement.kind === "set" ? "writing this field" : statement.kind;
}

/** What a target that is not understood does, in its own words. */
function spelledTarget(statement: Statement): string | undefined {
  if (statement.kind === "opaque-statement") return statement.text;
  if (statement.kind !== "set" || statement.value.kind !== "opaque") return undefined;
  const { text } = statement.value;
  return text.startsWith("-j ") ? text : undefined;
}
