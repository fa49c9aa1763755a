/** Destinations that a program's rules mention: each needs a row, or a range, of its own. Walks find them, one after the other. */

import { invariant } from "../invariant.ts";
import { partsOfKey } from "../ir/sets.ts";
import type { Interval, KeyPart, Value } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import { type Address, type Family, familyOf, isLoopbackNet, literalAddress } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { GraphNode, Read, SetOrMap } from "./graph/types.ts";

/** A protocol and a port; the key of a `Map`. */
export type PortKey = number;

const keyOf = (protocol: number, port: number): PortKey => protocol * 65536 + port;
/** The protocol of a key. */
export const protocolIn = (key: PortKey): number => Math.floor(key / 65536);
/** The port of a key. */
export const portIn = (key: PortKey): number => key % 65536;

const WITH_PORTS: readonly number[] = Object.values(PROTOCOL_NUMBERS);
/** The protocol of `ping` in each family. */
export const PINGS: Readonly<Record<Family, number>> = { IPv4: 1, IPv6: 58 };
/** A number that IANA gives to experiments. */
const OTHER_PROTOCOL = 253;

/** What walks have found so far; each walk may find more. */
export class MentionedDestinations {
  private readonly family: Family;
  /** The addresses of the node. */
  readonly local: ReadonlySet<Address>;
  /** Everything that rules mention of a destination: addresses with the ports that rules test there… */
  readonly points = new Map<Address, Set<PortKey>>();
  /** …where blocks of addresses begin… */
  private readonly boundaries: Set<Address>;
  /** …ports that rules test whatever the address… */
  readonly anywhere = new Set<PortKey>();
  /** …and protocols. */
  readonly protocols: Set<number>;
  private readonly seen = new Set<string>();
  /** For each set or map, and each key that it was looked up by: whether that key has a port without an address. */
  private readonly consultations = new Map<SetOrMap, Map<readonly Read[], boolean>>();
  private readonly numbers = new Map<object, number>();
  /** Whether a walk has tested a port without an address, since this was last set to false. */
  hasTestedAnyPort = false;

  /** `addresses`: those of the node that are of `family`. */
  constructor(family: Family, addresses: readonly Address[]) {
    this.family = family;
    const [lowest, loopback] = addressesOf(family, family === "IPv4" ? ["0.0.0.0", "127.0.0.1"] : ["::", "::1"]);
    this.local = new Set([...addresses, loopback as Address]);
    this.boundaries = new Set([lowest as Address, ...typeBoundaries(family)]);
    this.protocols = new Set([...WITH_PORTS, PINGS[family], OTHER_PROTOCOL]);
  }

  /** The number of destinations that are known so far. */
  amount(): number {
    return this.boundaries.size + this.anywhere.size + this.protocols.size + this.seen.size;
  }

  isLocal(address: Address): boolean {
    return this.local.has(address) || isLoopbackNet(address);
  }

  /** Every address of the node; one for the many of 127.0.0.0/8. */
  ownAddresses(): Address[] {
    return [...this.local, ...this.loopbackExample(), ...[...this.points.keys()].filter(isLoopbackNet)];
  }

  /** An address of 127.0.0.0/8 that is mentioned nowhere; none in IPv6. */
  loopbackExample(): Address[] {
    return this.family === "IPv4" ? addressesOf("IPv4", ["127.0.0.0"]) : [];
  }

  /** Notes what a walk looks up. */
  consulted(elements: SetOrMap, reads: readonly Read[]): void {
    const asked = entry(this.consultations, elements);
    let testsAnyPort = asked.get(reads);
    if (testsAnyPort === undefined) {
      testsAnyPort = this.consultedFirst(elements, reads);
      asked.set(reads, testsAnyPort);
    }
    if (testsAnyPort) this.hasTestedAnyPort = true;
  }

