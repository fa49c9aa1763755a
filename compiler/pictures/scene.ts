/**
 * A picture as numbers: what is drawn, and where. Whoever lays out makes a scene; `paint.ts` writes it.
 *
 * Units are pixels at the picture's own size, y grows downwards. Later shapes lie on earlier ones.
 */
import type { Colour } from "./colours.ts";

export interface Scene {
  readonly width: number;
  readonly height: number;
  /** What the picture says, as a headline. */
  readonly title: string;
  /** All that it says, in sentences, for who cannot see it. */
  readonly description: string;
  readonly shapes: readonly SceneShape[];
}

export type SceneShape =
  | SceneGroup
  | SceneBox
  | SceneText
  | SceneLine
  | SceneArrow
  | SceneCurve
  | SceneBand
  | SceneNumber
  | SceneCross;

/** x, y. */
export type ScenePoint = readonly [number, number];

/** Shapes that belong together. */
export interface SceneGroup {
  readonly kind: "group";
  /** The number of the step of a walk that the shapes show. */
  readonly step?: number;
  /** What is shown while a pointer rests on the group: names in full, where they are cut. */
  readonly tip?: string;
  readonly shapes: readonly SceneShape[];
}

export interface SceneBox {
  readonly kind: "box";
  /** Of the upper left corner. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Of the corners; half of the side of a square makes a circle. */
  readonly radius: number;
  readonly fill?: Colour;
  readonly stroke?: Colour;
  /** Default: 1. */
  readonly strokeWidth?: number;
  /** There, but not meant. */
  readonly isDashed?: true;
}

/** One line of text. */
export interface SceneText {
  readonly kind: "text";
  readonly x: number;
  /** Of the base line. */
  readonly y: number;
  readonly size: TextSize;
  /** What of the text is at `x`. */
  readonly anchor: "start" | "middle" | "end";
  readonly spans: readonly TextSpan[];
}

/** Title, name, what happens, everything else. None is less. */
export type TextSize = 24 | 16 | 14 | 13;

/** A part of a line of text, in one style. */
export interface TextSpan {
  readonly text: string;
  /** Default: ink. */
  readonly colour?: Colour;
  /** Addresses, rules and places. */
  readonly isMono?: boolean;
  readonly isBold?: boolean;
  readonly isItalic?: boolean;
  readonly isStruck?: boolean;
}

/** A polyline. */
export interface SceneLine {
  readonly kind: "line";
  readonly points: readonly ScenePoint[];
  readonly colour: Colour;
  readonly width: number;
  /** Of the corners. */
  readonly radius: number;
  /** 0 to 1; default: 1. */
  readonly opacity?: number;
  /** `lost`: of a packet that does not arrive. `should`: the way that it should have taken. */
  readonly dash?: "lost" | "should";
}

/** A filled triangle with its tip at `tip`, coming from the side of `from`. */
export interface SceneArrow {
  readonly kind: "arrow";
  readonly from: ScenePoint;
  readonly tip: ScenePoint;
  readonly colour: Colour;
  /** Half of its width, about. */
  readonly size: number;
}

/** A line that leaves each point, and comes to the next one, level. Points are in the order of x. */
export interface SceneCurve {
  readonly kind: "curve";
  readonly points: readonly ScenePoint[];
  readonly colour: Colour;
  readonly width: number;
}

/** A flow from left to right; its thickness is its share. */
export interface SceneBand {
  readonly kind: "band";
  /** Middles of the ends. */
  readonly from: ScenePoint;
  readonly to: ScenePoint;
  readonly thickness: number;
  readonly colour: Colour;
  /** 0 to 1; default: 1. */
  readonly opacity?: number;
  /** Hatched. */
  readonly isLost?: true;
}

/** The number of a step: round for a request, square for a reply. */
export interface SceneNumber {
  readonly kind: "number";
  /** Of its middle. */
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly direction: "request" | "reply";
}

/** The mark where a packet is lost. */
export interface SceneCross {
  readonly kind: "cross";
  /** Of its middle. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** All shapes below `shapes`, without the groups, in the order in which they are drawn. */
export function* drawn(shapes: readonly SceneShape[]): Generator<Exclude<SceneShape, SceneGroup>> {
  for (const shape of shapes) {
    if (shape.kind === "group") yield* drawn(shape.shapes);
    else yield shape;
  }
}
