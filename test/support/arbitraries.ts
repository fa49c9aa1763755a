/** Random clusters, as manifests that an API server would have taken. Rules of others are in
 *  `arbitrary-rules.ts`, manifests as people write them in `arbitrary-manifests.ts`. */
import fc from "fast-check";
import type { ProxySettings } from "./oracle/oracle.ts";

/** A cluster as plain manifests, and the settings of the node that is asked. */
export interface ClusterInput {
  readonly objects: readonly Manifest[];
  readonly proxy: ProxySettings;
  readonly mode: "nftables" | "iptables";
}

export type Manifest = { readonly [key: string]: unknown };

export const NODE_NAME = "node-a";
export const NODE_IPS = ["192.168.0.2", "192.168.1.2", "2001:db8::1", "2001:db8:1::2"] as const;

/** The settings of the node of most clusters that tests write out. */
export const PROXY: ClusterInput["proxy"] = {
  nodeName: NODE_NAME,
  nodeIP: NODE_IPS[0],
  nodeIPs: NODE_IPS,
  detectLocalMode: "ClusterCIDR",
  clusterCIDR: ["10.180.0.0/16", "fd00:10:180::/48"],
  serviceCIDRs: ["172.30.0.0/16", "fd00:10:96::/112"],
  nodePortAddresses: "default",
  localhostNodePorts: true,
  masqueradeAll: false,
  zone: null,
};

export type ServiceFamily = "IPv4" | "IPv6";
type Family = ServiceFamily;

/** Few addresses of each role, so that they meet. */
export const ADDRESSES = {
  IPv4: {
    cluster: ["172.30.0.41", "172.30.0.42", "172.30.0.43", "172.30.1.1", "172.30.7.200", "172.30.255.254"],
    // The last ones are the node's own, and another Service's cluster IP.
    external: ["192.0.2.10", "192.0.2.11", "1.2.3.4", "5.6.7.8", "192.168.1.2", "192.168.0.2", "172.30.0.42"],
    // The last one is the node's: a Pod on the host network.
    endpoint: ["10.180.0.1", "10.180.0.2", "10.180.0.3", "10.180.2.1", "10.180.2.2", "10.180.9.9", "192.168.0.2"],
    ranges: ["203.0.113.0/25", "203.0.113.0/28", "192.168.0.0/24", "10.180.0.0/16", "0.0.0.0/0", "1.2.3.4/32"],
  },
  IPv6: {
    cluster: ["fd00:10:96::41", "fd00:10:96::42", "fd00:10:96::43", "fd00:10:96::1:1", "fd00:10:96::fffe"],
    external: ["2001:db8:f::10", "2001:db8:f::11", "2001:db8:1::2", "fd00:10:96::42"],
    endpoint: ["fd00:10:180::1", "fd00:10:180::2", "fd00:10:180::3", "fd00:10:180:2::1", "2001:db8::1"],
    ranges: ["2001:db8:c::/64", "2001:db8:c::/80", "2001:db8::/64", "::/0"],
  },
} as const satisfies Record<Family, unknown>;

export const SERVICE_PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
const PORT_NAMES = ["", "http", "dns", "p80"] as const;
const ZONES = ["zone-a", "zone-b"] as const;

