/** A healthy cluster of two nodes, and the same with one fault each: what kpc has to say, of which host, and about which line.
 *  Long because it is a table: a row for each fault. */
import { stringify } from "yaml";
import { resolveInput } from "../../compiler/compile.ts";
import { type Described, describeNetwork } from "../../compiler/described.ts";
import { type Diagnostic, type DiagnosticCode, lineAndColumn } from "../../compiler/diagnostics.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { findClusterFaults } from "../../compiler/findings/cluster-findings.ts";
import { KnownNetwork } from "../../compiler/findings/known-network.ts";
import { findWalkFaults } from "../../compiler/findings/walk-findings.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Host, Link, Network } from "../../compiler/network/network.ts";
import { resolveConfigs } from "../../compiler/node/all-nodes.ts";
import type { Config } from "../../compiler/node/config.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import type { PodNetworkName } from "../../compiler/specs/network-types.ts";
import type { WalkFlow } from "../../compiler/walk/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import type { Manifest } from "./arbitraries.ts";
import { changes, withAddress, withCard, withInterface, withoutRoute, withRoute } from "./host-changes.ts";
import { addressOf, CONFIG, flowOf, prefixOf, SHOP } from "./walks.ts";

/** Codes of findings about walks. */
export type WalkFaultCode = Extract<
  DiagnosticCode,
  | "address-unanswered"
  | "blackhole-route"
  | "bridge-netfilter-off"
  | "forward-drops"
  | "forwarding-off"
  | "hairpin-off"
  | "localnet-off"
  | "loop"
  | "martian-source"
  | "mtu-black-hole"
  | "mtu-mismatch"
  | "no-neighbour"
  | "no-route"
  | "reply-bypasses-nat"
  | "reply-lost"
  | "local-policy-unhealthy-node"
  | "nat-twice"
  | "node-without-route"
  | "reverse-path-filter"
  | "rules-drop"
  | "service-not-translated"
  | "source-not-translated"
  | "undecided-rules"
>;

/** One fault of a cluster, and the flow that meets it. */
export interface Fault {
  readonly name: string;
  readonly pods: PodNetworkName;
  /** Members of the Cluster document besides those of the healthy one. */
  readonly cluster?: Manifest;
  /** Of `pods` of the Cluster document. */
  readonly podNetwork?: Manifest;
  readonly mode?: Config["mode"];
  /** Objects besides those of the shop. */
  readonly objects?: readonly Manifest[];
  /** What no document says: hosts as they are instead. */
  readonly change?: (host: Host) => Host;
  /** Wires besides those of the layout. */
  readonly links?: readonly Link[];
  /** More rules of nodes, by their hosts. */
  readonly rules?: Readonly<Record<string, string>>;
  readonly flow: string;
  /** Length of the packet. */
  readonly bytes?: number;
  /** The same flow has no way in the healthy cluster either. */
  readonly isNew?: true;
  /** Where the packet or, behind `answer`, its answer was seen last in a lab: `node/n1 eth0 in`, or `nowhere` if its sender could not
   *  send it; undefined: it arrives all the same. */
  readonly lostAt: string | undefined;
  readonly code: WalkFaultCode;
  readonly host: string;
  /** In the line that the finding is about. */
  readonly at: string;
  readonly fix: string;
}

/** The Cluster document of `fault`. */
export function clusterText({ pods, cluster = {}, podNetwork = {} }: ClusterParts): string {
  return stringify({
    apiVersion: "kpc.dev/v1alpha1",
    kind: "Cluster",
    pods: { network: pods, cidrs: ["10.244.0.0/16", "fd00:244::/48"], ...podNetwork },
    gateway: { outside: ["198.51.100.1/24"] },
    outside: [{ name: "client", addresses: ["198.51.100.10", "2001:db8:ffff::10"] }],
    ...cluster,
  });
}

type ClusterParts = Pick<Fault, "pods" | "cluster" | "podNetwork">;
export type FaultyCluster = ClusterParts & Pick<Fault, "mode" | "objects" | "change" | "rules" | "links">;

/** A cluster that is walked through. */
interface DescribedCluster extends Pick<Described, "input" | "walker" | "known" | "programOf"> {
  readonly network: Network;
}

