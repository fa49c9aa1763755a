/** kube-proxy's decision on the first packet of a connection, a second time: packet by packet, straight from the text of
 *  compiler/lower/README.md, whose sections the comments name. Made to be compared with, hence plain rather than fast. */

import { type Address, familyOf, parseAddress, printAddressPort } from "../../../compiler/net/address.ts";
import type { Protocol } from "../../../compiler/net/protocol.ts";
import { type FilterVerdict, filter, type OracleHook, type Seen } from "./filter.ts";
import type { ProxySettings } from "./manifests.ts";
import { isLocalAddress, leavesPodNetwork, type OracleMode, readNode } from "./node.ts";
import { type OracleEndpoint, readFamily } from "./services.ts";
import { type OracleFlow, type OracleWorld, translate } from "./translate.ts";

export type { ProxySettings } from "./manifests.ts";

/** The first packet of a connection. */
export interface OraclePacket {
  readonly protocol: Protocol;
  readonly from: string;
  readonly to: string;
  readonly sourcePort: number;
  readonly port: number;
  /** Undefined: the node itself sends the packet. */
  readonly inInterface: string | undefined;
}

/** A packet's fate. */
export interface OraclePrediction {
  /** `dnat`: to one of `endpoints`; `accept`: by a rule, untranslated; `pass`: no rule decides. */
  readonly verdict: "dnat" | "accept" | "drop" | "reject" | "pass";
  /** `address:port`, IPv6 in brackets; each as likely; sorted by code units. */
  readonly endpoints: readonly string[];
  /** Those of `endpoints` that see the node's address as source. */
  readonly masquerade: readonly string[];
  /** Only for `pass` and `accept`: the packet gets the node's address as source. */
  readonly leaves?: true;
  /** Session affinity: how long the source comes back to the chosen endpoint. */
  readonly stickySeconds?: number;
  /** Only when the picks meet different fates: those that are translated and then dropped or rejected, as likely to be
   *  picked as `endpoints`. It takes an endpoint with a Service's address. `verdict` is then `dnat` when there are
   *  `endpoints`, else the verdict of the first of these. */
  readonly lost?: readonly { readonly endpoint: string; readonly verdict: "drop" | "reject" }[];
}

/** What a kube-proxy with the settings `proxy` makes of `packet`. `objects` are Service, EndpointSlice and Node
 *  manifests; all others are ignored. Throws when an address of the packet is none, or the two are of different families. */
export function predict(
  objects: readonly unknown[],
  proxy: ProxySettings,
  mode: OracleMode,
  packet: OraclePacket,
): OraclePrediction {
  const source = asAddress(packet.from);
  const destination = asAddress(packet.to);
  const family = familyOf(destination);
  if (familyOf(source) !== family) throw new Error(`${packet.from} and ${packet.to} are of different families`);
  const world = { node: readNode(objects, proxy, mode, family), services: readFamily(objects, family) };
  const { protocol, port, inInterface } = packet;
  const flow: OracleFlow = { protocol, source, destination, port, inInterface };

  // Section 13: nftables has its load balancer firewall here, in prerouting and in output alike.
  const early = filter(world, "before-nat", { flow, isTranslated: false, isMarked: false });
  if (early !== undefined) return { verdict: early, endpoints: [], masquerade: [] };

  const translation = translate(world, flow);
  if (translation === undefined) {
    const verdict = walk(world, { flow, isTranslated: false, isMarked: false }) ?? "pass";
    const leaves = (verdict === "pass" || verdict === "accept") && isLeaving(world, flow);
    return { verdict, endpoints: [], masquerade: [], ...(leaves ? { leaves } : {}) };
  }

  const { endpoints, isMarked, stickySeconds } = translation;
  const endpointTreatments = endpoints
    .map((endpoint) => endpointTreatmentOf(world, flow, endpoint, isMarked))
    .sort(byEndpoint);
  const served = endpointTreatments.filter((endpointTreatment) => endpointTreatment.verdict === "dnat");
  const lost = endpointTreatments.flatMap(({ endpoint, verdict }) =>
    verdict === "dnat" ? [] : [{ endpoint, verdict }],
  );
  const verdicts = new Set(endpointTreatments.map(({ verdict }) => verdict));
  return {
    verdict: served.length > 0 ? "dnat" : (lost[0]?.verdict ?? "pass"),
    endpoints: served.map(({ endpoint }) => endpoint),
    masquerade: served.filter((endpointTreatment) => endpointTreatment.isMasqueraded).map(({ endpoint }) => endpoint),
    ...(served.length === 0 || stickySeconds === undefined ? {} : { stickySeconds }),
    ...(verdicts.size === 1 ? {} : { lost }),
  };
}

interface Fate {
  readonly endpoint: string;
  readonly verdict: "dnat" | "drop" | "reject";
  readonly isMasqueraded: boolean;
}

/** What happens when `endpoint` is picked. The filter checks that follow look at the new destination. */
function endpointTreatmentOf(
  world: OracleWorld,
  flow: OracleFlow,
  endpoint: OracleEndpoint,
  isMarkedBefore: boolean,
): Fate {
  const translated: OracleFlow = { ...flow, destination: endpoint.address, port: endpoint.port };
  const isMarked = isMarkedBefore || endpoint.address === flow.source; // section 5: hairpin
  const verdict = walk(world, { flow: translated, isTranslated: true, isMarked });
  return {
    endpoint: printAddressPort(endpoint.address, endpoint.port),
    verdict: verdict === undefined || verdict === "accept" ? "dnat" : verdict,
    isMasqueraded: (isMarked && passesPostrouting(world, translated)) || isLeaving(world, translated),
  };
}

/** Masquerading happens in postrouting, which a packet from outside to the node itself does not pass. */
function passesPostrouting({ node }: OracleWorld, { inInterface, destination }: OracleFlow): boolean {
  return inInterface === undefined || !isLocalAddress(node, destination);
}

/** Section 12: with the destination behind translation. */
function isLeaving(world: OracleWorld, flow: OracleFlow): boolean {
  return passesPostrouting(world, flow) && leavesPodNetwork(world.node, flow.source, flow.destination);
}

/** The filter hooks behind nat, along the packet's way: input or forward; or output, and when a packet of the node goes
 *  to the node, after postrouting in again through loopback (nat has seen the connection and is not asked again). */
function walk(world: OracleWorld, seen: Seen): FilterVerdict {
  const isForNode = isLocalAddress(world.node, seen.flow.destination);
  if (seen.flow.inInterface !== undefined) return filter(world, isForNode ? "input" : "forward", seen);
  const back: Seen = {
    ...seen,
    flow: { ...seen.flow, source: sourceBehindPostrouting(world, seen), inInterface: "lo" },
    isMarked: false, // section 5: flipped off when masquerading
  };
  const way: [OracleHook, Seen][] = [["output", seen]];
  if (isForNode) way.push(["before-nat", back], ["input", back]);
  for (const [hook, at] of way) {
    const verdict = filter(world, hook, at);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function sourceBehindPostrouting({ node }: OracleWorld, { flow, isMarked }: Seen): Address {
  return isMarked && node.primary !== undefined ? node.primary : flow.source;
}

function byEndpoint(a: Fate, b: Fate): number {
  return a.endpoint < b.endpoint ? -1 : a.endpoint > b.endpoint ? 1 : 0;
}

function asAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`not an address: ${text}`);
  return address;
}
