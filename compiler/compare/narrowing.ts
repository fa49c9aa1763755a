/** Watches the evaluation of one packet, and finds its neighbours: packets to which the rules do the same for the same
 *  reasons. */
import type { State } from "../evaluate/state.ts";
import type { Against, Watch } from "../evaluate/watch.ts";
import type { Expression, Interval, SetElement, Value } from "../ir/types.ts";
import { type Box, type Field, narrowTo, type Range } from "./box.ts";
import { KeyTree } from "./key-tree.ts";

/** A program asks something of which packets cannot be told apart by intervals. */
export class Unbounded extends Error {}

export class Narrowing implements Watch {
  /** What is left of it. */
  box: Box;
  private readonly trees = new Map<readonly SetElement[], KeyTree>();
  /** Addresses of one type each; those of no such interval are unicast. */
  private readonly types: readonly Range[];

  constructor(types: readonly Range[], box: Box) {
    this.types = types;
    this.box = box;
  }

  asked(expression: Expression, value: readonly Value[], against: Against, state: State): void {
    const parts = expression.kind === "concat" ? expression.parts : [expression];
    if (against.kind === "elements") {
      this.lookUp(parts, value, against.elements, state);
      return;
    }
    const [part] = parts as [Expression];
    this.narrowToType(part, state);
    const origins = originsOf(part, state);
    if (origins.length === 0) return;
    for (const { from, to } of intervalsBefore(part, against.intervals))
      for (const [field, own] of origins) narrowTo(this.box[field], own, from, to);
  }

  /** The routing table was asked for the type of an address. */
  private narrowToType(part: Expression, state: State): void {
    if (part.kind !== "fib") return;
    for (const [field, own] of equal(addressesOf(state), part.of === "saddr" ? state.source : state.destination))
      for (const { from, to } of this.types) narrowTo(this.box[field], own, from, to);
  }

  private lookUp(
    parts: readonly Expression[],
    values: readonly Value[],
    elements: readonly SetElement[],
    state: State,
  ): void {
    let trees = [this.treeOf(elements)];
    for (const [i, part] of parts.entries()) {
      this.narrowToType(part, state);
      if (part.kind === "bitwise" && originsOf(part, state).length > 0)
        throw new Unbounded("a mask over an address or a port that is looked up");
      for (const [field, own] of originsOf(part, state)) for (const tree of trees) tree.narrow(this.box[field], own);
      const value = values[i];
      if (value === undefined) return; // a lookup within a key has fewer values than parts: what it was asked is known
      trees = trees.flatMap((tree) => tree.meeting(value));
    }
  }

  private treeOf(elements: readonly SetElement[]): KeyTree {
    let tree = this.trees.get(elements);
    if (tree === undefined) {
      tree = KeyTree.of(elements);
      this.trees.set(elements, tree);
    }
    return tree;
  }
}

/** The packet's own fields that the value of an expression may come from. A value that came from elsewhere, and is the same by
 *  chance, makes boxes smaller than they need to be, not wrong. */
function originsOf(expression: Expression, state: State): [Field, number | bigint][] {
  const { original, source, destination, sourcePort, destinationPort } = state;
  const addresses = addressesOf(state);
  const ports: [Field, number | bigint][] = [
    ["sport", original.sourcePort],
    ["dport", original.destinationPort],
  ];
  switch (expression.kind) {
    case "bitwise":
      return originsOf(expression.operand, state);
    case "ip":
    case "ip6":
      return equal(addresses, expression.field === "saddr" ? source : destination);
    case "transport":
      return equal(ports, expression.field === "sport" ? sourcePort : destinationPort);
    case "ct":
      if (expression.key === "original-saddr" || expression.key === "original-daddr")
        return equal(addresses, expression.key === "original-saddr" ? original.source : original.destination);
      if (expression.key === "original-proto-src" || expression.key === "original-proto-dst")
        return equal(ports, expression.key === "original-proto-src" ? original.sourcePort : original.destinationPort);
      return [];
    default:
      return [];
  }
}

function addressesOf({ original }: State): [Field, number | bigint][] {
  return [
    ["saddr", original.source],
    ["daddr", original.destination],
  ];
}

/** Those of `fields` that have this value. */
function equal(fields: [Field, number | bigint][], value: number | bigint): [Field, number | bigint][] {
  return fields.filter(([, own]) => own === value);
}

/** The intervals of an operand for which what is made of it is in `intervals`. */
function intervalsBefore(expression: Expression, intervals: readonly Interval[]): readonly Interval[] {
  if (expression.kind !== "bitwise") return intervals;
  const { mask, xor } = expression;
  const block = blockSize(mask);
  if (block === undefined || BigInt(xor) !== 0n)
    throw new Unbounded("a mask over an address or a port that is no prefix");
  return intervals.map(({ from, to }) => {
    const [low, high] = [BigInt(from), BigInt(to)];
    const bounds = { from: ((low + block - 1n) / block) * block, to: (high / block) * block + block - 1n };
    return typeof mask === "bigint" ? bounds : { from: Number(bounds.from), to: Number(bounds.to) };
  });
}

/** How many neighbouring values a mask takes for one; undefined when they are no neighbours. */
function blockSize(mask: Value): bigint | undefined {
  const bits = BigInt(mask);
  if (bits === 0n) return undefined;
  const block = bits & -bits;
  const full = typeof mask === "bigint" ? 128 : bits > 0xffffn ? 32 : 16;
  return bits + block === 1n << BigInt(full) ? block : undefined;
}
