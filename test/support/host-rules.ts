/** Rules that hosts of a described network have besides kube-proxy's, and what they mean as text for nft. */
import { resolveInput } from "../../compiler/compile.ts";
import { required } from "../../compiler/invariant.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { LayoutRules } from "../../compiler/layout/host-rules.ts";
import { layOut } from "../../compiler/layout/layout.ts";
import { FAMILIES } from "../../compiler/net/address.ts";
import { resolveConfigs } from "../../compiler/node/all-nodes.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { clusterDocument } from "./cluster-document.ts";

/** The rules of `host` in a cluster of two nodes and two load balancers, with these members of the Cluster. */
export interface HostRulesSample {
  readonly title: string;
  readonly host: string;
  readonly cluster: string;
  /** What `nft -f` reads to the same rules. */
  readonly text: string;
}

const both = (table: string, body: (family: "ip" | "ip6") => string): string =>
  (["ip", "ip6"] as const).map((family) => `table ${family} ${table} {\n${body(family)}\n}\n`).join("");

const postrouting = (priority: string, ...rules: readonly string[]): string =>
  `chain postrouting {\ntype nat hook postrouting priority ${priority}; policy accept;\n${rules.join("\n")}\n}`;

const prerouting = (...rules: readonly string[]): string =>
  `chain prerouting {\ntype nat hook prerouting priority dstnat; policy accept;\n${rules.join("\n")}\n}`;

const pods = (cidrs: string, masquerade: string): string => `pods: {cidrs: [${cidrs}], masquerade: ${masquerade}}`;

const DUAL = '10.244.0.0/16, "fd00:244::/48"';
const ALL = { ip: "10.244.0.0/16", ip6: "fd00:244::/48" };
const OWN = { ip: "10.244.1.0/24", ip6: "fd00:244:0:1::/64" };
const MULTICAST = { ip: "224.0.0.0/4", ip6: "ff00::/8" };
const LEAVING = both("pod-network", (f) =>
  postrouting("srcnat + 1", `${f} saddr ${ALL[f]} ${f} daddr != ${ALL[f]} masquerade`),
);

export const HOST_RULES: readonly HostRulesSample[] = [
  { title: "cluster", host: "node/n1", cluster: pods(DUAL, "cluster"), text: LEAVING },
  { title: "calico", host: "node/n1", cluster: pods(DUAL, "calico"), text: LEAVING },
  {
    title: "cluster, of two blocks",
    host: "node/n1",
    cluster: pods("10.244.0.0/16, 10.200.0.0/16", "cluster"),
    text: `table ip pod-network {
      ${postrouting("srcnat + 1", "ip saddr { 10.200.0.0/16, 10.244.0.0/16 } ip daddr != { 10.200.0.0/16, 10.244.0.0/16 } masquerade")}
    }`,
  },
  {
    title: "cluster, of two blocks that touch",
    host: "node/n1",
    cluster: pods("10.244.0.0/16, 10.245.0.0/16", "cluster"),
    text: `table ip pod-network {
      ${postrouting("srcnat + 1", "ip saddr 10.244.0.0/15 ip daddr != 10.244.0.0/15 masquerade")}
    }`,
  },
  {
    title: "cni-bridge",
    host: "node/n1",
    cluster: pods(DUAL, "cni-bridge"),
    text: both("pod-network", (f) =>
      postrouting(
        "srcnat + 1",
        `${f} saddr ${OWN[f]} ${f} daddr != ${OWN[f]} ${f} daddr != ${MULTICAST[f]} masquerade`,
      ),
    ),
  },
  {
    title: "flannel",
    host: "node/n1",
    cluster: pods(DUAL, "flannel"),
    text: both("pod-network", (f) =>
      postrouting(
        "srcnat + 1",
        "meta mark & 0x4000 == 0x4000 return",
        `${f} saddr ${OWN[f]} ${f} daddr ${ALL[f]} return`,
        `${f} saddr ${ALL[f]} ${f} daddr ${OWN[f]} return`,
        `${f} saddr != ${ALL[f]} ${f} daddr ${OWN[f]} return`,
        `${f} saddr ${ALL[f]} ${f} daddr != ${MULTICAST[f]} masquerade`,
        `${f} saddr != ${ALL[f]} ${f} daddr ${ALL[f]} masquerade`,
      ),
    ),
  },
  {
    title: "flannel, of a node without blocks",
    host: "node/n2",
    cluster: pods("10.244.0.0/16", "flannel"),
    text: `table ip pod-network {
      ${postrouting(
        "srcnat + 1",
        "meta mark & 0x4000 == 0x4000 return",
        "ip saddr 10.244.0.0/16 ip daddr != 224.0.0.0/4 masquerade",
        "ip saddr != 10.244.0.0/16 ip daddr 10.244.0.0/16 masquerade",
      )}
    }`,
  },
  {
    title: "kindnet",
    host: "node/n1",
    cluster: pods(DUAL, "kindnet"),
    text: both("pod-network", (f) =>
      postrouting("srcnat + 1", "fib daddr type local return", `${f} daddr ${ALL[f]} return`, "masquerade"),
    ),
  },
  {
    title: "ip-masq-agent",
    host: "node/n1",
    cluster: pods(DUAL, "ip-masq-agent"),
    text: both("pod-network", (f) =>
      postrouting(
        "srcnat + 1",
        "fib daddr type local return",
        f === "ip"
          ? "ip daddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16 } return"
          : "ip6 daddr { fc00::/7, fe80::/10 } return",
        "masquerade",
      ),
    ),
  },
  {
    title: "gateway",
    host: "gateway",
    cluster: "gateway: {outside: 198.51.100.1/24}",
    text: both("gateway", () => postrouting("srcnat", 'oifname "wan0" masquerade')),
  },
  {
    title: "gateway that forwards ports, and does not masquerade",
    host: "gateway",
    cluster: `gateway: {outside: [198.51.100.1/24, "2001:db8::1/64"], masquerade: false, forwards: [
      {port: 8080, to: "n1:30123"}, {port: 53, protocol: udp, to: "[fd00:50::b]:5353"}, {port: 22, to: 192.168.50.12:22}]}`,
    text: `table ip gateway { ${prerouting(
      'iifname "wan0" ip daddr 198.51.100.1 tcp dport 8080 dnat to 192.168.50.11:30123',
      'iifname "wan0" ip daddr 198.51.100.1 tcp dport 22 dnat to 192.168.50.12:22',
    )} }
    table ip6 gateway { ${prerouting(
      'iifname "wan0" ip6 daddr 2001:db8::1 tcp dport 8080 dnat to [fd00:50::11]:30123',
      'iifname "wan0" ip6 daddr 2001:db8::1 udp dport 53 dnat to [fd00:50::b]:5353',
    )} }`,
  },
  {
    title: "load balancer",
    host: "lb/d/pub",
    cluster: "loadBalancers: [{service: d/pub, kind: nat, nodes: all}]",
    text: `table ip balancer { ${prerouting(
      "ip daddr 198.51.100.40 tcp dport 80 dnat ip to numgen random mod 2 map { 0 : 192.168.50.11 . 30124, 1 : 192.168.50.12 . 30124 }",
      "ip daddr 198.51.100.40 udp dport 53 dnat ip to numgen random mod 2 map { 0 : 192.168.50.11 . 30125, 1 : 192.168.50.12 . 30125 }",
    )} ${postrouting("srcnat", "ct status dnat masquerade")} }
    table ip6 balancer { ${prerouting(
      "ip6 daddr 2001:db8::40 tcp dport 80 dnat to [fd00:50::11]:30124",
      "ip6 daddr 2001:db8::40 udp dport 53 dnat to [fd00:50::11]:30125",
    )} ${postrouting("srcnat", "ct status dnat masquerade")} }`,
  },
  {
    title: "load balancer that keeps the client's address",
    host: "lb/d/pub",
    cluster: "loadBalancers: [{service: d/pub, kind: nat, nodes: healthy, keepsClient: true}]",
    text: `table ip balancer { ${prerouting(
      "ip daddr 198.51.100.40 tcp dport 80 dnat ip to numgen random mod 2 map { 0 : 192.168.50.11 . 30124, 1 : 192.168.50.12 . 30124 }",
      "ip daddr 198.51.100.40 udp dport 53 dnat ip to numgen random mod 2 map { 0 : 192.168.50.11 . 30125, 1 : 192.168.50.12 . 30125 }",
    )} }
    table ip6 balancer { ${prerouting(
      "ip6 daddr 2001:db8::40 tcp dport 80 dnat to [fd00:50::11]:30124",
      "ip6 daddr 2001:db8::40 udp dport 53 dnat to [fd00:50::11]:30125",
    )} }`,
  },
];

