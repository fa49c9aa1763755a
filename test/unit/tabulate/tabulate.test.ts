/** One rule, or one Service, and what the classifier's table says of it. `property/tabulate.test.ts` holds tables against the evaluator.
 *  Long because it is a table: a row for each form of rule. */
import { describe, expect, test } from "vitest";
import type { Program } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { tabulate } from "../../../compiler/tabulate/tabulate.ts";
import type { Tabulation } from "../../../compiler/tabulate/types.ts";
import type { Manifest } from "../../support/arbitraries.ts";
import { mustCompile } from "../../support/compile.ts";
import { mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";
import { tableWords } from "../../support/table-words.ts";
import { webCluster } from "../../support/tables.ts";

/** A node that has 192.0.2.1. */
const NODE = [address("192.0.2.1")];

function tabulationOf(program: Program, addresses: readonly Address[]): Tabulation {
  const made = tabulate(program, addresses);
  if ("unsupported" in made) throw new Error(made.unsupported.map(({ message }) => message).join("\n"));
  return made.tabulation;
}

const chain = (name: string, type: string, hook: string, priority: number, rules: string): string =>
  `chain ${name} { type ${type} hook ${hook} priority ${priority}; ${rules} }\n`;
const prerouting = (rules: string, priority = -150): string => chain("early", "filter", "prerouting", priority, rules);
const at = (hook: string, rules: string): string => chain(hook, "filter", hook, 0, rules);
const dstnat = (rules: string): string => chain("dstnat", "nat", "prerouting", -100, rules);
const output = (rules: string): string => chain("output-nat", "nat", "output", -100, rules);
const srcnat = (rules: string): string => chain("srcnat", "nat", "postrouting", 100, rules);

const WEB = "ip daddr . tcp dport { 10.96.0.10 . 80 }";
const to = (last: number): string => `${WEB} dnat to 10.244.1.${last}:8080`;
const ONE_OF_TWO = `dnat ip to ip daddr . tcp dport . numgen random mod 2 map { 10.96.0.10 . 80 . 0 : 10.244.1.5 . 8080, 10.96.0.10 . 80 . 1 : 10.244.1.6 . 8080 }`;
const services = (comment: string): string =>
  `ip daddr . meta l4proto . th dport vmap { 10.96.0.10 . tcp . 80 ${comment} : jump web }`;
const JUMPED = "chain web { meta l4proto tcp dnat to 10.244.1.5:8080; }\n";

describe("rows of destinations", () => {
  test.each<[what: string, chains: string, rows: string[]]>([
    ["nothing is asked", "", []],
    ["an address and a port", prerouting(`${WEB} drop`), ["10.96.0.10 tcp 80: by node {pass} by others {drop}"]],
    [
      "two ports of one address",
      prerouting("ip daddr . meta l4proto . th dport { 10.96.0.10 . tcp . 80, 10.96.0.10 . udp . 53 } drop"),
      ["10.96.0.10 tcp 80: by node {pass} by others {drop}", "10.96.0.10 udp 53: by node {pass} by others {drop}"],
    ],
    [
      "packets of all other protocols, too",
      prerouting("ip daddr 10.96.0.10 ip daddr . meta l4proto . th dport != { 10.96.0.10 . tcp . 80 } drop"),
      [
        "10.96.0.10 tcp 80: pass",
        "10.96.0.10: by node {pass} by others {drop}, invalid: pass, untracked: by node {pass} by others {drop}",
      ],
    ],
    [
      "what the node sends",
      at("output", `${WEB} reject`),
      ["10.96.0.10 tcp 80: by node {reject port-unreachable} by others {pass}"],
    ],
    [
      "where the rule comes after another",
      prerouting(`${WEB} accept; drop`),
      [
        "10.96.0.10 tcp 80: by node {pass} by others {accept}",
        "192.0.2.1, 127.0.0.1, 127.0.0.0/8: drop",
        "from 0.0.0.0: by node {pass} by others {drop}",
      ],
    ],
    [
      "a port that fares as the others do is no row",
      prerouting(`ip daddr 10.96.0.0/16 drop; ${WEB} drop`),
      ["from 10.96.0.0: by node {pass} by others {drop}"],
    ],
    ["forwarded packets only", at("forward", `${WEB} drop`), ["10.96.0.10 tcp 80: by node {pass} by others {drop}"]],
    ["packets that leave", at("postrouting", `${WEB} drop`), ["10.96.0.10 tcp 80: drop"]],
    [
      "a mark that a rule before has set",
      prerouting(`${WEB} meta mark set 1; meta mark 1 drop`),
      ["10.96.0.10 tcp 80: by node {pass} by others {drop}"],
    ],
  ])("%s", (_, chains, rows) => {
    expect(wordsOf(chains)).toEqual(rows);
  });

  test("IPv6", () => {
    const chains = prerouting("ip6 daddr . tcp dport { fd00::1 . 80 } drop");
    expect(wordsOf(chains, "ip6")).toEqual(["fd00::1 tcp 80: by node {pass} by others {drop}"]);
  });
});

describe("endpoints", () => {
  test.each<[what: string, chains: string, row: string]>([
    ["one", dstnat(to(5)), "by node {pass} by others {dnat 0} 0=[10.244.1.5:8080]"],
    ["one of two", dstnat(ONE_OF_TWO), "by node {pass} by others {dnat 0} 0=[10.244.1.5:8080, 10.244.1.6:8080]"],
    ["the port stays", dstnat(`${WEB} dnat to 10.244.1.5`), "by node {pass} by others {dnat 0} 0=[10.244.1.5:80]"],
    [
      "the port stays where a map holds addresses only",
      dstnat("ip daddr . tcp dport { 10.96.0.10 . 80 } dnat to ip daddr map { 10.96.0.10 : 10.244.1.5 }"),
      "by node {pass} by others {dnat 0} 0=[10.244.1.5:80]",
    ],
    [
      "by a number with an offset",
      dstnat(
        "dnat ip to ip daddr . tcp dport . numgen random mod 2 offset 7 map { 10.96.0.10 . 80 . 7 : 10.244.1.5 . 8080, 10.96.0.10 . 80 . 8 : 10.244.1.6 . 8080 }",
      ),
      "by node {pass} by others {dnat 0} 0=[10.244.1.5:8080, 10.244.1.6:8080]",
    ],
    ["the node's own packets", output(to(5)), "by node {dnat 0} by others {pass} 0=[10.244.1.5:8080]"],
    [
      "other ones for the node",
      output(to(5)) + dstnat(to(6)),
      "by node {dnat 0} by others {dnat 1} 0=[10.244.1.5:8080] 1=[10.244.1.6:8080]",
    ],
    [
      "whose it is",
      dstnat(services('comment "shop/web:http"')) + JUMPED,
      'by node {pass} by others {dnat 0} 0=[10.244.1.5:8080] "shop/web:http"',
    ],
    ["nobody says whose it is", dstnat(services("")) + JUMPED, "by node {pass} by others {dnat 0} 0=[10.244.1.5:8080]"],
    [
      "that may not be reached",
      dstnat(to(5)) + at("forward", "ip daddr 10.244.1.5 drop"),
      "by node {pass} by others {drop}",
    ],
    [
      "of which one may not be reached",
      dstnat(ONE_OF_TWO) + at("forward", "ip daddr . tcp dport { 10.244.1.6 . 8080 } drop"),
      "by node {pass} by others {as the endpoint says 0} 0=[10.244.1.5:8080 (by node {pass} by others {dnat}), 10.244.1.6:8080 (by node {pass} by others {drop})]",
    ],
    [
      "one for each of four interfaces",
      dstnat(`iifname a ${to(1)}; iifname b ${to(2)}; iifname c ${to(3)}; iifname d ${to(4)}`),
      "by node/others {pass} by a {dnat 0} by b {dnat 1} by c {dnat 2} by d {dnat 3} 0=[10.244.1.1:8080] 1=[10.244.1.2:8080] 2=[10.244.1.3:8080] 3=[10.244.1.4:8080]",
    ],
  ])("%s", (_, chains, row) => {
    expect(wordsOf(chains).filter((line) => line.startsWith("10.96.0.10 "))).toEqual([`10.96.0.10 tcp 80: ${row}`]);
  });
});

describe("sources", () => {
  test.each<[what: string, chains: string, rows: string[]]>([
    [
      "a network that rules ask about anywhere",
      prerouting(`${WEB} ip saddr 10.244.0.0/16 drop`),
      [
        "detected 10.244.0.0-10.244.255.255",
        "10.96.0.10 tcp 80: by node {pass} by others {others: pass; detected: drop}",
      ],
    ],
    [
      "all but a network",
      prerouting(`${WEB} ip saddr != 10.244.0.0/16 drop`),
      [
        "detected 10.244.0.0-10.244.255.255",
        "10.96.0.10 tcp 80: by node {pass} by others {others: drop; detected: pass}",
      ],
    ],
    [
      "networks of one destination",
      prerouting(
        "ip daddr . tcp dport . ip saddr { 10.96.0.10 . 80 . 198.51.100.0/24, 10.96.0.10 . 80 . 203.0.113.7 } accept; " +
          `${WEB} drop`,
      ),
      [
        "10.96.0.10 tcp 80: by node {pass} by others {others: drop; allowed: accept} allowed 198.51.100.0-198.51.100.255, 203.0.113.7",
      ],
    ],
    [
      "the node's addresses",
      prerouting(`${WEB} fib saddr type local drop`),
      ["10.96.0.10 tcp 80: by node {pass} by others {others: pass; local: drop}"],
    ],
    [
      "loopback",
      at("output", `${WEB} ip saddr 127.0.0.0/8 drop`),
      ["10.96.0.10 tcp 80: by node {others: pass; loopback: drop} by others {pass}"],
    ],
    [
      "two questions",
      dstnat(`ip saddr 10.244.0.0/16 ${to(1)}; fib saddr type local ${to(2)}; ${to(3)}`),
      [
        "detected 10.244.0.0-10.244.255.255",
        "10.96.0.10 tcp 80: by node {pass} by others {others: dnat 0; detected or detected+local: dnat 1; local: dnat 2} 0=[10.244.1.3:8080] 1=[10.244.1.1:8080] 2=[10.244.1.2:8080]",
      ],
    ],
  ])("%s", (_, chains, rows) => {
    expect(wordsOf(chains)).toEqual(rows);
  });
});

describe("masquerading", () => {
  test.each<[what: string, chains: string, row: string]>([
    [
      "of what was translated",
      dstnat(to(5)) + srcnat("ct status dnat masquerade"),
      "by node {pass} by others {dnat masquerade 0} 0=[10.244.1.5:8080]",
    ],
    [
      "not of what is dropped",
      dstnat(to(5)) + at("forward", "ip daddr 10.244.1.5 drop") + srcnat("ct status dnat masquerade"),
      "by node {pass} by others {drop}",
    ],
    [
      "not of what is dropped behind it",
      dstnat(to(5)) +
        srcnat("ct status dnat masquerade") +
        chain("late", "filter", "postrouting", 200, "ct status dnat drop"),
      "by node {pass} by others {drop}",
    ],
    [
      "of one client at one endpoint",
      dstnat(to(5)) + srcnat("ct status dnat ip saddr . ip daddr { 10.244.9.9 . 10.244.1.5 } masquerade"),
      "by node {pass} by others {others: dnat 0; allowed: dnat masquerade 0} 0=[10.244.1.5:8080] allowed 10.244.9.9",
    ],
    [
      "an endpoint that may not ask its own Service",
      prerouting("ip daddr . tcp dport . ip saddr { 10.96.0.10 . 80 . 10.244.1.5 } drop") + dstnat(to(5)),
      "by node {pass} by others {others: dnat 0; allowed: drop} 0=[10.244.1.5:8080] allowed 10.244.1.5",
    ],
    [
      "by source",
      dstnat(to(5)) + srcnat("ct status dnat ip saddr != 10.244.0.0/16 masquerade"),
      "by node {pass} by others {others: dnat masquerade 0; detected: dnat 0} 0=[10.244.1.5:8080]",
    ],
    [
      "of an endpoint that reaches itself",
      dstnat(ONE_OF_TWO) +
        srcnat("ct status dnat ip saddr . ip daddr { 10.244.1.5 . 10.244.1.5, 10.244.1.6 . 10.244.1.6 } masquerade"),
      "by node {pass} by others {dnat 0 (hairpin dnat masquerade)} 0=[10.244.1.5:8080, 10.244.1.6:8080]",
    ],
    [
      "of one endpoint that reaches itself",
      dstnat(ONE_OF_TWO) + srcnat("ct status dnat ip saddr . ip daddr { 10.244.1.5 . 10.244.1.5 } masquerade"),
      "by node {pass} by others {as the endpoint says 0} 0=[10.244.1.5:8080 (by node {pass} by others {dnat (hairpin dnat masquerade)}), 10.244.1.6:8080 (by node {pass} by others {dnat})]",
    ],
  ])("%s", (_, chains, row) => {
    expect(wordsOf(chains).filter((line) => line.startsWith("10.96.0.10 "))).toEqual([`10.96.0.10 tcp 80: ${row}`]);
  });
});

describe("interfaces", () => {
  test.each<[rules: string, by: string]>([
    [`iifname cni0 ${WEB} drop`, "by node/others {pass} by cni0 {drop}"],
    [`iifname "cni*" ${WEB} drop`, "by node/others {pass} by cni* {drop}"],
    [`iifname != eth0 ${WEB} drop`, "by node/eth0 {pass} by others {drop}"],
    [
      `iifname cni0 ${WEB} accept; iifname "cni*" ${WEB} drop`,
      "by node/others {pass} by cni0&cni* {accept} by cni* {drop}",
    ],
    [`iifname "cni*" ${WEB} drop; iifname cni0 ${WEB} accept`, "by node/others {pass} by cni*/cni*&cni0 {drop}"],
    [`iifname { eth0, eth1 } ${WEB} drop`, "by node/others {pass} by eth0/eth1 {drop}"],
    ["iifname . ip daddr . tcp dport { eth0 . 10.96.0.10 . 80 } drop", "by node/others {pass} by eth0 {drop}"],
  ])("%s", (rules, by) => {
    expect(wordsOf(prerouting(rules)).filter((line) => line.startsWith("10.96.0.10 tcp 80: "))).toEqual([
      `10.96.0.10 tcp 80: ${by}`,
    ]);
  });
});

describe("addresses without rows", () => {
  test.each<[what: string, chains: string, rows: string[]]>([
    ["a network", prerouting("ip daddr 10.96.0.0/16 drop"), ["from 10.96.0.0: by node {pass} by others {drop}"]],
    [
      "all but a network",
      at("forward", "ip daddr != 10.96.0.0/16 drop"),
      ["from 0.0.0.0: by node {pass} by others {drop}", "from 10.97.0.0: by node {pass} by others {drop}"],
    ],
    [
      "members of a set",
      prerouting("ip daddr { 10.96.0.7, 10.96.0.9 } accept; ip daddr 10.96.0.0/24 drop"),
      [
        "from 10.96.0.0: by node {pass} by others {drop}",
        "from 10.96.0.7: by node {pass} by others {accept}",
        "from 10.96.0.8: by node {pass} by others {drop}",
        "from 10.96.0.9: by node {pass} by others {accept}",
        "from 10.96.0.10: by node {pass} by others {drop}",
      ],
    ],
    [
      "an address with a row of another port",
      prerouting(`${WEB} accept; ip daddr . ip daddr { 10.96.0.10 . 10.96.0.10 } drop`),
      ["10.96.0.10 tcp 80: by node {pass} by others {accept}", "10.96.0.10: by node {pass} by others {drop}"],
    ],
    [
      "packets of no connection",
      at("forward", "ct state invalid drop"),
      ["from 0.0.0.0: pass, invalid: by node {pass} by others {drop}, untracked: pass"],
    ],
    [
      "packets that are not tracked",
      at("forward", "ct state untracked drop"),
      ["from 0.0.0.0: pass, invalid: pass, untracked: by node {pass} by others {drop}"],
    ],
    [
      "kinds of addresses",
      prerouting("fib daddr type multicast drop; fib daddr type broadcast reject"),
      [
        "from 224.0.0.0: by node {pass} by others {drop}",
        "from 255.255.255.255: by node {pass} by others {reject port-unreachable}",
      ],
    ],
  ])("%s", (_, chains, rows) => {
    expect(wordsOf(chains)).toEqual(rows.filter((row) => row !== ""));
  });
});

describe("the node's addresses", () => {
  const LOCAL = "192.0.2.1, 127.0.0.1, 127.0.0.0/8";

  test.each<[what: string, chains: string, rows: string[]]>([
    ["whatever the port", prerouting("fib daddr type local drop"), [`${LOCAL}: drop`]],
    [
      "a port",
      dstnat("fib daddr type local tcp dport 30080 dnat to 10.244.1.5:8080"),
      [`${LOCAL} tcp 30080: by node {pass} by others {dnat 0} 0=[10.244.1.5:8080]`],
    ],
    [
      "a port of one of them",
      at("input", "ip daddr . tcp dport { 192.0.2.1 . 22 } drop"),
      ["192.0.2.1 tcp 22: drop", "192.0.2.1 udp 22: pass", "192.0.2.1 sctp 22: pass"],
    ],
    [
      "a port of all, and otherwise of one",
      prerouting("ip daddr . tcp dport { 192.0.2.1 . 22 } accept; fib daddr type local tcp dport 22 drop"),
      [
        "192.0.2.1 udp 22: pass",
        "192.0.2.1 sctp 22: pass",
        "127.0.0.1, 127.0.0.0/8 tcp 22: drop",
        "192.0.2.1 (with rows) tcp 22: accept",
      ],
    ],
    [
      "forwarded packets are not for the node",
      at("forward", "ip daddr . tcp dport { 192.0.2.1 . 22 } drop"),
      ["192.0.2.1 tcp 22: pass", "192.0.2.1 udp 22: pass", "192.0.2.1 sctp 22: pass"],
    ],
  ])("%s", (_, chains, rows) => {
    expect(wordsOf(chains)).toEqual(rows);
  });
});

describe("reasons are comments", () => {
  const web = (more: string): string => `chain web { ${more} }\n`;

  test.each<[of: string, chains: string, reasons: string[]]>([
    ["a rule", prerouting(`${WEB} drop comment "as told"`), ["as told"]],
    ["the chain of a rule without one", dstnat(services("")) + web('comment "here"; tcp dport 80 reject'), ["here"]],
    ["nothing: the chain's name", dstnat(services("")) + web("tcp dport 80 reject"), ["chain web"]],
    [
      "a map that leads on",
      `map m { typeof ip daddr . tcp dport : verdict; comment "who"; elements = { 10.96.0.10 . 80 : jump web } }\n${dstnat("ip daddr . tcp dport vmap @m")}${web("reject")}`,
      ["who", "chain web"],
    ],
  ])("%s", (_, chains, reasons) => {
    const { behaviours } = tabulationOf(mustReadNft(`table ip t {\n${chains}}`), NODE);
    const answers = behaviours.flatMap((behaviour) => behaviour.flat()).filter(({ verdict }) => verdict !== "pass");
    expect([...new Set(answers.flatMap((answer) => answer.reasons))]).toEqual(reasons);
  });
});

describe("what a table cannot hold is said", () => {
  test.each<[chains: string, why: string]>([
    [prerouting("tcp dport 80 drop"), "ports are asked about at addresses that are not the node's"],
    [
      prerouting("meta l4proto . th dport { tcp . 80 } drop"),
      "ports are asked about at addresses that are not the node's",
    ],
    [prerouting("ip daddr . th dport { 10.96.0.10 . 80 } drop"), "th dport of packets of protocol 1"],
    [prerouting("ip daddr 10.96.0.10 meta l4proto dccp th dport 80 drop"), "th dport of packets of protocol 33"],
    [prerouting("fib daddr type local tcp dport 80-90 drop"), "a range of ports or protocols"],
    [prerouting("ip daddr . tcp dport { 10.0.0.0/8 . 80 } drop"), "a block of addresses with a port"],
    [prerouting("meta l4proto icmp drop"), "packets of several protocols fare differently whatever the port"],
    [dstnat("ip daddr 10.96.0.10 dnat to 10.244.1.5"), "packets are translated whatever the port"],
    [
      prerouting("ip daddr . ip saddr { 10.96.0.10 . 10.244.0.0/16 } drop"),
      "sources are asked about at any port of an address",
    ],
    [
      prerouting(`${WEB} ip saddr 10.244.0.0/16 drop; ${WEB} ip saddr 10.0.0.0/8 accept`),
      "two sets of sources that are asked about at any destination",
    ],
    [
      prerouting(
        "ip daddr . tcp dport . ip saddr { 10.96.0.10 . 80 . 10.1.0.0/16 } drop; ip daddr . tcp dport . ip saddr { 10.96.0.10 . 80 . 10.2.0.0/16 } accept; drop",
      ),
      "two sets of sources at one destination",
    ],
    [prerouting("ip saddr . ip saddr { 10.0.0.0/8 . 10.0.0.1 } drop"), "a key with the source twice"],
    [prerouting(`${WEB} fib saddr type broadcast drop`), "an address type of the source other than local"],
    [dstnat("dnat to ip saddr map { 10.96.0.10 : 10.244.1.5 }"), "a map that is asked for the source"],
    [
      prerouting(`${WEB} numgen random mod 2 vmap { 0 : accept, 1 : drop }`),
      "chance decides about more than the endpoint",
    ],
    [
      dstnat(`iifname a ${to(1)}; iifname b ${to(2)}; iifname c ${to(3)}; iifname d ${to(4)}; ${to(5)}`),
      "more than four lists of endpoints at one destination",
    ],
    [dstnat(`${WEB} redirect to :8080`), "redirect"],
    [dstnat(`${WEB} dnat to :8080`), "dnat to a port only"],
    [dstnat(`${WEB} dnat to 10.244.1.5-10.244.1.9`), "dnat to a range"],
    [dstnat(to(5)) + srcnat("ct status dnat snat to 192.0.2.7"), "a source that a rule gives"],
    [prerouting(`${WEB} ip length 40 drop`), "ip length"],
  ])("%s", (chains, why) => {
    const made = tabulate(mustReadNft(`table ip t {\n${chains}}`), NODE);
    expect("unsupported" in made && made.unsupported.map(({ message }) => message)).toEqual([
      `a classifier table cannot hold this: ${why}`,
    ]);
  });
});

function wordsOf(chains: string, family = "ip"): string[] {
  return tableWords(tabulationOf(mustReadNft(`table ${family} t {\n${chains}}`), NODE));
}

describe("Services", () => {
  const POD = ["10.244.1.7"];
  const TWO = ["10.244.1.7", "10.244.1.8"];
  const NODE_PORT = { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] };
  const BALANCED = {
    type: "LoadBalancer",
    allocateLoadBalancerNodePorts: false,
    loadBalancerSourceRanges: ["198.51.100.0/24"],
  };
  const CLUSTER_IP =
    "10.96.0.1 tcp 80: others: dnat masquerade 0; detected: dnat 0 (hairpin dnat masquerade) 0=[10.244.1.7:8080]";

  test.each<[what: string, pods: string[], spec: Manifest, rows: string[]]>([
    ["a cluster IP", POD, {}, [CLUSTER_IP]],
    ["no endpoints", [], {}, ["10.96.0.1 tcp 80: reject port-unreachable"]],
    [
      "session affinity",
      TWO,
      { sessionAffinity: "ClientIP" },
      [
        "10.96.0.1 tcp 80: others: dnat masquerade 0 sticky; detected: dnat 0 sticky (hairpin dnat masquerade) 0=[10.244.1.7:8080 sticky, 10.244.1.8:8080 sticky] 10800s",
      ],
    ],
    [
      "an external address",
      POD,
      { externalIPs: ["203.0.113.1"] },
      [CLUSTER_IP, "203.0.113.1 tcp 80: dnat masquerade 0 0=[10.244.1.7:8080]"],
    ],
    [
      "externalTrafficPolicy Local without a local endpoint",
      POD,
      { externalIPs: ["203.0.113.1"], externalTrafficPolicy: "Local" },
      [
        CLUSTER_IP,
        "203.0.113.1 tcp 80: others: drop; detected or detected+local: dnat 0 (hairpin dnat masquerade); local: dnat masquerade 0 0=[10.244.1.7:8080]",
      ],
    ],
    [
      "internalTrafficPolicy Local without a local endpoint",
      POD,
      { internalTrafficPolicy: "Local" },
      ["10.96.0.1 tcp 80: drop"],
    ],
    ["a node port", POD, NODE_PORT, [CLUSTER_IP, "192.168.0.2 tcp 30080: dnat masquerade 0 0=[10.244.1.7:8080]"]],
    [
      "an address of the node that an endpoint has, too",
      ["192.168.0.2"],
      { externalIPs: ["192.168.0.2"], externalTrafficPolicy: "Local" },
      [
        "10.96.0.1 tcp 80: by node {others: dnat masquerade 0; detected: dnat 0 (hairpin dnat masquerade)} by others {dnat 0} 0=[192.168.0.2:8080]",
        "192.168.0.2 tcp 80: by node {others: drop; detected or detected+local: dnat 0 (hairpin dnat masquerade); local: dnat masquerade 0} by others {others: drop; detected or local or detected+local: dnat 0} 0=[192.168.0.2:8080]",
      ],
    ],
    [
      "source ranges",
      POD,
      BALANCED,
      [
        "203.0.113.2 tcp 80: others: drop; allowed: dnat masquerade 0 0=[10.244.1.7:8080] allowed 198.51.100.0-198.51.100.255",
        CLUSTER_IP,
      ],
    ],
    [
      "IPv6",
      ["fd00:10:244::7"],
      {},
      [
        "fd00:10:96::1 tcp 80: others: dnat masquerade 0; detected: dnat 0 (hairpin dnat masquerade) 0=[[fd00:10:244::7]:8080]",
      ],
    ],
  ])("%s", (_, pods, spec, rows) => {
    const cluster = webCluster(pods, spec);
    const balanced = { status: { loadBalancer: { ingress: [{ ip: "203.0.113.2" }] } } };
    const objects = cluster.objects.map((object) =>
      spec.type === "LoadBalancer" && object.kind === "Service" ? { ...object, ...balanced } : object,
    );
    const { program, node } = mustCompile({ ...cluster, objects });
    const words = tableWords(tabulationOf(program, node.addresses)).filter((line) => line.includes("default/web:http"));
    expect(words.map((line) => line.replace(' "default/web:http"', ""))).toEqual(rows);
  });
});
