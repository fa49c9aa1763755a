/** The branches of a walk as one graph: hosts in stages, and flows between them with their chances. */
import { chance, isCertain } from "../../trace/chance.ts";
import type { Story, StoryBranch, StoryHost, StoryStep, StoryStop, StoryWay } from "./story.ts";

export interface Fan {
  readonly boxes: readonly FanBox[];
  readonly flows: readonly FanFlow[];
  /** Where the answer of the branch that is told goes past boxes of its request. */
  readonly detours: readonly FanDetour[];
  /** Nodes that boxes are on, in the order of their names. */
  readonly lanes: readonly FanLane[];
}

export interface FanLane {
  readonly name: string;
  readonly title: string;
}

export interface FanBox {
  readonly id: string;
  readonly title: string;
  readonly kind: StoryHost["kind"];
  readonly address: string;
  /** From 0. */
  readonly stage: number;
  readonly lane: string | undefined;
  /** Of the branch that is told. */
  readonly steps: readonly StoryStep[];
}

export interface FanFlow {
  readonly from: string;
  readonly to: string;
  readonly probability: number;
  readonly chance: string;
  readonly isTold: boolean;
  /** It does not come further than to the box that it leads to. */
  readonly isLost: boolean;
  readonly reply: FlowReply;
  readonly seen: string | undefined;
  /** Of the branch that is told: what happens on the way. */
  readonly steps: readonly StoryStep[];
}

/** Whether the answer comes back there; `lost`: it does not come all its way. */
export type FlowReply = "answered" | "lost" | "none";

export interface FanDetour {
  readonly from: string;
  readonly to: string;
  readonly isLost: boolean;
  readonly steps: readonly StoryStep[];
}

/** More nodes or branches than these are shown by classes. */
const MOST_NODES = 4;
const MOST_BRANCHES = 12;

export function fanOf(story: Story): Fan {
  const { branches, hosts, request, reply } = story;
  const told = branches.find(({ isTold }) => isTold);
  const nodes = new Set(branches.flatMap(({ stops }) => stops.flatMap(({ host }) => laneOf(hosts.get(host)) ?? [])));
  const isFolded = nodes.size > MOST_NODES || branches.length > MOST_BRANCHES;
  const shown = new Set(told?.stops.map(({ host }) => host));
  const classes = new Classes(hosts, isFolded ? shown : undefined);
  const boxes = new Map<string, { readonly stop: StoryStop; readonly branch: StoryBranch; stage: number }>();
  const flows = new Map<string, FanFlow>();
  for (const branch of branches) {
    const ids = branch.stops.map((stop, i) => {
      const before = branch.stops.slice(0, i).filter(({ host }) => host === stop.host).length;
      return `${classes.of(stop.host, branch)} ${before}`;
    });
    for (const [i, stop] of branch.stops.entries()) {
      const id = ids[i] ?? "";
      const known = boxes.get(id);
      if (known === undefined) boxes.set(id, { stop, branch, stage: i });
      else known.stage = Math.max(known.stage, i);
      const from = ids[i - 1];
      if (from === undefined) continue;
      const isLast = i === branch.stops.length - 1;
      const isLost = isLast && branch.isLost;
      const key = `${from} > ${id} ${isLost}`;
      const flow = flows.get(key);
      flows.set(key, {
        from,
        to: id,
        probability: (flow?.probability ?? 0) + branch.probability,
        chance: "",
        isTold: branch.isTold || flow?.isTold === true,
        isLost,
        reply: isLost || branch.isReplyLost || flow?.reply === "none" ? "none" : "answered",
        seen: isLast ? (flow?.seen ?? branch.seen) : flow?.seen,
        steps: [],
      });
    }
  }
  // Of branches that go round each other one is drawn.
  if (!settleStages(boxes, flows) && branches.length > 1)
    return fanOf({ ...story, branches: branches.filter(({ isTold }) => isTold) });
  const { placed, legs } = told === undefined ? NOWHERE : placeSteps(told, request, reply);
  const toldIds = told?.stops.map((stop, i) => {
    const before = told.stops.slice(0, i).filter(({ host }) => host === stop.host).length;
    return `${classes.of(stop.host, told)} ${before}`;
  });
  const stepsAt = (id: string): StoryStep[] =>
    [...placed].flatMap(([step, { at, next }]) => (next === undefined && toldIds?.[at] === id ? [step] : []));
  const stepsBetween = (from: string, to: string): StoryStep[] =>
    [...placed].flatMap(([step, { at, next }]) =>
      next !== undefined && toldIds?.[at] === from && toldIds[next] === to ? [step] : [],
    );
  const isReplyLost = reply?.isLost === true;
  const replyOn = ({ from, to, isTold, reply: known }: FanFlow): FlowReply => {
    if (!isTold || toldIds === undefined) return known;
    if (!legs.some(([a, b]) => a === b + 1 && toldIds[a] === to && toldIds[b] === from)) return "none";
    return isReplyLost ? "lost" : "answered";
  };
  const list = [...boxes].map(([id, { stop, stage, branch }]): FanBox => {
    const host = hosts.get(stop.host);
    const lane = classes.lane(stop.host, branch);
    return { id, stage, lane, steps: stepsAt(id), ...classes.words(stop.host, branch, host) };
  });
  const lanes = [...new Set(list.flatMap(({ lane }) => lane ?? []))];
  return {
    boxes: list,
    flows: [...flows.values()].map((flow) => ({
      ...flow,
      chance: isCertain(flow.probability) ? "all" : chance(flow.probability),
      reply: replyOn(flow),
      steps: flow.isTold ? stepsBetween(flow.from, flow.to) : [],
    })),
    detours: legs.flatMap(([a, b]) => {
      const [from, to] = [toldIds?.[a], toldIds?.[b]];
      if (a === b + 1 || from === undefined || to === undefined) return [];
      return [{ from, to, isLost: isReplyLost, steps: stepsBetween(to, from) }];
    }),
    lanes: lanes
      .map((name) => ({ name, title: hosts.get(name)?.title ?? name }))
      .toSorted((a, b) => a.title.localeCompare(b.title, "en", { numeric: true })),
  };
}

