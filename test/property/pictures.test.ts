/** Laws of pictures, on random inputs. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Program, Table } from "../../compiler/ir/types.ts";
import { drawChains } from "../../compiler/pictures/chains/draw.ts";
import { chainsToMermaid } from "../../compiler/pictures/chains/mermaid.ts";
import { chainTables } from "../../compiler/pictures/chains/tables.ts";
import { paint } from "../../compiler/pictures/paint.ts";
import { cluster, foreignIptables, foreignNft } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { runs } from "../support/runs.ts";
import { sceneFaults, svgFaults } from "../support/scene-checks.ts";

function drawnAs(tables: readonly Table[]): string {
  return paint(drawChains(chainTables(tables), "a host"));
}

/** The same, its tables' parts in another order; that of base chains and of rules has a meaning. */
function reordered(table: Table): Table {
  const maps = [...table.maps].reverse().map((map) => ({ ...map, elements: [...map.elements].reverse() }));
  const chains = [...table.chains].reverse();
  return { ...table, maps, sets: [...table.sets].reverse(), chains };
}

function expectLaws({ ruleset: { tables } }: Program): void {
  const drawn = chainTables(tables);
  if (drawn.length === 0) return;
  const scene = drawChains(drawn, "a host");
  expect(sceneFaults(scene)).toEqual([]);
  expect(svgFaults(paint(scene))).toEqual([]);
  expect(drawnAs(tables.map(reordered))).toBe(drawnAs(tables));
  for (const { title, records } of drawn) {
    const table = tables.find(({ family, name }) => `${family} ${name}` === title);
    const shown = new Set(records.map(({ id }) => id));
    // Up to forty chains none are stacked.
    const rules = (table?.chains ?? []).filter(({ name }) => shown.has(name)).flatMap((chain) => chain.rules);
    const told = records.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.rules, 0);
    expect(told).toBe(rules.filter(({ whileReplacing }) => !whileReplacing).length);
  }
  expect(chainsToMermaid(drawn).split("\n").length).toBeGreaterThan(drawn.length);
}

describe("chains: no text overlaps another or is cut, every rule is counted, order of declarations makes no difference", () => {
  test.each([
    ["nft", foreignNft.map((text) => readNftText(text).program)],
    ["iptables", foreignIptables.map((text) => readIptablesText(text).program)],
    ["compiled rules", cluster.map((input) => mustCompile(input).program)],
  ])("of %s", (_, programs) => {
    fc.assert(fc.property(programs, expectLaws), { numRuns: runs(400) });
  });
});
