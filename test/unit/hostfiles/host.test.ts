/** Files of a host, and what is read of them or said about them. Long because it is a list of hosts, each with its own files. */
import { describe, expect, test } from "vitest";
import { required } from "../../../compiler/invariant.ts";
import { readHost, readHostTexts } from "../../support/host-files.ts";
import { findingText, hostText } from "../../support/host-text.ts";

interface TestLink {
  readonly ifname: string;
  readonly [member: string]: unknown;
}

const link = (ifname: string, more: object = {}): TestLink => ({
  ifindex: 2,
  ifname,
  flags: ["UP", "LOWER_UP"],
  mtu: 1500,
  link_type: "ether",
  promiscuity: 0,
  ...more,
});
const ipv4 = (local: string, prefixlen = 24, more: object = {}): object => ({
  family: "inet",
  local,
  prefixlen,
  scope: "global",
  ...more,
});
const json = (...entries: readonly object[]): string => JSON.stringify(entries);

const ADDR = json(link("eth0", { addr_info: [ipv4("192.168.0.1")] }));
const ROUTES = json(
  { dst: "default", gateway: "192.168.0.254", dev: "eth0", flags: [] },
  { type: "local", dst: "192.168.0.1", dev: "eth0", table: "local", protocol: "kernel", scope: "host", flags: [] },
);
const RULES = json(
  { priority: 0, src: "all", table: "local" },
  { priority: 32766, src: "all", table: "main" },
  { priority: 32767, src: "all", table: "default" },
);
const SYSCTL = "kernel.osrelease = 6.1.0\nnet.ipv4.ip_forward = 1\nnet.ipv4.conf.all.forwarding = 1\n";

const findingsOf = (...texts: readonly string[]): string[] => readHostTexts(texts).findings.map(findingText);

test("files that fit each other have nothing to report", () => {
  expect(findingsOf(ADDR, ROUTES, RULES, SYSCTL)).toEqual([]);
});

describe("files that are something else", () => {
  test.each([
    [
      "error other-input: this is ip addr without -j: expected the output of ip -j -d addr",
      "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue state UNKNOWN\n    inet 127.0.0.1/8 scope host lo\n",
    ],
    [
      "error other-input: this is ip link without -j: expected the output of ip -j -d addr",
      "1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue state UNKNOWN\n    link/loopback 00:00:00:00:00:00\n",
    ],
    [
      "error other-input: this is bridge link without -j: expected the output of bridge -j -d link",
      "6: va@p: <BROADCAST,UP> mtu 1500 master cni0 state forwarding priority 32 cost 2 \n",
    ],
    [
      "error other-input: this is ip route without -j: expected the output of ip -j route show table all",
      "default via 192.168.0.254 dev eth0 \n",
    ],
    ["error other-input: this is ip rule without -j: expected the output of ip -j rule", "0:\tfrom all lookup local\n"],
    [
      "error other-input: this is ip neigh without -j: expected the output of ip -j neigh",
      "10.0.0.2 dev eth0 lladdr 02:00:00:00:02:00 STALE \n",
    ],
    [
      "error other-input: this is bridge fdb without -j: expected the output of bridge -j fdb",
      "33:33:00:00:00:01 dev eth0 self permanent\n",
    ],
    [
      "error other-input: this is ifconfig: expected the output of ip -j -d addr",
      "eth0: flags=4163<UP,BROADCAST>  mtu 1500\n",
    ],
    [
      "error other-input: this is route: expected the output of ip -j route show table all",
      "Kernel IP routing table\nDestination Gateway\n",
    ],
    ["error other-input: the command failed: expected its output", "sh: 1: bridge: not found\n"],
    ["error other-input: the command failed: expected its output", 'Option "-j" is unknown, try "ip -help".\n'],
    [
      "error other-input: these are Kubernetes objects: expected what a node's commands print: ip -j -d addr, ip -j route show table all and others",
      '{"apiVersion": "v1", "kind": "List", "items": []}',
    ],
    [
      "warning other-input: kpc does not read this: expected what a node's commands print: ip -j -d addr, ip -j route show table all and others",
      "some notes\n",
    ],
    [
      "warning other-input: kpc does not read this: expected what a node's commands print: ip -j -d addr, ip -j route show table all and others",
      '[{"vlan": 1}]',
    ],
    ["note empty-input: the file is empty: expected the output of a command", "\n"],
  ])("%s", (wanted, text) => {
    const [place = "", ...words] = (findingsOf(ADDR, ROUTES, RULES, SYSCTL, text)[0] ?? "").split(" ");
    expect(words.join(" ")).toBe(wanted);
    expect(place).toBe("file-5:1:1");
  });

  test("JSON that was cut off", () => {
    expect(findingsOf(ADDR.slice(0, 60))).toEqual([
      "file-1:1:57 error json-syntax: expected the string that starts here to end: the JSON was probably cut off",
    ]);
  });

  test("ip -j link alone", () => {
    expect(findingsOf(json(link("eth0")), SYSCTL)).toEqual([
      "file-1:1:24 error missing-node-file: node n1: this is ip -j link, which prints no addresses: expected the output of ip -j -d addr",
    ]);
  });

  test("dumps of rules are for other readers", () => {
    const { host, findings } = readHostTexts([ADDR, ROUTES, RULES, SYSCTL, "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"]);
    expect([host?.name, findings]).toEqual(["node/n1", []]);
  });
});

