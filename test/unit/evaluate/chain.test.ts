/** What the rules of a chain do to many packets, each of which may take another way through them. */
import { expect, test } from "vitest";
import { PLAIN } from "../../../compiler/evaluate/chain.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import type { Runner } from "../../../compiler/evaluate/frame.ts";
import { environmentOf, hostOf } from "../../../compiler/evaluate/packet.ts";
import { fatesAlone, fatesTogether, type ManyPackets, packetsOf } from "../../support/many-packets.ts";
import { mustReadNft } from "../../support/read.ts";

const UDP = { members: { protocol: 17 } };
const ENDPOINTS = "map { 0 : 10.1.0.1, 1 : 10.1.0.2 }";
const DNAT = `chain n { type nat hook prerouting priority -100; dnat to numgen random mod 2 ${ENDPOINTS}; }`;

type Row = readonly [
  rules: string,
  fields: string,
  fates: readonly string[],
  more?: string,
  packets?: Partial<ManyPackets>,
];

test.each<[...Row]>([
  ["accept", "dport 79-81", ["79-81: pass"]],
  ["tcp dport 80 drop", "dport 79-81", ["79: pass", "80: drop", "81: pass"]],
  [
    "tcp dport 80-81 drop; tcp dport 81-82 reject",
    "dport 79-82",
    ["79: pass", "80-81: drop", "82: reject with port-unreachable"],
  ],
  ["tcp dport 80 accept; drop", "dport 79-81", ["79: drop", "80: pass", "81: drop"]],
  ["policy drop; tcp dport 80 accept", "dport 79-81", ["79: drop", "80: pass", "81: drop"]],
  ["policy drop; tcp dport 80 return; tcp dport 81 accept; return", "dport 79-81", ["79-80: drop", "81: pass"]],
  ["tcp dport 80 mark 5 drop", "dport 79-80, mark 4-5", ["79 4-80 4: pass", "80 5: drop"]],
  ["mark and 1 == 1 tcp dport 80 drop", "dport 80, mark 4-6", ["80 4: pass", "80 5: drop", "80 6: pass"]],
  ["udp dport 80 drop", "dport 79-80", ["79-80: pass"]],
  ["udp dport 80 drop", "dport 79-80", ["79: pass", "80: drop"], "", UDP],
  [
    "jump d; reject",
    "dport 79-81",
    ["79: reject with port-unreachable", "80: drop", "81: pass"],
    "chain d { tcp dport 80 drop; tcp dport 81 accept; }",
  ],
  [
    "jump d; reject",
    "dport 79-81",
    ["79: drop", "80: reject with port-unreachable", "81: drop"],
    "chain d { tcp dport 80 return; drop; }",
  ],
  ["goto d; reject", "dport 79-81", ["79: drop", "80: pass", "81: drop"], "chain d { tcp dport 80 return; drop; }"],
  [
    "tcp dport 80 goto d; reject",
    "dport 79-81",
    ["79: reject with port-unreachable", "80: pass", "81: reject with port-unreachable"],
    "chain d { counter; }",
  ],
  [
    "jump d; reject",
    "dport 79-81",
    ["79-81: reject with port-unreachable"],
    "chain d { goto e; drop; } chain e { return; drop; }",
  ],
  [
    "jump d; reject",
    "dport 79-81",
    ["79-81: drop"],
    "chain d { jump e; drop; } chain e { tcp dport 80 goto g; } chain g { return; }",
  ],
  [
    "tcp dport vmap { 80 : drop, 81 : jump d, 82 : continue }; reject",
    "dport 79-82",
    ["79: reject with port-unreachable", "80: drop", "81: pass", "82: reject with port-unreachable"],
    "chain d { accept; }",
  ],
  ["tcp dport 80 meta mark set 7; meta mark 7 drop", "dport 79-81", ["79: pass", "80: drop", "81: pass"]],
  [
    "tcp dport 80 meta mark set 7; meta mark 7 drop",
    "dport 80-81, mark 6-7",
    ["80 6-80 7: drop", "81 6: pass", "81 7: drop"],
  ],
  [
    "meta mark set tcp dport map { 80 : 7, 81 : 8 }; meta mark 7 drop; meta mark 0 reject",
    "dport 79-81",
    ["79: reject with port-unreachable", "80: drop", "81: pass"],
  ],
  [
    "numgen random mod 4 0 drop; tcp dport 80 reject",
    "dport 79-80",
    ["79: drop (25 %), or pass (75 %)", "80: drop (25 %), or reject with port-unreachable (75 %)"],
  ],
  ["numgen random mod 1000000 0-249999 drop", "dport 80", ["80: drop (25 %), or pass (75 %)"]],
  [
    "numgen random mod 4 0 tcp dport 80 drop; numgen random mod 2 0 reject",
    "dport 79-80",
    [
      "79: pass (50 %), or reject with port-unreachable (50 %)",
      "80: drop (25 %), or pass (38 %), or reject with port-unreachable (38 %)",
    ],
  ],
  [
    "ip daddr 10.1.0.1 drop",
    "dport 79-80",
    ["79: drop (50 %), or to 10.1.0.2:79 (50 %)", "80: drop (50 %), or to 10.1.0.2:80 (50 %)"],
    DNAT,
  ],
  [
    "ip daddr 10.1.0.1 tcp dport 80 drop",
    "dport 79-80",
    ["79: to 10.1.0.1:79 (50 %), or to 10.1.0.2:79 (50 %)", "80: drop (50 %), or to 10.1.0.2:80 (50 %)"],
    DNAT,
  ],
  ["ip daddr 10.1.0.3 drop", "dport 80", ["80: to 10.1.0.1:80 (50 %), or to 10.1.0.2:80 (50 %)"], DNAT],
  [
    "meta mark set jhash ip saddr mod 3; meta mark 1 tcp dport 80 drop",
    "dport 79-80",
    ["79: pass", "80: drop if meta mark == 1 | pass if not meta mark == 1"],
  ],
  [
    "meta mark set jhash ip saddr mod 3; meta mark 1 tcp dport 80 ip saddr 10.244.0.6 drop",
    "saddr 10.244.0.5-10.244.0.6",
    ["10.244.0.5: pass", "10.244.0.6: drop if meta mark == 1 | pass if not meta mark == 1"],
  ],
  ["meta priority 0:1 drop", "dport 80", ["80: pass"]],
  ["meta priority none drop", "dport 80", ["80: drop"]],
  [
    "meta mark set meta mark | 4; meta mark 5 drop",
    "dport 80, mark 0-6",
    ["80 0: pass", "80 1: drop", "80 2-80 4: pass", "80 5: drop", "80 6: pass"],
  ],
  [
    "meta mark set meta mark & 1; meta mark 1 drop",
    "dport 80, mark 0-3",
    ["80 0: pass", "80 1: drop", "80 2: pass", "80 3: drop"],
  ],
  ["ct mark set meta mark; ct mark 1 drop", "dport 80, mark 0-2", ["80 0: pass", "80 1: drop", "80 2: pass"]],
  [
    "ct mark set meta mark; meta mark set 9; meta mark set ct mark; meta mark 1 drop",
    "dport 80, mark 0-2",
    ["80 0: pass", "80 1: drop", "80 2: pass"],
  ],
  [
    "tcp dport 80 meta mark set meta mark ^ 1; meta mark 1 drop",
    "dport 79-80, mark 0-1",
    ["79 0: pass", "79 1-80 0: drop", "80 1: pass"],
  ],
  [
    "ct status dnat drop",
    "dport 79-80",
    ["79: pass", "80: drop"],
    "chain n { type nat hook prerouting priority -100; tcp dport 80 dnat to 10.1.0.1; }",
  ],
])("%s: %s: %j", (rules, fields, fates, more = "", packets = {}) => {
  const program = mustReadNft(`table ip t { ${more} chain f { type filter hook forward priority 0; ${rules}; } }`);
  expect(fatesTogether(program, { fields, ...packets })).toEqual(fates);
  expect(fatesAlone(program, { fields, ...packets })).toEqual(fates);
});

