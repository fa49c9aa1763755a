/** Flows of which the network tells the sender that they are lost, or whose answers are. */
import type { WalkFlow } from "../../compiler/walk/types.ts";
import type { Manifest } from "./arbitraries.ts";
import { type ClusterKind, describeShop, flowOf, SHOP } from "./walks.ts";

export interface NoticeStory {
  readonly title: string;
  readonly kind: ClusterKind;
  /** What `nft -f` reads, by node. */
  readonly rules?: Readonly<Record<string, string>>;
  readonly flow: WalkFlow;
  readonly says: string;
  /** How and where the messages of all branches end, each once. */
  readonly ends: readonly string[];
}

/** Answers at port 53, and at port 30553 of nodes. */
const DATAGRAMS: Manifest = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "dns", namespace: "shop" },
  spec: {
    type: "NodePort",
    clusterIP: "10.96.0.53",
    clusterIPs: ["10.96.0.53", "fd00:96::53"],
    ipFamilies: ["IPv4", "IPv6"],
    ipFamilyPolicy: "PreferDualStack",
    selector: { app: "web" },
    ports: [{ protocol: "UDP", port: 53, targetPort: 8080, nodePort: 30553 }],
  },
};

const udp = (text: string, bytes?: number): WalkFlow => ({
  ...flowOf(text),
  protocol: 17,
  ...(bytes === undefined ? {} : { bytes }),
});

const dropping = (hook: string, match: string): string =>
  `table inet firewall { chain ${hook} { type filter hook ${hook} priority 0; ${match} drop\n } }`;

const TO_CLIENT = ["delivered on outside/client"];
const TO_POD = ["delivered on pod/shop/client"];

export const NOTICES: readonly NoticeStory[] = [
  {
    title: "a Service without endpoints",
    kind: { pods: "bridge" },
    flow: flowOf("pod/shop/client > 10.96.0.31:80"),
    says: "port-unreachable",
    ends: TO_POD,
  },
  {
    title: "a Service without endpoints, IPv6",
    kind: { pods: "bridge" },
    flow: flowOf("pod/shop/client > [fd00:96::31]:80"),
    says: "port-unreachable",
    ends: TO_POD,
  },
  {
    title: "a node refuses datagrams to its pods, IPv6",
    kind: { pods: "routed" },
    rules: {
      n2: "table ip6 firewall { chain forward { type filter hook forward priority 0; udp dport 8080 reject with icmpv6 admin-prohibited\n } }",
    },
    flow: udp("pod/shop/client > [fd00:244:0:2::10]:8080"),
    says: "admin-prohibited",
    ends: TO_POD,
  },
  {
    title: "no route at the gateway: the node undoes its masquerading in the error",
    kind: { pods: "bridge" },
    flow: udp("pod/shop/client > 203.0.113.77:53"),
    says: "net-unreachable",
    ends: TO_POD,
  },
  {
    title: "a node port, of pods with a smaller MTU",
    kind: { pods: "bridge", mtu: 1400 },
    flow: udp("outside/client > 192.168.50.11:30553", 1450),
    says: "packet-too-big",
    ends: TO_CLIENT,
  },
  {
    title: "a node port, of routed pods with a smaller MTU",
    kind: { pods: "routed", mtu: 1400 },
    flow: udp("outside/client > 192.168.50.11:30553", 1450),
    says: "packet-too-big",
    ends: TO_CLIENT,
  },
  {
    title: "a node drops ICMP that it forwards",
    kind: { pods: "routed" },
    rules: { n1: dropping("forward", "meta l4proto icmp") },
    flow: udp("pod/shop/client > 203.0.113.77:53"),
    says: "net-unreachable",
    ends: ["dropped on node/n1"],
  },
  {
    title: "a node drops what is related",
    kind: { pods: "bridge" },
    rules: { n1: dropping("forward", "ct state related") },
    flow: udp("pod/shop/client > 203.0.113.77:53"),
    says: "net-unreachable",
    ends: ["dropped on node/n1"],
  },
  {
    title: "a node drops what is invalid, which errors about its connections are not",
    kind: { pods: "bridge" },
    rules: { n1: dropping("forward", "ct state invalid") },
    flow: udp("pod/shop/client > 203.0.113.77:53"),
    says: "net-unreachable",
    ends: TO_POD,
  },
  {
    title: "a node sends no ICMP",
    kind: { pods: "routed", mtu: 1400 },
    rules: { n1: dropping("output", "meta l4proto icmp"), n2: dropping("output", "meta l4proto icmp") },
    flow: udp("outside/client > 192.168.50.11:30553", 1450),
    says: "packet-too-big",
    ends: ["dropped on node/n1", "dropped on node/n2"],
  },
  {
    title: "a rule rejects with a reset",
    kind: { pods: "routed" },
    rules: {
      n2: "table inet firewall { chain forward { type filter hook forward priority 0; tcp dport 8080 reject with tcp reset\n } }",
    },
    flow: flowOf("pod/shop/client > 10.244.2.10:8080"),
    says: "tcp-reset",
    ends: TO_POD,
  },
];

export function describeNotice({ kind, rules }: NoticeStory): ReturnType<typeof describeShop> {
  return describeShop(kind, [...SHOP, DATAGRAMS], rules);
}
