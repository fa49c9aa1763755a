/** Rows of readers by their forms: the columns are those of the same rules and elements as objects. */
import { describe, expect, test, vi } from "vitest";
import { Describer } from "../../../../compiler/compare/symmetry/describe.ts";
import { Items } from "../../../../compiler/compare/symmetry/items.ts";
import { NoSymmetry } from "../../../../compiler/compare/symmetry/tokens.ts";
import type { Program } from "../../../../compiler/ir/types.ts";
import { mustCompile, printIptables, printNft } from "../../../support/compile.ts";
import { readIptablesText, readNftText } from "../../../support/read.ts";
import { repeatedCluster } from "../../../support/repeated-clusters.ts";
import { numbersFrom } from "../../../support/slots.ts";
import { mutateRepeated } from "../../../support/symmetry-mutants.ts";

/** Without rows: a copy of a chain, a set or a map has its rules or elements made. */
function asObjects(program: Program): Program {
  const tables = program.ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, rules: [...chain.rules] })),
    sets: table.sets.map((set) => ({ ...set, elements: [...set.elements] })),
    maps: table.maps.map((map) => ({ ...map, elements: [...map.elements] })),
  }));
  return { ...program, ruleset: { ...program.ruleset, tables } };
}

/** Numbers in the order in which they come first: what is told apart stays so. */
function numbered(column: Iterable<number>): readonly number[] {
  const known = new Map<number, number>();
  return Array.from(column, (each) => {
    const number = known.get(each) ?? known.size;
    known.set(each, number);
    return number;
  });
}

function columnsOf(programs: readonly [Program, Program]) {
  try {
    const { templates, starts, parameters, guards, lists, chainsOf, describer } = new Items(programs);
    const { values, otherPorts, tests, gifts, fixedSorts } = describer;
    const texts = new Map<number, unknown>();
    for (const [sort, { known, numbers }] of Object.entries(values))
      for (const [i, value] of known.entries()) texts.set(numbers[i] as number, `${sort} ${typeof value} ${value}`);
    return {
      templates: numbered(templates),
      starts: [...starts],
      parameters: Array.from(parameters, (each) => texts.get(each) ?? `chain of ${chainsOf[each]}`),
      chains: numbered(Array.from(parameters).filter((each) => !texts.has(each))),
      guards: guards.map(([at, field]) => [[...at], numbered(field)]),
      lists: lists.map(({ first, count, ...list }) => [
        ...[first, count],
        ...(list.kind === "rules"
          ? list.on.map(({ side, chain, runs }) => [
              ...[side, chain.name],
              runs.map((run) => [run.chain.name, run.first, run.end]),
            ])
          : list.on.map(({ side, of }) => [side, of.name])),
      ]),
      otherPorts: [...otherPorts].sort(),
      intervals: [tests, gifts].map((of) => [of.address.all.length, of.port.all.length, of.identity.all.length]),
      fixed: [...fixedSorts],
    };
  } catch (error) {
    if (error instanceof NoSymmetry) return { refused: error.message };
    throw error;
  }
}

describe("columns of rows by form are those of objects", () => {
  test("in texts of clusters with several Services of each kind, also with one line changed", () => {
    const pick = numbersFrom(5);
    const anew = vi.spyOn(Describer.prototype, "rule");
    const single = vi.spyOn(Describer.prototype, "element");
    const counts = { rows: 0, byForm: 0 };
    for (let i = 0; i < 6; i++) {
      const { program } = mustCompile(repeatedCluster(pick));
      const family = pick(2) === 0 ? "ip" : "ip6";
      const texts = [printNft(program), printIptables(program, family)] as const;
      const read = (text: string): Program =>
        (text === texts[0] ? readNftText(text) : readIptablesText(text, family)).program;
      const changed = pick(2);
      const mutant = mutateRepeated(texts[changed] as string, pick) ?? (texts[changed] as string);
      const programs = [
        read(texts[0]),
        changed === 0 ? readNftText(mutant).program : readIptablesText(mutant, family).program,
      ] as const;
      anew.mockClear();
      single.mockClear();
      const byForm = columnsOf(programs);
      const alone = anew.mock.calls.length + single.mock.calls.length;
      expect({ mutant, ...columnsOf([asObjects(programs[0]), asObjects(programs[1])]) }).toEqual({ mutant, ...byForm });
      if ("refused" in byForm) continue;
      counts.rows += byForm.templates.length;
      counts.byForm += byForm.templates.length - alone;
    }
    vi.restoreAllMocks();
    expect(counts.byForm).toBeGreaterThan(counts.rows / 4);
  });
});
