/** kpc's table of one family, as a sum of what each Service adds to it. */
import { invariant } from "../invariant.ts";
import {
  differenceOf,
  differenceOfElements,
  type ElementsChange,
  isEmptyChange,
  type MapHead,
  type SetHead,
  type TableChange,
} from "../ir/table-change.ts";
import type { SetElement, Table } from "../ir/types.ts";
import { Contribution, join, type PickChain, type SharedKey } from "../lower/contribution.ts";
import { Identities, IdentityNames, serviceOfName, stickyNames } from "../lower/identities.ts";
import { contribute, tableOf } from "../lower/lower.ts";
import { withClaims } from "../model/claims.ts";
import type { ServicePort } from "../model/types.ts";
import type { Family } from "../net/address.ts";
import type { Resolved } from "../node/resolve.ts";
import { type ServicePortView, viewOf } from "../node/view.ts";
import { ClaimIndex } from "./claim-index.ts";
import { Ledger, SharedChanges } from "./ledger.ts";
import { withSpares } from "./spare-picks.ts";

/** Something of a Service before and after a change; undefined: there was, or is, no such Service. */
export interface Move<Of> {
  readonly before: Of | undefined;
  readonly after: Of | undefined;
}

/** What a Service has in one family. */
export interface Side {
  readonly ports: () => readonly ServicePort[];
  /** Claims that other Services have. */
  readonly lost: readonly string[];
}

/** Told of what tables are made of, besides their changes. */
export interface ContributionFollower {
  /** All that Services have is told anew after this. */
  reset(family: Family): void;
  /** What a Service (`namespace/name`) has now, in place of what it had. */
  put(family: Family, service: string, contribution: Contribution): void;
  /** The table without what Services have in it; undefined: there is none. */
  setTable(family: Family, empty: Table | undefined): void;
}

type Moves = Iterable<readonly [service: string, Move<Side>]>;

export class ServiceTable {
  private readonly family: Family;
  private readonly hasSpares: boolean;
  readonly claims = new ClaimIndex();
  private readonly names = new IdentityNames();
  private identities = new Identities();
  /** Those before the change that is being made. */
  private oldIdentities = new Identities();
  private readonly ledger = new Ledger();
  private picks: ReadonlyMap<string, PickChain> = new Map();
  /** Services that have a port in this family. */
  private users = 0;
  /** The table without the elements of Services. */
  private skeleton: Table | undefined;
  /** Of its sets and maps. */
  private heads: ReadonlyMap<string, SetHead | MapHead> = new Map();
  private readonly follower: ContributionFollower | undefined;

  constructor(family: Family, hasSpares: boolean, follower: ContributionFollower | undefined) {
    this.family = family;
    this.hasSpares = hasSpares;
    this.follower = follower;
  }

  /** Everything that a Service with these ports claims, and that others may have. */
  static claimsOf(ports: readonly ServicePort[]): readonly string[] {
    const claims = new Set<string>();
    const noting = ({ key }: { readonly key: string }): boolean => {
      claims.add(key);
      return true;
    };
    for (const port of ports) withClaims(port, noting);
    return [...claims];
  }

  /** Notes the endpoints that clients may be at. Gives Services of which one is known by another number now. */
  moveNames(moves: Moves, before: Resolved | undefined, after: Resolved): Set<string> {
    this.oldIdentities = this.identities;
    const old = this.names.moved();
    let hasMoved = false;
    const namesOf = (side: Side | undefined, resolved: Resolved | undefined): ReadonlySet<string> => {
      const isSticky = side?.ports().some(({ affinitySeconds }) => affinitySeconds !== undefined) ?? false;
      if (side === undefined || resolved === undefined || !isSticky) return NO_NAMES;
      return new Set(this.viewsOf(side, resolved).flatMap((view) => [...stickyNames(view)]));
    };
    for (const [, move] of moves) {
      const [gone, come] = [namesOf(move.before, before), namesOf(move.after, after)];
      for (const name of gone) if (!come.has(name)) this.names.remove(name);
      for (const name of come) if (!gone.has(name)) this.names.add(name);
      hasMoved ||= gone.size > 0 || come.size > 0;
    }
    if (!hasMoved) return new Set();
    const moved = this.names.moved();
    this.identities = new Identities(moved);
    const others = [...old, ...moved].filter(([name]) => old.get(name) !== moved.get(name));
    return new Set(others.map(([name]) => serviceOfName(name)));
  }

