/** Walks to one target: one for all clients of a class that do not meet each other on the way. */
import type { Address } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { Leg, Walk } from "../walk/types.ts";
import { type AddressOwners, outcomesOf } from "./outcomes.ts";
import type { MatrixOutcome } from "./types.ts";

/** What a class's first client has met: another one of the class that is among that has a walk of its own. */
interface SharedWalk {
  readonly outcomes: readonly MatrixOutcome[];
  readonly hosts: ReadonlySet<string>;
  readonly addresses: ReadonlySet<Address>;
}

export class SharedWalks {
  private readonly walk: (host: string) => Walk;
  private readonly byHost = new Map<string, readonly MatrixOutcome[]>();
  private readonly byClass = new Map<string, SharedWalk>();

  /** `walk`: follows a packet of the host. */
  constructor(walk: (host: string) => Walk) {
    this.walk = walk;
  }

  /** `inClass` undefined: the host is like no other one. */
  outcomesFor(host: Host, inClass: string | undefined, owners: AddressOwners): readonly MatrixOutcome[] {
    const known = this.byHost.get(host.name);
    if (known !== undefined) return known;
    const shared = inClass === undefined ? undefined : this.byClass.get(inClass);
    if (shared !== undefined && !isMet(host, shared)) return shared.outcomes;
    const walk = this.walk(host.name);
    const outcomes = outcomesOf(walk, owners);
    this.byHost.set(host.name, outcomes);
    if (inClass === undefined || shared !== undefined) return outcomes;
    const found = sharedWalk(host, walk, outcomes);
    if (found !== undefined) this.byClass.set(inClass, found);
    return outcomes;
  }
}

function isMet({ name, interfaces }: Host, { hosts, addresses }: SharedWalk): boolean {
  return hosts.has(name) || interfaces.some((each) => each.addresses.some(({ address }) => addresses.has(address)));
}

/** What holds for others of the client's class; undefined: the packet has met its sender again, which that of another one does not. */
function sharedWalk(
  { name, interfaces }: Host,
  { branches }: Walk,
  outcomes: readonly MatrixOutcome[],
): SharedWalk | undefined {
  const own = new Set(interfaces.flatMap((each) => each.addresses.map(({ address }) => address)));
  const hosts = new Set<string>();
  const addresses = new Set<Address>();
  for (const { there, back } of branches) {
    if (meets(there, "destination", own) || (back !== undefined && meets(back, "source", own))) return undefined;
    if (there.hops.slice(1).some(({ host }) => host === name)) return undefined;
    for (const leg of back === undefined ? [there] : [there, back])
      for (const { host, before, after } of leg.hops) {
        hosts.add(host);
        for (const { source, destination } of [before, after]) addresses.add(source).add(destination);
      }
  }
  return { outcomes, hosts, addresses };
}

function meets({ hops }: Leg, end: "source" | "destination", own: ReadonlySet<Address>): boolean {
  return hops.some(({ before, after }) => own.has(before[end]) || own.has(after[end]));
}
