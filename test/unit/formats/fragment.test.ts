import { describe, expect, test } from "vitest";
import { repair } from "../../../compiler/formats/iptables/fragment.ts";
import { readIptablesText } from "../../support/read.ts";

/** Each chain with rules, as `TABLE CHAIN RULES`, and the findings. */
function read(text: string): { readonly chains: readonly string[]; readonly findings: readonly string[] } {
  const { program, findings } = readIptablesText(text);
  const chains = program.ruleset.tables.flatMap(({ family, name, chains: own }) =>
    own.flatMap((chain) => (chain.rules.length > 0 ? [`${family} ${name} ${chain.name} ${chain.rules.length}`] : [])),
  );
  return { chains, findings: findings.map((finding) => finding.split(" ").slice(1, 3).join(" ")) };
}

const PART = ["note rules-fragment"];

const SERVICES = "-A KUBE-SERVICES -d 10.96.1.2/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A\n";
const NAT = `${SERVICES}-A KUBE-SVC-A -j KUBE-SEP-A\n-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.244.2.5:8080\n`;
const NAT_CHAINS = ["ip nat KUBE-SERVICES 1", "ip nat KUBE-SVC-A 1", "ip nat KUBE-SEP-A 1"];

describe("the table of rules that were cut out of a dump", () => {
  test.each([
    ["targets and chains tell it", NAT, NAT_CHAINS],
    [
      "a built-in chain tells it",
      "-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE\n-A PREROUTING -j OWN\n-A OWN -j ACCEPT\n",
      ["ip nat PREROUTING 1", "ip nat POSTROUTING 1", "ip nat OWN 1"],
    ],
    [
      "of rules of one chain, some are of another table",
      `-A KUBE-SERVICES -d 10.96.1.3/32 -p tcp -m tcp --dport 80 -j REJECT\n${NAT}`,
      ["ip filter KUBE-SERVICES 1", ...NAT_CHAINS],
    ],
    [
      "iptables-save | grep KUBE: chains of several tables one behind another",
      `:KUBE-FORWARD - [0:0]\n:KUBE-SERVICES - [0:0]\n-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
-A FORWARD -j KUBE-FORWARD\n-A OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES\n-A KUBE-FORWARD -j ACCEPT
:KUBE-SEP-A - [0:0]\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-A - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES\n${NAT}`,
      [
        "ip filter FORWARD 2",
        "ip filter OUTPUT 1",
        "ip filter KUBE-FORWARD 1",
        "ip nat PREROUTING 1",
        "ip nat OUTPUT 1",
        "ip nat KUBE-SEP-A 1",
        ...NAT_CHAINS.slice(0, 2),
      ],
    ],
    ["-t before each rule", NAT.replace(/^/gm, "-t nat ").replace(/-t nat $/, ""), NAT_CHAINS],
    ["iptables -S CHAIN names the chain", `-N KUBE-SVC-A\n${NAT}`, NAT_CHAINS],
    ["a prompt names it", "root@n1:~# iptables -t mangle -S OWN\n-N OWN\n-A OWN -j ACCEPT\n", ["ip mangle OWN 1"]],
    [
      "each prompt names it",
      "$ sudo iptables-save -t raw | grep OWN\n-A OWN -j ACCEPT\n$ sudo ip6tables -S FORWARD\n-A FORWARD -j DROP\n",
      ["ip raw OWN 1", "ip6 filter FORWARD 1"],
    ],
    [
      "nothing tells it: filter",
      "[1:60] -A INPUT -p tcp -j DROP\n-A OWN -j RETURN\n",
      ["ip filter INPUT 1", "ip filter OWN 1"],
    ],
    [
      "nothing tells it: a table that the rules before are of",
      `${NAT}-A OUTPUT -j KUBE-SERVICES\n`,
      ["ip nat OUTPUT 1", ...NAT_CHAINS],
    ],
    ["a comment tells nothing", '-A OWN -m comment --comment "-j DNAT KUBE-SVC-A" -j ACCEPT\n', ["ip filter OWN 1"]],
  ])("%s", (_, text, chains) => {
    const found = read(text);
    expect(found.findings.filter((finding) => finding !== "error unknown-chain")).toEqual(PART);
    expect([...found.chains].sort()).toEqual([...chains].sort());
  });
});

describe("what shells and grep put before rules is no part of them", () => {
  const dump = `*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n`;
  test.each([
    ["grep -n", NAT.replace(/^(?=-)/gm, "57:"), NAT_CHAINS, PART],
    ["grep -n of a file", NAT.replace(/^(?=-)/gm, "./dumps/host.v4:57:"), NAT_CHAINS, PART],
    ["grep -H", NAT.replace(/^(?=-)/gm, "host.v4:"), NAT_CHAINS, PART],
    ["grep -C", `${SERVICES}--\n${NAT.slice(SERVICES.length).replace(/^(?=-)/gm, "9-")}`, NAT_CHAINS, PART],
    ["cat -n", dump.replace(/^(?=.)/gm, "     7\t"), ["ip nat PREROUTING 1"], []],
    ["a mail", dump.replace(/^(?=.)/gm, "> "), ["ip nat PREROUTING 1"], []],
    [
      "a prompt",
      `root@node-1:/home/me# iptables-save -t nat\n${dump}root@node-1:/home/me# ip6tables-save\n`,
      ["ip nat PREROUTING 1"],
      [],
    ],
  ])("%s", (_, text, chains, findings) => {
    const found = read(text);
    expect(found.findings).toEqual(findings);
    expect([...found.chains].sort()).toEqual([...chains].sort());
    expect(repair(text).text).toHaveLength(text.length);
  });

  test("commands at a prompt are no listing", () => {
    expect(read("$ iptables -t nat -N OWN\n$ iptables -t nat -A OWN -j ACCEPT\n")).toEqual({
      chains: ["ip nat OWN 1"],
      findings: [],
    });
  });
});