  /** The change that Services cause; undefined where nothing changes. `sideOf`: of a Service that does not move. */
  change(
    moves: Moves,
    before: Resolved | undefined,
    after: Resolved,
    sideOf: (service: string) => Side | undefined,
  ): TableChange | undefined {
    const elements = new ElementChanges();
    const shared = new SharedChanges();
    if (before !== after) this.follower?.reset(this.family);
    for (const [service, move] of moves) {
      const old = this.contributionOf(move.before, before, this.oldIdentities);
      const made = this.contributionOf(move.after, after, this.identities);
      elements.addDifferences(old.maps, made.maps);
      elements.addDifferences(old.sets, made.sets);
      this.ledger.move(service, old, made, shared);
      this.follower?.put(this.family, service, made);
      this.users += Number(made.protocols.size > 0) - Number(old.protocols.size > 0);
    }
    const elementOf = (set: string, key: SharedKey, service: string): SetElement | undefined =>
      this.contributionOf(sideOf(service), after, this.identities).shared.get(set)?.get(key);
    shared.each(elementOf, (set, gone, come) => elements.addOne(set, gone, come));
    const oldSkeleton = this.skeleton;
    if (this.ledger.takeMoved() || before !== after) this.setSkeleton(this.makeSkeleton(after));
    return this.join(oldSkeleton, elements);
  }

  /** The whole table; undefined: there is none. `services` in the order of their names. */
  whole(services: readonly Side[], resolved: Resolved): Table | undefined {
    if (this.skeleton === undefined) return undefined;
    const all = join(
      services.map((side) => this.contributionOf(side, resolved, this.identities)),
      this.identities,
    );
    for (const [name, pick] of this.picks) all.picks.set(name, pick);
    return withoutRetired(tableOf(all, resolved.settings, this.family));
  }

  /** What `services` have in the table; undefined: there is no table. Elements that several Services want come with their owner. */
  piece(services: Iterable<readonly [service: string, Side]>, resolved: Resolved): TableChange | undefined {
    const elements = new ElementChanges();
    for (const [service, side] of services) {
      const { maps, sets, shared } = this.contributionOf(side, resolved, this.identities);
      for (const [name, added] of [...maps, ...sets]) elements.add(name, { removed: [], added });
      for (const [name, all] of shared) {
        const owned: SetElement[] = [];
        for (const [key, element] of all) if (this.ledger.ownerOf(name, key) === service) owned.push(element);
        elements.add(name, { removed: [], added: owned });
      }
    }
    const { skeleton } = this;
    return skeleton && { ...unchanged(skeleton), elements: elements.of(this.heads) };
  }

  /** The table without what Services have in it; undefined: there is no table. */
  get empty(): Table | undefined {
    return this.skeleton;
  }

  private join(oldSkeleton: Table | undefined, elements: ElementChanges): TableChange | undefined {
    const { skeleton } = this;
    if (skeleton === undefined) return differenceOf(oldSkeleton, undefined);
    const structure = oldSkeleton === skeleton ? undefined : differenceOf(oldSkeleton, skeleton);
    const change = structure ?? unchanged(skeleton);
    invariant(change.table !== "remade", "settings of one agent change nothing that the kernel cannot change in place");
    const joined = { ...change, elements: [...change.elements, ...elements.of(this.heads)] };
    return isEmptyChange(joined) ? undefined : joined;
  }

  private setSkeleton(table: Table | undefined): void {
    this.skeleton = table;
    this.heads = table === undefined ? new Map() : headsOf(table);
    this.follower?.setTable(this.family, table);
  }

