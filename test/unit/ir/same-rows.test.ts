/** Rules and elements are the same as rows of readers just where they are as objects. */
import { expect, test } from "vitest";
import { withElements } from "../../../compiler/ir/element-rows.ts";
import { withRules } from "../../../compiler/ir/rule-rows.ts";
import { isSame } from "../../../compiler/ir/same-data.ts";
import { SameRows } from "../../../compiler/ir/same-rows.ts";
import type { Chain, Program, SetElement } from "../../../compiler/ir/types.ts";
import { mustCompile, printIptables, printNft } from "../../support/compile.ts";
import { readIptablesText, readNftText } from "../../support/read.ts";
import { repeatedCluster } from "../../support/repeated-clusters.ts";
import { numbersFrom } from "../../support/slots.ts";
import { mutateRepeated } from "../../support/symmetry-mutants.ts";

const bare = ({ comment: _, origin: __, ...row }: SetElement): object => row;
const areSame = (rows: readonly object[], others: readonly object[]): boolean =>
  isSame(
    rows.map((row) => bare(row as SetElement)),
    others.map((row) => bare(row as SetElement)),
  );

test("in texts of clusters, and those with one line changed", () => {
  const pick = numbersFrom(7);
  const counts = { same: 0, other: 0 };
  for (let i = 0; i < 3; i++) {
    const { program } = mustCompile(repeatedCluster(pick));
    const isNft = pick(2) === 0;
    const text = isNft ? printNft(program) : printIptables(program, "ip");
    const read = (each: string): Program => (isNft ? readNftText(each) : readIptablesText(each, "ip")).program;
    const [left, right] = [read(text), read(mutateRepeated(text, pick) ?? text)];
    const rows = new SameRows();
    for (const [t, table] of left.ruleset.tables.entries()) {
      const other = right.ruleset.tables[t];
      for (const [c, chain] of table.chains.entries()) {
        const twin = other?.chains[c];
        if (twin === undefined) continue;
        // Before somebody asks for all rules as objects.
        const found = rows.haveSameRules(chain, twin);
        expect(found).toBe(areSame(chain.rules, twin.rules));
        const asObjects = (of: Chain): Chain => withRules(of, of.rules);
        for (const [a, b] of [
          [chain, asObjects(twin)],
          [asObjects(chain), twin],
          [asObjects(chain), asObjects(twin)],
        ] as const)
          expect(rows.haveSameRules(a, b)).toBe(found);
        counts[found ? "same" : "other"]++;
      }
      const theirs = [...(other?.sets ?? []), ...(other?.maps ?? [])];
      for (const [s, set] of [...table.sets, ...table.maps].entries()) {
        const twin = theirs[s];
        if (twin === undefined) continue;
        const found = rows.haveSameElements(set, twin);
        expect(found).toBe(areSame(set.elements, twin.elements));
        expect(rows.haveSameElements(set, withElements(twin, twin.elements))).toBe(found);
        counts[found ? "same" : "other"]++;
      }
    }
  }
  expect(counts.same).toBeGreaterThan(20);
  expect(counts.other).toBeGreaterThan(0);
});
