/** Views on paper: whole, without controls, and in light colours whatever the screen's are. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VIEWS } from "../../runtime/playground/protocol.ts";
import { browserMissing } from "../support/browser.ts";
import { andAnswer, openPage, startBrowser } from "../support/page.ts";

/** That of a sheet of A4 without margins of a centimetre, in CSS pixels. */
const PAPER = { width: 718, height: 1047 };

describe.skipIf(browserMissing !== undefined)("the playground on paper", () => {
  let browser: Browser;
  let light: Page;
  let dark: Page;

  beforeAll(async () => {
    browser = await startBrowser();
    light = (await openPage(browser, { colorScheme: "light" })).page;
    dark = (await openPage(browser, { colorScheme: "dark" })).page;
  });

  afterAll(() => browser.close());

  test.each([...VIEWS.slice(1), "walk"] as const)("%s", async (view) => {
    for (const page of [light, dark]) await andAnswer(page, () => page.click(`#tab-${view}`));
    const [sheets, others] = [await printed(light), await printed(dark)];
    expect(others.equals(sheets)).toBe(true);
    // Rules and the matrix do not fit on one sheet.
    expect(pagesOf(sheets) > 1).toBe(view === "rules" || view === "matrix");
    await dark.emulateMedia({ media: "print" });
    const size = dark.viewportSize() ?? PAPER;
    await dark.setViewportSize(PAPER);
    expect(await dark.evaluate(faultsOfPaper)).toEqual([]);
    await dark.setViewportSize(size);
    await dark.emulateMedia({ media: null });
  });

  test("the drawing has the colours of the screen again", async () => {
    const ink = async (page: Page): Promise<string | null> => page.getAttribute(".drawing svg", "fill");
    expect(await ink(dark)).not.toBe(await ink(light));
  });
});

/** The PDF, without the times at which it was made. */
async function printed(page: Page): Promise<Buffer> {
  const pdf = await page.pdf({ format: "A4" });
  return Buffer.from(pdf.toString("latin1").replace(/\/(?:CreationDate|ModDate) \(.*?\)/g, ""), "latin1");
}

function pagesOf(pdf: Buffer): number {
  return pdf.toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0;
}

/** What is not to be on paper, and what is cut off there. */
function faultsOfPaper(): string[] {
  const isShown = (element: Element): boolean => element.getClientRects().length > 0;
  const controls = [...document.querySelectorAll("button, input, select, summary, header, footer, [role=separator]")]
    .filter((element) => isShown(element) && !element.matches(".place, .line, .matrix td button"))
    .map((element) => `${element.tagName} is shown: ${element.textContent}`);
  const parts = [document.documentElement, ...document.querySelectorAll("main, .output, #view, #view *:not(svg *)")];
  const cut = parts
    .filter((element) => isShown(element) && getComputedStyle(element).overflow !== "visible")
    .filter(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => {
      return scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1;
    })
    .map((element) => `${element.tagName}.${element.className} is cut off`);
  const wide = [...document.querySelectorAll("#view *:not(svg *)")]
    .filter((element) => isShown(element) && element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => `${element.tagName}.${element.className} is wider than the paper`);
  return [...controls, ...cut, ...wide];
}
