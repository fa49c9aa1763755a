/** A Service's fan-out as a scene: frontends at the left, a bar for each list of endpoints, endpoints by node at the right. */
import type { Colour } from "../colours.ts";
import type { Scene, SceneShape, TextSpan } from "../scene.ts";
import { boxAt, EDGE, lineOf, spansAt, textAt } from "../walk/shapes.ts";
import { lineWidth, shortened, spanWidth, wrapped } from "../widths.ts";
import type { EndpointSetName, FanOut, FanOutFrontend } from "./fan-out.ts";
import { type EndpointBox, type EndpointRow, endpointBoxes } from "./fold.ts";

/** What stands above all ports. */
export interface FanOutTitle {
  /** `shop/web`. */
  readonly service: string;
  readonly seenFrom: string;
  readonly mode: string;
  /** Ports that are not drawn. */
  readonly left: number;
}

const LEAST_WIDTH = 1280;
const FRONTEND = { width: 420, height: 58, step: 76 };
const BARS: readonly [number, number] = [592, 684];
const ENDPOINTS = { x: 840, least: 400, step: 52, height: 38 };
const COLOURS: readonly Colour[] = ["ink", "req"];
/** What the words at a bar keep free before the endpoints, and the height of their lines. */
const BAR_GAP = 20;
const LINE = 17;
/** An endpoint of both lists has two lines. */
const APART = 10;

export function drawFanOuts(fanOuts: readonly FanOut[], title: FanOutTitle): Scene {
  const sections = fanOuts.map((fanOut) => ({ fanOut, boxes: endpointBoxes(fanOut) }));
  const room = Math.max(ENDPOINTS.least, ...sections.flatMap(({ boxes }) => boxes.map(boxWidth)));
  const width = Math.max(LEAST_WIDTH, Math.ceil(ENDPOINTS.x + room + EDGE));
  const headline = `Service ${title.service}: who reaches which endpoints`;
  const lines = wrapped(headline, width - 2 * EDGE, 24, { isBold: true });
  const shapes: SceneShape[] = lines.map((line, i) => textAt(EDGE, 52 + i * 32, line, { size: 24, isBold: true }));
  let y = 82 + (lines.length - 1) * 32;
  const left = title.left === 0 ? "" : `; ${title.left} more ports: choose with --service ${title.service}:PORT`;
  shapes.push(textAt(EDGE, y, `seen from ${title.seenFrom}, ${title.mode} mode${left}`, { size: 14, colour: "dim" }));
  y += 24;
  // The heads of the columns stand once, below the first port.
  shapes.push(textAt(EDGE, y + 40, "asked, and by whom", { colour: "dim" }));
  shapes.push(textAt(ENDPOINTS.x, y + 40, "answers, and how often a new client lands there", { colour: "dim" }));
  for (const { fanOut, boxes } of sections) {
    const drawn = drawFanOut(fanOut, boxes, width - ENDPOINTS.x - EDGE, y, width);
    shapes.push(...drawn.shapes);
    y = drawn.bottom + 36;
  }
  return { width, height: Math.ceil(y), title: headline, description: fanOuts.map(describedFanOut).join(" "), shapes };
}

/** An endpoint's box, with its place in the picture. */
interface PlacedRow {
  readonly row: EndpointRow;
  /** Of its middle. */
  readonly y: number;
}

