/** Pictures of rules of others: each is one that somebody can read, or too large to be one. */
import { describe, expect, test } from "vitest";
import { drawChains } from "../../compiler/pictures/chains/draw.ts";
import { chainTables } from "../../compiler/pictures/chains/tables.ts";
import { paint } from "../../compiler/pictures/paint.ts";
import { allDumps } from "../support/dumps.ts";
import { sceneFaults, svgFaults } from "../support/scene-checks.ts";

const DUMPS = allDumps();

describe.skipIf(DUMPS.length === 0)(
  "chains of rules of others (left out where these are not beside the project)",
  () => {
    const sizes = DUMPS.map(({ name, text, read }) => ({
      name,
      tables: chainTables(read(text).program.ruleset.tables),
    }));
    const drawable = sizes.filter(({ tables }) => tables.reduce((sum, { records }) => sum + records.length, 0) <= 60);

    test("most are small enough", () => {
      expect(drawable.length).toBeGreaterThan(DUMPS.length * 0.9);
      expect(sizes.filter(({ tables }) => tables.length === 0).map(({ name }) => name)).toEqual([]);
    });

    test.each(drawable)("$name", ({ name, tables }) => {
      const scene = drawChains(tables, name);
      expect(sceneFaults(scene)).toEqual([]);
      const svg = paint(scene);
      expect(svgFaults(svg)).toEqual([]);
      expect(svg.length).toBeLessThan(150_000);
    });
  },
);
