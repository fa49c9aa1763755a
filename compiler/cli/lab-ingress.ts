/** The ingress proxy of a described cluster, as a lab runs it, and the requests that it gets. */
import { missingTool } from "../../runtime/kernel/namespace.ts";
import type { IngressPlace, LabIngress, LabRequest } from "../../runtime/lab/ingress.ts";
import type { LabSessionOptions } from "../../runtime/lab/session.ts";
import type { Described } from "../described.ts";
import type { TlsTable } from "../ir/routes.ts";
import type { Scheme } from "../layout/types.ts";
import type { AskedFlow } from "../trace/asked.ts";
import { serverNameOf } from "../trace/http/url.ts";
import type { TraceText } from "../trace/parse.ts";
import { proxyFiles } from "./haproxy.ts";

/** How a lab is opened in which `flows` are made. Where HAProxy is not installed, no proxy serves Ingresses. */
export function labOptionsFor(
  described: Described,
  flows: readonly Partial<Pick<AskedFlow, "request">>[],
): LabSessionOptions {
  if (flows.every(({ request }) => request === undefined)) return {};
  const ingress = labIngressOf(described);
  return { isHttp: true, ...(ingress === undefined ? {} : { ingress }) };
}

/** Undefined: there is no Ingress, nothing says who serves it, or HAProxy is not installed. Throws `Trouble` where a key is another one's. */
export function labIngressOf({ input: { routes, tls, config, specs }, layout }: Described): LabIngress | undefined {
  const { proxy } = layout.ingressProxy;
  const { metrics: _, ...settings } = config.haproxy ?? {};
  if (proxy === undefined || routes.length === 0 || missingTool(["haproxy"]) !== undefined) return undefined;
  const isTls = hasCertificate(tls);
  const places = new Map<string, IngressPlace>();
  for (const { host, listeners } of proxy.instances) {
    const portsOf = (wanted: Scheme): number[] =>
      listeners.filter(({ scheme }) => scheme === wanted).map(({ port }) => port);
    const { ports = [], tlsPorts = [] } = places.get(host) ?? {};
    places.set(host, {
      host,
      ports: [...new Set([...ports, ...portsOf("http")])],
      tlsPorts: isTls ? [...new Set([...tlsPorts, ...portsOf("https")])] : [],
    });
  }
  const { files, secret } = proxyFiles({ program: { routes, ...(tls && { tls }) }, specs }, settings);
  return {
    files: new Map([...files, ...secret]),
    places: [...places.values()].filter(({ ports, tlsPorts }) => ports.length + tlsPorts.length > 0),
  };
}

/** The request that a flow is for. */
export function labRequestOf({ request }: Pick<AskedFlow, "request">): LabRequest | undefined {
  if (request === undefined) return undefined;
  const { url, method } = request.text;
  const tls = url.scheme === "https" ? { tls: { serverName: serverNameOf(url.authority) } } : {};
  return { ...request.request, method, ...tls };
}

function hasCertificate(tls: TlsTable | undefined): boolean {
  return tls !== undefined && tls.certificates.length > 0;
}

/** Why nobody in the lab of `described` takes it; undefined: somebody does. */
export function whyNotTaken(
  { request }: Partial<Pick<AskedFlow, "request">>,
  { input }: Described,
): string | undefined {
  if (request?.decision.listener !== undefined)
    return "HAProxy serves Ingresses in a lab, no Gateways: kpc test --engine haproxy asks it for those";
  if (request?.text.url.scheme !== "https" || hasCertificate(input.tls)) return undefined;
  return "HAProxy has no certificate in the lab, and does not listen for https";
}

/** Why a lab does not send it; undefined: it does. */
export function whyNotSent(request: TraceText["request"]): string | undefined {
  if (request === undefined) return undefined;
  return missingTool(["haproxy"]) === undefined
    ? undefined
    : "the ingress proxy of a lab is HAProxy, which is not installed (Debian package haproxy)";
}
