/** Packets to the Services of a cluster, and past them: the same ones each time. */

import type { Packet } from "../../../compiler/evaluate/packet.ts";
import { type Address, familyOf } from "../../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS } from "../../../compiler/net/protocol.ts";
import type { Specs } from "../../../compiler/specs/types.ts";

/** `count` packets from anywhere: most to an address and a port of a Service, some to one of its addresses and another port. */
export function packetsToServices({ services }: Specs, count: number): Packet[] {
  const aims = services.flatMap(({ clusterIps, externalIps, loadBalancerIngress, ports }) => {
    const addresses = [
      ...clusterIps.map(({ value }) => value),
      ...externalIps.map(({ value }) => value),
      ...loadBalancerIngress.map(({ address }) => address),
    ];
    return addresses.flatMap((address) => ports.map(({ protocol, port }) => ({ address, protocol, port })));
  });
  if (aims.length === 0) return [];
  const pick = numbersFrom(1);
  return Array.from({ length: count }, (): Packet => {
    const aim = aims[pick(aims.length)];
    if (aim === undefined) throw new RangeError("picked outside of the list");
    return {
      protocol: PROTOCOL_NUMBERS[aim.protocol],
      source: anySource(aim.address, pick),
      sourcePort: 1024 + pick(60000),
      destination: aim.address,
      destinationPort: pick(8) === 0 ? 1 + pick(65535) : aim.port,
      inInterface: pick(4) === 0 ? undefined : "eth0",
      mark: 0,
    };
  });
}

/** An address of the same family, from the networks that clusters and their clients have. */
function anySource(destination: Address, pick: (below: number) => number): Address {
  if (familyOf(destination) === "IPv4") return (((10 << 24) >>> 0) + pick(2 ** 24)) as Address;
  return ((0xfd00n << 112n) + BigInt(pick(2 ** 24))) as Address;
}

/** A linear congruential generator; numbers below the argument. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
