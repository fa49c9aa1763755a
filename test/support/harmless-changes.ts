/** Changes of the environment that look like faults, and lose nothing: what decides about them is elsewhere. */
import type { NextHop, TableRoute } from "../../compiler/network/types.ts";
import { type FaultyCluster, filterTable, routes, sysctls, TWO_WIRES } from "./faults.ts";
import { changes, withAddress, withInterface, withoutRoute, withPolicyRule, withRoute } from "./host-changes.ts";
import { addressOf, prefixOf } from "./walks.ts";

/** A cluster in which a flow is answered, as its server sees the client. */
export interface HarmlessChange extends FaultyCluster {
  readonly name: string;
  readonly flow: string;
  readonly seenAs: string;
}

function routeVia(to: string, gateway: string, others: Partial<TableRoute> = {}): TableRoute {
  const hop: NextHop = { interface: "eth0", gateway: addressOf(gateway), weight: 1 };
  const metric = to.includes(":") ? 512 : 0;
  return { kind: "unicast", prefix: prefixOf(to), metric, scope: "global", hops: [hop], ...others };
}

const SAME_NODE = "pod/shop/client > 10.244.1.11:8080";
const OTHER_NODE = "pod/shop/client > 10.244.2.10:8080";
const OTHER_NODE6 = "pod/shop/client > [fd00:244:0:2::10]:8080";
const INTERNET = "pod/shop/client > 198.51.100.10:443";
const ROUTED = ["bridge", "routed"] as const;

/** Rules that mark what comes from the client pod, before it is routed. */
const MARKING = `table inet marking {
  chain prerouting {
    type filter hook prerouting priority mangle;
    ip saddr 10.244.1.10 meta mark set 7
    ip6 saddr fd00:244:0:1::10 meta mark set 7
  }
}
`;

/** The main table does not know the other node's pods; a table does that is asked for packets with this property. */
const byTable = (to: string, gateway: string, rule: Parameters<typeof withPolicyRule>[2]): ReturnType<typeof changes> =>
  changes(
    withoutRoute("node/n1", to),
    withRoute("node/n1", routeVia(to, gateway), "100"),
    withPolicyRule("node/n1", to.includes(":") ? "IPv6" : "IPv4", rule),
  );
const table100 = { action: { kind: "table", table: "100" } } as const;

