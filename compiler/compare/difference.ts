/** Where two sides do different things to packets of one kind of traffic. */

import { TOLERANCE } from "../evaluate/distribution.ts";
import { join } from "../evaluate/join.ts";
import type { Condition } from "../evaluate/unknown/condition.ts";
import { type Cases, Diagram } from "../packets/diagram.ts";
import { FIELDS, fieldsApart, type PacketField, type PacketSet, regionKey, within } from "../packets/packet-set.ts";
import { areEqual, unite } from "../packets/ranges.ts";
import type { KeyedResult } from "./keyed-results.ts";
import { EQUAL, Scales } from "./scales.ts";

/** A result of one side. The probability of a right side's result is negative. */
interface Signed {
  readonly region: PacketSet;
  readonly weight: number;
  readonly result: string;
  readonly condition: Condition;
}

/** The regions of packets of `all` to which the two sides do different things, without a packet in common. Within one all
 *  packets fare alike on each of the sides. */
export function findRegions(
  all: PacketSet,
  [left, right]: readonly [readonly KeyedResult[], readonly KeyedResult[]],
  spend: (steps: number) => void,
): PacketSet[] {
  const suspects = byResult(left, right).flatMap((group) => {
    const rest = cancel(group);
    return rest.length === 0 ? [] : whereDifferent(all, rest, spend);
  });
  if (suspects.length === 0) return [];
  const destinations = unite(suspects.map(({ daddr }) => daddr));
  const near = [...signed(left, 1), ...signed(right, -1)].flatMap((keyed): Signed[] => {
    const region = within(keyed.region, "daddr", destinations);
    return region === undefined ? [] : [{ ...keyed, region }];
  });
  return whereDifferent(all, near, spend);
}

function signed(keyedResults: readonly KeyedResult[], sign: 1 | -1): Signed[] {
  return keyedResults.map(({ region, result, condition, probability }) => ({
    region,
    result,
    condition,
    weight: sign * probability,
  }));
}

interface Group {
  readonly left: KeyedResult[];
  readonly right: KeyedResult[];
}

/** Results with the same key under the same condition. */
function byResult(left: readonly KeyedResult[], right: readonly KeyedResult[]): Group[][] {
  const results = new Map<string, Map<Condition, Group>>();
  const add = (keyed: KeyedResult, side: keyof Group): void => {
    const groups = results.get(keyed.result) ?? new Map<Condition, Group>();
    if (groups.size === 0) results.set(keyed.result, groups);
    const group = groups.get(keyed.condition) ?? { left: [], right: [] };
    group[side].push(keyed);
    groups.set(keyed.condition, group);
  };
  for (const keyed of left) add(keyed, "left");
  for (const keyed of right) add(keyed, "right");
  return [...results.values()].map((groups) => [...groups.values()]);
}

/** What is left of the results of one result when those that both sides have are gone. All that is taken for rounding on the way
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

/** The results of both sides, where results with the same packets are joined. */
function pairUp(left: readonly Signed[], right: readonly Signed[]): Signed[] {
  const [one, more] = left;
  const [other, others] = right;
  if (one !== undefined && other !== undefined && more === undefined && others === undefined)
    if (fieldsApart(one.region, other.region).every((field) => areEqual(one.region[field], other.region[field])))
      return [{ ...one, weight: one.weight + other.weight }];
  const byRegion = new Map<string, Signed>();
  for (const keyed of [...left, ...right]) {
    const key = regionKey(keyed.region);
    const known = byRegion.get(key);
    byRegion.set(key, known === undefined ? keyed : { ...known, weight: known.weight + keyed.weight });
  }
  return [...byRegion.values()];
}

function joined(keyedResults: readonly KeyedResult[]): readonly KeyedResult[] {
  return join(keyedResults, (part, keyed) => ({ ...keyed, ...part }));
}

function whereDifferent(all: PacketSet, keyedResults: readonly Signed[], spend: (steps: number) => void): PacketSet[] {
  const fields = FIELDS.filter((field) => keyedResults.some(({ region }) => !areEqual(region[field], all[field])));
  const entries = keyedResults.map(({ region }) => ({ parts: fields.map((field) => region[field]) }));
  const at = (met: readonly number[]): Signed[] => met.map((i) => keyedResults[i] as Signed);
  const scales = new Scales(spend);
  const finding: Cases<string> = {
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

/** `results` with results that tell by the values of `fields` as well. */
function byPackets(keyedResults: readonly Signed[], fields: readonly PacketField[]): Signed[] {
  return keyedResults.map((keyed) => ({
    ...keyed,
    result: `${keyed.result}\n${fields.map((field) => keyed.region[field].key).join("|")}`,
  }));
}
