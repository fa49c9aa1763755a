/** Which hosts stand where in the drawing of a walk: a column for each node, with the pods of the walk above it. */
import type { Story, StoryHost, StoryOther, StoryStep, StoryWay } from "./story.ts";

/** A node with its pods, or a router with the hosts outside that it leads to. */
export interface PlanColumn {
  readonly host: StoryHost;
  /** Of the walk, in its order. */
  readonly ends: readonly StoryHost[];
  /** Endpoints that the packet could have gone to. */
  readonly others: readonly StoryOther[];
  /** How many more pods the node has. */
  readonly more: number;
  /** What it leads to stands above its frame. */
  readonly isOpen: boolean;
}

/** A host of a column on one way: how the packet comes to it and leaves it. */
export interface Visit {
  readonly column: PlanColumn;
  /** More than one where it comes out of a tunnel, or goes into one. */
  readonly hops: StoryWay["hops"];
  readonly from: VisitSide;
  readonly to: VisitSide;
  /** Its column has two wires to the other nodes, since a packet passes through. */
  readonly hasTwoWires: boolean;
}

/** By the wire of a pod, by the wire to the other nodes, or not at all. `side`: where on the switch the other column is, 1 is right. */
export type VisitSide =
  | { readonly kind: "end"; readonly host: string }
  | { readonly kind: "uplink"; readonly side: ColumnSide }
  | { readonly kind: "none" };

export type ColumnSide = 1 | -1;

/** Columns that stand in one row. */
export const ROW_COLUMNS = 3;

/** In every other row the request goes from right to left, so that it leaves a row where it comes into the next one. */
export function isRightward(row: number): boolean {
  return row % 2 === 0;
}

/** On which side of the column with the index `here` the way to `there` begins. */
function sideTowards(here: number, there: number): ColumnSide {
  const [a, b] = [here, there].map((index) => Math.floor(index / ROW_COLUMNS));
  const row = a ?? 0;
  // Rows are joined where the request leaves the upper one.
  if (a !== b) return isRightward((b ?? 0) > row ? row : row - 1) ? 1 : -1;
  return there > here === isRightward(row) ? 1 : -1;
}

/** It comes from other nodes, and goes on to others. */
export function isPassing({ from, to }: Pick<Visit, "from" | "to">): boolean {
  return from.kind === "uplink" && to.kind === "uplink";
}

/** The columns of a walk from inside the cluster; undefined: it passes a host twice in one direction, goes back from one, or comes from
 *  outside, and lines would have to cross. */
export function planColumns(story: Story): PlanColumn[] | undefined {
  const { request, reply, hosts, others } = story;
  const ways = reply === undefined ? [request] : [request, reply];
  const first = hosts.get(request.hops[0]?.host ?? request.end.host);
  if (first === undefined || (first.kind !== "pod" && first.kind !== "node")) return undefined;
  if (!ways.every((way) => isSimple(way, hosts))) return undefined;
  const columns: { host: StoryHost; ends: StoryHost[] }[] = [];
  const columnOf = (host: StoryHost): (typeof columns)[number] => {
    const known = columns.find((column) => column.host === host);
    if (known !== undefined) return known;
    const made = { host, ends: [] };
    columns.push(made);
    return made;
  };
  for (const { hops, end } of ways)
    for (const name of [...hops.map(({ host }) => host), end.host]) {
      const host = hosts.get(name);
      if (host === undefined || host.kind === "switch") continue;
      const home = homeOf(host, hosts, columns);
      const column = columnOf(home ?? host);
      if (home !== undefined && !column.ends.includes(host)) column.ends.push(host);
    }
  const plans = columns.map(({ host, ends }): PlanColumn => {
    const here = others.filter((other) => other.host.node === host.name);
    const shown = here.slice(0, MOST_OTHERS);
    const pods = story.podCounts.get(host.name) ?? 0;
    const more = host.kind === "node" ? Math.max(0, pods - ends.length - shown.length) : 0;
    return { host, ends, others: shown, more, isOpen: host.kind !== "node" };
  });
  const isTurnedBack = ({ from, to }: Visit): boolean =>
    from.kind === "uplink" && to.kind === "uplink" && from.side === to.side;
  return [...visitsIn(story, plans).values()].flat().some(isTurnedBack) ? undefined : plans;
}

const MOST_OTHERS = 2;

function homeOf(
  host: StoryHost,
  hosts: ReadonlyMap<string, StoryHost>,
  columns: readonly { readonly host: StoryHost }[],
): StoryHost | undefined {
  if (host.kind === "pod") return hosts.get(host.node ?? "");
  if (host.kind === "outside") return columns.findLast((column) => column.host.kind === "gateway")?.host;
  return undefined;
}

/** It passes no host twice but switches, and pods and hosts outside only at its ends. */
function isSimple({ hops, end }: StoryWay, hosts: ReadonlyMap<string, StoryHost>): boolean {
  if (end.kind === "loop") return false;
  const names = hops
    .map(({ host }) => host)
    .filter((name, i, all) => name !== all[i - 1])
    .filter((name) => hosts.get(name)?.kind !== "switch");
  const isPassed = (name: string): boolean => hosts.get(name)?.kind === "pod" || hosts.get(name)?.kind === "outside";
  return new Set(names).size === names.length && !names.slice(1, -1).some(isPassed);
}

/** What each way does in each column, in its order. */
export function visitsIn(story: Story, columns: readonly PlanColumn[]): ReadonlyMap<StoryWay, readonly Visit[]> {
  const { request, reply } = story;
  const ways = reply === undefined ? [request] : [request, reply];
  const all = ways.map((way) => [way, visitsOf(way, columns, story)] as const);
  const passed = new Set(all.flatMap(([, visits]) => visits.filter(isPassing).map(({ column }) => column)));
  return new Map(
    all.map(([way, visits]) => [
      way,
      visits.map((visit): Visit => ({ ...visit, hasTwoWires: passed.has(visit.column) })),
    ]),
  );
}

