/**
 * Takes the pictures of the playground that docs/images has, and writes those that show something else than before: also less
 * than the test would notice.
 *
 *   npm run screenshots -- [--all]
 *
 * Look at what it has written. test/long/screenshots.test.ts takes them again, and compares.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { decodePng, differingShare, withPalette } from "./support/image.ts";
import { startBrowser } from "./support/page.ts";
import { encodePng } from "./support/png.ts";
import { screenshotPath, TOLERANCE, takeScreenshots } from "./support/screenshots.ts";

const { values: flags } = parseArgs({ options: { all: { type: "boolean", default: false } } });
const browser = await startBrowser();
for (const { name, pixels } of await takeScreenshots(browser)) {
  const path = screenshotPath(name);
  const kept = existsSync(path) ? await decodePng(browser, readFileSync(path)) : undefined;
  const share = kept === undefined ? 1 : differingShare(kept, pixels);
  const isOther = flags.all || share > TOLERANCE / 4;
  if (isOther) writeFileSync(path, encodePng(withPalette(pixels)));
  process.stdout.write(`${isOther ? "written" : "kept   "} ${name}, ${(share * 100).toFixed(2)} % other\n`);
}
await browser.close();
