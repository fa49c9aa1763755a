import { expect, test } from "vitest";
import { inFolder, kpcProcess } from "../support/cli.ts";

test("block maps that are nested too deeply are a finding, from a file and from standard input", () => {
  const input = Array.from({ length: 3000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join("");
  inFolder({ "deep.yaml": input }, (folder) => {
    for (const [name, place] of [
      ["deep.yaml", "deep.yaml"],
      ["-", "<stdin>"],
    ] as const) {
      const { code, stdout, stderr } = kpcProcess(["compile", "--node", "node-a", name], { folder, input });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(`${place}:1:1: error: maps and lists are nested too deeply to be read`);
    }
  });
});
