/** Intervals of addresses as prefixes. */
import { invariant } from "../../invariant.ts";
import { intervalAsPrefix } from "../../ir/interval.ts";
import type { Interval } from "../../ir/types.ts";
import type { Prefix } from "../../net/prefix.ts";

/** The largest prefixes that the intervals consist of, in their order. */
export function prefixesOf(intervals: readonly Interval[]): Prefix[] {
  return intervals.flatMap(({ from, to }) =>
    typeof from === "bigint"
      ? [...cut(from, to as bigint, 128)].map(([a, b]) => asPrefix({ from: a, to: b }, "ipv6_addr"))
      : [...cut(BigInt(from), BigInt(to), 32)].map(([a, b]) =>
          asPrefix({ from: Number(a), to: Number(b) }, "ipv4_addr"),
        ),
  );
}

function asPrefix(interval: Interval, type: "ipv4_addr" | "ipv6_addr"): Prefix {
  const prefix = intervalAsPrefix(interval, type);
  invariant(prefix !== undefined, "the piece is a prefix");
  return prefix;
}

/** The largest aligned pieces from `from` to `to`, both included. */
function* cut(from: bigint, to: bigint, bits: number): Generator<[bigint, bigint]> {
  for (let at = from; at <= to; ) {
    let length = bits;
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1);
      if (at % size !== 0n || at + size - 1n > to) break;
      length--;
    }
    const size = 1n << BigInt(bits - length);
    yield [at, at + size - 1n];
    at += size;
  }
}
