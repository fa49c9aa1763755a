/** The picture of a walk as a scene: head, drawing, findings, table. */
import { drawn, type Scene, type SceneShape } from "../scene.ts";
import { wrapped } from "../widths.ts";
import { CARD_WIDTH, layCard, layNote } from "./cards.ts";
import { planColumns } from "./columns.ts";
import { type Drawing, layDrawing } from "./drawing.ts";
import { foldedStory } from "./fold.ts";
import { layHeading } from "./heading.ts";
import { layLanes } from "./lanes.ts";
import { EDGE, textAt } from "./shapes.ts";
import type { Story } from "./story.ts";
import { layTable } from "./table.ts";

export interface WalkPictureOptions {
  /** Default: true. */
  readonly hasDrawing?: boolean;
  /** Default: true. */
  readonly hasTable?: boolean;
  /** Default: 1280. Drawings that need more are wider. */
  readonly leastWidth?: number;
}

const CARD_GAP = 40;
/** Drawings that reach further have their findings below. */
const MOST_BESIDE = 1000;

export function layWalk(
  story: Story,
  { hasDrawing = true, hasTable = true, leastWidth = 1280 }: WalkPictureOptions = {},
): Scene {
  const faults = story.findings.filter(({ isFault }) => isFault);
  const notes = story.findings.filter(({ isFault }) => !isFault);
  const shown = foldedStory(story);
  const plans = planColumns(shown);
  const room = leastWidth - 2 * EDGE;
  const hasCards = faults.length > 0 && (plans?.length ?? 0) === 1;
  const draw = (top: number): Drawing | undefined => {
    if (!hasDrawing) return undefined;
    if (plans === undefined) return layLanes(shown, top, room);
    return layDrawing(shown, plans, top, hasCards ? room - CARD_WIDTH - CARD_GAP : room);
  };
  const first = draw(0);
  const reach = first?.right ?? 0;
  const besides = hasCards && reach < MOST_BESIDE ? CARD_GAP + CARD_WIDTH : 0;
  const width = Math.ceil(Math.max(leastWidth, reach + besides + EDGE));
  const heading = layHeading(story, width, hasTable || hasRuleMark(first?.shapes ?? []));
  const shapes: SceneShape[] = [...heading.shapes];
  const drawing = draw(heading.bottom);
  let y = heading.bottom;
  let side = heading.bottom;
  if (drawing !== undefined) {
    shapes.push(...drawing.shapes);
    y = drawing.bottom + 32;
  }
  for (const fault of faults) {
    const x = (drawing?.right ?? width) + CARD_GAP;
    const isBeside = drawing !== undefined && x + CARD_WIDTH + EDGE <= width;
    const card = isBeside ? layCard(fault, x, side, width - EDGE - x) : layCard(fault, EDGE, y, width - 2 * EDGE);
    shapes.push(...card.shapes);
    if (isBeside) side = card.bottom + 16;
    else y = card.bottom + 16;
  }
  y = Math.max(y, side);
  for (const note of notes) {
    const strip = layNote(note, y, width);
    shapes.push(...strip.shapes);
    y = strip.bottom + 12;
  }
  if (hasTable) {
    const table = layTable(story, y, width);
    shapes.push(...table.shapes);
    y = table.bottom;
  }
  if (story.foot !== undefined) {
    const lines = wrapped(story.foot, width - 2 * EDGE, 13);
    shapes.push(...lines.map((line, i) => textAt(EDGE, y + 28 + i * 18, line, { colour: "dim" })));
    y += 16 + lines.length * 18;
  }
  return { width, height: Math.ceil(y + 24), title: story.title, description: describe(story), shapes };
}

/** Whether an address is marked as one that exists only in rules. */
function hasRuleMark(shapes: readonly SceneShape[]): boolean {
  return [...drawn(shapes)].some(
    (shape) => shape.kind === "text" && shape.spans.some(({ text }) => text.startsWith("◆")),
  );
}

/** All steps in sentences. */
function describe({ asked, request, reply, findings }: Story): string {
  const sentences = [request, ...(reply === undefined ? [] : [reply])].flatMap(({ steps }) =>
    steps.map(({ number, where, lines }) => `${number}: ${where}: ${lines.map(({ text }) => text).join("; ")}.`),
  );
  return [`${asked}.`, ...sentences, ...findings.map(({ message }) => `${message}.`)].join(" ");
}
