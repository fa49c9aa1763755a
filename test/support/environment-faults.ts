/** More faults of the environment: what else than rules loses packets, in both families where both have it.
 *  Long because it is a table: a row for each fault. */
import type { HostInterface } from "../../compiler/network/network.ts";
import type { NextHop, TableRoute } from "../../compiler/network/types.ts";
import { cameIn, type Fault, filterTable, routes, service, sysctls, TWO_WIRES } from "./faults.ts";
import { changes, withInterface, withoutRoute, withRoute } from "./host-changes.ts";
import { addressOf, prefixOf } from "./walks.ts";

const OTHER_NODE = "pod/shop/client > 10.244.2.10:8080";
const OTHER_NODE6 = "pod/shop/client > [fd00:244:0:2::10]:8080";
const SAME_NODE6 = "pod/shop/client > [fd00:244:0:1::11]:8080";
const SAME_NODE = "pod/shop/client > 10.244.1.11:8080";
const SERVICE6 = "pod/shop/client > [fd00:96::30]:80";
const NODE_1 = '"kind":"Node","metadata":{"name":"n1"}';
const NODE_2 = '"kind":"Node","metadata":{"name":"n2"}';
const ROUTED = ["bridge", "routed"] as const;

/** A route whose next hops share the packets. */
function equalRoute(to: string, ...gateways: readonly string[]): TableRoute {
  const hops = gateways.map((gateway): NextHop => ({ interface: "eth0", gateway: addressOf(gateway), weight: 1 }));
  return { kind: "unicast", prefix: prefixOf(to), metric: to.includes(":") ? 512 : 0, scope: "global", hops };
}

const port =
  (settings: Partial<NonNullable<HostInterface["port"]>>) =>
  (own: HostInterface): HostInterface =>
    own.port === undefined ? own : { ...own, port: { ...own.port, ...settings } };

/** The client's address is kept as it is, before kube-proxy's rules masquerade it. */
const KEEP_CLIENT = `table ip keep {
  chain postrouting {
    type nat hook postrouting priority srcnat - 5;
    ip saddr 198.51.100.10 snat to 198.51.100.10
  }
}
`;

