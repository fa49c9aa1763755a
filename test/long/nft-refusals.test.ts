import { expect, test } from "vitest";
import { deepNft, WAYS_DOWN } from "../support/deep-chains.ts";
import { kernelMissing } from "../support/kernel.ts";
import { refusedByNft } from "../support/nft-check.ts";
import { fileWith, MISPLACED, REFUSED, TAKEN, WAYS } from "../support/nft-rows.ts";

test.skipIf(kernelMissing !== undefined)("nft refuses, and takes, the rules that are said to be", async () => {
  expect(await refusedByNft(TAKEN.map((row) => fileWith(row)))).toEqual([]);
  expect(await refusedByNft(REFUSED.map((row) => fileWith(row)))).toHaveLength(REFUSED.length);
});

test.skipIf(kernelMissing !== undefined)(
  "the kernel refuses rules behind hooks, by whatever way they lead there",
  async () => {
    const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];
    const wrong = ways.filter((way) => way !== "none");
    // Each rule by one way; the ways by turns.
    const texts = MISPLACED.map((row, i) => fileWith(row, wrong[i % wrong.length]));
    expect(await refusedByNft(texts)).toHaveLength(texts.length);
    expect(await refusedByNft(MISPLACED.map((row) => fileWith(row, "none")))).toEqual([]);
  },
);

test.skipIf(kernelMissing !== undefined)("the kernel follows 15 jumps", async () => {
  const ways = Object.values(WAYS_DOWN);
  const unreached = deepNft(40, (target) => `jump ${target}`, "accept");
  expect(await refusedByNft([...ways.map((way) => deepNft(15, way)), unreached])).toEqual([]);
  expect(await refusedByNft(ways.map((way) => deepNft(16, way)))).toHaveLength(ways.length);
});
