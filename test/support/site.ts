/// <reference lib="dom" />
/** A site in a headless Chromium that exists in the test alone: what it serves, with which policy, and what its pages ask for. */
import { readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { newPage, type WatchedPage } from "./page.ts";
import { ROOT } from "./pages.ts";

const SITE = "http://site.test";

/** The element's script, as `npm run build` makes it. */
export const ELEMENT = `${ROOT}dist/playground/kpc-walk.js`;

export interface SiteOptions extends BrowserContextOptions {
  /** The `Content-Security-Policy` of the page. */
  readonly policy?: string;
  /** Files besides `kpc-walk.js` and those below examples/; a promise: it is sent late. */
  readonly files?: Readonly<Record<string, string | Promise<string>>>;
}

/** A page with the element's script in its head. */
export function pageWith(body: string): string {
  return `<!doctype html><html lang="en"><title>a page</title><script src="kpc-walk.js"></script>${body}`;
}

/** A page with the element. */
export function pageWithWalk(attributes: Readonly<Record<string, string>>, content = ""): string {
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${value.replaceAll(">", "&gt;")}"`);
  return pageWith(`<kpc-walk${written.join("")}>${content}</kpc-walk>`);
}

/** Opens a site's first page. Requests are paths of the site, and addresses of others. */
export async function openSite(
  browser: Browser,
  html: string,
  { policy, files = {}, ...options }: SiteOptions = {},
): Promise<WatchedPage> {
  const { page, said, requests } = await newPage(browser, options);
  await page.context().route("**/*", async (route) => {
    const address = new URL(route.request().url());
    if (/^(?:blob|data):$/.test(address.protocol)) return route.continue();
    requests.push(address.origin === SITE ? address.pathname : address.href);
    const text = address.origin === SITE ? await fileAt(address.pathname.slice(1), html, files) : undefined;
    if (text === undefined) return route.fulfill({ status: 404, body: "nothing is here" });
    const headers = address.pathname === "/" && policy !== undefined ? { "content-security-policy": policy } : {};
    return route.fulfill({
      status: 200,
      headers: { "content-type": typeOf(address.pathname), ...headers },
      body: text,
    });
  });
  await page.goto(`${SITE}/`);
  return { page, said, requests };
}

function fileAt(
  path: string,
  html: string,
  files: NonNullable<SiteOptions["files"]>,
): string | Promise<string> | undefined {
  if (path === "") return html;
  if (path === "kpc-walk.js") return readFileSync(ELEMENT, "utf8");
  const own = files[path];
  if (own !== undefined || !/^examples\/[\w/.-]+\.yaml$/.test(path) || path.includes("..")) return own;
  return readFileSync(`${ROOT}${path}`, "utf8");
}

function typeOf(path: string): string {
  return path === "/" ? "text/html" : path.endsWith(".js") ? "text/javascript" : "text/yaml";
}

/** The text of the first element's drawing, once it is there. */
export async function drawingIn(page: Page): Promise<string> {
  await page.locator("kpc-walk .drawing svg").first().waitFor();
  return page.evaluate(() => {
    const svg = document.querySelector("kpc-walk")?.shadowRoot?.querySelector("svg");
    return new XMLSerializer().serializeToString(svg ?? document);
  });
}

/** What the text of an SVG file is when the browser writes it. */
export function asWritten(page: Page, text: string): Promise<string> {
  return page.evaluate(
    (svg) =>
      new XMLSerializer().serializeToString(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement),
    text,
  );
}
