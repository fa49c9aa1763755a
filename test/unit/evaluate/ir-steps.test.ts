/** Steps that the IR can say and few rules of nft and iptables do: what they are for several packets, at once and one by one. */
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { hasPorts, readsProtocol } from "../../../compiler/evaluate/field.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { concat, equal } from "../../../compiler/ir/build.ts";
import type { Expression, Match, Program, Step } from "../../../compiler/ir/types.ts";
import { DADDR, PACKET, SADDR } from "../../support/ir.ts";
import { fatesAlone, fatesTogether } from "../../support/many-packets.ts";
import { IPV6 } from "../../support/one-packet.ts";
import { mustReadNft } from "../../support/read.ts";

const DPORT: Expression = { kind: "transport", protocol: "tcp", field: "dport" };
const TTL: Expression = { kind: "header", field: "ip ttl" };
const MARK: Expression = { kind: "meta", key: "mark" };
const NUMBER: Expression = { kind: "numgen", mode: "random", modulus: 4, offset: 0 };

const SETS = `set pairs { type ipv4_addr . inet_service; elements = { 10.96.0.10 . 80 }; }
set ttls { typeof ip ttl . tcp dport; elements = { 5 . 80, 7 . 80 }; }
set filled { type ipv4_addr . inet_service; flags dynamic; }
map marks { type ipv4_addr : mark; flags dynamic; }
chain later { type filter hook postrouting priority 0; add @marks { ip saddr : 2 }; }
`;

/** Packets for which all of `steps` hold pass, all others are dropped by the next rule. `rules` come first. */
function filterBy(steps: readonly Step[], rules = ""): Program {
  const chain = `chain c { type filter hook prerouting priority 0; ${rules} meta mark 0x63 accept; drop; }`;
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
  return fates;
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
const ABSENT = { negated: true, orAbsent: true } as const;

type Row = [what: string, steps: readonly Step[], fates: readonly string[], members?: Partial<Packet>, rules?: string];

describe("keys that packets may lack", () => {
  const EARLIER = "remembered earlier: ip daddr . dport in @filled (after add ip saddr . sport in @filled)";
  const FILL = "add @filled { ip saddr . tcp sport };";
  test.each<Row>([
    ["in a set", [isIn("pairs", PAIR)], ["80: pass", "81: drop"]],
    ["in no set", [isIn("pairs", PAIR, ABSENT)], ["80: drop", "81: pass"]],
    ["in a set, of UDP", [isIn("pairs", PAIR)], ["80-81: drop"], UDP],
    ["in no set, of UDP", [isIn("pairs", PAIR, ABSENT)], ["80-81: pass"], UDP],
    ["in no set, not without a key, of UDP", [isIn("pairs", PAIR, { negated: true })], ["80-81: drop"], UDP],
    [
      "of which something is not known",
      [isIn("ttls", TTL_AND_PORT)],
      ["80: drop if not ip ttl 5,7 | pass if ip ttl 5,7", "81: drop"],
    ],
    [
      "of which something is not known, in no set",
      [isIn("ttls", TTL_AND_PORT, ABSENT)],
      ["80: drop if ip ttl 5,7 | pass if not ip ttl 5,7", "81: pass"],
    ],
    ["of which something is not known, of UDP", [isIn("ttls", TTL_AND_PORT)], ["80-81: drop"], UDP],
    ["of which something is not known, in no set, of UDP", [isIn("ttls", TTL_AND_PORT, ABSENT)], ["80-81: pass"], UDP],
    [
      "in a set that rules fill",
      [isIn("filled", PAIR)],
      [`80-81: drop if not ${EARLIER} | pass if ${EARLIER}`],
      {},
      FILL,
    ],
    ["in a set that rules fill, of UDP", [isIn("filled", PAIR)], ["80-81: drop"], UDP, FILL],
    ["in no set that rules fill, of UDP", [isIn("filled", PAIR, ABSENT)], ["80-81: pass"], UDP, FILL],
  ])("%s", (_, steps, fates, members = {}, rules = "") => {
    expect(fatesBy(steps, "dport 80-81", members, rules)).toEqual(fates);
  });
});

describe("values", () => {
  const BY_MAP: Expression = { kind: "lookup", key: SADDR, map: "marks" };
  const AFTER = "add @marks { ip daddr : 1 }";
  test.each<Row>([
    [
      "that a map holds which rules fill",
      [equal(BY_MAP, 1)],
      ["80-81: drop if not ip saddr map @marks == 1 | pass if ip saddr map @marks == 1"],
    ],
    [
      "that a map may hold by now",
      [equal(BY_MAP, 1)],
      [
        `80-81: drop if not ip saddr map @marks == 1 (after ${AFTER}) | pass if ip saddr map @marks == 1 (after ${AFTER})`,
      ],
      {},
      "add @marks { ip daddr : 1 };",
    ],
    [
      "that are combined with chance",
      [equal({ kind: "combine", operator: "and", left: NUMBER, right: NUMBER }, 3)],
      ["80-81: drop (94 %), or pass (6 %)"],
    ],
    ["of IPv4 in packets of IPv6", [equal({ kind: "header", field: "ip protocol" }, 6)], ["80-81: drop"], IPV6],
    ["of IPv6 in packets of IPv4", [equal({ kind: "header", field: "ip6 nexthdr" }, 6)], ["80-81: drop"]],
    ["of IPv6", [equal({ kind: "header", field: "ip6 nexthdr" }, 6)], ["80-81: pass"], IPV6],
    ["flags of TCP", [equal({ kind: "header", field: "tcp flags" }, 2)], ["80-81: pass"]],
    ["flags of UDP", [equal({ kind: "header", field: "tcp flags" }, 2)], ["80-81: drop"], UDP],
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
