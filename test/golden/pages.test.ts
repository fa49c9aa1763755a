/** What README.md and docs/ show is what happens. After a change of an output, `KPC_UPDATE_PAGES=1` writes it into the pages. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing, runPage } from "../support/browser.ts";
import { kpc } from "../support/cli.ts";
import { startBrowser } from "../support/page.ts";
import {
  type CommandRun,
  commandsOf,
  isAsShown,
  makeFolder,
  PAGES,
  type Page,
  type PageBlock,
  ROOT,
  runPageCommands,
  wantedOf,
} from "../support/pages.ts";
import { EVERYTHING } from "../support/runs.ts";
import { asWritten, drawingIn, openSite } from "../support/site.ts";

const UPDATE = process.env["KPC_UPDATE_PAGES"] === "1";

/** Parts of commands that set a machine up; what is behind them is run. */
const SET_UP = /^apt-get /;

/** In the quick set README alone. */
const RUN = EVERYTHING || UPDATE ? PAGES : PAGES.filter(({ name }) => name === "README.md");

describe.each(RUN)("$name", (page) => {
  const { blocks, text } = page;
  let folder: string;
  let runs: readonly (CommandRun | undefined)[] = [];

  beforeAll(() => {
    folder = makeFolder();
    runs = runPageCommands(page, folder);
    if (UPDATE) update(page, runs);
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  test("has blocks of known languages only", () => {
    const outside = text.replaceAll(/^```.*?^```$/gms, "");
    expect(outside).not.toMatch(/^ {4}\S/m); // an indented block would be run by nobody
    expect(outside).not.toContain("```");
    for (const { language, file, text: block } of blocks) {
      expect(["console", "sh", "js", "html", "yaml", "json", "text"]).toContain(language);
      if (language === "yaml" || language === "json")
        expect({ block, file }).toEqual({ block, file: expect.any(String) });
    }
  });

  const commands = commandsOf(page).map((each, i) => ({ ...each, i }));
  const own = commands.filter(({ command }) => !SET_UP.test(command));

  test.each(own)("$ $command", ({ output, i }) => {
    const run = runs[i];
    if (run === undefined) return; // kernel tests are left out, which has been said
    if (output === undefined) expect(run).toEqual({ status: 0, output: expect.any(String) });
    else if (!isAsShown(output, run.output)) expect(run.output).toBe(output);
    expect(run.status).toBeLessThan(2);
  });

  test.each(blocks.filter(({ language }) => language === "js"))("a program: $text", (example) => {
    writeFileSync(join(folder, "example.mjs"), example.text);
    const { stdout, stderr } = spawnSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(wantedOf(example).length).toBeGreaterThan(0);
    expect(stdout.trimEnd().split("\n")).toEqual(wantedOf(example));
  });

  const ofBrowsers = blocks.filter(({ language }) => language === "html");

  test.skipIf(browserMissing !== undefined).each(ofBrowsers.filter(({ text: html }) => html.includes("<kpc-walk")))(
    "a page with a walk: $text",
    async ({ text: html }) => {
      const [, src = "", packet = ""] = /<kpc-walk src="([^"]+)" packet="([^"]+)">/.exec(html) ?? [];
      const names = [...src.split(" "), ...[...html.matchAll(/<img src="([^"]+)"/g)].map(([, name = ""]) => name)];
      const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
      const browser = await startBrowser();
      try {
        const { page: shown } = await openSite(browser, html, { files });
        const { stdout } = kpc(
          [
            "trace",
            packet,
            ...src.replace("kpc.yaml", "-c kpc.yaml").split(" "),
            "-o",
            "svg",
            "--no-table",
            "--scheme",
            "light",
          ],
          { folder },
        );
        expect(await drawingIn(shown)).toBe(await asWritten(shown, stdout));
      } finally {
        await browser.close();
      }
    },
  );

  test.skipIf(browserMissing !== undefined).each(ofBrowsers.filter(({ text: html }) => !html.includes("<kpc-walk")))(
    "a page: $text",
    async (example: PageBlock) => {
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

  test("has links that lead somewhere", () => {
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page.name : normalize(join(dirname(page.name), path));
      expect({ target, exists: existsSync(join(ROOT, file)) }).toEqual({ target, exists: true });
      if (anchor !== undefined) expect(anchorsOf(readFileSync(join(ROOT, file), "utf8"))).toContain(anchor);
    }
  });
});

describe("README.md", () => {
  const [readme] = PAGES as readonly [Page];

  test("is short", () => {
    expect(readme.text.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  test("gives the command with which changes are tested", () => {
    const last = readFileSync(join(ROOT, ".ci/run"), "utf8").trimEnd().split("\n").at(-1);
    expect(commandsOf(readme).map(({ command }) => command)).toContain(last);
  });

  test("leads to each page of docs/", () => {
    for (const { name } of PAGES.slice(1)) expect(readme.text).toContain(`(${name})`);
  });
});

test("CHANGELOG.md has versions, three kinds of changes, and one line for each change", () => {
  const [title, , about, ...lines] = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8").trimEnd().split("\n");
  expect({ title, about }).toEqual({ title: "# Changelog", about: expect.any(String) });
  const known = /^(?:|## (?:Unreleased|\d+\.\d+\.\d+ \(\d{4}-\d{2}-\d{2}\))|### (?:Added|Changed|Fixed)|- \S.*)$/;
  expect(lines.filter((line) => !known.test(line))).toEqual([]);
});

/** GitHub's names of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Writes what commands print now where the page shows something else, and leaves out nothing. */
function update(page: Page, runs: readonly (CommandRun | undefined)[]): void {
  let { text } = page;
  commandsOf(page).forEach(({ command, output }, i) => {
    const run = runs[i];
    if (output === undefined || run === undefined || isAsShown(output, run.output)) return;
    text = text.replace(`$ ${command}\n${output}`, () => `$ ${command}\n${run.output}`);
  });
  writeFileSync(join(ROOT, page.name), text);
}
