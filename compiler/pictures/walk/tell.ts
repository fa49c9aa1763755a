/** From a walk to what its picture says. Steps are those of the text, with the same numbers. */

import type { Diagnostic } from "../../diagnostics.ts";
import { familyOf } from "../../net/address.ts";
import { chance, isCertain } from "../../trace/chance.ts";
import { placeAt, printPlaceView } from "../../trace/view.ts";
import type { WalkRow } from "../../trace/walk/rows.ts";
import { hostsOf } from "../../trace/walk/rows.ts";
import { toldBranch } from "../../trace/walk/told.ts";
import type { TellingContext } from "../../trace/walk/walk-names.ts";
import type { Hop, Leg, Walk, WalkBranch, WalkStep } from "../../walk/types.ts";
import { StoryAddresses } from "./addresses.ts";
import { hostWith, type StepContext, stepWords, titleOf, tunnelWord } from "./step-words.ts";
import type {
  Story,
  StoryAddress,
  StoryBranch,
  StoryFinding,
  StoryHost,
  StoryLine,
  StoryOther,
  StoryStep,
  StoryStop,
  StoryVerdict,
  StoryWay,
  WayDirection,
} from "./story.ts";
import { storyHosts } from "./story-hosts.ts";

export interface TellOptions {
  /** What was asked for, as it was written. */
  readonly asked: string;
  /** Of the walk, in the order in which they are to be read. */
  readonly findings: readonly Diagnostic[];
  /** The branch to tell, from 1, in the walk's order. Undefined: one that is lost, else the likeliest that passes most nodes. */
  readonly branch?: number | undefined;
}

/** `context.protocol` is the flow's. Undefined: the walk has no such branch. */
export function tellWalk(
  walk: Walk,
  context: TellingContext,
  { asked, findings, branch: number }: TellOptions,
): Story | undefined {
  const { branches } = walk;
  const branch = number === undefined ? likeliestToTell(walk, context) : branches[number - 1];
  if (branch === undefined) return undefined;
  const { there, back } = branch;
  const all = branches.flatMap((each) => (each.back === undefined ? [each.there] : [each.there, each.back]));
  const names = all.flatMap(hostsOf);
  const family = familyOf(walk.flow.destination);
  const homes = names.flatMap((name) => homeOf(name, context) ?? []);
  const hosts = storyHosts([...names, ...homes], context.hosts, family);
  const told = toldBranch(branch, context);
  const addresses = new StoryAddresses(context, all);
  const wayOf = (leg: Leg, direction: WayDirection, rows: readonly WalkRow[]): StoryWay => {
    const isReply = direction === "reply";
    const own = { telling: context, addresses, hosts, leg, sender: walk.flow.from, isReply };
    const isLost = leg.end.kind !== "delivered" || leg.end.answer !== undefined;
    return { direction, hops: leg.hops, end: leg.end, isLost, steps: stepsOf(rows, own, isLost) };
  };
  const request = wayOf(there, "request", told.request);
  const reply = back && wayOf(back, "reply", told.reply);
  const storyBranches = branches.map((each) => branchOf(each, each === branch, hosts, addresses));
  return {
    title: titleOfStory(request, reply, walk, { hosts, telling: context }),
    asked,
    verdicts: verdictsOf(request, reply, storyBranches, hosts),
    chance: isCertain(branch.probability) ? undefined : chance(branch.probability),
    request,
    reply,
    hosts,
    tunnel: tunnelIn([there, ...(back === undefined ? [] : [back])]),
    others: othersOf(walk, branch, hosts),
    podCounts: podCounts(context),
    findings: findings.map(findingOf),
    branches: storyBranches,
    foot: footOf(walk, branch, hosts),
  };
}

function tunnelIn(legs: readonly Leg[]): string | undefined {
  for (const step of legs.flatMap(({ hops }) => hops.flatMap(({ steps }) => steps)))
    if (step.kind === "encapsulated") return tunnelWord(step);
  return undefined;
}

function homeOf(name: string, { hosts }: TellingContext): string | undefined {
  const role = hosts.get(name)?.role;
  return role?.kind === "pod" ? `node/${role.node}` : undefined;
}

function isFaulty({ there, back }: WalkBranch): boolean {
  const isDelivered = there.end.kind === "delivered" && there.end.answer === undefined;
  return !isDelivered || (back !== undefined && back.end.kind !== "delivered");
}

function likeliestToTell({ branches }: Walk, { hosts }: TellingContext): WalkBranch | undefined {
  const nodes = ({ there }: WalkBranch): number =>
    there.hops.filter(({ host }) => hosts.get(host)?.role.kind === "node").length;
  const isBetter = (a: WalkBranch, b: WalkBranch): boolean => {
    if (isFaulty(a) !== isFaulty(b)) return isFaulty(a);
    const more = a.probability - b.probability;
    return Math.abs(more) > 1e-9 ? more > 0 : nodes(a) > nodes(b);
  };
  return branches.reduce<WalkBranch | undefined>(
    (best, each) => (best === undefined || isBetter(each, best) ? each : best),
    undefined,
  );
}

