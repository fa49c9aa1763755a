/** A step of a walk in a few words, and what they rest on. */
import { unreachable } from "../../invariant.ts";
import { printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import { shortEndText } from "../../trace/walk/end-text.ts";
import { changesDestination, type WalkRow, type WalkTranslation } from "../../trace/walk/rows.ts";
import { type TellingContext, tupleText } from "../../trace/walk/walk-names.ts";
import type { Hop, Leg, WalkEnd, WalkStep } from "../../walk/types.ts";
import type { StoryAddresses } from "./addresses.ts";
import type { StoryHost, StorySpot } from "./story.ts";

/** What the words of a step are made with. */
export interface StepContext {
  readonly telling: TellingContext;
  readonly addresses: StoryAddresses;
  readonly hosts: ReadonlyMap<string, StoryHost>;
  readonly leg: Leg;
  /** The host that has sent the request. */
  readonly sender: string;
  readonly isReply: boolean;
}

export interface StepWords {
  readonly spot: StorySpot;
  readonly head: string;
  readonly facts: readonly string[];
  /** What stands on a pod instead of them, where that is shorter. */
  readonly atPod?: string;
}

/** `rows`: a row with a number, and those without behind it. At least one. */
export function stepWords(rows: readonly WalkRow[], context: StepContext): StepWords {
  const [first] = rows.toSorted((a, b) => weight(a) - weight(b));
  if (first === undefined) return { spot: "host", head: "", facts: [] };
  return wordsOf(first, rows, context);
}

/** What a step is about: the least of its rows. */
function weight({ subject }: WalkRow): number {
  if (subject.kind !== "step") return subject.kind === "end" ? 0 : 4;
  switch (subject.step.kind) {
    case "translated":
    case "proxied":
    case "encapsulated":
    case "decapsulated":
    case "fragmented":
      return 1;
    case "bridged":
      return 2;
    case "routed":
      return 3;
    case "neighbour":
    case "source":
    case "rules":
      return 5;
    default:
      return unreachable(subject.step);
  }
}

function wordsOf(row: WalkRow, rows: readonly WalkRow[], context: StepContext): StepWords {
  const { subject, hop } = row;
  switch (subject.kind) {
    case "end":
      return { spot: "end", ...endWords(subject.end, context) };
    case "port": {
      const { throughRules, port } = subject.step;
      const head = throughRules ? "rules see it here" : port === undefined ? "up to the node" : "past the rules";
      return { spot: "port-in", head, facts: [] };
    }
    case "carried":
      return { spot: "host", head: "", facts: hop === undefined ? [] : [tupleOf(hop, context)] };
    case "sent":
      return { spot: "host", head: `leaves by ${row.interface}`, facts: [] };
    case "passed": {
      const [, ...later] = subject.hops;
      const through = later.map(({ host }) => titleOf(host, context)).join(", ");
      return { spot: "host", head: "passes unchanged", facts: through === "" ? [] : [`then ${through}`] };
    }
    case "handed-over":
      return { spot: "host", head: "the proxy passes it on", facts: [] };
    case "step":
      return stepHead(subject.step, row, rows, context);
    default:
      return unreachable(subject);
  }
}

function stepHead(step: WalkStep, row: WalkRow, rows: readonly WalkRow[], context: StepContext): StepWords {
  const { hop } = row;
  const route = rows.map(({ subject }) => subject.kind === "step" && subject.step).find(isRouted);
  switch (step.kind) {
    case "translated": {
      const facts = changes(step, context);
      if (row.undoes !== undefined) return { spot: "host", head: `conntrack undoes ${row.undoes}`, facts };
      if (step.by === "connection") return { spot: "host", head: "conntrack", facts };
      const routes = route === undefined ? [] : [routeFact(route)];
      return { spot: "host", head: translationHead(step, row, context), facts: [...facts, ...routes] };
    }
    case "routed": {
      const to = hop && nextHost(hop, context);
      const head = to === undefined ? "routed" : `routed to ${titleOf(to, context)}`;
      return {
        spot: "host",
        head,
        facts: [routeFact(step)],
        ...(step.hop.gateway === undefined ? {} : { atPod: routeWords(step) }),
      };
    }
    case "bridged": {
      const to = hop && nextHost(hop, context);
      const isBack = step.inPort !== undefined && step.inPort === step.port;
      const head = isBack
        ? "sent back by its own port"
        : `bridged${to === undefined ? "" : ` to ${titleOf(to, context)}`}`;
      return { spot: "port-out", head, facts: [] };
    }
    case "encapsulated":
    case "decapsulated": {
      const word = tunnelWord(step);
      const head = step.kind === "encapsulated" ? `goes into ${word}` : `comes out of ${word}`;
      return { spot: "host", head, facts: [tupleText(step.outer, context.telling)] };
    }
    case "fragmented":
      return { spot: "host", head: "cut into fragments", facts: [`${step.bytes} bytes, MTU ${step.mtu}`] };
    case "proxied":
      return {
        spot: "host",
        head: `the proxy connects to ${titleOf(step.target, context)}`,
        facts: [tupleText(step.made, context.telling)],
      };
    case "rules":
      return { spot: "host", head: "rules match", facts: [] };
    case "neighbour":
    case "source":
      return { spot: "host", head: row.text, facts: [] };
    default:
      return unreachable(step);
  }
}

export function tunnelWord({
  outer,
}: Extract<WalkStep, { readonly kind: "encapsulated" | "decapsulated" }>): "IPIP" | "VXLAN" {
  return outer.destinationPort === 0 ? "IPIP" : "VXLAN";
}

function translationHead(step: WalkTranslation, { verb }: WalkRow, context: StepContext): string {
  const { to } = step;
  if (changesDestination(step)) {
    const name = hostWith(to.destination, context);
    return name === undefined ? "DNAT" : `DNAT to ${titleOf(name, context)}`;
  }
  const name = hostWith(to.source, context);
  return `${verb === "masquerade" ? verb : "SNAT"}${name === undefined ? "" : ` as ${titleOf(name, context)}`}`;
}

function changes({ from, to }: WalkTranslation, { addresses }: StepContext): string[] {
  const pairs = [
    ["dst", addresses.destination(from), addresses.destination(to)],
    ["src", addresses.source(from), addresses.source(to)],
  ] as const;
  return pairs.flatMap(([word, a, b]) => (a.text === b.text ? [] : [`${word} ${a.text} → ${b.text}`]));
}

type RoutedStep = Extract<WalkStep, { readonly kind: "routed" }>;

function isRouted(step: WalkStep | false): step is RoutedStep {
  return step !== false && step.kind === "routed";
}

function routeFact(step: RoutedStep): string {
  return `${routeWords(step)} dev ${step.hop.interface}`;
}

function routeWords({ route, hop }: RoutedStep): string {
  const prefix = route.prefix.length === 0 ? "default" : printPrefix(route.prefix);
  return hop.gateway === undefined ? prefix : `${prefix} via ${printAddress(hop.gateway)}`;
}

function endWords(end: WalkEnd, context: StepContext): Omit<StepWords, "spot"> {
  const { isReply, sender, telling } = context;
  switch (end.kind) {
    case "delivered": {
      if (isReply) return { head: "from the address it asked", facts: [] };
      const { source, sourcePort, destinationPort } = end.tuple;
      const isClient = telling.hosts
        .get(sender)
        ?.interfaces.some(({ addresses }) => addresses.some(({ address }) => address === source));
      const seen = isClient === true ? titleOf(sender, context) : context.addresses.print(source, sourcePort).text;
      const port = destinationPort === 0 ? "" : `port ${destinationPort}, `;
      return { head: `${port}sees ${seen}`, facts: [] };
    }
    case "stranger":
      return { head: "not who it asked", facts: [] };
    case "dropped":
    case "rejected":
      return { head: `${end.kind} in ${end.hook}`, facts: [] };
    default:
      // Others have no words but those of the trace.
      return { head: shortEndText(end, telling), facts: [] };
  }
}

function tupleOf({ before, after, steps }: Hop, { addresses }: StepContext): string {
  const tuple = steps.length === 0 ? before : after;
  return `${addresses.source(tuple).text} → ${addresses.destination(tuple).text}`;
}

/** The next host behind `hop` that is no switch. */
function nextHost(hop: Hop, { leg, hosts }: StepContext): string | undefined {
  const at = leg.hops.indexOf(hop);
  return leg.hops.slice(at + 1).find(({ host }) => host !== hop.host && hosts.get(host)?.kind !== "switch")?.host;
}

/** The host that has an address for others to reach it by. */
export function hostWith(
  address: Hop["before"]["source"],
  { telling }: Pick<StepContext, "telling">,
): string | undefined {
  for (const { name, interfaces } of telling.hosts.values())
    if (interfaces.some(({ addresses }) => addresses.some((each) => each.address === address && each.scope !== "host")))
      return name;
  return undefined;
}

/** What a host is called in the picture. */
export function titleOf(name: string, { hosts }: Pick<StepContext, "hosts">): string {
  return hosts.get(name)?.title ?? name.split("/").at(-1) ?? name;
}
