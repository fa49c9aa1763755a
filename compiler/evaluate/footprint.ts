/** What a base chain reads, writes and decides: whether two of them can change places without anybody seeing it. */
import type { BaseChain, Chain, Expression, Step, Table } from "../ir/types.ts";
import { bucketOf } from "./buckets.ts";
import { describe } from "./expression.ts";
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
  for (const { rules } of reachableFrom(chain, table))
    for (const { steps } of rules) for (const step of steps) add(step, footprint, remembers);
  return { ...footprint, remembers };
}

function* reachableFrom(chain: Chain, table: Table): Generator<Chain> {
  const chains = new Map(table.chains.map((each) => [each.name, each]));
  const seen = new Set<Chain>([chain]);
  for (const each of seen) {
    yield each;
    for (const { steps } of each.rules)
      for (const step of steps)
        for (const name of targetsOf(step, table)) {
          const target = chains.get(name);
          if (target !== undefined) seen.add(target);
        }
  }
}

function targetsOf(step: Step, table: Table): readonly string[] {
  if (step.kind === "verdict") return "chain" in step.verdict ? [step.verdict.chain] : [];
  return elementsOf(step, table).flatMap(({ value }) => ("chain" in value ? [value.chain] : []));
}

function elementsOf(step: Step, table: Table) {
  if (step.kind !== "vmap") return [];
  const { map } = step;
  return typeof map === "string" ? (table.maps.find(({ name }) => name === map)?.elements ?? []) : map;
}

/** All that translations change: addresses, ports, the connection's status. */
const NAT = "nat";

function add(
  step: Step,
  { ends, reads, writes }: { ends: Set<string>; reads: Set<string>; writes: Set<string> },
  remembers: Set<string>,
): void {
  const read = (expression: Expression): void => {
    for (const each of readsOf(expression)) reads.add(each);
  };
  const use = listUseOf(step);
  const list = use?.list.replace(/^@/, "set ");
  if (list !== undefined && use?.tests) reads.add(list);
  if (list !== undefined && use?.fills) remembers.add(list);
  const bucket = bucketOf(step)?.shared;
  if (bucket !== undefined) reads.add(bucket);
  if (bucket !== undefined) remembers.add(bucket);
  switch (step.kind) {
    case "compare":
    case "within":
    case "name-prefix":
      read(step.left);
      return;
    case "member":
      read(step.key);
      reads.add(`set ${step.set}`);
      return;
    case "remember":
      read(step.key);
      remembers.add(`set ${step.set}`);
      return;
    case "verdict":
      if (step.verdict.kind === "drop") ends.add("drop");
      return;
    case "vmap":
      read(step.key);
      if (typeof step.map === "string") reads.add(`set ${step.map}`);
      ends.add("drop"); // some element may
      return;
    case "dnat":
    case "snat":
      if (step.to.kind === "map") {
        read(step.to.key);
        reads.add(`set ${step.to.map}`);
      }
      writes.add(NAT);
      return;
    case "masquerade":
    case "redirect":
      writes.add(NAT);
      return;
    case "reject":
      ends.add(`reject ${step.with}`);
      return;
    case "set":
      read(step.value);
      writes.add(describe(step.field));
      if (step.field.kind === "ct") writes.add(NAT);
      return;
    case "opaque-statement":
      if (step.terminal) ends.add(step.text);
      for (const field of step.writes ?? []) writes.add(describe(field));
      return;
    case "chance":
    case "opaque":
    case "counter":
      return;
  }
}

function* readsOf(expression: Expression): Generator<string> {
  switch (expression.kind) {
    case "bitwise":
      yield* readsOf(expression.operand);
      return;
    case "concat":
      for (const part of expression.parts) yield* readsOf(part);
      return;
    case "lookup":
      yield `set ${expression.map}`;
      yield* readsOf(expression.key);
      return;
    case "constant":
    case "numgen":
      return;
    case "meta":
      yield describe(expression);
      return;
    default:
      yield describe(expression);
      yield NAT;
  }
}
