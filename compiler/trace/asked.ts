/** What a walk is asked for: a packet or a request, and how the walk is told then. */
import type { Report } from "../diagnostics.ts";
import type { DiagnosticData } from "../documents/render.ts";
import type { Address } from "../net/address.ts";
import type { Walk, WalkFlow } from "../walk/types.ts";
import { addressesNamedIn, type RequestNetwork, type ResolvedRequest, resolveRequest } from "./http/request.ts";
import { renderRequest, requestToData } from "./http/request-told.ts";
import type { TraceText } from "./parse.ts";
import { mentionedIn, resolveFlow } from "./walk/flow.ts";
import { type WalkData, walkToData } from "./walk/json.ts";
import { renderWalk } from "./walk/text.ts";
import type { TellingContext } from "./walk/walk-names.ts";

/** A flow, and the request that it is for. */
export interface AskedFlow {
  readonly flow: WalkFlow;
  /** Undefined: a packet was asked for. */
  readonly request: ResolvedRequest | undefined;
}

/** The addresses that `text` names. */
export function addressesAsked(text: TraceText): Address[] {
  return text.packet === undefined ? addressesNamedIn(text.request) : mentionedIn(text.packet);
}

/** The flow that `text` describes; reports `packet-syntax`, `unknown-object` and `no-ingress-proxy`. */
export function resolveAsked(text: TraceText, network: RequestNetwork, report: Report): AskedFlow | undefined {
  if (text.packet === undefined) {
    const request = resolveRequest(text.request, network, report);
    return request && { flow: request.flow, request };
  }
  const flow = resolveFlow(text.packet, network.specs, network.layout, report);
  return flow && { flow, request: undefined };
}

/** The walk as text, behind the rules that the request meets. */
export function renderAsked(walk: Walk, { request }: AskedFlow, context: TellingContext, isAll: boolean): string {
  return `${request === undefined ? "" : renderRequest(request, context)}${renderWalk(walk, context, isAll)}`;
}

/** The walk as data, with the request. */
export function askedToData(
  walk: Walk,
  { request }: AskedFlow,
  context: TellingContext,
  hasReply: boolean,
  findings: readonly DiagnosticData[],
): WalkData {
  return {
    ...walkToData(walk, context, hasReply, findings),
    ...(request === undefined ? {} : { request: requestToData(request, context) }),
  };
}
