import { describe, expect, test } from "vitest";
import { paint } from "../../../compiler/pictures/paint.ts";
import type { Scene, SceneShape } from "../../../compiler/pictures/scene.ts";
import { coloursIn, coloursOf, svgFaults } from "../../support/scene-checks.ts";

/** One of each kind. */
const SAMPLES: { readonly [K in SceneShape["kind"]]: Extract<SceneShape, { kind: K }> } = {
  group: { kind: "group", step: 3, tip: "web-1", shapes: [] },
  box: { kind: "box", x: 1, y: 2, width: 30, height: 40, radius: 6, fill: "card", stroke: "line", isDashed: true },
  text: {
    kind: "text",
    x: 10,
    y: 20,
    size: 14,
    anchor: "end",
    spans: [{ text: "dst " }, { text: "10.96.0.30", isMono: true, isBold: true, colour: "svc" }],
  },
  line: {
    kind: "line",
    points: [
      [0, 0],
      [0, 20],
      [30, 20],
    ],
    colour: "req",
    width: 3.5,
    radius: 10,
    dash: "lost",
  },
  arrow: { kind: "arrow", from: [0, 0], tip: [10, 0], colour: "req", size: 10 },
  curve: {
    kind: "curve",
    points: [
      [0, 0],
      [60, 40],
      [120, 40],
    ],
    colour: "dim",
    width: 1.4,
  },
  band: { kind: "band", from: [0, 50], to: [80, 90], thickness: 18, colour: "req", opacity: 0.5, isLost: true },
  number: { kind: "number", x: 50, y: 50, label: "6–9", direction: "reply" },
  cross: { kind: "cross", x: 70, y: 70, radius: 12 },
};

function sceneOf(shapes: readonly SceneShape[], title = "client reaches web"): Scene {
  return { width: 120, height: 100, title, description: "1. client sends.", shapes };
}

describe("paint", () => {
  test.each(Object.values(SAMPLES))("$kind", (shape) => {
    const svg = paint(sceneOf([shape]));
    expect(svgFaults(svg)).toEqual([]);
    expect(svg).toMatchSnapshot();
  });

  test.each([
    ["no scheme: light, and dark in a style sheet", {}, ["light", "dark"]],
    ["light", { scheme: "light" }, ["light"]],
    ["dark", { scheme: "dark" }, ["dark"]],
  ] as const)("%s", (_, options, schemes) => {
    const svg = paint(sceneOf(Object.values(SAMPLES)), options);
    const known = schemes.flatMap((scheme) => [...coloursOf(scheme)]);
    expect([...coloursIn(svg)].filter((colour) => !known.includes(colour))).toEqual([]);
    expect(svg.includes("<style>")).toBe(schemes.length === 2);
    const outside = svg.replace(/<style>.*<\/style>/, "");
    const first = coloursOf(schemes[0]);
    expect([...coloursIn(outside)].filter((colour) => !first.has(colour))).toEqual([]);
  });

  test("every class of the style sheet is used, and every class that is used is there", () => {
    const svg = paint(sceneOf(Object.values(SAMPLES)));
    const [, sheet = ""] = /<style>(.*)<\/style>/.exec(svg) ?? [];
    const told = [...sheet.matchAll(/\.([fs]-\w+)\{/g)].map(([, name]) => name);
    const used = [...svg.matchAll(/ class="([^"]*)"/g)].flatMap(([, names = ""]) => names.split(" "));
    expect([...new Set(told)].sort()).toEqual([...new Set(used)].filter((name) => name !== "step").sort());
  });

  test("transparent: no ground", () => {
    expect(paint(sceneOf([]), { isTransparent: true })).not.toContain("<rect");
    expect(paint(sceneOf([]))).toContain("<rect");
  });

  test("ids begin with the prefix, and the root is named by title and desc", () => {
    const svg = paint(sceneOf([]), { prefix: "walk" });
    expect(svg).toContain('role="img" aria-labelledby="walk-t walk-d"');
    expect(svg).toContain('<title id="walk-t">client reaches web</title>\n<desc id="walk-d">1. client sends.</desc>');
  });

  test.each(["<b>&\"'", "]]>", "<!--", "a\u0000b\u001B[31m", "\uD800", "&amp;", "javascript:alert(1)", "url(#x)"])(
    "the name %j is text",
    (name) => {
      const text: SceneShape = { kind: "text", x: 0, y: 20, size: 13, anchor: "start", spans: [{ text: name }] };
      const svg = paint(
        sceneOf(
          [
            {
              kind: "group",
              tip: name,
              shapes: [text, { ...text, spans: [...text.spans, { text: name, isBold: true }] }],
            },
          ],
          name,
        ),
      );
      expect(svgFaults(svg)).toEqual([]);
      expect(svg.match(/<b>|<!--/)).toBeNull();
    },
  );

  test("numbers have one decimal", () => {
    const svg = paint(sceneOf([{ kind: "box", x: -0.04, y: 1 / 3, width: 10.06, height: 0.1 + 0.2, radius: 0 }]));
    expect(svg).toContain('<rect x="0" y="0.3" width="10.1" height="0.3" fill="none"/>');
  });
});

describe("svgFaults finds", () => {
  test.each([
    ["<svg><script/></svg>\n", "the element script"],
    ['<svg><g href="#x"/></svg>\n', 'href="#x"'],
    ["<svg><g></svg>\n", "</svg> closes another element"],
    ["<svg>a & b</svg>\n", 'text that is no XML: "a & b"'],
    ['<svg a="1" a="2"/>\n', 'an attribute twice: <svg a="1" a="2"/>'],
    ["<svg>\n", "not closed: svg"],
  ])("%j", (svg, fault) => {
    expect(svgFaults(svg)).toContain(fault);
  });
});
