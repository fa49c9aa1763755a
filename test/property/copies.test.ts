/** A table with copies is the table that walks through the rules give, byte by byte. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { copiesIn } from "../../compiler/library/follow/copies.ts";
import { printTable } from "../../compiler/print.ts";
import { cluster } from "../support/arbitraries.ts";
import { compileCluster } from "../support/compile.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { type NamedManifest, withTwins } from "../support/twins.ts";

test("rows of copies are those that their rules give", () => {
  let copied = 0;
  fc.assert(
    fc.property(cluster, (world) => {
      const { compiled } = compileCluster({ ...world, objects: withTwins(world.objects as readonly NamedManifest[]) });
      fc.pre(compiled !== undefined);
      const { program, node } = compiled;
      const copyOf = copiesIn(compiled);
      const { table, unsupported } = printTable(program, node.addresses, "", (address) => {
        const copy = copyOf(address);
        if (copy !== undefined) copied++;
        return copy;
      });
      const wanted = printTable(program, node.addresses);
      expect(unsupported).toEqual(wanted.unsupported);
      expect(Buffer.from(table ?? []).equals(Buffer.from(wanted.table ?? []))).toBe(true);
    }),
    { numRuns: runs(160) },
  );
  // Of many of these clusters Services meet: then all are walked. A few runs may have no others.
  if (EVERYTHING) expect(copied).toBeGreaterThan(0);
});
