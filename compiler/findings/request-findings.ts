/** What goes wrong with HTTP requests that are delivered. */
import type { Diagnostic } from "../diagnostics.ts";
import type { Walk } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import { placed } from "./settings.ts";
import { onlyOnce } from "./walk-findings.ts";

/** Branches of a request that end on a host which is not the ingress proxy, nor behind it. */
export function findRequestFaults(known: KnownNetwork, { flow, branches }: Walk): readonly Diagnostic[] {
  if (flow.proxies === undefined) return [];
  return onlyOnce(
    branches.flatMap(({ there: { end } }): Diagnostic[] => {
      if (end.kind !== "delivered" || end.answer !== undefined || end.forwardedFor !== undefined) return [];
      const message = `${end.host} gets the connection at port ${end.tuple.destinationPort}, where the ingress proxy does not listen: no Ingress has a say`;
      const origin = known.host(end.host)?.provenance.origin;
      return [{ severity: "error", code: "no-ingress-proxy", message, host: end.host, ...placed(origin) }];
    }),
  );
}
