/** Evaluations that are incomplete. */
import { expect, test } from "vitest";
import { Evaluator, knownOutcomes } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadIptables } from "../../support/read.ts";

test("who wants all outcomes is told that there are more of them", () => {
  const rules = Array.from({ length: 300 }, (_, i) => `-A FORWARD -m set --match-set s${i} src -j DROP`);
  const program = mustReadIptables(["*filter", ":FORWARD ACCEPT [0:0]", ...rules, "COMMIT", ""].join("\n"), "ip");
  const evaluator = new Evaluator(program);
  expect(knownOutcomes(evaluator.evaluate(PACKET, environmentOf([])))).toHaveLength(256);
  expect(() => evaluator.evaluateWhole(PACKET, environmentOf([]))).toThrow("there are more outcomes");
});
