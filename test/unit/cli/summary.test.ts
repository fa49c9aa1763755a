/** `kpc compile` ends by saying what it made, and how to load it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SHOP = [`${ROOT}examples/shop/manifests`, "-c", `${ROOT}examples/shop/kpc.yaml`, "--node", "node-1"];

test.each([
  ["nft", /^kpc: 3 Services, 14 endpoints, node node-1, nftables mode: \d+ chains, \d+ elements; load: nft -f -\n$/],
  ["iptables", /: \d+ chains, \d+ rules; load: iptables-restore --noflush \(the first time; then use --current\)\n$/],
  ["ip6tables", /: \d+ chains, \d+ rules; load: ip6tables-restore --noflush \(the first time; then use --current\)\n$/],
  ["ir", /: \d+ chains, \d+ elements\n$/],
  ["json", /: \d+ chains, \d+ elements\n$/],
  ["tables", /: \d+ bytes; load: createClassifier of kpc\/classifier\n$/],
])("-o %s: one line on standard error", (output, wanted) => {
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

test("names the file that the output goes to", () => {
  inFolder({ "a.yaml": SERVICE }, (folder) => {
    const script = `'${process.execPath}' '${join(ROOT, "dist/bin/kpc.cjs")}' compile a.yaml --node n > rules.nft`;
    const { stderr } = spawnSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });
    expect(stderr).toMatch(/^kpc: 1 Service, 0 endpoints, node n, .*; load: nft -f rules\.nft\n$/);
    expect(readFileSync(join(folder, "rules.nft"), "utf8")).toContain("shop/api");
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
