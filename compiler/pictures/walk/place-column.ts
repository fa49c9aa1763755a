/** How wide the column of a node is, and where in it pods, wires and texts stand. */
import { lineWidth, spanWidth } from "../widths.ts";
import type { PlanColumn } from "./columns.ts";
import {
  ALONG_STEP,
  isAlong,
  PAD,
  type PlacedColumn,
  type PlacedEnd,
  type PlacedStep,
  type PlacedTag,
  POD_GAP,
  POD_WIDTH,
  replyStep,
} from "./placed.ts";
import { addressSpans, BESIDE } from "./shapes.ts";
import type { StoryHost, StoryOther } from "./story.ts";

/** On nodes without a bridge. */
export const ZONE_LABEL = "rules and routes";
/** Between the two wires of a host that is passed. */
const LEAST_BETWEEN = 160;

export function tagWidth({ source, destination }: Omit<PlacedTag, "x">): number {
  const label = { text: "src ", isMono: true };
  return Math.max(
    ...[source, destination].map((value) => lineWidth([label, ...addressSpans(value, { isBold: true })], 13)),
  );
}

function noteWidth({ head, facts, anchor }: PlacedStep): number {
  const size = anchor.kind === "zone" ? 14 : 13;
  return Math.max(
    0,
    ...head.map((text) => spanWidth({ text, isBold: true }, size)),
    ...facts.map((text) => spanWidth({ text, isMono: true }, 13)),
  );
}

export function placeColumn(
  plan: PlanColumn,
  x: number,
  least: number,
  steps: readonly PlacedStep[],
  tags: readonly Omit<PlacedTag, "x">[],
  straight: string | undefined,
  isPassed: boolean,
): PlacedColumn {
  const { host, ends: planned, others, more: moreCount } = plan;
  const here = steps.filter(
    ({ anchor }) => (anchor.kind === "zone" || anchor.kind === "bar") && anchor.column === plan,
  );
  const zoneWidth = Math.max(0, ...here.filter(({ anchor }) => anchor.kind === "zone").map(noteWidth));
  const barWidthAt = (name: string | undefined): number =>
    Math.max(
      0,
      ...here.filter(({ anchor }) => anchor.kind === "bar" && !anchor.isAlong && anchor.wire === name).map(noteWidth),
    );
  const tagsWidthAt = (name: string): number =>
    tags.filter(({ end }) => end === name).reduce((sum, tag) => sum + tagWidth(tag) + 28, 0);
  const alongWidth = Math.max(
    ...(["request", "reply"] as const).map((direction) =>
      here
        .filter(({ step, anchor }) => isAlong(anchor) && step.direction === direction)
        .reduce((sum, step) => sum + noteWidth(step) + 40, 0),
    ),
  );
  const ends: PlacedEnd[] = [];
  let at = x + PAD;
  let right = at;
  const all: readonly (StoryHost | StoryOther)[] = [...planned, ...others];
  for (const [i, each] of all.entries()) {
    const end = "host" in each ? each.host : each;
    const notes = steps.filter(({ anchor }) => anchor.kind === "end" && anchor.end === end.name);
    const width = Math.max(
      POD_WIDTH,
      spanWidth({ text: end.title, isBold: true }, 16) + 32,
      spanWidth({ text: end.address, isMono: true }, 13) + 32,
      ...notes.map((note) => noteWidth(note) + 40 + BESIDE + 16),
    );
    const wire = at + 40;
    ends.push({
      host: end,
      x: at,
      width,
      wire,
      isOther: "host" in each,
      note: "host" in each ? each.note : undefined,
    });
    right = at + width;
    const isBetween = i < planned.length - 1;
    const beside = Math.max(
      tagsWidthAt(end.name),
      barWidthAt(end.name) + 56,
      isBetween ? Math.max(zoneWidth + 48, alongWidth + 2 * (ALONG_STEP + replyStep(steps, plan))) : 0,
    );
    at += Math.max(width + POD_GAP, i < planned.length ? beside + BESIDE + (isBetween ? 24 : 0) : 0);
    if (i < planned.length) {
      const wide = Math.max(tagsWidthAt(end.name), barWidthAt(end.name));
      right = Math.max(right, wire + BESIDE + wide);
    }
  }
  const more = moreCount === 0 || host.kind !== "node" ? undefined : { x: at, width: POD_WIDTH };
  if (more !== undefined) right = at + POD_WIDTH + 8;
  const own = ends.filter(({ isOther }) => !isOther);
  const uplink = (own.find(({ host: end }) => end.name === straight) ?? own[0])?.wire ?? x + PAD + 40;
  const lastBar = Math.max(uplink, ...ends.filter(({ host: end }) => barWidthAt(end.name) > 0).map(({ wire }) => wire));
  // Beside lines along the bar its name stands above the notes.
  const hasAlong = here.some(({ anchor }) => isAlong(anchor));
  const label = host.bridge === undefined ? 0 : lineWidth(bridgeSpans(host), 13);
  const lastBarWidth = Math.max(barWidthAt(undefined), ...ends.map(({ host: end }) => barWidthAt(end.name)));
  const zoneLabel = host.bridge === undefined && !plan.isOpen ? spanWidth({ text: ZONE_LABEL }, 13) + 24 : 0;
  const zoneWires = here.flatMap((each) => {
    if (each.anchor.kind !== "zone") return [];
    const { wire } = each.anchor;
    return [(ends.find(({ host: end }) => end.name === wire)?.wire ?? uplink) + noteWidth(each)];
  });
  const lastZone = Math.max(uplink, ...zoneWires) + BESIDE;
  const rightUplink = isPassed ? uplink + BESIDE + Math.max(zoneWidth, LEAST_BETWEEN) + 40 : uplink;
  const width = Math.max(
    least,
    isPassed ? rightUplink + 40 + PAD - x : 0,
    right + PAD - x,
    lastZone + PAD + zoneLabel - x,
    lastBar + BESIDE + (hasAlong ? Math.max(lastBarWidth, label) : lastBarWidth + 40 + label) + PAD - x,
    spanWidth({ text: host.title, isBold: true }, 16) + 2 * PAD + 160,
    uplink + BESIDE + spanWidth({ text: host.uplink ?? "", isMono: true }, 13) + PAD - x,
  );
  return { plan, x, width, ends, more, uplink, rightUplink };
}

export function bridgeSpans({ bridge }: StoryHost): { text: string; isMono: true; isBold?: true; colour?: "dim" }[] {
  if (bridge === undefined) return [];
  return [
    { text: bridge.name, isMono: true, isBold: true },
    { text: ` ${bridge.address}  bridge`, isMono: true, colour: "dim" },
  ];
}