function drawFanOut(
  fanOut: FanOut,
  boxes: readonly EndpointBox[],
  room: number,
  top: number,
  width: number,
): { readonly shapes: SceneShape[]; readonly bottom: number } {
  const { port, policies, sets, frontends } = fanOut;
  const shapes: SceneShape[] = [];
  const about: TextSpan[] = [
    { text: "port ", colour: "dim" },
    { text: port, isMono: true },
    ...policies.map((policy): TextSpan => ({ text: `  ·  ${policy}`, colour: "dim" })),
  ];
  shapes.push(spansAt(EDGE, top, about, 14));
  const start = top + 72;
  const { rows, shapes: boxShapes, bottom: endOfBoxes } = placedBoxes(boxes, start, room);
  // Frontends of one list stand together, the next ones below the bar before.
  let y = start + 8;
  const placed: { readonly frontend: FanOutFrontend; readonly y: number }[] = [];
  const bars = new Map<EndpointSetName, { readonly from: number; readonly to: number }>();
  for (const [i, { name, title, count }] of sets.entries()) {
    const mine = frontends.filter(({ set }) => set === name);
    const reached = rows.filter(({ row }) => row.sets.includes(name)).map((row) => row.y + shiftOf(i, sets.length));
    for (const frontend of mine) {
      placed.push({ frontend, y: y + FRONTEND.height / 2 });
      y += FRONTEND.step;
    }
    const ends = [...placed.slice(-mine.length).map((each) => each.y), ...reached];
    bars.set(name, { from: Math.min(...ends) - 14, to: Math.max(...ends) + 14 });
    const below = i === 0 ? 0 : (labelLines(title, count, i).length - 1) * LINE;
    y = Math.max(y, (bars.get(name)?.to ?? y) + 24 + below);
  }
  for (const frontend of frontends.filter(({ set }) => set === undefined)) {
    placed.push({ frontend, y: y + FRONTEND.height / 2 });
    y += FRONTEND.step;
  }
  const labels: SceneShape[] = [];
  let endOfBars = 0;
  for (const [i, { name, title, count }] of sets.entries()) {
    const [colour, x, bar] = [COLOURS[i] ?? "ink", BARS[i] ?? BARS[0], bars.get(name) ?? { from: start, to: start }];
    for (const each of placed)
      if (each.frontend.set === name)
        shapes.push(
          lineOf(
            [
              [EDGE + FRONTEND.width, each.y],
              [x - 8, each.y],
            ],
            colour,
            2.5,
          ),
          { kind: "arrow", from: [x - 20, each.y], tip: [x - 10, each.y], colour, size: 8 },
        );
    for (const { row, y: middle } of rows) {
      if (!row.sets.includes(name)) continue;
      const at = middle + shiftOf(i, sets.length);
      const share = row.copies / count;
      shapes.push(
        lineOf(
          [
            [x, at],
            [ENDPOINTS.x + 4, at],
          ],
          colour,
          2 + 10 * share,
          { opacity: 0.55 },
        ),
      );
      labels.push({ kind: "arrow", from: [ENDPOINTS.x - 4, at], tip: [ENDPOINTS.x + 12, at], colour, size: 8 });
      const words = chanceText(row.copies, count);
      const wide = spanWidth({ text: words, isBold: true }, 13) + 10;
      labels.push(boxAt(ENDPOINTS.x - 12 - wide, at - 9, wide, 18, { radius: 3, fill: "bg" }));
      labels.push(textAt(ENDPOINTS.x - 17, at + 4.5, words, { isBold: true, anchor: "end", colour }));
    }
    // The bar lies on the lines that pass under it, with a gap at each side.
    labels.unshift(
      boxAt(x - 10, bar.from, 20, bar.to - bar.from, { radius: 10, fill: "bg" }),
      boxAt(x - 5, bar.from, 10, bar.to - bar.from, { radius: 5, fill: colour }),
    );
    // Between the bar and the endpoints; the first list's words stand above its bar, and grow upwards.
    const words = labelLines(title, count, i);
    const first = i === 0 ? bar.from - 10 - (words.length - 1) * LINE : bar.to + 20;
    labels.push(...words.map((line, j) => textAt(x - 5, first + j * LINE, line, { isBold: true, size: 14, colour })));
    endOfBars = Math.max(endOfBars, bar.to + 28 + (i === 0 ? 0 : (words.length - 1) * LINE));
  }
  shapes.push(...boxShapes, ...labels, ...placed.flatMap((each) => drawnFrontend(each.frontend, each.y)));
  const bottom = Math.max(y - FRONTEND.step + FRONTEND.height, endOfBoxes, endOfBars);
  return {
    shapes: lineWidth(about, 14) > width - 2 * EDGE ? [...wrappedAbout(about, top, width), ...shapes.slice(1)] : shapes,
    bottom,
  };
}

