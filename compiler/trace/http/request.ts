/** From a request's text to the connection that it is sent by, and what the ingress proxy does with it. */
import type { Report } from "../../diagnostics.ts";
import { type CertificateDecision, decideCertificate } from "../../evaluate/certificate.ts";
import type { HttpRequest } from "../../evaluate/http-route.ts";
import { decideRequest, type RequestDecision } from "../../evaluate/listener-route.ts";
import { locationOf } from "../../evaluate/request-changes.ts";
import { unreachable } from "../../invariant.ts";
import type { HostRoutes, RouteShare, RouteTarget } from "../../ir/routes.ts";
import type { Program } from "../../ir/types.ts";
import type { IngressProxy, NetworkLayout, ProxyInstance, ProxyListener, Scheme } from "../../layout/types.ts";
import { type Address, familyOf, parseAddress, printAddressPort } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import type { HttpTreatment, ProxyAnswer, ProxyFrontend, ProxyTarget } from "../../network/network.ts";
import type { HaproxySettings } from "../../proxy-settings.ts";
import type { Specs } from "../../specs/types.ts";
import type { WalkFlow } from "../../walk/types.ts";
import type { EndText, PacketText, RequestText } from "../parse.ts";
import { addressesOf } from "../walk/ends.ts";
import { resolveSender } from "../walk/flow.ts";
import { type EarlyAnswer, earlyAnswer } from "./early-answer.ts";
import { type Entrance, entranceOf } from "./entrance.ts";
import { type ToldDecision, withNearRule } from "./near-rule.ts";
import { serverNameOf } from "./url.ts";

/** A request, and the flow that it is. */
export interface ResolvedRequest {
  readonly text: RequestText;
  /** As the proxy gets it. */
  readonly request: HttpRequest;
  readonly decision: ToldDecision;
  /** Of the TLS handshake, for the name in the URL; undefined: the request is not encrypted. */
  readonly shown: CertificateDecision | undefined;
  /** Undefined: the proxy looks at the path. */
  readonly early: EarlyAnswer | undefined;
  readonly proxy: IngressProxy;
  readonly entrance: Entrance;
  readonly flow: WalkFlow;
}

/** Where requests are sent, and by which routes. */
export interface RequestNetwork {
  readonly specs: Specs;
  readonly layout: NetworkLayout;
  readonly routes: readonly HostRoutes[];
  readonly tls: Program["tls"];
  readonly listeners?: Program["listeners"];
  readonly config: { readonly haproxy?: HaproxySettings | undefined };
}

/** The addresses that `text` names. */
export function addressesNamedIn({ from, url }: RequestText): Address[] {
  return [from?.name ?? "", url.name].flatMap((name) => parseAddress(name) ?? []);
}

