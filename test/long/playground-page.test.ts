/** The parts of the playground around its views: completion, undo, borders, pictures, files. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { browserMissing } from "../support/browser.ts";
import { andAnswer, answered, openPage, startBrowser, viewText, type WatchedPage } from "../support/page.ts";

describe.skipIf(browserMissing !== undefined)("the playground's page", () => {
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  beforeEach(async () => {
    watched = await openPage(browser);
    page = watched.page;
  });

  afterEach(async () => {
    expect(watched.said).toEqual([]);
    expect(watched.requests).toEqual([]);
    await page.context().close();
  });

  const inFocus = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? ""));
  const files = (): Promise<string[]> => page.locator("#files .file").allTextContents();
  /** What comes to be within the time that a busy machine takes. */
  const soon = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 20_000 });
  const offered = (): Promise<string[]> => page.locator("#names [role=option] code").allTextContents();

  test("a question is completed by keys alone", async () => {
    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("u");
    expect(await offered()).toEqual(["udp", ...(await offered()).slice(1)]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await page.inputValue("#question")).toBe("udp ");
    await page.keyboard.type("web-2");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    // What comes next is offered at once.
    expect(await page.inputValue("#question")).toBe("udp pod/shop/web-2 > ");
    expect(await offered()).toContain("svc/shop/api:dns");
    await page.keyboard.type("dns");
    expect(await offered()).toEqual(["svc/shop/api:dns"]);
    await page.keyboard.press("ArrowUp");
    await andAnswer(page, () => page.keyboard.press("Enter"));
    expect(await page.inputValue("#question")).toBe("udp pod/shop/web-2 > svc/shop/api:dns");
    expect(await viewText(page)).toContain("web-2 reaches shop/api");
    expect(await page.isVisible("#names")).toBe(false);
  });

  test("completion is of the word at the cursor, and says what it offers", async () => {
    const field = page.locator("#question");
    await field.fill("tcp web-1 > svc/api:http");
    await page.keyboard.press("Escape");
    await field.evaluate((input: HTMLInputElement) => input.setSelectionRange(9, 9));
    await page.keyboard.press("Backspace");
    expect(await offered()).toEqual(["pod/shop/web-1", "pod/shop/web-2"]);
    expect(await field.getAttribute("aria-expanded")).toBe("true");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const active = page.locator(`#${await field.getAttribute("aria-activedescendant")}`);
    expect(await active.getAttribute("aria-selected")).toBe("true");
    expect(await active.textContent()).toBe("pod/shop/web-2Pod");
    // Escape keeps what was typed.
    await page.keyboard.press("Escape");
    expect(await field.getAttribute("aria-expanded")).toBe("false");
    expect(await field.getAttribute("aria-activedescendant")).toBeNull();
    expect(await field.inputValue()).toBe("tcp web- > svc/api:http");
    await page.keyboard.type("2");
    await page.locator("#names").getByText("pod/shop/web-2").click();
    expect(await field.inputValue()).toBe("tcp pod/shop/web-2 > svc/api:http");
    expect(await inFocus()).toBe("question");
  });

  test("completion offers the URLs of Ingresses behind a method", async () => {
    await andAnswer(page, () => page.selectOption("#example", "shop: a URL, by Ingress"));
    await page.fill("#question", "GET ");
    expect(await offered()).toEqual(["http://shop.example.com/", "http://shop.example.com/api"]);
    await page.fill("#question", "pod/shop/web-1 > GET api");
    expect(await offered()).toEqual(["http://shop.example.com/api"]);
  });

  test("changes of several files are undone in order, and done again", async () => {
    const first = await files();
    const editor = page.locator("#editor .cm-content");
    const type = async (file: string, text: string): Promise<void> => {
      await page.locator("#files").getByText(file, { exact: true }).click();
      await editor.click();
      await page.keyboard.press("Control+Home");
      await andAnswer(page, () => page.keyboard.insertText(text));
    };
    await type("pods.yaml", "# one\n");
    await type("services.yaml", "# two\n");
    await page.click("#rename");
    await page.keyboard.insertText("web.yaml");
    await andAnswer(page, () => page.keyboard.press("Enter"));
    expect(await inFocus()).toBe("rename");
    await andAnswer(page, () => page.click("#remove"));
    expect(await files()).toEqual(first.filter((name) => name !== "services.yaml"));
    await andAnswer(page, () => page.selectOption("#example", "broken: bridge-netfilter"));
    expect(await files()).toEqual(["bridge-netfilter.yaml", "manifests.yaml"]);

    const undone: (string | null)[] = [];
    const undo = async (): Promise<void> => {
      undone.push(await page.getAttribute("#undo", "title"));
      await andAnswer(page, () => page.click("#undo"));
    };
    await undo();
    expect(await page.inputValue("#question")).toBe("tcp web-1 > svc/api:http");
    await undo();
    expect(await files()).toContain("web.yaml");
    await undo();
    expect(await files()).toEqual(first);
    await undo();
    expect(await editor.textContent()).not.toContain("# two");
    expect(await page.locator('.file[aria-pressed="true"]').textContent()).toBe("services.yaml");
    await undo();
    expect(await page.locator('.file[aria-pressed="true"]').textContent()).toBe("pods.yaml");
    expect(await editor.textContent()).not.toContain("# one");
    expect(undone).toEqual([
      "undo the loading of 2 files",
      "undo the removal of web.yaml",
      "undo the renaming of services.yaml",
      "undo the edit of services.yaml",
      "undo the edit of pods.yaml",
    ]);
    expect(await page.getAttribute("#undo", "aria-disabled")).toBe("true");
    // By keys, outside of the editor.
    await page.focus("#tab-walk");
    await andAnswer(page, () => page.keyboard.press("Control+y"));
    expect(await editor.textContent()).toContain("# one");
    for (let i = 0; i < 4; i++) await andAnswer(page, () => page.keyboard.press("Control+Shift+z"));
    expect(await files()).toEqual(["bridge-netfilter.yaml", "manifests.yaml"]);
    await andAnswer(page, () => page.keyboard.press("Control+z"));
    expect(await files()).toEqual(first.filter((name) => name !== "services.yaml"));
  });

  test("undo in the editor stays in its file, and the page takes note", async () => {
    const editor = page.locator("#editor .cm-content");
    await editor.click();
    await page.keyboard.press("Control+Home");
    await andAnswer(page, () => page.keyboard.insertText("# mine\n"));
    await andAnswer(page, () => page.click("#remove"));
    await page.locator("#files").getByText("pods.yaml").click();
    await editor.click();
    await page.keyboard.press("Control+Home");
    await andAnswer(page, () => page.keyboard.insertText("# other\n"));
    await andAnswer(page, () => page.keyboard.press("Control+z"));
    expect(await editor.textContent()).not.toContain("# other");
    await page.keyboard.press("Control+z");
    expect(await files()).not.toContain("ingress.yaml");
    // What the editor has undone is not undone a second time.
    await andAnswer(page, () => page.click("#undo"));
    expect(await files()).toContain("ingress.yaml");
    expect(await editor.textContent()).toContain("# mine");
    // The change by the page is one of the file's history.
    await andAnswer(page, () => page.click("#undo"));
    expect(await editor.textContent()).not.toContain("# mine");
  });

  test("a file does not get the name of another one", async () => {
    const first = await files();
    await page.click("#rename");
    await page.keyboard.insertText("pods.yaml");
    await page.keyboard.press("Enter");
    expect(await page.textContent("#trouble")).toBe("another file is called pods.yaml");
    expect(await files()).toEqual(first);
  });

  test("files are opened by a button", async () => {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#open")]);
    await andAnswer(page, () =>
      chooser.setFiles({ name: "more.yaml", mimeType: "text/yaml", buffer: Buffer.from("kind: Service\n") }),
    );
    expect(await page.locator('.file[aria-pressed="true"]').textContent()).toBe("more.yaml");
    expect(await page.textContent("#tab-check")).toBe("Check1");
  });

  test("the border moves by keys and by pointer, and stays where it was", async () => {
    const border = page.locator("#border");
    const width = async (): Promise<number> => (await page.locator("#input").boundingBox())?.width ?? 0;
    const value = async (): Promise<number> => Number(await border.getAttribute("aria-valuenow"));
    const [usual, before] = [await value(), await width()];
    await border.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
    expect(await value()).toBe(usual + 10);
    expect(await width()).toBeCloseTo(before + 144, -1);
    await page.keyboard.press("Home");
    expect(await value()).toBe(15);
    const box = await border.boundingBox();
    await page.mouse.move((box?.x ?? 0) + 4, 400);
    await page.mouse.down();
    await page.mouse.move(720, 410);
    await page.mouse.up();
    await page.mouse.move(300, 410);
    expect(await value()).toBe(50);
    await page.reload();
    await page.locator(".steps").waitFor();
    expect(await value()).toBe(50);
  });

  test("the page works where storage is refused", async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      Object.defineProperty(globalThis, "sessionStorage", {
        get: () => {
          throw new DOMException("refused", "SecurityError");
        },
      });
    });
    const refused = await context.newPage();
    await refused.goto(page.url());
    await refused.locator(".steps").waitFor();
    await refused.focus("#border");
    await refused.keyboard.press("ArrowLeft");
    expect(await refused.getAttribute("#border", "aria-valuenow")).toBe("29");
    await context.close();
  });

  test("a picture is enlarged, and Escape leads back", async () => {
    await answered(page, 0); // what comes after a reload would put the picture anew
    const svg = page.locator(".drawing svg");
    const small = (await svg.boundingBox())?.width ?? 0;
    await page.getByText("Enlarge").focus();
    await page.keyboard.press("Enter");
    await soon(async () => (await page.locator("dialog.enlarged svg").boundingBox())?.width).toBeGreaterThan(
      small * 1.3,
    );
    expect(await svg.count()).toBe(0);
    await page.keyboard.press("Escape");
    // The browser tells the page some time after it has closed the dialog.
    await soon(() => page.locator("dialog.enlarged").count()).toBe(0);
    await soon(async () => (await svg.boundingBox())?.width).toBe(small);
    await soon(inFocus).toBe("Enlarge");
  });

  test.each(["nft", "iptables", "ip6tables", "ir"])(
    "lines of %s and of manifests lead to each other",
    async (language) => {
      await andAnswer(page, () => page.click("#tab-rules"));
      await page.selectOption('[aria-label="language of the rules"]', language);
      const line = page.locator(".rules .linked small", { hasText: /^services\.yaml:15$/ }).first();
      await line.click();
      expect(await page.locator('.file[aria-pressed="true"]').textContent()).toBe("services.yaml");
      expect(await page.locator("#editor .lit").textContent()).toContain("name: http, port: 80");
      // From the editor: the cursor moves down to the port, and up again.
      await page.locator("#editor .cm-line").first().click();
      await page.locator(".rules").evaluate((rules) => rules.parentElement?.parentElement?.scrollTo(0, 1e6));
      for (let i = 1; i < 15; i++) await page.keyboard.press("ArrowDown");
      const lit = page.locator(".rules .lit");
      expect(await lit.count()).toBeGreaterThan(0);
      expect(new Set(await lit.evaluateAll((all) => all.map((each) => each.getAttribute("title"))))).toEqual(
        new Set(["services.yaml:15"]),
      );
      await soon(() => lit.first().evaluate((first) => first.getBoundingClientRect().top)).toBeGreaterThan(0);
    },
  );

  test("steps have their numbers beside the lines that they come from", async () => {
    await page.locator("#files").getByText("services.yaml").click();
    const numbers = page.locator("#editor .cm-steps [data-step]");
    await soon(() => numbers.allTextContents()).toEqual(["2"]);
    await numbers.first().click();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-step"))).toBe("2");
    await page.locator("#files").getByText("pods.yaml").click();
    await soon(() => numbers.allTextContents()).toContain("3");
    // Another question has other steps.
    await andAnswer(page, () => page.fill("#question", "tcp 10.244.1.10 > 10.244.1.20:8081"));
    await soon(() => numbers.allTextContents()).not.toContain("3");
    await andAnswer(page, () => page.click("#tab-check"));
    await soon(() => numbers.count()).toBe(0);
  });

  test("the drawing scrolls to the step that is lit", async () => {
    await page.setViewportSize({ width: 1440, height: 720 });
    const hidden = (step: number): Promise<number> =>
      page.locator(`.drawing [data-step="${step}"]`).evaluate((group) => {
        const bottom = group.closest(".drawing")?.getBoundingClientRect().bottom ?? 0;
        return Math.max(0, group.getBoundingClientRect().bottom - bottom);
      });
    await soon(() => hidden(6)).toBeGreaterThan(0);
    await page.locator('li[data-step="6"]').focus();
    expect(await hidden(6)).toBe(0);
  });

  test("an error leaves what was there before, and says so", async () => {
    await page.locator("#files").getByText("services.yaml").click();
    await page.locator("#editor .cm-content").click();
    await page.keyboard.press("Control+End");
    await andAnswer(page, () => page.keyboard.insertText("---\nkind: [\n"));
    expect(await page.textContent(".stale")).toMatch(/^This was before an error: services\.yaml:\d+ /);
    expect(await viewText(page)).toContain("web-1 reaches shop/api");
    expect((await page.locator(".stale").boundingBox())?.height).toBeLessThan(80);
    expect((await page.locator(".drawing svg").boundingBox())?.width).toBeGreaterThan(700);
    expect(await page.locator("#node option").count()).toBe(2);
    await andAnswer(page, () => page.click("#undo"));
    expect(await page.locator(".stale").count()).toBe(0);
  });

  test("on a small screen, files have a tab", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.isVisible("#editor")).toBe(false);
    await page.focus("#tab-walk");
    await page.keyboard.press("ArrowLeft");
    expect(await page.isVisible("#editor")).toBe(true);
    expect(await page.isVisible("#view")).toBe(false);
    await page.click("#tab-walk");
    await page.locator(".step .place").first().click();
    expect(await page.isVisible("#editor")).toBe(true);
    // Nothing is wider than the screen.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });
});
