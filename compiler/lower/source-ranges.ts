/** loadBalancerSourceRanges: who may use a load balancer address (README.md, section 7). */
import { addressField, concat, DPORT, goto, L4PROTO, member, rule, verdict, vmap } from "../ir/build.ts";
import { mergeIntervals } from "../ir/interval.ts";
import type { Expression, RegularChain } from "../ir/types.ts";
import { servicePortName } from "../model/types.ts";
import type { Family } from "../net/address.ts";
import { prefixRange } from "../net/prefix.ts";
import type { Settings } from "../node/settings.ts";
import type { Contribution } from "./contribution.ts";
import { firstEndpoint } from "./endpoints.ts";
import { type Frontend, keyOf } from "./frontends.ts";
import { addressComponent, frontendComponents, frontendKey } from "./keys.ts";
import { declareSet, declareVerdicts, type Fragment, regular, type TableShape, whileReplacing } from "./shape.ts";

/** Map and chain of load balancer addresses that only some sources may use, in iptables mode. */
export const SOURCE_RANGED = "source-ranged-services";

const ADDRESSES = "source-ranged-addresses";
const ALLOWED = "allowed-sources";

/** The chain that drops what is not allowed. */
export const FIREWALL = "firewall";

export const sourceRanges: Fragment = {
  sets: ({ family }) => [
    declareSet(ADDRESSES, "load balancer addresses with source ranges", frontendComponents(family)),
    declareSet(ALLOWED, "who may use them", [...frontendComponents(family), addressComponent(family)], true),
  ],
  maps: ({ family, settings }) =>
    settings.mode === "iptables"
      ? [declareVerdicts(SOURCE_RANGED, "load balancer addresses, for allowed sources", frontendComponents(family))]
      : [],
};

/** Notes who may use a load balancer address. The iptables mode writes no firewall for a Service without endpoints. */
export function contributeSourceRanges(frontend: Frontend, settings: Settings, to: Contribution): void {
  if (frontend.kind === "node-port" || frontend.allowedSources === undefined) return;
  if (settings.mode === "iptables" && frontend.dispatch.kind === "none") return;
  const { service, origin } = frontend;
  const key = keyOf(frontend);
  to.features.add("source-ranges");
  to.addToSet(ADDRESSES, { key, comment: servicePortName(service), origin });
  for (const interval of mergeIntervals(frontend.allowedSources.map(prefixRange))) {
    to.addToSet(ALLOWED, { key: [...key, interval], origin });
  }
}

/** Whether sources are asked before translation at the dispatch: the nftables mode drops in a hook of its own, before any
 *  translation. */
export function isAskedFirst(frontend: Frontend, { mode }: Settings): boolean {
  return (
    mode === "iptables" &&
    frontend.kind !== "node-port" &&
    frontend.allowedSources !== undefined &&
    frontend.dispatch.kind !== "none"
  );
}

/** Where the iptables mode translates what is allowed. */
export function sourceRangedChains({ family, settings }: TableShape): RegularChain[] {
  if (settings.mode === "nftables") return [];
  const allowed = member(sourceKey(family), ALLOWED);
  const rules = [
    rule(allowed, vmap(frontendKey(family), SOURCE_RANGED)),
    whileReplacing(allowed, goto(firstEndpoint("address", "cluster"))),
  ];
  return [regular(SOURCE_RANGED, rules, "loadBalancerSourceRanges")];
}

/** In iptables mode what is allowed has been translated before, and no longer has the address. */
export function firewallChain({ family, settings }: TableShape): RegularChain {
  const isRanged = member(frontendKey(family), ADDRESSES);
  const drop = verdict({ kind: "drop" });
  const steps =
    settings.mode === "nftables" ? [isRanged, member(sourceKey(family), ALLOWED, true), drop] : [isRanged, drop];
  return regular(FIREWALL, [rule(...steps)], "loadBalancerSourceRanges");
}

function sourceKey(family: Family): Expression {
  return concat(addressField(family, "daddr"), L4PROTO, DPORT, addressField(family, "saddr"));
}
