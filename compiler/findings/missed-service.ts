/** A packet to an address of a Service that came through a node, and was not translated there. */
import type { Diagnostic } from "../diagnostics.ts";
import { printAddressPort } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { Hop, WalkEnd } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import type { LostLeg } from "./lost-leg.ts";
import { placed } from "./settings.ts";

const LOST_ON_THE_WAY: ReadonlySet<WalkEnd["kind"]> = new Set(["no-route", "loop", "no-neighbour", "not-forwarding"]);

/** Undefined: the packet is another one, or the node's rules have had their say. */
export function missedService(
  known: KnownNetwork,
  { leg, what, flow, isReply }: LostLeg,
  host: Host,
): Diagnostic | undefined {
  if (isReply || !LOST_ON_THE_WAY.has(leg.end.kind)) return undefined;
  const served = known.servedPort(flow.destination, flow.destinationPort, flow.protocol);
  const passed = leg.hops.find((hop) => known.host(hop.host)?.role.kind === "node" && isRouted(hop));
  const node = passed && known.host(passed.host);
  const isUntouched = leg.hops.every(({ before, after }) => before.destination === after.destination);
  // A node that the packet came to, and does not send on, has not failed to translate it.
  if (served === undefined || node === undefined || !isUntouched || node.role.kind !== "node") return undefined;
  if (host === node && leg.end.kind !== "no-route" && leg.end.kind !== "loop") return undefined;
  const address = printAddressPort(flow.destination, flow.destinationPort);
  const message =
    `the rules of ${node.name} do not know ${address} (${served.service}): ${what} goes on to that address, which no host has,` +
    ` and is lost on ${host.name}`;
  return {
    ...{ severity: "error", code: "service-not-translated", message, host: node.name },
    ...placed(node.provenance.origin, {
      host: node.name,
      command: `kpc compile FILES --node ${node.role.node} | nft -f -`,
    }),
  };
}

function isRouted({ steps }: Hop): boolean {
  return steps.some(({ kind }) => kind === "routed");
}
