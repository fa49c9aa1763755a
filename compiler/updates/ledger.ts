/** Which Services want what the table has once for all of them: elements of shared sets, chains, and all else that its shape depends on. */
import type { SetElement } from "../ir/types.ts";
import { Contribution, FEATURES, type PickChain, type SharedKey } from "../lower/contribution.ts";
import type { Identities } from "../lower/identities.ts";
import { firstNotBefore } from "../order.ts";
import { compareKeys } from "./watched-object.ts";

export class Ledger {
  /** The Services that want an element, by set and key, in the order of their names: the first one's element counts. */
  private readonly owners = new Map<string, Map<SharedKey, Owners>>();
  /** How many Services want a part of the shape, by its name. */
  private readonly counts = new Map<string, number>();
  private readonly picks = new Map<string, PickChain>();
  /** Whether the shape has changed since it was asked for. */
  private hasMoved = false;

  /** Notes what a Service adds, `before` and `after` a change. Gives the keys of shared elements that it wants no longer, or newly. */
  move(service: string, before: Contribution, after: Contribution, changes: SharedChanges): void {
    // Without pairs of keys and elements: there are hundreds of thousands at a start.
    before.shared.forEach((elements, set) => {
      const others = after.shared.get(set);
      elements.forEach((element, key) => {
        if (others?.has(key) !== true) this.moveOne(set, key, changes, service, element, false);
      });
    });
    after.shared.forEach((elements, set) => {
      const others = before.shared.get(set);
      elements.forEach((element, key) => {
        if (others?.has(key) !== true) this.moveOne(set, key, changes, service, element, true);
      });
    });
    const [old, wanted] = [partsOf(before), partsOf(after)];
    for (const part of old) if (!wanted.includes(part)) this.count(part, -1);
    for (const part of wanted) if (!old.includes(part)) this.count(part, 1);
    for (const [name, pick] of after.picks) this.picks.set(name, pick);
  }

  private moveOne(
    set: string,
    key: SharedKey,
    changes: SharedChanges,
    service: string,
    element: SetElement,
    isWanted: boolean,
  ): void {
    const keys = this.owners.get(set) ?? new Map<SharedKey, Owners>();
    this.owners.set(set, keys);
    const found = keys.get(key);
    const before = firstOf(found);
    const after = isWanted ? withOwner(found, service) : withoutOwner(found, service);
    if (after === undefined) keys.delete(key);
    else if (after !== found) keys.set(key, after);
    changes.note(set, key, before, firstOf(after), service, element);
  }

  private count(part: string, by: 1 | -1): void {
    const count = (this.counts.get(part) ?? 0) + by;
    if (count === 0) this.counts.delete(part);
    else this.counts.set(part, count);
    if (count === 0 || (count === 1 && by === 1)) this.hasMoved = true;
    if (count === 0) this.picks.delete(part);
  }

  /** The Service whose element counts, of those that want it. */
  ownerOf(set: string, key: SharedKey): string | undefined {
    return firstOf(this.owners.get(set)?.get(key));
  }

  /** Whether the shape may have changed since the last time. */
  takeMoved(): boolean {
    const moved = this.hasMoved;
    this.hasMoved = false;
    return moved;
  }

  /** Chains that Services use, by their names. */
  usedPicks(): ReadonlyMap<string, PickChain> {
    return this.picks;
  }

  /** What all Services need the table to have, without elements. */
  shape(identities: Identities): Contribution {
    const all = new Contribution(identities);
    for (const [name, pick] of this.picks) all.picks.set(name, pick);
    for (const part of this.counts.keys()) {
      const [kind, value = ""] = part.split(" ");
      if (kind === PROTOCOL) all.protocols.add(value as PickChain["protocol"]);
      if (kind === AFFINITY) all.affinitySeconds.add(Number(value));
    }
    for (const feature of FEATURES) if (this.counts.has(feature)) all.features.add(feature);
    return all;
  }
}

/** Most elements have one owner; those of an address that all have (hostNetwork) have thousands. */
type Owners = string | string[];

function firstOf(owners: Owners | undefined): string | undefined {
  return typeof owners === "object" ? owners[0] : owners;
}

function withOwner(owners: Owners | undefined, service: string): Owners {
  if (owners === undefined) return service;
  const all = typeof owners === "string" ? [owners] : owners;
  all.splice(placeIn(all, service), 0, service);
  return all;
}

function withoutOwner(owners: Owners | undefined, service: string): Owners | undefined {
  if (typeof owners !== "object") return owners === service ? undefined : owners;
  const at = placeIn(owners, service);
  if (owners[at] === service) owners.splice(at, 1);
  return owners.length === 1 ? owners[0] : owners;
}

/** Where `service` stands in the order of names, or would. */
function placeIn(owners: readonly string[], service: string): number {
  return firstNotBefore(0, owners.length, (i) => compareKeys(owners[i] as string, service) < 0);
}

const PROTOCOL = "protocol";
const AFFINITY = "affinity";

/** Names of chains have no spaces, and none of the other words is one. */
function partsOf(contribution: Contribution): readonly string[] {
  const parts = [...contribution.picks.keys()];
  for (const protocol of contribution.protocols) parts.push(`${PROTOCOL} ${protocol}`);
  for (const seconds of contribution.affinitySeconds) parts.push(`${AFFINITY} ${seconds}`);
  for (const feature of contribution.features) parts.push(feature);
  return parts;
}

/** What became of shared elements in one change. */
export class SharedChanges {
  private readonly noted = new Map<string, Map<SharedKey, Noted>>();

  note(
    set: string,
    key: SharedKey,
    before: string | undefined,
    after: string | undefined,
    service: string,
    element: SetElement,
  ): void {
    const keys = this.noted.get(set) ?? new Map<SharedKey, Noted>();
    this.noted.set(set, keys);
    const noted = keys.get(key);
    if (noted === undefined) keys.set(key, { before, after, service, element, others: undefined });
    else {
      noted.after = after;
      if (service === noted.service) noted.element = element;
      else noted.others = (noted.others ?? new Map<string, SetElement>()).set(service, element);
    }
  }

  /** `elementOf`: the element of a Service that did not move. Elements without comments are the same for all Services. */
  each(
    elementOf: (set: string, key: SharedKey, service: string) => SetElement | undefined,
    take: (set: string, before: SetElement | undefined, after: SetElement | undefined) => void,
  ): void {
    this.noted.forEach((keys, set) => {
      keys.forEach((noted, key) => {
        const { before, after, element } = noted;
        if (before === after) return;
        if (before !== undefined && after !== undefined && element.comment === undefined) return;
        const find = (service: string | undefined): SetElement | undefined =>
          service === undefined ? undefined : (seenOf(noted, service) ?? elementOf(set, key, service));
        take(set, find(before), find(after));
      });
    });
  }
}

interface Noted {
  /** The Service whose element it was, and is. */
  readonly before: string | undefined;
  after: string | undefined;
  /** A Service whose element was seen, and that element; those of more Services, of which there are seldom any. */
  readonly service: string;
  element: SetElement;
  others: Map<string, SetElement> | undefined;
}

function seenOf({ service, element, others }: Noted, wanted: string): SetElement | undefined {
  return wanted === service ? element : others?.get(wanted);
}
