/**
 * How long the playground takes in Chromium: until the first view is there, and from a key to the answer.
 *
 *   npm run bench:playground -- [--sizes 50x10000x1000] [--rounds 9]
 *
 * A size is NODESxPODSxSERVICES; the shop is always among them. Times are those of the page itself (`performance.mark`), medians of the
 * rounds, in milliseconds: "key" from the change of a file to the walk; "worker" what of it the worker took. Targets stand beside the
 * figures and nothing is judged.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { gridText } from "../test/support/grid-cluster.ts";
import { andAnswer, answered, openPage, pageText, startBrowser } from "../test/support/page.ts";
import { summarise } from "./support/statistics.mjs";
import { printTable } from "./support/table.mjs";

const { values: flags } = parseArgs({
  options: { sizes: { type: "string", default: "50x10000x1000" }, rounds: { type: "string", default: "9" } },
});
const ROUNDS = Number(flags.rounds);
const KPC = fileURLToPath(new URL("../bin/kpc.cjs", import.meta.url));

const scripts = [...pageText().matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, text = ""]) => text);
process.stdout.write(`scripts: ${(gzipSync(scripts.join("")).length / 1000).toFixed(0)} kB gzipped (<= 400)\n\n`);

const browser = await startBrowser();
const firsts: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const { page } = await openPage(browser);
  firsts.push(await lastMark(page, "answer"));
  await page.context().close();
}
process.stdout.write(`first view from disk: ${summarise(firsts).median.toFixed(0)} ms (<= 1000)\n\n`);

const rows = [["cluster", "MB", "key", "worker", "target"]];
const { page } = await openPage(browser);
rows.push(["shop", "0.0", ...(await keys(page)), "50"]);
await page.context().close();
for (const size of flags.sizes.split(",")) rows.push([size, ...(await large(size)), "300"]);
await browser.close();
process.stdout.write(printTable(rows));

/** A cluster by way of `kpc serve`. */
async function large(size: string): Promise<string[]> {
  const [nodes = 1, pods = 1, services = 1] = size.split("x").map(Number);
  const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
  const text = gridText({ nodes, pods, services });
  writeFileSync(join(folder, "cluster.json"), text);
  const kpc = spawn(process.execPath, [KPC, "serve", folder], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(kpc.stdout, "data")) as [Buffer];
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(line.toString().trim());
    await answered(page, 0);
    await andAnswer(page, () => page.fill("#question", "tcp pod/d/p0 > svc/d/s1:80"));
    const times = await keys(page);
    await context.close();
    return [(text.length / 1e6).toFixed(1), ...times];
  } finally {
    kpc.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

/** Types blanks at the end of the file. */
async function keys(page: Page): Promise<string[]> {
  const [all, workers]: [number[], number[]] = [[], []];
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  for (let round = 0; round < ROUNDS; round++) {
    await andAnswer(page, () => page.keyboard.press("Enter"));
    all.push((await lastMark(page, "answer")) - (await lastMark(page, "change")));
    workers.push(Number(/([\d.]+) ms/.exec((await page.textContent("#status")) ?? "")?.[1]));
  }
  return [all, workers].map((times) => summarise(times).median.toFixed(0));
}

function lastMark(page: Page, name: string): Promise<number> {
  return page.evaluate((mark) => performance.getEntriesByName(mark).at(-1)?.startTime ?? 0, name);
}
