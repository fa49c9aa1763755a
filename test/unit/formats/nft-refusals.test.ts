import { describe, expect, test } from "vitest";
import { fileWith, REFUSED, TAKEN } from "../../support/nft-rows.ts";
import { readNftText } from "../../support/read.ts";

describe("a rule that nft refuses is a finding at its place", () => {
  test.each(REFUSED.map((row) => [row.join(" "), row] as const))("%s", (_, row) => {
    const [first = ""] = readNftText(fileWith(row)).findings;
    expect(first).toMatch(/^10:\d+ error rules-syntax (expected|no packet|tcp reset answers|icmp)/);
  });
});

describe("a rule that nft takes is none", () => {
  test.each(TAKEN.map((row) => [row.join(" "), row] as const))("%s", (_, row) => {
    expect(readNftText(fileWith(row)).findings).toEqual([]);
  });
});
