/** Leads the first packet of a connection through a network, and its answer back. */
import { isSameTuple, turnedRound } from "../evaluate/connection.ts";
import type { Evaluator } from "../evaluate/evaluate.ts";
import { ALWAYS } from "../evaluate/unknown/condition.ts";
import { unreachable } from "../invariant.ts";
import type { Host, Network } from "../network/network.ts";
import { takeFrame } from "./bridge.ts";
import { Discovery } from "./discovery.ts";
import { noticeOf } from "./icmp-error.ts";
import { ownSource, receive, send } from "./ip.ts";
import { arrive, type EndedJourney, finished, hopsOf, type Journey, type WalkEvent, wasHere } from "./journey.ts";
import { RulesOfHosts } from "./on-host.ts";
import { passToProxy } from "./proxy.ts";
import { Segments } from "./segments.ts";
import { decapsulate, transmit } from "./transmit.ts";
import type { AlikeDestinations, EndsOnly, Leg, NoticeLeg, Walk, WalkBranch, WalkEnd, WalkFlow } from "./types.ts";

/** Walks through one network. Keep one for many flows: it has searched the links, and the rules by name. */
export class PacketWalker {
  private readonly segments: Segments;
  private readonly rules: RulesOfHosts;
  private readonly discovery: Discovery;

  /** `evaluatorOf`: what the rules of a host do; undefined: it has none. Asked only of hosts that packets come to. */
  constructor(network: Network, evaluatorOf: (host: Host) => Evaluator | undefined) {
    this.segments = new Segments(network);
    this.rules = new RulesOfHosts(evaluatorOf);
    this.discovery = new Discovery(this.rules, this.segments);
  }

  /** All that can become of the first packet of `flow` and, unless `isOneWay`, of the answer. `ends`: the ends alone are asked for, not
   *  the messages about packets that were lost. `alike`: destinations that stand for each other; there are no branches of those for which
   *  another one stands. */
  walk(flow: WalkFlow, isOneWay = false, ends?: EndsOnly, alike: AlikeDestinations | undefined = ends?.alike): Walk {
    const host = this.segments.host(flow.from);
    const source = flow.source ?? ownSource(host, flow.destination);
    if (source === undefined) {
      const end: WalkEnd = { kind: "no-route", host: host.name, destination: flow.destination };
      return { flow, branches: [{ probability: 1, condition: ALWAYS, there: { hops: [], end }, back: undefined }] };
    }
    const { sourcePort, destination, destinationPort, protocol } = flow;
    const start: Journey = {
      probability: 1,
      condition: ALWAYS,
      protocol,
      tuple: { source, sourcePort, destination, destinationPort },
      ttl: TTL,
      bytes: flow.bytes ?? 0,
      trail: undefined,
      isAnswer: false,
      connections: new Map(),
      carried: [],
      proxied: [],
      proxies: flow.proxies,
      sent: { host: flow.from, tuple: { source, sourcePort, destination, destinationPort } },
      alike,
      chosen: undefined,
    };
    const noticesOf = (ended: EndedJourney): ReturnType<PacketWalker["notices"]> =>
      ends === undefined ? this.notices(ended) : [chanceOf(ended.journey)];
    const branches = this.lead({ kind: "send", host: flow.from, journey: start }).flatMap((ended): WalkBranch[] => {
      const { end, journey } = ended;
      const there: Leg = { hops: hopsOf(journey), end };
      const chosen = journey.chosen && { chosen: journey.chosen };
      if (isOneWay) return [{ ...chanceOf(journey), there, back: undefined, ...chosen }];
      if (end.kind !== "delivered")
        return noticesOf(ended).map((each) => ({ ...each, there, back: undefined, ...chosen }));
      const answers = ended.back === undefined ? this.answer(end.host, journey, flow.from, start) : [ended.back];
      return answers.flatMap((answer) => {
        const back: Leg = { hops: hopsOf(answer.journey), end: answer.end };
        return noticesOf(answer).map((each) => ({ ...each, there, back, ...chosen }));
      });
    });
    return { flow, branches };
  }

  /** The answer of `host` to the packet that was delivered to it, on its way to `client`, which has sent `asked`. */
  private answer(host: string, journey: Journey, client: string, { tuple: asked }: Journey): EndedJourney[] {
    const answer = answerOf(host, journey);
    return this.lead({ kind: "send", host, journey: answer }).flatMap((ended) => this.judge(ended, client, asked));
  }

  /** Whether an answer is one to what its receiver has asked. */
  private judge({ end, journey }: EndedJourney, client: string, asked: Journey["tuple"]): EndedJourney[] {
    if (end.kind !== "delivered") return [{ end, journey }];
    const proxied = journey.proxied.at(-1);
    const expected = turnedRound(proxied?.made ?? asked);
    if (end.host !== (proxied?.host ?? client) || !isSameTuple(end.tuple, expected))
      return [{ journey, end: { kind: "stranger", host: end.host, expected, got: end.tuple } }];
    if (proxied === undefined) return [{ end, journey }];
    const next: Journey = {
      ...finished(journey),
      tuple: turnedRound(proxied.taken),
      ttl: TTL,
      proxied: journey.proxied.slice(0, -1),
      sent: { host: end.host, tuple: turnedRound(proxied.taken) },
    };
    return this.lead({ kind: "send", host: end.host, journey: next }).flatMap((each) =>
      this.judge(each, client, asked),
    );
  }

