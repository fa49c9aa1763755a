/** Walks through random clusters are those that packets make in network namespaces. `npm run soak:walks` does the same for longer. */
import { describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { wrongWalks } from "../support/lab-walks.ts";

const CLUSTERS = 10;
const FLOWS = 30;

describe.skipIf(kernelMissing !== undefined)("packets go through random clusters as predicted", () => {
  test.concurrent.each(Array.from({ length: CLUSTERS }, (_, i) => i + 1))("cluster %i", async (seed) => {
    expect(await wrongWalks(seed, FLOWS)).toEqual([]);
  });
});
