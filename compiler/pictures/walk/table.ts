/** The table of a walk: what happens at each step, and tracks on which the source and the destination stand where they change. */
import type { SceneShape } from "../scene.ts";
import { shortened, spanWidth, wrapped } from "../widths.ts";
import type { PicturePart } from "./heading.ts";
import { addressSpans, boxAt, DIRECTION_COLOUR, EDGE, lineOf, numberAt, spansAt, stepGroup, textAt } from "./shapes.ts";
import type { Story, StoryAddress, StoryStep, StoryWay, WayDirection } from "./story.ts";

/** Longest place, in characters: the end names the line. */
const MOST_PLACE = 32;
/** Wider values share one column. */
const WIDEST_TRACK = 210;

interface Columns {
  readonly number: number;
  readonly where: number;
  readonly what: number;
  readonly whatWidth: number;
  readonly whereWidth: number;
  readonly source: number;
  readonly destination: number;
  readonly place: number;
  /** The source stands above the destination in one column. */
  readonly isStacked: boolean;
}

/** A value on a track. */
interface Stop {
  readonly y: number;
  readonly value: StoryAddress;
  readonly isFirst: boolean;
  readonly isLost: boolean;
}

export function layTable(story: Story, top: number, width: number): PicturePart {
  const ways = [story.request, ...(story.reply === undefined ? [] : [story.reply])];
  const columns = columnsOf(ways, width);
  const shapes: SceneShape[] = [
    textAt(columns.where, top + 20, "where", { colour: "dim" }),
    textAt(columns.what, top + 20, whatTitle(columns), { colour: "dim" }),
    textAt(columns.source, top + 20, columns.isStacked ? "source and destination" : "source", { colour: "dim" }),
    ...(columns.isStacked ? [] : [textAt(columns.destination, top + 20, "destination", { colour: "dim" })]),
    textAt(columns.place, top + 20, "written in", { colour: "dim" }),
  ];
  let y = top + 32;
  for (const way of ways) {
    const part = layWay(way, sectionOf(way, story), columns, y, width);
    shapes.push(...part.shapes);
    y = part.bottom;
  }
  return { shapes, bottom: y };
}

function whatTitle({ whatWidth }: Columns): string {
  const long = "what happens, and the rule or fact that decides it";
  return spanWidth({ text: long }, 13) <= whatWidth ? long : "what happens, and why";
}

function sectionOf({ direction, end }: StoryWay, { chance, hosts }: Story): string {
  if (direction === "reply") return "Reply";
  const at = hosts.get(end.host)?.title ?? end.host;
  return chance === undefined ? "Request" : `Request, the branch to ${at} (${chance})`;
}

function columnsOf(ways: readonly StoryWay[], width: number): Columns {
  const steps = ways.flatMap((way) => way.steps);
  const values = steps.flatMap(({ source, destination }) => [source, destination].flatMap((value) => value ?? []));
  const track = Math.max(170, ...values.map((value) => spanWidth({ text: `◆${value.text}`, isMono: true }, 13) + 36));
  const places = steps.flatMap(({ lines }) => lines.flatMap(({ place }) => (place === undefined ? [] : [place])));
  const room = Math.max(150, ...places.map((place) => spanWidth({ text: placeText(place), isMono: true }, 13)));
  const isStacked = track > WIDEST_TRACK;
  const place = width - EDGE - room;
  const destination = place - track - (isStacked ? 24 : 0);
  const source = isStacked ? destination : destination - track;
  const where = EDGE + 44;
  const whereWidth = Math.min(200, Math.max(90, ...steps.map((step) => spanWidth({ text: step.where }, 14))));
  const what = where + whereWidth + 24;
  return {
    number: EDGE,
    where,
    whereWidth,
    what,
    whatWidth: source - what - 24,
    source,
    destination,
    place,
    isStacked,
  };
}

function layWay(
  { direction, steps }: StoryWay,
  section: string,
  columns: Columns,
  top: number,
  width: number,
): PicturePart {
  const colour = DIRECTION_COLOUR[direction];
  const shapes: SceneShape[] = [
    lineOf(
      [
        [EDGE, top + 8],
        [width - EDGE, top + 8],
      ],
      "line",
      1,
    ),
    textAt(EDGE, top + 29, section, { size: 14, isBold: true, colour }),
  ];
  let y = top + 38;
  const tracks: Record<"source" | "destination", Stop[]> = { source: [], destination: [] };
  for (const step of steps) {
    const row = layStep(step, columns, y, width);
    shapes.push(row.group);
    for (const track of ["source", "destination"] as const) {
      const value = step[track];
      if (value === undefined) continue;
      const below = columns.isStacked && track === "destination" && step.source !== undefined ? 18 : 0;
      tracks[track].push({ y: y + 19 + below, value, isFirst: tracks[track].length === 0, isLost: step.isLost });
    }
    y = row.bottom;
  }
  for (const track of ["source", "destination"] as const)
    shapes.push(...layTrack(tracks[track], track, direction, columns, y));
  return { shapes, bottom: y };
}

