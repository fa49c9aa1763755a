/** A packet among the rules of one host. */
import { isSameTuple, tupleBehindNat, turnedRound } from "../evaluate/connection.ts";
import type { Evaluator } from "../evaluate/evaluate.ts";
import type { Environment, Packet, PathStep, Route, RouteQuery } from "../evaluate/packet.ts";
import type { Passage } from "../evaluate/passage.ts";
import {
  ALWAYS,
  both,
  type Condition,
  isPossible,
  renamed,
  TooManyConditions,
  withConditionLimit,
} from "../evaluate/unknown/condition.ts";
import type { Hook } from "../ir/types.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import {
  chosen,
  connectionAbout,
  connectionAt,
  type Journey,
  keep,
  record,
  visitsOf,
  type WalkEvent,
} from "./journey.ts";
import { representatives } from "./representatives.ts";
import type { LostAtHook } from "./types.ts";

/** A packet on a host. `passage` undefined: the host has no rules. */
export interface OnHost {
  readonly host: Host;
  readonly journey: Journey;
  readonly passage: Passage | undefined;
}

/** What became of a packet at a hook: it goes on, or that was its end. */
export type AtHook = { readonly on: OnHost; readonly ended?: undefined } | { readonly ended: WalkEvent };

/** The rules of all hosts. */
export class RulesOfHosts {
  private readonly evaluatorOf: (host: Host) => Evaluator | undefined;
  private readonly environments = new Map<string, Environment>();

  /** `evaluatorOf`: what the rules of a host do; undefined: it has none. */
  constructor(evaluatorOf: (host: Host) => Evaluator | undefined) {
    this.evaluatorOf = evaluatorOf;
  }

  /** The packet in front of the host's hooks. */
  start(host: Host, journey: Journey, inInterface: string | undefined): OnHost {
    const evaluator = this.evaluatorOf(host);
    if (evaluator === undefined) return { host, journey, passage: undefined };
    const packet = { protocol: journey.protocol, ...journey.tuple, inInterface, mark: 0 };
    // In a tunnel, an error is a packet like others.
    if (journey.about !== undefined && journey.carried.length === 0)
      return this.startError(host, journey, packet, evaluator);
    const connection = connectionAt(journey, host.name);
    const belongs: Pick<Packet, "connection" | "ctState"> =
      connection !== undefined ? { connection } : canBegin(journey) ? {} : { ctState: "invalid" };
    return { host, journey, passage: evaluator.start({ ...packet, ...belongs }, this.environmentOf(host)) };
  }

  /** An ICMP error belongs to the connection of the packet that it is about, or to none. The host translates the packet inside of it, too. */
  private startError(host: Host, journey: Journey, packet: Packet, evaluator: Evaluator): OnHost {
    const environment = this.environmentOf(host);
    const found = connectionAbout(journey, host.name);
    if (found === undefined || journey.about === undefined)
      return { host, journey, passage: evaluator.start({ ...packet, ctState: "invalid" }, environment) };
    const { entry, direction } = found;
    const inside = turnedRound(tupleBehindNat(entry, direction));
    const passage = evaluator.start(
      { ...packet, connection: entry, ctState: direction === "original" ? "related" : "related-reply" },
      environment,
    );
    return { host, journey: { ...journey, about: { ...journey.about, tuple: inside } }, passage };
  }

  /** All that can become of the packet at `hook`. */
  enter(hook: Hook, on: OnHost): AtHook[] {
    const { host, passage: before } = on;
    const evaluator = before && this.evaluatorOf(host);
    if (evaluator === undefined || before === undefined) return [{ on }];
    const passages = passagesAt(evaluator, hook, before, on);
    if (passages === undefined)
      return [
        {
          ended: {
            kind: "end",
            end: { kind: "undecided", host: host.name, hook, by: undefined },
            journey: on.journey,
          },
        },
      ];
    return representatives(passages, before, on.journey).map(({ passage, condition, chosen: choice }): AtHook => {
      const { tuple } = on.journey;
      const path = passage.path.slice(before.path.length);
      const after = passage.end === undefined ? passage.tuple : tuple;
      const moved: Journey = {
        ...chosen(on.journey, passage.probability / before.probability),
        condition,
        ...(choice && { chosen: choice, alike: undefined }),
      };
      const told = path.length === 0 ? moved : record(moved, { kind: "rules", hook, path });
      const by = path.some(translates) ? "rules" : "connection";
      const choices = passage.choices.filter((choice) => !before.choices.includes(choice));
      const journey = isSameTuple(tuple, after)
        ? told
        : { ...record(told, { kind: "translated", by, from: tuple, to: after, choices }), tuple: after };
      const { end } = passage;
      const [taken] = passage.takenBy.slice(before.takenBy.length);
      if (taken !== undefined)
        return { ended: { kind: "end", end: { kind: "undecided", host: host.name, hook, by: taken }, journey } };
      if (end === undefined) return { on: { host, journey, passage } };
      const last = path.at(-1);
      if (end.kind === "reject")
        return {
          ended: {
            kind: "end",
            end: { kind: "rejected", host: host.name, hook, by: last, with: end.with },
            journey: confirmed({ host, journey, passage }),
          },
        };
      const lacksSource = last !== undefined && translates(last) && hook === "postrouting";
      return {
        ended: {
          kind: "end",
          end: lacksSource
            ? { kind: "no-source", host: host.name, interface: outInterfaceOf(passage.route) }
            : { kind: "dropped", host: host.name, hook, by: last },
          journey,
        },
      };
    });
  }

