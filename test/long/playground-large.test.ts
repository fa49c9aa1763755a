/** With 10 MB in a file, the page answers keys while its worker works. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing } from "../support/browser.ts";
import { gridText } from "../support/grid-cluster.ts";
import { andAnswer, answersOf, openPage, startBrowser } from "../support/page.ts";

const SIZE = 10_000_000;

function manifests(): string {
  const text = JSON.stringify(JSON.parse(gridText({ nodes: 100, pods: 12_400, services: 1200 })), null, 2);
  return text;
}

/** What `iptables-save` prints on a node of kube-proxy's. */
function dump(): string {
  const rules = Array.from({ length: 55_000 }, (_, i) => {
    const chain = `KUBE-SVC-${String(i).padStart(16, "A")}`;
    return (
      `-A KUBE-SERVICES -d 10.96.${i >> 8}.${i & 255}/32 -p tcp -m comment --comment "d/s${i}:http cluster IP" ` +
      `-m tcp --dport 80 -j ${chain}\n-A ${chain} -p tcp -j DNAT --to-destination 10.244.1.${(i % 250) + 1}:8080`
    );
  });
  const chains = Array.from({ length: 55_000 }, (_, i) => `:KUBE-SVC-${String(i).padStart(16, "A")} - [0:0]`);
  return `*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n${chains.join("\n")}\n${rules.join("\n")}\nCOMMIT\n`;
}

describe.skipIf(browserMissing !== undefined)("the playground with 10 MB", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test.each([
    ["manifests", "check", "cluster.json", manifests],
    ["rules of a host", "verify", "rules.save", dump],
  ] as const)("%s: all keys are answered while the worker has no answer", async (_, view, name, text) => {
    const { page, said } = await openPage(browser);
    await andAnswer(page, () => page.click(`#tab-${view}`));
    // How long a worker works is its machine's affair: this one is asked and does not answer.
    await page.evaluate(() => {
      Worker.prototype.postMessage = (question: unknown) => void structuredClone(question);
    });
    const content = text();
    expect(content.length).toBeGreaterThan(SIZE);
    await page.setInputFiles("#open-files", { name, mimeType: "text/plain", buffer: Buffer.from(content) });
    const before = await answersOf(page);
    await page.locator('.file[aria-pressed="true"]', { hasText: name }).waitFor();
    await page.locator("#editor .cm-content").click();
    await page.keyboard.press("Control+Home");
    const typed = "# twenty characters.";
    await page.keyboard.type(typed);
    expect(await page.locator("#editor .cm-line").first().textContent()).toContain(typed);
    // Also outside of the editor.
    await page.focus("#border");
    await page.keyboard.press("ArrowRight");
    expect(await page.getAttribute("#border", "aria-valuenow")).toBe("33");
    expect(await isBusy(page)).toBe(true);
    expect(await answersOf(page)).toBe(before);
    // What was typed is one change of the page's history, or several where keys came slowly.
    const edit = `undo the edit of ${name}`;
    expect(await page.getAttribute("#undo", "title")).toBe(edit);
    for (let i = 0; i < typed.length && (await page.getAttribute("#undo", "title")) === edit; i++)
      await page.click("#undo");
    expect(await page.getAttribute("#undo", "title")).toBe(`undo the new file ${name}`);
    expect(said).toEqual([]);
    await page.context().close();
  });
});

function isBusy(page: Page): Promise<boolean> {
  return page.evaluate(() => document.body.classList.contains("busy"));
}
