/** What a step did to a packet, and why, in words beside the rule. */
import { destinationOf, isRefused, sourceOf } from "../evaluate/disposition.ts";
import type { MissedStep, PathStep, RuleStep } from "../evaluate/packet.ts";
import { unreachable } from "../invariant.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { intervalAsPrefix, partHolds, prefixOfNames } from "../ir/interval.ts";
import { isDeclared } from "../ir/sets.ts";
import type { Interval, Match, Rule, Value, WritableField } from "../ir/types.ts";
import type { ValueTest } from "../ir/value-test.ts";
import { type Address, printAddress } from "../net/address.ts";
import { printPrefix } from "../net/prefix.ts";
import type { AddressNames } from "./names.ts";
import type { ShownStep, TestedWrite, TracedResult } from "./slice.ts";

/** What is known of the packet that took the step. */
export interface WordsContext {
  readonly source: Address;
  readonly inInterface: string | undefined;
  readonly result: TracedResult;
  readonly names: AddressNames;
  /** The place of `rule`, as people read it beside the step's own. */
  readonly place: (rule: Rule) => string | undefined;
}

/** What the step did, and what it rests on: a line each. */
export function wordsOf({ step, because }: ShownStep, context: WordsContext): string[] {
  const origins = because.map((tested) => printWrite(tested, context));
  switch (step.kind) {
    case "policy":
      return [];
    case "missed":
      return [printMissed(step, origins, context)];
    case "rule":
      return [...effectWords(step, context), ...origins];
    default:
      return unreachable(step);
  }
}

function effectWords(step: RuleStep, context: WordsContext): string[] {
  const { effect } = step;
  switch (effect.kind) {
    case "write": {
      const why = reasonOf(step, context.result.path, context);
      return [`${printChange(step)}${why === undefined ? "" : `, because ${why}`}`];
    }
    case "source": {
      const source = effect.source ?? "the node's address";
      return [`${effect.source === undefined ? "masqueraded: " : ""}the source becomes ${source}`];
    }
    case "taken":
      return ["not understood: the packet's path may end here"];
    case "verdict":
      return isExempting(step, context.result)
        ? [`not masqueraded${whyNot(step, context)}`]
        : membershipWords(step, context);
    case "reject":
      return membershipWords(step, context);
    case "destination":
    case "remember":
      return [];
    default:
      return unreachable(effect);
  }
}

/** Whether the step lets a packet go that is not masqueraded. */
export function isExempting(step: PathStep, result: TracedResult): boolean {
  if (step.kind !== "rule" || step.effect.kind !== "verdict" || "chain" in step.effect.verdict) return false;
  return step.base.type === "nat" && step.base.hook === "postrouting" && !isTranslated(result);
}

/** Of a packet that is refused: what the set or map holds by whose element the rule applied, as its comment says. */
function membershipWords({ element, declaration }: RuleStep, { result }: WordsContext): string[] {
  if (element === undefined || declaration === undefined || !isRefused(result.disposition)) return [];
  return isDeclared(declaration) && declaration.comment !== undefined
    ? [`@${declaration.name}: ${declaration.comment}`]
    : [];
}

/** Whether rules changed the source of a packet, which may have been dropped later. */
function isTranslated({ disposition, path }: TracedResult): boolean {
  const isChanged = path.some((step) => step.kind === "rule" && step.effect.kind === "source");
  return isChanged || sourceOf(disposition).kind !== "kept";
}

/** Why a rule lets packets go without masquerading: by what it asks of the source, or by the mark that no rule set. */
function whyNot(step: RuleStep, context: WordsContext): string {
  const about = sourceTests(step.rule).map((test) => describeSource(test, true, context));
  if (about.length > 0) return `: ${about.join(", and ")}`;
  const missed = context.result.path.filter((each): each is MissedStep => each.kind === "missed");
  const { rule } = step;
  const marks = rule.steps.flatMap((each) => (each.kind === "compare" && isMark(each) ? [each] : []));
  const [mark] = marks;
  if (mark === undefined) return "";
  const telling = missed.find(({ bearing, failed }) => bearing.writes.has("meta mark") && failed.some(isNegated));
  if (telling !== undefined) return `: ${describeFailed(telling, context)}`;
  return `: no rule has set ${markIn(mark)}`;
}