describe("files of two moments", () => {
  test.each([
    ["the same twice", [ADDR], []],
    ["details in another file", [json(link("eth0", { linkinfo: { info_kind: "veth" } }))], []],
    ["only the table main again", [json({ dst: "default", gateway: "192.168.0.254", dev: "eth0", flags: [] })], []],
    [
      "another MTU",
      [json(link("eth0", { mtu: 1400 }))],
      [
        "file-5:1:24 error repeated-node-file: interface eth0: its MTU is 1400 here and 1500 in another file of the node: expected files of one moment",
      ],
    ],
    [
      "other addresses",
      [json(link("eth0", { addr_info: [ipv4("192.168.0.9")] }))],
      [
        "file-5:1:24 error repeated-node-file: interface eth0: the list of its IPv4 addresses is 192.168.0.9/24 here and 192.168.0.1/24 in another file of the node: expected files of one moment",
      ],
    ],
    [
      "another route",
      [json({ dst: "default", gateway: "192.168.0.253", dev: "eth0", flags: [] })],
      [
        "file-5:1:2 error repeated-node-file: the IPv4 routes here are others than in another file of the node: expected files of one moment",
      ],
    ],
    [
      "another setting",
      ["net.ipv4.ip_forward = 0\n"],
      ["file-5:1:1 error repeated-node-file: net.ipv4.ip_forward is 0 here and 1 before: expected one value"],
    ],
    [
      "IPv6 addresses in a file of their own",
      [json(link("eth0", { addr_info: [{ family: "inet6", local: "fe80::1", prefixlen: 64, scope: "link" }] }))],
      [],
    ],
  ])("%s", (_, more, wanted) => {
    expect(findingsOf(ADDR, ROUTES, RULES, SYSCTL, ...more)).toEqual(wanted);
  });
});

describe("what is missing", () => {
  test("settings, routes and rules are inferred", () => {
    const { host, findings } = readHostTexts([ADDR]);
    expect(findings.map(findingText)).toEqual([
      "file-1:1:24 note missing-node-file: node n1: kpc takes the kernel's defaults for all settings (no forwarding): expected the output of sysctl -a",
      "file-1:1:142 warning missing-node-file: node n1: no file has IPv4 routes, kpc takes those to connected subnets only: expected the output of ip -j route show table all",
      "file-1:1:142 note missing-node-file: node n1: kpc takes the IPv4 policy rules that the kernel starts with: expected the output of ip -j rule",
    ]);
    const lines = hostText(required(host, "a host")).split("\n");
    expect(lines.filter((line) => /^ {2}(?:\d+|main|local): /.test(line)).slice(0, 6)).toEqual([
      "  0: table local   inferred: no file has the policy rules: those that Linux starts with",
      "  32766: table main   inferred: no file has the policy rules: those that Linux starts with",
      "  32767: table default   inferred: no file has the policy rules: those that Linux starts with",
      ...[
        "local: local 192.168.0.1/32 metric 0 scope host",
        "local: broadcast 192.168.0.255/32 metric 0 scope link",
        "main: unicast 192.168.0.0/24 metric 0 scope link",
      ].map(
        (route) =>
          `  ${route} src 192.168.0.1 automatic eth0   file-1:1:142   inferred: no file has it: Linux makes it for an address of the interface`,
      ),
    ]);
  });
});