  /** Notes what a set or map mentions; returns whether its key has a port without an address. */
  private consultedFirst(elements: SetOrMap, reads: readonly Read[]): boolean {
    const at = {
      address: reads.findIndex((read) => read.kind === "address" && read.of === "original"),
      port: reads.findIndex((read) => read.kind === "port" && read.of === "original"),
      protocol: reads.findIndex(({ kind }) => kind === "protocol"),
    };
    const number = this.numbers.get(elements) ?? this.numbers.size;
    this.numbers.set(elements, number);
    const text = `${number} ${at.address} ${at.port} ${at.protocol}`;
    if (!this.seen.has(text)) {
      this.seen.add(text);
      for (const element of elements.elements) {
        const key = partsOfKey(element);
        this.mention(key[at.address], key[at.port], key[at.protocol]);
      }
    }
    return at.port >= 0 && at.address < 0;
  }

  /** Notes what a walk compares. */
  compared(read: Read, { against }: Extract<GraphNode, { kind: "test" }>, protocol: number): void {
    if (against.kind !== "intervals") return;
    for (const { from, to } of against.intervals) {
      const part: KeyPart = from === to ? from : { from, to };
      if (read.kind === "address" && read.of === "original") this.addBlock({ from, to });
      if (read.kind === "protocol") this.mention(undefined, undefined, part);
      if (read.kind !== "port" || read.of !== "original") continue;
      this.hasTestedAnyPort = true;
      this.mention(undefined, part, protocol);
    }
  }

  private mention(address: KeyPart | undefined, port: KeyPart | undefined, protocol: KeyPart | undefined): void {
    if (typeof port === "object" || typeof protocol === "object")
      throw new Unsupported("a range of ports or protocols");
    if (typeof address === "object") {
      if (port !== undefined) throw new Unsupported("a block of addresses with a port");
      this.addBlock(address);
      return;
    }
    if (protocol !== undefined) this.protocols.add(Number(protocol));
    if (port === undefined) {
      if (address !== undefined) entryOfSet(this.points, address as Address);
      return;
    }
    const keys = (protocol === undefined ? WITH_PORTS : [Number(protocol)]).map((each) => keyOf(each, Number(port)));
    const known = address === undefined ? this.anywhere : entryOfSet(this.points, address as Address);
    for (const key of keys) known.add(key);
  }

  private addBlock({ from, to }: Interval): void {
    this.boundaries.add(from as Address);
    const after = successor(to);
    if (after !== undefined) this.boundaries.add(after as Address);
  }

  /** For each block between boundaries, by its first address, one that is not mentioned by itself; none for blocks that are
   *  all mentioned, or the node's own. */
  examples(): Map<Address, Address> {
    const sorted = [...this.boundaries].sort((a, b) => (a < b ? -1 : 1));
    const found = new Map<Address, Address>();
    for (const [i, from] of sorted.entries()) {
      const end = sorted[i + 1];
      for (let at: Address | undefined = from; at !== undefined && at !== end; at = successor(at)) {
        if (isLoopbackNet(at)) break;
        if (this.points.has(at) || this.local.has(at)) continue;
        found.set(from, at);
        break;
      }
    }
    return found;
  }
}

/** Boundaries between addresses of different types in the routing table. */
function typeBoundaries(family: Family): Address[] {
  return family === "IPv4"
    ? addressesOf(family, ["127.0.0.0", "128.0.0.0", "224.0.0.0", "240.0.0.0", "255.255.255.255"])
    : addressesOf(family, ["ff00::"]);
}

function addressesOf(family: Family, texts: readonly string[]): Address[] {
  const addresses = texts.map(literalAddress);
  invariant(
    addresses.every((address) => familyOf(address) === family),
    `${texts.join()} are of ${family}`,
  );
  return addresses;
}

/** The next higher address; undefined behind the last one. */
function successor<T extends Value>(address: T): T | undefined {
  if (typeof address === "bigint") return address === 2n ** 128n - 1n ? undefined : ((address + 1n) as T);
  return address === 2 ** 32 - 1 ? undefined : ((Number(address) + 1) as T);
}

function entryOfSet<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const found = map.get(key) ?? new Set<V>();
  map.set(key, found);
  return found;
}

/** The map at `key`, which is made where there is none. */
export function entry<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const found = map.get(key) ?? new Map<L, V>();
  map.set(key, found);
  return found;
}
