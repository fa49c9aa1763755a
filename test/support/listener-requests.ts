/** Requests for random listeners, and what the reference says of each: where it may end, and what backend and client see. */
import fc from "fast-check";
import { decideRequest, type PortRequest } from "../../compiler/evaluate/listener-route.ts";
import { changeHeaders, forwardRequest, locationOf } from "../../compiler/evaluate/request-changes.ts";
import type { AskedRequest } from "../../compiler/expectations/engines/requests.ts";
import type { ListeningPort, NamedText, RequestRule, RequestTarget, RouteFilter } from "../../compiler/ir/routes.ts";
import { printAddress } from "../../compiler/net/address.ts";
import type { ProxyOutcome } from "../../runtime/haproxy/proxy-world.ts";
import type { createRouter } from "../../runtime/router/index.ts";

const SOME_HEADERS: readonly NamedText[] = [
  { name: "x-a", value: "1" },
  { name: "X-A", value: "2" },
  { name: "X-B", value: "a b" },
  { name: "version", value: "1,2" },
  { name: "x-gone", value: "here" },
];

type Router = ReturnType<typeof createRouter>;

/** How a request differs from what a rule asks for. */
const CHANGES = fc.record({
  method: fc.constantFrom(undefined, undefined, undefined, "GET", "POST", "HEAD"),
  tail: fc.constantFrom("", "", "", "", "", "/", "/x", "x", "//", "/a/b", `/${"l".repeat(2000)}`),
  header: fc.constantFrom<NamedText | undefined>(undefined, undefined, ...SOME_HEADERS),
  parameters: fc.constantFrom("", "", "", "?", "?q=1", "?q", "?version=1&q=2", "?a;q=1", "?&&", "?a=b?q=1"),
  isEarlier: fc.boolean(),
});

const NO_CHANGES = { method: undefined, tail: "", header: undefined, parameters: "", isEarlier: false };

/** Requests near what `listeners` have, and others. */
export function portRequestsFor(listeners: readonly ListeningPort[]): fc.Arbitrary<AskedRequest> {
  return fc.constantFrom(...listeners).chain((listener) =>
    fc
      .constantFrom(...listener.hosts)
      .chain(({ host, paths }) =>
        fc.record({
          port: fc.constant(listener.port),
          scheme: fc.constant(listener.protocol),
          serverName: fc.constant(undefined),
          host: hostFor(host),
          rule: paths.length === 0 ? fc.constant(undefined) : fc.constantFrom(undefined, ...paths, ...paths),
          changes: fc.oneof(fc.constant(NO_CHANGES), CHANGES),
        }),
      )
      .map(({ rule, changes, ...request }) => withOneHost({ ...request, ...requestFor(rule, changes) })),
  );
}

/** A rule may ask for the Host header itself, of which a request has one. */
function withOneHost(request: AskedRequest): AskedRequest {
  const host = request.headers.find(({ name }) => name === "host")?.value;
  if (host === undefined) return request;
  return { ...request, host, headers: request.headers.filter(({ name }) => name !== "host") };
}

/** Headers that a rule's host takes, and some that it does not. */
function hostFor(host: string | undefined): fc.Arbitrary<string | undefined> {
  const names = host === undefined ? ["q.example", "c"] : [host];
  return fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom("w", "w", "a.b.c", "shop", "a..", ".", ""),
      fc.constantFrom("", "", "", "", ":80", ".", ".:8080", ",b", "/a"),
      fc.constantFrom<"as it is" | "upper" | "bracket" | "none" | "below">(
        "as it is",
        "as it is",
        "as it is",
        "as it is",
        "as it is",
        "upper",
        "bracket",
        "none",
        "below",
      ),
    )
    .map(([name, label, tail, form]) => {
      const text = name.replace("*", label) + tail;
      switch (form) {
        case "upper":
          return text.toUpperCase();
        case "bracket":
          return `[${text}`;
        case "none":
          return undefined;
        case "below":
          return `x.${text}`;
        default:
          return text;
      }
    });
}

function requestFor(
  rule: RequestRule | undefined,
  changes: {
    readonly method: string | undefined;
    readonly tail: string;
    readonly header: NamedText | undefined;
    readonly parameters: string;
    readonly isEarlier: boolean;
  },
): Pick<AskedRequest, "method" | "target" | "headers"> {
  const { path = "/none", conditions = {} } = rule ?? {};
  const { method = conditions.method ?? "GET", tail, header, isEarlier } = changes;
  const wanted = (conditions.parameters ?? []).map(({ name, value }) => `${name}=${value}`).join("&");
  const query = isEarlier
    ? `${changes.parameters}${wanted === "" ? "" : `${changes.parameters === "" ? "?" : "&"}${wanted}`}`
    : `${wanted === "" ? "" : `?${wanted}`}${wanted === "" ? changes.parameters : changes.parameters.replace("?", "&")}`;
  const own = header === undefined ? [] : [header];
  const headers = isEarlier ? [...own, ...(conditions.headers ?? [])] : [...(conditions.headers ?? []), ...own];
  // HAProxy refuses fragments.
  const target = `${path === "/" && tail.startsWith("/") ? "" : path}${tail}${query}`.replaceAll("#", "~");
  return { method, target, headers };
}

