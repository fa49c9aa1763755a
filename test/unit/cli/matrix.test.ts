/** `kpc matrix`: what it prints, with which exit code. */
import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

const SHOP = [
  `${ROOT}examples/shop/manifests`,
  `${ROOT}examples/shop/cluster.yaml`,
  "-c",
  `${ROOT}examples/shop/kpc.yaml`,
];
const FILES = { "empty/README.md": "" };
const MANIFESTS = `${ROOT}examples/shop/manifests`;

describe("inputs that give no matrix", () => {
  const CASES: readonly (readonly [string, readonly string[], string])[] = [
    ["no input", [], "kpc: no input: name files or folders, or - for standard input\n"],
    ["no Pods", [`${MANIFESTS}/nodes.yaml`], "nodes.yaml: no Pods: expected objects of kind: Pod"],
    ["no Services", [`${MANIFESTS}/nodes.yaml`, `${MANIFESTS}/pods.yaml`], "pods.yaml: no Services: expected"],
    ["an empty folder before", [...SHOP, "--against", "empty"], "kpc: no .yaml, .yml or .json files in empty"],
    ["no Pods before", [...SHOP, "--against", `${MANIFESTS}/nodes.yaml`], "nodes.yaml: no Pods: expected"],
    ["no such folder before", [...SHOP, "--against", "none"], "kpc: cannot read none: there is no such file"],
  ];
  test.each(CASES)("%s", (_name, args, message) => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc(["matrix", "-q", ...args], { folder });
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(message);
    });
  });
});
