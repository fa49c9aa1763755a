import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readNftJson } from "../../compiler/formats/nft/json.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { sameProgram } from "../support/nft-json.ts";
import { EVERYTHING } from "../support/runs.ts";

const folder = new URL("../golden/cases/", import.meta.url);
/** In the quick set those of a few Services: the others have more of the same. */
const names = readdirSync(folder).filter((name) => EVERYTHING || !/\d/.test(name.replace(/node-\d+$/, "")));
const cases = names.flatMap((name) =>
  readdirSync(new URL(`${name}/`, folder))
    .filter((file) => file.endsWith(".nft"))
    .map((file) => `${name}/${file}`),
);

describe.skipIf(kernelMissing !== undefined)("nft -j list ruleset", () => {
  test.concurrent.each(cases)("and nft list ruleset are read as the same: %s", async (name) => {
    const text = readFileSync(new URL(name, folder), "utf8");
    await withFiles([text], async ([file]) => {
      const { status, output } = await inNamespace(
        `nft -f ${file} && nft list ruleset && echo ==== && nft -j list ruleset`,
      );
      expect(`${status} ${status === 0 ? "" : output}`).toBe("0 ");
      const [listed = "", json = ""] = output.split("====\n");
      const own = readNft({ name: "list.nft", text: listed }, ({ message }) => expect.unreachable(message));
      const theirs = readNftJson({ name: "list.json", text: json }, ({ message }) => expect.unreachable(message));
      expect(sameProgram(theirs)).toEqual(sameProgram(own));
    });
  });
});
