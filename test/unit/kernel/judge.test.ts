/** What single packets show, and what most of them do. */
import { expect, test } from "vitest";
import type { Ipv4 } from "../../../compiler/net/address.ts";
import { judgeMasquerades } from "../../../runtime/kernel/judge.ts";
import type { Observation } from "../../../runtime/kernel/observe.ts";

function arrivals(port: number, masquerades: readonly boolean[]): Observation[] {
  return masquerades.map((masquerade) => ({
    kind: "arrived",
    address: 0x0ab40001 as Ipv4,
    port,
    translated: true,
    masquerade,
    local: false,
  }));
}

function verdicts(observations: readonly Observation[]): boolean[] {
  return judgeMasquerades(observations).flatMap((each) => (each.kind === "arrived" ? [each.masquerade] : []));
}

test("one packet whose port was taken does not make a masquerade, one that kept its port does not unmake it", () => {
  expect(verdicts(arrivals(8080, [false, true, false]))).toEqual([false, false, false]);
  expect(verdicts(arrivals(8080, [true, false, true]))).toEqual([true, true, true]);
});

test("each destination is settled for itself", () => {
  const observations = [...arrivals(8080, [true, true, false]), ...arrivals(8081, [false, false, true])];
  expect(verdicts(observations)).toEqual([true, true, true, false, false, false]);
});

test("what did not arrive stays as it is", () => {
  expect(judgeMasquerades([{ kind: "drop" }])).toEqual([{ kind: "drop" }]);
});
