/** Which step of a path was the last one that decided something. */
import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type PathStep } from "../../../compiler/evaluate/packet.ts";
import { pathWith, stepsOf } from "../../../compiler/evaluate/taken-path.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";

/** Of TCP from 10.0.0.1 to port 80, by the rules of a chain at prerouting. */
function pathOf(rules: string, type = "filter"): readonly PathStep[] {
  const program = mustReadNft(
    `table ip t { chain d { accept; } chain c { type ${type} hook prerouting priority -100; ${rules}; } }`,
  );
  const [outcome] = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  return outcome?.results[0]?.path ?? expect.unreachable();
}

/** `decided`: the number of the step; undefined: none has. */
test.each<[steps: number, decided: number | undefined, rules: string, type?: string]>([
  [1, undefined, "tcp dport 80 counter", "nat"],
  [1, undefined, "meta mark 1 drop"],
  [1, 0, "accept"],
  [1, 0, "drop"],
  [1, 0, "reject"],
  [1, 0, "queue"],
  [1, 0, "dnat to 10.0.0.9", "nat"],
  [2, undefined, "meta mark set 1"],
  [2, 1, "meta mark set 1; accept"],
  [2, 1, "jump d"],
  [2, undefined, "return"],
  [2, undefined, "ip saddr 10.0.0.2 meta mark set 1"],
])("of %i steps %s: %s", (count, decided, rules, type) => {
  const steps = pathOf(rules, type);
  expect(steps).toHaveLength(count);
  const path = pathWith(steps);
  expect(stepsOf(path)).toEqual(steps);
  expect(path?.decided?.step).toBe(decided === undefined ? undefined : steps[decided]);
});
