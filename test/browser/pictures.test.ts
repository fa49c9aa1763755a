/** Texts of pictures in Chromium, which has fonts: none lies on another one or leaves the picture. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { browserMissing, runPage } from "../support/browser.ts";
import { some } from "../support/runs.ts";

const FOLDERS = ["../golden/pictures/", "../../docs/images/"].map((path) => new URL(path, import.meta.url));

const PICTURES = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".svg"))
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") })),
);

const FONTS: readonly (readonly [sans: string, mono: string])[] = [
  ["DejaVu Sans", "DejaVu Sans Mono"],
  ["Liberation Sans", "Liberation Mono"],
];

if (browserMissing !== undefined) console.log(`pictures in a browser: ${browserMissing}`);

test.skipIf(browserMissing !== undefined).each(some(FONTS, 1))("texts have room in %s and %s", async (sans, mono) => {
  const { result } = await runPage(
    `const pictures = await (await fetch("/pictures.json")).json();
    const style = document.createElement("style");
    style.textContent = 'svg, svg * { font-family: "${sans}" !important } svg text[font-family], svg tspan[font-family] { font-family: "${mono}" !important }';
    document.head.append(style);
    let count = 0;
    const wrong = [];
    for (const { name, text } of pictures) {
      const place = document.createElement("div");
      place.innerHTML = text;
      document.body.replaceChildren(place);
      const svg = place.querySelector("svg");
      const { width, height } = svg.viewBox.baseVal;
      const texts = [...svg.querySelectorAll("text")]
        .filter((each) => each.textContent.trim() !== "")
        .map((each) => ({ words: each.textContent, box: each.getBBox() }));
      count += texts.length;
      texts.forEach(({ words, box }, i) => {
        if (box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height) wrong.push(name + ": outside: " + words);
        for (const other of texts.slice(i + 1)) {
          const wide = Math.min(box.x + box.width, other.box.x + other.box.width) - Math.max(box.x, other.box.x);
          const high = Math.min(box.y + box.height, other.box.y + other.box.height) - Math.max(box.y, other.box.y);
          if (wide > 1 && high > 4) wrong.push(name + ": " + words + " / " + other.words);
        }
      });
    }
    report({ count, wrong });`,
    (path) => (path === "/pictures.json" ? { type: "application/json", body: JSON.stringify(PICTURES) } : undefined),
  );
  expect(result).toEqual({ count: expect.any(Number), wrong: [] });
  expect(PICTURES.length).toBeGreaterThan(10);
  expect((result as { readonly count: number }).count).toBeGreaterThan(500);
});