/** Of IPv6, as those of IPv4 are. */
const SIXES: readonly Fault[] = ROUTED.flatMap((pods): Fault[] => [
  {
    name: "the policy of FORWARD drops, IPv6",
    pods,
    rules: { "node/n1": filterTable("ip6", "drop", "") },
    flow: OTHER_NODE6,
    code: "forward-drops",
    lostAt: cameIn[pods],
    host: "node/n1",
    at: "type filter hook forward priority filter; policy drop;",
    fix: "node/n1: ip6tables -P FORWARD ACCEPT",
  },
  {
    name: "no route to the pods of another node, IPv6",
    pods,
    change: withoutRoute("node/n1", "fd00:244:0:2::/64"),
    flow: OTHER_NODE6,
    code: "no-route",
    lostAt: "gateway lan0 in",
    host: "node/n1",
    at: NODE_1,
    fix: "node/n1: ip route replace fd00:244:0:2::/64 via fd00:50::12",
  },
  {
    name: "no route back to the pods of another node, IPv6",
    pods,
    change: withoutRoute("node/n2", "fd00:244:0:1::/64"),
    flow: OTHER_NODE6,
    code: "node-without-route",
    lostAt: "answer gateway lan0 in",
    host: "node/n2",
    at: NODE_2,
    fix: "node/n2: ip route replace fd00:244:0:1::/64 via fd00:50::11",
  },
  {
    name: "a node without a default route, IPv6",
    pods,
    change: withoutRoute("node/n1", "::/0"),
    flow: "node/n1 > [fd00:96::30]:80",
    code: "no-route",
    lostAt: "nowhere",
    host: "node/n1",
    at: NODE_1,
    fix: "node/n1: ip route add default via fd00:50::1",
  },
  {
    name: "a pod without a default route, IPv6",
    pods,
    change: withoutRoute("pod/shop/client", "::/0"),
    flow: SERVICE6,
    code: "no-route",
    lostAt: "nowhere",
    host: "pod/shop/client",
    at: '"kind":"Pod","metadata":{"name":"client"',
    fix: `pod/shop/client: ip route add default via ${pods === "bridge" ? "fd00:244:0:1::1" : "fe80::ecee:eeff:feee:eeee dev eth0"}`,
  },
  {
    name: "a blackhole route, IPv6",
    pods,
    cluster: routes("n1", { kind: "blackhole", to: "fd00:244:0:2::/64" }),
    flow: OTHER_NODE6,
    code: "blackhole-route",
    lostAt: cameIn[pods],
    host: "node/n1",
    at: "- kind: blackhole",
    fix: "node/n1: ip route del blackhole fd00:244:0:2::/64",
  },
  {
    name: "a route that refuses, IPv6",
    pods,
    cluster: routes("n1", { kind: "prohibit", to: "fd00:244:0:2::10" }),
    flow: OTHER_NODE6,
    code: "no-route",
    lostAt: cameIn[pods],
    host: "node/n1",
    at: "- kind: prohibit",
    fix: "node/n1: ip route del prohibit fd00:244:0:2::10/128",
  },
  {
    name: "a route to a next hop that is not there, IPv6",
    pods,
    cluster: routes("n1", { to: "fd00:244:0:2::/64", via: "fd00:50::99", metric: 10 }),
    flow: OTHER_NODE6,
    code: "no-neighbour",
    lostAt: cameIn[pods],
    host: "node/n1",
    at: "- to: fd00:244:0:2::/64",
    fix: "node/n1: ip route replace fd00:244:0:2::/64 via fd00:50::12",
  },
  {
    name: "pods are not masqueraded, IPv6",
    pods,
    podNetwork: { masquerade: "none" },
    flow: "pod/shop/client > [2001:db8:ffff::10]:443",
    code: "source-not-translated",
    lostAt: "answer gateway wan0 in",
    host: "node/n1",
    at: "masquerade: none",
    fix: "node/n1: ip6tables -t nat -A POSTROUTING -s fd00:244::/48 ! -d fd00:244::/48 -j MASQUERADE",
  },
  {
    name: "an external IP in the subnet of the nodes, IPv6",
    pods,
    objects: [
      service("ext", {
        clusterIP: "fd00:96::50",
        ipFamilies: ["IPv6"],
        externalIPs: ["fd00:50::77"],
      }),
    ],
    flow: "outside/client > [fd00:50::77]:80",
    isNew: true,
    code: "address-unanswered",
    lostAt: "gateway wan0 in",
    host: "gateway",
    at: "fd00:50::77",
    fix: "gateway: ip route add fd00:50::77/128 via fd00:50::11",
  },
  {
    name: "two routers that point at each other, IPv6",
    pods,
    cluster: {
      nodes: [
        { name: "n1", routes: [{ to: "fd00:244:0:9::/64", via: "fd00:50::12" }] },
        { name: "n2", routes: [{ to: "fd00:244:0:9::/64", via: "fd00:50::11" }] },
      ],
    },
    flow: "pod/shop/client > [fd00:244:0:9::1]:80",
    isNew: true,
    code: "loop",
    lostAt: "node/n2 eth0 in",
    host: "node/n1",
    at: "- to: fd00:244:0:9::/64",
    fix: "node/n1: ip route del fd00:244:0:9::/64",
  },
]);

