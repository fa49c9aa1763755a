/** What a host does with a frame that comes in: a bridge passes it on, or the IP layer gets it. */
import { required } from "../invariant.ts";
import { familyOf } from "../net/address.ts";
import type { BridgePort, Host, HostInterface, InterfaceRef } from "../network/network.ts";
import { routePacket } from "../network/route.ts";
import { masqueradeSourceOf, receive, through } from "./ip.ts";
import { arrive, type Journey, leave, record, type WalkEvent, type WalkFrame } from "./journey.ts";
import { confirmed, type OnHost, type RulesOfHosts, withRoute } from "./on-host.ts";
import type { Segments } from "./segments.ts";
import { tooLarge } from "./transmit.ts";

/** A frame comes in by an interface. */
export function takeFrame(rules: RulesOfHosts, segments: Segments, frame: WalkFrame): WalkEvent[] {
  const { host, interface: own } = segments.at({ host: frame.host, interface: frame.inInterface });
  const journey = arrive(frame.journey, host.name, own.name);
  if (own.port === undefined) return receive(rules, rules.start(host, journey, own.name), own.name, false);
  const bridge = required(
    host.interfaces.find(({ name }) => name === own.port?.bridge),
    "a port has a bridge",
  );
  const at: AtBridge = { host, bridge, inPort: own.name, port: own.port, target: frame.target };
  if (!own.port.isForwarding) return dropped(at, journey, "blocked");
  if (!host.bridgeNetfilter[familyOf(journey.tuple.destination)]) return passOn(rules, segments, at, journey, false);
  // Rules see packets of a bridge with the bridge as their interface (br_netfilter).
  const on = rules.start(host, journey, bridge.name);
  return through(rules, "prerouting", on, (after) => {
    const isMoved = after.journey.tuple.destination !== journey.tuple.destination;
    return isMoved ? passTranslated(rules, segments, at, after) : passBridged(rules, segments, at, after);
  });
}

interface AtBridge {
  readonly host: Host;
  readonly bridge: HostInterface;
  readonly inPort: string;
  readonly port: BridgePort;
  /** The interface that the frame is for. */
  readonly target: InterfaceRef;
}

function isForBridge({ host, bridge, target }: AtBridge): boolean {
  return target.host === host.name && target.interface === bridge.name;
}

/** Rules on the bridge have given the packet another destination: where that is on the same bridge, the frame goes there without
 *  being routed (br_nf_pre_routing_finish). */
function passTranslated(rules: RulesOfHosts, segments: Segments, at: AtBridge, on: OnHost): WalkEvent[] {
  const { host, bridge } = at;
  const { source, destination } = on.journey.tuple;
  const key = { destination, source, mark: on.passage?.mark ?? 0, inInterface: bridge.name };
  const decision = routePacket(host.routing[familyOf(destination)], key);
  const hop = decision.kind === "forward" ? decision.hops[0] : undefined;
  if (hop?.interface !== bridge.name) return receive(rules, recordUp(on, at), bridge.name, true);
  const nextHop = hop.gateway ?? destination;
  const ref = { host: host.name, interface: bridge.name };
  const answer = segments.answererFor(nextHop, ref);
  if (answer === undefined)
    return [
      {
        kind: "end",
        journey: on.journey,
        end: { kind: "no-neighbour", host: host.name, interface: bridge.name, address: nextHop },
      },
    ];
  const target = { host: answer.host.name, interface: answer.interface.name };
  return passBridged(rules, segments, { ...at, target }, on);
}

/** A frame whose packet has passed prerouting on the bridge. */
function passBridged(rules: RulesOfHosts, segments: Segments, at: AtBridge, on: OnHost): WalkEvent[] {
  const { host, bridge } = at;
  if (isForBridge(at)) return receive(rules, recordUp(on, at), bridge.name, true);
  const { destination } = on.journey.tuple;
  const masqueradeSource = masqueradeSourceOf(host, bridge.name, destination, destination);
  const routed = withRoute(on, { kind: "forward", interface: bridge.name, masqueradeSource });
  const refusal = refusalOf(segments, at);
  if (refusal !== undefined) return dropped(at, on.journey, refusal);
  return through(rules, "forward", routed, (next) =>
    through(rules, "postrouting", next, (sent) => passOn(rules, segments, at, confirmed(sent), true)),
  );
}

function recordUp(on: OnHost, { bridge, inPort }: AtBridge): OnHost {
  const step = { kind: "bridged", bridge: bridge.name, inPort, port: undefined, throughRules: true } as const;
  return { ...on, journey: record(on.journey, step) };
}

/** Out by the port behind which the target is, or up to the IP layer. */
function passOn(
  rules: RulesOfHosts,
  segments: Segments,
  at: AtBridge,
  journey: Journey,
  throughRules: boolean,
): WalkEvent[] {
  const { host, bridge, inPort, target } = at;
  const step = (port: string | undefined): Journey =>
    record(journey, { kind: "bridged", bridge: bridge.name, inPort, port, throughRules });
  if (isForBridge(at)) return receive(rules, rules.start(host, step(undefined), bridge.name), bridge.name, false);
  const port = segments.portTo(target, { host: host.name, interface: bridge.name });
  const refusal = refusalOf(segments, at);
  if (refusal !== undefined) return dropped(at, journey, refusal);
  const out = host.interfaces.find(({ name }) => name === port);
  if (out !== undefined && journey.bytes > out.mtu)
    return [{ kind: "end", journey, end: { ...tooLarge(host, out, journey), byBridge: true } }];
  const peer = port === undefined ? undefined : segments.peerOf({ host: host.name, interface: port });
  if (port === undefined || peer === undefined)
    return [{ kind: "end", journey, end: { kind: "no-link", host: host.name, interface: port ?? bridge.name } }];
  const frame = { host: peer.host.name, inInterface: peer.interface.name, target };
  return [{ kind: "frame", frame: { ...frame, journey: leave(step(port), port) } }];
}

/** Why the bridge does not pass a frame on (should_deliver). */
function refusalOf(segments: Segments, at: AtBridge): "hairpin-off" | "isolated" | "blocked" | undefined {
  const { host, bridge, inPort, port } = at;
  const name = segments.portTo(at.target, { host: host.name, interface: bridge.name });
  const out = host.interfaces.find((each) => each.name === name)?.port;
  if (out === undefined) return undefined;
  if (name === inPort && !port.hairpin) return "hairpin-off";
  if (!out.isForwarding) return "blocked";
  return out.isolated && port.isolated ? "isolated" : undefined;
}

function dropped(at: AtBridge, journey: Journey, why: "hairpin-off" | "isolated" | "blocked"): WalkEvent[] {
  const { host, bridge, inPort } = at;
  return [
    { kind: "end", journey, end: { kind: "bridge-drops", host: host.name, bridge: bridge.name, port: inPort, why } },
  ];
}
