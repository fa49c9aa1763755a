/** `kpc compile` ends by saying what it made, and how to load it. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";
import { some } from "../../support/runs.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SHOP = [`${ROOT}examples/shop/manifests`, "-c", `${ROOT}examples/shop/kpc.yaml`, "--node", "node-1"];

// Into a pipe: nobody has to be told how to load what another program takes.
const OUTPUTS = [
  ["nft", /^kpc: 3 Services, 14 endpoints, node node-1, nftables mode: \d+ chains, \d+ elements\n$/],
  ["iptables", /: \d+ chains, \d+ rules\n$/],
  ["ip6tables", /: \d+ chains, \d+ rules\n$/],
  ["ir", /: \d+ chains, \d+ elements\n$/],
  ["json", /: \d+ chains, \d+ elements\n$/],
  ["tables", /: \d+ bytes; load: createClassifier of kpc\/classifier\n$/],
] as const;
test.each(some(OUTPUTS, 3))("-o %s: one line on standard error", (output, wanted) => {
  const { code, stderr } = kpc(["compile", ...SHOP, "-o", output]);
  expect(code).toBe(0);
  expect(stderr).toMatch(wanted);
  expect(stderr.trimEnd()).not.toContain("\n");
});

test("the numbers are those of the output", () => {
  const { stdout, stderr } = kpc(["compile", ...SHOP, "-o", "iptables"]);
  const [, chains, rules] = /(\d+) chains, (\d+) rules/.exec(stderr) ?? [];
  const lines = stdout.split("\n");
  expect(Number(chains)).toBe(lines.filter((line) => line.startsWith(":")).length);
  expect(Number(rules)).toBe(lines.filter((line) => /^-[AI] /.test(line)).length);
});

describe("how to load the output", () => {
  /** What `kpc compile ARGUMENTS` says, run by a shell in a folder with one Service. */
  const saidBy = (script: (kpc: string) => string, folder: string): string => {
    const compile = `'${process.execPath}' '${join(ROOT, "dist/bin/kpc.cjs")}' compile a.yaml --node n`;
    const { stdout, stderr } = spawnSync("sh", ["-c", script(compile)], { cwd: folder, encoding: "utf8" });
    return `${stdout}${stderr}`.replaceAll("\r", "").trimEnd().split("\n").at(-1) ?? "";
  };

  const saved = "iptables-save.txt";
  const files = { "a.yaml": SERVICE, [saved]: "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n" };

  test.each([
    ["a file", "nft", "> rules.nft", "; load: nft -f rules.nft"],
    ["a file of another folder", "nft", "> made/rules.nft", "; load: nft -f made/rules.nft"],
    [
      "a file",
      "iptables",
      "> rules.v4",
      "; load: iptables-restore --noflush rules.v4 (the first time; then use --current)",
    ],
    [
      "a file",
      "ip6tables",
      "> rules.v6",
      "; load: ip6tables-restore --noflush rules.v6 (the first time; then use --current)",
    ],
    ["a file", `iptables --current ${saved}`, "> rules.v4", "; load: iptables-restore --noflush rules.v4"],
    ["a pipe", "nft", "2>&1 >&3 | cat", ""],
    ["nothing", "nft", "> /dev/null", ""],
  ])("to %s, -o %s", (_, output, to, wanted) => {
    inFolder(files, (folder) => {
      const said = saidBy((kpc) => `exec 3>/dev/null; mkdir made; ${kpc} -o ${output} ${to}`, folder);
      expect(said).toMatch(/^kpc: 1 Service, 0 endpoints, node n, .*: \d+ chains, \d+ \w+/);
      expect(said.replace(/^.*?(?=;|$)/, "")).toBe(wanted);
    });
  });

  test.each([
    ["nft", "; load: kpc compile … | nft -f -"],
    ["iptables", "; load: kpc compile … | iptables-restore --noflush (the first time; then use --current)"],
  ])("to a terminal, -o %s", (output, wanted) => {
    inFolder(files, (folder) => {
      const said = saidBy((kpc) => {
        writeFileSync(join(folder, "run.sh"), `${kpc} -o ${output}`);
        return "script -qec 'sh run.sh' /dev/null";
      }, folder);
      expect(said.replace(/^.*?(?=;|$)/, "")).toBe(wanted);
    });
  });
});

test("counts what was assumed", () => {
  inFolder({ "a.yaml": SERVICE.replace("  clusterIP: 10.96.0.10\n", "") }, (folder) => {
    const { stderr } = kpc(["compile", "a.yaml", "--node", "n"], { folder });
    expect(stderr).toMatch(/^kpc: 1 Service, 0 endpoints, node n, nftables mode, 1 value assumed: /m);
  });
});

test("-q: nothing; nor where there is an error", () => {
  expect(kpc(["compile", ...SHOP, "-q"])).toMatchObject({ code: 0, stderr: "" });
  inFolder({ "a.yaml": SERVICE.replace("port: 80", "port: 0") }, (folder) => {
    const { code, stderr } = kpc(["compile", "a.yaml", "--node", "n"], { folder });
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/^kpc: /m);
  });
});
