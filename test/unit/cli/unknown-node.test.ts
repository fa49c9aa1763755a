import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const node = (name: string): string => `---\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n`;

const WORLD = `${SERVICE}${node("worker-2")}${node("worker-1")}`;

const FLOW = `flows:
  - {name: a, protocol: tcp, origin: pod, from: 10.244.1.9, to: 10.96.0.10, port: 80, expect: {verdict: reject}}
`;

const FILES = {
  "a.yaml": WORLD,
  "without.yaml": SERVICE,
  "kpc.yaml": "apiVersion: kpc.dev/v1alpha1\nkind: Config\nnodeName: woker-1\n",
  "case.yaml": `name: c\nfiles: [a.yaml]\nproxy: {nodeName: woker-1}\n${FLOW}`,
  "free.yaml": `name: c\nfiles: [without.yaml]\nproxy: {nodeName: woker-1}\n${FLOW}`,
  "rules.nft": "table ip kpc {\n\tchain services {\n\t}\n}\n",
};

const MESSAGE = 'error: there is no Node "woker-1" in the input, did you mean "worker-1"? [unknown-node]';

describe("a node that is not among the given ones is refused with exit code 2", () => {
  test.each([
    ["", "compile a.yaml --node woker-1"],
    ["", "check a.yaml --node woker-1"],
    ["", "trace tcp_10.244.1.9>10.96.0.10:80 a.yaml --node woker-1"],
    ["", "verify a.yaml --against rules.nft --node woker-1"],
    ["", "diff a.yaml rules.nft --node woker-1"],
    ["kpc.yaml:3:11: ", "compile a.yaml -c kpc.yaml"],
    ["case.yaml:3:19: ", "test case.yaml"],
  ])("%skpc %s", (place, args) => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc(
        args.split(" ").map((arg) => arg.replaceAll("_", " ")),
        { folder },
      );
      expect(code).toBe(2);
      expect(`${stdout}${stderr}`.split("\n")).toContain(`${place}${MESSAGE}`);
      expect(stdout).not.toContain("table");
    });
  });

  test("a flag wins over the file, and has no place in it", () => {
    inFolder(FILES, (folder) => {
      expect(kpc(["compile", "a.yaml", "-c", "kpc.yaml", "--node", "worker-1"], { folder }).code).toBe(0);
      const { stderr } = kpc(["compile", "a.yaml", "-c", "kpc.yaml", "--node", "worker-3"], { folder });
      expect(stderr).toMatch(/^error: there is no Node "worker-3" in the input, did you mean "worker-1"\?/);
    });
  });

  test("names that are not alike are listed, ten of them", () => {
    inFolder({ "a.yaml": [...Array(12).keys()].map((i) => node(`n${i}`)).join("") }, (folder) => {
      const { stderr } = kpc(["compile", "a.yaml", "--node", "worker"], { folder });
      expect(stderr).toContain(
        '"worker" in the input: expected one of n0, n1, n10, n11, n2, n3, n4, n5, n6, n7 and 2 more',
      );
    });
  });
});

test("without Nodes in the input the name is free", () => {
  inFolder(FILES, (folder) => {
    for (const args of ["compile without.yaml --node woker-1", "check without.yaml -c kpc.yaml", "test free.yaml"])
      expect([args, kpc(args.split(" "), { folder }).code]).toEqual([args, 0]);
  });
});
