/** Packets that a Service with externalTrafficPolicy Local drops, since they came to a node without an endpoint of its own. */
import type { Diagnostic } from "../diagnostics.ts";
import type { Host } from "../network/network.ts";
import type { Hop } from "../walk/types.ts";
import type { KnownNetwork, ServedPort } from "./known-network.ts";
import type { LostLeg } from "./lost-leg.ts";
import { placed } from "./settings.ts";
import { sourceTranslation } from "./translations.ts";

/** Undefined: the packet was dropped for another reason, or its sender chose that node. */
export function droppedByLocalPolicy(known: KnownNetwork, lost: LostLeg, host: Host): Diagnostic | undefined {
  const { leg, flow, isReply } = lost;
  const last = leg.hops.at(-1);
  if (isReply || last === undefined || host.role.kind !== "node") return undefined;
  const { destination, destinationPort } = last.before;
  const served = known.servedPort(destination, destinationPort, flow.protocol);
  if (served?.policy !== "Local" || served.localNodes.has(host.role.node)) return undefined;
  const chooser = leg.hops.find((hop) => isChooser(known, hop));
  if (chooser !== undefined) return unhealthyNode(known, lost, host, served, chooser);
  const twice = leg.hops.map((hop) => sourceTranslation(known, hop)).find((each) => each?.isOwnPod === true);
  return twice === undefined ? undefined : takenForOutside(lost, host, served, twice.host);
}

/** A load balancer, or the router that has the load balancer's routes. */
function isChooser(known: KnownNetwork, { host }: Hop): boolean {
  const kind = known.host(host)?.role.kind;
  return kind === "load-balancer" || kind === "gateway";
}

function unhealthyNode(
  known: KnownNetwork,
  { what, leg }: LostLeg,
  host: Host,
  { service, healthCheckNodePort, origin }: ServedPort,
  { host: chooser }: Hop,
): Diagnostic | undefined {
  const balancer = leg.hops.map((hop) => known.host(hop.host)).find((each) => each?.role.kind === "load-balancer");
  const step = leg.hops.find((hop) => hop.host === chooser)?.steps.findLast((each) => each.kind === "routed");
  const route = step?.kind === "routed" ? step.route : undefined;
  // A client that asks the node's own address through the gateway has chosen the node itself.
  if (balancer === undefined && leg.hops[0]?.before.destination !== route?.prefix.address) return undefined;
  const health =
    healthCheckNodePort === undefined ? "" : `, though its health check at port ${healthCheckNodePort} fails`;
  const message =
    `${balancer?.name ?? chooser} sends ${what} to ${host.name}${health}: externalTrafficPolicy of ${service} is Local,` +
    ` ${host.name} has no endpoint of it, and drops the packet`;
  const place = balancer?.provenance.origin ?? route?.provenance?.origin ?? origin;
  return {
    ...{ severity: "error", code: "local-policy-unhealthy-node", message, host: balancer?.name ?? chooser },
    ...placed(place, { command: patchPolicy(service, "Cluster") }),
  };
}

function takenForOutside(
  { what }: LostLeg,
  host: Host,
  { service, origin }: ServedPort,
  { name, provenance }: Host,
): Diagnostic {
  const message =
    `${name} gives ${what} an address of its own, and ${host.name} takes it for one from outside: externalTrafficPolicy of ${service}` +
    ` is Local, ${host.name} has no endpoint of it, and drops the packet`;
  return {
    ...{ severity: "warning", code: "nat-twice", message, host: name },
    ...placed(provenance.origin ?? origin, { command: patchPolicy(service, "Cluster") }),
  };
}

/** As kubectl takes it. */
export function patchPolicy(service: string, policy: "Cluster" | "Local"): string {
  const [namespace, name] = service.split("/");
  return `kubectl patch service ${name} -n ${namespace} -p '{"spec":{"externalTrafficPolicy":"${policy}"}}'`;
}
