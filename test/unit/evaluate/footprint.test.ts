/** Which base chains can change places without anybody seeing it. */
import { expect, test } from "vitest";
import { areInConflict, footprintOf } from "../../../compiler/evaluate/footprint.ts";
import type { BaseChain } from "../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const SETS = [
  "set s { type ipv4_addr; flags dynamic; }",
  "set t { type ipv4_addr; flags dynamic; }",
  "map m { type ipv4_addr : mark; flags dynamic; }",
  "limit l { rate 1/minute; }",
  "limit k { rate 1/minute; }",
  "chain called { drop; }",
].join("\n");
const base = (name: string, rules: string): string =>
  `chain ${name} { type filter hook prerouting priority 0; ${rules} }`;

function inConflict(one: string, other: string): boolean {
  const table =
    mustReadNft(`table ip x {\n${SETS}\n${base("a", one)}\n${base("b", other)}\n}`).ruleset.tables[0] ??
    expect.unreachable();
  const [a, b] = ["a", "b"].map((name) => {
    const chain = table.chains.find((each): each is BaseChain => each.kind === "base" && each.name === name);
    return footprintOf(chain ?? expect.unreachable(), table);
  });
  if (a === undefined || b === undefined) return expect.unreachable();
  expect(areInConflict(b, a)).toBe(areInConflict(a, b));
  return areInConflict(a, b);
}

test.each<[what: string, one: string, other: string, want: boolean]>([
  ["nothing", "", "", false],
  ["one that ends packets, and one that does nothing", "drop", "accept", false],
  ["one ends packets in two ways, the other in none", "ip daddr 10.0.0.1 drop; reject", "accept", false],
  ["both drop", "ip daddr 10.0.0.1 drop", "ip daddr 10.0.0.2 drop", false],
  ["one drops by its policy", "policy drop; accept", "ip daddr 10.0.0.2 drop", false],
  ["one drops, one rejects", "ip daddr 10.0.0.1 drop", "tcp dport 80 reject", true],
  ["a policy drops, one rejects", "policy drop; accept", "tcp dport 80 reject", true],
  ["a called chain drops, one rejects", "jump called", "tcp dport 80 reject", true],
  ["two kinds of reject", "reject with icmp host-unreachable", "reject", true],
  ["one kind of reject", "reject", "reject", false],
  ["a map may drop", "ip daddr vmap { 10.0.0.1 : accept }", "reject", true],
  ["a map may drop, the other does", "ip daddr vmap { 10.0.0.1 : accept }", "drop", false],
  ["one writes what the other reads", "meta mark set 1", "meta mark 1 accept", true],
  ["one writes what the other writes", "meta mark set 1", "meta mark set 2", true],
  ["one writes what the other does not read", "meta mark set 1", "ip daddr 10.0.0.1 accept", false],
  ["both read the same", "meta mark 1 accept", "meta mark 1 accept", false],
  ["one remembers what the other asks for", "add @s { ip saddr }", "ip saddr @s accept", true],
  ["one remembers what the other remembers", "add @s { ip saddr }", "add @s { ip saddr }", true],
  ["one remembers elsewhere", "add @s { ip saddr }", "add @t { ip saddr }", false],
  ["one remembers, the other ends packets", "add @s { ip saddr }", "tcp dport 80 drop", true],
  ["one asks, the other ends packets", "ip saddr @s accept", "tcp dport 80 drop", false],
  ["both forget and remember", "delete @s { ip saddr }", "update @s { ip saddr }", true],
  ["one fills a map, the other looks up", "add @m { ip saddr : meta mark }", "meta mark set ip saddr map @m", true],
  ["one fills a set, the other looks up a map", "add @s { ip saddr }", "meta mark set ip saddr map @m", false],
  ["both ask one limit", 'limit name "l" accept', 'limit name "l" accept', true],
  ["they ask two limits", 'limit name "l" accept', 'limit name "k" accept', false],
  ["each asks its own limit", "limit rate 1/minute accept", "limit rate 1/minute accept", false],
  ["one asks a shared limit, the other ends packets", 'limit name "l" accept', "tcp dport 80 drop", true],
  ["one marks the connection, the other asks for its state", "ct mark set 1", "ct state new accept", true],
  ["one writes a mark, the other asks for a part of it", "meta mark set 1", "meta mark & 2 == 2 accept", true],
  [
    "one writes a mark, the other compares a pair",
    "meta mark set 1",
    "meta mark . ip daddr { 1 . 10.0.0.1 } accept",
    true,
  ],
  ["one writes a mark, the other asks where packets come from", "meta mark set 1", "iifname eth0 accept", false],
  ["one writes a connection's mark, the other a packet's", "ct mark set 1", "meta mark set 1", false],
  ["one copies a mark, the other writes it", "ct mark set meta mark", "meta mark set 1", true],
  ["one queues, one drops", "queue", "drop", true],
  ["both queue", "queue", "queue", false],
  ["both count", "counter", "counter", false],
  ["both log, and drop", "log; drop", "log; drop", false],
  ["one counts, one drops", "counter", "drop", false],
  ["one returns, one drops", "return", "tcp dport 80 reject", false],
  ["one writes the connection, the other asks for it", "ct mark set 1", "ct mark 1 accept", true],
])("%s", (_, one, other, want) => {
  expect(inConflict(one, other)).toBe(want);
});

