/** What kpc predicts of clusters with one fault each is what the kernel does in a lab: the packet, or its answer, is seen last where the
 *  table says. The findings are held in test/unit/findings. */
import { describe, expect, test } from "vitest";
import { FAULTS } from "../support/all-faults.ts";
import { describeFault, flowOfFault } from "../support/faults.ts";
import { kernelMissing } from "../support/kernel.ts";
import { lossInLab } from "../support/lab-losses.ts";
import { EVERYTHING } from "../support/runs.ts";

/** One of so many in the quick set. */
const FEW = 12;

describe.skipIf(kernelMissing !== undefined)("a fault loses packets where it is predicted", () => {
  const faults = FAULTS.filter(({ lostAt }, i) => lostAt !== undefined && (EVERYTHING || i % FEW === 0));
  test.each(faults)("$name ($pods)", async (fault) => {
    const { network, walker, programOf } = describeFault(fault);
    const loss = await lossInLab({ network, walker, programOf, flows: [flowOfFault(fault)] });
    expect(loss).toEqual({ disagreements: [], lostAt: fault.lostAt });
  });
});
