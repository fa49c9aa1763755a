/** What Service ports add to the table of their family. */
import type { KeyPart, MapElement, SetElement, Value, Verdict } from "../ir/types.ts";
import { getOrMake } from "../memo.ts";
import { type ServicePort, servicePortName } from "../model/types.ts";
import type { Address } from "../net/address.ts";
import type { Protocol } from "../net/protocol.ts";
import type { Frontend } from "./frontends.ts";
import type { Identities } from "./identities.ts";
import type { FrontendKey } from "./keys.ts";

/** Which of a frontend's endpoint lists a chain picks from. `only` is the list of frontends that have one; the other two
 *  belong to externalTrafficPolicy Local. */
export type EndpointListKind = "only" | "cluster" | "local";

/** A chain that picks among the endpoints of one list. All frontends with equally many endpoints share it. */
export interface PickChain {
  readonly by: FrontendKey;
  readonly list: EndpointListKind;
  readonly count: number;
  readonly protocol: Protocol;
  readonly affinitySeconds: number | undefined;
}

/** What only some clusters need rules for. */
export type Feature =
  /** Frontends besides cluster IPs that have an address of their own. */
  | "external-addresses"
  /** Cluster IPs outside the Service CIDRs. */
  | "cluster-ips-elsewhere"
  | "node-ports"
  | "source-ranges"
  /** TCP ports that are opened for health checks. */
  | "health-checks"
  /** Frontends that may be one of their own endpoints. */
  | "translates-to-self";

export const FEATURES: readonly Feature[] = [
  "external-addresses",
  "cluster-ips-elsewhere",
  "node-ports",
  "source-ranges",
  "health-checks",
  "translates-to-self",
];

/** By what Services know an element that several of them want. */
export type SharedKey = Address | number;

/** Elements of some Service ports, and what these need the table to have. It depends on no other Service, but for the
 *  numbers of sticky endpoints (identities.ts). */
export class Contribution {
  /** Elements by the name of the set or map; one without elements is absent. */
  readonly maps = new Map<string, MapElement[]>();
  readonly sets = new Map<string, SetElement[]>();
  /** Elements that other Service ports may want too, by the name of the set. */
  readonly shared = new Map<string, Map<SharedKey, SetElement>>();
  /** By the name of the chain. */
  readonly picks = new Map<string, PickChain>();
  readonly protocols = new Set<Protocol>();
  /** Timeouts of session affinity, in seconds, where an endpoint is picked with it. */
  readonly affinitySeconds = new Set<number>();
  readonly stickyIdentities = new Set<number>();
  readonly features = new Set<Feature>();
  readonly identities: Identities;

  constructor(identities: Identities) {
    this.identities = identities;
  }

  /** Whether a table that has room for `other` has it for this, too: besides elements and chains that pick among them. */
  fitsInto(other: Contribution): boolean {
    return (
      isWithin(this.protocols, other.protocols) &&
      isWithin(this.affinitySeconds, other.affinitySeconds) &&
      isWithin(this.features, other.features)
    );
  }

  /** Needs what `other` needs, without its elements. */
  widen(other: Contribution): void {
    for (const protocol of other.protocols) this.protocols.add(protocol);
    for (const seconds of other.affinitySeconds) this.affinitySeconds.add(seconds);
    for (const feature of other.features) this.features.add(feature);
  }

  addFrontend(map: string, frontend: Frontend, key: readonly KeyPart[], value: Verdict | readonly Value[]): void {
    this.elementsOf(map).push({ key, value, comment: servicePortName(frontend.service), origin: frontend.origin });
  }

  addToSet(set: string, element: SetElement): void {
    getOrMake(this.sets, set, () => []).push(element);
  }

  /** Of a map that gets one at least. */
  elementsOf(map: string): MapElement[] {
    return getOrMake(this.maps, map, () => []);
  }

  /** Of elements with one key the first one counts. */
  share(set: string, key: SharedKey, element: SetElement): void {
    const elements = this.sharedOf(set);
    if (!elements.has(key)) elements.set(key, element);
  }

  /** Of a set that gets one at least. */
  sharedOf(set: string): Map<SharedKey, SetElement> {
    return getOrMake(this.shared, set, () => new Map());
  }
}

/** What elements of a Service port may have for a comment. */
export function commentsOf(service: ServicePort): readonly string[] {
  return [servicePortName(service), `${service.namespace}/${service.name}`];
}

/** What all of `contributions` add, in their order. */
export function join(contributions: readonly Contribution[], identities: Identities): Contribution {
  const all = new Contribution(identities);
  for (const one of contributions) {
    for (const [name, elements] of one.maps)
      append(
        getOrMake(all.maps, name, () => []),
        elements,
      );
    for (const [name, elements] of one.sets)
      append(
        getOrMake(all.sets, name, () => []),
        elements,
      );
    for (const [name, elements] of one.shared) {
      for (const [key, element] of elements) all.share(name, key, element);
    }
    for (const [name, pick] of one.picks) all.picks.set(name, pick);
    for (const protocol of one.protocols) all.protocols.add(protocol);
    for (const seconds of one.affinitySeconds) all.affinitySeconds.add(seconds);
    for (const identity of one.stickyIdentities) all.stickyIdentities.add(identity);
    for (const feature of one.features) all.features.add(feature);
  }
  return all;
}

function isWithin<T>(some: ReadonlySet<T>, all: ReadonlySet<T>): boolean {
  return [...some].every((each) => all.has(each));
}

function append<T>(list: T[], elements: readonly T[]): void {
  for (const element of elements) list.push(element);
}