/** What `text` describes; reports `packet-syntax`, `unknown-object` and `no-ingress-proxy`. */
export function resolveRequest(
  text: RequestText,
  { specs, layout, routes, tls, listeners, config }: RequestNetwork,
  report: Report,
): ResolvedRequest | undefined {
  const { url, urlOrigin } = text;
  const sender = resolveSender(packetOf(text), specs, layout, report);
  if (sender === undefined) return undefined;
  const fail = (message: string): undefined => {
    report({ severity: "error", code: "no-ingress-proxy", message, origin: urlOrigin });
  };
  const { proxy, ...found } = layout.ingressProxy;
  if (proxy === undefined) return fail(unknownProxy("candidates" in found ? found.candidates : []));
  const { role } = sender.host;
  const isInside = role.kind === "pod" || role.kind === "node";
  const { port } = url;
  const given = parseAddress(url.name);
  const entrance =
    given === undefined
      ? entranceOf({ proxy, specs, layout, port, families: sender.families, isInside })
      : { address: given, port, words: "as the URL says", origin: undefined };
  if (typeof entrance === "string") return fail(entrance);
  if (!sender.families.includes(familyOf(entrance.address))) {
    const message = `expected an ${sender.families.join(" or ")} address, as the sender has no other`;
    report({ severity: "error", code: "packet-syntax", message, origin: urlOrigin });
    return undefined;
  }
  const request = {
    host: text.host ?? url.request.host,
    target: url.request.target,
    method: text.method,
    ...(text.headers.length === 0 ? {} : { headers: text.headers }),
  };
  const met = decideRequest({ routes, ...(listeners && { listeners }) }, { ...request, port });
  const decision = withNearRule(met, routes, request);
  const certificates = decision.listener ?? (tls === undefined ? {} : { tls });
  const shown =
    url.scheme === "https" && !decision.isClosed
      ? decideCertificate(certificates, serverNameOf(url.authority))
      : undefined;
  const early = earlyAnswer({ request, scheme: url.scheme, port }, { decision, shown, tls, settings: config.haproxy });
  const backends = early === undefined ? endsOf(decision, layout) : [];
  if (typeof backends === "string") {
    report({ severity: "error", code: "unknown-object", message: backends, origin: urlOrigin });
    return undefined;
  }
  const treatmentAt = ({ scheme }: ProxyListener, targets: readonly ProxyTarget[]): HttpTreatment =>
    scheme === url.scheme ? treatmentOf(decision, request, early, targets) : mismatch(scheme);
  const flow: WalkFlow = {
    protocol: PROTOCOL_NUMBERS.tcp,
    from: sender.host.name,
    source: sender.address,
    sourcePort: sender.sourcePort,
    destination: entrance.address,
    destinationPort: port,
    proxies: proxiesFor(proxy, { backends, treatmentAt, layout, isTold: config.haproxy?.proxyProtocol === true }),
  };
  return { text, request, decision, shown, early, proxy, entrance, flow };
}

/** The connection as a packet, as far as it is known before the address is. */
function packetOf({ from, urlOrigin }: RequestText): PacketText {
  const anybody: EndText = { name: "internet", port: undefined, origin: urlOrigin, portOrigin: urlOrigin };
  return { protocol: "tcp", from: from ?? anybody, to: anybody, inInterface: undefined, mark: 0 };
}

const WHAT_TO_WRITE =
  "expected ingress: { service: NAMESPACE/NAME } in a document of kind Cluster (pods and nodes are other ways to say it)";

function unknownProxy(candidates: readonly string[]): string {
  const why =
    candidates.length === 0
      ? "nothing in the input says which pods are the ingress proxy"
      : `each of the Services ${candidates.join(", ")} may be that of the ingress proxy`;
  return `${why}: ${WHAT_TO_WRITE}`;
}

// --- what the proxy does -------------------------------------------------------------------------------------------------

interface BackendEnd {
  readonly address: Address;
  readonly port: number;
  /** Of which it is one. */
  readonly share?: RouteShare;
}

/** Where a rule leads, as `backendsOf`; of several backends each endpoint with its part. */
function endsOf({ target }: RequestDecision, layout: NetworkLayout): readonly BackendEnd[] | string {
  if (target.kind === "redirect" || (target.kind === "status" && target.status === 500)) return [];
  if (target.kind !== "shares") return backendsOf(target, layout);
  const all: BackendEnd[] = [];
  for (const share of target.shares) {
    const ends = share.target.kind === "status" ? [] : backendsOf(share.target, layout);
    if (typeof ends === "string") return ends;
    all.push(...ends.map((end) => ({ ...end, share })));
  }
  return all;
}

/** Where a route leads; a text where that is outside of the cluster, and nothing says at which address. HAProxy takes one address of a name, of
 *  IPv6 if it has any. */
function backendsOf(target: RouteTarget, { network }: NetworkLayout): readonly BackendEnd[] | string {
  if (target.kind === "status") return [];
  const { backend, endpoints, external } = target;
  if (external === undefined) return endpoints;
  const { host, port } = external;
  const given = parseAddress(host);
  const named = network.hosts.get(`outside/${host}`);
  const all = given !== undefined ? [given] : named === undefined ? [] : addressesOf(named);
  if (all.length === 0)
    return `${backend} is at ${host}:${port}, outside of the cluster, and nothing in the input says at which address: expected outside: [{ name: ${host}, address: ADDRESS }] in a document of kind Cluster`;
  const isSix = (address: Address): boolean => familyOf(address) === "IPv6";
  const chosen = all.some(isSix) ? all.filter(isSix) : all;
  return chosen.map((address) => ({ address, port }));
}