/** What bridges decide. */
const BRIDGES: readonly Fault[] = [
  {
    name: "hairpin off, IPv6",
    pods: "bridge",
    podNetwork: { hairpin: false },
    flow: "pod/shop/web-1 > [fd00:96::30]:80",
    code: "hairpin-off",
    lostAt: "node/n1 cni0 out",
    host: "node/n1",
    at: "hairpin: false",
    fix: "node/n1: bridge link set dev veth-web-1 hairpin on",
  },
  {
    name: "the policy of FORWARD drops, and the bridge asks the rules",
    pods: "bridge",
    rules: { "node/n1": filterTable("ip", "drop", "") },
    flow: SAME_NODE,
    code: "forward-drops",
    lostAt: "node/n1 veth-client in",
    host: "node/n1",
    at: "type filter hook forward priority filter; policy drop;",
    fix: "node/n1: iptables -P FORWARD ACCEPT",
  },
  {
    name: "the policy of FORWARD drops, and the bridge asks the rules, IPv6",
    pods: "bridge",
    rules: { "node/n1": filterTable("ip6", "drop", "") },
    flow: SAME_NODE6,
    code: "forward-drops",
    lostAt: "nowhere",
    host: "node/n1",
    at: "type filter hook forward priority filter; policy drop;",
    fix: "node/n1: ip6tables -P FORWARD ACCEPT",
  },
  {
    name: "rules of INPUT drop neighbour discovery",
    pods: "bridge",
    rules: {
      "node/n2": filterTable("ip6", "accept", "")
        .replaceAll("FORWARD", "INPUT")
        .replace("hook forward", "hook input")
        .replace("policy accept", "policy drop"),
    },
    flow: OTHER_NODE6,
    code: "no-neighbour",
    lostAt: "node/n1 cni0 in",
    host: "node/n2",
    at: "type filter hook input priority filter; policy drop;",
    fix: "node/n2: ip6tables -I INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT; ip6tables -I INPUT -p icmpv6 --icmpv6-type neighbour-advertisement -j ACCEPT",
  },
  {
    name: "ip_forward off, and the Service's pod is on the same bridge",
    pods: "bridge",
    cluster: sysctls("n1", { "net.ipv4.ip_forward": 0 }),
    flow: "pod/shop/client > 10.96.0.51:80",
    isNew: true,
    objects: [
      service("near", {
        clusterIP: "10.96.0.51",
        selector: { app: "client" },
        ports: [{ port: 80, targetPort: 9000 }],
      }),
    ],
    code: "forwarding-off",
    lostAt: "node/n1 cni0 in",
    host: "node/n1",
    at: "net.ipv4.ip_forward: 0",
    fix: "node/n1: sysctl -w net.ipv4.ip_forward=1",
  },
  ...[SAME_NODE, SAME_NODE6].flatMap((flow): Fault[] => {
    const family = flow === SAME_NODE ? "" : ", IPv6";
    return [
      {
        name: `two isolated ports${family}`,
        pods: "bridge",
        change: (host) =>
          withInterface(
            "node/n1",
            "veth-web-1",
            port({ isolated: true }),
          )(withInterface("node/n1", "veth-client", port({ isolated: true }))(host)),
        flow,
        code: "no-neighbour",
        lostAt: "nowhere",
        host: "node/n1",
        at: NODE_1,
        fix: "node/n1: bridge link set dev veth-web-1 isolated off",
      },
      {
        name: `a blocked port${family}`,
        pods: "bridge",
        change: withInterface("node/n1", "veth-web-1", port({ isForwarding: false })),
        flow,
        code: "no-neighbour",
        lostAt: "nowhere",
        host: "node/n1",
        at: NODE_1,
        fix: "node/n1: bridge link set dev veth-web-1 state 3",
      },
      {
        name: `the sender's port is blocked${family}`,
        pods: "bridge",
        change: withInterface("node/n1", "veth-client", port({ isForwarding: false })),
        flow,
        code: "no-neighbour",
        lostAt: "nowhere",
        host: "node/n1",
        at: NODE_1,
        fix: "node/n1: bridge link set dev veth-client state 3",
      },
      {
        name: `a port that is not in the bridge${family}`,
        pods: "bridge",
        change: withInterface("node/n1", "veth-web-1", ({ port: _, ...own }) => own),
        flow,
        code: "no-neighbour",
        lostAt: "nowhere",
        host: "node/n1",
        at: NODE_1,
        fix: "node/n1: ip link set veth-web-1 master cni0",
      },
      {
        name: `a wire to a pod is down${family}`,
        pods: "bridge",
        change: withInterface("node/n1", "veth-web-1", (own) => ({ ...own, isUp: false })),
        flow,
        code: "no-neighbour",
        lostAt: "nowhere",
        host: "node/n1",
        at: NODE_1,
        fix: "node/n1: ip link set veth-web-1 up",
      },
    ];
  }),
];

