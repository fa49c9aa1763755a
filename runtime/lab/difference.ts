/** What a host counts while a flow is made that did not go as predicted. */
import type { Tuple } from "../../compiler/evaluate/connection.ts";
import type { PathStep } from "../../compiler/evaluate/packet.ts";
import type { TracedTuple } from "../../compiler/trace/live/arm.ts";
import { compareWay, type LiveRow } from "../../compiler/trace/live/compare.ts";
import { numberRules } from "../../compiler/trace/live/host-rules.ts";
import type { Hop, Leg, Walk, WalkFlow } from "../../compiler/walk/types.ts";
import { traceRules } from "./rule-trace.ts";
import type { LabFlow } from "./run.ts";
import type { LabAttempt, LabSession } from "./session.ts";

/** A place where prediction and lab part. */
export interface LabDifference {
  readonly host: string;
  /** Counters of lost packets and the like that rose while the flow was made once more, by how much. */
  readonly counters: ReadonlyMap<string, number>;
  /** Undefined: the difference is at no host with rules. */
  readonly rules: RuleDifference | undefined;
}

/** Rules of a host that were to decide, beside those that did when the flow was made once more. */
export interface RuleDifference {
  readonly host: string;
  /** `unseen`: no packet came to the rules. `unlisted`: nft lists other rules than were loaded, which cannot be told apart. */
  readonly kind: "seen" | "unseen" | "unlisted";
  readonly rows: readonly LiveRow[];
}

/** Where a walk and what was seen of it part. */
export interface PlaceOfDifference {
  readonly host: string;
  readonly leg: Leg;
  /** What was predicted to happen last before, or there. */
  readonly hop: Hop;
}

const COUNTERS = "cat /proc/net/snmp /proc/net/netstat; cat /proc/net/snmp6 2> /dev/null || true";

/** Counters that tell of trouble. */
const TELLING =
  /Err|Discard|NoRoute|Drop|Fail|Filter|Rst|Unreach|Reject|Abort|NoPorts|Truncated|NoECT|TooBig|TimeExcds|Martian/;

/** Milliseconds: what came in time the first time does so again. */
const PATIENCE_MS = 1000;

/** Looks at the host of the first difference; undefined: there is none. Makes the flow once more. */
export async function lookInto(
  session: LabSession,
  { flow, request, attempts }: LabFlow,
): Promise<LabDifference | undefined> {
  const attempt = attempts.find(({ comparison }) => comparison?.isEqual !== true);
  if (attempt === undefined) return undefined;
  const place = placeOfDifference(attempt);
  const host = place?.host ?? flow.from;
  const port = session.freePort();
  const make = (): Promise<unknown> => session.attempt(flow, { sourcePort: port, patience: PATIENCE_MS, request });
  const before = readCounters(await session.lab.run(host, COUNTERS));
  const rules = place === undefined ? undefined : await rulesAt(session, { attempt, place, port, make });
  if (rules === undefined) await make();
  const after = readCounters(await session.lab.run(host, COUNTERS));
  const risen = [...after].flatMap(([name, value]): [string, number][] => {
    const by = value - (before.get(name) ?? 0);
    return by > 0 && TELLING.test(name) && !/Errors?NoError/.test(name) ? [[name, by]] : [];
  });
  return { host, counters: new Map(risen), rules };
}

/** Undefined: what differs is what the client has got in the end, or nothing was predicted. */
export function placeOfDifference({ comparison }: LabAttempt): PlaceOfDifference | undefined {
  const row = comparison?.rows.find(({ isEqual }) => !isEqual);
  if (comparison === undefined || row === undefined) return undefined;
  const before = comparison.rows
    .slice(0, comparison.rows.indexOf(row))
    .findLast(({ leg, predicted }) => leg === row.leg && predicted !== undefined);
  const hop = row.predicted?.hop ?? before?.predicted?.hop;
  const leg = row.leg === "request" ? comparison.branch.there : comparison.branch.back;
  const host = row.predicted?.host ?? row.observed?.host ?? hop?.host;
  return hop === undefined || leg === undefined || host === undefined ? undefined : { host, leg, hop };
}