function visitsOf({ hops }: StoryWay, columns: readonly PlanColumn[], story: Story): Omit<Visit, "hasTwoWires">[] {
  const isSwitch = (name: string): boolean => story.hosts.get(name)?.kind === "switch";
  return hops.flatMap((hop, i): Omit<Visit, "hasTwoWires">[] => {
    const column = columns.find(({ host }) => host.name === hop.host);
    if (column === undefined || hops[i - 1]?.host === hop.host) return [];
    const after = hops.slice(i).findIndex(({ host }) => host !== hop.host);
    const own = hops.slice(i, after < 0 ? undefined : i + after);
    const sideOf = (around: readonly { readonly host: string }[]): VisitSide => {
      const next = around.find(({ host }) => !isSwitch(host));
      if (next === undefined) return around.length === 0 ? { kind: "none" } : { kind: "uplink", side: 1 };
      if (column.ends.some(({ name }) => name === next.host)) return { kind: "end", host: next.host };
      const there = columns.findIndex((each) => [each.host, ...each.ends].some(({ name }) => name === next.host));
      return { kind: "uplink", side: there < 0 ? 1 : sideTowards(columns.indexOf(column), there) };
    };
    const to = sideOf(hops.slice(i + own.length));
    return [{ column, hops: own, from: sideOf(hops.slice(0, i).toReversed()), to }];
  });
}

/** It goes from a pod over the bridge alone, to another pod of the node or to where the bridge drops it. */
export function isOnBridge({ from, to, hops, column }: Visit, way: StoryWay): boolean {
  if (column.host.bridge === undefined || from.kind !== "end" || to.kind === "uplink") return false;
  if (to.kind === "none" && way.end.kind !== "bridge-drops") return false;
  return !hops.some(({ steps }) => steps.some((step) => step.kind === "routed" || step.kind === "rules"));
}

/** The packet leaves in another one. */
export function isWrapping({ steps }: StoryWay["hops"][number]): boolean {
  return steps.some(({ kind }) => kind === "encapsulated");
}

/** Where a number stands. `wire`: the end whose wire it is, or undefined for the wire to the other nodes. */
export type StepAnchor =
  | { readonly kind: "end"; readonly end: string }
  | { readonly kind: "zone"; readonly column: PlanColumn; readonly wire: string | undefined }
  /** `isAlong`: the line goes along the bridge there, not through it. */
  | { readonly kind: "bar"; readonly column: PlanColumn; readonly wire: string | undefined; readonly isAlong: boolean }
  /** Between a router and a host outside. */
  | { readonly kind: "outer"; readonly end: string }
  /** On the switch, beside the wire of a column. */
  | {
      readonly kind: "lan";
      readonly column: PlanColumn | undefined;
      readonly side: ColumnSide;
      /** The other column is in another row. */
      readonly isToOtherRow: boolean;
      readonly isTunnelled: boolean;
    };

export function anchorOf(
  step: StoryStep,
  way: StoryWay,
  visits: readonly Visit[],
  columns: readonly PlanColumn[],
  story: Story,
): StepAnchor {
  const name = step.hop?.host ?? way.end.host;
  const host = story.hosts.get(name);
  if (host?.kind === "switch") {
    const at = step.hop === undefined ? -1 : way.hops.indexOf(step.hop);
    const around = [way.hops[at - 1], way.hops[at + 1]].map((hop) => hop?.host);
    const outer = columns
      .flatMap(({ ends }) => ends)
      .find((end) => end.kind === "outside" && around.includes(end.name));
    if (outer !== undefined) return { kind: "outer", end: outer.name };
    const indexOf = (hop: StoryWay["hops"][number] | undefined): number =>
      columns.findIndex((each) => each.host.name === hop?.host);
    const [before, after] = [at < 1 ? undefined : way.hops[at - 1], way.hops[at + 1]];
    const [from, to] = [indexOf(before), indexOf(after)];
    const isBetween = from >= 0 && to >= 0;
    const sender = way.hops.slice(0, Math.max(0, at)).findLastIndex(({ host: other }) => other !== before?.host);
    return {
      kind: "lan",
      column: columns[from < 0 ? to : from],
      side: isBetween ? sideTowards(from, to) : 1,
      isToOtherRow: isBetween && Math.floor(from / ROW_COLUMNS) !== Math.floor(to / ROW_COLUMNS),
      isTunnelled: way.hops.slice(sender + 1, Math.max(0, at)).some(isWrapping),
    };
  }
  const visit = visits.find((each) => isIn(step, each));
  const column = columns.find((each) => each.host.name === name);
  if (visit === undefined || column === undefined)
    return column === undefined ? { kind: "end", end: name } : { kind: "zone", column, wire: undefined };
  const onBridge = isOnBridge(visit, way);
  const hasBar = column.host.bridge !== undefined;
  if (hasBar && (onBridge || step.spot === "port-in" || step.spot === "port-out")) {
    const side = step.spot === "port-in" || visit.to.kind !== "end" ? visit.from : visit.to;
    return { kind: "bar", column, wire: side.kind === "end" ? side.host : undefined, isAlong: onBridge };
  }
  // Where the packet turns, what happens stands at the first wire.
  const wires = [visit.from, visit.to].flatMap((side) => (side.kind === "end" ? [side.host] : []));
  const wire = column.ends.find((end) => wires.includes(end.name))?.name;
  return { kind: "zone", column, wire };
}

/** The step is told of the visit. */
export function isIn({ hop }: StoryStep, { hops }: Visit): boolean {
  return hop !== undefined && hops.includes(hop);
}
