import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const node = (name: string, n: number): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nspec: {podCIDR: 10.1.${n}.0/24}\n` +
  `status: {addresses: [{type: InternalIP, address: 192.0.2.${n}}]}\n---\n`;
const cluster = (pods: string): string => `apiVersion: kpc.dev/v1alpha1\nkind: Cluster\npods: ${pods}\n`;
const FILES = { "nodes.yaml": node("a", 1) + node("b", 2), "cluster.yaml": cluster("{network: routed}") };
const SETUP = ["compile", "nodes.yaml", "cluster.yaml", "-o", "node-setup"];

describe("kpc compile -o node-setup", () => {
  test("prints the routes to other nodes' pods, each with its reason", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc([...SETUP, "--node", "a"], { folder });
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/^#!\/bin\/sh\n# What node a needs besides rules\. Pod network: routed\./);
      expect(stdout).toMatch(
        /^route replace unicast 10\.1\.2\.0\/24 via 192\.0\.2\.2 dev eth0 {2}# nodes have a route .*, nodes\.yaml:\d+$/m,
      );
      expect(stdout).not.toContain("10.1.1.");
    });
  });

  test("writes a file for each node", () => {
    inFolder(FILES, (folder) => {
      const { code, stderr } = kpc([...SETUP, "--all-nodes", "-d", "out"], { folder });
      expect([code, stderr]).toEqual([0, "note: wrote the setup of 2 nodes to out: a.sh, b.sh\n"]);
      expect(readdirSync(join(folder, "out"))).toEqual(["a.sh", "b.sh"]);
      const alone = kpc([...SETUP, "--node", "b"], { folder }).stdout;
      expect(readFileSync(join(folder, "out/b.sh"), "utf8")).toBe(alone);
    });
  });

  test.each([
    ["without Nodes", { "nodes.yaml": SERVICE }, ["--node", "a"], /expected kind: Node|the input has none/],
    ["of several Nodes", {}, [], /the input has several Nodes: add --node NAME, one of a, b/],
    ["for a node that is not there", {}, ["--node", "c"], /there is no Node c in the input: expected a, b/],
    [
      "with a name that a shell reads as a command",
      { "cluster.yaml": cluster('{bridge: "$(id)"}') },
      ["--node", "a"],
      /no script can name the interface|\[invalid-value\]/,
    ],
  ])("says what is wrong %s", (_, files, more, message) => {
    inFolder({ ...FILES, ...files }, (folder) => {
      const { code, stdout, stderr } = kpc([...SETUP, ...more], { folder });
      expect([code === 0, stdout]).toEqual([false, ""]);
      expect(stderr).toMatch(message);
    });
  });
});
