/** What is told of a packet between two hooks. */
import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import type { Passage } from "../../../compiler/evaluate/passage.ts";
import { assumptionsOf } from "../../../compiler/evaluate/unknown/assumptions-of.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";

/** All that can have become of TCP from 10.0.0.1 behind a chain of postrouting. */
function behind(rules: string): Passage[] {
  const program = mustReadNft(`table ip t { chain c { type nat hook postrouting priority 100; ${rules}; } }`);
  const evaluator = new Evaluator(program);
  return evaluator.enter("postrouting", evaluator.start(PACKET, environmentOf([])));
}

test("the chance of it, and how a rule ended it", () => {
  const told = behind("numgen random mod 4 0 drop").map(({ probability, end }) => [probability, end?.kind]);
  expect(told).toEqual([
    [0.25, "drop"],
    [0.75, undefined],
  ]);
});

test("on what it depends, and what may have taken it", () => {
  const told = behind("queue to 1").map(({ condition, takenBy }) => {
    const { assumptions } = assumptionsOf(condition);
    return [assumptions.map(({ text, holds }) => `${text} ${holds}`), takenBy];
  });
  expect(told).toHaveLength(2);
  expect(told).toContainEqual([["queue to 1 true"], ["queue to 1"]]);
  expect(told).toContainEqual([["queue to 1 false"], []]);
});

test("what the kernel chooses of its source, its mark, and which rules had a say", () => {
  const [passage] = behind("meta mark set 5; snat to 1.1.1.1-1.1.1.2");
  expect(passage?.choices).toEqual([{ of: "address", text: "an address of 1.1.1.1-1.1.1.2" }]);
  expect(passage?.mark).toBe(5);
  expect(passage?.path.map((step) => (step.kind === "rule" ? step.effect.kind : step.kind))).toEqual([
    "write",
    "source",
  ]);
  expect(passage?.route).toBeUndefined();
});
