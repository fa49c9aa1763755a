/** Differences by Service: what is missing, what is extra, what is done otherwise, and by what. */
import type { Range } from "../../compare/box.ts";
import type { Discrepancy } from "../../compare/compare.ts";
import type { Destination } from "../../evaluate/disposition.ts";
import type { Address } from "../../net/address.ts";
import type { Cause } from "./cause.ts";
import { type Delta, deltasOf } from "./delta.ts";
import { frontendKey, type ServiceFrontend } from "./frontends.ts";
import type { ServiceNames } from "./service-names.ts";

/** The differences of one Service port, or of destinations that no Service has. */
export interface ServiceChange {
  /** `shop/web:http`; undefined where no name is known: then `where` tells the destination. */
  readonly service: string | undefined;
  readonly where: string;
  /** Of the packets, as IANA numbers. */
  readonly protocols: readonly number[];
  /** `missing`: only the left side has it. `extra`: only the right side has it. */
  readonly change: "missing" | "extra" | "changed";
  readonly ports: { readonly missing: readonly ServiceFrontend[]; readonly extra: readonly ServiceFrontend[] };
  /** Differences at ports that both sides have. */
  readonly aspects: readonly Aspect[];
  readonly causes: readonly Cause[];
  /** Classes of packets that differ. */
  readonly classes: number;
}

/** One way in which a Service differs, at some of its ports and for some packets. */
export interface Aspect {
  readonly delta: Delta;
  readonly cause: Cause | undefined;
  /** Where it is so. `isEverywhere`: at all that both sides have. */
  readonly frontends: readonly ServiceFrontend[];
  readonly isEverywhere: boolean;
  /** From these sources only; undefined: from any. */
  readonly sources: readonly Range[] | undefined;
  /** It is so for packets of the node itself only. */
  readonly isOwnOnly: boolean;
}

/** The names that one side knows, and whether packets are enough to tell what it lacks. */
export interface NamedSides {
  readonly left: ServiceNames;
  readonly right: ServiceNames;
}

interface Found {
  readonly delta: Delta;
  readonly cause: Cause | undefined;
  readonly frontends: Map<string, ServiceFrontend>;
  sources: Range[] | undefined;
  isOwnOnly: boolean;
}

interface Entry {
  readonly service: string | undefined;
  readonly where: string;
  /** Those with a difference, by key. */
  readonly frontends: Map<string, ServiceFrontend>;
  readonly found: Map<string, Found>;
  readonly protocols: Set<number>;
  /** Frontends that a side translates, whether it names them or not. */
  readonly served: Record<"left" | "right", Set<string>>;
  classes: number;
}

/** Adds up differing regions. */
export class ServiceChanges {
  private readonly entries = new Map<string, Entry>();
  private readonly names: NamedSides;

  constructor(names: NamedSides) {
    this.names = names;
  }

  /** `whereOf`: the destination of a region that no Service has, in words. */

  /** Adds a region. `whereOf`: its destination in words, where no Service has it. `isWithin`: both sides of the region are rules of that
   *  side: what its left side does says nothing of the left side here. */
  add(
    region: Discrepancy,
    cause: Cause | undefined,
    whereOf: (region: Discrepancy) => string,
    { isWithin }: { readonly isWithin?: "right" } = {},
  ): void {
    const deltas = deltasOf(region);
    const byKey = new Map(this.frontendsOfRegion(region).map((frontend) => [frontendKey(frontend), frontend]));
    if (byKey.size === 0) {
      const other = this.otherPorts(region);
      const at = other === undefined ? undefined : { key: `other ${other.address}`, frontend: other };
      this.enter(other?.service, other?.service ?? whereOf(region), at, region, deltas, cause, isWithin);
    }
    for (const [key, frontend] of byKey)
      this.enter(frontend.service, frontend.service, { key, frontend }, region, deltas, cause, isWithin);
  }

  /** Those with a destination in a region. Later packets are not one Service's where they are alike for many destinations: it is
   *  their connections that tell them apart. */
  private frontendsOfRegion({ box, trafficKind }: Discrepancy): ServiceFrontend[] {
    const { daddr, dport } = box;
    const isOne = daddr.from === daddr.to && dport.from === dport.to;
    if (trafficKind.tracking !== "first" && !isOne) return [];
    return [this.names.right, this.names.left].flatMap((names) =>
      names.within(box, trafficKind.protocol, trafficKind.family),
    );
  }

  /** The address of a Service, where packets go to a port of it that the Service does not have. */
  private otherPorts({ box: { daddr }, trafficKind: { tracking } }: Discrepancy): ServiceFrontend | undefined {
    if (daddr.from !== daddr.to || tracking !== "first") return undefined;
    const address = daddr.from as Address;
    const owner = this.names.left.ownerOf(address) ?? this.names.right.ownerOf(address);
    return owner === undefined ? undefined : { ...owner, role: "other ports" };
  }

  /** Services first, by name; then destinations without one, those together that differ in the same way. */
  all(): ServiceChange[] {
    const changes = [...this.entries.values()].map((entry) => this.toChange(entry));
    const named = changes.filter(({ service }) => service !== undefined);
    const alike = new Map<string, ServiceChange[]>();
    for (const change of changes) {
      if (change.service !== undefined) continue;
      const key = change.aspects.map(({ delta, cause }) => `${deltaKey(delta)} ${cause?.key ?? ""}`).join("\n");
      const group = alike.get(key);
      if (group === undefined) alike.set(key, [change]);
      else group.push(change);
    }
    return [...named, ...[...alike.values()].flatMap(joinAlike)].sort(
      (a, b) =>
        Number(a.service === undefined) - Number(b.service === undefined) ||
        (a.where < b.where ? -1 : a.where > b.where ? 1 : 0),
    );
  }