  /** Where rules of `host` drop a packet for certain that connection tracking does not look at; undefined: it may pass all `stations`. */
  lossOf(host: Host, packet: Packet, stations: readonly HookStation[]): LostAtHook | undefined {
    const evaluator = this.evaluatorOf(host);
    let passages = evaluator === undefined ? [] : [evaluator.start(packet, this.environmentOf(host))];
    if (evaluator === undefined) return undefined;
    for (const { hook, outInterface } of stations) {
      const route: Route =
        outInterface === undefined
          ? { kind: "local", masqueradeSource: undefined }
          : { kind: "forward", interface: outInterface, masqueradeSource: undefined };
      const isRouted = hook !== "prerouting";
      const before = isRouted ? passages.map((each) => each.routed(route)) : passages;
      const after = before.flatMap((each) => evaluator.enter(hook, each));
      passages = after.filter(({ end }) => end === undefined).slice(0, MOST_UNTRACKED);
      const [lost] = after;
      if (passages.length === 0 && lost !== undefined) return { host: host.name, hook, by: lost.path.at(-1) };
    }
    return undefined;
  }

  private environmentOf(host: Host): Environment {
    const known = this.environments.get(host.name);
    if (known !== undefined) return known;
    const addressOf = (name: string, family: Family): Address | undefined =>
      host.interfaces
        .find((each) => each.name === name)
        ?.addresses.map(({ address }) => address)
        .find((address) => familyOf(address) === family);
    const addresses = host.interfaces.flatMap((each) => each.addresses.map(({ address }) => address));
    const made: Environment = { localAddresses: new Set(addresses), remembered: new Map(), addressOf };
    this.environments.set(host.name, made);
    return made;
  }
}

/** A hook that a packet comes to, and by which interface it is to leave there. */
export interface HookStation {
  readonly hook: Hook;
  readonly outInterface?: string;
}

/** Things that can become of a packet that is not tracked, and are followed. */
const MOST_UNTRACKED = 16;

/** Whether the packet can be the first one of a connection that a host has not seen before: an answer of TCP, ICMP or SCTP cannot, and is
 *  invalid there (tcp_new, nf_conntrack_icmp). */
function canBegin({ isAnswer, protocol }: Journey): boolean {
  return !isAnswer || !ANSWERS_BY_KIND.has(protocol);
}

const ANSWERS_BY_KIND: ReadonlySet<number> = new Set([1, 6, 58, 132]);

/** Steps of operations on conditions, at one hook. */
const MOST_STEPS = 2_000_000;

/** Things that can become of a packet at one hook, where matches are not understood. */
const MOST_PASSAGES = 4096;

/** A passage, and what has to hold for the packet's whole way to it. */
interface Possible {
  readonly passage: Passage;
  readonly condition: Condition;
}

/** Undefined: it depends on too many matches that are not understood. */
function passagesAt(evaluator: Evaluator, hook: Hook, before: Passage, on: OnHost): readonly Possible[] | undefined {
  const enter = (): readonly Possible[] =>
    evaluator
      .enter(hook, before)
      .map((passage) => ({ passage, condition: conditionOn(on, passage) }))
      .filter(({ condition }) => isPossible(condition));
  try {
    const passages = withConditionLimit(MOST_STEPS, enter, () => undefined);
    const isKnown = passages.every(({ condition }) => condition === ALWAYS);
    return isKnown || passages.length <= MOST_PASSAGES ? passages : undefined;
  } catch (error) {
    if (error instanceof TooManyConditions) return undefined;
    throw error;
  }
}

/** The same match is another question on another host, for the answer, and for a packet that comes to the host again. */
function conditionOn({ host, journey }: OnHost, { condition }: Passage): Condition {
  if (condition === ALWAYS) return journey.condition;
  const times = visitsOf(journey, host.name);
  const again = times === 1 ? "" : `, visit ${times}`;
  const which = journey.about !== undefined ? ", for the ICMP error" : journey.isAnswer ? ", for the answer" : "";
  const where = `on ${host.name}${which}${again}`;
  return both(
    journey.condition,
    renamed(condition, (text) => `${text} ${where}`),
  );
}

/** The packet behind a routing decision. */
export function withRoute(on: OnHost, route: Route): OnHost {
  return on.passage === undefined ? on : { ...on, passage: on.passage.routed(route) };
}

/** Whether the host looks for a route again behind output. */
export function isRoutedAgain({ passage }: OnHost): RouteQuery | undefined {
  return passage?.query("output");
}

/** The host keeps the packet's connection: its first packet got through, or the host is to tell the sender what became of it. */
export function confirmed({ host, journey, passage }: OnHost): Journey {
  const entry = passage?.connection;
  return entry === undefined ? journey : keep(journey, host.name, entry);
}

function translates(step: PathStep): boolean {
  return step.kind === "rule" && (step.effect.kind === "destination" || step.effect.kind === "source");
}

function outInterfaceOf(route: Route | undefined): string {
  return route?.kind === "forward" ? route.interface : "lo";
}
