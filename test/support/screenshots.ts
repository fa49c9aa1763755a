/// <reference lib="dom" />
/** Pictures of the playground's views, for docs/images. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { toFragment } from "../../runtime/playground/page/share.ts";
import type { ViewName } from "../../runtime/playground/protocol.ts";
import { kpcProcess } from "./cli.ts";
import { decodePng, type Pixels } from "./image.ts";
import { andAnswer, openPage } from "./page.ts";
import { ROOT } from "./pages.ts";

export interface Screenshot {
  /** Of the file in docs/images. */
  readonly name: string;
  readonly pixels: Pixels;
}

const SCHEMES = ["light", "dark"] as const;

const SIZE = { width: 1280, height: 800 } as const;

/** All of them; Check is last, since it takes another example. */
const IN_ORDER = ["walk", "rules", "matrix", "verify", "diff", "classifier", "check"] as const satisfies ViewName[];

/** The share of an image that may show something else: rates and lengths, which differ each time. */
export const TOLERANCE = 0.02;

/** Names of all pictures. */
export const SCREENSHOTS: readonly string[] = SCHEMES.flatMap((scheme) => IN_ORDER.map((view) => nameOf(view, scheme)));

function nameOf(view: ViewName, scheme: string): string {
  return `playground-${view}-${scheme}.png`;
}

/** Where docs/images has a picture. */
export function screenshotPath(name: string): string {
  return `${ROOT}docs/images/${name}`;
}

/** The fonts that the kept pictures are in: with others every letter stands elsewhere. */
const FONTS = { "system-ui": "DejaVu Sans", "ui-monospace": "DejaVu Sans", monospace: "DejaVu Sans Mono" } as const;

/** Why pictures cannot be compared with the kept ones here; undefined: they can. */
export function fontsDiffer(): string | undefined {
  for (const [name, wanted] of Object.entries(FONTS)) {
    const { stdout } = spawnSync("fc-match", ["-f", "%{family}", name], { encoding: "utf8" });
    if (stdout !== wanted)
      return `${name} is ${stdout || "unknown"} here, and ${wanted} in the pictures of docs/images`;
  }
  return undefined;
}

export async function takeScreenshots(browser: Browser): Promise<Screenshot[]> {
  const fragment = await shopLink();
  const taken: Screenshot[] = [];
  for (const colorScheme of SCHEMES) {
    const { page } = await openPage(browser, { colorScheme, viewport: SIZE, reducedMotion: "reduce" }, fragment);
    for (const view of IN_ORDER) {
      await show(page, view);
      await page.mouse.move(SIZE.width / 2, SIZE.height - 10);
      await page.evaluate(withoutTimes);
      const png = await page.screenshot({ animations: "disabled", caret: "hide" });
      taken.push({ name: nameOf(view, colorScheme), pixels: await decodePng(browser, png) });
      if (view !== "diff") continue;
      await andAnswer(page, () => page.keyboard.press("Control+z"));
      await toLineStart(page);
    }
    await page.context().close();
  }
  return taken;
}

/** Runs in the page: how long this machine took is no part of a picture. */
function withoutTimes(): void {
  const status = document.getElementById("status");
  if (status !== null) status.textContent = status.textContent.replace(/\d+ ms · /, "");
}

/** The shop, and rules of a host that have one endpoint wrong, as the fragment of a link. */
async function shopLink(): Promise<string> {
  const folder = `${ROOT}examples/shop/`;
  const paths = ["manifests/services.yaml", "manifests/pods.yaml", "manifests/nodes.yaml", "cluster.yaml", "kpc.yaml"];
  const files = paths.map((path) => ({
    name: path.slice(path.indexOf("/") + 1),
    text: readFileSync(`${folder}${path}`, "utf8"),
  }));
  const { stdout } = kpcProcess(["compile", "manifests", "-c", "kpc.yaml", "--node", "node-1", "-q"], { folder });
  const host = { name: "host.nft", text: stdout.replaceAll("10.244.1.21 . 8081", "10.244.1.99 . 8081") };
  return `#${await toFragment({
    files: [...files, host],
    before: [],
    question: "tcp api-1 > svc/web:http",
    branch: 0,
    mode: "nftables",
    node: "",
    view: "walk",
    open: "services.yaml",
  })}`;
}

/** Leads to a view, and lets it have something to show: Diff a change, Check a cluster that has a fault. */
async function show(page: Page, view: ViewName): Promise<void> {
  if (view === "check") await andAnswer(page, () => page.selectOption("#example", "broken: bridge-netfilter"));
  else if (view !== "walk") await andAnswer(page, () => page.click(`#tab-${view}`));
  if (view !== "diff") return;
  await page.locator(".cm-line", { hasText: "port: 80, targetPort: http" }).click();
  await page.keyboard.press("End");
  for (let i = 0; i < ", targetPort: http }".length; i++) await page.keyboard.press("ArrowLeft");
  await andAnswer(page, () => page.keyboard.type("80"));
  await toLineStart(page);
}

/** Home leads to the first letter, and then to the margin. */
async function toLineStart(page: Page): Promise<void> {
  await page.keyboard.press("Home");
  await page.keyboard.press("Home");
}
