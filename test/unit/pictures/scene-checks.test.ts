import { describe, expect, test } from "vitest";
import { COLOURS } from "../../../compiler/pictures/colours.ts";
import type { Scene, SceneShape } from "../../../compiler/pictures/scene.ts";
import { colourPairs, contrast, sceneFaults } from "../../support/scene-checks.ts";

function text(x: number, y: number, words: string, colour: "ink" | "line" = "ink"): SceneShape {
  return { kind: "text", x, y, size: 13, anchor: "start", spans: [{ text: words, colour }] };
}

function faultsOf(...shapes: readonly SceneShape[]): string[] {
  const scene: Scene = { width: 200, height: 100, title: "", description: "", shapes };
  return sceneFaults(scene);
}

describe("sceneFaults", () => {
  test.each([
    ["nothing", [text(10, 20, "one"), text(10, 37, "two"), text(60, 20, "three")], []],
    ["texts that overlap", [text(10, 20, "one"), text(20, 25, "two")], ['"one" and "two" overlap']],
    ["texts that leave the picture", [text(180, 20, "one")], ['"one" leaves the picture']],
    [
      "texts that are faint",
      [text(10, 20, "one", "line")],
      ["line on bg has 2.0 : 1 in the light scheme", "line on bg has 2.6 : 1 in the dark scheme"],
    ],
  ] as const)("%s", (_, shapes, faults) => {
    expect(faultsOf({ kind: "group", shapes })).toEqual(faults);
  });
});

test("text lies on the last box below it", () => {
  const box = { kind: "box", x: 0, y: 0, width: 100, height: 40, radius: 0 } as const;
  const shapes: readonly SceneShape[] = [
    { ...box, fill: "panel" },
    { ...box, fill: "mark" },
    { ...box, stroke: "line" },
    text(10, 20, "one"),
    { ...box, fill: "card" },
  ];
  expect(colourPairs({ width: 200, height: 100, title: "", description: "", shapes })).toEqual([["ink", "mark"]]);
});

/** The grounds on which each colour of text is used. */
const USED = {
  ink: ["bg", "panel", "card", "bar"],
  dim: ["bg", "panel", "card", "bar"],
  req: ["bg", "panel", "card"],
  rep: ["bg", "panel", "card"],
  svc: ["bg", "panel", "card"],
  ok: ["bg", "panel", "card"],
  markInk: ["mark"],
  onReq: ["req"],
  onRep: ["rep"],
} as const;

describe("contrast", () => {
  test("of black and white", () => expect(contrast("#000000", "#FFFFFF")).toBe(21));

  test.each(Object.entries(USED).flatMap(([text, grounds]) => grounds.map((ground) => [text, ground] as const)))(
    "of %s on %s is at least 4.5 : 1 in both schemes",
    (text, ground) => {
      const colour = COLOURS[text as keyof typeof USED];
      for (const scheme of ["light", "dark"] as const)
        expect(contrast(colour[scheme], COLOURS[ground][scheme])).toBeGreaterThanOrEqual(4.5);
    },
  );
});
