import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const node = (name: string, address: string): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nstatus: {addresses: [{type: InternalIP, address: ${address}}]}\n---\n`;
const NODES = node("b", "192.0.2.2") + node("a.example", "192.0.2.1");
const LONG = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.eeeeeeee`; // 252 characters

const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints: [{addresses: [10.244.0.5]}]
ports: [{name: http, port: 8080}]
`;

const FILES = { "a.yaml": SERVICE, "nodes.yaml": NODES };
const ALL = ["compile", "a.yaml", "nodes.yaml", "--all-nodes", "-d", "out/rules"];

describe("kpc compile --all-nodes", () => {
  test("writes what kpc compile --node prints, a file a node, and says so", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc(ALL, { folder });
      expect([code, stdout, stderr]).toEqual([
        0,
        "",
        "note: wrote the rules of 2 nodes to out/rules: a.example.nft, b.nft\n",
      ]);
      expect(readdirSync(join(folder, "out/rules"))).toEqual(["a.example.nft", "b.nft"]);
      const alone = kpc(["compile", "a.yaml", "nodes.yaml", "--node", "b", "-q"], { folder }).stdout;
      expect(readFileSync(join(folder, "out/rules/b.nft"), "utf8")).toBe(alone);
    });
  });

  test.each([
    ["iptables", "v4"],
    ["ip6tables", "v6"],
    ["ir", "ir"],
    ["tables", "kpct"],
    ["wasm", "wasm"],
  ])("-o %s has files .%s", (output, extension) => {
    inFolder(FILES, (folder) => {
      expect(kpc([...ALL, "-q", "-o", output], { folder })).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(readdirSync(join(folder, "out/rules"))).toEqual([`a.example.${extension}`, `b.${extension}`]);
    });
  });

  test("-o json prints findings and files, and writes programs", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = kpc([...ALL, "-o", "json"], { folder });
      const { diagnostics, files } = JSON.parse(stdout) as { diagnostics: { code: string }[]; files: object[] };
      expect(code).toBe(0);
      expect(diagnostics.map((each) => each.code)).toEqual(["no-endpoints"]);
      expect(files).toEqual([
        { node: "a.example", file: "out/rules/a.example.json" },
        { node: "b", file: "out/rules/b.json" },
      ]);
      expect(JSON.parse(readFileSync(join(folder, "out/rules/b.json"), "utf8"))).toHaveProperty("ruleset.tables");
    });
  });

  test("names files of the same format that are of no Node of the input", () => {
    inFolder({ ...FILES, "out/rules/gone.nft": "old", "out/rules/gone.v4": "old" }, (folder) => {
      const { code, stderr } = kpc(ALL, { folder });
      expect(code).toBe(0);
      expect(stderr).toContain("note: left alone, of no Node of the input: out/rules/gone.nft\n");
      expect(readFileSync(join(folder, "out/rules/gone.nft"), "utf8")).toBe("old");
    });
  });

  test("replaces the files from before, and leaves others alone", () => {
    inFolder({ ...FILES, "out/rules/b.nft": "old", "out/rules/other.txt": "mine" }, (folder) => {
      expect(kpc([...ALL, "-q"], { folder }).code).toBe(0);
      expect(readdirSync(join(folder, "out/rules"))).toEqual(["a.example.nft", "b.nft", "other.txt"]);
      expect(readFileSync(join(folder, "out/rules/b.nft"), "utf8")).toContain("for node b");
    });
  });
});

describe("kpc compile --all-nodes writes all files or none", () => {
  const prepare = (folder: string): void => {
    mkdirSync(join(folder, "out/rules"), { recursive: true });
    writeFileSync(join(folder, "out/rules/b.nft"), "old");
  };
  const unchanged = (folder: string): void => {
    expect(readdirSync(join(folder, "out/rules")).filter((name) => name !== "z.nft")).toEqual(["b.nft"]);
    expect(readFileSync(join(folder, "out/rules/b.nft"), "utf8")).toBe("old");
  };

  test("not where the manifests are wrong", () => {
    inFolder({ ...FILES, "a.yaml": SERVICE.replace("port: 80", "port: 0") }, (folder) => {
      prepare(folder);
      expect(kpc(ALL, { folder }).code).toBe(1);
      unchanged(folder);
    });
  });

  test("not where a node's name cannot be the name of a file", () => {
    inFolder({ ...FILES, "nodes.yaml": NODES + node(LONG, "192.0.2.3") }, (folder) => {
      prepare(folder);
      const { code, stderr } = kpc(ALL, { folder });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^nodes\.yaml:13:18: error: no file can be named "a+\..*\.nft", after Node "a+.*": expected at most 255 bytes \[invalid-value\]$/m,
      );
      unchanged(folder);
    });
  });

  test("not where a file cannot be replaced", () => {
    inFolder({ ...FILES, "nodes.yaml": NODES + node("z", "192.0.2.3") }, (folder) => {
      prepare(folder);
      mkdirSync(join(folder, "out/rules/z.nft"));
      const { code, stderr } = kpc([...ALL, "-q"], { folder });
      expect([code, stderr]).toEqual([2, "kpc: cannot write out/rules/z.nft: it is a folder\n"]);
      unchanged(folder);
    });
  });

  test("not where a format cannot hold the rules of one of them", () => {
    inFolder({ ...FILES, "a.yaml": `${SERVICE}---\n${SLICE}` }, (folder) => {
      prepare(folder);
      const pods = ["--detect-local-mode", "InterfaceNamePrefix", "--detect-local-interface", "fifteen-letters"];
      const { code, stderr } = kpc([...ALL, ...pods, "-q", "-o", "iptables"], { folder });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^error: chain \S+ cannot be written for iptables: an interface named "fifteen-letters" \[unsupported-iptables\]\n {2}note: in the rules of node a\.example$/m,
      );
      unchanged(folder);
    });
  });
});

describe("kpc compile --all-nodes cannot go on", () => {
  test.each<[what: string, args: string[], code: number, words: string]>([
    ["into a file", [...ALL.slice(0, 5), "a.yaml"], 2, "kpc: cannot write into a.yaml: it is not a folder"],
    ["below a file", [...ALL.slice(0, 5), "a.yaml/x"], 2, "kpc: cannot write into a.yaml: it is not a folder"],
    ["where the system makes no folders", [...ALL.slice(0, 5), "/proc/x/y"], 2, "kpc: cannot write /proc/x: "],
    ["without a folder", ALL.slice(0, 4), 2, "kpc: --all-nodes writes a file for each node: add -d DIR"],
    ["with the name of one", [...ALL, "--node", "b"], 2, "kpc: --node is about one node"],
    ["with the addresses of one", [...ALL, "--node-ip", "192.0.2.9"], 2, "kpc: --node-ip is about one node"],
    ["with the zone of one", [...ALL, "--zone", "east"], 2, "kpc: --zone is about one node"],
    ["with the rules of one host", [...ALL, "-o", "iptables", "--current", "-"], 2, "kpc: --current is about one node"],
    ["without Nodes", ["compile", "a.yaml", "--all-nodes", "-d", "out"], 1, "[no-node]"],
    ["without --all-nodes", ["compile", "a.yaml", "-d", "out"], 2, "kpc: -d is for --all-nodes"],
  ])("%s", (_, args, wanted, words) => {
    inFolder(FILES, (folder) => {
      const { code, stdout, stderr } = kpc([...args, "-q"], { folder });
      expect([code, stdout]).toEqual([wanted, ""]);
      expect(stderr).toContain(words);
      expect(readdirSync(folder)).toEqual(["a.yaml", "nodes.yaml"]);
    });
  });
});
