/** Pools of packets as a network card would leave them: 64 bytes each, the IP header first. */
import {
  DESTINATION_OPTIONS,
  FRAGMENT,
  FRAGMENT_MORE,
  IPV4_BYTES,
  IPV4_FRAGMENT,
  IPV4_MORE_FRAGMENTS,
  IPV4_PLAIN,
  IPV4_TOTAL_LENGTH,
  IPV6_BYTES,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
} from "../../assembly/headers.ts";
import type { Address, Family } from "../../compiler/net/address.ts";
import { buildPacket, PROTOCOL } from "../../runtime/packet.ts";
import { numbersFrom, SLOT_BYTES, writeSlot } from "../../test/support/slots.ts";
import { addressOf, ENDPOINTS, NODE_ADDRESS, offset, podOf, type Scaled, type ScaledService, vipOf } from "./scale.ts";

export type Mix = "uniform" | "zipf" | "half" | "miss";
export type Families = Family | "mixed";

const OUTSIDE = { IPv4: addressOf("203.0.113.0"), IPv6: addressOf("2001:db8:1::") } as const;
const ELSEWHERE = { IPv4: addressOf("8.0.0.0"), IPv6: addressOf("2600::") } as const;

/** `count` packets. Of the hits, one in twenty goes to a node port. Half of the misses go to a Service's address, at a port
 *  that it does not have. One in two hundred has options (IPv6: an extension header), as many are fragments, one in a hundred
 *  is a ping. The same for the same seed. */
export function makePool({ services }: Scaled, mix: Mix, families: Families, count: number, seed = 1): Uint8Array {
  const pick = numbersFrom(seed);
  const withNodePorts = services.filter(({ nodePort }) => nodePort !== 0);
  const pool = new Uint8Array(count * SLOT_BYTES);
  const missPercent = mix === "half" ? 50 : mix === "miss" ? 100 : 0;
  const cumulative = mix === "zipf" ? zipf(services.length) : undefined;
  for (let i = 0; i < count; i++) {
    const family: Family = families === "mixed" ? (pick(2) === 0 ? "IPv4" : "IPv6") : families;
    const index = cumulative === undefined ? pick(services.length) : find(cumulative, pick(2 ** 32) / 2 ** 32);
    const service = services[index] as ScaledService;
    const protocol = service.type === "udp" ? PROTOCOL.udp : PROTOCOL.tcp;
    const source =
      service.type === "ranges" ? offset(OUTSIDE[family], pick(128)) : podOf(pick(services.length * ENDPOINTS), family);
    let flow = {
      protocol,
      source,
      sourcePort: 1024 + pick(64000),
      destination: vipOf(service, family),
      destinationPort: service.port,
    } as {
      protocol: number;
      source: Address;
      sourcePort: number;
      destination: Address;
      destinationPort: number;
    };
    if (pick(100) < missPercent) {
      if (pick(2) === 0) flow = { ...flow, destinationPort: 1000 + pick(20000) };
      else flow = { ...flow, destination: offset(ELSEWHERE[family], pick(2 ** 24)) };
    } else if (withNodePorts.length > 0 && pick(20) === 0) {
      const { nodePort } = withNodePorts[pick(withNodePorts.length)] as ScaledService;
      const to = offset(NODE_ADDRESS[family], pick(16));
      flow = {
        ...flow,
        protocol: PROTOCOL.tcp,
        source: offset(OUTSIDE[family], pick(128)),
        destination: to,
        destinationPort: nodePort,
      };
    }
    writeSlot(pool, i, dressed(flow, family, pick));
  }
  return pool;
}

/** The packet, now and then an odd one. */
function dressed(flow: Parameters<typeof buildPacket>[0], family: Family, pick: (below: number) => number): Uint8Array {
  const kind = pick(200);
  if (kind < 2) return buildPacket({ ...flow, protocol: family === "IPv4" ? PROTOCOL.icmp : PROTOCOL.icmpv6 });
  const packet = buildPacket(flow);
  if (kind === 2) return withOptions(packet, family);
  if (kind === 3) return asFragment(packet, family);
  return packet;
}

/** With eight bytes of options, or of an extension header. */
function withOptions(packet: Uint8Array, family: Family): Uint8Array {
  const header = family === "IPv4" ? IPV4_BYTES : IPV6_BYTES;
  const longer = new Uint8Array(packet.length + OPTIONS_BYTES);
  longer.set(packet.subarray(0, header));
  longer.set(packet.subarray(header), header + OPTIONS_BYTES);
  const view = new DataView(longer.buffer);
  if (family === "IPv4") {
    longer[0] = IPV4_PLAIN + OPTIONS_BYTES / 4;
    longer.fill(1, IPV4_BYTES, IPV4_BYTES + OPTIONS_BYTES); // no operation
    view.setUint16(IPV4_TOTAL_LENGTH, longer.length);
  } else {
    longer.set([packet[IPV6_NEXT_HEADER] as number, 0, 1, 4, 0, 0, 0, 0], IPV6_BYTES); // padding
    longer[IPV6_NEXT_HEADER] = DESTINATION_OPTIONS;
    view.setUint16(IPV6_PAYLOAD_LENGTH, longer.length - IPV6_BYTES);
  }
  return longer;
}

const OPTIONS_BYTES = 8;

/** A fragment from the middle of a packet. */
function asFragment(packet: Uint8Array, family: Family): Uint8Array {
  if (family === "IPv4") {
    new DataView(packet.buffer).setUint16(IPV4_FRAGMENT, IPV4_MORE_FRAGMENTS | 16);
    return packet;
  }
  const longer = withOptions(packet, family);
  longer.set([packet[IPV6_NEXT_HEADER] as number, 0, 0, 128 | FRAGMENT_MORE, 0, 0, 0, 1], IPV6_BYTES);
  longer[IPV6_NEXT_HEADER] = FRAGMENT;
  return longer;
}

/** Shares of the first n Services, added up: the k-th is asked for 1/k as often as the first. */
function zipf(count: number): Float64Array {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) {
    sum += 1 / (k + 1);
    cumulative[k] = sum;
  }
  return cumulative.map((each) => each / sum);
}

function find(cumulative: Float64Array, value: number): number {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulative[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
