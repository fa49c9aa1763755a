/** What a base chain reads, writes and decides: whether two of them can change places without anybody seeing it. */
import { unreachable } from "../invariant.ts";
import { ChainGraph } from "../ir/chain-graph.ts";
import { describe } from "../ir/describe.ts";
import type { BaseChain, Expression, Step, Table } from "../ir/types.ts";
import {
  allParts,
  asField,
  expressionsOf,
  fieldsWritten,
  isInert,
  isMatch,
  lookupsIn,
  setFilledBy,
  translatedBy,
} from "../ir/walk.ts";
import { bucketOf } from "./buckets.ts";
import { listUseOf } from "./list-use.ts";

export interface Footprint {
  /** The ways in which it may end a packet: drops, kinds of rejects, statements that are not understood. */
  readonly ends: ReadonlySet<string>;
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** Sets, lists and buckets that it fills or empties. */
  readonly remembers: ReadonlySet<string>;
}

/** Whether the result may depend on which of two chains runs first. */
export function areInConflict(a: Footprint, b: Footprint): boolean {
  const isDecidedTwice = a.ends.size > 0 && b.ends.size > 0 && new Set([...a.ends, ...b.ends]).size > 1;
  const isLost = (one: Footprint, other: Footprint): boolean => one.ends.size > 0 && other.remembers.size > 0;
  const isSeen = (one: Footprint, other: Footprint): boolean =>
    [...one.writes, ...one.remembers].some(
      (each) => other.reads.has(each) || other.writes.has(each) || other.remembers.has(each),
    );
  return isDecidedTwice || isLost(a, b) || isLost(b, a) || isSeen(a, b) || isSeen(b, a);
}

/** That of `chain`, with all chains to which its rules lead. */
export function footprintOf(chain: BaseChain, table: Table): Footprint {
  const footprint = { ends: new Set<string>(), reads: new Set<string>(), writes: new Set<string>() };
  const remembers = new Set<string>();
  if (chain.policy === "drop") footprint.ends.add("drop");
  for (const { rules } of new ChainGraph(table).reachableFrom([chain]))
    for (const { steps } of rules) for (const step of steps) add(step, footprint, remembers);
  return { ...footprint, remembers };
}

/** All that translations change: addresses, ports, the connection's status. */
const NAT = "nat";

function add(
  step: Step,
  { ends, reads, writes }: { ends: Set<string>; reads: Set<string>; writes: Set<string> },
  remembers: Set<string>,
): void {
  const use = listUseOf(step);
  const list = use?.list.replace(/^@/, "set ");
  if (list !== undefined && use?.tests) reads.add(list);
  if (list !== undefined && use?.fills) remembers.add(list);
  const bucket = bucketOf(step)?.shared;
  if (bucket !== undefined) reads.add(bucket);
  if (bucket !== undefined) remembers.add(bucket);
  for (const expression of expressionsOf(step)) for (const each of readsOf(expression)) reads.add(each);
  for (const { among } of lookupsIn(step)) if (typeof among === "string") reads.add(`set ${among}`);
  const filled = setFilledBy(step);
  if (filled !== undefined) remembers.add(`set ${filled}`);
  if (translatedBy(step) !== undefined) writes.add(NAT);
  for (const field of fieldsWritten(step)) writes.add(describe(field));
  if (step.kind === "set" && step.field.kind === "ct") writes.add(NAT);
  for (const end of endsOf(step)) ends.add(end);
}

function endsOf(step: Step): readonly string[] {
  switch (step.kind) {
    case "verdict":
      return step.verdict.kind === "drop" ? ["drop"] : [];
    case "vmap":
      return ["drop"]; // some element may
    case "reject":
      return [`reject ${step.with}`];
    case "opaque-statement":
      return step.terminal ? [step.text] : [];
    case "dnat":
    case "snat":
    case "masquerade":
    case "redirect":
    case "set":
    case "remember":
      return [];
    default:
      return isMatch(step) || isInert(step) ? [] : unreachable(step);
  }
}

/** The fields that an expression reads. */
function* readsOf(expression: Expression): Generator<string> {
  for (const part of allParts(expression)) {
    const isUnderstood = part.kind !== "opaque";
    if (isUnderstood && asField(part) === undefined) continue;
    yield describe(part);
    if (part.kind !== "meta") yield NAT;
  }
}
