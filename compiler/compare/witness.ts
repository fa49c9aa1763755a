/** Example packets of a region: packets that a host could send, in the form that `kpc trace` takes. */
import { destinationOf, withDestination } from "../evaluate/disposition.ts";
import type { Outcome } from "../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import {
  type Address,
  type Family,
  familyOf,
  isLoopback,
  literalAddress,
  printAddress,
  printAddressPort,
} from "../net/address.ts";
import { PROTOCOLS } from "../net/protocol.ts";
import { after } from "../packets/ranges.ts";
import { prefixOfExample } from "../tabulate/interfaces.ts";
import type { Range } from "./box.ts";
import type { Discrepancy } from "./compare.ts";

/** The region with a packet that could be sent; all of its packets fare alike. `addresses`: the node's, from which its own
 *  packets come. */
export function presented(region: Discrepancy, addresses: readonly Address[]): Discrepancy {
  const { packet, trafficKind, box, left, right } = region;
  const own = addresses.filter((address) => familyOf(address) === trafficKind.family);
  const { host, low, loopback } = EXAMPLES[trafficKind.family];
  const sources = trafficKind.inInterface === undefined ? [...own, loopback, low] : [host, low];
  // A translation may keep a part of the destination: then the first packet's own is kept, too, unless it is port 0.
  const ends = [...left.results, ...right.results].flatMap(({ disposition }) => destinationOf(disposition) ?? []);
  const keepsAddress = ends.some(({ address }) => address === packet.destination);
  const keepsPort = packet.destinationPort > 0 && ends.some(({ port }) => port === packet.destinationPort);
  const destinationPort = keepsPort ? packet.destinationPort : choosePort(box.dport, 1);
  const shown = (outcome: Outcome): Outcome => withPort(outcome, packet.destinationPort, destinationPort);
  return {
    ...region,
    packet: {
      ...packet,
      source: choose(box.saddr, sources),
      destination: keepsAddress ? packet.destination : choose(box.daddr, [low]),
      sourcePort: choosePort(box.sport, CLIENT_PORT),
      destinationPort,
    },
    left: shown(left),
    right: shown(right),
  };
}

/** An outcome in which a destination port that was kept is another one. */
function withPort(outcome: Outcome, from: number, to: number): Outcome {
  if (from > 0 || to === from) return outcome;
  const change = <T extends { readonly port: number }>(end: T): T => (end.port === from ? { ...end, port: to } : end);
  return {
    ...outcome,
    endpoints: outcome.endpoints.map(change),
    results: outcome.results.map((result) => ({
      ...result,
      disposition: withDestination(result.disposition, change),
    })),
  };
}

/** The source port that clients take, and `kpc trace` where the packet names none. */
const CLIENT_PORT = 40000;

/** The addresses that examples have where they can. `low`: the lowest address that a host may have. */
const EXAMPLES: Readonly<Record<Family, { readonly [of in "host" | "low" | "loopback"]: Address }>> = {
  IPv4: { host: literalAddress("198.51.100.7"), low: literalAddress("1.0.0.1"), loopback: literalAddress("127.0.0.1") },
  IPv6: { host: literalAddress("2001:db8::7"), low: literalAddress("2000::1"), loopback: literalAddress("::1") },
};

/** The first of `wanted` that is in the range, else what is behind its first address, which may be that of a block. */
function choose({ from, to }: Range, wanted: readonly Address[]): Address {
  const found = wanted.find((address) => address >= from && address <= to);
  return found ?? ((from === to || Number(BigInt(from) & 0xffn) !== 0 ? from : after(from)) as Address);
}

/** The wanted port, or the lowest one of the range. No packet has port 0, unless its protocol has no ports. */
function choosePort({ from, to }: Range, wanted: number): number {
  if (wanted >= from && wanted <= to) return wanted;
  return from === 0 && to > 0 ? 1 : Number(from);
}

/** The packet as a person would write it: for `kpc trace` where `isReplayable`. */
export function printWitness({ packet, trafficKind }: Discrepancy): string {
  const name = PROTOCOL_NAMES.get(packet.protocol) ?? `protocol ${packet.protocol}`;
  const showsPorts = isNamed(packet.protocol) && trafficKind.tracking !== "invalid";
  const end = (address: Address, port: number): string =>
    showsPorts ? printAddressPort(address, port) : printAddress(address);
  const by =
    trafficKind.inInterface === undefined ? "" : ` iif ${nameOf(trafficKind.inInterface, trafficKind.isAnyInterface)}`;
  const marked = packet.mark === 0 ? "" : ` mark 0x${packet.mark.toString(16)}`;
  return `${name} ${end(packet.source, packet.sourcePort)} > ${end(packet.destination, packet.destinationPort)}${by}${marked}`;
}

/** Whether `kpc trace` can follow the packet of a region that is presented: it knows first packets, of three protocols, and
 *  takes what comes from an address of the node for the node's own. */
export function isReplayable({ packet, trafficKind }: Discrepancy, addresses: readonly Address[]): boolean {
  const { protocol, source, ctState } = packet;
  const fromHere = addresses.includes(source) || isLoopback(source);
  return ctState === undefined && isNamed(protocol) && (trafficKind.inInterface !== undefined || fromHere);
}

function isNamed(protocol: number): boolean {
  return PROTOCOLS.some((name) => name === PROTOCOL_NAMES.get(protocol));
}

function nameOf(example: string, isAnyInterface: boolean): string {
  if (isAnyInterface) return "other0";
  const prefix = prefixOfExample(example);
  return prefix === undefined ? example : `${prefix}x0`.slice(0, 15);
}
