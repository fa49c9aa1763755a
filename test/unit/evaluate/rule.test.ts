/** One rule, one packet, what becomes of it. `kernel/` asks the kernel the same of whole rulesets. */
import { describe, expect, test } from "vitest";
import type { Packet } from "../../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import { fateOf } from "../../support/one-packet.ts";
import { address } from "../../support/service-port.ts";

const UDP = { protocol: 17 };
const OWN = { inInterface: undefined, source: address("192.0.2.1") };

describe("a match holds", () => {
  test.each<[match: string, packet: Partial<Packet>, holds: boolean]>([
    ["ip saddr 10.244.0.5", {}, true],
    ["ip saddr 10.244.0.6", {}, false],
    ["ip saddr != 10.244.0.6", {}, true],
    ["ip saddr 10.244.0.0/16", {}, true],
    ["ip saddr & 255.0.0.255 == 10.0.0.5", {}, true],
    ["ip saddr { 10.244.0.1-10.244.0.9 }", {}, true],
    ["ip daddr != { 10.96.0.10, 10.96.0.11 }", {}, false],
    ["tcp dport 80", {}, true],
    ["tcp dport 80", UDP, false],
    ["tcp dport != 80", UDP, false], // a UDP packet has no TCP port to differ
    ["th dport 80", UDP, true],
    ["meta l4proto { tcp, udp } th dport 53-80", UDP, true],
    ["tcp dport < 81", {}, true],
    ["tcp dport >= 81", {}, false],
    ['iifname "cni0"', {}, true],
    ['iifname "cni*"', {}, true],
    ['iifname "eth*"', {}, false],
    ["meta mark 0x4000", { mark: 0x4001 }, false],
    ["meta mark & 0x4000 == 0x4000", { mark: 0x4001 }, true],
    ["meta mark & 0x4000 != 0x4000", { mark: 0x4001 }, false],
    ["ip saddr . tcp dport { 10.244.0.5 . 80 }", {}, true],
    ["ip saddr . tcp dport { 10.244.0.5 . 81 }", {}, false],
    ["ip saddr . tcp dport { 10.244.0.0/16 . 1-443 }", {}, true],
    ["fib daddr type local", {}, false],
    ["fib daddr type local", { destination: address("192.0.2.1") }, true],
    ["fib saddr type local", { source: address("127.0.0.1") }, true],
    ["ct state new", {}, true],
    ["ct state new", { ctState: "established" }, false],
    ["ct state established,related", { ctState: "related" }, true],
    ["ct state != new", { ctState: "established" }, true],
    ["ct state invalid", { ctState: "invalid" }, true],
    ["ct state untracked", { ctState: "untracked" }, true],
    ["ct status dnat", { ctState: "established", ctStatus: CT_STATUS.dnat }, true],
    ["ct status dnat", {}, false],
    ["ct direction reply", { ctState: "reply" }, true],
    ["ct direction original", { ctState: "reply" }, false],
    ["ct mark 7", { ctState: "established", ctMark: 7 }, true],
    ["ct original ip daddr 10.96.0.10", {}, true],
    ["ip saddr 10.244.0.5 tcp dport 81", {}, false],
  ])("%s %j: %s", (match, packet, holds) => {
    const rules = `chain c { type filter hook prerouting priority 0; policy accept; ${match} drop; }`;
    expect(fateOf(rules, packet)).toBe(holds ? "drop" : "kept");
  });
});

