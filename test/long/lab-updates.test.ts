import { describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { updateUnderLoad } from "../support/lab-updates.ts";

/** `npm run soak:walks` replaces them 1,000 times. */
const ROUNDS = 20;

describe.skipIf(kernelMissing !== undefined)("rules of all nodes are replaced while pods talk", () => {
  test("no packet is left untranslated, and no connection lost", async () => {
    const { served, lines, ...others } = await updateUnderLoad(ROUNDS);
    expect(others).toEqual({ lost: 0, untranslated: [], connection: "open" });
    expect(served).toBe(ROUNDS * 4);
    expect(lines).toBeGreaterThan(ROUNDS);
  });
});
