/** Tables loaded in pieces: each Service is whole or absent after each of them, and all together are the whole text. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printFile } from "../../compiler/formats/nft/print-file.ts";
import { groupsOf, type PieceGroup, printGroups } from "../../compiler/formats/nft/print-pieces.ts";
import { keyTextOf } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { printNft } from "../../compiler/print.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";

function empty(tables: readonly Table[]): Table[] {
  return tables.map((table) => ({
    ...table,
    sets: table.sets.map((set) => ({ ...set, elements: [] })),
    maps: table.maps.map((map) => ({ ...map, elements: [] })),
  }));
}

/** The Services that elements of a group name. */
function servicesOf(group: PieceGroup): string[] {
  const names = group.flatMap(({ elements }) => elements.flatMap(({ comment }) => comment?.split(":")[0] ?? []));
  return [...new Set(names)];
}

/** Each element of sets and maps: family, name, key, and the rest in an order of its own. */
function elementsIn(tables: readonly Table[]): string[] {
  return tables
    .flatMap(({ family, sets, maps }) =>
      [...sets, ...maps].flatMap(({ name, elements }) =>
        elements.map((element) => {
          const value = "value" in element ? JSON.stringify(element.value, bigints) : "";
          return `${family} ${name} ${keyTextOf(element.key)}${element.comment ?? ""} ${value}`;
        }),
      ),
    )
    .sort();
}

const bigints = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

describe("of any cluster", () => {
  test("all elements of a Service's name are in one group, behind all without a name", () => {
    let services = 0;
    fc.assert(
      fc.property(cluster, (world) => {
        const groups = groupsOf(mustCompile(world).program.ruleset.tables);
        const named = groups.map(servicesOf);
        const first = named.findIndex((names) => names.length > 0);
        const behind = first < 0 ? [] : named.slice(first);
        expect(behind.filter((names) => names.length !== 1)).toEqual([]);
        expect(new Set(behind.flat()).size).toBe(behind.length);
        services += behind.length;
      }),
      { numRuns: runs(2000) },
    );
    expect(services).toBeGreaterThan(runs(4000));
  });

  test("the pieces, however many, are the tables", () => {
    fc.assert(
      fc.property(cluster, fc.integer({ min: 1, max: 9 }), (world, atOnce) => {
        const { program } = mustCompile(world);
        const { tables } = program.ruleset;
        const groups = groupsOf(tables);
        let text = printFile({ tables: empty(tables) }, []);
        for (let at = 0; at < groups.length; at += atOnce) text += printGroups(groups.slice(at, at + atOnce));
        const loaded = mustReadNft(text === "" ? "table ip x {\n}\n" : text).ruleset.tables.filter(
          ({ name }) => name === "kpc",
        );
        expect(elementsIn(loaded)).toEqual(
          elementsIn(mustReadNft(printNft(program).text).ruleset.tables.filter(({ name }) => name === "kpc")),
        );
      }),
      { numRuns: runs(800) },
    );
  });
});
