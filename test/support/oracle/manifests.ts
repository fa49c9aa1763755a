/** The parts of the manifests and settings that kube-proxy reads (compiler/lower/README.md, section 1). Objects are trusted to be
 *  what an API server would store: the casts here check `kind`, and nothing else. */

interface Metadata {
  readonly namespace?: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly creationTimestamp?: string | null;
}

/** A Service, as JSON. */
export interface ServiceManifest {
  readonly metadata: Metadata;
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string | null;
    readonly clusterIPs?: readonly string[] | null;
    readonly ipFamilies?: readonly string[] | null;
    readonly externalIPs?: readonly string[] | null;
    readonly ports?: readonly {
      readonly name?: string | null;
      readonly protocol?: string | null;
      readonly port: number;
      readonly nodePort?: number | null;
    }[];
    readonly internalTrafficPolicy?: string | null;
    readonly externalTrafficPolicy?: string | null;
    readonly healthCheckNodePort?: number | null;
    readonly loadBalancerSourceRanges?: readonly string[] | null;
    readonly sessionAffinity?: string | null;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number | null } | null } | null;
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string | null; readonly ipMode?: string | null }[] | null;
    } | null;
  } | null;
}

/** An EndpointSlice, as JSON. */
export interface SliceManifest {
  readonly metadata: Metadata;
  readonly addressType: string;
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: {
          readonly ready?: boolean | null;
          readonly serving?: boolean | null;
          readonly terminating?: boolean | null;
        } | null;
        readonly nodeName?: string | null;
        readonly hints?: {
          readonly forZones?: readonly { readonly name: string }[] | null;
          readonly forNodes?: readonly { readonly name: string }[] | null;
        } | null;
      }[]
    | null;
  readonly ports?:
    | readonly {
        readonly name?: string | null;
        readonly protocol?: string | null;
        readonly port?: number | null;
      }[]
    | null;
}

/** kube-proxy's settings and what it knows of its node: the `proxy:` block of a flow case. */
export interface ProxySettings {
  readonly nodeName?: string | null | undefined;
  readonly nodeIP?: string | null | undefined;
  /** All addresses of type LOCAL besides loopback. */
  readonly nodeIPs: readonly string[];
  readonly detectLocalMode: "ClusterCIDR" | "NodeCIDR" | "BridgeInterface" | "InterfaceNamePrefix" | "none";
  readonly detectLocalInterface?: string | null | undefined;
  readonly clusterCIDR: readonly string[];
  readonly serviceCIDRs: readonly string[];
  readonly nodePortAddresses: "default" | readonly string[];
  readonly localhostNodePorts: boolean;
  readonly masqueradeAll: boolean;
  /** Who gives what pods send out of their network an address of the node; undefined: others. */
  readonly masquerade?: "kpc" | "none";
  readonly zone?: string | null | undefined;
}

/** Section 1.1: the Services among `objects` that exist for kube-proxy and have a cluster IP. */
export function readServices(objects: readonly unknown[]): ServiceManifest[] {
  return (objects.filter((object) => isObject(object, "v1", "Service")) as ServiceManifest[]).filter(
    ({ metadata, spec }) =>
      !isHidden(metadata) && spec.type !== "ExternalName" && !!spec.clusterIP && spec.clusterIP !== "None",
  );
}

/** Section 1.1: the EndpointSlices among `objects` that exist for kube-proxy. */
export function readSlices(objects: readonly unknown[]): SliceManifest[] {
  return (
    objects.filter((object) => isObject(object, "discovery.k8s.io/v1", "EndpointSlice")) as SliceManifest[]
  ).filter(({ metadata }) => !isHidden(metadata));
}

/** The addresses, as text, and pod blocks of all Nodes among `objects`. */
export function readNodes(objects: readonly unknown[]): { readonly addresses: string[]; readonly podCidrs: string[] } {
  const nodes = objects.filter((object) => isObject(object, "v1", "Node")) as NodeManifest[];
  return {
    addresses: nodes.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)),
    podCidrs: nodes.flatMap(({ spec }) => spec?.podCIDRs ?? []),
  };
}

interface NodeManifest {
  readonly spec?: { readonly podCIDRs?: readonly string[] };
  readonly status?: { readonly addresses?: readonly { readonly address: string }[] };
}

/** `default` when the manifest names no namespace. */
export function namespaceOf(metadata: Metadata): string {
  return metadata.namespace ?? "default";
}

function isObject(object: unknown, apiVersion: string, kind: string): boolean {
  if (typeof object !== "object" || object === null) return false;
  const head = object as { readonly apiVersion?: unknown; readonly kind?: unknown };
  return head.apiVersion === apiVersion && head.kind === kind;
}

/** Section 1.1: the label selector of the watches; the labels count with any value, also the empty one. */
function isHidden(metadata: Metadata): boolean {
  const labels = metadata.labels ?? {};
  return "service.kubernetes.io/service-proxy-name" in labels || "service.kubernetes.io/headless" in labels;
}
