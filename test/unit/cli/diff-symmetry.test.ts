import { expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

test("kpc diff says with --verbose how parts that are alike stood for each other", () => {
  const rules = Array.from({ length: 1000 }, (_, i) => `-A FORWARD -d 10.0.${i >> 8}.${i & 255} -j DROP`);
  const text = (lines: readonly string[]): string => `*filter\n:FORWARD ACCEPT\n${lines.join("\n")}\nCOMMIT\n`;
  inFolder({ "a.v4": text(rules), "b.v4": text(rules.toReversed()) }, (folder) => {
    const quiet = kpc(["diff", "a.v4", "b.v4", "--family", "ipv4"], { folder });
    const told = kpc(["diff", "a.v4", "b.v4", "--family", "ipv4", "--verbose"], { folder });
    expect([quiet.code, told.code, told.stdout]).toEqual([0, 0, quiet.stdout]);
    const line = "note: 1000 parts that share no address are of 1 form: 8 of them were compared\n";
    expect(told.stderr).toContain(line);
    expect(quiet.stderr).not.toContain(line);
  });
});