describe("a rule does", () => {
  const dstnat = (rules: string): string => `chain c { type nat hook prerouting priority dstnat; ${rules} }`;
  const srcnat = (rules: string): string => `chain c { type nat hook postrouting priority srcnat; ${rules} }`;
  const filter = (rules: string, more = ""): string =>
    `${more} chain c { type filter hook prerouting priority 0; policy drop; ${rules} }`;

  test.each<[what: string, rules: string, packet: Partial<Packet>, becomes: string]>([
    ["translates address and port", dstnat("tcp dport 80 dnat to 10.244.1.5:8080"), {}, "10.244.1.5:8080"],
    ["keeps the port where only an address is given", dstnat("dnat to 10.244.1.5"), {}, "10.244.1.5:80"],
    ["keeps the address where only a port is given", dstnat("tcp dport 80 redirect to :8080"), {}, "192.0.2.1:8080"],
    ["translates the first packet alone", dstnat("dnat to 10.244.1.5"), { ctState: "established" }, "kept"],
    [
      "translates no packet that belongs to no connection",
      dstnat("dnat to 10.244.1.5"),
      { ctState: "invalid" },
      "kept",
    ],
    ["takes the first translation", dstnat("dnat to 10.244.1.5; dnat to 10.244.1.6"), {}, "10.244.1.5:80"],
    [
      "looks an endpoint up",
      dstnat("tcp dport 80 dnat to ip daddr map { 10.96.0.10 : 10.244.1.5, 10.96.0.11 : 10.244.1.6 }"),
      {},
      "10.244.1.5:80",
    ],
    [
      "does nothing where the map has no such key",
      dstnat("dnat to ip daddr map { 10.96.0.11 : 10.244.1.6 }"),
      {},
      "kept",
    ],
    ["masquerades", srcnat("masquerade"), {}, "masqueraded"],
    ["gives a source", srcnat("snat to 192.0.2.7"), {}, "from 192.0.2.7"],
    ["masquerades the first packet alone", srcnat("masquerade"), { ctState: "established" }, "kept"],
    ["rejects", filter("reject with icmp port-unreachable"), {}, "reject port-unreachable"],
    ["resets", filter("reject with tcp reset"), {}, "reject tcp-reset"],
    ["leaves to the policy", filter("tcp dport 81 accept"), {}, "drop"],
    ["marks", filter("meta mark set meta mark or 0x4000; meta mark 0x4001 accept"), { mark: 1 }, "kept"],
    ["returns to the policy", filter("return; accept"), {}, "drop"],
    ["jumps and comes back", filter("jump d; accept", "chain d { tcp dport 81 drop; }"), {}, "kept"],
    [
      "goes to another chain and does not come back",
      filter("goto d; accept", "chain d { tcp dport 81 accept; }"),
      {},
      "drop",
    ],
    ["leaves a chain by return", filter("jump d; accept", "chain d { return; drop; }"), {}, "kept"],
    ["decides by a map", filter("tcp dport vmap { 80 : accept, 81 : drop }"), {}, "kept"],
    ["goes on where a map of verdicts has no such key", filter("tcp dport vmap { 81 : accept }"), {}, "drop"],
    ["continues", filter("tcp dport vmap { 80 : continue }; accept"), {}, "kept"],
  ])("%s", (_, rules, packet, becomes) => {
    expect(fateOf(rules, packet)).toBe(becomes);
  });

  test.each<[what: string, rule: string, packet: Partial<Packet>, becomes: string]>([
    ["another chance", "numgen random mod 2 0 drop", {}, "drop or kept"],
    ["no chance", "numgen random mod 2 2 drop", {}, "kept"],
    ["each chance", "numgen random mod 1 0 drop", {}, "drop"],
    ["a value that differs from none in a set", "tcp dport != { 80, 81 } drop", UDP, "kept"],
    ["a group of the node's own packets", "meta skgid 7 drop", OWN, "drop or kept"],
    ["another group", "meta skgid != 7 drop", OWN, "drop or kept"],
    ["another user", "meta skuid != 7 drop", OWN, "drop or kept"],
  ])("%s", (_, rule, packet, becomes) => {
    const hook = "inInterface" in packet ? "output" : "prerouting";
    const fate = fateOf(`chain c { type filter hook ${hook} priority 0; ${rule}; }`, packet);
    expect([...new Set(fate.split(" or "))].sort().join(" or ")).toBe(becomes);
  });

  test("one of several by chance", () => {
    const rules = dstnat("dnat to numgen random mod 2 map { 0 : 10.244.1.5, 1 : 10.244.1.6 }");
    expect(fateOf(rules, {})).toBe("10.244.1.5:80 or 10.244.1.6:80");
  });
});
