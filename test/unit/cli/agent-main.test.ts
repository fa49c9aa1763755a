/** The agent's own bundle takes the same arguments as the command of the whole. */
import { expect, test } from "vitest";
import { kpc, kpcProcess } from "../../support/cli.ts";

test.each([[["--help"]], [["--kubconfig", "x"]], [["-o", "nft", "one too many"]]])("kpc agent %j", (args) => {
  const own = kpcProcess(["agent", ...args]);
  expect(own).toEqual(kpc(["agent", ...args]));
  expect(own.stdout + own.stderr).toContain("kpc agent");
});
