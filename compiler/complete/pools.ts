/** Addresses and ports that a control plane gives out. */
import { type Address, addressBits, type Ipv4, type Ipv6 } from "../net/address.ts";
import { asPort, type Port } from "../net/port.ts";
import { type Prefix, prefixFamily } from "../net/prefix.ts";
import { chooseNumbers } from "./choose.ts";

/** Part of a block: `size` addresses from the one at `offset` on. */
interface Pool {
  readonly block: Prefix;
  readonly offset: number;
  readonly size: number;
}

/** Addresses for `names`, from the first of `pools` that has one left; none where all are taken. Takes them out of what is
 *  free: adds them to `taken`. */
export function chooseAddresses(
  names: readonly string[],
  pools: readonly Pool[],
  taken: Set<Address>,
): Map<string, Address> {
  const chosen = new Map<string, Address>();
  for (const { block, offset, size } of pools) {
    const pending = names.filter((name) => !chosen.has(name));
    if (pending.length === 0) break;
    const numbers = chooseNumbers(pending, size, (number) => taken.has(addressAt(block, offset + number)));
    for (const [name, number] of numbers) chosen.set(name, addressAt(block, offset + number));
  }
  for (const address of chosen.values()) taken.add(address);
  return chosen;
}

/** Of Service CIDRs: as the API server, behind the part that is kept for addresses that somebody chooses, and from that part
 *  only when the rest is used up (KEP-3070). */
export function servicePools(blocks: readonly Prefix[]): Pool[] {
  return blocks.flatMap((block) => {
    const { offset, size } = hostsOf(block, 1);
    const kept = Math.min(size, keptFor(sizeOf(block), 256, 16));
    return [
      { block, offset: offset + kept, size: size - kept },
      { block, offset, size: kept },
    ];
  });
}

/** Of pod CIDRs: the first address is the bridge's. */
export function podPools(blocks: readonly Prefix[]): Pool[] {
  return blocks.map((block) => ({ block, ...hostsOf(block, 2) }));
}

/** The default of the API server's flag --service-node-port-range. */
const NODE_PORTS = { from: 30000, size: 2768 } as const;

/** Node ports for `names`, likewise (KEP-3668). */
export function chooseNodePorts(names: readonly string[], taken: ReadonlySet<Port>): Map<string, Port> {
  const kept = keptFor(NODE_PORTS.size, 128, 32);
  const chosen = new Map<string, Port>();
  for (const [offset, size] of [
    [kept, NODE_PORTS.size - kept],
    [0, kept],
  ] as const) {
    const from = NODE_PORTS.from + offset;
    const pending = names.filter((name) => !chosen.has(name));
    const numbers = chooseNumbers(pending, size, (number) => taken.has((from + number) as Port));
    for (const [name, number] of numbers) {
      const port = asPort(from + number);
      if (port !== undefined) chosen.set(name, port);
    }
  }
  return chosen;
}

/** How much of a range of `size` the API server does not give out by itself. */
function keptFor(size: number, most: number, part: number): number {
  return size <= 16 ? 0 : Math.min(most, Math.max(16, Math.floor(size / part)));
}

/** The addresses of `block` from number `first` on; the last one of IPv4 is the broadcast address. */
function hostsOf(block: Prefix, first: number): { readonly offset: number; readonly size: number } {
  const behind = prefixFamily(block) === "IPv4" ? 1 : 0;
  return { offset: first, size: Math.max(0, sizeOf(block) - first - behind) };
}

/** Addresses in `block`; of more than 2^32 only these are used. */
function sizeOf(block: Prefix): number {
  return 2 ** Math.min(32, addressBits(prefixFamily(block)) - block.length);
}

function addressAt({ address }: Prefix, offset: number): Address {
  return typeof address === "number" ? ((address + offset) as Ipv4) : ((address + BigInt(offset)) as Ipv6);
}
