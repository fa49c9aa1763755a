/** Each fault of a cluster is found on the walk that meets it, at its host and its line, and nothing is found without it. */
import { describe, expect, test } from "vitest";
import { FAULTS } from "../../support/all-faults.ts";
import { findingsOfFlow, lineOf, UNHEALTHY_NODE } from "../../support/faults.ts";
import { EVERYTHING } from "../../support/runs.ts";

/** Most faults are there in both families: the quick set has those of IPv4. */
const HELD = [...FAULTS, UNHEALTHY_NODE].filter(({ name }) => EVERYTHING || !name.endsWith("IPv6"));

describe.each(HELD)("$name ($pods)", (fault) => {
  const { code, host, at, fix, flow, bytes } = fault;

  test(`${code} at ${host}`, () => {
    const found = findingsOfFlow(fault, flow, bytes);
    expect(
      found.map((each) => ({
        code: each.code,
        host: each.host,
        at: lineOf(each).includes(at) ? at : lineOf(each).slice(0, 100),
        fix: each.fix === undefined ? "" : `${each.fix.host}: ${each.fix.command}`,
      })),
    ).toEqual([{ code, host, at, fix }]);
  });
});

/** The same flows in clusters without a fault, each once. */
const HEALTHY = new Map(
  HELD.flatMap(({ isNew, pods, mode = "nftables", flow, bytes }) =>
    isNew ? [] : [[JSON.stringify([pods, mode, flow, bytes]), { pods, mode, flow, bytes }] as const],
  ),
);

test.each([...HEALTHY.values()])("nothing without a fault: $flow ($pods, $mode)", ({ pods, mode, flow, bytes }) => {
  expect(findingsOfFlow({ pods, mode }, flow, bytes).map(({ message }) => message)).toEqual([]);
});