// --- steps -----------------------------------------------------------------------------------------------------------------

function stepsOf(rows: readonly WalkRow[], context: StepContext, isLost: boolean): StoryStep[] {
  const groups: WalkRow[][] = [];
  for (const row of rows) {
    if (row.number !== undefined || groups.length === 0) groups.push([row]);
    else groups.at(-1)?.push(row);
  }
  const { addresses, leg, isReply } = context;
  const sent = leg.hops[0]?.before;
  let source = sent && addresses.source(sent);
  let destination = sent && addresses.destination(sent);
  return groups.map((group, i): StoryStep => {
    const [first] = group;
    const tuple = group.flatMap(({ subject }) => {
      if (subject.kind !== "step") return [];
      if (subject.step.kind === "translated") return [subject.step.to];
      return subject.step.kind === "proxied" ? [subject.step.made] : [];
    });
    const last = tuple.at(-1) ?? (first?.subject.kind === "handed-over" ? first.hop?.before : undefined);
    const before = i === 0 ? [undefined, undefined] : [source, destination];
    if (last !== undefined) [source, destination] = [addresses.source(last), addresses.destination(last)];
    const isLastStep = i === groups.length - 1;
    const hop = first?.hop;
    const where = [hop === undefined ? (first?.host ?? "") : titleOf(hop.host, context), first?.interface ?? ""];
    return {
      number: first?.number ?? 0,
      last: first?.number ?? 0,
      direction: isReply ? "reply" : "request",
      hop,
      ...stepWords(group, context),
      where: where.filter((part) => part !== "").join(" "),
      lines: group.map(lineOf),
      source: changed(before[0], source),
      destination: changed(before[1], destination),
      isChange: group.some(isChange),
      isLost: isLost && isLastStep,
    };
  });
}

function isChange({ subject }: WalkRow): boolean {
  return subject.kind === "handed-over" || (subject.kind === "step" && CHANGES.has(subject.step.kind));
}

const CHANGES: ReadonlySet<WalkStep["kind"]> = new Set([
  "translated",
  "proxied",
  "encapsulated",
  "decapsulated",
  "fragmented",
]);

function changed(before: StoryAddress | undefined, after: StoryAddress | undefined): StoryAddress | undefined {
  return before?.text === after?.text ? undefined : after;
}

function lineOf({ text, place, isInferred = false }: WalkRow): StoryLine {
  return { text, place, isInferred };
}

// --- words -----------------------------------------------------------------------------------------------------------------

function titleOfStory(
  request: StoryWay,
  reply: StoryWay | undefined,
  { flow }: Walk,
  context: Pick<StepContext, "hosts" | "telling">,
): string {
  const sender = titleOf(flow.from, context);
  const service = context.telling.names.serviceAt(flow.destination, flow.destinationPort, flow.protocol);
  const { end } = request;
  const receiver = titleOf(end.host, context);
  if (request.isLost) {
    const asked = hostWith(flow.destination, context);
    const host = asked === undefined ? undefined : titleOf(asked, context);
    const what = service ?? host ?? context.telling.names.print(flow.destination, flow.destinationPort);
    return `${sender} does not reach ${what}: ${endPhrase(request, context)}`;
  }
  const proxy = request.hops.find(({ steps }) => steps.some(({ kind }) => kind === "proxied"))?.host;
  const at = proxy === undefined ? (service ?? receiver) : receiver;
  if (reply?.isLost === true) return `The reply of ${receiver} does not reach ${sender}`;
  if (proxy !== undefined) return `${sender} reaches ${at} through ${titleOf(proxy, context)}`;
  if (flow.from === end.host) return `${sender} reaches itself${service === undefined ? "" : ` through ${service}`}`;
  const place = placePhrase(flow.from, end.host, context.hosts);
  return `${sender} reaches ${at}${place}`;
}

/** Where the receiver is, seen from the sender. */
function placePhrase(from: string, to: string, hosts: ReadonlyMap<string, StoryHost>): string {
  const nodeOf = (name: string): string | undefined => {
    const host = hosts.get(name);
    return host?.kind === "node" ? name : host?.node;
  };
  const [a, b] = [nodeOf(from), nodeOf(to)];
  if (hosts.get(to)?.kind === "node") return "";
  if (a === undefined || b === undefined) return b === undefined ? "" : ` on ${hosts.get(b)?.title ?? b}`;
  return a === b ? " on the same node" : " on the other node";
}

function endPhrase({ end, steps }: StoryWay, context: Pick<StepContext, "hosts">): string {
  const host = titleOf(end.host, context);
  switch (end.kind) {
    case "dropped":
    case "rejected":
      return `${end.kind} on ${host}`;
    case "delivered":
      return `${host} answers itself`;
    default:
      // Others are told by their last step.
      return steps.at(-1)?.head ?? `lost on ${host}`;
  }
}

