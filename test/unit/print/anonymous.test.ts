import { expect, test } from "vitest";
import { readRules } from "../../../compiler/formats/read-rules.ts";
import { printNft } from "../../../compiler/print.ts";

test("a map without a name stands in its rule only", async () => {
  const map = "{ 0 : 192.168.50.11 . 30124, 1 : 192.168.50.12 . 30124 }";
  const rule = `tcp dport 80 dnat ip to numgen random mod 2 map ${map}`;
  const text = `table ip t {\n\tchain c {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\t${rule}\n\t}\n}\n`;
  const program = await readRules([{ name: "rules", text }], ({ message }) => {
    throw new Error(message);
  });
  const printed = printNft(program).text;
  expect(printed).toContain(rule);
  expect(printed).not.toMatch(/^(?:add|flush) map/m);
});
