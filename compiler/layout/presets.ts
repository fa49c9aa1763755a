/** How pod networks are laid out, by the names of the plugins that do it. */
import type { PodNetworkName, PodNetworkSpec } from "../specs/network-types.ts";

/** The plan of a pod network. */
export interface PodNetwork {
  readonly name: PodNetworkName;
  /** `bridge`: pods of a node are ports of one bridge; `routed`: each pod has a route of its own, and the node answers for its
   *  gateway 169.254.1.1; `ptp`: the same, with an address of the node's block on each interface. */
  readonly shape: "bridge" | "routed" | "ptp";
  readonly bridge: string;
  readonly hairpin: boolean;
  readonly tunnel: "none" | "vxlan" | "ipip";
  readonly tunnelName: string;
  /** UDP port of VXLAN. */
  readonly tunnelPort: number;
  readonly masquerade: NonNullable<PodNetworkSpec["masquerade"]>["value"];
}

const BRIDGE: PodNetwork = {
  name: "bridge",
  shape: "bridge",
  bridge: "cni0",
  hairpin: true,
  tunnel: "none",
  tunnelName: "flannel.1",
  tunnelPort: 8472,
  masquerade: "cluster",
};

const CALICO: PodNetwork = {
  ...BRIDGE,
  name: "calico",
  shape: "routed",
  tunnelName: "vxlan.calico",
  tunnelPort: 4789,
  masquerade: "calico",
};

const PRESETS: Readonly<Record<PodNetworkName, PodNetwork>> = {
  bridge: BRIDGE,
  routed: { ...BRIDGE, name: "routed", shape: "routed" },
  "flannel-host-gw": { ...BRIDGE, name: "flannel-host-gw", masquerade: "flannel" },
  "flannel-vxlan": { ...BRIDGE, name: "flannel-vxlan", tunnel: "vxlan", masquerade: "flannel" },
  kindnet: { ...BRIDGE, name: "kindnet", shape: "ptp", masquerade: "kindnet" },
  kubenet: { ...BRIDGE, name: "kubenet", bridge: "cbr0" },
  calico: CALICO,
  "calico-ipip": { ...CALICO, name: "calico-ipip", tunnel: "ipip", tunnelName: "tunl0" },
  "calico-vxlan": { ...CALICO, name: "calico-vxlan", tunnel: "vxlan" },
};

/** What is laid out where nothing is said. */
const DEFAULT: PodNetworkName = "bridge";

/** The plan that `spec` asks for. `masqueradesPods`: the nodes' rules do, unless it says otherwise. */
export function podNetworkOf(spec: PodNetworkSpec | undefined, masqueradesPods: boolean): PodNetwork {
  const preset = PRESETS[spec?.network?.value ?? DEFAULT];
  return {
    ...preset,
    tunnel: spec?.tunnel ?? preset.tunnel,
    bridge: spec?.bridge ?? preset.bridge,
    hairpin: spec?.hairpin?.value ?? preset.hairpin,
    masquerade: spec?.masquerade?.value ?? (masqueradesPods ? "kpc" : preset.masquerade),
  };
}

/** Bytes that a tunnel adds to a packet. */
export const TUNNEL_BYTES: Readonly<Record<PodNetwork["tunnel"], number>> = { none: 0, vxlan: 50, ipip: 20 };
