/** What answers HTTP requests for expectations, and the reference among it. */
import type { Compiled } from "../../compile.ts";
import { decideCertificate } from "../../evaluate/certificate.ts";
import { decideRequest } from "../../evaluate/listener-route.ts";
import { changeHeaders, type ForwardedRequest, forwardRequest, locationOf } from "../../evaluate/request-changes.ts";
import { unreachable } from "../../invariant.ts";
import type { NamedText, RequestTarget, RouteFilter } from "../../ir/routes.ts";

/** A request of a client. */
export interface AskedRequest {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** Of the proxy, at which the request comes in. */
  readonly port: number;
  /** The host that the client names in the TLS handshake; undefined: none. */
  readonly serverName: string | undefined;
  /** The Host header as it is sent; undefined: none is. */
  readonly host: string | undefined;
  /** The request target as it is sent. */
  readonly target: string;
  /** Those besides Host, as they are sent. */
  readonly headers: readonly NamedText[];
}

/** Where a request ends. */
export type RequestEnd =
  /** At the backend `namespace/service:port`. */
  | { readonly kind: "backend"; readonly backend: string }
  /** At an endpoint, or at a host outside of the cluster, whose `address` may be its name: its backend was not seen. */
  | { readonly kind: "endpoint"; readonly address: string; readonly port: number }
  /** At one of several, by weight. */
  | { readonly kind: "shares"; readonly shares: readonly EndShare[] }
  | OwnEnd;

/** An end that names no backend. */
export type OwnEnd =
  /** At the proxy, which answers itself. */
  | { readonly kind: "status"; readonly status: number }
  /** At the proxy, which names another URL. */
  | { readonly kind: "redirect"; readonly status: number; readonly location: string }
  /** In the TLS handshake. */
  | { readonly kind: "refused" }
  /** At a port where nothing listens. */
  | { readonly kind: "closed" };

export interface EndShare {
  readonly weight: number;
  readonly end: Extract<RequestEnd, { readonly kind: "backend" | "status" }>;
}

export interface RequestOutcome {
  readonly end: RequestEnd;
  /** The Secret of the certificate that the client was shown: `namespace/name`; undefined: none. */
  readonly certificate: string | undefined;
  /** What the end gets; undefined: nobody got it, or filters differ from share to share. */
  readonly forwarded?: ForwardedRequest;
  /** Headers that the client gets, names in lower case: all, or those that filters make. */
  readonly answerHeaders?: readonly NamedText[];
}

/** Something that can say what becomes of requests. */
export interface RequestEngine {
  readonly name: string;
  /** Why it cannot run here; undefined when it can. */
  readonly unavailable: () => string | undefined;
  /** The outcome for each of `requests`, in their order. Throws `EngineTrouble`. One call at a time. */
  readonly run: (compiled: Compiled, requests: readonly AskedRequest[]) => Promise<readonly RequestOutcome[]>;
  /** Gives back what it holds between runs. */
  readonly close: () => Promise<void>;
}

/** The reference: the routes and certificates of the program. */
export const irRequestEngine: RequestEngine = {
  name: "ir",
  unavailable: () => undefined,
  run: async ({ program }, requests) => requests.map((request) => outcomeOf(program, request)),
  close: async () => undefined,
};

function outcomeOf(program: Compiled["program"], asked: AskedRequest): RequestOutcome {
  const { scheme, serverName, port } = asked;
  const listener = program.listeners?.find((each) => each.port === port);
  const decided = decideRequest(program, asked);
  if (decided.isClosed) return { end: { kind: "closed" }, certificate: undefined };
  const shown = scheme === "https" ? decideCertificate(listener ?? program, serverName).certificate?.name : undefined;
  if (listener !== undefined && listener.protocol !== scheme) {
    // Client and proxy do not understand each other's first bytes.
    return { end: { kind: "refused" }, certificate: undefined };
  }
  if (scheme === "https" && shown === undefined) return { end: { kind: "refused" }, certificate: undefined };
  const rule = decided.matching[0];
  const path = rule?.path ?? "/";
  const end = endOf(decided.target, path, asked);
  const isOne = decided.target.kind === "endpoints";
  return { end, certificate: shown, ...(isOne ? changesOf(rule?.filters ?? [], path, asked) : {}) };
}

/** What filters make of a request, and of an answer without headers. `path`: that of the rule. */
export function changesOf(
  filters: readonly RouteFilter[],
  path: string,
  asked: AskedRequest,
): Required<Pick<RequestOutcome, "forwarded" | "answerHeaders">> {
  let answerHeaders: readonly NamedText[] = [];
  for (const filter of filters)
    if (filter.kind === "response-headers") answerHeaders = changeHeaders(filter, answerHeaders);
  return { forwarded: forwardRequest(filters, path, asked), answerHeaders };
}

function endOf(target: RequestTarget, path: string, asked: AskedRequest): RequestEnd {
  switch (target.kind) {
    case "endpoints":
    case "status":
      return shareEnd(target);
    case "redirect":
      return { kind: "redirect", status: target.status, location: locationOf(target, path, asked) };
    case "shares":
      return {
        kind: "shares",
        shares: target.shares.map((share) => ({ weight: share.weight, end: shareEnd(share.target) })),
      };
    default:
      return unreachable(target);
  }
}

function shareEnd(target: Extract<RequestTarget, { readonly kind: "endpoints" | "status" }>): EndShare["end"] {
  return target.kind === "status"
    ? { kind: "status", status: target.status }
    : { kind: "backend", backend: target.backend };
}