  private makeSkeleton(resolved: Resolved): Table | undefined {
    const { settings } = resolved;
    const { serviceCidrs, podNetwork } = settings.families[this.family];
    const shape = this.ledger.shape(this.identities);
    this.picks = this.hasSpares ? withSpares(shape.picks, this.picks) : shape.picks;
    for (const [name, pick] of this.picks) shape.picks.set(name, pick);
    if (this.users === 0 && serviceCidrs.length === 0 && podNetwork === undefined) return undefined;
    return withoutRetired(tableOf(shape, settings, this.family));
  }

  private contributionOf(side: Side | undefined, resolved: Resolved | undefined, identities: Identities): Contribution {
    if (side === undefined || resolved === undefined || side.ports().length === 0) return NOTHING;
    const contribution = new Contribution(identities);
    for (const view of this.viewsOf(side, resolved)) contribute(view, resolved.settings, this.family, contribution);
    return contribution;
  }

  private viewsOf(side: Side, { node }: Resolved): readonly ServicePortView[] {
    const { family } = this;
    const none: readonly ServicePort[] = [];
    return viewOf({ servicePorts: { IPv4: none, IPv6: none, [family]: ServiceTable.portsOf(side) } }, node)[family];
  }

  /** The ports of a Service, with what it claims as far as it has it. */
  static portsOf({ ports, lost }: Side): readonly ServicePort[] {
    return lost.length === 0 ? ports() : ports().map((port) => withClaims(port, ({ key }) => !lost.includes(key)));
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** Of a Service that is not there, or has no port in the family. */
const NOTHING = new Contribution(new Identities());

function headsOf({ maps, sets }: Table): ReadonlyMap<string, SetHead | MapHead> {
  return new Map([...maps, ...sets].map(({ elements: _, ...head }) => [head.name, head]));
}

function unchanged({ family, name }: Table): TableChange {
  const retired = { sets: [], maps: [], chains: [], objects: [] };
  return { family, name, table: "kept", sets: [], maps: [], chains: [], elements: [], retired };
}

function withoutRetired({ retired: _, ...table }: Table): Table {
  return table;
}

/** Elements to be removed and added, by the name of the set or map. */
class ElementChanges {
  private readonly changes = new Map<string, { removed: SetElement[]; added: SetElement[] }>();

  add(name: string, { removed, added }: Pick<ElementsChange, "removed" | "added">): void {
    if (removed.length === 0 && added.length === 0) return;
    const change = this.changeOf(name);
    for (const element of removed) change.removed.push(element);
    for (const element of added) change.added.push(element);
  }

  /** What makes `after` of `before`, elements by the name of the set or map. */
  addDifferences(
    before: ReadonlyMap<string, readonly SetElement[]>,
    after: ReadonlyMap<string, readonly SetElement[]>,
  ): void {
    for (const [name, old] of before) this.add(name, differenceOfElements(old, after.get(name) ?? []));
    for (const [name, added] of after) if (!before.has(name)) this.add(name, { removed: [], added });
  }

  addOne(name: string, removed: SetElement | undefined, added: SetElement | undefined): void {
    const change = this.changeOf(name);
    if (removed !== undefined) change.removed.push(removed);
    if (added !== undefined) change.added.push(added);
  }

  private changeOf(name: string): { readonly removed: SetElement[]; readonly added: SetElement[] } {
    const known = this.changes.get(name);
    if (known !== undefined) return known;
    const change = { removed: [], added: [] };
    this.changes.set(name, change);
    return change;
  }

  /** Of the sets and maps that there are: others go with all that they hold. */
  of(heads: ReadonlyMap<string, SetHead | MapHead>): ElementsChange[] {
    return [...this.changes].flatMap(([name, { removed, added }]): ElementsChange[] => {
      const head = heads.get(name);
      return head === undefined ? [] : [{ of: head, removed, added }];
    });
  }
}
