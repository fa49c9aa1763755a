/** What must hold for hosts to be compared by their configuration: that nothing depends on the bits of addresses. */
import { partHolds } from "../ir/interval.ts";
import type { Interval, Value } from "../ir/types.ts";
import { literalPrefix, prefixRange } from "../net/prefix.ts";
import type { HostInterface } from "../network/network.ts";
import type { ProgramTests } from "./program-tests.ts";

/** Blocks of which the kernel's routing has its own opinion. */
export const SPECIAL_BLOCKS = ["127.0.0.0/8", "224.0.0.0/4", "fe80::/10", "fec0::/10", "ff00::/8"].map(blockOf);

/** Addresses of a link, and the groups in which neighbours listen for who asks for them. */
const NEAR_BLOCKS = ["fe80::/10", "ff02::/16"].map(blockOf);

function blockOf(text: string): Interval {
  return prefixRange(literalPrefix(text));
}

/** Whether the bits of addresses do not decide which one of IPv6 a packet to be sent by one of the interfaces gets. */
export function choosesSourceByInterface(interfaces: readonly HostInterface[]): boolean {
  const counts = interfaces
    .filter(({ kind, isUp, port }) => kind !== "loopback" && isUp && port === undefined)
    .map(
      ({ addresses }) =>
        addresses.filter(({ address, scope }) => typeof address === "bigint" && scope === "global").length,
    );
  return counts.every((count) => count === 1) || counts.reduce((sum, count) => sum + count, 0) <= 1;
}

/** Whether rules tell addresses of IPv6's neighbour discovery apart: the bits of who is asked for are in them. */
export function asksForNeighbours({ addresses, singles, intervals }: ProgramTests): boolean {
  const isNear = (value: Value): boolean => NEAR_BLOCKS.some((block) => partHolds(block, value));
  const splits = ({ from, to }: Interval): boolean =>
    NEAR_BLOCKS.some(
      (block) => (partHolds(block, from) || partHolds(block, to)) && (from > block.from || to < block.to),
    );
  return [...addresses, ...singles].some(isNear) || [...intervals.values()].some(splits);
}
