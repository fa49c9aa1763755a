/** Listeners of Gateways as JSON. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { printIr } from "../../compiler/formats/ir/print.ts";
import { readIr } from "../../compiler/formats/ir/read.ts";
import { LISTENERS } from "../support/listeners.ts";

test("listeners are read back as they were printed", () => {
  fc.assert(
    fc.property(LISTENERS, (listeners) => {
      const program = { ruleset: { tables: [], retired: [] }, routes: [], listeners };
      const fail = ({ message }: { readonly message: string }): never => {
        throw new Error(message);
      };
      expect(readIr({ name: "ir", text: printIr(program) }, fail)).toEqual(program);
    }),
    { numRuns: 50 },
  );
});
