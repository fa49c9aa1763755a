/** Pictures, byte for byte. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawChains } from "../../compiler/pictures/chains/draw.ts";
import { chainTables } from "../../compiler/pictures/chains/tables.ts";
import { paint } from "../../compiler/pictures/paint.ts";
import { mustReadNft } from "../support/read.ts";

const FOLDER = new URL("./pictures/", import.meta.url).pathname;

test("the chains of a ruleset", async () => {
  const { tables } = mustReadNft(readFileSync(`${FOLDER}rules.nft`, "utf8")).ruleset;
  await expect(paint(drawChains(chainTables(tables), "a host"))).toMatchFileSnapshot(`${FOLDER}chains.svg`);
});
