import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { equal, noBit } from "../../../compiler/ir/build.ts";
import type { BaseChain, InlineMap, Step } from "../../../compiler/ir/types.ts";
import { baseChain, ipv4, PACKET, programOf, ruleOf, STATUS } from "../../support/ir.ts";

const drop: Step = { kind: "verdict", verdict: { kind: "drop" } };
const MARK = { kind: "meta", key: "mark" } as const;
const OIFNAME = { kind: "meta", key: "oifname" } as const;

/** Verdicts for sets of assumptions: `drop if a, not b`. */
function outcomes(chains: readonly BaseChain[], packet: Packet = PACKET): string[] {
  return new Evaluator(programOf({ chains }))
    .evaluateWhole(packet, environmentOf([]))
    .map(({ verdict, assumptions }) => {
      const texts = assumptions.map(({ text, holds }) => (holds ? text : `not ${text}`));
      return texts.length === 0 ? verdict : `${verdict} if ${texts.join(", ")}`;
    })
    .sort();
}

function forward(...rules: (readonly Step[])[]): BaseChain[] {
  return [
    baseChain(
      "forward",
      "filter",
      rules.map((steps) => ruleOf(...steps)),
    ),
  ];
}

describe("what is not known is assumed both ways", () => {
  test("also behind a mask", () => {
    const left = { kind: "bitwise", operand: { kind: "opaque", text: "tcp option x" }, mask: 4, xor: 0 } as const;
    expect(outcomes(forward([{ kind: "compare", left, operator: "==", right: 4 }, drop]))).toEqual([
      "drop if (tcp option x & 4 ^ 0) == 4",
      "pass if not (tcp option x & 4 ^ 0) == 4",
    ]);
  });

  test("as a key of a verdict map: each verdict, and none", () => {
    const elements = [
      { key: ["eth1"], value: { kind: "drop" } },
      { key: ["eth2"], value: { kind: "accept" } },
      { key: ["eth3"], value: { kind: "drop" } },
    ] as const;
    const map: InlineMap = { key: ["ifname"], data: "verdict", elements };
    expect(outcomes(forward([{ kind: "vmap", key: OIFNAME, map }]))).toEqual([
      "accept if meta oifname == eth2",
      "drop if not meta oifname == eth2, meta oifname eth1,eth3",
      "pass if not meta oifname == eth2, not meta oifname eth1,eth3",
    ]);
  });

  test("the same unknown is assumed once", () => {
    const match: Step = { kind: "opaque", text: "u", negated: false };
    const other: Step = { kind: "opaque", text: "u", negated: true };
    expect(outcomes(forward([match, { kind: "verdict", verdict: { kind: "accept" } }], [other, drop]))).toEqual([
      "accept if u",
      "drop if not u",
    ]);
  });
});

test("the connection's status as a whole, which has bits of the kernel's own", () => {
  expect(outcomes(forward([equal(STATUS, 0), drop]))).toEqual(["drop if ct status == 0", "pass if not ct status == 0"]);
  expect(outcomes(forward([noBit(STATUS, 32), drop]))).toEqual(["drop"]);
});

describe("a statement that may write a mark", () => {
  const writes: Step = { kind: "opaque-statement", text: "-j CONNMARK", terminal: false, writes: [MARK] };

  test("makes tests of it unknown", () => {
    expect(outcomes(forward([writes], [equal(MARK, 1), drop]))).toEqual([
      "drop if meta mark == 1",
      "pass if not meta mark == 1",
    ]);
  });

  test("until the mark is set", () => {
    const set: Step = { kind: "set", field: MARK, value: { kind: "constant", type: "mark", value: 1 } };
    expect(outcomes(forward([writes], [set], [equal(MARK, 1), drop]))).toEqual(["drop"]);
  });

  test("as does an unknown value", () => {
    const set: Step = { kind: "set", field: MARK, value: { kind: "opaque", text: "meta cpu" } };
    expect(outcomes(forward([set], [equal(MARK, 0), drop]))).toEqual([
      "drop if meta mark == 0",
      "pass if not meta mark == 0",
    ]);
  });
});

describe("a packet without a connection", () => {
  const untrack: Step = {
    kind: "set",
    field: { kind: "ct", key: "state" },
    value: { kind: "constant", type: "ct_state", value: 64 },
  };
  const dnat: Step = {
    kind: "dnat",
    to: { kind: "literal", addresses: { from: ipv4("10.0.0.9"), to: ipv4("10.0.0.9") } },
    random: "none",
  };
  const nat = baseChain("prerouting", "nat", [ruleOf(dnat)], -100);

  test("is not translated", () => {
    expect(outcomes([nat])).toEqual(["dnat"]);
    expect(outcomes([baseChain("prerouting", "filter", [ruleOf(untrack)], -300), nat])).toEqual(["pass"]);
  });

  test("is none any more when connection tracking has seen it", () => {
    expect(outcomes([baseChain("prerouting", "filter", [ruleOf(untrack)], -150), nat])).toEqual(["dnat"]);
  });

  test("has no status, which some tests take for none set", () => {
    const invalid: Packet = { ...PACKET, ctState: "invalid" };
    expect(outcomes(forward([noBit(STATUS, 32), drop]), invalid)).toEqual(["pass"]);
    expect(outcomes(forward([{ ...noBit(STATUS, 32), orAbsent: true }, drop]), invalid)).toEqual(["drop"]);
  });
});
