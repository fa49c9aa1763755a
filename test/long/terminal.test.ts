/** The line about progress on a terminal: `kpc` runs on a pty, which `script` of util-linux makes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder } from "../support/cli.ts";

const hasScript = spawnSync("script", ["--version"]).status === 0;
if (!hasScript) process.stderr.write("skipped: kpc on a terminal needs script(1) of util-linux\n");

/** Rules that take long to compare: each is for other sources, destinations and ports, which overlap with all others. */
function denseRules(order: (i: number) => number): string {
  const lines = Array.from({ length: 400 }, (_, n) => {
    const i = order(n);
    return `-A FORWARD -s 10.${i % 256}.0.0/${8 + (i % 17)} -d 10.0.${(i * 7) % 256}.0/${9 + (i % 13)} -p tcp --dport ${i}:${60000 - i} -j ${i % 2 === 0 ? "DROP" : "ACCEPT"}`;
  });
  return ["*filter", ":FORWARD ACCEPT [0:0]", ...lines, "COMMIT", ""].join("\n");
}

/** What a terminal shows of `kpc diff` on rules that it does not compare within `seconds`. */
function diffOnTerminal(seconds: number, flags: readonly string[] = [], env: Record<string, string> = {}): string {
  const kpc = join(import.meta.dirname, "../../dist/bin/kpc.cjs");
  const files = { "a.v4": denseRules((i) => i), "b.v4": denseRules((i) => 399 - i) };
  return inFolder(files, (folder) => {
    const command = [
      process.execPath,
      kpc,
      "diff",
      "a.v4",
      "b.v4",
      "--time",
      `${seconds}`,
      "--limit",
      "1",
      ...flags,
    ].join(" ");
    const { stdout } = spawnSync("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: folder,
      input: "",
      encoding: "utf8",
      env: { ...process.env, TERM: "xterm", CI: "", ...env },
    });
    return stdout;
  });
}

const LINE = /comparing: \d+ of \d+ kinds of traffic, [\d,]+ steps/;
const ERASE = "\r\u001b[K";

describe.skipIf(!hasScript)("on a terminal", () => {
  test("the line is rewritten in place, and gone before the answer", () => {
    const shown = diffOnTerminal(2);
    const parts = shown.split(ERASE);
    const lines = parts.filter((part) => LINE.test(part));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(new RegExp(`^${LINE.source}$`));
    expect(parts.at(-1)).toContain("after 2 s");
    expect(parts.at(-1)).not.toMatch(LINE);
  });

  test.each([
    ["with -q", ["-q"], {}],
    ["on one that can move no cursor", [], { TERM: "dumb" }],
    ["where a CI records it", [], { CI: "true" }],
  ] as const)("there is no line %s", (_, flags, env) => {
    const shown = diffOnTerminal(1, flags, env);
    expect(shown).toContain("after 1 s");
    expect(shown).not.toMatch(LINE);
    expect(shown).not.toContain(ERASE);
  });
});
