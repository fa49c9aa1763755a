/** Judges change texts of others as they change the programs that are read of them. */
import { expect, test } from "vitest";
import { allDumps } from "../support/dumps.ts";
import { changedInBothWays } from "../support/judged-texts.ts";

/** With something that judges change. */
const DUMPS = allDumps().filter(({ text }) => /statistic|-m recent|numgen|@\S+ \{/.test(text));

test.skipIf(DUMPS.length === 0).each(DUMPS)("$name", ({ text, rules }) => {
  const [changed, program] = changedInBothWays(rules(text));
  expect(changed).toEqual(program);
});
