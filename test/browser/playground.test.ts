/** The playground in Chromium, as people use it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VIEWS } from "../../runtime/playground/protocol.ts";
import { browserMissing } from "../support/browser.ts";
import { andAnswer, openPage, pageText, startBrowser, viewText, type WatchedPage } from "../support/page.ts";
import { EVERYTHING, some } from "../support/runs.ts";

const KPC = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;

describe.skipIf(browserMissing !== undefined)("the playground", () => {
  let browser: Browser;
  let watched: WatchedPage;

  beforeAll(async () => {
    browser = await startBrowser();
    watched = await openPage(browser);
  });

  afterAll(() => browser.close());

  test("shows the walk of its first example, from a file", async () => {
    const { page } = watched;
    expect(await viewText(page)).toContain("web-1 reaches shop/api on the same node");
    expect(await page.textContent(".steps")).toContain("dnat 10.96.0.20:80 => 10.244.1.20:8081 (pod/shop/api-1)");
    const numbers = (selector: string): Promise<string[]> =>
      page
        .locator(selector)
        .evaluateAll((all) => [...new Set(all.map((each) => each.getAttribute("data-step") ?? ""))]);
    expect((await numbers(".drawing [data-step]")).sort()).toEqual((await numbers(".steps [data-step]")).sort());
  });

  test("shows each view", async () => {
    const { page } = watched;
    const wanted = {
      rules: "table ip kpc {",
      matrix: "shop/api:http (cluster-ip)",
      check: "nothing was found",
      verify: "iptables-save or nft list ruleset",
      diff: "equal",
      classifier: "500 of 500 random packets",
      walk: "web-1 reaches shop/api",
    };
    for (const view of [...some(VIEWS.slice(1), 2), "walk"] as const) {
      await andAnswer(page, () => page.click(`#tab-${view}`));
      expect(await viewText(page)).toContain(wanted[view]);
    }
  });

  test.runIf(EVERYTHING)("measures the classifier in the worker", async () => {
    const { page } = watched;
    await andAnswer(page, () => page.click("#tab-classifier"));
    await page.click("text=Measure");
    await page.waitForFunction(() => Number(document.querySelector(".speed strong")?.textContent) > 0);
    await andAnswer(page, () => page.click("#tab-walk"));
  });

  test("lights the manifest line of a step, and goes there", async () => {
    const { page } = watched;
    const step = page.locator("li.step", { hasText: "jump pick-2-tcp" });
    await step.locator(".place").first().click();
    expect(await page.locator('.file[aria-pressed="true"]').textContent()).toBe("services.yaml");
    await step.hover();
    expect(await page.locator("#editor .lit").textContent()).toContain("port");
    expect(await page.locator(".drawing .lit-step").count()).toBeGreaterThan(0);
  });

  test("shows a file from its beginning, wherever another one was scrolled to", async () => {
    const { page } = watched;
    const scroller = page.locator(".cm-scroller");
    await scroller.evaluate((each) => each.scrollTo(80, 0));
    expect(await scroller.evaluate(({ scrollLeft }) => scrollLeft)).toBeGreaterThan(0);
    await page.locator(".file", { hasText: "pods.yaml" }).click();
    expect(await scroller.evaluate(({ scrollLeft }) => scrollLeft)).toBe(0);
  });

  test("tells another branch", async () => {
    const { page } = watched;
    await page.focus("#tab-walk");
    await andAnswer(page, () => page.keyboard.press("]"));
    expect(await page.textContent(".steps")).toContain("10.244.1.21");
    await andAnswer(page, () => page.keyboard.press("["));
    expect(await page.textContent(".steps")).toContain("10.244.1.20");
  });

  test("answers what is typed: another packet, and one that is none", async () => {
    const { page } = watched;
    await andAnswer(page, () => page.fill("#question", "udp web-1 > svc/api:dns"));
    expect(await page.textContent(".steps")).toContain("=> 10.244.1.20:");
    await andAnswer(page, () => page.fill("#question", "tcp web-1 >"));
    expect(await page.locator(".finding").count()).toBeGreaterThan(0);
    await andAnswer(page, () => page.fill("#question", "tcp web-1 > svc/api:http"));
    expect(await page.locator(".finding").count()).toBe(0);
  });

  test.runIf(EVERYTHING)("shows a fault that is mended while it is typed", async () => {
    const { page } = await openPage(browser);
    await andAnswer(page, () => page.selectOption("#example", "broken: bridge-netfilter"));
    expect(await viewText(page)).toContain("bridge-netfilter-off");
    expect(await page.textContent("#status")).toContain("1 error, 0 warnings");
    const line = page.locator(".cm-line", { hasText: "bridge-nf-call-iptables" });
    await line.click();
    await page.keyboard.press("Home");
    await andAnswer(page, () => page.keyboard.type("# "));
    expect(await viewText(page)).not.toContain("bridge-netfilter-off");
    await page.context().close();
  });

  test.runIf(EVERYTHING)("shows by which packets a host's rules differ, and follows one", async () => {
    const { page } = await openPage(browser);
    const rules = await page.evaluate(() => document.querySelector("#view")?.textContent ?? "");
    expect(rules).not.toBe("");
    await andAnswer(page, () => page.click("#tab-rules"));
    await page.selectOption(".output select", "nft");
    const lines = await page.locator(".rules .line code").allTextContents();
    const changed = lines.join("\n").replace("10.244.1.21 . 8081", "10.244.1.99 . 8081");
    await page.click('[aria-label="new file"]');
    await andAnswer(page, async () => {
      await page.locator(".cm-content").click();
      await page.keyboard.insertText(changed);
    });
    await andAnswer(page, () => page.click("#tab-verify"));
    expect(await viewText(page)).toContain("different");
    expect(await page.locator(".matrix tbody").textContent()).toMatch(
      /^shop\/api:httpendpoints: .*\+ 10\.244\.1\.99:8081[^+]*$/,
    );
    await andAnswer(page, () => page.getByText("Follow it").first().click());
    expect(await page.getAttribute("#tab-walk", "aria-selected")).toBe("true");
    await page.context().close();
  });

  test.runIf(EVERYTHING)("is the same again from its link", async () => {
    const { page } = watched;
    const before = await page.evaluate(() => location.hash);
    await andAnswer(page, () => page.fill("#question", "tcp web-2 > svc/web:http"));
    await page.waitForFunction((old) => location.hash !== old, before);
    const hash = await page.evaluate(() => location.hash);
    const again = await openPage(browser, {}, hash);
    expect(await again.page.inputValue("#question")).toBe("tcp web-2 > svc/web:http");
    expect(await viewText(again.page)).toBe(await viewText(page));
    await again.page.context().close();
    const broken = await openPage(browser, {}, hash.slice(0, -20));
    expect(await broken.page.textContent("#trouble")).toMatch(/this link .*: showing the example instead/);
    await broken.page.context().close();
  });

  test.runIf(EVERYTHING)("is used without a mouse", async () => {
    const { page } = watched;
    await andAnswer(page, () => page.keyboard.press("Alt+4"));
    expect(await page.getAttribute("#tab-check", "aria-selected")).toBe("true");
    await page.focus("#tab-check");
    await andAnswer(page, () => page.keyboard.press("ArrowLeft"));
    expect(await page.getAttribute("#tab-matrix", "aria-selected")).toBe("true");
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("question");
    await andAnswer(page, () => page.keyboard.type(" "));
    await page.focus("#tab-walk");
    await page.locator(".steps").waitFor();
    for (const wanted of ["1", "2"]) {
      await page.keyboard.press("ArrowDown");
      expect(await page.evaluate(() => document.activeElement?.getAttribute("data-step"))).toBe(wanted);
    }
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("editor");
    // Out of the editor: Escape, then Tab.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.id)).not.toBe("editor");
    await page.locator("#tab-walk").focus();
    await page.keyboard.press("?");
    expect(await page.locator("#help").isVisible()).toBe(true);
    await page.keyboard.press("Escape");
  });

  test.runIf(EVERYTHING)("shows the files of kpc serve, and what becomes of them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kpc-page-"));
    const file = join(folder, "web.yaml");
    writeFileSync(file, "kind: Service\n");
    const kpc = spawn(process.execPath, [KPC, "serve", file], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [line] = (await once(kpc.stdout, "data")) as [Buffer];
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(line.toString().trim());
      await page.getByText("apiVersion").first().waitFor();
      writeFileSync(
        file,
        "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 70000 }] }\n",
      );
      await page.getByText("must be between 1 and 65535").first().waitFor();
      // Also after a reload, by a link that holds an older state.
      await page.waitForFunction(() => location.hash.length > 1);
      writeFileSync(file, "kind: Service\n");
      await page.getByText("apiVersion").first().waitFor();
      const old = await page.evaluate(() => location.hash);
      writeFileSync(
        file,
        "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 70000 }] }\n",
      );
      await page.getByText("must be between 1 and 65535").first().waitFor();
      await page.goto(`${line.toString().trim()}${old}`);
      await page.reload();
      await page.getByText("must be between 1 and 65535").first().waitFor();
      kpc.kill("SIGTERM");
      await page.getByText("kpc serve does not answer").waitFor();
      await context.close();
    } finally {
      kpc.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });

  test("asks nobody for anything, and breaks no rule of its policy", () => {
    expect(watched.requests).toEqual([]);
    expect(watched.said).toEqual([]);
    expect(pageText()).toContain("connect-src 'none'");
    expect(pageText()).not.toContain("unsafe-inline");
  });
});

test("the page has the licences of all that is in it", () => {
  const [, text = ""] = /<summary>Licences[\s\S]*?<pre[^>]*>([\s\S]*?)<\/pre>/.exec(pageText()) ?? [];
  for (const name of ["@codemirror/view", "@lezer/common", "chevrotain", "@chevrotain/utils", "yaml"])
    expect(text).toContain(`\n${name} `);
  // It is left out: see runtime/playground/lodash-subset.ts.
  expect(text).not.toContain("\nlodash-es ");
  expect(text.match(/Permission is hereby granted|Apache License|Permission to use, copy/g)?.length).toBeGreaterThan(
    10,
  );
});

test("the page is small", () => {
  const scripts = [...pageText().matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, text = ""]) => text);
  expect(scripts).toHaveLength(3);
  expect(gzipSync(scripts.join("")).length).toBeLessThan(585_000);
});