const TRANSLATED = { members: { ctState: "established" as const } };

/** Those are dropped that connection tracking calls translated: rules send them somewhere else than where they go. */
test.each<[rules: string, fields: string, fates: readonly string[], packets?: Partial<ManyPackets>]>([
  [
    "dnat to 10.96.0.10",
    "daddr 10.96.0.9-10.96.0.11",
    ["10.96.0.9: drop", "10.96.0.10: to 10.96.0.10:80", "10.96.0.11: drop"],
  ],
  ["meta l4proto tcp dnat to :80", "dport 79-81", ["79: drop", "80: to 10.96.0.10:80", "81: drop"]],
  [
    "meta l4proto tcp dnat to 10.96.0.10:80",
    "daddr 10.96.0.9-10.96.0.10, dport 80-81",
    ["10.96.0.9 80-10.96.0.9 81: drop", "10.96.0.10 80: to 10.96.0.10:80", "10.96.0.10 81: drop"],
  ],
  [
    "ip daddr 10.96.0.0/24 dnat prefix to 10.96.0.0/24",
    "daddr 10.96.0.9-10.96.0.10",
    ["10.96.0.9: to 10.96.0.9:80", "10.96.0.10: to 10.96.0.10:80"],
  ],
  ["ip daddr 10.96.0.0/24 dnat prefix to 10.96.1.0/24", "daddr 10.96.0.9-10.96.0.10", ["10.96.0.9-10.96.0.10: drop"]],
  [
    "ip daddr 10.96.0.0/15 dnat prefix to 10.96.0.0/16",
    "daddr 10.96.0.9 10.97.0.9",
    ["10.96.0.9: to 10.96.0.9:80", "10.97.0.9: drop"],
  ],
  ["dnat to 10.1.0.1", "ctstatus 0 32", ["0: pass", "32: drop"], TRANSLATED],
])("NAT by %s: %s: %j", (rules, fields, fates, packets = {}) => {
  const program = mustReadNft(`table ip t {
chain n { type nat hook prerouting priority -100; ${rules}; }
chain f { type filter hook forward priority 0; ct status dnat drop; }
}`);
  expect(fatesTogether(program, { fields, ...packets })).toEqual(fates);
  expect(fatesAlone(program, { fields, ...packets })).toEqual(fates);
});

