/** What holds for every picture. */
import { drawn, type Scene, type SceneLine, type SceneText } from "../../compiler/pictures/scene.ts";
import { numberWidth, textBounds } from "../../compiler/pictures/widths.ts";

export function textsOf({ shapes }: Scene): SceneText[] {
  return [...drawn(shapes)].filter((shape) => shape.kind === "text");
}

function wordsOf({ spans }: SceneText): string {
  return spans.map(({ text }) => text).join("");
}

/** Texts that lie on one another, in pairs. */
export function overlaps(scene: Scene): string[] {
  const all = textsOf(scene)
    .filter((each) => wordsOf(each).trim() !== "")
    .map((text) => ({ text, bounds: textBounds(text) }))
    .toSorted((a, b) => a.bounds.top - b.bounds.top);
  return all.flatMap(({ text, bounds }, i) =>
    all.slice(i + 1).flatMap((other) => {
      const wide = Math.min(bounds.right, other.bounds.right) - Math.max(bounds.left, other.bounds.left);
      const high = Math.min(bounds.bottom, other.bounds.bottom) - Math.max(bounds.top, other.bounds.top);
      return wide > 0.5 && high > 1 ? [`${wordsOf(text)} / ${wordsOf(other.text)}`] : [];
    }),
  );
}

/** Texts that leave the picture. */
export function outside(scene: Scene): string[] {
  return textsOf(scene).flatMap((text) => {
    const { left, right, top, bottom } = textBounds(text);
    return left < 0 || top < 0 || right > scene.width || bottom > scene.height ? [wordsOf(text)] : [];
  });
}

/** A mark of the key that nothing in the picture has, or one that is not in its key. */
export function wrongKey(scene: Scene): string[] {
  const texts = textsOf(scene).filter(({ spans }) => spans.some(({ text }) => text.startsWith("◆")));
  const isKey = (text: SceneText): boolean => wordsOf(text) === "◆ exists only in rules";
  const [isExplained, isUsed] = [texts.some(isKey), texts.some((text) => !isKey(text))];
  return isExplained === isUsed ? [] : [`◆ is ${isUsed ? "not explained" : "explained, and not used"}`];
}

type Segment = readonly [x1: number, y1: number, x2: number, y2: number];

/** Parts that lines of a request and of a reply have in common. */
export function sharedSegments(scene: Scene): Segment[] {
  const lines = [...drawn(scene.shapes)].filter(
    (shape): shape is SceneLine => shape.kind === "line" && shape.width === 3.5,
  );
  const [requests, replies] = (["req", "rep"] as const).map((colour) =>
    lines.filter((line) => line.colour === colour && line.points.length > 0).flatMap(segmentsOf),
  );
  return (requests ?? []).filter((a) => (replies ?? []).some((b) => isShared(a, b)));
}

function segmentsOf({ points }: SceneLine): Segment[] {
  return points.slice(1).map(([x, y], i) => [points[i]?.[0] ?? x, points[i]?.[1] ?? y, x, y]);
}

/** Both upright at one x, or both level at one y, with a piece in common. */
function isShared([ax, ay, bx, by]: Segment, [cx, cy, dx, dy]: Segment): boolean {
  const common = (a: number, b: number, c: number, d: number): boolean =>
    Math.min(Math.max(a, b), Math.max(c, d)) - Math.max(Math.min(a, b), Math.min(c, d)) > 0.5;
  const isUpright = ax === bx && cx === dx && Math.abs(ax - cx) < 3;
  const isLevel = ay === by && cy === dy && Math.abs(ay - cy) < 3;
  return (isUpright && common(ay, by, cy, dy)) || (isLevel && common(ax, bx, cx, dx));
}

/** Numbers and crosses that lie on one another or on a text. */
export function coveredMarks(scene: Scene): string[] {
  const marks = [...drawn(scene.shapes)].flatMap((shape) => {
    if (shape.kind !== "number" && shape.kind !== "cross") return [];
    const [wide, high] = shape.kind === "cross" ? [shape.radius, shape.radius] : [numberWidth(shape.label) / 2, 11];
    const { x, y } = shape;
    const words = shape.kind === "number" ? shape.label : "⊗";
    return [{ words, left: x - wide, right: x + wide, top: y - high, bottom: y + high }];
  });
  const texts = textsOf(scene).map((text) => ({ words: wordsOf(text), ...textBounds(text) }));
  return marks.flatMap((mark, i) =>
    [...marks.slice(i + 1), ...texts].flatMap((other) => {
      const wide = Math.min(mark.right, other.right) - Math.max(mark.left, other.left);
      const high = Math.min(mark.bottom, other.bottom) - Math.max(mark.top, other.top);
      return wide > 1 && high > 3 ? [`${mark.words} / ${other.words}`] : [];
    }),
  );
}

/** Marks whose number is not that of their steps, or of the first and the last one. */
export function misnumbered(scene: Scene): string[] {
  const wrong: string[] = [];
  const visit = (shapes: Scene["shapes"], steps: readonly number[]): void => {
    for (const shape of shapes) {
      if (shape.kind === "group") visit(shape.shapes, shape.step === undefined ? steps : [...steps, shape.step]);
      if (shape.kind !== "number") continue;
      const inOrder = steps.toSorted((a, b) => a - b);
      const [first = 0, last = first] = [inOrder[0], inOrder.at(-1)];
      const isRun = inOrder.every((step, i) => step === first + i);
      if (!isRun || shape.label !== (first === last ? String(first) : `${first}–${last}`))
        wrong.push(`${shape.label} of ${inOrder.join(", ")}`);
    }
  };
  visit(scene.shapes, []);
  return wrong;
}

/** Frames of nodes that a line of the walk comes into from the side: wires are above and below. */
export function crossedFrames(scene: Scene): string[] {
  const shapes = [...drawn(scene.shapes)];
  const frames = shapes.filter((shape) => shape.kind === "box" && shape.fill === "panel" && shape.radius === 10);
  const lines = shapes.filter((shape) => shape.kind === "line" && shape.width === 3.5);
  return frames.flatMap((frame) =>
    frame.kind !== "box"
      ? []
      : lines
          .flatMap((line) => (line.kind === "line" ? segmentsOf(line) : []))
          .filter(([x1, y, x2]) => {
            const isInside = y > frame.y && y < frame.y + frame.height;
            const edges = [frame.x, frame.x + frame.width];
            return isInside && edges.some((edge) => Math.min(x1, x2) < edge && edge < Math.max(x1, x2));
          })
          .map((segment) => `${segment.join(" ")} into ${frame.x} ${frame.y}`),
  );
}

/** How often each step has a mark of its own: a number, or the cross where the packet is lost. */
export function marksOf(scene: Scene): ReadonlyMap<number, number> {
  const marks = new Map<number, number>();
  const visit = (shapes: Scene["shapes"], steps: readonly number[]): void => {
    for (const shape of shapes) {
      if (shape.kind === "group") visit(shape.shapes, shape.step === undefined ? steps : [...steps, shape.step]);
      else if (shape.kind === "number" || shape.kind === "cross")
        for (const step of steps) marks.set(step, (marks.get(step) ?? 0) + 1);
    }
  };
  visit(scene.shapes, []);
  return marks;
}
