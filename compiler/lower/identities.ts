/** Numbers by which session affinity remembers endpoints. */

import { type ServiceEndpoint, type ServicePort, servicePortName } from "../model/types.ts";
import { printAddressPort } from "../net/address.ts";
import { hashText } from "../net/hash.ts";
import type { ServicePortView } from "../node/view.ts";

/** Gives every (Service port, endpoint) a number of 32 bits that does not depend on the other endpoints, so that what
 *  the kernel remembers survives a new compilation: a hash of its name. Only names that want one number depend on each other. */
export class Identities {
  private readonly moved: ReadonlyMap<string, number>;

  /** `moved`: the numbers of names that do not get the one of their hash. */
  constructor(moved: ReadonlyMap<string, number> = new Map()) {
    this.moved = moved;
  }

  /** Those of all endpoints of `services`. */
  static of(services: readonly ServicePortView[]): Identities {
    const names = new IdentityNames();
    for (const service of services) for (const name of stickyNames(service)) names.add(name);
    return new Identities(names.moved());
  }

  of(service: ServicePort, endpoint: ServiceEndpoint): number {
    const name = nameOf(service, endpoint);
    return (this.moved.size === 0 ? undefined : this.moved.get(name)) ?? preferred(name);
  }
}

/** The names of which some are given numbers: those of the endpoints that clients of `service` may be at. */
export function stickyNames(service: ServicePortView): ReadonlySet<string> {
  if (service.affinitySeconds === undefined) return NO_NAMES;
  return new Set([...service.clusterEndpoints, ...service.localEndpoints].map((endpoint) => nameOf(service, endpoint)));
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** The Service, `namespace/name`, that a name is of. */
export function serviceOfName(name: string): string {
  return name.split(/[:/]/, 2).join("/");
}

function nameOf(service: ServicePort, endpoint: ServiceEndpoint): string {
  return `${servicePortName(service)}/${service.protocol}/${printAddressPort(endpoint.address, endpoint.port)}`;
}

/** 0 and 2^32-1 are left out: nft prints them as words. Above there is room for names that do not get the number that they want. */
function preferred(name: string): number {
  const hash = hashText(name);
  return hash === 0 ? 1 : hash > LAST_PREFERRED ? hash - ROOM : hash;
}

const ROOM = 0x10000;
const LAST_PREFERRED = 0xffffffff - ROOM;

/** The names that are in use, each once, as they come and go. */
export class IdentityNames {
  private readonly wanted = new Map<number, string | readonly string[]>();
  /** Numbers that several names want. */
  private readonly crowded = new Set<number>();

  add(name: string): void {
    const number = preferred(name);
    this.set(number, [...this.namesAt(number), name].sort());
  }

  remove(name: string): void {
    const number = preferred(name);
    this.set(
      number,
      this.namesAt(number).filter((other) => other !== name),
    );
  }

  /** The numbers of names that do not get the one that they want. In the order of wanted numbers, then of names, each takes the first
   *  free number from the one that it wants: whatever came first, the same names have the same numbers. */
  moved(): ReadonlyMap<string, number> {
    const moved = new Map<string, number>();
    let free = 0;
    for (const start of [...this.crowded].sort((a, b) => a - b)) {
      if (start < free) continue; // others have pushed on its names already
      for (let number = start; number === start || number < free; number++) {
        for (const name of this.namesAt(number)) {
          free = Math.max(free, number);
          if (free !== number) moved.set(name, free);
          free++;
        }
      }
    }
    return moved;
  }

  private namesAt(number: number): readonly string[] {
    const names = this.wanted.get(number);
    return names === undefined ? [] : typeof names === "string" ? [names] : names;
  }

  private set(number: number, names: readonly string[]): void {
    const [first] = names;
    if (first === undefined) this.wanted.delete(number);
    else this.wanted.set(number, names.length === 1 ? first : names);
    if (names.length > 1) this.crowded.add(number);
    else this.crowded.delete(number);
  }
}
