/** A packet that waited for the answer of an IPv6 neighbour, of which rules drop the question or the answer. */
import type { Diagnostic } from "../diagnostics.ts";
import type { LostAtHook, WalkEnd } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import type { LostLeg } from "./lost-leg.ts";
import { acceptDiscovery, acceptForwarded, isFilterChain, ruleName, ruleOrigin } from "./rule-fixes.ts";
import { placed } from "./settings.ts";

type NoNeighbour = Extract<WalkEnd, { readonly kind: "no-neighbour" }>;

export function lostDiscovery(
  known: KnownNetwork,
  { what }: LostLeg,
  { host: asker, interface: name, address }: NoNeighbour,
  { host, hook, by }: LostAtHook,
): Diagnostic {
  const reason = by === undefined ? `${host} drops it` : `${ruleName(by)} of ${host} does not let it through`;
  const message = `neighbour discovery of ${asker} for ${known.named(address)} at ${name} is lost: ${reason}; ${what} is lost`;
  const origin = (by && ruleOrigin(by)) ?? known.host(host)?.provenance.origin;
  // The packets that wait would be dropped as well.
  const isPolicy = hook === "forward" && by?.kind === "policy" && isFilterChain(by);
  const fix = by && { host, command: isPolicy ? acceptForwarded(by, []) : acceptDiscovery(by) };
  return {
    ...{ severity: "error", code: hook === "forward" ? "forward-drops" : "no-neighbour", message, host },
    ...placed(origin, fix),
  };
}