/** The words at the bar of a list. */
function labelLines(title: string, count: number, set: number): string[] {
  return wrapped(`${title} (${count})`, ENDPOINTS.x - BAR_GAP - (BARS[set] ?? BARS[0]), 14, { isBold: true });
}

/** Policies below the port, where one line is too short. */
function wrappedAbout(about: readonly TextSpan[], top: number, width: number): SceneShape[] {
  const [word, port, ...policies] = about;
  if (word === undefined || port === undefined) return [];
  const text = policies
    .map((each) => each.text)
    .join("")
    .replace(/^ {2}· {2}/, "");
  const [line = "", more] = wrapped(text, width - 2 * EDGE, 14);
  return [
    spansAt(EDGE, top, [word, port], 14),
    textAt(EDGE, top + 20, more === undefined ? line : `${line} …`, { size: 14, colour: "dim" }),
  ];
}

function shiftOf(set: number, sets: number): number {
  return sets === 1 ? 0 : set === 0 ? -APART : APART;
}

/** `1 in 4`, or for several `1 in 50 each`. */
function chanceText(copies: number, count: number): string {
  const chance = count === 1 ? "always" : `1 in ${count}`;
  return copies === 1 ? chance : `${chance} each`;
}

// --- boxes ---------------------------------------------------------------------------------------------------------------

function drawnFrontend(
  { address, isOfRules, kind, who, source, place, unserved }: FanOutFrontend,
  y: number,
): SceneShape[] {
  const inner = FRONTEND.width - 32;
  const shownPlace = place === undefined ? "" : shortened(place, 26);
  const placeWidth = spanWidth({ text: shownPlace, isMono: true }, 13) + 12;
  const style = { isMono: true, isBold: true, colour: isOfRules ? "svc" : "ink" } as const;
  const shown = fitted(`${isOfRules ? "◆" : ""}${address}`, inner - placeWidth, 14, style);
  const words: TextSpan[] = [{ text: `${kind}, `, colour: "dim" }, { text: who }];
  const sourceWidth = source === "" ? 0 : spanWidth({ text: source }, 13) + 12;
  const fitsWho = fitted(who, inner - sourceWidth - spanWidth({ text: `${kind}, ` }, 13), 13, {});
  const x = EDGE + FRONTEND.width - 16;
  const told: SceneShape[] =
    unserved === undefined
      ? []
      : [textAt(EDGE + FRONTEND.width + 16, y + 4.5, unserved, { isBold: true, size: 14, colour: "svc" })];
  return [
    {
      kind: "group",
      tip: `${address}, ${kind}, ${who}`,
      shapes: [
        boxAt(EDGE, y - 29, FRONTEND.width, FRONTEND.height, {
          radius: 8,
          fill: "card",
          stroke: "ink",
          strokeWidth: 1.2,
          ...(unserved === undefined ? {} : { isDashed: true as const }),
        }),
        textAt(EDGE + 16, y - 5, shown, { ...style, size: 14 }),
        spansAt(EDGE + 16, y + 17, [words[0] ?? { text: "" }, { text: fitsWho }]),
        ...(shownPlace === ""
          ? []
          : [
              textAt(x, y - 5, shownPlace, {
                isMono: true,
                anchor: "end",
                colour: "dim",
                isItalic: place === "assumed",
              }),
            ]),
        ...(source === "" ? [] : [textAt(x, y + 17, source, { anchor: "end", colour: "dim" })]),
      ],
    },
    ...told,
  ];
}

/** `text`, without its middle where it is wider than `width`. */
function fitted(text: string, width: number, size: 13 | 14, style: Omit<TextSpan, "text">): string {
  let short = text;
  for (let most = [...text].length; most > 1 && spanWidth({ ...style, text: short }, size) > width; most--)
    short = shortened(text, most - 1);
  return short;
}

