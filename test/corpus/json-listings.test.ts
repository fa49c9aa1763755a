/** `nft -j list ruleset 2> /dev/null` of a dump that was loaded is read as `nft list ruleset` is. */
import { describe, expect, test } from "vitest";
import { readNftJson } from "../../compiler/formats/nft/json.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import { allDumps } from "../support/dumps.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { sameProgram } from "../support/nft-json.ts";

const texts = allDumps().flatMap(({ name, text, rules }) => {
  const loaded = rules(text);
  return loaded.kind === "nft" ? [{ name, text: loaded.text }] : [];
});

describe.skipIf(kernelMissing !== undefined || texts.length === 0)(
  `nft's listings of dumps as text and as JSON${texts.length > 0 ? "" : " (skipped: there is no ../shared/corpus)"}`,
  () => {
    let loaded = 0;

    test.each(texts)("$name", async ({ text, name }) => {
      const { status, output } = await withFiles([text], ([path]) =>
        inNamespace(
          `nft -f ${path} > /dev/null 2>&1 || exit 9; nft list ruleset; echo ====; nft -j list ruleset 2> /dev/null`,
        ),
      );
      if (status !== 0) {
        process.stderr.write(`left out: ${name} does not load\n`);
        return;
      }
      loaded++;
      const [listed = "", json = ""] = output.split("====\n");
      const findings: string[] = [];
      const own = readNft({ name: "list.nft", text: listed }, ({ message }) => findings.push(`text: ${message}`));
      const theirs = readNftJson({ name: "list.json", text: json }, ({ message }) => findings.push(`JSON: ${message}`));
      expect(findings).toEqual([]);
      expect(sameProgram(theirs)).toEqual(sameProgram(own));
    });

    test("most of them load", () => {
      expect(loaded).toBeGreaterThan(texts.length / 2);
    });
  },
);
