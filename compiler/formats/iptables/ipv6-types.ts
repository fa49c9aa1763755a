/** Types of IPv6 addresses, as `-m addrtype` tells them. */
import { addressField, equal, within } from "../../ir/build.ts";
import { ADDRESS_TYPE } from "../../ir/constants.ts";
import { stringify } from "../../ir/normal-form.ts";
import type { Interval, Match } from "../../ir/types.ts";
import type { MatchRead } from "./choice.ts";
import type { OptionText } from "./grammar.ts";
import { notHolding } from "./necessary.ts";

/** Of IPv6 the address alone tells most types, also of the node's own, and it has to be of all of them that are listed
 *  (match_type6). */
export function typeOfIpv6({ name, values: [text = ""], negated }: OptionText): MatchRead {
  const of = name === "--src-type" ? "saddr" : "daddr";
  const address = addressField("IPv6", of);
  const tests: Extract<Match, { kind: "compare" | "within" }>[] = [];
  for (const word of text.toLowerCase().split(",")) {
    if (/^(anycast|unreachable)$/.test(word)) return undefined; // told by routes
    if (word === "local") tests.push(equal({ kind: "fib", of, result: "type" }, ADDRESS_TYPE.local));
    else if (word === "multicast") tests.push(within(address, [MULTICAST_IPV6], false));
    else if (word === "unicast") tests.push(within(address, NO_UNICAST_IPV6, true));
    else if (word === "unspec") tests.push(equal(address, 0n));
    else return "expected types of IPv6 addresses: LOCAL, UNICAST, MULTICAST, ANYCAST, UNREACHABLE or UNSPEC";
  }
  if (!negated) return tests;
  return { either: tests.map((test, i) => [...tests.slice(0, i), notHolding(test) ?? test]) };
}

const MULTICAST_IPV6: Interval = { from: 0xffn << 120n, to: (1n << 128n) - 1n };
/** Besides them the unspecified address, and IPv4 addresses written as IPv6. */
const NO_UNICAST_IPV6: readonly Interval[] = [
  { from: 0n, to: 0n },
  { from: 0xffff00000000n, to: 0xffffffffffffn },
  MULTICAST_IPV6,
];

/** Whether `intervals` are all addresses but those of type unicast. */
export function isNoUnicast(intervals: readonly Interval[]): boolean {
  return stringify(intervals) === stringify(NO_UNICAST_IPV6);
}
