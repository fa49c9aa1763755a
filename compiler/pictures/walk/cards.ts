/** Findings in a picture: faults as yellow cards, what is good to know as a strip. */
import type { SceneShape } from "../scene.ts";
import { spanWidth, wrapped } from "../widths.ts";
import type { PicturePart } from "./heading.ts";
import { boxAt, EDGE, textAt } from "./shapes.ts";
import type { StoryFinding } from "./story.ts";

/** Least width of a card. */
export const CARD_WIDTH = 360;

const PAD = 20;

/** A card with its upper left corner at `x`, `y`. */
export function layCard(
  { code, message, fix, fixHost, place }: StoryFinding,
  x: number,
  y: number,
  width: number,
): PicturePart {
  const inner = width - 2 * PAD;
  const body = wrapped(message, inner, 14);
  const command = fix === undefined ? [] : wrapped(fix, inner, 13, { isMono: true });
  const where = place === undefined ? [] : wrapped(place, inner, 13, { isMono: true });
  const fixTitle = fixHost === undefined ? "To fix" : `To fix, on ${fixHost}`;
  const shapes: SceneShape[] = [];
  let at = y + 66;
  for (const line of body) {
    shapes.push(textAt(x + PAD, at, line, { size: 14, colour: "markInk" }));
    at += 20;
  }
  if (command.length > 0) {
    at += 12;
    shapes.push(textAt(x + PAD, at, fixTitle, { isBold: true, colour: "markInk" }));
    at += 20;
    for (const line of command) {
      shapes.push(textAt(x + PAD, at, line, { isMono: true, colour: "markInk" }));
      at += 19;
    }
  }
  if (where.length > 0) at += 8;
  for (const line of where) {
    shapes.push(textAt(x + PAD, at, line, { isMono: true, colour: "markInk" }));
    at += 19;
  }
  const bottom = at;
  const titles = wrapped(code, inner - 32, 16, { isBold: true });
  return {
    shapes: [
      boxAt(x, y, width, bottom - y, { radius: 8, fill: "mark", stroke: "markLine", strokeWidth: 1.5 }),
      { kind: "cross", x: x + 30, y: y + 31, radius: 11 },
      textAt(x + 52, y + 36, titles.join(" "), { size: 16, isBold: true, colour: "markInk" }),
      ...shapes,
    ],
    bottom,
  };
}

/** A strip over the whole width. */
export function layNote({ code, message, fix }: StoryFinding, y: number, width: number): PicturePart {
  const left = EDGE + 16 + spanWidth({ text: "note", isBold: true }, 14) + 12;
  const inner = width - EDGE - 16 - left;
  const lines = wrapped(`${code}: ${message}`, inner, 14);
  const command = fix === undefined ? [] : wrapped(fix, inner, 13, { isMono: true });
  const height = lines.length * 20 + command.length * 19 + 20;
  return {
    shapes: [
      boxAt(EDGE, y, width - 2 * EDGE, height, { radius: 8, fill: "panel", stroke: "line" }),
      textAt(EDGE + 16, y + 25, "note", { size: 14, isBold: true, colour: "dim" }),
      ...lines.map((line, i) => textAt(left, y + 25 + i * 20, line, { size: 14 })),
      ...command.map((line, i) =>
        textAt(left, y + 25 + lines.length * 20 + i * 19, line, { isMono: true, colour: "dim" }),
      ),
    ],
    bottom: y + height,
  };
}
