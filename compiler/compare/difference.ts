/** Where two sides do different things to packets of one door. */

import type { Condition } from "../evaluate/condition.ts";
import { Diagram, type Finding } from "../evaluate/diagram.ts";
import { TOLERANCE } from "../evaluate/distribution.ts";
import { join } from "../evaluate/join.ts";
import { areEqual, unite } from "../evaluate/ranges.ts";
import { FIELDS, type Field, fieldsApart, type Region, regionKey, within } from "../evaluate/region.ts";
import type { Leaf } from "./leaves.ts";
import { EQUAL, Scales } from "./scales.ts";

/** A leaf of one side: that of the right side has its probability with a minus. */
interface Signed {
  readonly region: Region;
  readonly weight: number;
  readonly result: string;
  readonly condition: Condition;
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
  return leaves.map(({ region, result, condition, probability }) => ({
    region,
    result,
    condition,
    weight: sign * probability,
  }));
}

interface Group {
  readonly left: Leaf[];
  readonly right: Leaf[];
}

/** Leaves that say the same under the same condition. */
function byResult(left: readonly Leaf[], right: readonly Leaf[]): Group[][] {
  const results = new Map<string, Map<Condition, Group>>();
  const add = (leaf: Leaf, side: keyof Group): void => {
    const groups = results.get(leaf.result) ?? new Map<Condition, Group>();
    if (groups.size === 0) results.set(leaf.result, groups);
    const group = groups.get(leaf.condition) ?? { left: [], right: [] };
    group[side].push(leaf);
    groups.set(leaf.condition, group);
  };
  for (const leaf of left) add(leaf, "left");
  for (const leaf of right) add(leaf, "right");
  return [...results.values()].map((groups) => [...groups.values()]);
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

function whereDifferent(all: Region, leaves: readonly Signed[], spend: (steps: number) => void): Region[] {
  const fields = FIELDS.filter((field) => leaves.some(({ region }) => !areEqual(region[field], all[field])));
  const entries = leaves.map(({ region }) => ({ parts: fields.map((field) => region[field]) }));
  const at = (met: readonly number[]): Signed[] => met.map((i) => leaves[i] as Signed);
  const scales = new Scales(spend);
  const finding: Finding<string> = {
    find: (met) => scales.differenceOf(at(met)),
    key: (found) => found,
    early: (met, level) => {
      spend(met.length);
      return scales.areBalanced(byPackets(at(met), fields.slice(level))) ? EQUAL : undefined;
    },
  };
  return new Diagram(fields.length, entries, finding)
    .split(all, fields)
    .filter(({ found }) => found !== EQUAL)
    .map(({ region }) => region);
}

/** `leaves` with results that tell by the values of `fields` as well. */
function byPackets(leaves: readonly Signed[], fields: readonly Field[]): Signed[] {
  return leaves.map((leaf) => ({
    ...leaf,
    result: `${leaf.result}\n${fields.map((field) => leaf.region[field].key).join("|")}`,
  }));
}
