/**
 * A scene as SVG: the only file that knows elements, fonts and how colours are written.
 *
 * Colours of the light scheme are attributes, so that programs without style sheets show it; the style sheet holds the dark ones alone, for
 * screens whose reader prefers them. There is no script, no font and no address in it.
 */
import { unreachable } from "../invariant.ts";
import { COLOURS, type Colour, type ColourScheme } from "./colours.ts";
import { arrowCorners } from "./lines.ts";
import type { Scene, SceneBand, SceneCurve, SceneLine, ScenePoint, SceneShape, SceneText, TextSpan } from "./scene.ts";
import { numberWidth } from "./widths.ts";

export interface PaintOptions {
  /** Undefined: that of the reader. */
  readonly scheme?: ColourScheme | undefined;
  /** Without a ground of its own. */
  readonly isTransparent?: boolean;
  /** What ids begin with, so that several pictures can stand in one page. Letters. Default: k. */
  readonly prefix?: string;
}

/** The text of an SVG file. Equal scenes and options give equal text. */
export function paint(scene: Scene, { scheme, isTransparent = false, prefix = "k" }: PaintOptions = {}): string {
  const painter = new Painter(scheme ?? "light");
  const { width, height, title, description } = scene;
  const shapes = painter.shapes(scene.shapes);
  const ground = isTransparent ? [] : [painter.element("rect", { width, height, fill: "bg" })];
  const style = scheme === undefined ? [`<style>${painter.darkStyles()}</style>`] : [];
  const head = [
    painter.element("title", { id: `${prefix}-t` }, escaped(title)),
    painter.element("desc", { id: `${prefix}-d` }, escaped(description)),
  ];
  const root = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${rounded(width)} ${rounded(height)}`,
    width,
    height,
    role: "img",
    "aria-labelledby": `${prefix}-t ${prefix}-d`,
    "font-family": SANS_FONTS,
    "font-size": DEFAULT_SIZE,
    fill: "ink",
  };
  return `${painter.element("svg", root, `\n${[...head, ...style, ...ground, ...shapes].join("\n")}\n`)}\n`;
}

const SANS_FONTS =
  "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans','DejaVu Sans',sans-serif";
const MONO_FONTS = "ui-monospace,Menlo,Consolas,monospace";
const DEFAULT_SIZE = 13;

const DASHES = { lost: "9 6", should: "2 6" } as const;

/** Values of `fill` and `stroke` are names of colours, or none. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

class Painter {
  /** Classes of colours that occur; text has ink from the root. */
  private readonly used = new Set(["f-ink"]);
  private readonly scheme: ColourScheme;

  constructor(scheme: ColourScheme) {
    this.scheme = scheme;
  }

  element(name: string, attributes: Attributes, content = ""): string {
    let text = `<${name}`;
    const classes: string[] = [];
    for (const [key, value] of Object.entries(attributes)) {
      if (value === undefined) continue;
      const colour = key === "fill" || key === "stroke" ? colourNamed(value) : undefined;
      if (colour !== undefined) classes.push(`${key.charAt(0)}-${value}`);
      text += ` ${key}="${colour === undefined ? escaped(spelled(value)) : colour[this.scheme]}"`;
    }
    for (const each of classes) this.used.add(each);
    if (classes.length > 0) text += ` class="${classes.join(" ")}"`;
    return content === "" ? `${text}/>` : `${text}>${content}</${name}>`;
  }

  /** The style sheet of the dark scheme, for the colours that have been used. */
  darkStyles(): string {
    const rules = Object.entries(COLOURS).flatMap(([name, { dark }]) => [
      ...(this.used.has(`f-${name}`) ? [`.f-${name}{fill:${dark}}`] : []),
      ...(this.used.has(`s-${name}`) ? [`.s-${name}{stroke:${dark}}`] : []),
    ]);
    return `@media screen and (prefers-color-scheme:dark){${rules.join("")}}`;
  }

  shapes(shapes: readonly SceneShape[]): string[] {
    return shapes.map((shape) => this.shape(shape));
  }

  private shape(shape: SceneShape): string {
    switch (shape.kind) {
      case "group": {
        const { step, tip } = shape;
        const shown = tip === undefined ? [] : [this.element("title", {}, escaped(tip))];
        const attributes = step === undefined ? {} : { class: "step", "data-step": step };
        return this.element("g", attributes, [...shown, ...this.shapes(shape.shapes)].join("\n"));
      }
      case "box":
        return this.element("rect", {
          x: shape.x,
          y: shape.y,
          width: shape.width,
          height: shape.height,
          rx: shape.radius === 0 ? undefined : shape.radius,
          fill: shape.fill ?? "none",
          stroke: shape.stroke,
          "stroke-width": shape.strokeWidth,
          "stroke-dasharray": shape.isDashed ? "5 4" : undefined,
        });
      case "text":
        return this.text(shape);
      case "line":
        return this.stroke(linePath(shape), shape.colour, {
          "stroke-width": shape.width,
          opacity: shape.opacity,
          "stroke-linejoin": "round",
          "stroke-dasharray": shape.dash === undefined ? undefined : DASHES[shape.dash],
          "stroke-linecap": shape.dash === "should" ? "round" : undefined,
        });
      case "arrow": {
        const corners = arrowCorners(shape.from, shape.tip, shape.size);
        return this.element("path", { d: `M${corners.map(at).join("L")}Z`, fill: shape.colour });
      }
      case "curve":
        return this.stroke(curvePath(shape), shape.colour, { "stroke-width": shape.width });
      case "band":
        return this.band(shape);
      case "number":
        return this.number(shape.x, shape.y, shape.label, shape.direction);
      case "cross":
        return this.cross(shape.x, shape.y, shape.radius);
      default:
        return unreachable(shape);
    }
  }

  private stroke(d: string, stroke: Colour, attributes: Attributes): string {
    return this.element("path", { d, fill: "none", stroke, ...attributes });
  }

  private text({ x, y, size, anchor, spans }: SceneText): string {
    const whole = spans.map(({ text }) => text).join("");
    const [only] = spans;
    const attributes = {
      x,
      y,
      "font-size": size === DEFAULT_SIZE ? undefined : size,
      "text-anchor": anchor === "start" ? undefined : anchor,
      // Only where it matters: without it, spaces that stand together count as one.
      "xml:space": /^\s|\s\s|\s$/.test(whole) ? "preserve" : undefined,
    };
    if (spans.length === 1 && only !== undefined)
      return this.element("text", { ...attributes, ...styleOf(only) }, escaped(only.text));
    const parts = spans.map((span) => {
      const style = styleOf(span);
      const isPlain = Object.values(style).every((value) => value === undefined);
      return isPlain ? escaped(span.text) : this.element("tspan", style, escaped(span.text));
    });
    return this.element("text", attributes, parts.join(""));
  }

  /** A band that is lost is drawn as stripes across its way. */
  private band({ from, to, thickness, colour, opacity, isLost }: SceneBand): string {
    const half = thickness / 2;
    const up = ([x, y]: ScenePoint): ScenePoint => [x, y - half];
    const down = ([x, y]: ScenePoint): ScenePoint => [x, y + half];
    if (isLost)
      return this.stroke(`M${at(from)}${levelCurve(from, to)}`, colour, {
        "stroke-width": thickness,
        "stroke-dasharray": "5 4",
        opacity,
      });
    const d = `M${at(up(from))}${levelCurve(up(from), up(to))}L${at(down(to))}${levelCurve(down(to), down(from))}Z`;
    return this.element("path", { d, fill: colour, opacity });
  }

  private number(x: number, y: number, label: string, direction: "request" | "reply"): string {
    const colour = direction === "request" ? "req" : "rep";
    const width = numberWidth(label);
    const box = {
      x: x - width / 2,
      y: y - 11,
      width,
      height: 22,
      rx: direction === "request" ? 11 : 5,
      fill: colour,
      stroke: "panel",
      "stroke-width": 2,
    };
    const text = {
      x,
      y: y + 4.5,
      "font-weight": 600,
      "text-anchor": "middle",
      fill: direction === "request" ? "onReq" : "onRep",
    };
    return this.element("rect", box) + this.element("text", text, escaped(label));
  }

  private cross(x: number, y: number, radius: number): string {
    const arm = radius * 0.42;
    const disc = { cx: x, cy: y, r: radius, fill: "mark", stroke: "markInk", "stroke-width": 2 };
    const arms = `M${at([x - arm, y - arm])}L${at([x + arm, y + arm])}M${at([x + arm, y - arm])}L${at([x - arm, y + arm])}`;
    return (
      this.element("circle", disc) + this.stroke(arms, "markInk", { "stroke-width": 2.6, "stroke-linecap": "round" })
    );
  }
}

function colourNamed(name: string | number): Readonly<Record<ColourScheme, string>> | undefined {
  return Object.entries(COLOURS).find(([key]) => key === name)?.[1];
}

function styleOf({ colour, isMono, isBold, isItalic, isStruck }: TextSpan): Attributes {
  return {
    "font-family": isMono ? MONO_FONTS : undefined,
    "font-weight": isBold ? 600 : undefined,
    "font-style": isItalic ? "italic" : undefined,
    "text-decoration": isStruck ? "line-through" : undefined,
    // Text is ink by inheritance.
    fill: colour === "ink" ? undefined : colour,
  };
}

/** A polyline with rounded corners. */
function linePath({ points, radius }: SceneLine): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let path = `M${at(first)}`;
  rest.forEach((corner, i) => {
    const before = points[i] ?? corner;
    const after = rest[i + 1];
    if (after === undefined || radius === 0) {
      path += `L${at(corner)}`;
      return;
    }
    const [a, b] = [distance(before, corner), distance(corner, after)];
    const cut = Math.min(radius, a / 2, b / 2);
    path += `L${at(towards(corner, before, cut / (a || 1)))}Q${at(corner)} ${at(towards(corner, after, cut / (b || 1)))}`;
  });
  return path;
}

function curvePath({ points }: SceneCurve): string {
  const [first] = points;
  if (first === undefined) return "";
  return `M${at(first)}${points
    .slice(1)
    .map((point, i) => levelCurve(points[i] ?? point, point, 40))
    .join("")}`;
}

/** From where the pen is, level, to `b`; handles are half of the way, at most `most`. */
function levelCurve(a: ScenePoint, b: ScenePoint, most = Number.POSITIVE_INFINITY): string {
  if (a[1] === b[1]) return `L${at(b)}`;
  const half = (b[0] - a[0]) / 2;
  const handle = Math.sign(half) * Math.min(Math.abs(half), most);
  return `C${at([a[0] + handle, a[1]])} ${at([b[0] - handle, b[1]])} ${at(b)}`;
}

function distance([ax, ay]: ScenePoint, [bx, by]: ScenePoint): number {
  return Math.hypot(ax - bx, ay - by);
}

function towards([ax, ay]: ScenePoint, [bx, by]: ScenePoint, share: number): ScenePoint {
  return [ax + (bx - ax) * share, ay + (by - ay) * share];
}

function at([x, y]: ScenePoint): string {
  return `${rounded(x)} ${rounded(y)}`;
}

function spelled(value: string | number): string {
  return typeof value === "number" ? rounded(value) : value;
}

/** To a tenth of a pixel: what is beyond it depends on how a machine reckons. */
function rounded(value: number): string {
  return String(Math.round(value * 10) / 10 + 0);
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** `text` as XML holds it. Characters that XML cannot hold become U+FFFD. */
function escaped(text: string): string {
  return text.replace(FORBIDDEN, "\uFFFD").replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML forbids
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu;
