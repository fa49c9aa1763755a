/// <reference lib="dom" />
/** `<kpc-walk>` in Chromium: attributes, faults, texts within it, keys. */
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing } from "../support/browser.ts";
import { startBrowser } from "../support/page.ts";
import { ROOT } from "../support/pages.ts";
import { drawingIn, ELEMENT, openSite, pageWithWalk } from "../support/site.ts";

const SRC = ["manifests/nodes", "manifests/pods", "manifests/services", "cluster", "kpc"]
  .map((name) => `examples/shop/${name}.yaml`)
  .join(" ");
const BROKEN = ["examples/broken/manifests.yaml", "examples/broken/bridge-netfilter.yaml"];
const QUESTION = "tcp web-1 > svc/api:http";

/** Of a machine that does other things, too. */
const PATIENT = { timeout: 30_000 };

/** Changes an attribute, and waits until the text of the element is another one. */
async function change(page: Page, name: string, value: string): Promise<string> {
  const walk = page.locator("kpc-walk");
  const textIn = (): Promise<string> => walk.evaluate((each) => each.shadowRoot?.textContent ?? "");
  const before = await textIn();
  await walk.evaluate((each, [key, text]) => each.setAttribute(key, text), [name, value] as const);
  await expect.poll(textIn, PATIENT).not.toBe(before);
  return textIn();
}

