import type { Origin } from "../diagnostics.ts";
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { HaproxySettings } from "../proxy-settings.ts";
import type { KubeProxySpec } from "../specs/types.ts";
import type { Mode } from "./settings.ts";

/** What a config file, a `proxy:` block of a case file or flags say. Undefined: not said. */
export interface Config {
  readonly nodeName?: string | undefined;
  readonly mode?: Mode | undefined;
  /** The node's primary addresses: at most one of each family counts. */
  readonly nodeIp?: readonly Address[] | undefined;
  /** All addresses of the node besides loopback. */
  readonly nodeIps?: readonly Address[] | undefined;
  readonly detectLocalMode?: DetectLocalMode | undefined;
  /** For BridgeInterface the name, for InterfaceNamePrefix the prefix. */
  readonly detectLocalInterface?: string | undefined;
  readonly clusterCidr?: readonly Prefix[] | undefined;
  readonly serviceCidrs?: readonly Prefix[] | undefined;
  /** `primary` stands for the node's primary addresses; undefined for the mode's default. */
  readonly nodePortAddresses?: readonly (Prefix | "primary")[] | undefined;
  readonly localhostNodePorts?: boolean | undefined;
  readonly masqueradeAll?: boolean | undefined;
  /** Who gives packets that pods send out of the pod network an address of the node: kpc's rules, or others. */
  readonly masquerade?: PodMasquerade | undefined;
  /** conntrack.tcpBeLiberal of kube-proxy: TCP packets out of their window are not invalid (iptables mode: not dropped). */
  readonly tcpBeLiberal?: boolean | undefined;
  /** The controller name of IngressClasses that are ours; `kpc.dev/ingress` by default. */
  readonly ingressController?: string | undefined;
  /** The Secret of the certificate for hosts of no other one: `namespace/name`. */
  readonly defaultCertificate?: string | undefined;
  /** Whether Services of type ExternalName are backends of Ingresses; no by default. */
  readonly allowExternalNames?: boolean | undefined;
  /** How the HTTP proxy is set up. */
  readonly haproxy?: HaproxySettings | undefined;
  /** Null: the node has no zone label. */
  readonly zone?: string | null | undefined;
  /** kube-proxy's own settings file, where it was given as settings: what it says counts where nothing else says it. */
  readonly kubeProxy?: KubeProxySpec | undefined;
  /** Where some of it stands in a file. */
  readonly origins?: Readonly<Partial<Record<PlacedSetting, Origin>>>;
}

export const POD_MASQUERADERS = ["kpc", "none"] as const;

type PodMasquerade = (typeof POD_MASQUERADERS)[number];

/** Settings of which findings tell the place. */
export type PlacedSetting =
  | "nodeName"
  | "nodeIp"
  | "nodeIps"
  | "zone"
  | "detectLocalMode"
  | "detectLocalInterface"
  | "clusterCidr"
  | "masquerade"
  | "defaultCertificate";

export const DETECT_LOCAL_MODES = [
  "ClusterCIDR",
  "NodeCIDR",
  "BridgeInterface",
  "InterfaceNamePrefix",
  "none",
] as const;

export type DetectLocalMode = (typeof DETECT_LOCAL_MODES)[number];
