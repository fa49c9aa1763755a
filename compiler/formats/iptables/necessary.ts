/** What is certain about matches that are not understood. */
import { IIFNAME, L4PROTO, within } from "../../ir/build.ts";
import type { Match } from "../../ir/types.ts";

/** Matches of iptables that hold only where another match holds: whatever their options are, without it each option that is not
 *  negated does not hold, and each negated one does. Undefined: nothing is certain. */
export function necessaryFor(name: string): Match | undefined {
  switch (name) {
    case "physdev": // the node's own packets have come by no port of a bridge (physdev_mt)
      return { kind: "compare", left: IIFNAME, operator: "!=", right: "" };
    case "socket": // only these have sockets that are looked up; of ICMP those of the packet that an error is about
      return within(
        L4PROTO,
        [1, 6, 17, 58].map((protocol) => ({ from: protocol, to: protocol })),
      );
    default:
      return undefined;
  }
}

/** `match` turned round. */
export function notHolding(match: Match): Match | undefined {
  if (match.kind === "compare" && (match.operator === "==" || match.operator === "!="))
    return { ...match, operator: match.operator === "==" ? "!=" : "==" };
  return match.kind === "within" ? { ...match, negated: !match.negated } : undefined;
}
