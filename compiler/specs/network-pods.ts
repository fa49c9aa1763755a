import { asBoolean, asOneOf, type Context, reportField } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import {
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

/** What a layout fixes: whether pods are ports of a bridge, and its tunnel; undefined: the file may choose it. */
const LAYOUTS: Readonly<
  Record<PodNetworkName, { readonly hasBridge: boolean; readonly tunnel: TunnelName | undefined }>
> = {
  bridge: { hasBridge: true, tunnel: undefined },
  calico: { hasBridge: false, tunnel: "none" },
  "calico-ipip": { hasBridge: false, tunnel: "ipip" },
  "calico-vxlan": { hasBridge: false, tunnel: "vxlan" },
  "flannel-host-gw": { hasBridge: true, tunnel: "none" },
  "flannel-vxlan": { hasBridge: true, tunnel: "vxlan" },
  kindnet: { hasBridge: false, tunnel: "none" },
  kubenet: { hasBridge: true, tunnel: "none" },
  routed: { hasBridge: false, tunnel: undefined },
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
  const layout = LAYOUTS[name];
  for (const key of layout.hasBridge ? [] : ["bridge", "hairpin"]) {
    const member = field.get(key);
    if (member === undefined) continue;
    const body = `Forbidden: network ${name} has no bridge`;
    reportField(context, member, "forbidden-field", body);
  }
  if (tunnel === undefined || layout.tunnel === undefined || layout.tunnel === tunnel) return;
  const base = layout.hasBridge ? "bridge" : "routed";
  const body = `Forbidden: network ${name} has tunnel ${layout.tunnel}; network ${base} takes any`;
  reportField(context, field.member("tunnel"), "forbidden-field", body);
}
