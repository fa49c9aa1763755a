import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing, runPage } from "../support/browser.ts";
import { kernelMissing } from "../support/kernel.ts";
import { EXAMPLES, type Example, REDIRECTED, SESSIONS, type Session, wantedOf } from "../support/readme.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Where README's reader is: beside the examples, with the package installed. */
let folder: string;

/** What a command prints; `npx kpc` is the command that was built here. */
function shell(command: string): string {
  const own = command.replace(/^npx kpc /, `'${process.execPath}' '${ROOT}dist/bin/kpc.cjs' `);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", own], { cwd: folder, encoding: "utf8" });
  expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: "" });
  return stdout;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kpc-readme-"));
  symlinkSync(join(ROOT, "examples"), join(folder, "examples"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules", "kpc"));
  for (const command of REDIRECTED) shell(command);
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("README", () => {
  test("has examples of all kinds", () => {
    expect(SESSIONS.length).toBeGreaterThanOrEqual(4);
    expect(REDIRECTED.map((command) => command.replace(/.* > /, ""))).toEqual(["svc.kpct", "svc.wasm"]);
    expect(EXAMPLES.map(({ language }) => language)).toEqual(["js", "html", "js", "yaml"]);
    for (const example of EXAMPLES.filter(({ language }) => language !== "yaml"))
      expect(wantedOf(example).length).toBeGreaterThan(0);
  });

  const asksKernel = ({ command }: Session): boolean => command.includes("--engine") && command.includes("kernel");

  test.each(SESSIONS.filter((session) => !asksKernel(session)))("$command", ({ command, output }) => {
    expect(shell(command)).toBe(output);
  });

  test.skipIf(kernelMissing !== undefined).each(SESSIONS.filter(asksKernel))("$command", ({ command, output }) => {
    expect(shell(command)).toBe(output);
  });

  test.each(EXAMPLES.filter(({ language }) => language === "js"))("a program: $text", (example) => {
    writeFileSync(join(folder, "example.mjs"), example.text);
    expect(shell("node example.mjs").trimEnd().split("\n")).toEqual(wantedOf(example));
  });

  test.skipIf(browserMissing !== undefined).each(EXAMPLES.filter(({ language }) => language === "html"))(
    "a page: $text",
    async (example: Example) => {
      const [, script = ""] = /<script type="module">(.*)<\/script>/s.exec(example.text) ?? [];
      const { result } = await runPage(`${script}\nreport(document.body.textContent);`, (path) => {
        if (path === "/svc.kpct")
          return { type: "application/octet-stream", body: readFileSync(join(folder, "svc.kpct")) };
        if (!path.startsWith("/node_modules/kpc/dist/") || path.includes("..")) return undefined;
        const type = path.endsWith(".wasm") ? "application/wasm" : "text/javascript";
        return { type, body: readFileSync(join(folder, path)) };
      });
      expect([result]).toEqual(wantedOf(example));
    },
  );
});