export const HARMLESS_CHANGES: readonly HarmlessChange[] = [
  ...ROUTED.flatMap((pods): HarmlessChange[] => [
    ...[[0, 0] as const, [0, 2] as const, [2, 1] as const].map(
      ([all, own]): HarmlessChange => ({
        name: `rp_filter is ${all} for all and ${own} for the interface, and answers leave by another one`,
        pods,
        cluster: sysctls("n2", { "net.ipv4.conf.all.rp_filter": all, "net.ipv4.conf.eth0.rp_filter": own }),
        ...TWO_WIRES,
        flow: OTHER_NODE,
        seenAs: "10.244.1.10",
      }),
    ),
    {
      name: "a policy rule by source leads to another table",
      pods,
      change: byTable("10.244.2.0/24", "192.168.50.12", {
        ...{ priority: 100, from: prefixOf("10.244.1.10/32") },
        ...table100,
      }),
      flow: OTHER_NODE,
      seenAs: "10.244.1.10",
    },
    {
      name: "a policy rule by source leads to another table, IPv6",
      pods,
      change: byTable("fd00:244:0:2::/64", "fd00:50::12", {
        ...{ priority: 100, from: prefixOf("fd00:244:0:1::10/128") },
        ...table100,
      }),
      flow: OTHER_NODE6,
      seenAs: "fd00:244:0:1::10",
    },
    {
      name: "a policy rule by the mark that rules set in prerouting",
      pods,
      rules: { "node/n1": MARKING },
      change: byTable("10.244.2.0/24", "192.168.50.12", {
        ...{ priority: 100, mark: { value: 7, mask: 0xffffffff } },
        ...table100,
      }),
      flow: OTHER_NODE,
      seenAs: "10.244.1.10",
    },
    {
      name: "a policy rule by the mark that rules set in prerouting, IPv6",
      pods,
      rules: { "node/n1": MARKING },
      change: byTable("fd00:244:0:2::/64", "fd00:50::12", {
        ...{ priority: 100, mark: { value: 7, mask: 0xffffffff } },
        ...table100,
      }),
      flow: OTHER_NODE6,
      seenAs: "fd00:244:0:1::10",
    },
    {
      name: "two equal routes",
      pods,
      change: changes(
        withoutRoute("node/n1", "0.0.0.0/0"),
        withRoute("node/n1", {
          ...routeVia("0.0.0.0/0", "192.168.50.1"),
          hops: [
            { interface: "eth0", gateway: addressOf("192.168.50.1"), weight: 1 },
            { interface: "eth0", gateway: addressOf("192.168.50.12"), weight: 2 },
          ],
        }),
      ),
      flow: INTERNET,
      seenAs: "198.51.100.1",
    },
    {
      name: "masquerading takes no secondary address",
      pods,
      change: withAddress("node/n1", "eth0", "192.168.50.200/24", { isSecondary: true }),
      flow: "node/n1 > 10.244.2.10:8080",
      seenAs: "192.168.50.11",
    },
    {
      name: "masquerading does not take the source of a route, which counts for the node's own packets",
      pods,
      change: changes(
        withAddress("node/n1", "eth0", "192.168.50.200/24", { isSecondary: true }),
        withoutRoute("node/n1", "10.244.2.0/24"),
        withRoute(
          "node/n1",
          routeVia("10.244.2.0/24", "192.168.50.12", { preferredSource: addressOf("192.168.50.200") }),
        ),
      ),
      flow: "outside/client > 192.168.50.11:30123",
      seenAs: "192.168.50.11",
    },
    {
      name: "the node's own packets take the source of a route",
      pods,
      change: changes(
        withAddress("node/n1", "eth0", "192.168.50.200/24", { isSecondary: true }),
        withoutRoute("node/n1", "10.244.2.0/24"),
        withRoute(
          "node/n1",
          routeVia("10.244.2.0/24", "192.168.50.12", { preferredSource: addressOf("192.168.50.200") }),
        ),
      ),
      flow: "node/n1 > 10.244.2.10:8080",
      seenAs: "192.168.50.200",
    },
    {
      name: "a blackhole route of a higher metric",
      pods,
      cluster: routes("n1", { kind: "blackhole", to: "10.244.2.0/24", metric: 1000 }),
      flow: OTHER_NODE,
      seenAs: "10.244.1.10",
    },
  ]),
  {
    name: "the policy of FORWARD drops, and the bridge does not ask the rules",
    pods: "bridge",
    cluster: sysctls("n1", { "net.bridge.bridge-nf-call-iptables": 0 }),
    rules: { "node/n1": filterTable("ip", "drop", "") },
    flow: SAME_NODE,
    seenAs: "10.244.1.10",
  },
  {
    name: "the policy of FORWARD drops, and the bridge does not ask the rules, IPv6",
    pods: "bridge",
    cluster: sysctls("n1", { "net.bridge.bridge-nf-call-ip6tables": 0 }),
    rules: { "node/n1": filterTable("ip6", "drop", "") },
    flow: "pod/shop/client > [fd00:244:0:1::11]:8080",
    seenAs: "fd00:244:0:1::10",
  },
  {
    name: "a node without a default route, and pods ask a Service",
    pods: "bridge",
    change: withoutRoute("node/n1", "0.0.0.0/0"),
    flow: "pod/shop/client > 10.96.0.30:80",
    seenAs: "10.244.1.10",
  },
  {
    name: "ip_forward off, and the pod is on the same bridge",
    pods: "bridge",
    cluster: sysctls("n1", { "net.ipv4.ip_forward": 0 }),
    flow: SAME_NODE,
    seenAs: "10.244.1.10",
  },
  {
    name: "IPv6 forwarding off, and the pod is on the same bridge",
    pods: "bridge",
    cluster: sysctls("n1", { "net.ipv6.conf.all.forwarding": 0 }),
    flow: "pod/shop/client > [fd00:244:0:1::11]:8080",
    seenAs: "fd00:244:0:1::10",
  },
  {
    name: "masquerading by an interface without an address takes one of another interface",
    pods: "routed",
    flow: "outside/client > 192.168.50.11:30123",
    seenAs: "192.168.50.11",
  },
  {
    name: "one isolated port",
    pods: "bridge",
    change: withInterface("node/n1", "veth-web-1", (own) =>
      own.port === undefined ? own : { ...own, port: { ...own.port, isolated: true } },
    ),
    flow: SAME_NODE,
    seenAs: "10.244.1.10",
  },
];
