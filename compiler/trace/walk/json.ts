/** A walk as data for programs. */

import type { DiagnosticData, PlaceData } from "../../documents/render.ts";
import type { Tuple } from "../../evaluate/connection.ts";
import { assumptionsOf } from "../../evaluate/unknown/assumptions-of.ts";
import { unreachable } from "../../invariant.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import type { Provenance } from "../../network/provenance.ts";
import type { Hop, Leg, Walk, WalkBranch, WalkEnd, WalkStep } from "../../walk/types.ts";
import type { RequestData } from "../http/request-told.ts";
import type { AssumptionData, StepData } from "../json.ts";
import { placeAt } from "../view.ts";
import { endText, noticeEndText } from "./end-text.ts";
import { printRow, printRowPlace } from "./rows.ts";
import { shownSteps } from "./shown-steps.ts";
import { toldBranch } from "./told.ts";
import type { TellingContext } from "./walk-names.ts";

/** Addresses and ports of a packet; ports are 0 where the protocol has none. */
export interface TupleData {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** The first packet of the connection, and the names of its ends. */
export interface WalkFlowData extends TupleData {
  readonly protocol: string | number;
  /** The host that sends it. */
  readonly from: string;
  /** What has the destination; null: not known. */
  readonly to: string | null;
}

/** One thing that happened to a packet on a host. Each kind has members of its own. */
export interface WalkStepData extends Partial<PlaceData> {
  readonly kind:
    | "rules"
    | "translated"
    | "routed"
    | "bridged"
    | "neighbour"
    | "source"
    | "encapsulated"
    | "decapsulated"
    | "fragmented"
    | "proxied";
  readonly hook?: string;
  /** The rules that mattered there. */
  readonly rules?: readonly StepData[];
  /** Who translated: rules, or connection tracking. */
  readonly by?: "rules" | "connection";
  readonly from?: TupleData;
  readonly to?: TupleData;
  /** What else the kernel may choose of the source. */
  readonly choices?: readonly string[];
  readonly route?: string;
  /** The next hop, where it is not the destination itself. */
  readonly via?: string;
  readonly interface?: string;
  /** Length of a packet that went out in fragments, and what the interface takes. */
  readonly bytes?: number;
  readonly mtu?: number;
  /** Why it is taken for true, where no input says so. */
  readonly inferred?: string;
  readonly bridge?: string;
  /** The bridge's ports; null: the host itself. */
  readonly inPort?: string | null;
  readonly outPort?: string | null;
  /** Whether rules see the bridged packet (bridge-nf-call-iptables). */
  readonly throughRules?: boolean;
  readonly address?: string;
  /** `HOST INTERFACE` that answers for the address. */
  readonly answeredBy?: string;
  readonly proxyArp?: boolean;
  readonly forwardedFor?: string;
  /** The proxy tells the client to the next one (PROXY protocol). */
  readonly tellsClient?: true;
  readonly masquerade?: boolean;
  readonly target?: string;
}

/** A host that the packet passed. */
export interface WalkHopData {
  readonly host: string;
  /** Null: the host sends the packet. */
  readonly in: string | null;
  /** Null: the packet's way ends there. */
  readonly out: string | null;
  readonly before: TupleData;
  readonly after: TupleData;
  /** As the packet came. */
  readonly ttl: number;
  readonly steps: readonly WalkStepData[];
}

/** How a direction of a walk ended: `delivered`, or why it did not get there. */
export interface WalkEndData {
  readonly kind:
    | "delivered"
    | "dropped"
    | "rejected"
    | "no-route"
    | "not-forwarding"
    | "reverse-path"
    | "martian-source"
    | "martian-destination"
    | "not-own-source"
    | "broadcast"
    | "no-neighbour"
    | "bridge-drops"
    | "no-link"
    | "no-source"
    | "no-tunnel-end"
    | "no-target"
    | "loop"
    | "too-large"
    | "undecided"
    | "stranger";
  readonly host: string;
  /** In words. */
  readonly text: string;
  /** The packet as its receiver sees it. */
  readonly seen?: TupleData;
  /** The client of an HTTP request, as the receiver is told (X-Forwarded-For). */
  readonly forwardedFor?: string;
  /** The receiver is the ingress proxy, and answers itself. `status`: of HTTP; null: there is no HTTP answer. */
  readonly answer?: { readonly status: number | null; readonly reason: string };
}

/** One direction. */
export interface WalkLegData {
  readonly hops: readonly WalkHopData[];
  readonly end: WalkEndData;
}

/** One of the things that can become of the packet, where `assumptions` hold, and one of each of `alternatives`. */
export interface WalkBranchData extends WalkLegData {
  readonly probability: number;
  readonly assumptions: readonly AssumptionData[];
  readonly alternatives?: readonly (readonly (readonly AssumptionData[])[])[];
  /** Null: nobody answers, or it was not asked for. */
  readonly reply: WalkLegData | null;
  /** Request and reply, line by line. */
  readonly told: readonly WalkToldData[];
  /** What the network says of the packet that is lost, or of its answer, to who has sent that; missing: nothing. */
  readonly notice?: WalkNoticeData;
}

/** A line of a walk as text: what happened, numbered as in text and pictures. */
export interface WalkToldData {
  /** Null: it belongs to the line above. */
  readonly number: number | null;
  readonly direction: "request" | "reply";
  /** Empty: of an answer, no host in particular. */
  readonly host: string;
  readonly interface: string;
  readonly text: string;
  /** Where the reason stands; missing: nowhere. */
  readonly place?: string;
}

/** An ICMP error or a TCP reset, and its way. */
export interface WalkNoticeData extends WalkLegData {
  /** `packet-too-big`, `port-unreachable`, `tcp-reset`. */
  readonly says: string;
}

/** A fact that the walk rests on, and that no input says. */
export interface WalkAssumedData extends Partial<PlaceData> {
  readonly host: string;
  readonly fact: string;
  readonly inferred: string;
}

/** A packet's way through the cluster, and that of the answer. */
export interface WalkData {
  readonly flow: WalkFlowData;
  /** Whether each branch is delivered and answered; false where the answer was not followed. */
  readonly answered: boolean;
  readonly branches: readonly WalkBranchData[];
  readonly findings: readonly DiagnosticData[];
  readonly assumed: readonly WalkAssumedData[];
  /** The HTTP request that the connection is for; missing: a packet was asked for. */
  readonly request?: RequestData;
}

/** A walk as plain data; `hasReply`: the answer was followed, too. */
export function walkToData(
  walk: Walk,
  context: TellingContext,
  hasReply: boolean,
  findings: readonly DiagnosticData[] = [],
): WalkData {
  return {
    flow: flowData(walk, context),
    answered: hasReply && isAnswered(walk),
    branches: walk.branches.map((branch) => branchData(branch, context)),
    findings,
    assumed: assumedIn(walk),
  };
}

/** Whether each branch is delivered, and the answer too; answers that were not asked for do not count. */
export function isAnswered({ branches }: Walk, isOneWay = false): boolean {
  return branches.every(
    ({ there: { end }, back }) =>
      end.kind === "delivered" && end.answer === undefined && (isOneWay || back?.end.kind === "delivered"),
  );
}

function flowData({ flow, branches }: Walk, { names }: TellingContext): WalkFlowData {
  const { protocol, from, sourcePort, destination, destinationPort } = flow;
  const source = branches[0]?.there.hops[0]?.before.source ?? flow.source;
  return {
    protocol: PROTOCOL_NAMES.get(protocol) ?? protocol,
    from,
    to: names.of(destination, destinationPort, protocol) ?? null,
    source: source === undefined ? "" : printAddress(source),
    sourcePort,
    destination: printAddress(destination),
    destinationPort,
  };
}

function branchData(branch: WalkBranch, context: TellingContext): WalkBranchData {
  const { probability, condition, there, back, notice } = branch;
  const { assumptions, choices } = assumptionsOf(condition);
  const print = (all: typeof assumptions): AssumptionData[] => all.map(({ text, holds }) => ({ text, holds }));
  return {
    probability,
    assumptions: print(assumptions),
    ...(choices.length === 0 ? {} : { alternatives: choices.map(({ ways }) => ways.map(print)) }),
    ...legData(there, context, endText(there.end, context, back === undefined ? notice : undefined)),
    reply: back === undefined ? null : legData(back, context, endText(back.end, context, notice)),
    told: toldData(branch, context),
    ...(notice === undefined
      ? {}
      : { notice: { says: notice.says, ...legData(notice, context, noticeEndText(notice, context)) } }),
  };
}

function toldData(branch: WalkBranch, context: TellingContext): WalkToldData[] {
  const told = toldBranch(branch, context);
  return (["request", "reply"] as const).flatMap((direction) =>
    told[direction].map((row) => {
      const { number = null, host, interface: name } = row;
      const place = printRowPlace(row);
      return {
        number,
        direction,
        host,
        interface: name,
        text: printRow(row),
        ...(place === undefined ? {} : { place }),
      };
    }),
  );
}

function legData({ hops, end }: Leg, context: TellingContext, text: string): WalkLegData {
  return {
    hops: hops.map((hop, i) => hopData(hop, context, i === hops.length - 1 ? end : undefined)),
    end: {
      kind: end.kind,
      host: end.host,
      text,
      ...(end.kind === "delivered" ? deliveredData(end) : {}),
    },
  };
}

function deliveredData({ tuple, forwardedFor, answer }: DeliveredEnd): Partial<WalkEndData> {
  return {
    seen: tupleData(tuple),
    ...(forwardedFor === undefined ? {} : { forwardedFor: printAddress(forwardedFor) }),
    ...(answer === undefined ? {} : { answer: { status: answer.status ?? null, reason: answer.reason } }),
  };
}

type DeliveredEnd = Extract<WalkEnd, { readonly kind: "delivered" }>;

function hopData(hop: Hop, context: TellingContext, end: WalkEnd | undefined): WalkHopData {
  const told = shownSteps(hop, context, end);
  return {
    host: hop.host,
    in: hop.inInterface ?? null,
    out: hop.outInterface ?? null,
    before: tupleData(hop.before),
    after: tupleData(hop.after),
    ttl: hop.ttl,
    steps: hop.steps.map((step) => stepData(step, told)),
  };
}

function stepData(step: WalkStep, told: ReturnType<typeof shownSteps>): WalkStepData {
  const { kind } = step;
  switch (step.kind) {
    case "rules": {
      const rules = told.filter(({ shown }) => step.path.includes(shown.step));
      return {
        kind,
        hook: step.hook,
        rules: rules.map(({ view: { place, words, ...view } }) => ({
          ...view,
          ...place,
          ...(words.length === 0 ? {} : { explanation: words }),
        })),
      };
    }
    case "translated":
      return {
        kind,
        by: step.by,
        from: tupleData(step.from),
        to: tupleData(step.to),
        ...(step.choices.length === 0 ? {} : { choices: step.choices.map(({ text }) => text) }),
      };
    case "routed": {
      const { route, hop } = step;
      return {
        kind,
        route: `${route.kind === "unicast" ? "" : `${route.kind} `}${printPrefix(route.prefix)}`,
        ...(hop.gateway === undefined ? {} : { via: printAddress(hop.gateway) }),
        interface: hop.interface,
        ...provenanceData(route.provenance),
      };
    }
    case "bridged": {
      const { bridge, inPort = null, port = null, throughRules } = step;
      return { kind, bridge, inPort, outPort: port, throughRules };
    }
    case "neighbour": {
      const { asks, answeredBy, isProxy } = step;
      return {
        kind,
        address: printAddress(asks),
        answeredBy: `${answeredBy.host} ${answeredBy.interface}`,
        proxyArp: isProxy,
      };
    }
    case "source":
      return { kind, address: printAddress(step.address), masquerade: step.masquerade };
    case "encapsulated":
    case "decapsulated":
      return { kind, to: tupleData(step.outer) };
    case "fragmented":
      return { kind, interface: step.interface, bytes: step.bytes, mtu: step.mtu };
    case "proxied":
      return {
        kind,
        from: tupleData(step.taken),
        to: tupleData(step.made),
        target: step.target,
        ...(step.forwardedFor === undefined ? {} : { forwardedFor: printAddress(step.forwardedFor) }),
        ...(step.tellsClient && { tellsClient: true }),
      };
    default:
      return unreachable(step);
  }
}

function provenanceData(provenance: Provenance | undefined): Partial<PlaceData> & { readonly inferred?: string } {
  if (provenance === undefined) return {};
  const { origin, inferred } = provenance;
  return { ...(origin === undefined ? {} : placeData(origin)), ...(inferred === undefined ? {} : { inferred }) };
}

function placeData(origin: NonNullable<Provenance["origin"]>): PlaceData {
  const { file, line, column } = placeAt(origin);
  return { file, line, column };
}

/** The facts that no input says, each once, in the order in which packets met them. */
function assumedIn({ branches }: Walk): WalkAssumedData[] {
  const found = new Map<string, WalkAssumedData>();
  const hops = branches.flatMap(({ there, back, notice }) => [there, back, notice].flatMap((leg) => leg?.hops ?? []));
  for (const { host, steps } of hops)
    for (const step of steps) {
      if (step.kind !== "routed" || step.route.provenance?.inferred === undefined) continue;
      const { route, hop } = step;
      const via = hop.gateway === undefined ? "" : ` via ${printAddress(hop.gateway)}`;
      const { inferred = "", ...place } = provenanceData(route.provenance);
      const fact = `route ${printPrefix(route.prefix)}${via} dev ${hop.interface}`;
      found.set(`${host} ${fact}`, { host, fact, inferred, ...place });
    }
  return [...found.values()];
}

function tupleData({ source, sourcePort, destination, destinationPort }: Tuple): TupleData {
  return { source: printAddress(source), sourcePort, destination: printAddress(destination), destinationPort };
}
