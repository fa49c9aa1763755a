/** Steps that the IR can say and few rules of nft and iptables do: what they are for several packets, at once and one by one. */
import { describe, expect, test } from "vitest";
import type { ConnectionEntry, Tuple } from "../../../compiler/evaluate/connection.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { hasPorts, OF_ENTRY, readsProtocol } from "../../../compiler/evaluate/field.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { Question } from "../../../compiler/evaluate/question.ts";
import { concat, equal } from "../../../compiler/ir/build.ts";
import type { CtKey, Expression, Interval, Match, Program, Step, Value } from "../../../compiler/ir/types.ts";
import type { ValueTest } from "../../../compiler/ir/value-test.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { intervalsIn } from "../../../compiler/packets/ranges.ts";
import { DADDR, PACKET, SADDR } from "../../support/ir.ts";
import { fatesAlone, fatesTogether } from "../../support/many-packets.ts";
import { IPV6 } from "../../support/one-packet.ts";
import { mustReadNft } from "../../support/read.ts";

const DPORT: Expression = { kind: "transport", protocol: "tcp", field: "dport" };
const TTL: Expression = { kind: "header", field: "ip ttl" };
const MARK: Expression = { kind: "meta", key: "mark" };
const CT_MARK: Expression = { kind: "ct", key: "mark" };
const UNTRACKED = { ctState: "untracked" } as const;
const marks = (left: Expression, right: Expression): Expression => ({ kind: "combine", operator: "and", left, right });
const NUMBER: Expression = { kind: "numgen", mode: "random", modulus: 4, offset: 0 };

const SETS = `set pairs { type ipv4_addr . inet_service; elements = { 10.96.0.10 . 80 }; }
set all { typeof ip ttl; elements = { 5, * }; }
set numbered { typeof ip ttl . meta mark; elements = { 5 . 7 }; }
map numbers { type ipv4_addr : mark; elements = { 10.96.0.10 : 7 }; }
set ttls { typeof ip ttl . tcp dport; elements = { 5 . 80, 7 . 80 }; }
set filled { type ipv4_addr . inet_service; flags dynamic; }
map marks { type ipv4_addr : mark; flags dynamic; }
chain later { type filter hook postrouting priority 0; add @marks { ip saddr : 2 }; }
`;

/** Packets for which all of `steps` hold pass, all others are rejected by the next rule; who comes to neither is dropped. `rules` come
 *  first. */
function filterBy(steps: readonly Step[], rules = ""): Program {
  const chain = `chain c { type filter hook prerouting priority 0; policy drop; ${rules} meta mark 0x63 accept; reject; }`;
  const { ruleset, routes } = mustReadNft(`table inet t {\n${SETS}${chain}\n}`);
  const tables = ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((each) => ({
      ...each,
      rules: each.rules.map((rule) => ({
        ...rule,
        steps: rule.steps.flatMap((step) => (step.kind === "compare" && step.right === 0x63 ? steps : [step])),
      })),
    })),
  }));
  return { ruleset: { tables }, routes };
}

function fatesBy(steps: readonly Step[], fields: string, members: Partial<Packet> = {}, rules = ""): string[] {
  const program = filterBy(steps, rules);
  const fates = fatesTogether(program, { fields, members });
  expect(fatesAlone(program, { fields, members })).toEqual(fates);
  return fates.map((fate) => fate.replaceAll("reject with port-unreachable", "no").replaceAll("pass", "yes"));
}

const UDP = { protocol: 17 };
const isIn = (set: string, key: Expression, rest: Partial<Extract<Match, { kind: "member" }>> = {}): Match => ({
  kind: "member",
  key,
  set,
  negated: false,
  ...rest,
});
const PAIR = concat(DADDR, DPORT);
const TTL_AND_PORT = concat(TTL, DPORT);
/** The value of a map, where the map has one, and something that is not known. */
const NUMBERED = concat(TTL, { kind: "lookup", key: DADDR, map: "numbers" });
const ABSENT = { negated: true, orAbsent: true } as const;

type Row = [what: string, steps: readonly Step[], fates: readonly string[], members?: Partial<Packet>, rules?: string];

