/** What a lab has seen beside a prediction, without a lab: sightings are made from the prediction. */
import { describe, expect, test } from "vitest";
import { required } from "../../../compiler/invariant.ts";
import { type ExpectedSighting, expectedSightings } from "../../../compiler/walk/expected.ts";
import { compareWalk } from "../../../runtime/lab/compare-walk.ts";
import type { LabSighting } from "../../../runtime/lab/sightings.ts";
import { describeShop, flowOf } from "../../support/walks.ts";

const { walker } = describeShop({ pods: "bridge" });
/** Nobody has the address: the gateway gets the packet, and no answer comes. */
const walk = walker.walk(flowOf("pod/shop/client > 10.250.0.1:80"));
const requests = expectedSightings(required(walk.branches[0], "there is a branch").there).map(sighted);

function sighted({ host, interface: name, direction, tuple, ttl }: ExpectedSighting): LabSighting {
  const packet = { protocol: 6, tuple, ttl, role: "request" } as const;
  return { host, interface: name, direction, packet, frame: { bytes: Buffer.alloc(0), length: 74, time: 0n } };
}

function isEqual(sightings: readonly LabSighting[]): boolean | undefined {
  return compareWalk(walk, { answer: { kind: "silence" }, sightings })?.isEqual;
}

describe("packets that are sent again", () => {
  test("there is more than one place", () => expect(requests.length).toBeGreaterThan(2));
  test("one packet", () => expect(isEqual(requests)).toBe(true));
  test("one after the other", () => expect(isEqual([...requests, ...requests])).toBe(true));
  test("side by side, when a neighbour has answered", () =>
    expect(isEqual(requests.flatMap((each) => [each, each]))).toBe(true));
  test("side by side, when the first one has waited for a processor on its way", () => {
    const both = (places: readonly LabSighting[]): LabSighting[] => places.flatMap((each) => [each, each]);
    const [first, rest] = [requests.slice(0, 2), requests.slice(2)];
    expect(isEqual([...first, ...first, ...both(rest)])).toBe(true);
    expect(isEqual([...first, ...first, ...rest, ...rest])).toBe(true);
    expect(isEqual([...first, ...first, ...both(rest.slice(1))])).toBe(false);
    expect(isEqual([...first, ...first, ...both(rest.slice(0, -1)), ...rest.slice(-1)])).toBe(false);
  });
  test("the second one alone goes on", () =>
    expect(isEqual([...requests.slice(0, 2), ...requests.slice(0, 1), ...requests.slice(2)])).toBe(false));
  test("both are lost", () => expect(isEqual(requests.slice(0, 2).flatMap((each) => [each, each]))).toBe(false));
});