/** The cluster of `fault`, ready to be walked through. */
export function describeFault(fault: FaultyCluster): DescribedCluster {
  const described = describeDocuments(clusterText(fault), fault.objects ?? [], fault.mode ?? "nftables");
  const { change = (host: Host) => host, rules = {}, links: more = [] } = fault;
  const { hosts, links } = described.layout.network;
  const network: Network = {
    links: [...links, ...more],
    hosts: new Map([...hosts].map(([name, host]) => [name, change(host)])),
  };
  const programs = new Map<string, Program | undefined>();
  const programOf = (host: Host): Program | undefined => {
    if (!programs.has(host.name)) programs.set(host.name, withRules(described.programOf(host), rules[host.name]));
    return programs.get(host.name);
  };
  const evaluators = new Map<string, Evaluator>();
  const evaluatorOf = (host: Host): Evaluator | undefined => {
    const program = programOf(host);
    if (program === undefined) return undefined;
    const evaluator = evaluators.get(host.name) ?? new Evaluator(program);
    evaluators.set(host.name, evaluator);
    return evaluator;
  };
  return {
    network,
    programOf,
    input: described.input,
    walker: new PacketWalker(network, evaluatorOf),
    known: new KnownNetwork(network, described.known.addresses),
  };
}

const known = new Map<string, Described>();

/** The cluster of these documents. Made once: many faults are changes of one cluster. */
function describeDocuments(
  cluster: string,
  objects: readonly Manifest[],
  mode: NonNullable<Config["mode"]>,
): Described {
  const shop = [...SHOP, ...objects].map((each) => JSON.stringify(each)).join("\n---\n");
  const key = [mode, cluster, shop].join("\n");
  const before = known.get(key);
  if (before !== undefined) return before;
  const sources = [
    { name: "cluster.yaml", text: cluster },
    { name: "shop.json", text: shop },
  ];
  const config: Config = { ...CONFIG, mode };
  const { diagnostics, resolved } = resolveInput((report) => loadSpecs(sources, report), config, {}, resolveConfigs);
  if (resolved === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const made = describeNetwork(resolved);
  known.set(key, made);
  return made;
}

function withRules(own: Program | undefined, more: string | undefined): Program | undefined {
  const others = more === undefined ? [] : readNft({ name: "host.nft", text: more }, fail).ruleset.tables;
  const tables = [...(own?.ruleset.tables ?? []), ...others];
  return tables.length === 0 ? undefined : { ruleset: { tables }, routes: own?.routes ?? [] };
}

function fail({ message }: Diagnostic): never {
  throw new Error(message);
}

/** What kpc says of the flow of `fault`. */
export function findingsOfFlow(cluster: FaultyCluster, flow: string, bytes?: number): readonly Diagnostic[] {
  const { walker, known } = describeFault(cluster);
  return findWalkFaults(known, walker.walk(flowOfFault({ flow, bytes })));
}

/** The packet that meets a fault. */
export function flowOfFault({ flow, bytes }: { readonly flow: string; readonly bytes?: number | undefined }): WalkFlow {
  return { ...flowOf(flow), ...(bytes === undefined ? {} : { bytes }) };
}

/** What kpc says of a cluster without a flow. */
export function findingsOfCluster(cluster: FaultyCluster): readonly Diagnostic[] {
  const { input, walker, known, programOf } = describeFault(cluster);
  return findClusterFaults({ input, walker, known, programOf }).findings;
}

/** The line that a finding is about. */
export function lineOf({ origin }: Diagnostic): string {
  if (origin === undefined) return "";
  const span = origin.span();
  const { column } = lineAndColumn(span);
  return span.source.text.slice(span.start - column + 1).split("\n")[0] ?? "";
}

export const sysctls = (node: string, values: Manifest): Manifest => ({ nodes: [{ name: node, sysctls: values }] });
export const routes = (node: string, ...list: readonly Manifest[]): Manifest => ({
  nodes: [{ name: node, routes: list }],
});
/** The table filter of iptables or ip6tables, with rules in FORWARD. */
export const filterTable = (family: "ip" | "ip6", policy: "accept" | "drop", rules: string): string =>
  `table ${family} filter {\n  chain FORWARD {\n    type filter hook forward priority filter; policy ${policy};\n    ${rules}\n  }\n}\n`;

const notUnderstood = (count: number): string =>
  Array.from({ length: count }, (_, i) => `rt ip nexthop 10.9.${i >> 8}.${i & 255} accept`).join("\n    ");

export const service = (name: string, spec: Manifest): Manifest => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec: { clusterIP: "10.96.0.50", selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
});