describe("keys that packets may lack", () => {
  const EARLIER = "remembered earlier: ip daddr . dport in @filled (after add ip saddr . sport in @filled)";
  const FILL = "add @filled { ip saddr . tcp sport };";
  test.each<Row>([
    ["in a set", [isIn("pairs", PAIR)], ["80: yes", "81: no"]],
    ["in no set", [isIn("pairs", PAIR, ABSENT)], ["80: no", "81: yes"]],
    ["in a set, of UDP", [isIn("pairs", PAIR)], ["80-81: no"], UDP],
    ["in no set, of UDP", [isIn("pairs", PAIR, ABSENT)], ["80-81: yes"], UDP],
    ["in no set, not without a key, of UDP", [isIn("pairs", PAIR, { negated: true })], ["80-81: no"], UDP],
    [
      "of which something is not known",
      [isIn("ttls", TTL_AND_PORT)],
      ["80: yes if ip ttl 5,7 | no if not ip ttl 5,7", "81: no"],
    ],
    [
      "of which something is not known, in no set",
      [isIn("ttls", TTL_AND_PORT, ABSENT)],
      ["80: yes if not ip ttl 5,7 | no if ip ttl 5,7", "81: yes"],
    ],
    ["of which something is not known, of UDP", [isIn("ttls", TTL_AND_PORT)], ["80-81: no"], UDP],
    ["of which something is not known, in no set, of UDP", [isIn("ttls", TTL_AND_PORT, ABSENT)], ["80-81: yes"], UDP],
    ["of which something is not known, in a set for all others", [isIn("all", TTL)], ["80-81: yes"]],
    ["of which something is not known, in no set of all others", [isIn("all", TTL, ABSENT)], ["80-81: no"]],
    ["in a set that rules fill", [isIn("filled", PAIR)], [`80-81: yes if ${EARLIER} | no if not ${EARLIER}`], {}, FILL],
    ["in a set that rules fill, of UDP", [isIn("filled", PAIR)], ["80-81: no"], UDP, FILL],
    ["in no set that rules fill, of UDP", [isIn("filled", PAIR, ABSENT)], ["80-81: yes"], UDP, FILL],
  ])("%s", (_, steps, fates, members = {}, rules = "") => {
    expect(fatesBy(steps, "dport 80-81", members, rules)).toEqual(fates);
  });
});

test("a set has a client that is remembered", () => {
  const environment = { ...environmentOf([]), remembered: new Map([["pairs", new Set(["174063628 80"])]]) };
  const has = (steps: readonly Step[], daddr: string): string[] =>
    fatesAlone(filterBy(steps), { fields: `daddr ${daddr}`, environment });
  expect(has([isIn("pairs", PAIR)], "10.96.0.12")).toEqual(["10.96.0.12: pass"]);
  expect(has([isIn("pairs", PAIR, { negated: true })], "10.96.0.12")).toEqual([
    "10.96.0.12: reject with port-unreachable",
  ]);
  expect(has([isIn("pairs", PAIR, { negated: true })], "10.96.0.13")).toEqual(["10.96.0.13: pass"]);
});

test("packets of which some have a key", () => {
  const [first, second] = ["10.96.0.9", "10.96.0.10"];
  const fields = `daddr ${first}-${second}`;
  expect(fatesBy([isIn("numbered", NUMBERED)], fields)).toEqual([
    `${first}: no`,
    `${second}: yes if ip ttl == 5 | no if not ip ttl == 5`,
  ]);
  expect(fatesBy([isIn("numbered", NUMBERED, ABSENT)], fields)).toEqual([
    `${first}: yes`,
    `${second}: yes if not ip ttl == 5 | no if ip ttl == 5`,
  ]);
});