/** What routing decides. */
const ROUTES: readonly Fault[] = [
  ...ROUTED.flatMap((pods): Fault[] => [
    {
      name: "one of two equal routes leads nowhere",
      pods,
      change: changes(
        withoutRoute("node/n1", "10.244.2.0/24"),
        withRoute("node/n1", equalRoute("10.244.2.0/24", "192.168.50.12", "192.168.50.99")),
      ),
      flow: OTHER_NODE,
      code: "no-neighbour",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: NODE_1,
      fix: "node/n1: ip route replace 10.244.2.0/24 via 192.168.50.12",
    },
    {
      name: "one of two equal routes leads nowhere, IPv6",
      pods,
      change: changes(
        withoutRoute("node/n1", "fd00:244:0:2::/64"),
        withRoute("node/n1", equalRoute("fd00:244:0:2::/64", "fd00:50::12", "fd00:50::99")),
      ),
      flow: OTHER_NODE6,
      code: "no-neighbour",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: NODE_1,
      fix: "node/n1: ip route replace fd00:244:0:2::/64 via fd00:50::12",
    },
    {
      name: "the rp_filter of all is strict, the interface's own off",
      pods,
      cluster: {
        nodes: [
          {
            name: "n2",
            sysctls: { "net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.eth0.rp_filter": 0 },
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
    ...[[1, 0] as const, [0, 1] as const].map(
      ([all, own]): Fault => ({
        name: `rp_filter is ${all} for all and ${own} for the interface, and answers leave by another one`,
        pods,
        cluster: sysctls("n2", { "net.ipv4.conf.all.rp_filter": all, "net.ipv4.conf.eth0.rp_filter": own }),
        ...TWO_WIRES,
        flow: OTHER_NODE,
        code: "reverse-path-filter",
        lostAt: "node/n2 eth0 in",
        host: "node/n2",
        at: `net.ipv4.conf.${all === 1 ? "all" : "eth0"}.rp_filter: 1`,
        fix: `node/n2: sysctl -w net.ipv4.conf.${all === 1 ? "all" : "eth0"}.rp_filter=2`,
      }),
    ),
    {
      name: "a node port whose client is not masqueraded",
      pods,
      rules: { "node/n1": KEEP_CLIENT },
      flow: "outside/client > 192.168.50.11:30123",
      code: "reply-bypasses-nat",
      lostAt: "answer outside/client eth0 in",
      host: "node/n1",
      at: NODE_1,
      fix: "node/n1: iptables -t nat -A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE",
    },
    {
      name: "a node with a smaller MTU than its pods",
      pods,
      change: withInterface("node/n1", "eth0", (own) => ({ ...own, mtu: 1400 })),
      flow: `udp ${OTHER_NODE}`,
      bytes: 1500,
      code: "mtu-mismatch",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: NODE_1,
      fix: "pod/shop/client: ip link set eth0 mtu 1400",
    },
    {
      name: "a node with a smaller MTU than its pods, IPv6",
      pods,
      change: withInterface("node/n1", "eth0", (own) => ({ ...own, mtu: 1400 })),
      flow: `udp ${OTHER_NODE6}`,
      bytes: 1500,
      code: "mtu-mismatch",
      lostAt: cameIn[pods],
      host: "node/n1",
      at: NODE_1,
      fix: "pod/shop/client: ip link set eth0 mtu 1400",
    },
  ]),
  {
    name: "a routed pod's node has no default route, by which it would answer for the pod's gateway",
    pods: "routed",
    change: withoutRoute("node/n1", "0.0.0.0/0"),
    flow: "pod/shop/client > 10.96.0.30:80",
    code: "no-route",
    lostAt: "nowhere",
    host: "node/n1",
    at: NODE_1,
    fix: "node/n1: ip route add default via 192.168.50.1",
  },
  {
    name: "a routed pod's node has no link-local address on its wire",
    pods: "routed",
    change: withInterface("node/n1", "cali-client", (own) => ({ ...own, addresses: [] })),
    flow: OTHER_NODE6,
    code: "no-neighbour",
    lostAt: "nowhere",
    host: "node/n1",
    at: NODE_1,
    fix: "node/n1: ip address add fe80::ecee:eeff:feee:eeee/64 dev cali-client",
  },
  {
    name: "a tunnel that does not know another node",
    pods: "flannel-vxlan",
    change: withInterface("node/n1", "flannel.1", ({ tunnel, ...own }) =>
      tunnel === undefined ? own : { ...own, tunnel: { ...tunnel, remotes: new Map() } },
    ),
    flow: OTHER_NODE,
    code: "no-neighbour",
    lostAt: "node/n1 cni0 in",
    host: "node/n1",
    at: NODE_1,
    fix: "node/n1: bridge fdb append 00:00:00:00:00:00 dev flannel.1 dst 192.168.50.12",
  },
];

/** A load balancer to which all nodes are unhealthy. */
const BALANCERS: readonly Fault[] = (["routed", "nat", "proxy"] as const).map((kind) => ({
  name: `a load balancer (${kind}) without a healthy node`,
  pods: "bridge",
  cluster: { loadBalancers: [{ service: "shop/idle", kind }] },
  objects: [
    {
      ...service("idle", {
        ...{ clusterIP: "10.96.0.52", selector: { app: "nobody" }, type: "LoadBalancer" },
        ...{ externalTrafficPolicy: "Local", healthCheckNodePort: 32101 },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30126 }],
      }),
      status: { loadBalancer: { ingress: [{ ip: "198.51.100.42", ipMode: "VIP" }] } },
    },
  ],
  flow: "outside/client > 198.51.100.42:80",
  isNew: true,
  code: "address-unanswered",
  lostAt: kind === "routed" ? "nowhere" : "lb/shop/idle eth0 in",
  host: kind === "routed" ? "gateway" : "lb/shop/idle",
  at: "198.51.100.42",
  fix: "",
}));

export const ENVIRONMENT_FAULTS: readonly Fault[] = [...BALANCERS, ...SIXES, ...BRIDGES, ...ROUTES];
