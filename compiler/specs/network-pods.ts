import { asBoolean, asOneOf, type Context, reportField } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import {
  hasBridge,
  POD_MASQUERADES,
  POD_NETWORKS,
  type PodNetworkName,
  type PodNetworkSpec,
  TUNNELS,
  type TunnelName,
} from "./network-types.ts";
import { asInterfaceName, asMtu, asOneOrMore, asPrefix, located } from "./network-values.ts";

export const POD_NETWORK_MEMBERS: ReadonlySet<string> = new Set([
  "network",
  "cidr",
  "cidrs",
  "tunnel",
  "masquerade",
  "mtu",
  "bridge",
  "hairpin",
]);

/** The tunnel that a layout has; undefined: the file may choose it. */
const TUNNEL_OF: Readonly<Record<PodNetworkName, TunnelName | undefined>> = {
  bridge: undefined,
  calico: "none",
  "calico-ipip": "ipip",
  "calico-vxlan": "vxlan",
  "flannel-host-gw": "none",
  "flannel-vxlan": "vxlan",
  kindnet: "none",
  kubenet: "none",
  routed: undefined,
};

/** `pods` of a Cluster. */
export function decodePodNetwork(context: Context, field: Field): PodNetworkSpec {
  checkMembers(context, field, POD_NETWORK_MEMBERS);
  const network = located(field.get("network"), (at) => asOneOf(context, at, POD_NETWORKS));
  const tunnel = asOneOf(context, field.get("tunnel"), TUNNELS);
  if (network !== undefined) checkLayout(context, field, network.value, tunnel);
  return {
    network,
    cidrs: asOneOrMore(context, field, ["cidr", "cidrs"], asPrefix),
    tunnel,
    masquerade: located(field.get("masquerade"), (at) => asOneOf(context, at, POD_MASQUERADES)),
    mtu: asMtu(context, field.get("mtu")),
    bridge: asInterfaceName(context, field.get("bridge")),
    hairpin: located(field.get("hairpin"), (at) => asBoolean(context, at)),
    field,
  };
}

/** Reports members that contradict the layout. */
function checkLayout(context: Context, field: Field, name: PodNetworkName, tunnel: TunnelName | undefined): void {
  for (const key of hasBridge(name) ? [] : ["bridge", "hairpin"]) {
    const member = field.get(key);
    if (member === undefined) continue;
    const body = `Forbidden: network ${name} has no bridge`;
    reportField(context, member, "forbidden-field", body);
  }
  const fixed = TUNNEL_OF[name];
  if (tunnel === undefined || fixed === undefined || fixed === tunnel) return;
  const base = hasBridge(name) ? "bridge" : "routed";
  const body = `Forbidden: network ${name} has tunnel ${fixed}; network ${base} takes any`;
  reportField(context, field.member("tunnel"), "forbidden-field", body);
}
