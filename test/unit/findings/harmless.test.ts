/** Changes of the environment that look like faults: packets arrive all the same, and kpc finds nothing. */
import { expect, test } from "vitest";
import { describeFault, findingsOfFlow } from "../../support/faults.ts";
import { HARMLESS_CHANGES } from "../../support/harmless-changes.ts";
import { endsOf, flowOf } from "../../support/walks.ts";

test.each(HARMLESS_CHANGES)("$name ($pods)", (change) => {
  const { flow, seenAs } = change;
  expect(findingsOfFlow(change, flow).map(({ message }) => message)).toEqual([]);
  const ends = endsOf(describeFault(change).walker.walk(flowOf(flow)));
  expect(ends.filter((end) => !end.endsWith("answered"))).toEqual([]);
  expect(
    ends.some((end) => end.includes(` sees ${seenAs},`)),
    ends.join(),
  ).toBe(true);
});
