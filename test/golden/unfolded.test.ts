/** Tables without lookups: what rules of iptables are printed from. After a wanted change: `vitest -u`, then read the difference. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lineAndColumn } from "../../compiler/diagnostics.ts";
import { printRule } from "../../compiler/formats/nft/print.ts";
import { unfoldLookups } from "../../compiler/passes/lookups/unfold.ts";
import { mustReadNft } from "../support/read.ts";

const CASES = new URL("unfolded/", import.meta.url);

/** Chains with their rules, as nft would spell these if names had spaces; sets that rules fill; what cannot be written. */
function printUnfolded(text: string): string {
  const { program, unsupported } = unfoldLookups(mustReadNft(text));
  const lines = program.ruleset.tables.flatMap(({ family, chains, sets, maps }) => [
    ...chains.flatMap(({ name, comment, rules }) => [
      `${name}${comment === undefined ? "" : `  # ${comment}`}`,
      ...rules.map(
        (rule) =>
          `\t${printRule(rule, family)}${rule.origin === undefined ? "" : `  # ${lineAndColumn(rule.origin.span()).line}`}`,
      ),
    ]),
    ...[...sets, ...maps].map(
      ({ name, key, timeoutSeconds }) => `set ${name}: ${key.map(({ type }) => type).join()} ${timeoutSeconds}`,
    ),
  ]);
  return [...lines, ...unsupported.map(({ message }) => message), ""].join("\n");
}

test.each(readdirSync(CASES).filter((name) => name.endsWith(".nft")))("%s", async (name) => {
  const text = readFileSync(new URL(name, CASES), "utf8");
  await expect(printUnfolded(text)).toMatchFileSnapshot(new URL(name.replace(".nft", ".chains"), CASES).pathname);
});
