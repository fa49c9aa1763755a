import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const node = (name: string): string => `---\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n`;

describe("kpc apply without the name of a node", () => {
  test.each(["--yes", "--dry-run"])("%s refuses several Nodes of which none is this host", (flag) => {
    inFolder({ "cluster.yaml": SERVICE + node("b.invalid") + node("a.invalid") }, (folder) => {
      const { code, stdout, stderr } = kpc(["apply", "cluster.yaml", flag], { folder });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(
        /^kpc: nothing is applied: the inputs have 2 Nodes, and none is called .+, as this host: /m,
      );
      expect(stderr).toContain("expected --node NAME, one of a.invalid, b.invalid\n");
      expect(stderr).not.toContain("no-node");
    });
  });

  test("of many Nodes names the first ones", () => {
    const names = Array.from({ length: 12 }, (_, i) => `n${String(i).padStart(2, "0")}.invalid`);
    inFolder({ "cluster.yaml": SERVICE + names.map(node).join("") }, (folder) => {
      const { stderr } = kpc(["apply", "cluster.yaml", "--yes"], { folder });
      expect(stderr).toMatch(/one of n00\.invalid, .*, n09\.invalid and 2 more\n/);
    });
  });
});
