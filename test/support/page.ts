/// <reference lib="dom" />
/** The playground in a headless Chromium. */
import { readFileSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { BROWSER } from "./browser.ts";

export const PLAYGROUND = new URL("../../dist/playground/index.html", import.meta.url);

/** A page, and what it did that nobody asked it for. */
export interface WatchedPage {
  readonly page: Page;
  /** Messages of the console, and errors that nobody caught. */
  readonly said: string[];
  /** What the page asked for, in order, but for what it holds itself (`blob:`, `data:`). */
  readonly requests: string[];
}

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox"] });
}

/** An empty page in a context of its own, of which is heard what goes wrong; who opens something notes the requests. */
export async function newPage(browser: Browser, options: BrowserContextOptions): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  return { page, said, requests: [] };
}

/** Opens the playground from its file, in a context of its own. `fragment`: that of a link. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
  fragment = "",
): Promise<WatchedPage> {
  const { page, said, requests } = await newPage(browser, options);
  page.on("request", (request) => {
    const address = request.url();
    if (!/^(?:blob|data):/.test(address) && !address.startsWith(PLAYGROUND.href)) requests.push(address);
  });
  await page.goto(`${PLAYGROUND.href}${fragment}`);
  await answered(page, 0);
  return { page, said, requests };
}

/** How many answers the page has shown. */
export function answersOf(page: Page): Promise<number> {
  return page.evaluate(() => Number(document.body.dataset["answered"] ?? 0));
}

/** Waits until the page has shown more than `count` answers, and awaits no other one. */
export async function answered(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (before) => Number(document.body.dataset["answered"] ?? 0) > before && !document.body.classList.contains("busy"),
    count,
  );
}

/** Does `action`, and waits for the answer that it leads to. */
export async function andAnswer(page: Page, action: () => Promise<unknown>): Promise<void> {
  const before = await answersOf(page);
  await action();
  await answered(page, before);
}

/** The text of the view. */
export async function viewText(page: Page): Promise<string> {
  return (await page.textContent("#view")) ?? "";
}

/** The text of the page's file. */
export function pageText(): string {
  return readFileSync(PLAYGROUND, "utf8");
}