/** Lists of the host, by what iptables says of them. */
test.each<[one: string, other: string, want: boolean]>([
  ["-m set --match-set a src -j ACCEPT", "-m set --match-set a src -j ACCEPT", false],
  ["-m set --match-set a src -j ACCEPT", "-j SET --add-set a src", true],
  ["-m set --match-set a src -j ACCEPT", "-j SET --add-set b src", false],
  ["-m set --match-set a src -j ACCEPT", "-p tcp -j DROP", false],
  ["-j SET --add-set a src", "-p tcp -j DROP", true],
  ["-j SET --add-set a src", "-j SET --del-set a src", true],
  ["-m recent --rcheck --name a", "-m recent --set --name a", true],
  ["-m recent --rcheck --name a", "-m recent --rcheck --name a", false],
  ["-m recent --set --name a", "-m recent --set --name b", false],
  ["-m hashlimit --hashlimit-upto 1/min --hashlimit-name a -j ACCEPT", "-p tcp -j DROP", true],
])("%s, and %s: %s", (one, other, want) => {
  const lines = [one, other].map((rule, i) => `-A ${i === 0 ? "PREROUTING" : "FORWARD"} ${rule}`);
  const text = ["*mangle", ":PREROUTING ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ...lines, "COMMIT", ""].join("\n");
  const [table = expect.unreachable()] = mustReadIptables(text, "ip").ruleset.tables;
  const [a, b] = table.chains.flatMap((each) =>
    each.kind === "base" && each.rules.length > 0 ? [footprintOf(each, table)] : [],
  );
  if (a === undefined || b === undefined) return expect.unreachable();
  expect([areInConflict(a, b), areInConflict(b, a)]).toEqual([want, want]);
});

const nat = (name: string, rules: string): string =>
  `chain ${name} { type nat hook prerouting priority -100; ${rules} }`;

test.each<[rule: string, other: string, want: boolean]>([
  ["dnat to 10.0.0.1", "ip daddr 10.0.0.1 accept", true],
  ["tcp dport 81 redirect to :80", "tcp dport 80 accept", true],
  ["dnat to 10.0.0.1", "ct state new accept", true],
  ["dnat to 10.0.0.1", "fib daddr type local accept", true],
  ["dnat to 10.0.0.1", "meta mark 1 accept", false],
  ["dnat to 10.0.0.1", "iifname eth0 accept", false],
  ["accept", "ip daddr 10.0.0.1 accept", false],
])("%s, and the other chain: %s", (rule, other, want) => {
  const { tables } = mustReadNft(`table ip x {\n${nat("a", rule)}\n${base("b", other)}\n}`).ruleset;
  const [table = expect.unreachable()] = tables;
  const [a, b] = table.chains.flatMap((each) => (each.kind === "base" ? [footprintOf(each, table)] : []));
  if (a === undefined || b === undefined) return expect.unreachable();
  expect([areInConflict(a, b), areInConflict(b, a)]).toEqual([want, want]);
});