/** A Service with an endpoint on n2 only, for which n1 drops what comes from outside. */
const LOCAL_API: Manifest = {
  ...service("apilocal", {
    clusterIP: "10.96.0.42",
    selector: { app: "api" },
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 32101,
    ports: [{ port: 80, targetPort: 8081, nodePort: 30126 }],
  }),
  status: { loadBalancer: { ingress: [{ ip: "198.51.100.42", ipMode: "Proxy" }] } },
};

const OTHER_NODE = "pod/shop/client > 10.244.2.10:8080";
const OTHER_NODE6 = "pod/shop/client > [fd00:244:0:2::10]:8080";
const SERVICE = "pod/shop/client > 10.96.0.30:80";

/** The nodes are joined by a second wire, by which n2 sends what is for pods of n1. */
export const TWO_WIRES: Pick<Fault, "change" | "links"> = {
  change: changes(
    withCard("node/n1", "eth1", "10.50.0.11/24"),
    withCard("node/n2", "eth1", "10.50.0.12/24"),
    withoutRoute("node/n2", "10.244.1.0/24"),
    withRoute("node/n2", {
      ...{ kind: "unicast", prefix: prefixOf("10.244.1.0/24"), metric: 0, scope: "global" },
      hops: [{ interface: "eth1", gateway: addressOf("10.50.0.11"), weight: 1 }],
    }),
  ),
  links: [
    {
      ends: [
        { host: "node/n1", interface: "eth1" },
        { host: "node/n2", interface: "eth1" },
      ],
      provenance: {},
    },
  ],
};

/** Where packets of pod/shop/client come to IP on their node. */
export const cameIn: Readonly<Record<"bridge" | "routed", string>> = {
  bridge: "node/n1 cni0 in",
  routed: "node/n1 cali-client in",
};

/** Not one of those that a lab shows: the load balancer may choose the other node. */
export const UNHEALTHY_NODE: Fault = {
  name: "a load balancer that chooses nodes without an endpoint",
  pods: "bridge",
  objects: [LOCAL_API],
  cluster: { loadBalancers: [{ service: "shop/apilocal", kind: "proxy", nodes: "all" }] },
  flow: "outside/client > 198.51.100.42:80",
  isNew: true,
  lostAt: undefined,
  code: "local-policy-unhealthy-node",
  host: "lb/shop/apilocal",
  at: "- service: shop/apilocal",
  fix: `undefined: kubectl patch service apilocal -n shop -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'`,
};

