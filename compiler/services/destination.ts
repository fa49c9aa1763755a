/** Sets of addresses and ports, in words. */
import { joinRanges, type Range } from "../compare/box.ts";
import type { Region } from "../compare/compare.ts";
import { hasPorts } from "../evaluate/expression.ts";
import { type Address, addressBits, familyOf, printAddress } from "../net/address.ts";
import type { EndpointNames } from "./endpoint-names.ts";

/** `10.0.0.0/24 port 80`, `any IPv4 address`, `shop/web-1 (10.244.1.10)`. */
export function describeDestination({ box, door }: Pick<Region, "box" | "door">, names: EndpointNames): string {
  const { daddr, dport } = box;
  const pod = daddr.from === daddr.to ? names.get(daddr.from as Address) : undefined;
  const where = isAnyAddress([daddr]) ? `any ${door.family} address` : (printBlocks([daddr])[0] ?? "");
  const isAnyPort = !hasPorts(door.protocol) || (dport.from === 0 && dport.to === 65535);
  const ports = dport.from === dport.to ? String(dport.from) : `${dport.from}-${dport.to}`;
  return `${pod === undefined ? where : `${pod} (${where})`}${isAnyPort ? "" : ` port ${ports}`}`;
}

/** Whether these are all addresses of a family. */
export function isAnyAddress(ranges: readonly Range[]): boolean {
  const [only, more] = joinRanges(ranges);
  if (only === undefined || more !== undefined) return false;
  const bits = addressBits(familyOf(only.from as Address));
  return BigInt(only.from) === 0n && BigInt(only.to) === 2n ** BigInt(bits) - 1n;
}

/** Ranges of addresses, as CIDRs where they are blocks. */
export function printBlocks(ranges: readonly Range[]): string[] {
  return joinRanges(ranges).map(({ from, to }) => {
    const first = printAddress(from as Address);
    if (from === to) return first;
    const size = BigInt(to) - BigInt(from) + 1n;
    const isBlock = (size & (size - 1n)) === 0n && BigInt(from) % size === 0n;
    if (!isBlock) return `${first}-${printAddress(to as Address)}`;
    return `${first}/${addressBits(familyOf(from as Address)) - (size.toString(2).length - 1)}`;
  });
}