/** Which lists of branches are to be merged, by the number of their branches, and how many steps are counted. */
function workOf(rules: string, fields: string, environment = environmentOf([])) {
  const tidied: number[] = [];
  let spent = 0;
  const watching: Runner = {
    ...PLAIN,
    tidy: (branches) => {
      tidied.push(branches.length);
      return PLAIN.tidy(branches);
    },
    merge: (states) => {
      // The ways of many packets would be too many.
      for (const { shared } of states) if (!shared.isSingle) expect(shared.path).toBeUndefined();
      return states;
    },
  };
  const spend = (steps: number): void => {
    spent += steps;
  };
  new Evaluator(
    mustReadNft(`table ip t { chain f { type filter hook prerouting priority 0; ${rules}; } }`),
    watching,
  ).follow(packetsOf({ fields }), { ...environment, spend });
  return { tidied, spent };
}

/** Behind a rule that asks for two fields there are more branches. */
test.each<[rules: string, fields: string, tidied: readonly number[]]>([
  ["tcp dport 80 ip saddr 10.244.0.5 drop", "dport 79-81, saddr 10.244.0.5-10.244.0.6", [2]],
  ["tcp dport 80 drop", "dport 79-81", []],
  ["tcp dport 79-81 drop", "dport 79-81", []],
  ["tcp dport 80 drop", "dport 80", []],
])("%s makes more branches of %s: %j", (rules, fields, tidied) => {
  expect(workOf(rules, fields).tidied).toEqual(tidied);
});

test.each<[what: string, rules: string]>([
  ["that a policy has accepted", "counter"],
  ["that a rule has missed by their source", "ip saddr 10.0.0.1 meta mark set 1"],
  ["that a rule has missed by its last match", "tcp dport 79-81 fib saddr type local meta mark set 1"],
])("no way is kept of many packets %s", (_, rules) => {
  expect(workOf(rules, "dport 79-81").spent).toBe(1);
});

/** Steps that two more rules take. */
test.each<[rule: string, steps: number]>([
  ["tcp dport 80 counter", 2],
  ["fib daddr type local counter", 4],
])("who tells packets apart by whose address it is: %s", (rule, steps) => {
  const spentOn = (rules: string): number => workOf(rules, "dport 80", hostOf([])).spent;
  spentOn(rule); // Conditions that are new are counted, too.
  expect(spentOn(`${rule}; counter; counter`) - spentOn(rule)).toBe(steps);
});