  private enter(
    service: string | undefined,
    where: string,
    at: { readonly key: string; readonly frontend: ServiceFrontend } | undefined,
    region: Discrepancy,
    deltas: readonly Delta[],
    cause: Cause | undefined,
    isWithin: "right" | undefined,
  ): void {
    const id = `${service === undefined ? "" : "service "}${where}`;
    const entry: Entry = this.entries.get(id) ?? {
      ...{ service, where, frontends: new Map(), found: new Map(), protocols: new Set(), classes: 0 },
      served: { left: new Set(), right: new Set() },
    };
    this.entries.set(id, entry);
    entry.classes++;
    entry.protocols.add(region.trafficKind.protocol);
    if (at !== undefined) {
      entry.frontends.set(at.key, at.frontend);
      if (region.left.endpoints.length > 0) entry.served[isWithin ?? "left"].add(at.key);
      if (region.right.endpoints.length > 0) entry.served.right.add(at.key);
    }
    const { box, trafficKind } = region;
    const isOwn = trafficKind.inInterface === undefined;
    for (const delta of deltas) {
      const key = `${deltaKey(delta)} ${cause?.key ?? ""}`;
      const known = entry.found.get(key);
      const found: Found = known ?? { delta, cause, frontends: new Map(), sources: [], isOwnOnly: isOwn };
      if (known === undefined) entry.found.set(key, found);
      if (at !== undefined) found.frontends.set(at.key, at.frontend);
      if (!isOwn) found.isOwnOnly = false;
      found.sources = addRange(found.sources, box.saddr);
    }
  }

  private toChange(entry: Entry): ServiceChange {
    const { service, where, found, served, classes } = entry;
    const frontends = [...entry.frontends].filter(([, { role }]) => role !== "other ports");
    const has = (side: "left" | "right", key: string, frontend: ServiceFrontend): boolean =>
      this.names[side].has(frontend) || served[side].has(key);
    const only = (side: "left" | "right"): ServiceFrontend[] =>
      frontends.flatMap(([key, each]) => (has(side, key, each) && !has(other(side), key, each) ? [each] : []));
    const ports = { missing: only("left"), extra: only("right") };
    const oneSided = new Set([...ports.missing, ...ports.extra].map(frontendKey));
    const isOneSided = frontends.length > 0 && oneSided.size === frontends.length && !this.isElsewhere(entry);
    const both = this.frontendsOf(service).filter(
      (each) => each.role !== "health check port" && !oneSided.has(frontendKey(each)),
    );
    const differing = [...found.values()].flatMap(({ frontends: some, ...rest }): Aspect[] => {
      const left = [...some].flatMap(([key, frontend]) => (oneSided.has(key) ? [] : [frontend]));
      if (service !== undefined && left.length === 0) return [];
      return [{ ...rest, frontends: left, isEverywhere: left.length >= both.length }];
    });
    const isMissing = isOneSided && ports.extra.length === 0;
    const isExtra = isOneSided && ports.missing.length === 0;
    const change = isMissing ? "missing" : isExtra ? "extra" : "changed";
    // A Service that one side does not have has no other ports there, either.
    const aspects = change === "changed" ? differing : [];
    const causes = new Map(aspects.flatMap(({ cause }) => (cause === undefined ? [] : [[cause.key, cause] as const])));
    return {
      ...{ service, where, protocols: [...entry.protocols], change, ports, aspects, classes },
      causes: [...causes.values()],
    };
  }

  /** Whether the Service has ports that do not differ. */
  private isElsewhere({ service, frontends }: Entry): boolean {
    return this.frontendsOf(service).some((frontend) => !frontends.has(frontendKey(frontend)));
  }

  /** All frontends that a side names for the Service. */
  private frontendsOf(service: string | undefined): readonly ServiceFrontend[] {
    if (service === undefined) return [];
    const all = [this.names.left, this.names.right].flatMap((names) => names.of(service));
    return [...new Map(all.map((frontend) => [frontendKey(frontend), frontend])).values()];
  }
}

/** Destinations without a name as one: the first ones are listed. */
function joinAlike(changes: readonly ServiceChange[]): ServiceChange[] {
  const [first, ...rest] = changes;
  if (first === undefined) return [];
  const wheres = [...new Set(changes.map(({ where }) => where))];
  const more = wheres.length > MOST_DESTINATIONS ? ` and ${wheres.length - MOST_DESTINATIONS} more` : "";
  return [
    {
      ...first,
      where: `${wheres.slice(0, MOST_DESTINATIONS).join(", ")}${more}`,
      protocols: [...new Set(changes.flatMap(({ protocols }) => protocols))],
      classes: rest.reduce((sum, { classes }) => sum + classes, first.classes),
    },
  ];
}

const MOST_DESTINATIONS = 3;

function other(side: "left" | "right"): "left" | "right" {
  return side === "left" ? "right" : "left";
}

function deltaKey(delta: Delta): string {
  const ends = (some: readonly Destination[]): string => some.map(({ address, port }) => `${address} ${port}`).join();
  if (delta.kind === "endpoints") return `endpoints ${ends(delta.missing)} ${ends(delta.extra)}`;
  return Object.values(delta).join(" ");
}

/** More ranges of sources than this are not listed. */
const MOST_RANGES = 64;

function addRange(ranges: Range[] | undefined, range: Range): Range[] | undefined {
  if (ranges === undefined || ranges.length >= MOST_RANGES) return undefined;
  if (!ranges.some(({ from, to }) => from === range.from && to === range.to)) ranges.push(range);
  return ranges;
}
