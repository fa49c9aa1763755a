import { expect, test } from "vitest";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { fileWith, REFUSED, TAKEN } from "../support/nft-rows.ts";

test.skipIf(kernelMissing !== undefined)("nft refuses, and takes, the rules that are said to be", async () => {
  const rows = [...REFUSED, ...TAKEN];
  const taken = await withFiles(rows.map(fileWith), async (paths) => {
    const script = paths.map((path) => `nft -c -f ${path} > /dev/null 2>&1 && echo yes || echo no`).join("\n");
    return (await inNamespace(script)).output.trim().split("\n");
  });
  const wrong = rows.filter((_, i) => (taken[i] === "yes") === i < REFUSED.length);
  expect(wrong).toEqual([]);
});