function isNegated(test: ValueTest): boolean {
  return test.kind === "compare" ? test.operator === "!=" : test.negated;
}

function isMark({ left }: Extract<Match, { kind: "compare" }>): boolean {
  const field = left.kind === "bitwise" ? left.operand : left;
  return field.kind === "meta" && field.key === "mark";
}

function markIn({ left, right }: Extract<Match, { kind: "compare" }>): string {
  const bits = left.kind === "bitwise" ? left.mask : right;
  return `mark ${hex(typeof bits === "number" ? bits : 0)}`;
}

function printMissed(step: MissedStep, origins: readonly string[], context: WordsContext): string {
  const why = origins.length > 0 ? origins.join(", and ") : describeFailed(step, context);
  const isDirect = step.bearing.source && step.base.hook === "postrouting";
  return `${isDirect && origins.length === 0 ? "not masqueraded" : "does not apply"}: ${why}`;
}

function describeFailed({ failed }: MissedStep, context: WordsContext): string {
  return failed.map((test) => describeSource(test, false, context)).join(", and ");
}

// --- writes ----------------------------------------------------------------------------------------------------------------

function printWrite({ write, before }: TestedWrite, context: WordsContext): string {
  const { effect, chain, rule } = write;
  if (effect.kind !== "write") return "";
  const place = context.place(rule);
  const why = reasonOf(write, before, context);
  return `${valueIn(effect.field, effect)} set by ${chain}${place === undefined ? "" : `, ${place}`}${why === undefined ? "" : `, because ${why}`}`;
}

type Write = Extract<RuleStep["effect"], { kind: "write" }>;

/** `mark 0x4000`: the bits that are set and were not, or the value where none were. */
function valueIn(field: WritableField, { before, after }: Write): string {
  const name = fieldName(field);
  if (after === undefined) return name;
  const added = before === undefined ? after : (after & ~before) >>> 0;
  return `${name} ${hex(added === 0 ? after : added)}`;
}

function printChange({ effect }: RuleStep): string {
  if (effect.kind !== "write") return "";
  const { field, before, after } = effect;
  if (field.kind === "ct" && field.key === "state") return "conntrack does not track the packet";
  const name = fieldName(field);
  if (after === undefined) return `${name} is not known from here on`;
  if (before === after) return `${name} stays ${hex(after)}`;
  if (before === undefined) return `${name} becomes ${hex(after)}`;
  const [added, removed] = [(after & ~before) >>> 0, (before & ~after) >>> 0];
  if (removed === 0) return `sets ${name} ${hex(added)}`;
  return added === 0 ? `clears ${name} ${hex(removed)}` : `${name} becomes ${hex(after)}, was ${hex(before)}`;
}