function layStep(
  step: StoryStep,
  columns: Columns,
  y: number,
  width: number,
): { readonly group: SceneShape; readonly bottom: number } {
  const { isLost, head, lines, spot } = step;
  const ink = isLost ? "markInk" : "ink";
  const soft = isLost ? "markInk" : "dim";
  const shapes: SceneShape[] = [];
  const where = wrapped(step.where, columns.whereWidth, 14);
  // The text says the whole of an end, which is told last; of others it is what the head rests on.
  const told = spot === "end" ? lines.at(-1) : head === "" ? lines[0] : undefined;
  const heads = wrapped(told?.text ?? head, columns.whatWidth, 14);
  const facts = lines.filter((line) => line !== told);
  let at = y + 23;
  for (const line of heads) {
    shapes.push(textAt(columns.what, at, line, { size: 14, colour: ink }));
    at += 19;
  }
  const place = (text: string, isInferred: boolean, row: number): void => {
    const style = { isMono: true, isItalic: isInferred, colour: isInferred && !isLost ? "dim" : ink } as const;
    shapes.push(textAt(columns.place, row, placeText(text), style));
  };
  if (told?.place !== undefined) place(told.place, told.isInferred, y + 23);
  for (const { text, place: written, isInferred } of facts) {
    if (written !== undefined) place(written, isInferred, at);
    for (const line of wrapped(text, columns.whatWidth, 13, { isMono: true })) {
      shapes.push(textAt(columns.what, at, line, { isMono: true, colour: soft }));
      at += 18;
    }
  }
  const isTall = columns.isStacked && step.source !== undefined && step.destination !== undefined;
  const bottom = Math.max(at - 18 + 17, y + (isTall ? 56 : 36), y + 17 + where.length * 19);
  const ground = isLost
    ? [boxAt(EDGE - 12, y + 1, width - 2 * EDGE + 24, bottom - y - 2, { radius: 4, fill: "mark" })]
    : [];
  const mark: SceneShape = isLost
    ? { kind: "cross", x: columns.number + 11, y: y + 19, radius: 10 }
    : numberAt(columns.number + 11, y + 19, step);
  const group = stepGroup(step, [
    lineOf(
      [
        [EDGE, y],
        [width - EDGE, y],
      ],
      "hair",
      1,
    ),
    ...ground,
    mark,
    ...where.map((line, i) => textAt(columns.where, y + 23 + i * 19, line, { size: 14, colour: ink })),
    ...shapes,
  ]);
  return { group, bottom };
}

/** `examples/…/pods.yaml:20:1`: folders make room for the file and the line. */
function placeText(place: string): string {
  const parts = place.split("/");
  const [first = "", file = ""] = [parts[0], parts.at(-1)];
  // Rules that kpc has made up have a description for a name.
  if (place.length <= MOST_PLACE || parts.length === 1 || place.includes(" ")) return shortened(place, MOST_PLACE);
  const whole = `${first}/…/${file}`;
  return whole.length <= MOST_PLACE ? whole : shortened(`…/${file}`, MOST_PLACE);
}

function layTrack(
  stops: readonly Stop[],
  track: "source" | "destination",
  direction: WayDirection,
  columns: Columns,
  bottom: number,
): SceneShape[] {
  const colour = DIRECTION_COLOUR[direction];
  const x = columns[track] + 6 + (columns.isStacked && track === "destination" ? 14 : 0);
  const textX = columns.isStacked ? columns.source + 36 : x + 14;
  return stops.flatMap(({ y, value, isFirst, isLost }, i): SceneShape[] => {
    const end = (stops[i + 1]?.y ?? bottom + 8) - 16;
    return [
      ...(end > y + 6
        ? [
            lineOf(
              [
                [x, y],
                [x, end],
              ],
              colour,
              1.5,
            ),
          ]
        : []),
      boxAt(x - 5, y - 5, 10, 10, { radius: 5, fill: isLost ? "markInk" : colour }),
      spansAt(textX, y + 4.5, addressSpans(value, { isBold: !isFirst, colour: isLost ? "markInk" : "ink" })),
    ];
  });
}