describe("values", () => {
  const BY_MAP: Expression = { kind: "lookup", key: SADDR, map: "marks" };
  const AFTER = "add @marks { ip daddr : 1 }";
  test.each<Row>([
    [
      "that a map holds which rules fill",
      [equal(BY_MAP, 1)],
      ["80-81: yes if ip saddr map @marks == 1 | no if not ip saddr map @marks == 1"],
    ],
    [
      "that a map may hold by now",
      [equal(BY_MAP, 1)],
      [`80-81: yes if ip saddr map @marks == 1 (after ${AFTER}) | no if not ip saddr map @marks == 1 (after ${AFTER})`],
      {},
      "add @marks { ip daddr : 1 };",
    ],
    [
      "that a map may hold by now, below a number",
      [{ kind: "compare", left: BY_MAP, operator: "<", right: 5 }],
      [
        `80-81: yes if ip saddr map @marks < 5 (after ${AFTER}, add @marks { ip saddr : 2 }) | no if not ip saddr map @marks < 5 (after ${AFTER}, add @marks { ip saddr : 2 })`,
      ],
      {},
      "add @marks { ip daddr : 1 }; add @marks { ip saddr : 2 };",
    ],
    [
      "of packets that are not tracked, shifted",
      [equal({ kind: "shift", operand: CT_MARK, by: 1 }, 0)],
      ["80-81: no"],
      UNTRACKED,
    ],
    ["of packets that are not tracked, combined", [equal(marks(CT_MARK, MARK), 0)], ["80-81: no"], UNTRACKED],
    ["of packets that are not tracked, in a combination", [equal(marks(MARK, CT_MARK), 0)], ["80-81: no"], UNTRACKED],
    ["that are combined", [equal(marks(MARK, CT_MARK), 0)], ["80-81: yes"]],
    [
      "that are combined with chance",
      [equal({ kind: "combine", operator: "and", left: NUMBER, right: NUMBER }, 3)],
      ["80-81: yes (6 %), or no (94 %)"],
    ],
    [
      "that only fragments have, behind what puts them together",
      [{ kind: "opaque", text: "-f", negated: false }],
      ["80-81: no"],
      {},
      "ct state new;",
    ],
    ["of IPv4 in packets of IPv6", [equal({ kind: "header", field: "ip protocol" }, 6)], ["80-81: no"], IPV6],
    ["of IPv6 in packets of IPv4", [equal({ kind: "header", field: "ip6 nexthdr" }, 6)], ["80-81: no"]],
    ["of IPv6", [equal({ kind: "header", field: "ip6 nexthdr" }, 6)], ["80-81: yes"], IPV6],
    ["flags of TCP", [equal({ kind: "header", field: "tcp flags" }, 2)], ["80-81: yes"]],
    ["flags of UDP", [equal({ kind: "header", field: "tcp flags" }, 2)], ["80-81: no"], UDP],
  ])("%s", (_, steps, fates, members = {}, rules = "") => {
    expect(fatesBy(steps, "dport 80-81", members, rules)).toEqual(fates);
  });

  const NAME: Expression = { kind: "meta", key: "iifname" };
  test.each<[string, Expression]>([
    ["a name", { kind: "bitwise", operand: NAME, mask: 1, xor: 0 }],
    ["by a name", { kind: "bitwise", operand: MARK, mask: "eth0", xor: 0 }],
    ["with a name", { kind: "bitwise", operand: MARK, mask: 1, xor: "eth0" }],
  ])("there are no bits: %s", (_, left) => {
    const evaluator = new Evaluator(filterBy([equal(left, 1)]));
    expect(() => evaluator.evaluateWhole(PACKET, environmentOf([]))).toThrow("names have no bits");
  });
});

test.each<[value: Value, key: CtKey]>([
  [1, "original-saddr"],
  [2, "original-daddr"],
  [3, "original-proto-src"],
  [4, "original-proto-dst"],
  [5, "reply-saddr"],
  [6, "reply-daddr"],
  [7, "reply-proto-src"],
  [8, "reply-proto-dst"],
])("the entry of a connection gives %i as %s", (value, key) => {
  const [original, reply] = [1, 5].map((n) => ({
    ...{ source: n as Address, destination: (n + 1) as Address },
    ...{ sourcePort: n + 2, destinationPort: n + 3 },
  })) as [Tuple, Tuple];
  const entry: ConnectionEntry = { protocol: 6, original, reply, status: 0, mark: 0 };
  expect(OF_ENTRY.get(key)?.(entry)).toBe(value);
  expect([...OF_ENTRY]).toHaveLength(8);
});

/** A program can be searched by values only where no others pass. */
test.each<[values: readonly Interval[] | undefined, match: ValueTest]>([
  [[{ from: 80, to: 80 }], equal(DPORT, 80)],
  [undefined, { kind: "compare", left: DPORT, operator: "!=", right: 80 }],
  [[{ from: 0, to: 79 }], { kind: "compare", left: DPORT, operator: "<", right: 80 }],
  [undefined, { kind: "compare", left: DPORT, operator: "<", right: 80, orAbsent: true }],
  [[{ from: 5, to: 6 }], { kind: "within", left: DPORT, negated: false, intervals: [{ from: 5, to: 6 }] }],
  [undefined, { kind: "within", left: DPORT, negated: true, intervals: [{ from: 5, to: 6 }] }],
  [undefined, { kind: "name-prefix", left: { kind: "meta", key: "iifname" }, negated: false, prefix: "eth" }],
])("%j are the only values that pass %j", (values, match) => {
  const passing = new Question(match).valuesPassing;
  expect(passing && intervalsIn(passing)).toEqual(values);
});

test.each<[has: boolean, protocol: number]>([
  [false, 1],
  [true, 6],
  [true, 17],
  [true, 33],
  [false, 34],
  [false, 50],
  [true, 132],
  [true, 136],
  [false, 137],
])("it is %s that packets of protocol %i have ports", (has, protocol) => {
  expect(hasPorts(protocol)).toBe(has);
});

test.each<[reads: boolean, expression: Expression]>([
  [true, { kind: "meta", key: "l4proto" }],
  [false, MARK],
  [true, { kind: "ct", key: "original-protocol" }],
  [false, { kind: "ct", key: "mark" }],
  [true, { kind: "header", field: "ip protocol" }],
  [true, { kind: "header", field: "ip6 nexthdr" }],
  [false, TTL],
  [false, SADDR],
])("it is %s that the protocol is what is read by %o", (reads, expression) => {
  expect(readsProtocol(expression)).toBe(reads);
});
