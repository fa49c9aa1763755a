/** What holds for every picture: its texts are apart, inside and readable; its text is XML that leads nowhere. */
import { COLOURS, type Colour, type ColourScheme } from "../../compiler/pictures/colours.ts";
import { drawn, type Scene, type SceneText } from "../../compiler/pictures/scene.ts";
import { textBounds } from "../../compiler/pictures/widths.ts";

/** What is wrong with a scene, a fault a line; none: nothing is. */
export function sceneFaults(scene: Scene): string[] {
  return [...overlaps(scene), ...textsOutside(scene), ...faintTexts(scene)];
}

/** The words of a line of text. */
export function wordsOf({ spans }: SceneText): string {
  return spans.map(({ text }) => text).join("");
}

function textsOf(scene: Scene): SceneText[] {
  return [...drawn(scene.shapes)]
    .filter((shape) => shape.kind === "text")
    .filter((text) => wordsOf(text).trim() !== "");
}

function overlaps(scene: Scene): string[] {
  const texts = textsOf(scene).map((text) => ({ text, bounds: textBounds(text) }));
  texts.sort((a, b) => a.bounds.top - b.bounds.top);
  return texts.flatMap(({ text, bounds }, i) => {
    const found: string[] = [];
    for (const other of texts.slice(i + 1)) {
      if (other.bounds.top >= bounds.bottom) break;
      const width = Math.min(bounds.right, other.bounds.right) - Math.max(bounds.left, other.bounds.left);
      const height = Math.min(bounds.bottom, other.bounds.bottom) - other.bounds.top;
      if (width > 0.5 && height > 0.5) found.push(`"${wordsOf(text)}" and "${wordsOf(other.text)}" overlap`);
    }
    return found;
  });
}

function textsOutside(scene: Scene): string[] {
  return textsOf(scene).flatMap((text) => {
    const { left, right, top, bottom } = textBounds(text);
    const isInside = left >= 0 && top >= 0 && right <= scene.width && bottom <= scene.height;
    return isInside ? [] : [`"${wordsOf(text)}" leaves the picture`];
  });
}

/** Texts whose contrast with what they lie on is less than 4.5 : 1 in one of the schemes. */
function faintTexts(scene: Scene): string[] {
  const faults = new Set<string>();
  for (const [colour, ground] of colourPairs(scene))
    for (const scheme of ["light", "dark"] as const) {
      const ratio = contrast(COLOURS[colour][scheme], COLOURS[ground][scheme]);
      if (ratio < 4.5) faults.add(`${colour} on ${ground} has ${ratio.toFixed(1)} : 1 in the ${scheme} scheme`);
    }
  return [...faults];
}

/** The colours of texts, and of what they lie on. */
export function colourPairs(scene: Scene): [text: Colour, ground: Colour][] {
  const pairs = new Map<string, [Colour, Colour]>();
  const boxes: { left: number; right: number; top: number; bottom: number; fill: Colour }[] = [];
  const add = (text: Colour, ground: Colour): void => void pairs.set(`${text} ${ground}`, [text, ground]);
  for (const shape of drawn(scene.shapes)) {
    if (shape.kind === "box" && shape.fill !== undefined) {
      const { x, y, width, height, fill } = shape;
      boxes.push({ left: x, right: x + width, top: y, bottom: y + height, fill });
    }
    if (shape.kind === "number" && shape.direction === "request") add("onReq", "req");
    if (shape.kind === "number" && shape.direction === "reply") add("onRep", "rep");
    if (shape.kind !== "text") continue;
    const { left, right, top, bottom } = textBounds(shape);
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const under = boxes.findLast((box) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom);
    for (const { colour } of shape.spans) add(colour ?? "ink", under?.fill ?? "bg");
  }
  return [...pairs.values()];
}

/** The ratio of two colours (#RRGGBB), as WCAG 2 defines it. */
export function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((left, right) => left - right);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Whether something of SVG that a picture must not have is in `svg`, or it is no well-formed XML: a fault a line. */
export function svgFaults(svg: string): string[] {
  const faults: string[] = [];
  const open: string[] = [];
  let at = 0;
  for (const match of svg.matchAll(/<[^>]*>/g)) {
    faults.push(...textFaults(svg.slice(at, match.index)));
    at = match.index + match[0].length;
    const tag = TAG.exec(match[0]);
    if (tag?.groups === undefined) {
      faults.push(`no tag: ${match[0]}`);
      continue;
    }
    const { closing, name = "", attributes = "", alone } = tag.groups;
    if (closing === "/") {
      if (open.pop() !== name) faults.push(`</${name}> closes another element`);
      continue;
    }
    if (!ELEMENTS.has(name)) faults.push(`the element ${name}`);
    const pairs = [...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)];
    const names = pairs.map(([, key = ""]) => key);
    if (new Set(names).size < names.length) faults.push(`an attribute twice: ${match[0]}`);
    for (const [, key = "", value = ""] of pairs) {
      if (/^on|href|^style$/.test(key) || /url\(|javascript:/i.test(value)) faults.push(`${key}="${value}"`);
      faults.push(...textFaults(value));
    }
    if (alone !== "/") open.push(name);
  }
  if (svg.slice(at) !== "\n") faults.push("no end of line after the last element");
  if (open.length > 0) faults.push(`not closed: ${open.join(", ")}`);
  return faults;
}

const TAG = /^<(?<closing>\/?)(?<name>[a-z]+)(?<attributes>(?: [\w:-]+="[^"<]*")*)(?<alone>\/?)>$/;

const ELEMENTS: ReadonlySet<string> = new Set([..."svg title desc style g rect circle path text tspan".split(" ")]);

function textFaults(text: string): string[] {
  const bare = text.replace(/&(?:amp|lt|gt|quot);/g, "");
  return /[<&]/.test(bare) || FORBIDDEN.test(bare) ? [`text that is no XML: ${JSON.stringify(text)}`] : [];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML forbids
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/u;

/** The colours that a picture has in a scheme, by the style sheet where there is one. */
export function coloursIn(svg: string): ReadonlySet<string> {
  return new Set([...svg.matchAll(/#[0-9A-F]{6}/g)].map(([colour]) => colour));
}

/** All colours of a scheme. */
export function coloursOf(scheme: ColourScheme): ReadonlySet<string> {
  return new Set(Object.values(COLOURS).map((colour) => colour[scheme]));
}