describe.skipIf(browserMissing !== undefined)("<kpc-walk>", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test("is drawn in the page where its policy allows no worker", async () => {
    const policy = "default-src 'none'; script-src 'self'; connect-src 'self'";
    const { page, said } = await openSite(browser, pageWithWalk({ src: SRC, packet: QUESTION }), { policy });
    expect(await drawingIn(page)).toContain("web-1 reaches shop/api");
    expect(said.filter((text) => !text.includes("worker"))).toEqual([]);
    await page.context().close();
  });

  test("follows its attributes, and fetches its files once", async () => {
    const { page, requests } = await openSite(browser, pageWithWalk({ src: SRC, packet: QUESTION }));
    await drawingIn(page);
    const asked = requests.length;
    expect(await change(page, "packet", "udp web-1 > svc/api:dns")).toContain("dnat 10.96.0.20:53");
    expect(await change(page, "packet", QUESTION)).toContain("10.244.1.20:8081");
    expect(await change(page, "branch", "2")).toContain("10.244.1.21:8081");
    const light = await drawingIn(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(() => drawingIn(page), PATIENT).not.toBe(light);
    const dark = await drawingIn(page);
    await page.locator("kpc-walk").evaluate((each) => each.setAttribute("scheme", "light"));
    await expect.poll(() => drawingIn(page), PATIENT).toBe(light);
    expect(dark).not.toBe(light);
    expect(requests).toHaveLength(asked);
    await page
      .getByRole("button", { name: /10\.244|api-1/ })
      .first()
      .click();
    await expect.poll(() => page.locator("kpc-walk").getAttribute("branch"), PATIENT).toBe("1");
    expect(await change(page, "src", BROKEN.join(" "))).not.toContain("10.244.1.20:8081");
    await page.context().close();
  });

  test("says what is wrong, in words", async () => {
    const { page } = await openSite(browser, pageWithWalk({ src: SRC, packet: QUESTION }), {
      files: { "wrong.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 70000}]}\n" },
    });
    await drawingIn(page);
    const told: readonly (readonly [name: string, value: string, text: string])[] = [
      ["branch", "9", 'branch="9": the walk has 2 branches'],
      ["branch", "x", "branch: expected a number from 1, found x"],
      ["mode", "ipvs", "branch: expected"],
      ["branch", "1", "mode: expected nftables or iptables, found ipvs"],
      ["mode", "nftables", "web-1 reaches"],
      ["scheme", "pink", "scheme: expected light or dark, found pink"],
      ["scheme", "dark", "web-1 reaches"],
      ["packet", "tcp web-1 >", "packet-syntax"],
      ["packet", "tcp nobody > svc/api:http", "nobody"],
      ["packet", "", 'expected packet="PACKET"'],
      ["packet", QUESTION, "web-1 reaches"],
      ["src", "gone.yaml", "gone.yaml: 404"],
      ["src", "wrong.yaml", "must be between 1 and 65535"],
      [
        "src",
        "https://other.test/shop.yaml",
        "expected a file of this site (http://site.test), found https://other.test",
      ],
      ["src", "", 'expected src="FILES"'],
    ];
    for (const [name, value, text] of told) {
      const shown =
        name === "mode" && value === "ipvs" ? await set(page, name, value) : await change(page, name, value);
      expect({ name, value, shown }).toEqual({ name, value, shown: expect.stringContaining(text) });
    }
    expect(await change(page, "src", "wrong.yaml")).toContain("wrong.yaml:4");
    await page.context().close();
  });

  test("takes texts within it, also in a page that is a file, and what becomes of them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kpc-element-"));
    try {
      const [manifests = "", network = ""] = BROKEN.map((name) => readFileSync(`${ROOT}${name}`, "utf8"));
      const indented = manifests.replaceAll(/^(?=.)/gm, "    ");
      const scripts = `
  <script type="text/yaml" data-name="manifests.yaml">\n${indented}</script>
  <script type="text/yaml">${network}</script>`;
      const file = join(folder, "page.html");
      writeFileSync(join(folder, "kpc-walk.js"), readFileSync(ELEMENT));
      writeFileSync(file, pageWithWalk({ packet: "tcp client > svc/web:80" }, scripts));
      const page = await browser.newPage();
      await page.goto(pathToFileURL(file).href);
      expect(await drawingIn(page)).toContain("bridge-netfilter-off");
      expect(await page.locator("kpc-walk .steps").textContent()).toContain("manifests.yaml:");
      await page
        .locator("kpc-walk script")
        .nth(1)
        .evaluate((each) => {
          each.textContent = (each.textContent ?? "").replace(
            "bridge-nf-call-iptables: 0",
            "bridge-nf-call-iptables: 1",
          );
        });
      await expect.poll(() => drawingIn(page), PATIENT).not.toContain("bridge-netfilter-off");
      expect(await change(page, "src", "shop.yaml")).toContain('put the text into <script type="text/yaml">');
      await page.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("shows what stands within it until the walk is there", async () => {
    const text = readFileSync(`${ROOT}examples/broken/manifests.yaml`, "utf8");
    let give: (text: string) => void = () => undefined;
    const files = { "late.yaml": new Promise<string>((resolve) => (give = resolve)) };
    const image = '<img alt="the walk, drawn before" width="9" height="9">';
    const { page } = await openSite(
      browser,
      pageWithWalk({ src: "late.yaml", packet: "tcp client > svc/web" }, image),
      {
        files,
      },
    );
    expect(await page.getByAltText("the walk, drawn before").isVisible()).toBe(true);
    expect(await page.locator("kpc-walk .drawing").count()).toBe(0);
    give(text);
    await drawingIn(page);
    expect(await page.getByAltText("the walk, drawn before").isVisible()).toBe(false);
    await page.context().close();
  });

  test("is walked with the keyboard, and has a text for those who do not see it", async () => {
    const { page } = await openSite(browser, pageWithWalk({ src: SRC, packet: QUESTION }));
    await drawingIn(page);
    const focused = (): Promise<string | null | undefined> =>
      page.evaluate(() => document.querySelector("kpc-walk")?.shadowRoot?.activeElement?.getAttribute("data-step"));
    for (let tabs = 0; tabs < 9 && (await focused()) !== "1"; tabs++) await page.keyboard.press("Tab");
    expect(await focused()).toBe("1");
    expect(await page.locator("kpc-walk .lit-step").count()).toBeGreaterThan(1);
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("2");
    await page.keyboard.press("ArrowUp");
    expect(await focused()).toBe("1");
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(() => drawingIn(page), PATIENT).toContain("#EDF1F5");
    expect(await focused()).toBe("1");
    expect(await namesOf(page, "figure")).toEqual(["web-1 reaches shop/api on the same node"]);
    expect(await namesOf(page, "image")).toEqual([
      expect.stringMatching(/^web-1 reaches shop\/api .* 7: web-1: answered/),
    ]);
    await page.context().close();
  });

  test("stands many times in one page, as does its script, each with its own walk", async () => {
    const kinds = [
      [{ src: SRC, packet: QUESTION }, "web-1 reaches shop/api on the same node"],
      [{ src: BROKEN.join(" "), packet: "tcp client > svc/web" }, "The reply of web-1 does not reach client"],
      [{ src: SRC, packet: "tcp api-1 > svc/web" }, "api-1 reaches shop/web on the other node"],
    ] as const;
    const many = [...kinds, ...kinds, ...kinds, ...kinds];
    const { page } = await openSite(browser, many.map(([attributes]) => pageWithWalk(attributes)).join(""));
    const titles = page.locator("kpc-walk .drawing svg > title");
    await expect.poll(() => titles.count(), PATIENT).toBe(many.length);
    expect(await titles.allTextContents()).toEqual(many.map(([, title]) => title));
    await page.context().close();
  });
});

/** The names of all that has a role, as Chromium tells them to screen readers. */
async function namesOf(page: Page, role: string): Promise<(string | undefined)[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  return nodes.filter((node) => node.role?.value === role).map((node) => node.name?.value as string | undefined);
}

/** Changes an attribute that changes nothing that is shown. */
async function set(page: Page, name: string, value: string): Promise<string> {
  const walk = page.locator("kpc-walk");
  await walk.evaluate((each, [key, text]) => each.setAttribute(key, text), [name, value] as const);
  return walk.evaluate((each) => each.shadowRoot?.textContent ?? "");
}
