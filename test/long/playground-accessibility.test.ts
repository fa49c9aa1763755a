/** Whether people with a screen reader, or without a mouse, can use the playground: what axe finds in each view. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VIEWS } from "../../runtime/playground/protocol.ts";
import { browserMissing } from "../support/browser.ts";
import { andAnswer, openPage, startBrowser } from "../support/page.ts";
import { drawingIn, openSite, pageWith } from "../support/site.ts";

/** The checker, as a script for the page. */
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const WINDOWS = [
  ["dark", 1440],
  ["light", 390],
] as const;

describe.skipIf(browserMissing !== undefined)("no serious fault has", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test.each(WINDOWS)("the playground, %s, %i pixels wide", async (colorScheme, width) => {
    const { page } = await openPage(browser, { colorScheme, viewport: { width, height: 844 } });
    await page.evaluate(AXE);
    for (const view of VIEWS) {
      if (view !== "walk") await andAnswer(page, () => page.click(`#tab-${view}`));
      expect({ view, faults: await page.evaluate(seriousFaults) }).toEqual({ view, faults: [] });
    }
    const inState = async (state: string, enter: () => Promise<unknown>, leave = "Escape"): Promise<void> => {
      await enter();
      expect({ state, faults: await page.evaluate(seriousFaults) }).toEqual({ state, faults: [] });
      await page.keyboard.press(leave);
    };
    await andAnswer(page, () => page.click("#tab-walk"));
    await inState("a list of names", async () => {
      await page.focus("#question");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
    });
    await inState("an enlarged drawing", () => page.click(".enlarge"));
    await inState("the help", () => page.click("#keys"));
    await page.evaluate(() => document.getElementById("tab-files")?.click());
    await inState("a file that gets a name", () => page.click("#rename"));
    await inState("an error", async () => {
      await page.locator("#editor .cm-content").click();
      await andAnswer(page, () => page.keyboard.insertText("[\n"));
      await page.keyboard.press("Escape");
      await page.evaluate(() => document.getElementById("tab-walk")?.click());
      await page.locator(".stale").waitFor();
    });
    await page.context().close();
  });

  test.each(WINDOWS)("<kpc-walk>, %s, %i pixels wide", async (colorScheme, width) => {
    const body = `<h1>walks</h1>
<kpc-walk src="examples/broken/manifests.yaml examples/broken/bridge-netfilter.yaml" packet="tcp client &gt; svc/web"></kpc-walk>
<kpc-walk src="gone.yaml" packet="tcp client &gt; svc/web"></kpc-walk>`;
    const { page } = await openSite(browser, pageWith(body), { colorScheme, viewport: { width, height: 844 } });
    await drawingIn(page);
    await page.evaluate(AXE);
    expect(await page.evaluate(seriousFaults)).toEqual([]);
    await page.context().close();
  });
});

/** What axe finds in the page, without what it calls minor or moderate. */
async function seriousFaults(): Promise<string[]> {
  const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
  const { violations } = await axe.run();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