/** Each box stands right of those that lead to it; false: flows go in circles. */
function settleStages(
  boxes: ReadonlyMap<string, { stage: number }>,
  flows: ReadonlyMap<string, Pick<FanFlow, "from" | "to">>,
): boolean {
  for (let round = 0; round <= boxes.size; round++) {
    let isSettled = true;
    for (const { from, to } of flows.values()) {
      const [a, b] = [boxes.get(from), boxes.get(to)];
      if (a === undefined || b === undefined || b.stage > a.stage) continue;
      b.stage = a.stage + 1;
      isSettled = false;
    }
    if (isSettled) return true;
  }
  return false;
}

function laneOf(host: StoryHost | undefined): string | undefined {
  return host?.kind === "node" ? host.name : host?.node;
}

/** Hosts that are shown as one. */
class Classes {
  private readonly hosts: ReadonlyMap<string, StoryHost>;
  private readonly shown: ReadonlySet<string> | undefined;
  private readonly members = new Map<string, Set<string>>();

  /** `shown`: hosts that stand for themselves; undefined: all. */
  constructor(hosts: ReadonlyMap<string, StoryHost>, shown: ReadonlySet<string> | undefined) {
    this.hosts = hosts;
    this.shown = shown;
  }

  of(name: string, branch: StoryBranch): string {
    const kind = this.hosts.get(name)?.kind;
    if (this.shown === undefined || this.shown.has(name) || (kind !== "node" && kind !== "pod")) return name;
    const id = `${kind}${branch.isLost ? " lost" : ""}`;
    const members = this.members.get(id) ?? new Set();
    members.add(name);
    this.members.set(id, members);
    return id;
  }

  lane(name: string, branch: StoryBranch): string | undefined {
    const id = this.of(name, branch);
    return id === name ? laneOf(this.hosts.get(name)) : "other nodes";
  }

  words(name: string, branch: StoryBranch, host: StoryHost | undefined): Pick<FanBox, "title" | "kind" | "address"> {
    const kind = host?.kind ?? "outside";
    const id = this.of(name, branch);
    if (id !== name) {
      const count = this.members.get(id)?.size ?? 0;
      return { title: kind === "node" ? `${count} nodes` : `${count} pods`, kind, address: "likewise" };
    }
    const title = host?.title ?? name;
    return { title: kind === "node" ? `rules of ${title}` : title, kind, address: host?.address ?? "" };
  }
}

/** At a stop, or between it and a later one. */
interface StepStop {
  readonly at: number;
  readonly next?: number;
}

interface PlacedSteps {
  readonly placed: ReadonlyMap<StoryStep, StepStop>;
  /** From which stop to which one the answer goes, in its order. */
  readonly legs: readonly (readonly [from: number, to: number])[];
}

const NOWHERE: PlacedSteps = { placed: new Map(), legs: [] };

function placeSteps({ stops }: StoryBranch, request: StoryWay, reply: StoryWay | undefined): PlacedSteps {
  const placed = new Map<StoryStep, StepStop>();
  for (const step of request.steps) {
    const index = step.hop === undefined ? request.hops.length - 1 : request.hops.indexOf(step.hop);
    const at = stops.findIndex(({ hops }) => step.hop === undefined || hops.includes(step.hop));
    if (at >= 0) placed.set(step, { at });
    else {
      const passed = new Set(request.hops.slice(0, index));
      const before = Math.max(
        0,
        stops.findLastIndex(({ hops }) => hops.some((hop) => passed.has(hop))),
      );
      placed.set(step, { at: before, next: before + 1 });
    }
  }
  if (reply === undefined) return { placed, legs: [] };
  const passed = replyStops(stops, reply);
  const legs: [number, number][] = [];
  let current = stops.length - 1;
  const stopOf = new Map<StoryWay["hops"][number], StepStop>();
  for (const [i, hop] of reply.hops.entries()) {
    const at = passed[i];
    if (at !== undefined) {
      if (at !== current) legs.push([current, at]);
      current = at;
      stopOf.set(hop, { at });
      continue;
    }
    const to = passed.slice(i).find((each) => each !== undefined && each !== current) ?? Math.max(0, current - 1);
    stopOf.set(hop, to === current ? { at: current } : { at: to, next: current });
    // It gets no further than in between.
    if (i === reply.hops.length - 1 && to !== current) legs.push([current, to]);
  }
  for (const step of reply.steps)
    placed.set(step, (step.hop === undefined ? undefined : stopOf.get(step.hop)) ?? { at: current });
  return { placed, legs };
}

/** For each hop of the answer the stop of the request that it is at; undefined: it is between two. Stops are passed from last to first; some may
 *  be passed by. */
function replyStops(stops: readonly StoryStop[], { hops }: StoryWay): (number | undefined)[] {
  let current = stops.length - 1;
  return hops.map(({ host }, i) => {
    const next = stops[current - 1]?.host;
    const later = hops.slice(i).map((hop) => hop.host);
    if (next === host) current--;
    else if (host !== stops[current]?.host && (next === undefined || !later.includes(next)))
      current = lastBefore(stops, current, host) ?? current;
    return host === stops[current]?.host ? current : undefined;
  });
}

function lastBefore(stops: readonly StoryStop[], end: number, name: string): number | undefined {
  const at = stops.slice(0, end).findLastIndex(({ host }) => host === name);
  return at < 0 ? undefined : at;
}
