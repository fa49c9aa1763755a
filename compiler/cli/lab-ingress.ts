/** The ingress proxy of a described cluster, as a lab runs it, and the requests that it gets. */
import { missingTool } from "../../runtime/kernel/namespace.ts";
import type { IngressPlace, LabIngress, LabRequest } from "../../runtime/lab/ingress.ts";
import type { LabSessionOptions } from "../../runtime/lab/session.ts";
import type { Described } from "../described.ts";
import type { AskedFlow } from "../trace/asked.ts";
import type { TraceText } from "../trace/parse.ts";

/** How a lab is opened in which `flows` are made. Where HAProxy is not installed, no proxy serves Ingresses. */
export function labOptionsFor(
  described: Described,
  flows: readonly Partial<Pick<AskedFlow, "request">>[],
): LabSessionOptions {
  if (flows.every(({ request }) => request === undefined)) return {};
  const ingress = labIngressOf(described);
  return { isHttp: true, ...(ingress === undefined ? {} : { ingress }) };
}

/** Undefined: there is no Ingress, nothing says who serves it, or HAProxy is not installed. */
export function labIngressOf({ input: { routes }, layout }: Described): LabIngress | undefined {
  const { proxy } = layout.ingressProxy;
  if (proxy === undefined || routes.length === 0 || missingTool(["haproxy"]) !== undefined) return undefined;
  const places = new Map<string, IngressPlace>();
  for (const { host, listeners } of proxy.instances) {
    const ports = listeners.filter(({ scheme }) => scheme === "http").map(({ port }) => port);
    const known = places.get(host)?.ports ?? [];
    places.set(host, { host, ports: [...new Set([...known, ...ports])] });
  }
  return { routes, places: [...places.values()].filter(({ ports }) => ports.length > 0) };
}

/** The request that a flow is for. */
export function labRequestOf({ request }: Pick<AskedFlow, "request">): LabRequest | undefined {
  return request && { ...request.request, method: request.text.method };
}

/** Why a lab does not send it; undefined: it does. */
export function whyNotSent(request: TraceText["request"]): string | undefined {
  if (request === undefined) return undefined;
  if (request.url.scheme === "https") return "a lab sends requests without TLS: expected http://";
  return missingTool(["haproxy"]) === undefined
    ? undefined
    : "the ingress proxy of a lab is HAProxy, which is not installed (Debian package haproxy)";
}
