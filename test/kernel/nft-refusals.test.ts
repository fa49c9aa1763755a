import { expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { refusedByNft } from "../support/nft-check.ts";
import { fileWith, REFUSED, TAKEN } from "../support/nft-rows.ts";

test.skipIf(kernelMissing !== undefined)("nft refuses, and takes, the rules that are said to be", async () => {
  expect(await refusedByNft(TAKEN.map(fileWith))).toEqual([]);
  expect(await refusedByNft(REFUSED.map(fileWith))).toHaveLength(REFUSED.length);
});
