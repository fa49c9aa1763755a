/** Shapes of pictures of walks, with the sizes that they share. */
import type { Colour } from "../colours.ts";
import type {
  SceneBox,
  SceneGroup,
  SceneLine,
  SceneNumber,
  ScenePoint,
  SceneShape,
  SceneText,
  TextSize,
  TextSpan,
} from "../scene.ts";
import type { StoryAddress, StoryStep, WayDirection } from "./story.ts";

/** Page margin. */
export const EDGE = 40;
/** Distance of a line from the middle of its wire. */
export const SIDE = 8;
/** From a wire to the text beside it. */
export const BESIDE = 30;

interface TextOptions extends Omit<TextSpan, "text"> {
  readonly size?: TextSize;
  readonly anchor?: SceneText["anchor"];
}

export function textAt(x: number, y: number, text: string, options: TextOptions = {}): SceneText {
  const { size = 13, anchor = "start", ...style } = options;
  return { kind: "text", x, y, size, anchor, spans: [{ text, ...style }] };
}

export function spansAt(
  x: number,
  y: number,
  spans: readonly TextSpan[],
  size: TextSize = 13,
  anchor: SceneText["anchor"] = "start",
): SceneText {
  return { kind: "text", x, y, size, anchor, spans };
}

export function boxAt(
  x: number,
  y: number,
  width: number,
  height: number,
  options: Omit<SceneBox, "kind" | "x" | "y" | "width" | "height">,
): SceneBox {
  return { kind: "box", x, y, width, height, ...options };
}

export function lineOf(
  points: readonly ScenePoint[],
  colour: Colour,
  width: number,
  more: Partial<SceneLine> = {},
): SceneLine {
  return { kind: "line", points, colour, width, radius: 0, ...more };
}

export function numberAt(
  x: number,
  y: number,
  { number, last, direction }: Pick<StoryStep, "number" | "last" | "direction">,
): SceneNumber {
  return { kind: "number", x, y, label: numbersOf(number, last), direction };
}

/** `9`, or `9–12` of several steps. */
export function numbersOf(first: number, last: number): string {
  return first === last ? String(first) : `${first}–${last}`;
}

/** What belongs to a step: its first sentence is shown while a pointer rests there. Of several steps that are drawn as one, each has a group. */
export function stepGroup({ number, last, where, lines }: StoryStep, shapes: readonly SceneShape[]): SceneGroup {
  const tip = `${numbersOf(number, last)}: ${where}: ${lines.map(({ text }) => text).join("; ")}`;
  let group: SceneGroup = { kind: "group", step: last, tip, shapes };
  for (let step = last - 1; step >= number; step--) group = { kind: "group", step, shapes: [group] };
  return group;
}

export const DIRECTION_COLOUR = { request: "req", reply: "rep" } as const satisfies Readonly<
  Record<WayDirection, Colour>
>;

/** An address in mono, marked where it exists in rules only. */
export function addressSpans(
  { text, isOfRules }: StoryAddress,
  style: Omit<TextSpan, "text" | "isMono"> = {},
): TextSpan[] {
  if (!isOfRules) return [{ ...style, text, isMono: true }];
  return [{ text: `◆${text}`, isMono: true, isBold: true, colour: "svc" }];
}

/** What is said of a packet on a switch; away from its number, behind it. */
export function lanSpans(
  { number, last, direction }: StoryStep,
  facts: readonly string[],
  isNumbered: boolean,
): TextSpan[] {
  const text = { text: facts.join(" "), isMono: direction === "request" };
  if (!isNumbered) return [text];
  return [{ text: `${numbersOf(number, last)}  `, isBold: true, colour: DIRECTION_COLOUR[direction] }, text];
}
