/** What is certain about matches that are not understood. */
import { anyBit, CT_STATE_FIELD, equal, IIFNAME, L4PROTO, within } from "../../ir/build.ts";
import { ADDRESS_TYPE, CT_STATE } from "../../ir/constants.ts";
import type { Match } from "../../ir/types.ts";

type OpaqueMatch = Extract<Match, { kind: "opaque" }>;

const BY_NO_INTERFACE = equal(IIFNAME, "");
const BY_AN_INTERFACE: Match = { kind: "compare", left: IIFNAME, operator: "!=", right: "" };

/** The name of the extension of iptables that `match` is. */
export function extensionOf(match: OpaqueMatch): string | undefined {
  return /^-m (\S+)/.exec(match.text)?.[1];
}

/** The steps of rules for `unknown`, an extension that is not understood, with what is certain of it: of the lists one applies
 *  to a packet, or none. */
export function certainly(unknown: OpaqueMatch): [Match[], ...Match[][]] {
  const name = extensionOf(unknown);
  // Also a negated cgroup needs a socket (cgroup_mt_v2), which packets that are forwarded have not got.
  if (name === "cgroup") {
    const toUs: Match = { kind: "compare", left: DESTINATION_TYPE, operator: "!=", right: ADDRESS_TYPE.unicast };
    return [
      [BY_NO_INTERFACE, unknown],
      [BY_AN_INTERFACE, toUs, unknown],
    ];
  }
  const needed = name === undefined ? undefined : necessaryFor(name);
  const others = needed === undefined ? undefined : notHolding(needed);
  if (needed === undefined || others === undefined) return [[unknown]];
  return failsWithout(unknown) ? [[needed, unknown]] : [[needed, unknown], [others]];
}

const DESTINATION_TYPE = { kind: "fib", of: "daddr", result: "type" } as const;

/** Whether an extension does not hold where what it needs does not: else it does. */
function failsWithout(unknown: OpaqueMatch): boolean {
  const spelled = unknown.spelled ?? unknown.text;
  const name = extensionOf(unknown);
  if (name === "cluster" || name === "connbytes") return true;
  if (name === "rpfilter") return / --invert( |$)/.test(spelled);
  return !/ ! --/.test(spelled) || /(?<! !) --/.test(spelled);
}

/** What an extension looks at is there only where this match holds: without it each option that is not negated does not
 *  hold, and each negated one does. Undefined: nothing is certain. */
export function necessaryFor(name: string): Match | undefined {
  switch (name) {
    case "physdev": // the node's own packets have come by no port of a bridge (physdev_mt)
      return BY_AN_INTERFACE;
    case "owner": // at the hooks where it may be asked only the node's own packets have sockets (owner_mt)
      return BY_NO_INTERFACE;
    case "helper": // a connection that a helper expects is related from its first packet on (helper_mt)
      return anyBit(CT_STATE_FIELD, CT_STATE.established | CT_STATE.related);
    case "cluster": // packets without a connection are no node's (xt_cluster_mt), and have no bytes or labels
    case "connbytes":
    case "connlabel":
      return anyBit(CT_STATE_FIELD, CT_STATE.new | CT_STATE.established | CT_STATE.related);
    case "rpfilter": // what comes by loopback passes the test (rpfilter_is_loopback)
      return { kind: "compare", left: IIFNAME, operator: "!=", right: "lo" };
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