export const weighted = <T>(...options: readonly (readonly [number, T])[]): fc.Arbitrary<T> =>
  fc.oneof(...options.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

/** Settings of the node; both modes meet all of them. */
export const proxySettings: fc.Arbitrary<ProxySettings> = fc
  .record({
    detector: weighted<Pick<ProxySettings, "detectLocalMode" | "detectLocalInterface" | "clusterCIDR">>(
      [4, { detectLocalMode: "ClusterCIDR", clusterCIDR: ["10.180.0.0/16", "fd00:10:180::/48"] }],
      [1, { detectLocalMode: "ClusterCIDR", clusterCIDR: ["10.180.0.0/16"] }],
      [1, { detectLocalMode: "NodeCIDR", clusterCIDR: ["10.180.0.0/24", "fd00:10:180::/64"] }],
      [1, { detectLocalMode: "BridgeInterface", detectLocalInterface: "cni0", clusterCIDR: [] }],
      [1, { detectLocalMode: "InterfaceNamePrefix", detectLocalInterface: "cni", clusterCIDR: [] }],
      [1, { detectLocalMode: "none", clusterCIDR: ["10.180.0.0/16"] }],
    ),
    serviceCIDRs: weighted([3, ["172.30.0.0/16", "fd00:10:96::/112"]], [1, ["172.30.0.0/16"]], [1, []]),
    nodePortAddresses: weighted<ProxySettings["nodePortAddresses"]>(
      [4, "default"],
      [1, ["192.168.0.0/24"]],
      [1, ["192.168.0.0/16", "2001:db8::/32"]],
      [1, ["192.168.1.0/24", "127.0.0.0/8"]],
      [1, ["0.0.0.0/0"]],
      [1, ["10.0.0.0/8", "2001:db8:1::/64"]],
    ),
    localhostNodePorts: weighted([3, true], [1, false]),
    masqueradeAll: weighted([4, false], [1, true]),
    masquerade: weighted<"kpc" | "none">([2, "none"], [1, "kpc"]),
    zone: weighted<string | null>([2, "zone-a"], [1, null], [1, ""]),
  })
  .map(({ detector, ...rest }) => ({
    nodeName: NODE_NAME,
    nodeIP: NODE_IPS[0],
    nodeIPs: NODE_IPS,
    ...detector,
    ...rest,
  }));

export interface PortDraft {
  readonly name: string;
  readonly protocol: (typeof SERVICE_PROTOCOLS)[number];
  readonly port: number;
  readonly nodePort: number;
}

const portDraft: fc.Arbitrary<PortDraft> = fc.record({
  name: fc.constantFrom(...PORT_NAMES),
  protocol: weighted([6, "TCP"], [2, "UDP"], [1, "SCTP"]),
  port: weighted([4, 80], [1, 443], [1, 53], [1, 65535], [1, 30001]),
  nodePort: weighted([2, 30001], [2, 30002], [1, 30003], [1, 32767], [1, 80]),
});

/** Ports of one Service: names and (protocol, port) pairs differ; several ports all have names. */
const ports = (): fc.Arbitrary<readonly PortDraft[]> =>
  fc
    .uniqueArray(portDraft, { minLength: 1, maxLength: 3, selector: ({ name }) => name })
    .map((drafts) =>
      drafts.filter(
        (draft, i) => drafts.findIndex((d) => d.port === draft.port && d.protocol === draft.protocol) === i,
      ),
    )
    .map((drafts) =>
      drafts.filter(
        (draft, i) => drafts.findIndex((d) => d.nodePort === draft.nodePort && d.protocol === draft.protocol) === i,
      ),
    )
    .map((drafts) => (drafts.length > 1 ? drafts.filter(({ name }) => name !== "") : drafts))
    .filter((drafts) => drafts.length > 0);

const families: fc.Arbitrary<readonly Family[]> = weighted<readonly Family[]>(
  [4, ["IPv4"]],
  [1, ["IPv6"]],
  [2, ["IPv4", "IPv6"]],
  [1, ["IPv6", "IPv4"]],
);

const endpoint = (family: Family): fc.Arbitrary<Manifest> =>
  fc
    .record({
      address: fc.constantFrom(...ADDRESSES[family].endpoint),
      conditions: weighted<Manifest | undefined>(
        [6, { ready: true, serving: true, terminating: false }],
        [1, undefined],
        [1, { ready: false, serving: false, terminating: false }],
        [2, { ready: false, serving: true, terminating: true }],
        [1, { ready: false, serving: false, terminating: true }],
        [1, { ready: false, serving: true, terminating: false }],
      ),
      nodeName: weighted<string | undefined>([3, NODE_NAME], [3, "node-b"], [1, undefined]),
      zones: weighted<readonly string[]>([1, []], [1, ["zone-a"]], [1, ["zone-b"]], [1, ZONES]),
      nodes: weighted<readonly string[]>([2, []], [1, [NODE_NAME]], [1, ["node-b"]]),
      hinted: weighted([3, false], [1, true]),
    })
    .map(({ address, conditions, nodeName, zones, nodes, hinted }) => ({
      addresses: [address],
      ...(conditions === undefined ? {} : { conditions }),
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(hinted && zones.length > 0
        ? {
            hints: {
              forZones: zones.map((name) => ({ name })),
              ...(nodes.length === 0 ? {} : { forNodes: nodes.map((name) => ({ name })) }),
            },
          }
        : {}),
    }));

export interface ServiceDraft {
  readonly families: readonly Family[];
  readonly clusterIndex: number;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly headless: boolean;
  readonly ports: readonly PortDraft[];
  readonly allocateNodePorts: boolean;
  readonly externalIPs: readonly string[];
  readonly ingress: readonly Manifest[];
  readonly ranges: readonly string[];
  readonly internalTrafficPolicy: string;
  readonly externalTrafficPolicy: string;
  readonly affinity: number | undefined;
  readonly age: number | undefined;
  readonly label: string | undefined;
  readonly slices: readonly {
    readonly family: Family;
    readonly endpoints: readonly Manifest[];
    readonly portShift: number;
    readonly nullName: boolean;
  }[];
}

const both = <T>(pick: (family: Family) => readonly T[]): readonly T[] => [...pick("IPv4"), ...pick("IPv6")];

export const serviceDraft: fc.Arbitrary<ServiceDraft> = fc.record({
  families,
  clusterIndex: fc.nat({ max: 4 }),
  type: weighted<ServiceDraft["type"]>([3, "ClusterIP"], [3, "NodePort"], [4, "LoadBalancer"]),
  headless: weighted([20, false], [1, true]),
  ports: ports(),
  allocateNodePorts: weighted([3, true], [1, false]),
  externalIPs: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.constantFrom(...both((family) => ADDRESSES[family].external)), {
        minLength: 1,
        maxLength: 2,
      }),
    },
  ),
  ingress: fc.uniqueArray(
    fc.record({
      ip: fc.constantFrom(...both((family) => ADDRESSES[family].external)),
      ipMode: weighted<string | undefined>([3, undefined], [2, "VIP"], [1, "Proxy"]),
    }),
    { maxLength: 2, selector: ({ ip }) => ip },
  ),
  ranges: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(fc.constantFrom(...both((family) => ADDRESSES[family].ranges)), {
        minLength: 1,
        maxLength: 3,
      }),
    },
  ),
  internalTrafficPolicy: weighted([3, "Cluster"], [1, "Local"]),
  externalTrafficPolicy: weighted([1, "Cluster"], [1, "Local"]),
  affinity: weighted<number | undefined>([4, undefined], [1, 60], [1, 10800]),
  age: weighted<number | undefined>([2, undefined], [1, 1], [1, 2]),
  label: weighted<string | undefined>(
    [30, undefined],
    [1, "service.kubernetes.io/service-proxy-name"],
    [1, "service.kubernetes.io/headless"],
  ),
  slices: fc.array(
    fc.constantFrom<Family>("IPv4", "IPv6").chain((family) =>
      fc.record({
        family: fc.constant(family),
        endpoints: fc.array(endpoint(family), { maxLength: 5 }),
        portShift: weighted([3, 8000], [1, 0]),
        nullName: weighted([15, false], [1, true]),
      }),
    ),
    { maxLength: 3 },
  ),
});

