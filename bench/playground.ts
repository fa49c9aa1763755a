/**
 * How long the playground takes in Chromium: until the first view is there, and from a key to the answer.
 *
 *   npm run bench:playground -- [--sizes 50x10000x1000] [--rounds 9]
 *
 * A size is NODESxPODSxSERVICES; the shop is always among them. Times are those of the page itself (`performance.mark`), medians of the
 * rounds, in milliseconds: "first" until the files of `kpc serve` are read and checked; "key" from the change of a file to
 * the walk, "worker" what of it the worker took, and "slowest" the longest of them. A key is a line at the end of a JSON List, or a letter in
 * the name of a Service in YAML. Targets stand beside the figures and nothing is judged.
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
import { printYaml } from "../test/support/kubectl-yaml.ts";
import { andAnswer, answered, openPage, pageText, startBrowser } from "../test/support/page.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

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

const rows = [["cluster", "MB", "first", "key", "worker", "slowest", "target"]];
const { page } = await openPage(browser);
const atEnd: Typing = { go: (each) => goToEnd(each), key: "Enter" };
rows.push(["shop", "0.0", "", ...(await keys(page, atEnd)), "50"]);
await page.context().close();
for (const size of flags.sizes.split(",")) {
  const text = textOf(size);
  rows.push([`${size} JSON`, ...(await large("cluster.json", text, atEnd)), "300"]);
  rows.push([`${size} YAML`, ...(await large("cluster.yaml", asYaml(text), { go: goToName, key: "x" })), "300"]);
}
await browser.close();
process.stdout.write(printTable(rows));

/** What is typed, and where. */
interface Typing {
  readonly go: (page: Page) => Promise<void>;
  readonly key: string;
}

function textOf(size: string): string {
  const [nodes = 1, pods = 1, services = 1] = size.split("x").map(Number);
  return gridText({ nodes, pods, services });
}

/** A document for each object, Services first. */
function asYaml(list: string): string {
  const { items } = JSON.parse(list) as { readonly items: readonly { readonly kind: string }[] };
  const sorted = [...items].sort((a, b) => Number(b.kind === "Service") - Number(a.kind === "Service"));
  return sorted.map((item) => printYaml(item)).join("---\n");
}

async function goToEnd(page: Page): Promise<void> {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
}

async function goToName(page: Page): Promise<void> {
  await page.locator(".cm-line", { hasText: "name: s0" }).first().click();
  await page.keyboard.press("End");
}

/** A cluster by way of `kpc serve`. */
async function large(name: string, text: string, typing: Typing): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
  writeFileSync(join(folder, name), text);
  const kpc = spawn(process.execPath, [KPC, "serve", folder], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(kpc.stdout, "data")) as [Buffer];
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(line.toString().trim());
    await answered(page, 0);
    const first = (await lastMark(page, "answer")).toFixed(0);
    await andAnswer(page, () => page.fill("#question", "tcp pod/d/p0 > svc/d/s1:80"));
    const times = await keys(page, typing);
    await context.close();
    return [(text.length / 1e6).toFixed(1), first, ...times];
  } finally {
    kpc.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

async function keys(page: Page, { go, key }: Typing): Promise<string[]> {
  const [all, workers]: [number[], number[]] = [[], []];
  await go(page);
  for (let round = 0; round < ROUNDS; round++) {
    await andAnswer(page, () => page.keyboard.press(key));
    all.push((await lastMark(page, "answer")) - (await lastMark(page, "change")));
    workers.push(Number(/([\d.]+) ms/.exec((await page.textContent("#status")) ?? "")?.[1]));
  }
  return [...[all, workers].map((times) => summarise(times).median), summarise(all).max].map((time) => time.toFixed(0));
}

function lastMark(page: Page, name: string): Promise<number> {
  return page.evaluate((mark) => performance.getEntriesByName(mark).at(-1)?.startTime ?? 0, name);
}
