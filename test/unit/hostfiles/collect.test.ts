import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COLLECT_SCRIPT } from "../../../compiler/hostfiles/collect.ts";

test("the page about the files of a node shows the script", () => {
  const page = readFileSync(new URL("../../../docs/node-files.md", import.meta.url), "utf8");
  expect(page).toContain(`\n${COLLECT_SCRIPT}\`\`\`\n`);
});
