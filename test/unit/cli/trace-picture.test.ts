/** `kpc trace -o svg`: its options, and names that mean something in XML. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CliResult, kpc } from "../../support/cli.ts";

const PACKET = "tcp api-1 > svc/web";
const INPUTS = ["examples/shop/manifests", "examples/shop/cluster.yaml", "-c", "examples/shop/kpc.yaml"];

function picture(...flags: readonly string[]): CliResult {
  return kpc(["trace", PACKET, ...INPUTS, "-o", "svg", ...flags]);
}

test("has a title, a description, both schemes, and a group for each step in drawing and table", () => {
  const { stdout } = picture();
  expect(stdout).toContain('<title id="k-t">api-1 reaches shop/web on the other node</title>');
  expect(stdout).toMatch(/<desc id="k-d">.*8: web-2 eth0: delivered to port 8080.*<\/desc>/);
  expect(stdout).toContain("prefers-color-scheme:dark");
  const steps = [...stdout.matchAll(/data-step="(\d+)"/g)].map(([, number]) => Number(number));
  expect(steps.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 22 }, (_, i) => Math.floor(i / 2) + 1));
});

test("--scheme writes one scheme, --transparent no ground", () => {
  const { stdout } = picture("--scheme", "dark", "--transparent");
  expect(stdout).not.toContain("<style>");
  expect(stdout).toContain("#FF9A5C");
  expect(stdout).not.toContain("#BF3F0A");
  expect(stdout).not.toMatch(/<rect width="[0-9.]+" height="[0-9.]+" fill/);
  expect(picture("--scheme", "dark").stdout).toMatch(/<rect width="[0-9.]+" height="[0-9.]+" fill/);
});

test("--no-table and --no-drawing leave out one of both", () => {
  const count = ({ stdout }: CliResult): number => [...stdout.matchAll(/data-step=/g)].length;
  expect([count(picture("--no-table")), count(picture("--no-drawing"))]).toEqual([11, 11]);
  expect(picture("--no-table").stdout).not.toContain("written in");
  expect(picture("--no-drawing").stdout).not.toContain("not on this walk");
});

test("--branch tells another branch", () => {
  const [first, second] = [picture("--branch", "1"), picture("--branch", "2")].map(({ stdout }) => stdout);
  expect(first).toContain("api-1 reaches shop/web on the same node");
  expect(second).toContain("api-1 reaches shop/web on the other node");
});

test.each([
  [["--branch", "3"], "--branch 3: the walk has 2 branches"],
  [["--branch", "0"], "expected the number of a branch, from 1"],
  [["--no-table", "--no-drawing"], "--no-table and --no-drawing leave nothing"],
  [["--scheme", "blue"], "Allowed choices are light, dark"],
  [["--node", "node-1"], "-o svg is for packets through the whole cluster"],
])("%j is refused", (flags, message) => {
  const { code, stdout, stderr } = picture(...flags);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test.each([["--scheme", "dark"], ["--branch", "1"], ["--transparent"], ["--no-table"], ["--no-drawing"]])(
  "%s is refused without -o svg",
  (...flags) => {
    const { code, stderr } = kpc(["trace", PACKET, ...INPUTS, ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${flags[0]} is for pictures: expected -o svg`);
  },
);

test("names of files are escaped", () => {
  const folder = mkdtempSync(join(tmpdir(), "kpc-picture-"));
  try {
    const hostile = join(folder, `<b>&"`);
    mkdirSync(hostile);
    cpSync("examples/shop/manifests", hostile, { recursive: true });
    const name = `./<b>&"`;
    const { code, stdout } = kpc(
      ["trace", "tcp web-1 > api-1:8081", name, "--cluster-cidr", "10.244.0.0/16", "-o", "svg"],
      {
        folder,
      },
    );
    expect(code).toBe(0);
    expect(stdout).toContain("&lt;b&gt;&amp;&quot;");
    expect(stdout).not.toContain("<b>");
    const tags = [...stdout.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)];
    const open: string[] = [];
    for (const [, isEnd, tag = "", isEmpty] of tags) {
      if (isEnd !== "") expect(open.pop()).toBe(tag);
      else if (isEmpty === "") open.push(tag);
    }
    expect(open).toEqual([]);
    expect(stdout.replaceAll(/&(?:lt|gt|amp|quot);/g, "")).not.toContain("&");
    expect(stdout).not.toMatch(/<script|href|url\(/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
