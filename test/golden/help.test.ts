/** The help of commands that work on a host, byte for byte. */
import { expect, test } from "vitest";
import { kpc } from "../support/cli.ts";

test.each(["agent", "apply", "list", "whatis"])("kpc %s --help", async (command) => {
  const { stdout, stderr, code } = kpc([command, "--help"]);
  expect([stderr, code]).toEqual(["", 0]);
  await expect(stdout).toMatchFileSnapshot(`help/${command}.txt`);
});
