/** What kpc predicts of clusters with one fault each is what the kernel does in a lab: the packet, or its answer, is seen last where the
 *  table says. The findings are held in test/unit/findings. */
import { describe, expect, test } from "vitest";
import { FAULTS } from "../support/all-faults.ts";
import { describeFault, flowOfFault } from "../support/faults.ts";
import { HARMLESS_CHANGES } from "../support/harmless-changes.ts";
import { kernelMissing } from "../support/kernel.ts";
import { lossInLab } from "../support/lab-losses.ts";
import { EVERYTHING } from "../support/runs.ts";
import { flowOf } from "../support/walks.ts";

/** One of so many in the quick set. */
const FEW = 24;

describe.skipIf(kernelMissing !== undefined)("a fault loses packets where it is predicted", () => {
  const faults = FAULTS.filter((_, i) => EVERYTHING || i % FEW === 0);
  test.each(faults)("$name ($pods)", async (fault) => {
    const { network, walker, programOf } = describeFault(fault);
    const subject = { network, walker, programOf, flows: [flowOfFault(fault)] };
    const loss = await lossInLab(subject, fault.lostAt === undefined ? 1 : undefined);
    expect(loss).toEqual({ disagreements: [], lostAt: fault.lostAt });
  });
});

describe.skipIf(kernelMissing !== undefined)("a change that only looks like a fault loses nothing", () => {
  const harmless = HARMLESS_CHANGES.filter((_, i) => EVERYTHING || i % FEW === 0);
  test.each(harmless)("$name ($pods)", async (change) => {
    const { network, walker, programOf } = describeFault(change);
    const loss = await lossInLab({ network, walker, programOf, flows: [flowOf(change.flow)] }, 6);
    expect(loss).toEqual({ disagreements: [], lostAt: undefined });
  });
});
