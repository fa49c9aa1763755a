/** What judges change in programs. */
import { describe, expect, test } from "vitest";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import {
  dropUndecided,
  hasMemory,
  mostChoices,
  rememberNobody,
  takeTurns,
  turnOf,
} from "../../../runtime/kernel/changes.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

/** The rules of a chain with one of them, as `change` leaves it. */
function changed(change: (program: Program) => Program, rule: string): string | undefined {
  const program = mustReadNft(`table ip t {
  map m { typeof numgen random mod 9 : ip daddr; }
  set s { type ipv4_addr; flags dynamic, timeout; timeout 30s; }
  chain c { type nat hook prerouting priority dstnat; policy accept;
    ${rule}
  }
}
`);
  const text = change(program)
    .ruleset.tables.map((table) => printTable(table))
    .join("");
  return /policy accept;\n\t\t(.*)\n/.exec(text)?.[1];
}

test.each([
  ["dnat ip to numgen random mod 9 map @m", "dnat ip to numgen inc mod 9 map @m"],
  ["numgen random mod 4 offset 7 < 9 drop", "numgen inc mod 4 offset 7 < 9 drop"],
  ["meta mark set numgen inc mod 2", "meta mark set numgen inc mod 2"],
  ["meta random & 2147483647 < 715827883 accept", "numgen inc mod 3 0 accept"],
  ["meta random & 2147483647 < 1610612736 accept", "numgen inc mod 4 != 0 accept"],
  ["tcp dport 80 accept", "tcp dport 80 accept"],
])("%s takes turns", (rule, wanted) => {
  expect(changed(takeTurns, rule)).toBe(wanted);
});

test.each([
  [0, undefined],
  [2 ** 31, undefined],
  [2 ** 30, { of: 2, negated: false }],
  [Math.round(2 ** 31 / 7), { of: 7, negated: false }],
  [2 ** 31 - Math.round(2 ** 31 / 7), { of: 7, negated: true }],
])("a chance of %d is a turn", (numerator, wanted) => {
  expect(turnOf(numerator)).toEqual(wanted);
});

test.each([
  ["update @s { ip saddr timeout 5s } accept", "counter accept"],
  ["tcp dport 80 add @s { ip saddr } accept", "tcp dport 80 counter accept"],
  ["delete @s { ip saddr }", "delete @s { ip saddr }"],
  ["ip saddr @s accept", "ip saddr @s accept"],
])("%s remembers nobody", (rule, wanted) => {
  expect(changed(rememberNobody, rule)).toBe(wanted);
});

test("the most endpoints that are chosen among", () => {
  const choosing = (...rules: string[]): number =>
    mostChoices(
      mustReadIptables(["*nat", ...rules.map((rule) => `-A PREROUTING ${rule}`), "COMMIT", ""].join("\n"), "ip"),
    );
  const chance = (probability: number): string => `-m statistic --mode random --probability ${probability} -j ACCEPT`;
  expect(choosing("-p tcp -j ACCEPT")).toBe(1);
  expect(choosing(chance(0.2), chance(0.25), chance(0.33333))).toBe(5);
  expect(choosing("-m statistic --mode nth --every 6 --packet 2 -j ACCEPT")).toBe(6);
});

test("what remembers clients", () => {
  const memory = (rule: string): boolean => hasMemory(mustReadIptables(`*nat\n-A PREROUTING ${rule}\nCOMMIT\n`, "ip"));
  expect(memory("-m recent --set --name a --mask 255.255.255.255 --rsource -j ACCEPT")).toBe(true);
  expect(memory("-m recent --rcheck --name a --mask 255.255.255.255 --rsource -j ACCEPT")).toBe(false);
});

describe("what drops what is not accepted", () => {
  const dropping = (text: string, ...hooks: Parameters<typeof dropUndecided>[1]): string[] =>
    dropUndecided(mustReadNft(text), hooks).flatMap((table) =>
      table.chains.map((chain) => {
        if (chain.kind !== "base") throw new Error("a base chain is expected");
        return `${table.family} ${table.name} ${chain.name} ${chain.hook} ${chain.policy} ${chain.rules.length}`;
      }),
    );

  test("is the chain that accepts, whatever its priority is called", () => {
    const chain = (name: string, rest: string): string =>
      `chain ${name} { type filter hook ${rest}; tcp dport 80 accept; }\n`;
    const text = `table inet t {
      ${chain("a", "input priority filter; policy accept")}${chain("b", "input priority 0")}
      ${chain("c", "input priority 10; policy accept")}${chain("d", "forward priority 0")}
    }\n`;
    expect(dropping(text, "input")).toEqual(["inet t a input drop 0", "inet t b input drop 0"]);
    expect(dropping(text, "input", "forward")).toHaveLength(3);
  });

  test("is another table for a family without such a chain", () => {
    const text = "table ip t {\nchain c { type filter hook input priority filter; policy accept; }\n}\n";
    expect(dropping(text, "input")).toEqual(["ip t c input drop 0", "ip6 drop-undecided filter-input input drop 0"]);
    expect(dropping("table arp t {\n}\n", "output")).toEqual([
      "ip drop-undecided filter-output output drop 0",
      "ip6 drop-undecided filter-output output drop 0",
    ]);
  });
});