function fieldName(field: WritableField): string {
  return field.kind === "meta" ? field.key : `${field.kind} ${field.key}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Why the packet came to `step`: what its rule, or the nearest rule that led to its chain, asks of it. */
function reasonOf(step: RuleStep, path: readonly PathStep[], context: WordsContext): string | undefined {
  let here = step;
  let end = path.indexOf(step) < 0 ? path.length : path.indexOf(step);
  for (;;) {
    const tests = describeTests(here.rule, context);
    if (tests !== undefined) return tests;
    end = path.slice(0, end).findLastIndex((each) => each.kind === "rule" && leadsTo(each, here));
    const caller = path[end];
    if (caller?.kind !== "rule") return undefined;
    here = caller;
  }
}

function leadsTo({ effect, base, depth }: RuleStep, inside: RuleStep): boolean {
  if (effect.kind !== "verdict" || !("chain" in effect.verdict)) return false;
  return base === inside.base && depth === inside.depth - 1 && effect.verdict.chain === inside.chain;
}

// --- matches ---------------------------------------------------------------------------------------------------------------

/** What `rule` asks of the source, or else of the destination. */
function describeTests(rule: Rule, context: WordsContext): string | undefined {
  const source = sourceTests(rule).map((test) => describeSource(test, true, context));
  if (source.length > 0) return source.join(" and ");
  const destination = rule.steps.flatMap((step) => destinationText(step));
  return destination.length > 0 ? destination.join(" and ") : undefined;
}

function isValueTest(step: Rule["steps"][number]): step is ValueTest {
  return step.kind === "compare" || step.kind === "within" || step.kind === "name-prefix";
}

function sourceTests({ steps }: Rule): ValueTest[] {
  return steps.filter(isValueTest).filter(({ left }) => {
    if (left.kind === "ip" || left.kind === "ip6") return left.field === "saddr";
    if (left.kind === "fib") return left.of === "saddr";
    return left.kind === "meta" && (left.key === "iifname" || left.key === "iif");
  });
}

/** What a test of the source that holds, or does not, says of it. */
function describeSource(test: ValueTest, holds: boolean, context: WordsContext): string {
  const is = isNegated(test) !== holds;
  const { left } = test;
  if (left.kind === "meta")
    return `its input interface is ${is ? "" : "not "}${valuesOf(test).map(printName).join(" or ")}`;
  if (left.kind === "fib") {
    const isLocal = valuesOf(test).some((value) => partHolds(value, ADDRESS_TYPE.local));
    return `the source is ${is ? "" : "not "}${isLocal ? "an address of this node" : "of that type"}`;
  }
  const { source, names, result } = context;
  const endpoint = destinationOf(result.disposition)?.address;
  const blocks = valuesOf(test);
  const [only, more] = blocks;
  if (more === undefined && only !== undefined && only.from === only.to)
    return only.from === endpoint && is
      ? "the source is the endpoint"
      : `the source is ${is ? "" : "not "}${only.from === endpoint ? "the endpoint" : printAddress(only.from as Address)}`;
  const block = blocks.find((each) => partHolds(each, source)) ?? only;
  const text = is && block !== undefined ? printBlock(block) : blocks.map(printBlock).join(", ");
  if (is && names.isPodHere(source)) return `${printAddress(source)} is a pod of this node (${text})`;
  return is ? `${printAddress(source)} is in ${text}` : `the source is not in ${text}`;
}

function destinationText(step: Rule["steps"][number]): string[] {
  if (!isValueTest(step)) return [];
  const { left } = step;
  const not = isNegated(step) ? "not " : "";
  const blocks = valuesOf(step);
  const isOne = blocks.length === 1 && blocks[0]?.from === blocks[0]?.to;
  if ((left.kind === "ip" || left.kind === "ip6") && left.field === "daddr")
    return [`the destination is ${not}${isOne ? "" : "in "}${blocks.map(printBlock).join(", ")}`];
  if (left.kind === "transport" && left.field === "dport")
    return [`the port is ${not}${blocks.map(printName).join(" or ")}`];
  return [];
}

function valuesOf(test: ValueTest): readonly Interval[] {
  switch (test.kind) {
    case "compare":
      return [{ from: test.right, to: test.right }];
    case "within":
      return test.intervals;
    case "name-prefix":
      return [{ from: test.prefix, to: `${test.prefix}\uffff` }];
    default:
      return unreachable(test);
  }
}

function printName(interval: Interval): string {
  const prefix = prefixOfNames(interval);
  if (prefix !== undefined) return `${prefix}*`;
  return interval.from === interval.to ? String(interval.from) : `${interval.from}-${interval.to}`;
}

function printBlock(interval: Interval): string {
  const { from, to } = interval;
  const print = (value: Value): string => (typeof value === "string" ? value : printAddress(value as Address));
  if (from === to) return print(from);
  const prefix = intervalAsPrefix(interval, typeof from === "bigint" ? "ipv6_addr" : "ipv4_addr");
  return prefix === undefined ? `${print(from)}-${print(to)}` : printPrefix(prefix);
}