/** A flow that is made once more. */
interface SecondAttempt {
  readonly attempt: LabAttempt;
  readonly place: PlaceOfDifference;
  readonly port: number;
  readonly make: () => Promise<unknown>;
}

/** Calls `make`, which makes the flow with the client's port `port`; undefined: the host has no rules. */
async function rulesAt(
  { lab, description }: LabSession,
  { attempt: { walk }, place: { leg, hop }, port, make }: SecondAttempt,
): Promise<RuleDifference | undefined> {
  const host = description.network.hosts.get(hop.host);
  const program = host && description.programOf(host);
  if (program === undefined) return undefined;
  const { handleOf } = numberRules(program, await lab.run(hop.host, "nft -a list ruleset"));
  const events = await traceRules(lab, hop.host, tracedTuple(walk.flow, leg, hop, port), make);
  const paths = pathsAt(walk, hop);
  const at = { host: hop.host };
  if (paths.flat().some((step) => step.kind !== "policy" && handleOf(step.rule) === undefined))
    return { ...at, kind: "unlisted", rows: [] };
  const [rows = []] = paths
    .map((path) => compareWay(path, events, handleOf))
    .sort((a, b) => differencesIn(a) - differencesIn(b));
  return { ...at, kind: events.length > 0 ? "seen" : "unseen", rows };
}

/** What rules do with the packet of `hop`, which comes first; where they choose by chance, they may choose otherwise the next time. */
function pathsAt({ branches }: Walk, hop: Hop): PathStep[][] {
  const hops = branches.flatMap(({ there, back }) => [...there.hops, ...(back?.hops ?? [])]);
  const others = hops.filter(({ host, before }) => host === hop.host && isSameTuple(before, hop.before));
  return [hop, ...others].map(({ steps }) => steps.flatMap((step) => (step.kind === "rules" ? step.path : [])));
}

function isSameTuple(a: Tuple, b: Tuple): boolean {
  return (
    a.source === b.source &&
    a.sourcePort === b.sourcePort &&
    a.destination === b.destination &&
    a.destinationPort === b.destinationPort
  );
}

function differencesIn(rows: readonly LiveRow[]): number {
  return rows.filter(({ predicted, observed }) => predicted === undefined || observed === undefined).length;
}

/** The packet as it comes to the host when the flow is made with the client's port `port`. */
function tracedTuple({ protocol, sourcePort: predicted }: WalkFlow, leg: Leg, hop: Hop, port: number): TracedTuple {
  const { source, sourcePort, destination, destinationPort } = hop.before;
  const earlier = leg.hops.slice(0, leg.hops.indexOf(hop)).flatMap(({ steps }) => steps);
  // Whoever translates a source may choose a port; so does a proxy.
  const isChosen = earlier.some(
    (step) => step.kind === "proxied" || (step.kind === "translated" && step.from.source !== step.to.source),
  );
  const hasPorts = destinationPort !== 0;
  const portOf = (each: number): number | undefined =>
    !hasPorts || (each === predicted && isChosen) ? undefined : each === predicted ? port : each;
  return {
    protocol,
    source,
    sourcePort: portOf(sourcePort),
    destination,
    destinationPort: portOf(destinationPort),
  };
}

/** Of /proc/net/snmp and netstat, where a line of names is before one of values, and of snmp6: `Ip InNoRoutes`, by value. */
export function readCounters(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const [group = "", ...words] = line.split(/\s+/);
    const [next = "", ...values] = (lines[i + 1] ?? "").split(/\s+/);
    if (group.endsWith(":") && next === group && /^-?\d/.test(values[0] ?? "") && !/^-?\d/.test(words[0] ?? "")) {
      for (const [k, word] of words.entries()) found.set(`${group.slice(0, -1)} ${word}`, Number(values[k]));
    } else if (/^(?:Ip6|Icmp6|Udp6)\w+$/.test(group)) {
      const [, family = "", name = ""] = /^(Ip6|Icmp6|Udp6)(\w+)$/.exec(group) ?? [];
      found.set(`${family} ${name}`, Number(words[0]));
    }
  }
  return found;
}
