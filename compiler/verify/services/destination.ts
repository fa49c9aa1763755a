/** Sets of addresses and ports, in words. */
import { before, isAnywhere, joinRanges, type Range } from "../../compare/box.ts";
import type { Discrepancy } from "../../compare/compare.ts";
import { hasPorts } from "../../evaluate/field.ts";
import { type Address, addressBits, familyOf, printAddress } from "../../net/address.ts";
import { after } from "../../packets/ranges.ts";
import type { EndpointNames } from "./endpoint-names.ts";

/** `10.0.0.0/24 port 80`, `any IPv4 address`, `shop/web-1 (10.244.1.10)`. */
export function describeDestination(
  { box, trafficKind }: Pick<Discrepancy, "box" | "trafficKind">,
  names: EndpointNames,
): string {
  // Later packets count for where their connection sends them.
  const isSent = !isAnywhere(box, trafficKind.family);
  const [daddr, dport] = isSent ? [box.toaddr, box.toport] : [box.daddr, box.dport];
  const pod = daddr.from === daddr.to ? names.get(daddr.from as Address) : undefined;
  const where = isAnyAddress([daddr]) ? `any ${trafficKind.family} address` : (printBlocks([daddr])[0] ?? "");
  const isAnyPort =
    !hasPorts(trafficKind.protocol) || trafficKind.tracking === "invalid" || (dport.from === 0 && dport.to === 65535);
  const ports = dport.from === dport.to ? String(dport.from) : `${dport.from}-${dport.to}`;
  return `${pod === undefined ? where : `${pod} (${where})`}${isAnyPort ? "" : ` port ${ports}`}`;
}

/** Whether these are all addresses of each family that they are of. */
export function isAnyAddress(ranges: readonly Range[]): boolean {
  const families = byFamily(ranges);
  return families.length > 0 && families.every(isWholeFamily);
}

function isWholeFamily(ranges: readonly Range[]): boolean {
  const [only, more] = joinRanges(ranges);
  if (only === undefined || more !== undefined) return false;
  const bits = addressBits(familyOf(only.from as Address));
  return BigInt(only.from) === 0n && BigInt(only.to) === 2n ** BigInt(bits) - 1n;
}

/** IPv4 ranges, then IPv6 ranges, without those of a family that has none: numbers of both are never joined. */
function byFamily(ranges: readonly Range[]): (readonly Range[])[] {
  const isWide = ({ from }: Range): boolean => typeof from === "bigint";
  return [ranges.filter((range) => !isWide(range)), ranges.filter(isWide)].filter(({ length }) => length > 0);
}

/** How many ranges these are where those that touch are one. */
export function countRanges(ranges: readonly Range[]): number {
  return byFamily(ranges).reduce((count, each) => count + joinRanges(each).length, 0);
}

/** Ranges of addresses, as CIDRs where they are blocks. */
export function printBlocks(ranges: readonly Range[]): string[] {
  return byFamily(ranges)
    .flatMap((each) => joinRanges(each))
    .map(({ from, to }) => {
      const first = printAddress(from as Address);
      if (from === to) return first;
      const size = BigInt(to) - BigInt(from) + 1n;
      const isBlock = (size & (size - 1n)) === 0n && BigInt(from) % size === 0n;
      if (!isBlock) return `${first}-${printAddress(to as Address)}`;
      return `${first}/${addressBits(familyOf(from as Address)) - (size.toString(2).length - 1)}`;
    });
}

/** The addresses of each family of these that are in none of them. */
export function complementOf(ranges: readonly Range[]): Range[] {
  return byFamily(ranges).flatMap(complementInFamily);
}

function complementInFamily(ranges: readonly Range[]): Range[] {
  const joined = joinRanges(ranges);
  const [first] = joined;
  if (first === undefined) return [];
  const isWide = typeof first.from === "bigint";
  const last = (isWide ? 2n ** 128n - 1n : 2 ** 32 - 1) as Range["to"];
  const gaps: Range[] = [];
  let from = (isWide ? 0n : 0) as Range["from"];
  for (const range of joined) {
    if (range.from > from) gaps.push({ from, to: before(range.from) });
    if (range.to === last) return gaps;
    from = after(range.to);
  }
  return [...gaps, { from, to: last }];
}