export const CLUSTER_FAULTS: readonly Fault[] = [
  {
    name: "bridge-nf-call-iptables off",
    pods: "bridge",
    cluster: sysctls("n1", { "net.bridge.bridge-nf-call-iptables": 0 }),
    flow: SERVICE,
    code: "bridge-netfilter-off",
    lostAt: "answer pod/shop/client eth0 in",
    host: "node/n1",
    at: "net.bridge.bridge-nf-call-iptables: 0",
    fix: "node/n1: sysctl -w net.bridge.bridge-nf-call-iptables=1",
  },
  {
    name: "bridge-nf-call-ip6tables off",
    pods: "bridge",
    cluster: sysctls("n1", { "net.bridge.bridge-nf-call-ip6tables": 0 }),
    flow: "pod/shop/client > [fd00:96::30]:80",
    code: "bridge-netfilter-off",
    lostAt: "answer pod/shop/client eth0 in",
    host: "node/n1",
    at: "net.bridge.bridge-nf-call-ip6tables: 0",
    fix: "node/n1: sysctl -w net.bridge.bridge-nf-call-ip6tables=1",
  },
  {
    name: "hairpin off",
    pods: "bridge",
    podNetwork: { hairpin: false },
    flow: "pod/shop/web-1 > 10.96.0.30:80",
    code: "hairpin-off",
    lostAt: "node/n1 cni0 out",
    host: "node/n1",
    at: "hairpin: false",
    fix: "node/n1: bridge link set dev veth-web-1 hairpin on",
  },
  ...(["bridge", "routed"] as const).flatMap((pods): Fault[] => [
    {
      name: "ip_forward off",
      pods,
      cluster: sysctls("n1", { "net.ipv4.ip_forward": 0 }),
      flow: OTHER_NODE,
      code: "forwarding-off",
      lostAt: pods === "bridge" ? "node/n1 cni0 in" : "nowhere",
      host: "node/n1",
      at: "net.ipv4.ip_forward: 0",
      fix: "node/n1: sysctl -w net.ipv4.ip_forward=1",
    },
    {
      name: "IPv6 forwarding off",
      pods,
      cluster: sysctls("n2", { "net.ipv6.conf.all.forwarding": 0 }),
      flow: OTHER_NODE6,
      code: "forwarding-off",
      lostAt: "node/n2 eth0 in",
      host: "node/n2",
      at: "net.ipv6.conf.all.forwarding: 0",
      fix: "node/n2: sysctl -w net.ipv6.conf.all.forwarding=1",
    },
    {
      name: "forwarding off for one interface",
      pods,
      cluster: sysctls("n2", { "net.ipv4.conf.eth0.forwarding": 0 }),
      flow: OTHER_NODE,
      code: "forwarding-off",
      lostAt: "node/n2 eth0 in",
      host: "node/n2",
      at: "net.ipv4.conf.eth0.forwarding: 0",
      fix: "node/n2: sysctl -w net.ipv4.conf.eth0.forwarding=1",
    },
    {
      name: "the policy of FORWARD drops",
      pods,
      rules: { "node/n1": filterTable("ip", "drop", "") },
      flow: OTHER_NODE,
      code: "forward-drops",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: "type filter hook forward priority filter; policy drop;",
      fix: "node/n1: iptables -P FORWARD ACCEPT",
    },
    {
      name: "a rule of FORWARD drops",
      pods,
      rules: { "node/n2": filterTable("ip", "accept", "ip saddr 10.244.1.0/24 drop") },
      flow: OTHER_NODE,
      code: "forward-drops",
      lostAt: "node/n2 eth0 in",
      host: "node/n2",
      at: "ip saddr 10.244.1.0/24 drop",
      fix: "node/n2: iptables -I FORWARD -s 10.244.0.0/16 -j ACCEPT; iptables -I FORWARD -d 10.244.0.0/16 -j ACCEPT",
    },
    {
      name: "no route to the pods of another node",
      pods,
      change: withoutRoute("node/n1", "10.244.2.0/24"),
      flow: OTHER_NODE,
      code: "no-route",
      lostAt: "gateway lan0 in",
      host: "node/n1",
      at: '"kind":"Node","metadata":{"name":"n1"}',
      fix: "node/n1: ip route replace 10.244.2.0/24 via 192.168.50.12",
    },
    {
      name: "no route back to the pods of another node",
      pods,
      change: withoutRoute("node/n2", "10.244.1.0/24"),
      flow: OTHER_NODE,
      code: "node-without-route",
      lostAt: "answer gateway lan0 in",
      host: "node/n2",
      at: '"kind":"Node","metadata":{"name":"n2"}',
      fix: "node/n2: ip route replace 10.244.1.0/24 via 192.168.50.11",
    },
    {
      name: "a rule drops before routing",
      pods,
      rules: {
        "node/n2":
          "table ip raw {\n  chain early {\n    type filter hook prerouting priority raw; policy accept;\n    ip daddr 10.244.2.10 drop\n  }\n}\n",
      },
      flow: OTHER_NODE,
      lostAt: "node/n2 eth0 in",
      code: "rules-drop",
      host: "node/n2",
      at: "ip daddr 10.244.2.10 drop",
      fix: "node/n2: nft -a list chain ip raw early",
    },
    {
      name: "no rules for Services",
      pods,
      cluster: { proxy: "none" },
      flow: SERVICE,
      lostAt: "gateway lan0 in",
      code: "service-not-translated",
      host: "node/n1",
      at: '"kind":"Node","metadata":{"name":"n1"}',
      fix: "node/n1: kpc compile FILES --node n1 | nft -f -",
    },
    {
      name: "a plugin masquerades what kube-proxy asks for",
      pods,
      objects: [LOCAL_API],
      flow: "pod/shop/api > 192.168.50.11:30126",
      isNew: true,
      lostAt: "node/n1 eth0 in",
      code: "nat-twice",
      host: "node/n2",
      at: '"kind":"Node","metadata":{"name":"n2"}',
      fix: `undefined: kubectl patch service apilocal -n shop -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'`,
    },
    {
      name: "a node without a default route",
      pods,
      change: withoutRoute("node/n1", "0.0.0.0/0"),
      flow: "node/n1 > 10.96.0.30:80",
      code: "no-route",
      lostAt: "nowhere",
      host: "node/n1",
      at: '"kind":"Node","metadata":{"name":"n1"}',
      fix: "node/n1: ip route add default via 192.168.50.1",
    },
    {
      name: "a pod without a default route",
      pods,
      change: withoutRoute("pod/shop/client", "0.0.0.0/0"),
      flow: SERVICE,
      code: "no-route",
      lostAt: "nowhere",
      host: "pod/shop/client",
      at: '"kind":"Pod","metadata":{"name":"client"',
      fix: `pod/shop/client: ip route add default via ${pods === "bridge" ? "10.244.1.1" : "169.254.1.1"}`,
    },
    {
      name: "a blackhole route",
      pods,
      cluster: routes("n1", { kind: "blackhole", to: "10.244.2.0/24" }),
      flow: OTHER_NODE,
      code: "blackhole-route",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: "- kind: blackhole",
      fix: "node/n1: ip route del blackhole 10.244.2.0/24",
    },
    {
      name: "a route that refuses",
      pods,
      cluster: routes("n1", { kind: "unreachable", to: "10.244.2.10" }),
      flow: OTHER_NODE,
      code: "no-route",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: "- kind: unreachable",
      fix: "node/n1: ip route del unreachable 10.244.2.10/32",
    },
    {
      name: "a route to a next hop that is not there",
      pods,
      cluster: routes("n1", { to: "10.244.2.0/24", via: "192.168.50.99" }),
      flow: OTHER_NODE,
      code: "no-neighbour",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: "- to: 10.244.2.0/24",
      fix: "node/n1: ip route replace 10.244.2.0/24 via 192.168.50.12",
    },
    {
      name: "strict reverse path filter, and a route back that leads nowhere",
      pods,
      cluster: {
        nodes: [
          {
            name: "n2",
            sysctls: { "net.ipv4.conf.eth0.rp_filter": 1 },
            routes: [{ to: "10.244.1.0/24", interface: pods === "bridge" ? "cni0" : "cali-web-2" }],
          },
        ],
      },
      flow: OTHER_NODE,
      code: "reverse-path-filter",
      lostAt: "node/n2 eth0 in",
      host: "node/n2",
      at: "- to: 10.244.1.0/24",
      fix: "node/n2: ip route replace 10.244.1.0/24 via 192.168.50.11",
    },
    {
      name: "pods are not masqueraded",
      pods,
      podNetwork: { masquerade: "none" },
      flow: "pod/shop/client > 198.51.100.10:443",
      code: "source-not-translated",
      lostAt: "answer gateway wan0 in",
      host: "node/n1",
      at: "masquerade: none",
      fix: "node/n1: iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE",
    },
    {
      name: "a load balancer that keeps the client's address",
      pods,
      cluster: { loadBalancers: [{ service: "shop/pub", kind: "nat", keepsClient: true }] },
      flow: "outside/client > 198.51.100.40:80",
      code: "reply-bypasses-nat",
      lostAt: "answer outside/client eth0 in",
      host: "lb/shop/pub",
      at: "- service: shop/pub",
      fix: "lb/shop/pub: iptables -t nat -A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE",
    },
    {
      name: "an external IP in the subnet of the nodes",
      pods,
      objects: [service("ext", { externalIPs: ["192.168.50.77"] })],
      flow: "outside/client > 192.168.50.77:80",
      isNew: true,
      code: "address-unanswered",
      lostAt: "gateway wan0 in",
      host: "gateway",
      at: "192.168.50.77",
      fix: "gateway: ip route add 192.168.50.77/32 via 192.168.50.11",
    },
    {
      name: "two routers that point at each other",
      pods,
      cluster: {
        nodes: [
          { name: "n1", routes: [{ to: "10.244.9.0/24", via: "192.168.50.12" }] },
          { name: "n2", routes: [{ to: "10.244.9.0/24", via: "192.168.50.11" }] },
        ],
      },
      flow: "pod/shop/client > 10.244.9.1:80",
      isNew: true,
      code: "loop",
      lostAt: "node/n2 eth0 in",
      host: "node/n1",
      at: "- to: 10.244.9.0/24",
      fix: "node/n1: ip route del 10.244.9.0/24",
    },
    {
      name: "another node has the pod's address",
      pods,
      change: withAddress("node/n2", "eth0", "10.244.1.10/32"),
      flow: OTHER_NODE,
      code: "martian-source",
      lostAt: "node/n2 eth0 in",
      host: "node/n2",
      at: '"kind":"Node","metadata":{"name":"n2"}',
      fix: "node/n2: ip address del 10.244.1.10 dev eth0",
    },
  ]),
  {
    name: "a port that is not in the bridge",
    pods: "bridge",
    change: withInterface("node/n1", "veth-client", ({ port: _, ...own }) => own),
    flow: OTHER_NODE,
    code: "no-neighbour",
    lostAt: "answer node/n1 eth0 in",
    host: "node/n1",
    at: '"kind":"Node","metadata":{"name":"n1"}',
    fix: "node/n1: ip link set veth-client master cni0",
  },
  {
    name: "proxy_arp off",
    pods: "routed",
    cluster: sysctls("n1", { "net.ipv4.conf.cali-client.proxy_arp": 0 }),
    flow: OTHER_NODE,
    code: "no-neighbour",
    lostAt: "nowhere",
    host: "node/n1",
    at: "net.ipv4.conf.cali-client.proxy_arp: 0",
    fix: "node/n1: sysctl -w net.ipv4.conf.cali-client.proxy_arp=1",
  },
  {
    name: "a node without a route to clients outside",
    pods: "bridge",
    change: withoutRoute("node/n2", "0.0.0.0/0"),
    flow: "outside/client > 192.168.50.12:30125",
    lostAt: "answer node/n2 cni0 in",
    code: "reply-lost",
    host: "node/n2",
    at: '"kind":"Node","metadata":{"name":"n2"}',
    fix: "node/n2: ip route add default via 192.168.50.1",
  },
  {
    name: "strict reverse path filter, and answers leave past the tunnel",
    pods: "flannel-vxlan",
    cluster: {
      nodes: [
        {
          name: "n2",
          sysctls: { "net.ipv4.conf.all.rp_filter": 1 },
          routes: [{ to: "10.244.1.0/24", via: "192.168.50.11" }],
        },
      ],
    },
    flow: OTHER_NODE,
    code: "reverse-path-filter",
    lostAt: "node/n2 flannel.1 in",
    host: "node/n2",
    at: "net.ipv4.conf.all.rp_filter: 1",
    fix: "node/n2: sysctl -w net.ipv4.conf.all.rp_filter=2",
  },
  {
    name: "no room for the outer headers of a tunnel",
    pods: "flannel-vxlan",
    podNetwork: { mtu: 1500 },
    flow: `udp ${OTHER_NODE}`,
    bytes: 1500,
    isNew: true,
    code: "mtu-mismatch",
    lostAt: undefined,
    host: "node/n1",
    at: "mtu: 1500",
    fix: "pod/shop/client: ip link set eth0 mtu 1450",
  },
  {
    name: "a port of the bridge with a smaller MTU",
    pods: "bridge",
    change: withInterface("node/n1", "veth-web-1", (own) => ({ ...own, mtu: 1400 })),
    flow: "udp pod/shop/client > 10.244.1.11:8080",
    bytes: 1500,
    code: "mtu-black-hole",
    lostAt: "node/n1 veth-client in",
    host: "node/n1",
    at: '"kind":"Node","metadata":{"name":"n1"}',
    fix: "pod/shop/client: ip link set eth0 mtu 1400",
  },
  {
    name: "many rules that match by what kpc does not understand",
    pods: "routed",
    rules: { "node/n1": filterTable("ip", "drop", notUnderstood(2000)) },
    flow: OTHER_NODE,
    code: "undecided-rules",
    lostAt: "node/n1 cali-client in",
    host: "node/n1",
    at: '"kind":"Node","metadata":{"name":"n1"}',
    fix: "",
  },
  {
    name: "route_localnet off",
    pods: "bridge",
    mode: "iptables",
    cluster: sysctls("n1", { "net.ipv4.conf.all.route_localnet": 0 }),
    flow: "node/n1 > 127.0.0.1:30123",
    code: "localnet-off",
    lostAt: "nowhere",
    host: "node/n1",
    at: "net.ipv4.conf.all.route_localnet: 0",
    fix: "node/n1: sysctl -w net.ipv4.conf.all.route_localnet=1",
  },
];
