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
    expect(await viewText(page)).toContain("✓ delivered and answered");
    expect(await page.textContent(".steps")).toContain("dnat 10.96.0.20:80 => 10.244.1.20:8081 (pod/shop/api-1)");
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
      walk: "delivered and answered",
    };
    for (const view of [...VIEWS.slice(1), "walk"] as const) {
      await andAnswer(page, () => page.click(`#tab-${view}`));
      expect(await viewText(page)).toContain(wanted[view]);
    }
  });

  test("lights the manifest line of a step, and goes there", async () => {
    const { page } = watched;
    const step = page.locator(".step", { hasText: "jump pick-2-tcp" });
    await step.locator(".place").click();
    expect(await page.locator('.file[aria-pressed="true"]').textContent()).toBe("services.yaml");
    await step.hover();
    expect(await page.locator("#editor .lit").textContent()).toContain("port");
  });

  test("answers what is typed: another packet, and one that is none", async () => {
    const { page } = watched;
    await andAnswer(page, () => page.fill("#question", "udp web-1 > svc/api:dns"));
    expect(await page.textContent(".steps")).toContain("=> 10.244.1.20:");
    await andAnswer(page, () => page.fill("#question", "tcp web-1 >"));
    expect(await page.locator(".finding").count()).toBeGreaterThan(0);
  });

  test("shows the files of kpc serve, and what becomes of them", async () => {
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

test("the page is small", () => {
  const scripts = [...pageText().matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, text = ""]) => text);
  expect(scripts).toHaveLength(3);
  expect(gzipSync(scripts.join("")).length).toBeLessThan(600_000);
});