function nameOf({ name, copies }: EndpointRow): string {
  return copies === 1 ? name : `${name} × ${copies}`;
}

/** What stands at the right of an endpoint's row. */
function noteOf({ state, place }: EndpointRow): string {
  return state ?? (place === undefined ? "" : shortened(place, 26));
}

function rowWidth(row: EndpointRow): number {
  const name = spanWidth({ text: nameOf(row), isBold: true }, 14);
  const address =
    row.address === "" || row.name === row.address ? 0 : spanWidth({ text: row.address, isMono: true }, 13) + 16;
  const note = spanWidth({ text: noteOf(row), isMono: row.state === undefined }, 13) + 16;
  return name + address + note + 56;
}

function boxWidth({ title, note, rows }: EndpointBox): number {
  const head = spanWidth({ text: title, isBold: true }, 16) + spanWidth({ text: note }, 13) + 56;
  return Math.max(head, ...rows.map(rowWidth));
}

function placedBoxes(
  boxes: readonly EndpointBox[],
  top: number,
  width: number,
): { readonly rows: PlacedRow[]; readonly shapes: SceneShape[]; readonly bottom: number } {
  const { x, step, height } = ENDPOINTS;
  const rows: PlacedRow[] = [];
  const shapes: SceneShape[] = [];
  let y = top;
  for (const box of boxes) {
    const tall = 44 + box.rows.length * step;
    shapes.push(
      boxAt(x, y, width, tall, { radius: 10, fill: "panel", stroke: "line", strokeWidth: 1.5 }),
      textAt(x + 20, y + 27, box.title, { size: 16, isBold: true }),
      textAt(x + width - 20, y + 27, box.note, { anchor: "end", colour: "dim" }),
    );
    for (const [i, row] of box.rows.entries()) {
      const middle = y + 44 + i * step + step / 2 - 6;
      rows.push({ row, y: middle });
      shapes.push(...drawnRow(row, x, middle, width, height));
    }
    y += tall + 20;
  }
  return { rows, shapes, bottom: y - 20 };
}

function drawnRow(row: EndpointRow, x: number, y: number, width: number, height: number): SceneShape[] {
  const isOff = row.state !== undefined;
  const name: TextSpan = { text: nameOf(row), isBold: true, ...(isOff ? { colour: "dim" } : {}) };
  const hasAddress = row.address !== "" && row.address !== row.name;
  const box = {
    radius: 6,
    fill: isOff ? "panel" : "card",
    stroke: isOff ? "line" : "ink",
    ...(isOff ? { isDashed: true as const } : {}),
  } as const;
  const behind = row.copies > 1 ? [boxAt(x + 16, y - height / 2 + 4, width - 24, height, box)] : [];
  return [
    ...behind,
    boxAt(x + 12, y - height / 2, width - 24, height, box),
    textAt(x + 28, y + 5, name.text, { ...name, size: 14 }),
    ...(hasAddress
      ? [
          textAt(x + 28 + spanWidth(name, 14) + 16, y + 5, row.address, {
            isMono: true,
            isStruck: isOff,
            colour: "dim",
          }),
        ]
      : []),
    textAt(x + width - 28, y + 5, noteOf(row), { isMono: !isOff, anchor: "end", colour: "dim" }),
  ];
}

// --- in words ------------------------------------------------------------------------------------------------------------

function describedFanOut({ port, frontends, nodes, sets }: FanOut): string {
  const lines = frontends.map(({ address, kind, who, set, unserved }) => {
    const list = sets.find(({ name }) => name === set);
    const answer = list === undefined ? unserved : `${list.title} (${list.count}), each 1 in ${list.count}`;
    return `${kind} ${address}, ${who}: ${answer}.`;
  });
  const where = nodes.map(
    ({ name, endpoints }) =>
      `${name}: ${endpoints.length === 1 ? endpoints[0]?.name : `${endpoints.length} endpoints`}.`,
  );
  return [`Port ${port}.`, ...lines, ...where].join(" ");
}