/** What is seen of a request. */
export interface SeenEnd {
  readonly status?: number;
  /** Of a redirect. */
  readonly location?: string;
  /** The endpoint that got it. */
  readonly address?: string;
  readonly method?: string;
  readonly host?: string;
  readonly target?: string;
  readonly headers?: readonly string[];
  /** Those of the answer that filters name. */
  readonly response?: readonly string[];
}

/** The ends that a request may have, with weights: more than one where it is shared out. */
export function endsOf(
  listeners: readonly ListeningPort[],
  request: AskedRequest & PortRequest,
): readonly { readonly weight: number; readonly end: SeenEnd }[] {
  const decision = decideRequest({ routes: [], listeners }, request);
  if (decision.isClosed) return [{ weight: 1, end: { status: -1 } }];
  const { target, matching } = decision;
  const [rule] = matching;
  const filters = rule?.filters ?? [];
  if (target.kind !== "shares") return [{ weight: 1, end: endOf(target, rule, filters, request) }];
  return target.shares.map((share) => ({
    weight: share.weight,
    end: endOf(share.target, rule, [...filters, ...(share.filters ?? [])], request),
  }));
}

function endOf(
  target: Exclude<RequestTarget, { readonly kind: "shares" }>,
  rule: RequestRule | undefined,
  filters: readonly RouteFilter[],
  request: AskedRequest,
): SeenEnd {
  const path = rule?.path ?? "/";
  switch (target.kind) {
    case "status":
      return { status: target.status };
    case "redirect":
      return {
        status: target.status,
        location: locationOf(target, path, request),
        response: responseOf(filters),
      };
    case "endpoints": {
      const { host, target: asked, headers } = forwardRequest(filters, path, request);
      return {
        status: 200,
        address: target.endpoints.map(({ address }) => printAddress(address))[0] ?? "",
        ...(request.method === "HEAD"
          ? {}
          : {
              method: request.method,
              ...(host === undefined ? {} : { host }),
              target: asked,
              headers: inOrder(headers.filter(isOwn)),
            }),
        response: responseOf(filters),
      };
    }
  }
}

/** Names that filters give, as they stand in an answer that has none of them. */
function responseOf(filters: readonly RouteFilter[]): string[] {
  let headers: readonly NamedText[] = [];
  for (const filter of filters) if (filter.kind === "response-headers") headers = changeHeaders(filter, headers);
  return inOrder(headers);
}

function inOrder(headers: readonly NamedText[]): string[] {
  const names = [...new Set(headers.map(({ name }) => name))].sort();
  return names.flatMap((name) => headers.filter((each) => each.name === name).map(({ value }) => `${name}: ${value}`));
}

/** Headers of connections, and what proxies and servers add. */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "host",
  "x-forwarded-for",
  "x-forwarded-proto",
  "content-length",
  "date",
  "x-kpc-end",
  "cache-control",
  "content-type",
  "location",
  "transfer-encoding",
]);

function isOwn({ name }: NamedText): boolean {
  return !OF_CONNECTIONS.has(name);
}

/** What HAProxy did, in the same form. */
export function seenOf({ status, address, seen, headers = [] }: ProxyOutcome): SeenEnd {
  const location = headers.find(({ name }) => name === "location")?.value;
  const response = inOrder(headers.filter(isOwn));
  if (address === undefined) return location === undefined ? { status } : { status, location, response };
  if (seen === undefined) return { status, address, response };
  const got = pairsIn(seen.headers);
  const host = got.find(({ name }) => name === "host")?.value;
  return {
    status,
    address,
    method: seen.method,
    ...(host === undefined ? {} : { host }),
    target: seen.target,
    headers: inOrder(got.filter(isOwn)),
    response,
  };
}

function pairsIn(raw: readonly string[]): NamedText[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [{ name: name.toLowerCase(), value: raw[i + 1] ?? "" }] : []));
}

/** Where a request ends, without what is seen there. */
export function placeOf({ status, location, address }: SeenEnd): string {
  return location ?? address ?? String(status);
}

/** The same for what the router says. */
export function routedEnds(router: Router, request: AskedRequest): readonly string[] {
  const { host, target, port, method, headers } = request;
  const pairs = headers.map(({ name, value }) => [name, value] as const);
  const routing = router.route({ host, path: target, port, method, headers: pairs });
  const ends = routing.shares ?? [routing];
  return ends.map(
    ({ endpoints, status }) => routing.redirect?.location ?? endpoints[0]?.address ?? String(status ?? -1),
  );
}
