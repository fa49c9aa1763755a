/** The pictures of the playground in docs/images show what it looks like. `npm run screenshots` writes those that do not. */
import { readdirSync, readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing } from "../support/browser.ts";
import { decodePng, differingShare, type Pixels } from "../support/image.ts";
import { startBrowser } from "../support/page.ts";
import { ROOT } from "../support/pages.ts";
import { fontsDiffer, SCREENSHOTS, screenshotPath, TOLERANCE, takeScreenshots } from "../support/screenshots.ts";

const missing = browserMissing ?? fontsDiffer();
if (missing !== undefined) process.stderr.write(`screenshots are not compared: ${missing}\n`);

describe.skipIf(missing !== undefined)("screenshots", () => {
  let browser: Browser;
  let kept: ReadonlyMap<string, Pixels>;

  beforeAll(async () => {
    browser = await startBrowser();
    const decoded = SCREENSHOTS.map(
      async (name) => [name, await decodePng(browser, readFileSync(screenshotPath(name)))] as const,
    );
    kept = new Map(await Promise.all(decoded));
  });

  afterAll(() => browser.close());

  test("show the views as they are", async () => {
    const shares = new Map<string, number>();
    for (const { name, pixels } of await takeScreenshots(browser)) {
      const before = kept.get(name);
      shares.set(name, before === undefined ? 1 : differingShare(before, pixels));
    }
    expect([...shares.keys()].sort()).toEqual([...SCREENSHOTS].sort());
    expect([...shares].filter(([, share]) => share > TOLERANCE)).toEqual([]);
  });

  test("of different views or schemes are told apart, and from a page that is blank or lost its drawing", () => {
    for (const [name, pixels] of kept)
      for (const [other, others] of kept) {
        const share = differingShare(pixels, others);
        if (name === other) expect(share).toBe(0);
        else expect({ name, other, isTold: share > 5 * TOLERANCE }).toEqual({ name, other, isTold: true });
      }
    for (const [name, pixels] of kept) {
      const { width, height, colours } = pixels;
      const blank = { width, height, colours: colours.slice().fill(colours[0] ?? 0) };
      expect({ name, isTold: differingShare(pixels, blank) > 5 * TOLERANCE }).toEqual({ name, isTold: true });
    }
    for (const name of SCREENSHOTS.filter((each) => each.includes("-walk-"))) {
      const pixels = kept.get(name);
      expect(pixels && differingShare(pixels, withoutPart(pixels))).toBeGreaterThan(TOLERANCE);
    }
  });
});

/** The image with the right half of its upper half in one colour. */
function withoutPart({ width, height, colours }: Pixels): Pixels {
  const changed = colours.map((colour, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x > width / 2 && y > height / 4 && y < height / 2 ? (colours[0] ?? 0) : colour;
  });
  return { width, height, colours: changed };
}

test("pictures of the playground are small, and each is one of a view", () => {
  const names = readdirSync(`${ROOT}docs/images`).filter((name) => name.endsWith(".png"));
  expect(names.sort()).toEqual([...SCREENSHOTS].sort());
  for (const name of names) expect(readFileSync(screenshotPath(name)).length).toBeLessThan(80_000);
  const page = readFileSync(`${ROOT}docs/playground.md`, "utf8");
  for (const name of names) expect(page).toContain(`images/${name}`);
});