test("members of wrong types are errors, and there is no host", () => {
  const { host, findings } = readHostTexts([
    json(link("eth0", { mtu: "big", addr_info: [ipv4("192.168.0.300")] })),
    SYSCTL,
  ]);
  expect(host).toBeUndefined();
  expect(findings.map(findingText)).toEqual([
    'file-1:1:63 error invalid-value: [0].mtu: Invalid value: "big": expected a whole number',
  ]);
});

describe("what kpc does not follow", () => {
  const also = (...entries: readonly object[]): string => json(...entries);
  test.each<[string, TestLink, string[]]>([
    [
      "cilium_host",
      link("cilium_host"),
      [
        "file-1:1:213 warning unknown-datapath: interface cilium_host is Cilium's: eBPF programs decide where pods' packets go, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "ovn-k8s-mp0",
      link("ovn-k8s-mp0"),
      [
        "file-1:1:213 warning unknown-datapath: interface ovn-k8s-mp0 is OVN-Kubernetes's: flows of Open vSwitch decide where pods' packets go, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "br-int",
      link("br-int", { linkinfo: { info_kind: "openvswitch" } }),
      [
        "file-1:1:213 warning unknown-datapath: interface br-int is Open vSwitch's: flows of Open vSwitch decide where pods' packets go, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "antrea-gw0",
      link("antrea-gw0"),
      [
        "file-1:1:213 warning unknown-datapath: interface antrea-gw0 is Antrea's: flows of Open vSwitch decide where pods' packets go, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "kube-ipvs0",
      link("kube-ipvs0", { linkinfo: { info_kind: "dummy" } }),
      [
        "file-1:1:213 warning unknown-datapath: interface kube-ipvs0 is IPVS's: IPVS sends packets to endpoints, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "ipvlan",
      link("iv0", { linkinfo: { info_kind: "ipvlan" } }),
      [
        "file-1:1:213 warning unknown-datapath: interface iv0 is of kind ipvlan: an ipvlan passes packets by its own routes, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "vrf",
      link("red", { linkinfo: { info_kind: "vrf" } }),
      [
        "file-1:1:213 warning unknown-datapath: interface red is of kind vrf: each VRF has routes of its own, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "port of a vrf",
      link("eth1", { master: "red", linkinfo: { info_slave_kind: "vrf" } }),
      [
        "file-1:1:213 warning unknown-datapath: interface eth1 belongs to one of kind vrf: each VRF has routes of its own, which kpc does not follow; walks through this node may be wrong",
        "file-1:1:213 warning unknown-interface: interface eth1 belongs to red: expected an interface that ip -j -d addr prints",
      ],
    ],
    [
      "XDP",
      link("eth1", { xdp: { mode: 1 } }),
      [
        "file-1:1:299 warning unknown-datapath: interface eth1 has an XDP program: it decides about packets before the kernel does, which kpc does not follow; walks through this node may be wrong",
      ],
    ],
    [
      "VXLAN with ends from outside",
      link("vx0", { linkinfo: { info_kind: "vxlan", info_data: { external: true } } }),
      [
        "file-1:1:213 note missing-node-file: node n1: where vx0 sends packets is not known: expected the outputs of ip -j neigh and bridge -j fdb",
        "file-1:1:336 warning unknown-datapath: interface vx0 is a tunnel whose ends a program or Open vSwitch chooses for each packet: kpc does not follow packets through it",
      ],
    ],
    [
      "wireguard",
      link("wg0", { link_type: "none", linkinfo: { info_kind: "wireguard" }, addr_info: [ipv4("10.9.0.1")] }),
      [
        "file-1:1:315 warning unsupported-network: interface wg0 is a tunnel of kind wireguard: kpc does not follow packets through it",
      ],
    ],
    [
      "a bridge that filters VLANs",
      link("br0", { linkinfo: { info_kind: "bridge", info_data: { vlan_filtering: 1 } } }),
      [
        "file-1:1:337 warning unsupported-network: bridge br0 filters VLANs: kpc takes all of its ports for one network",
      ],
    ],
  ])("%s", (_, own, wanted) => {
    const found = findingsOf(
      json(link("eth0", { ifindex: 1, addr_info: [ipv4("192.168.0.1")] }), {
        ...own,
        addr_info: own["addr_info"] ?? [],
      }),
      ROUTES,
      RULES,
      SYSCTL,
    );
    expect(found).toEqual(wanted);
  });

  test.each([
    ["macvlan", "macvlan"],
    ["vlan", "vlan"],
    ["bond", "bond"],
    ["dummy", "dummy"],
    ["veth", "veth"],
    ["sit0 that the kernel made", "sit"],
  ])("%s is an interface like others", (_, info_kind) => {
    const own = link("x0", { flags: info_kind === "sit" ? [] : ["UP"], linkinfo: { info_kind }, addr_info: [] });
    const { host, findings } = readHostTexts([
      json(link("eth0", { ifindex: 1, addr_info: [ipv4("192.168.0.1")] }), own),
      ROUTES,
      RULES,
      SYSCTL,
    ]);
    expect([findings, host?.interfaces.map(({ kind }) => kind)]).toEqual([[], ["ethernet", "ethernet"]]);
  });

  test.each([
    [
      "encap",
      { dst: "10.9.0.0/16", encap: "mpls", dev: "eth0", flags: [] },
      [
        'file-2:1:189 warning unsupported-network: kpc leaves out the route to "10.9.0.0/16", which has encap: it wraps packets',
      ],
    ],
    [
      "tos",
      { dst: "10.9.0.0/16", tos: "0x10", dev: "eth0", flags: [] },
      [
        'file-2:1:189 warning unsupported-network: kpc leaves out the route to "10.9.0.0/16", which has tos: it holds for packets of one type of service only',
      ],
    ],
    [
      "number of a next hop",
      { dst: "10.9.0.0/16", nhid: 4, flags: [] },
      [
        'file-2:1:189 error unsupported-network: the route to "10.9.0.0/16" names next hop 4 by its number only: expected the interface, which ip prints if net.ipv4.nexthop_compat_mode is 1',
      ],
    ],
    [
      "interface that is gone",
      { dst: "10.9.0.0/16", dev: "cali1", flags: [] },
      [
        "file-2:1:189 warning unknown-interface: the route to 10.9.0.0/16 leaves by cali1: expected an interface that ip -j -d addr prints; kpc does not take the route",
      ],
    ],
    ["multicast", { type: "multicast", dst: "ff00::/8", dev: "eth0", table: "local", flags: [], pref: "medium" }, []],
    [
      "kind that there is not",
      { type: "nat", dst: "10.9.0.0/16", dev: "eth0", flags: [] },
      [
        'file-2:1:190 error invalid-value: [2].type: Invalid value: "nat": expected a kind of route: unicast, local, broadcast, anycast, throw, blackhole, unreachable, prohibit, multicast',
      ],
    ],
    [
      "no interface",
      { dst: "10.9.0.0/16", flags: [] },
      ["file-2:1:182 error missing-field: [2].dev: Required value: expected the interface of the next hop"],
    ],
    [
      "no block",
      { dst: "10.9.0.0/33", dev: "eth0", flags: [] },
      [
        'file-2:1:189 error invalid-value: [2].dst: Invalid value: "10.9.0.0/33": expected default, an IP address or an address block such as 10.0.0.0/8',
      ],
    ],
  ])("routes: %s", (_, own, wanted) => {
    expect(findingsOf(ADDR, also(...(JSON.parse(ROUTES) as object[]), own), RULES, SYSCTL)).toEqual(wanted);
  });

  test.each([
    [
      "goto",
      { priority: 9, src: "all", goto: 10 },
      [
        "file-3:1:199 warning unsupported-network: kpc leaves out the policy rule of priority 9, which has goto: it jumps to another rule",
      ],
    ],
    ["nop", { priority: 9, src: "all", nop: null }, []],
    [
      "oif",
      { priority: 9, src: "all", oif: "eth0", table: "7" },
      [
        "file-3:1:199 info unsupported-network: kpc leaves out the policy rule of priority 9, which has oif: it holds for sockets that are bound to an interface",
      ],
    ],
    [
      "not oif",
      { priority: 9, not: null, src: "all", oif: "eth0", table: "7" },
      [
        "file-3:1:199 warning unsupported-network: kpc leaves out the policy rule of priority 9, which has oif: it holds for sockets that are bound to an interface",
      ],
    ],
    [
      "l3mdev",
      { priority: 9, src: "all", l3mdev: null },
      [
        "file-3:1:199 info unsupported-network: kpc leaves out the policy rule of priority 9, which has l3mdev: it asks for the table of a VRF",
      ],
    ],
    [
      "ports",
      { priority: 9, src: "all", ipproto: "tcp", dport: 80, table: "7" },
      [
        "file-3:1:199 warning unsupported-network: kpc leaves out the policy rule of priority 9, which has ipproto: it asks for the protocol",
      ],
    ],
    [
      "no action",
      { priority: 9, src: "all" },
      ["file-3:1:199 error invalid-value: [4].priority: Invalid value: 9: expected a rule with a table or an action"],
    ],
    [
      "address of the other family",
      { priority: 9, src: "fd00::1", table: "7" },
      [
        'file-3:1:207 error invalid-value: [4].src: Invalid value: "fd00::1": expected all, or an IPv4 address with a length of at most 32',
      ],
    ],
    ["table without routes", { priority: 9, src: "all", table: "7" }, []],
  ])("policy rules: %s", (_, own, wanted) => {
    const rules = [...(JSON.parse(RULES) as object[]), own];
    expect(findingsOf(ADDR, ROUTES, also({ priority: 1, src: "10.0.0.1", table: "main" }, ...rules), SYSCTL)).toEqual(
      wanted,
    );
  });
});

describe("settings in force", () => {
  const forwardingOf = (text: string) => {
    const [, eth0] = readHost([
      json(link("lo", { ifindex: 1, link_type: "loopback" }), link("eth0.5", { addr_info: [] })),
      text,
    ]).interfaces;
    return eth0?.sysctls;
  };
  test.each([
    [
      "own forwarding counts",
      "net.ipv4.conf.all.forwarding = 1\nnet.ipv4.conf.eth0/5.forwarding = 0\n",
      { forwarding: false },
    ],
    ["a new interface has that of default", "net.ipv4.conf.default.forwarding = 1\n", { forwarding: true }],
    ["ip_forward is set for all", "net.ipv4.ip_forward = 1\n", { forwarding: true }],
    [
      "rp_filter: the larger one, all's",
      "net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.eth0/5.rp_filter = 1\n",
      { reversePathFilter: 2 },
    ],
    [
      "rp_filter: the larger one, its own",
      "net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0/5.rp_filter = 1\n",
      { reversePathFilter: 1 },
    ],
    [
      "accept_local: either",
      "net.ipv4.conf.all.accept_local = 1\nnet.ipv4.conf.eth0/5.accept_local = 0\n",
      { acceptLocal: true },
    ],
    [
      "route_localnet: either",
      "net.ipv4.conf.all.route_localnet = 0\nnet.ipv4.conf.eth0/5.route_localnet = 1\n",
      { routeLocalnet: true },
    ],
    [
      "send_redirects: either",
      "net.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.eth0/5.send_redirects = 1\n",
      { sendRedirects: true },
    ],
    [
      "send_redirects: none",
      "net.ipv4.conf.all.send_redirects = 0\nnet.ipv4.conf.eth0/5.send_redirects = 0\n",
      { sendRedirects: false },
    ],
    [
      "grep over /proc",
      "/proc/sys/net/ipv4/conf/all/rp_filter:0\n/proc/sys/net/ipv4/conf/eth0.5/rp_filter:2\n",
      { reversePathFilter: 2 },
    ],
    ["written with a dot", "net.ipv4.conf.eth0.5.rp_filter=2\n", { reversePathFilter: 2 }],
  ])("%s", (_, text, wanted) => {
    expect(forwardingOf(text)?.IPv4).toMatchObject(wanted);
  });
  test.each([
    ["all's counts over IPv6", "net.ipv6.conf.all.forwarding = 0\nnet.ipv6.conf.eth0/5.forwarding = 1\n", false],
    ["or that it is forced", "net.ipv6.conf.all.forwarding = 0\nnet.ipv6.conf.eth0/5.force_forwarding = 1\n", true],
  ])("%s", (_, text, wanted) => {
    expect(forwardingOf(text)?.IPv6.forwarding).toBe(wanted);
  });
  test("br_netfilter that is not loaded", () => {
    const host = readHost([ADDR, ROUTES, RULES, SYSCTL]);
    expect(host.bridgeNetfilter).toEqual({ IPv4: false, IPv6: false });
    expect(readHost([ADDR]).bridgeNetfilter).toEqual({ IPv4: true, IPv6: true });
  });
});

describe("policy rules, whose list names no family", () => {
  const first = (...more: readonly object[]): string =>
    json({ priority: 0, src: "all", table: "local" }, ...more, { priority: 32766, src: "all", table: "main" });
  const familiesOf = (...texts: readonly string[]): readonly number[] => {
    const { routing } = readHost([ADDR, ROUTES, SYSCTL, ...texts]);
    return [routing.IPv4.rules.length, routing.IPv6.rules.length];
  };
  const last = { priority: 32767, src: "all", table: "default" };
  test.each([
    ["IPv4 has the table default", [first(last)], [3, 2]],
    ["IPv6 has not", [first(last), first()], [3, 2]],
    ["an address tells", [first({ priority: 5, src: "10.0.0.1", table: "7" }), first()], [3, 2]],
    ["an address of IPv6 tells", [first(last), first({ priority: 5, src: "fd00::1", table: "7" })], [3, 3]],
    [
      "a list beside one of IPv6 is of IPv4",
      [
        first({ priority: 5, src: "fd00::1", table: "7" }),
        first({ priority: 6, src: "all", fwmark: "0x1", table: "7" }),
      ],
      [3, 3],
    ],
  ])("%s", (_, texts, wanted) => {
    expect(familiesOf(...texts)).toEqual(wanted);
  });
});

test("tables that are printed as numbers have their names", () => {
  const routes = json(
    { dst: "default", gateway: "192.168.0.254", dev: "eth0", table: 254, flags: [] },
    { type: "local", dst: "192.168.0.1", dev: "eth0", table: "255", flags: [] },
    { dst: "10.9.0.0/16", dev: "eth0", table: 100, flags: [] },
  );
  const rules = json({ priority: 0, src: "all", table: "255" }, { priority: 32766, src: "10.0.0.1", table: 254 });
  const { IPv4 } = readHost([ADDR, routes, rules, SYSCTL]).routing;
  expect(Object.keys(IPv4.tables).sort()).toEqual(["100", "local", "main"]);
  expect(IPv4.rules.map(({ action }) => action)).toEqual([
    { kind: "table", table: "local" },
    { kind: "table", table: "main" },
  ]);
});

describe("tunnels", () => {
  const eth0 = link("eth0", { ifindex: 1, addr_info: [ipv4("192.168.0.1")] });
  const tunnelOf = (own: TestLink, ...texts: readonly string[]): string => {
    const routes = json(...(JSON.parse(ROUTES) as object[]), {
      dst: "10.2.0.0/16",
      gateway: "192.168.0.2",
      dev: own.ifname,
      flags: ["onlink"],
    });
    const host = readHost([json(eth0, { addr_info: [], ...own }), routes, RULES, SYSCTL, ...texts]);
    return hostText(host)
      .split("\n")
      .filter((line) => /^ {2}(?:tunnel| {2})/.test(line))
      .map((line) => line.trim().replace(/ {3}.*/, ""))
      .join("; ");
  };
  const ipip = { link_type: "ipip", address: "0.0.0.0", broadcast: "0.0.0.0" };
  const any = { info_kind: "ipip", info_data: { proto: "ipip", remote: "any", local: "any" } };
  const vxlan = (data: object): TestLink => link("vx0", { linkinfo: { info_kind: "vxlan", info_data: data } });
  const neighbour = json({ dst: "10.2.0.0", dev: "vx0", lladdr: "02:00:00:00:00:02", state: ["PERMANENT"] });
  const entry = (mac: string): string =>
    json({ mac, ifname: "vx0", dst: "192.168.0.2", flags: ["self"], state: "permanent" });
  test.each([
    [
      "IPIP with any ends",
      link("tunl0", { ...ipip, linkinfo: any }),
      [],
      "tunnel from 192.168.0.1 port -; 192.168.0.2 at 192.168.0.2",
    ],
    ["IPIP without details", link("tunl0", ipip), [], "tunnel from 192.168.0.1 port -; 192.168.0.2 at 192.168.0.2"],
    [
      "IPIP to one other end",
      link("tunl0", { ...ipip, address: "192.168.0.7", broadcast: "192.168.0.8" }),
      [],
      "tunnel from 192.168.0.7 port -; 192.168.0.2 at 192.168.0.8",
    ],
    [
      "VXLAN by forwarding entries",
      vxlan({ id: 1, local: "192.168.0.1", port: 4789 }),
      [neighbour, entry("02:00:00:00:00:02")],
      "tunnel from 192.168.0.1 port 4789; 10.2.0.0 at 192.168.0.2",
    ],
    [
      "VXLAN by the entry for all others",
      vxlan({ id: 1, local: "192.168.0.1" }),
      [neighbour, entry("00:00:00:00:00:00")],
      "tunnel from 192.168.0.1 port 8472; 10.2.0.0 at 192.168.0.2",
    ],
    [
      "VXLAN to one other end",
      vxlan({ id: 1, link: "eth0", remote: "192.168.0.9" }),
      [neighbour, entry("02:00:00:00:00:03")],
      "tunnel from 192.168.0.1 port 8472; 10.2.0.0 at 192.168.0.9",
    ],
    [
      "VXLAN over IPv6",
      vxlan({ id: 1, local6: "fd00::1", remote6: "fd00::2" }),
      [neighbour, entry("02:00:00:00:00:03")],
      "tunnel from fd00::1 port 8472; 10.2.0.0 at fd00::2",
    ],
    [
      "an interface of ip -j addr without -d",
      { ...link("vx0"), promiscuity: undefined },
      [neighbour, entry("02:00:00:00:00:02")],
      "tunnel from 192.168.0.1 port 8472; 10.2.0.0 at 192.168.0.2",
    ],
  ])("%s", (_, own, texts, wanted) => {
    expect(tunnelOf(own, ...texts)).toBe(wanted);
  });
});

describe("ports of bridges", () => {
  const port = (more: object = {}): string =>
    json(
      link("br0", { ifindex: 1, linkinfo: { info_kind: "bridge", info_data: {} }, addr_info: [] }),
      link("va", { master: "br0", addr_info: [], linkinfo: { info_slave_kind: "bridge", ...more } }),
    );
  const listed = (more: object): string => json(link("va", { master: "br0", state: "forwarding", cost: 2, ...more }));
  const portOf = (...texts: readonly string[]): object | undefined => {
    const found = readHost([...texts, SYSCTL]).interfaces[1]?.port;
    if (found === undefined) return undefined;
    const { provenance, ...own } = found;
    return { ...own, isInferred: provenance?.inferred !== undefined };
  };
  const known = { bridge: "br0", isForwarding: true, isInferred: false };
  test.each([
    [
      "by ip -d",
      [port({ info_slave_data: { hairpin: true, isolated: false, state: "forwarding" } })],
      { ...known, hairpin: true, isolated: false },
    ],
    ["by bridge -d", [port(), listed({ hairpin: true, isolated: true })], { ...known, hairpin: true, isolated: true }],
    ["a version without isolation", [port(), listed({ hairpin: true })], { ...known, hairpin: true, isolated: false }],
    ["without bridge -d", [port(), listed({})], { ...known, hairpin: false, isolated: false, isInferred: true }],
    [
      "blocked",
      [port({ info_slave_data: { hairpin: false, isolated: false, state: "blocking" } })],
      { ...known, hairpin: false, isolated: false, isForwarding: false },
    ],
  ])("%s", (_, texts, wanted) => {
    expect(portOf(...texts)).toEqual(wanted);
  });
  test("without bridge -d it is said", () => {
    expect(findingsOf(port(), listed({}), SYSCTL)).toEqual([
      "file-1:1:190 note missing-node-file: node n1: kpc takes hairpin and isolation of bridge ports for off: expected the output of bridge -j -d link",
    ]);
  });
  test("a slave of a bond is not one", () => {
    const bond = json(
      link("bond0", { ifindex: 1, flags: ["UP", "MASTER"], linkinfo: { info_kind: "bond" }, addr_info: [] }),
      link("eth1", { master: "bond0", linkinfo: { info_slave_kind: "bond" }, addr_info: [] }),
    );
    expect([portOf(bond), findingsOf(bond, SYSCTL)]).toEqual([undefined, []]);
  });
  test("two files that say otherwise", () => {
    const own = port({ info_slave_data: { hairpin: true, isolated: false, state: "forwarding" } });
    expect(findingsOf(own, listed({ hairpin: false }), SYSCTL)).toEqual([
      "file-2:1:157 error repeated-node-file: port va: hairpin is false here and true in another file of the node: expected files of one moment",
    ]);
  });
});