function verdictsOf(
  request: StoryWay,
  reply: StoryWay | undefined,
  branches: readonly StoryBranch[],
  hosts: ReadonlyMap<string, StoryHost>,
): StoryVerdict[] {
  const count = branches.length;
  const lost = branches.filter(({ isLost }) => isLost).length;
  const there =
    count === 1
      ? oneVerdict(request, "delivered to", hosts)
      : { text: `${count - lost} of ${count} branches delivered`, isLost: lost > 0 };
  if (reply === undefined) return [there];
  const answered = branches.filter(({ isLost, isReplyLost }) => !isLost && !isReplyLost).length;
  const back =
    count === 1
      ? oneVerdict(reply, "reply delivered", hosts)
      : { text: `${answered} of ${count - lost} replies delivered`, isLost: answered < count - lost };
  return [there, back];
}

function oneVerdict(
  { end, isLost, direction }: StoryWay,
  words: string,
  hosts: ReadonlyMap<string, StoryHost>,
): StoryVerdict {
  const at = titleOf(end.host, { hosts });
  const isReply = direction === "reply";
  if (!isLost) return { text: isReply ? words : `${words} ${at}`, isLost };
  const how = end.kind === "dropped" || end.kind === "rejected" ? end.kind : "lost";
  if (end.kind === "delivered") return { text: `answered by ${at} itself`, isLost };
  return { text: `${isReply ? "reply " : ""}${how} at ${at}`, isLost };
}

function branchOf(
  branch: WalkBranch,
  isTold: boolean,
  hosts: ReadonlyMap<string, StoryHost>,
  addresses: StoryAddresses,
): StoryBranch {
  const { probability, there, back } = branch;
  const { end } = there;
  const isLost = end.kind !== "delivered" || end.answer !== undefined;
  return {
    probability,
    chance: isCertain(probability) ? "all" : chance(probability),
    isTold,
    isLost,
    isReplyLost: back !== undefined && back.end.kind !== "delivered",
    stops: stopsOf(there, hosts),
    seen: end.kind === "delivered" ? addresses.source(end.tuple).text : undefined,
  };
}

/** Nodes that only pass a packet on are left out, and switches. */
function stopsOf({ hops, end }: Leg, hosts: ReadonlyMap<string, StoryHost>): StoryStop[] {
  const stops: { readonly host: string; readonly hops: Hop[] }[] = [];
  for (const [i, hop] of hops.entries()) {
    const kind = hosts.get(hop.host)?.kind;
    const isEnd = i === 0 || i === hops.length - 1;
    const isDeciding = isEnd || hop.steps.some((step) => step.kind === "translated");
    if ((kind === "node" && !isDeciding) || (kind === "switch" && !isEnd)) continue;
    const last = stops.at(-1);
    if (last !== undefined && last.host === hop.host && hops[i - 1]?.host === hop.host) last.hops.push(hop);
    else stops.push({ host: hop.host, hops: [hop] });
  }
  return stops.length === 0 ? [{ host: end.host, hops: [] }] : stops;
}

function othersOf({ branches }: Walk, told: WalkBranch, hosts: ReadonlyMap<string, StoryHost>): StoryOther[] {
  const passed = new Set([told.there, told.back].flatMap((leg) => (leg === undefined ? [] : hostsOf(leg))));
  const found = new Map<string, number>();
  for (const { there, probability } of branches)
    if (!passed.has(there.end.host)) found.set(there.end.host, (found.get(there.end.host) ?? 0) + probability);
  return [...found].flatMap(([name, probability]) => {
    const host = hosts.get(name);
    return host?.kind === "pod" ? [{ host, note: `other endpoint, ${chance(probability)}` }] : [];
  });
}

function podCounts({ hosts }: TellingContext): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { role } of hosts.values())
    if (role.kind === "pod") counts.set(`node/${role.node}`, (counts.get(`node/${role.node}`) ?? 0) + 1);
  return counts;
}

function footOf({ branches }: Walk, told: WalkBranch, hosts: ReadonlyMap<string, StoryHost>): string | undefined {
  if (branches.length < 2) return undefined;
  const others = branches.flatMap((each, i) =>
    each === told
      ? []
      : [`${titleOf(each.there.end.host, { hosts })} (${chance(each.probability)}): --branch ${i + 1}`],
  );
  const more = others.length > MOST_OTHERS ? `, and ${others.length - MOST_OTHERS} more` : "";
  return `Other branches: ${others.slice(0, MOST_OTHERS).join(", ")}${more}`;
}

const MOST_OTHERS = 4;

function findingOf({ code, severity, message, fix, origin }: Diagnostic): StoryFinding {
  return {
    code,
    isFault: severity === "error" || severity === "warning",
    message,
    fix: fix?.command,
    fixHost: fix?.host,
    place: origin && printPlaceView(placeAt(origin)),
  };
}