/** The manifests of one Service. Only what the API server takes: node ports by type, policies where they mean something. */
export function toManifests(
  draft: ServiceDraft,
  index: number,
  clusterIpOf: (family: Family) => string = (family) => fromPool(family, index + draft.clusterIndex),
): Manifest[] {
  const name = `svc-${index}`;
  const namespace = index % 2 === 0 ? "shop" : "db";
  const clusterIPs = draft.families.map(clusterIpOf);
  const external = draft.type !== "ClusterIP";
  const loadBalancer = draft.type === "LoadBalancer";
  const local = draft.externalTrafficPolicy === "Local" && (external || draft.externalIPs.length > 0);
  const service: Manifest = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`, // an API server has written it: nothing is missing
      ...(draft.age === undefined ? {} : { creationTimestamp: `2026-01-0${draft.age}T00:00:00Z` }),
      ...(draft.label === undefined ? {} : { labels: { [draft.label]: "x" } }),
    },
    spec: {
      type: draft.type,
      clusterIP: draft.headless ? "None" : clusterIPs[0],
      clusterIPs: draft.headless ? ["None"] : clusterIPs,
      ipFamilies: draft.families,
      ipFamilyPolicy: draft.families.length > 1 ? "RequireDualStack" : "SingleStack",
      internalTrafficPolicy: draft.internalTrafficPolicy,
      ...(external || draft.externalIPs.length > 0 ? { externalTrafficPolicy: draft.externalTrafficPolicy } : {}),
      ...(draft.externalIPs.length > 0 ? { externalIPs: draft.externalIPs } : {}),
      ...(loadBalancer && draft.ranges.length > 0 ? { loadBalancerSourceRanges: draft.ranges } : {}),
      ...(loadBalancer && local ? { healthCheckNodePort: 31000 + index } : {}),
      ...(draft.affinity === undefined
        ? { sessionAffinity: "None" }
        : { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: draft.affinity } } }),
      ports: draft.ports.map((port) => ({
        ...(port.name === "" ? {} : { name: port.name }),
        port: port.port,
        protocol: port.protocol,
        targetPort: 8080,
        ...(external && draft.allocateNodePorts && !draft.headless ? { nodePort: port.nodePort } : {}),
      })),
    },
    ...(loadBalancer && draft.ingress.length > 0
      ? {
          status: {
            loadBalancer: {
              ingress: draft.ingress.map(({ ip, ipMode }) => (ipMode === undefined ? { ip } : { ip, ipMode })),
            },
          },
        }
      : {}),
  };
  const slices = draft.slices.map(
    ({ family, endpoints, portShift, nullName }, i): Manifest => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-${i}`, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType: family,
      endpoints,
      ports: draft.ports.map((port) => ({
        ...(nullName && port.name === "" ? {} : { name: port.name }),
        protocol: port.protocol,
        port: portShift === 0 ? port.port : portShift + (port.port % 100),
      })),
    }),
  );
  return [service, ...slices];
}