interface ProxyBehavior {
  /** To which the request may go. */
  readonly backends: readonly BackendEnd[];
  readonly treatmentAt: (listener: ProxyListener, targets: readonly ProxyTarget[]) => HttpTreatment;
  readonly layout: NetworkLayout;
  /** Connections are to begin with the PROXY protocol. */
  readonly isTold: boolean;
}

/** At each port of each instance, by host. */
function proxiesFor(
  { instances }: IngressProxy,
  { backends, treatmentAt, layout, isTold }: ProxyBehavior,
): ReadonlyMap<string, readonly ProxyFrontend[]> {
  const proxies = new Map<string, ProxyFrontend[]>();
  for (const instance of instances) {
    const targets = targetsOf(instance, backends, layout);
    const own = proxies.get(instance.host) ?? [];
    proxies.set(instance.host, own);
    for (const listener of instance.listeners) {
      const http = treatmentAt(listener, targets);
      const { port } = listener;
      const sent = http.kind === "answered" ? [] : targets;
      for (const address of instance.addresses)
        own.push({ address, protocol: PROTOCOL_NUMBERS.tcp, port, targets: sent, http, ...(isTold && { isTold }) });
    }
  }
  return proxies;
}

function treatmentOf(
  { target, matching }: RequestDecision,
  request: HttpRequest,
  early: EarlyAnswer | undefined,
  targets: readonly ProxyTarget[],
): HttpTreatment {
  if (early !== undefined) return { kind: "answered", ...early };
  switch (target.kind) {
    case "status":
      return { kind: "answered", status: target.status, reason: target.reason };
    case "redirect": {
      const reason = `redirected to ${locationOf(target, matching[0]?.path ?? "/", request)}`;
      return { kind: "answered", status: target.status, reason };
    }
    case "endpoints":
      return targets.length > 0 ? { kind: "forwarded" } : { kind: "answered", ...unreachableBackend(target.backend) };
    case "shares":
      return { kind: "forwarded", answers: target.shares.flatMap((share) => shareAnswer(share, targets)) };
    default:
      return unreachable(target);
  }
}

/** What the proxy answers of one share itself. */
function shareAnswer(
  { weight, target }: RouteShare,
  targets: readonly ProxyTarget[],
): (ProxyAnswer & { readonly weight: number })[] {
  if (target.kind === "status") return [{ weight, status: target.status, reason: target.reason }];
  const ends = target.endpoints;
  const isReached = ends.some((end) => targets.some((each) => each.address === end.address && each.port === end.port));
  return isReached || target.external !== undefined ? [] : [{ weight, ...unreachableBackend(target.backend) }];
}

function unreachableBackend(backend: string): ProxyAnswer {
  return { status: 503, reason: `the proxy has no address of the family of any endpoint of ${backend}` };
}

/** Clients of one scheme at a port for the other one get no answer that they understand. */
function mismatch(expected: Scheme): HttpTreatment {
  return expected === "http"
    ? { kind: "answered", status: undefined, reason: "the port takes HTTP, and the TLS handshake fails" }
    : {
        kind: "answered",
        status: undefined,
        reason: "the port takes HTTPS, and the proxy closes a connection that is not encrypted",
      };
}

/** The endpoints of families that the instance has addresses of: health checks find the others down. */
function targetsOf({ host }: ProxyInstance, endpoints: readonly BackendEnd[], layout: NetworkLayout): ProxyTarget[] {
  const { hosts } = layout.network;
  const own = hosts.get(host);
  const families = new Set((own === undefined ? [] : addressesOf(own)).map(familyOf));
  const reached = endpoints.filter(({ address }) => families.has(familyOf(address)));
  return reached.map(({ address, port, share }) => ({
    host: holderOf(address, port, layout),
    address,
    port,
    ...(share && { weight: share.weight / reached.filter((other) => other.share === share).length }),
  }));
}

function holderOf(address: Address, port: number, { network }: NetworkLayout): string {
  for (const host of network.hosts.values()) if (addressesOf(host).includes(address)) return host.name;
  return printAddressPort(address, port);
}
