/** The head of a picture: its title, what was asked, the verdicts, and what the marks mean that occur. */
import type { SceneShape } from "../scene.ts";
import { lineWidth, spanWidth, wrapped } from "../widths.ts";
import { boxAt, EDGE, lineOf, spansAt, textAt } from "./shapes.ts";
import type { Story } from "./story.ts";

/** `bottom`: where the rest may begin. */
export interface PicturePart {
  readonly shapes: readonly SceneShape[];
  readonly bottom: number;
}

/** `mayMarkRules`: the picture shows addresses, and marks those that exist only in rules. */
export function layHeading(
  { title, asked, verdicts, request, reply }: Story,
  width: number,
  mayMarkRules: boolean,
): PicturePart {
  const shapes: SceneShape[] = [];
  let x = width - EDGE;
  if (reply !== undefined) x = key(shapes, x, "reply");
  x = key(shapes, x, "request");
  const steps = [...request.steps, ...(reply?.steps ?? [])];
  if (
    mayMarkRules &&
    steps.some(({ source, destination }) => source?.isOfRules === true || destination?.isOfRules === true)
  ) {
    const spans = [
      { text: "◆", colour: "svc" },
      { text: " exists only in rules", colour: "dim" },
    ] as const;
    x -= lineWidth(spans, 13);
    shapes.push(spansAt(x, 52, spans));
  }
  const lines = wrapped(title, x - EDGE - 32, 24, { isBold: true });
  const more = (lines.length - 1) * 30;
  shapes.unshift(...lines.map((line, i) => textAt(EDGE, 52 + i * 30, line, { size: 24, isBold: true })));
  let right = width - EDGE;
  for (const { text, isLost } of verdicts.toReversed()) {
    const chip = spanWidth({ text, isBold: true }, 14) + 50;
    right -= chip;
    const y = 66 + more;
    shapes.push(
      boxAt(right, y, chip, 30, { radius: 15, fill: isLost ? "mark" : "panel", stroke: isLost ? "markLine" : "line" }),
      isLost
        ? { kind: "cross", x: right + 19, y: y + 15, radius: 8 }
        : textAt(right + 13, y + 20, "✓", { size: 14, isBold: true, colour: "ok" }),
      textAt(right + 34, y + 20, text, { size: 14, isBold: true, colour: isLost ? "markInk" : "ink" }),
    );
    right -= 12;
  }
  const written = wrapped(asked, right - EDGE - 24, 14, { isMono: true });
  shapes.push(
    ...written.map((line, i) => textAt(EDGE, 86 + more + i * 20, line, { size: 14, isMono: true, colour: "dim" })),
  );
  return { shapes, bottom: 120 + more + (written.length - 1) * 20 };
}

/** A line with a mark and its word, right-aligned at `right`; the answer is where the next one may end. */
function key(shapes: SceneShape[], right: number, word: "request" | "reply"): number {
  const colour = word === "request" ? "req" : "rep";
  const x = right - spanWidth({ text: word }, 13) - 36;
  shapes.push(
    lineOf(
      [
        [x, 47],
        [x + 28, 47],
      ],
      colour,
      3.5,
    ),
    boxAt(x + 8, 41, 12, 12, { radius: word === "request" ? 6 : 3, fill: colour, stroke: "bg", strokeWidth: 1.5 }),
    textAt(x + 36, 52, word, { colour: "dim" }),
  );
  return x - 20;
}