/** One of few cluster IPs, so that Services meet. */
function fromPool(family: Family, index: number): string {
  const pool = ADDRESSES[family].cluster;
  return pool[index % pool.length] as string;
}

/** The type of a headless Service is ClusterIP; it has no external side. */
export function consistent(draft: ServiceDraft): ServiceDraft {
  return draft.headless ? { ...draft, type: "ClusterIP", externalIPs: [] } : draft;
}

export const OTHER_NODE_IPS = ["192.168.0.3", "2001:db8::3"] as const;

/** Both nodes, as an API server has them. */
const NODES: readonly Manifest[] = [
  { name: NODE_NAME, addresses: NODE_IPS, podCIDRs: ["10.180.0.0/24", "fd00:10:180::/64"] },
  { name: "node-b", addresses: OTHER_NODE_IPS, podCIDRs: ["10.180.2.0/24", "fd00:10:180:2::/64"] },
].map(({ name, addresses, podCIDRs }) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, uid: `uid-of-${name}` },
  spec: { podCIDR: podCIDRs[0], podCIDRs },
  status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
}));

export const cluster: fc.Arbitrary<ClusterInput> = fc
  .record({
    objects: fc
      .array(serviceDraft, { minLength: 1, maxLength: 6 })
      .map((drafts) => drafts.map(consistent).flatMap((draft, i) => toManifests(draft, i))),
    proxy: proxySettings,
    mode: fc.constantFrom("nftables", "iptables"),
    nodes: weighted<readonly Manifest[]>([2, []], [1, NODES]),
  })
  .map(({ objects, nodes, ...others }) => ({ ...others, objects: [...objects, ...nodes] }));
