/** Which base chains can change places without anybody seeing it. */
import { expect, test } from "vitest";
import { areInConflict, footprintOf } from "../../../compiler/evaluate/footprint.ts";
import type { BaseChain } from "../../../compiler/ir/types.ts";
import { mustReadNft } from "../../support/read.ts";

const SETS =
  "set s { type ipv4_addr; flags dynamic; }\nset t { type ipv4_addr; flags dynamic; }\nchain called { drop; }";
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
  ["both drop", "ip daddr 10.0.0.1 drop", "ip daddr 10.0.0.2 drop", false],
  ["one drops by its policy", "policy drop; accept", "ip daddr 10.0.0.2 drop", false],
  ["one drops, one rejects", "ip daddr 10.0.0.1 drop", "tcp dport 80 reject", true],
  ["a policy drops, one rejects", "policy drop; accept", "tcp dport 80 reject", true],
  ["a called chain drops, one rejects", "jump called", "tcp dport 80 reject", true],
  ["two kinds of reject", "reject with icmp host-unreachable", "reject", true],
  ["one kind of reject", "reject", "reject", false],
  ["a map may drop", "ip daddr vmap { 10.0.0.1 : accept }", "reject", true],
  ["one writes what the other reads", "meta mark set 1", "meta mark 1 accept", true],
  ["one writes what the other writes", "meta mark set 1", "meta mark set 2", true],
  ["one writes what the other does not read", "meta mark set 1", "ip daddr 10.0.0.1 accept", false],
  ["both read the same", "meta mark 1 accept", "meta mark 1 accept", false],
  ["one remembers what the other asks for", "add @s { ip saddr }", "ip saddr @s accept", true],
  ["one remembers what the other remembers", "add @s { ip saddr }", "add @s { ip saddr }", true],
  ["one remembers elsewhere", "add @s { ip saddr }", "add @t { ip saddr }", false],
  ["one remembers, the other ends packets", "add @s { ip saddr }", "tcp dport 80 drop", true],
  ["one asks, the other ends packets", "ip saddr @s accept", "tcp dport 80 drop", false],
  ["one writes the connection, the other asks for it", "ct mark set 1", "ct mark 1 accept", true],
])("%s", (_, one, other, want) => {
  expect(inConflict(one, other)).toBe(want);
});
