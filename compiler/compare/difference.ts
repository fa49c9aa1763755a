/** Where two sides do different things to packets of one door. */
import { type Assumption, areConsistent } from "../evaluate/assumption.ts";
import { Diagram, type Finding } from "../evaluate/diagram.ts";
import { join } from "../evaluate/merge.ts";
import { areEqual, unite } from "../evaluate/ranges.ts";
import { FIELDS, type Field, fieldsApart, type Region, regionKey, within } from "../evaluate/region.ts";
import type { Leaf } from "./leaves.ts";
import { TOLERANCE } from "./outcomes.ts";

/** A leaf of one side: that of the right side has its probability with a minus. */
interface Signed {
  readonly region: Region;
  readonly weight: number;
  readonly result: string;
  readonly assumptions: readonly Assumption[];
}

/** The regions of packets of `all` to which the two sides do different things, without a packet in common. Within one all
 *  packets fare alike on each of the sides. */
export function findRegions(
  all: Region,
  [left, right]: readonly [readonly Leaf[], readonly Leaf[]],
  spend: (steps: number) => void,
): Region[] {
  const suspects = byResult(left, right).flatMap((group) => {
    const rest = cancel(group);
    return rest.length === 0 ? [] : whereDifferent(all, rest, spend);
  });
  if (suspects.length === 0) return [];
  const destinations = unite(suspects.map(({ daddr }) => daddr));
  const near = [...signed(left, 1), ...signed(right, -1)].flatMap((leaf): Signed[] => {
    const region = within(leaf.region, "daddr", destinations);
    return region === undefined ? [] : [{ ...leaf, region }];
  });
  return whereDifferent(all, near, spend);
}

function signed(leaves: readonly Leaf[], sign: 1 | -1): Signed[] {
  return leaves.map(({ region, result, assumptions, probability }) => ({
    region,
    result,
    assumptions,
    weight: sign * probability,
  }));
}

interface Group {
  readonly left: Leaf[];
  readonly right: Leaf[];
}

/** Leaves that say the same under the same assumptions. */
function byResult(left: readonly Leaf[], right: readonly Leaf[]): Group[][] {
  const results = new Map<string, Map<string, Group>>();
  const add = (leaf: Leaf, side: keyof Group): void => {
    const groups = results.get(leaf.result) ?? new Map<string, Group>();
    if (groups.size === 0) results.set(leaf.result, groups);
    const key = textOf(leaf.assumptions);
    const group = groups.get(key) ?? { left: [], right: [] };
    group[side].push(leaf);
    groups.set(key, group);
  };
  for (const leaf of left) add(leaf, "left");
  for (const leaf of right) add(leaf, "right");
  return [...results.values()].map((groups) => [...groups.values()]);
}

function textOf(assumptions: readonly Assumption[]): string {
  if (assumptions.length === 0) return "";
  return assumptions
    .map(({ text, holds }) => `${holds ? "" : "not "}${text}`)
    .sort()
    .join("\n");
}

/** What is left of the leaves of one result when those that both sides have are gone. All that is taken for rounding on the way
 *  is, together, less than half of what rounding may make. */
function cancel(groups: readonly Group[]): Signed[] {
  let rounding = 0;
  return groups.flatMap(({ left, right }): Signed[] => {
    const rest = pairUp(signed(joined(left), 1), signed(joined(right), -1));
    return rest.filter(({ weight }) => {
      if (rounding + Math.abs(weight) > TOLERANCE / 2) return true;
      rounding += Math.abs(weight);
      return false;
    });
  });
}

/** The leaves of both sides, those with the same packets as one. */
function pairUp(left: readonly Signed[], right: readonly Signed[]): Signed[] {
  const [one, more] = left;
  const [other, others] = right;
  if (one !== undefined && other !== undefined && more === undefined && others === undefined)
    if (fieldsApart(one.region, other.region).every((field) => areEqual(one.region[field], other.region[field])))
      return [{ ...one, weight: one.weight + other.weight }];
  const byRegion = new Map<string, Signed>();
  for (const leaf of [...left, ...right]) {
    const key = regionKey(leaf.region);
    const known = byRegion.get(key);
    byRegion.set(key, known === undefined ? leaf : { ...known, weight: known.weight + leaf.weight });
  }
  return [...byRegion.values()];
}

function joined(leaves: readonly Leaf[]): readonly Leaf[] {
  return join(leaves, (part, leaf) => ({ ...leaf, ...part }));
}

const EQUAL = "";

function whereDifferent(all: Region, leaves: readonly Signed[], spend: (steps: number) => void): Region[] {
  const fields = FIELDS.filter((field) => leaves.some(({ region }) => !areEqual(region[field], all[field])));
  const entries = leaves.map(({ region }) => ({ parts: fields.map((field) => region[field]) }));
  const at = (met: readonly number[]): Signed[] => met.map((i) => leaves[i] as Signed);
  const finding: Finding<string> = {
    find: (met) => differenceOf(at(met)),
    key: (found) => found,
    early: (met, level) => {
      spend(met.length);
      return cancelOut(at(met), fields.slice(level)) ? EQUAL : undefined;
    },
  };
  return new Diagram(fields.length, entries, finding)
    .split(all, fields)
    .filter(({ found }) => found !== EQUAL)
    .map(({ region }) => region);
}

/** Whether both sides have the same of `leaves`, as far as the values of `fields` go. */
function cancelOut(leaves: readonly Signed[], fields: readonly Field[]): boolean {
  const weights = new Map<string, number>();
  for (const { region, weight, result, assumptions } of leaves) {
    const key = `${result}\n${fields.map((field) => region[field].key).join("|")}\n${textOf(assumptions)}`;
    weights.set(key, (weights.get(key) ?? 0) + weight);
  }
  const rounding = [...weights.values()].reduce((sum, weight) => sum + Math.abs(weight), 0);
  return rounding <= TOLERANCE / 2;
}

/** What both sides do to a packet that is in all of `leaves`, where it is not the same: equal text for equal differences. */
function differenceOf(leaves: readonly Signed[], known: readonly Assumption[] = []): string {
  const open = leaves.find(({ assumptions }) => assumptions.length > 0)?.assumptions[0];
  if (open === undefined) return sumUp(leaves);
  return [true, false]
    .map((holds): string => {
      const assumed = [...known, { ...open, holds }];
      if (!areConsistent(assumed)) return EQUAL;
      const text = differenceOf(assuming(leaves, assumed), assumed);
      return text === EQUAL ? EQUAL : `${holds ? "" : "not "}${open.text} {${text}}`;
    })
    .join("");
}

/** Those of `leaves` that are still possible where all of `known` is assumed, without the last of that. */
function assuming(leaves: readonly Signed[], known: readonly Assumption[]): Signed[] {
  const text = known.at(-1)?.text;
  return leaves.flatMap((leaf): Signed[] => {
    if (!areConsistent([...known, ...leaf.assumptions])) return [];
    return [{ ...leaf, assumptions: leaf.assumptions.filter((each) => each.text !== text) }];
  });
}

function sumUp(leaves: readonly Signed[]): string {
  const sums = new Map<string, { left: number; right: number }>();
  for (const { result, weight } of leaves) {
    const sum = sums.get(result) ?? { left: 0, right: 0 };
    if (weight > 0) sum.left += weight;
    else sum.right -= weight;
    sums.set(result, sum);
  }
  const all = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  if (all.every(([, { left, right }]) => Math.abs(left - right) <= TOLERANCE)) return EQUAL;
  return all.map(([result, { left, right }]) => `${result} ${left.toFixed(7)} ${right.toFixed(7)}`).join("; ");
}
