import { describe, expect, test } from "vitest";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { withPrintedPlaces } from "../../../compiler/formats/nft/printed-places.ts";
import { required } from "../../../compiler/invariant.ts";
import { HOST_RULES, meaningOf, programOfSample, rulesOfSample } from "../../support/host-rules.ts";
import { mustReadNft } from "../../support/read.ts";

describe("rules of hosts are those that nft reads in a text", () => {
  test.each(HOST_RULES)("$title", (sample) => {
    expect(meaningOf(programOfSample(sample))).toEqual(meaningOf(mustReadNft(sample.text)));
  });
});

test.each(HOST_RULES)("$title: rules have their place in the text that they are printed as", (sample) => {
  const { tables, name } = rulesOfSample(sample);
  const placed = withPrintedPlaces(tables, name).flatMap(({ chains }) =>
    chains.flatMap((chain) => chain.rules.map((rule) => ({ hook: chain.name, rule }))),
  );
  expect(placed.length).toBeGreaterThan(0);
  for (const { rule } of placed) {
    const { source, start, end } = required(rule.origin, "each rule has a place").span();
    expect(source.name).toBe(name);
    // The line alone is that rule.
    const text = source.text.slice(start, end);
    expect(source.text.slice(start - 5, start)).toBe("\n    ");
    expect(source.text[end]).toBe("\n");
    const read = mustReadNft(`table ${text.includes("ip6 ") ? "ip6" : "ip"} t { chain c { ${text}\n } }`);
    expect(read.ruleset.tables[0]?.chains[0]?.rules[0]?.steps.length).toBe(rule.steps.length);
  }
  const lines = placed.map(({ rule }) => lineAndColumn(required(rule.origin, "each rule has a place").span()).line);
  expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b));
});