  /** What can become of the message about a packet that was lost; the packet's own chance where none is sent. */
  private notices({ end, journey }: EndedJourney): (Pick<WalkBranch, "probability" | "condition"> & {
    readonly notice?: NoticeLeg;
  })[] {
    const host = this.segments.host(end.host);
    const notice = noticeOf(host, end, journey);
    if (notice === undefined) return [chanceOf(journey)];
    const { says, journey: message } = notice;
    if (message === undefined) {
      const lost: WalkEnd = { kind: "no-route", host: host.name, destination: journey.tuple.source };
      return [{ ...chanceOf(journey), notice: { says, hops: [], end: lost } }];
    }
    return this.lead({ kind: "send", host: host.name, journey: message }).map((ended) => ({
      ...chanceOf(ended.journey),
      notice: { says, hops: hopsOf(ended.journey), end: this.judgeNotice(ended) },
    }));
  }

  /** Whether the message is about a packet that its receiver has sent. */
  private judgeNotice({ end, journey: { about, sent } }: EndedJourney): WalkEnd {
    if (end.kind !== "delivered") return end;
    const got = about?.tuple ?? turnedRound(end.tuple);
    return end.host === sent.host && isSameTuple(got, sent.tuple)
      ? end
      : { kind: "stranger", host: end.host, expected: sent.tuple, got };
  }

  /** All ends of what begins with `first`. */
  private lead(first: WalkEvent): EndedJourney[] {
    const ended: EndedJourney[] = [];
    const events = [first];
    for (let event = events.pop(); event !== undefined; event = events.pop()) {
      if (event.kind === "end") {
        const more = isTaken(event) ? this.takenOn(event.end.host, event.journey) : undefined;
        if (more === undefined) ended.push(event);
        else events.push(...more.reverse());
      } else events.push(...this.step(event).reverse());
    }
    return ended;
  }

  private step(event: Exclude<WalkEvent, { readonly kind: "end" }>): WalkEvent[] {
    switch (event.kind) {
      case "send":
        return send(this.rules, this.segments.host(event.host), event.journey);
      case "out":
        return transmit(this.segments, this.discovery, event);
      case "frame": {
        const { frame } = event;
        if (wasHere(frame.journey, frame.host, frame.inInterface))
          return [
            {
              kind: "end",
              journey: frame.journey,
              end: { kind: "loop", host: frame.host, interface: frame.inInterface },
            },
          ];
        return takeFrame(this.rules, this.segments, frame);
      }
      default:
        return unreachable(event);
    }
  }

  /** What takes on a packet that was delivered to `host`: the end of a tunnel, or a proxy. */
  private takenOn(name: string, journey: Journey): WalkEvent[] | undefined {
    const host = this.segments.host(name);
    const inner = decapsulate(host, journey);
    if (inner !== undefined) {
      const { inInterface } = inner;
      const came = arrive(inner.journey, name, inInterface);
      return receive(this.rules, this.rules.start(host, came, inInterface), inInterface, false);
    }
    const passed = passToProxy(host, journey);
    const isHandshake = journey.protocol === TCP && !journey.isAnswer && passed?.some(({ kind }) => kind === "send");
    return isHandshake === true ? this.passedAfterHandshake(host, journey, passed ?? []) : passed;
  }

  /** A proxy makes a connection when that which it takes is there: not before its SYN-ACK has come back. `passed`: what it does then. */
  private passedAfterHandshake(host: Host, journey: Journey, passed: WalkEvent[]): WalkEvent[] {
    const { sent, tuple } = journey;
    const answers = this.lead({ kind: "send", host: host.name, journey: answerOf(host.name, journey) });
    const expected = turnedRound(sent.tuple);
    const isBack = ({ end }: EndedJourney): boolean =>
      end.kind === "delivered" && end.host === sent.host && isSameTuple(end.tuple, expected);
    if (answers.every(isBack)) return passed;
    return answers.flatMap((answer): WalkEvent[] => {
      const one = { ...journey, ...chanceOf(answer.journey) };
      if (isBack(answer)) return passToProxy(host, one) ?? [];
      const { end } = answer;
      const lost: WalkEnd =
        end.kind === "delivered" ? { kind: "stranger", host: end.host, expected, got: end.tuple } : end;
      const back = { ...answer, end: lost };
      return [{ kind: "end", journey: one, end: { kind: "delivered", host: host.name, tuple }, back }];
    });
  }
}

/** IANA number. */
const TCP = 6;

/** The answer of `host` to the packet that was delivered to it. */
function answerOf(host: string, journey: Journey): Journey {
  const tuple = turnedRound(journey.tuple);
  return { ...journey, tuple, ttl: TTL, trail: undefined, isAnswer: true, sent: { host, tuple } };
}

/** Whether it is open what the host does with the packet. */
function isTaken({ end, back }: EndedJourney): boolean {
  return end.kind === "delivered" && end.answer === undefined && back === undefined;
}

const TTL = 64;

function chanceOf({ probability, condition }: Journey): Pick<Journey, "probability" | "condition"> {
  return { probability, condition };
}