const MANIFESTS = `apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.244.1.0/24, "fd00:244:0:1::/64"]}
status: {addresses: [{type: InternalIP, address: 192.168.50.11}, {type: InternalIP, address: "fd00:50::11"}]}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 192.168.50.12}]}
---
apiVersion: v1
kind: Service
metadata: {name: pub, namespace: d}
spec:
  type: LoadBalancer
  clusterIPs: [10.96.0.40, "fd00:96::40"]
  clusterIP: 10.96.0.40
  ipFamilies: [IPv4, IPv6]
  ipFamilyPolicy: RequireDualStack
  selector: {app: pub}
  ports:
  - {name: a, port: 80, nodePort: 30124}
  - {name: b, protocol: UDP, port: 53, nodePort: 30125}
status: {loadBalancer: {ingress: [{ip: 198.51.100.40, ipMode: VIP}, {ip: "2001:db8::40", ipMode: VIP}]}}
---
`;

/** What the layout gives the sample's host. */
export function rulesOfSample({ host, cluster }: HostRulesSample): LayoutRules {
  const sources = [{ name: "cluster.yaml", text: `${MANIFESTS}${clusterDocument(cluster)}` }];
  const { resolved, diagnostics } = resolveInput((report) => loadSpecs(sources, report), {}, {}, resolveConfigs);
  const { cluster: model, specs } = required(resolved, diagnostics.map(({ message }) => message).join("\n"));
  const layout = layOut({
    nodes: model.nodes,
    pods: model.pods,
    services: specs.services,
    servicePorts: FAMILIES.flatMap((family) => model.servicePorts[family]),
    network: specs.network,
    clusterCidrs: [],
    masqueradesPods: false,
    localhostNodePorts: false,
    collected: new Map(),
  });
  return required(layout.rules.get(host), `${host} has rules`);
}

export function programOfSample(sample: HostRulesSample): Program {
  return { ruleset: { tables: rulesOfSample(sample).tables }, routes: [] };
}

/** Equal for programs that are the same, whatever the names of maps that stand in rules. */
export function meaningOf(program: Program): unknown {
  const text = JSON.stringify(normaliseProgram(program), (_, value) =>
    typeof value === "bigint" ? `${value}` : value,
  );
  const names = [...new Set(text.match(/"__[^"]+"/g))];
  return JSON.parse(names.reduce((renamed, name, i) => renamed.replaceAll(name, `"map ${i}"`), text));
}
