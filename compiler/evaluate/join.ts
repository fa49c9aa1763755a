/** Of things that are said of packets, fewer: those that say the same of packets that go together are one. */

import {
  FIELDS,
  fieldsApart,
  HEADER_FIELDS,
  having,
  type PacketField,
  type PacketSet,
  regionKey,
} from "../packets/packet-set.ts";
import { areEqual, uniteDisjoint } from "../packets/ranges.ts";
import { areApart, type Condition, either } from "./unknown/condition.ts";

/** Something that is said of all packets of a region, with a probability, where a condition holds. */
export interface Part {
  readonly region: PacketSet;
  readonly probability: number;
  readonly condition: Condition;
}

/** More parts than this are not held against each other one by one. */
const FEW = 6;

/** Of parts that say the same, fewer: those with the same packets under one condition have their probabilities added up; those
 *  with the same probability are one where they have the same packets, or their packets differ in one field only. */
export function join<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  if (parts.length < 2) return parts;
  if (parts.length <= FEW) return joinFew(parts, change);
  let joined: readonly T[] = joinConditions(addUp(parts, change), change);
  const [first] = parts as readonly [T];
  const fields = parts.every(({ region }) => region.memory === first.region.memory) ? HEADER_FIELDS : FIELDS;
  for (const field of fields) joined = joinBy(field, fields, joined, change);
  return joined;
}

function joinFew<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  const joined: T[] = [];
  for (let part of parts) {
    for (let i = 0; i < joined.length; ) {
      const both = joinTwo(joined[i] as T, part);
      if (both === undefined) {
        i++;
      } else {
        // What it has become may go with one that it was held against before.
        part = change(both, part);
        joined.splice(i, 1);
        i = 0;
      }
    }
    joined.push(part);
  }
  return joined;
}

function joinTwo(a: Part, b: Part): Part | undefined {
  const { probability, condition } = a;
  const isOneCondition = condition === b.condition;
  let different: PacketField | undefined;
  for (const field of fieldsApart(a.region, b.region)) {
    if (areEqual(a.region[field], b.region[field])) continue;
    if (different !== undefined || !isOneCondition) return undefined;
    different = field;
  }
  if (different === undefined && isOneCondition)
    return { region: a.region, probability: probability + b.probability, condition };
  if (probability !== b.probability) return undefined;
  if (different === undefined) {
    const any = eitherApart(condition, b.condition);
    return any && { region: a.region, probability, condition: any };
  }
  // Of packets that are in both the probabilities would have to be added up.
  const ranges = uniteDisjoint([a.region[different], b.region[different]]);
  const region = ranges && having(a.region, different, ranges);
  return region && { region, probability, condition };
}

/** Where one of both holds, if they do not go together. */
function eitherApart(a: Condition, b: Condition): Condition | undefined {
  return areApart(a, b) ? either(a, b) : undefined;
}

function addUp<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): T[] {
  const byRegion = new Map<string, T>();
  for (const part of parts) {
    const { condition } = part;
    const key = `${condition.id} ${regionKey(part.region)}`;
    const known = byRegion.get(key);
    const probability = (known?.probability ?? 0) + part.probability;
    byRegion.set(key, known === undefined ? part : change({ region: known.region, probability, condition }, known));
  }
  return [...byRegion.values()];
}

function joinConditions<T extends Part>(parts: readonly T[], change: (part: Part, of: T) => T): readonly T[] {
  const [first] = parts;
  if (first === undefined || parts.every(({ condition }) => condition === first.condition)) return parts;
  const alike = new Map<string, T[]>();
  for (const part of parts) {
    const key = `${part.probability} ${regionKey(part.region)}`;
    const known = alike.get(key) ?? [];
    if (known.length === 0) alike.set(key, known);
    const at = known.findIndex((other) => areApart(other.condition, part.condition));
    const other = known[at];
    if (other === undefined) known.push(part);
    else known[at] = change({ ...other, condition: either(other.condition, part.condition) }, other);
  }
  return [...alike.values()].flat();
}

function joinBy<T extends Part>(
  field: PacketField,
  fields: readonly PacketField[],
  parts: readonly T[],
  change: (part: Part, of: T) => T,
): readonly T[] {
  if (parts.length < 2) return parts;
  const others = fields.filter((other) => other !== field);
  const alike = new Map<string, T[]>();
  for (const part of parts) {
    const key = `${part.probability} ${part.condition.id} ${others.map((other) => part.region[other].key).join("|")}`;
    const known = alike.get(key);
    if (known === undefined) alike.set(key, [part]);
    else known.push(part);
  }
  if (alike.size === parts.length) return parts;
  return [...alike.values()].flatMap((group): readonly T[] => {
    const [part] = group as [T];
    if (group.length === 1) return group;
    const ranges = uniteDisjoint(group.map(({ region }) => region[field]));
    const region = ranges && having(part.region, field, ranges);
    const { probability, condition } = part;
    return region === undefined ? group : [change({ region, probability, condition }, part)];
  });
}
