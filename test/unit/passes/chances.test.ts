/** One of several elements: by chance, or in turn. */
import { expect, test } from "vitest";
import { printIptables } from "../../support/compile.ts";
import { mustReadNft } from "../../support/read.ts";

test.each([
  ["random", ["--mode random --probability 0.33333333349", "--mode random --probability 0.50000000000"]],
  ["inc", ["--mode nth --every 3 --packet 0", "--mode nth --every 2 --packet 0"]],
])("numgen %s stays what it is in a row of rules", (mode, wanted) => {
  const map = "{ 0 : 10.0.0.1, 1 : 10.0.0.2, 2 : 10.0.0.3 }";
  const program = mustReadNft(
    `table ip t {\nchain c {\ntype nat hook prerouting priority dstnat\ndnat to numgen ${mode} mod 3 map ${map}\n}\n}\n`,
  );
  const rules = printIptables(program, "ip").match(/(?<=-m statistic )--mode .*(?= -j DNAT)/g);
  expect(rules).toEqual(wanted);
});
