/** What serves a URL, in words. */
import { printPlace } from "../../diagnostics.ts";
import { conditionWords, filterWords, targetName } from "../../ir/request-words.ts";
import type { RequestTarget, RouteRedirect } from "../../ir/routes.ts";
import { printAddressPort } from "../../net/address.ts";
import type { ServedUrl, UrlDifference } from "./types.ts";

/** What both sides do with URLs that they serve differently: the backends, then what filters change, then the endpoints, as far as it takes to tell the sides
 *  apart. */
export function targetWords({ left, right }: UrlDifference): readonly [string, string] {
  for (const words of [nameWords, changeWords, endWords]) {
    const [a, b] = [words(left), words(right)];
    if (a !== b || left.certificate !== undefined) return [a, b];
  }
  return [endWords(left), endWords(right)];
}

function nameWords({ certificate, answer, target }: ServedUrl): string {
  return certificate?.text ?? answer ?? (target.kind === "redirect" ? redirectWords(target) : targetName(target));
}

/** `301 to https://HOST/new/REST`. */
function redirectWords({ status, scheme, host = "HOST", port, path }: RouteRedirect): string {
  const end = path === undefined ? "/PATH" : path.part === "all" ? path.path : `${path.path}/REST`;
  return `${status} to ${scheme}://${host}${port === undefined ? "" : `:${port}`}${end}`;
}

function changeWords(served: ServedUrl): string {
  const { target, filters = [] } = served;
  const shares = target.kind === "shares" ? target.shares : [];
  const own = shares.flatMap((share) =>
    (share.filters ?? []).map((filter) => `${filterWords(filter)} for ${targetName(share.target)}`),
  );
  return [nameWords(served), ...filters.map(filterWords), ...own].join(", ");
}

function endWords(served: ServedUrl): string {
  const { target } = served;
  const ends = target.kind === "shares" ? target.shares.map((share) => share.target) : [target];
  return `${changeWords(served)}${ends.map((end) => endpointWords(end)).join(",")}`;
}

function endpointWords(target: RequestTarget): string {
  if (target.kind !== "endpoints") return "";
  if (target.external !== undefined) return ` at ${target.external.host}:${target.external.port}`;
  const kept = target.sticky === undefined ? "" : ", clients kept by a cookie";
  const texts = target.endpoints.map(({ address, port }) => printAddressPort(address, port)).sort();
  return texts.length === 0 ? " without endpoints" : ` at ${texts.join(", ")}${kept}`;
}

/** The rule that serves a URL: `/api and below, method GET, of shop.example.com`. */
export function ruleWords({ route, host, answer, certificate, isListener = false }: ServedUrl): string {
  if (certificate !== undefined) return certificate.because;
  if (answer !== undefined) return "before any rule";
  const of = host === undefined ? "for other hosts" : `of ${host}`;
  if (route === undefined) return `${isListener ? "no rule" : "the fallback"} ${of}`;
  const conditions = conditionWords(route);
  const end = conditions === "" ? "" : `${conditions},`;
  return `${route.path} ${route.match === "exact" ? "exactly" : "and below"}${end} ${of}`;
}

/** `ingress.yaml:12:13`; empty where the routes have no place. */
export function placeWords({ origin: ofRule, answer, certificate }: ServedUrl): string {
  const origin = certificate === undefined ? ofRule : certificate.origin;
  return origin === undefined || answer !== undefined ? "" : printPlace(origin.span());
}

/** Which URLs a class has, behind one of them. */
export function classWords({ urls: { port, host, isDeep, match, path }, left, right }: UrlDifference): string {
  if (port !== undefined && left.answer !== undefined && right.answer !== undefined) return "all requests to the port";
  if (left.certificate !== undefined) {
    if (host === undefined) return "any host that no side names under tls; the TLS handshake";
    return `${host.startsWith("*.") ? `any host of ${host}${deepWords(isDeep)} that no side names; ` : ""}the TLS handshake`;
  }
  const paths =
    match === "exact" ? "only this path" : `${path === "/" ? "all paths" : `${path} and below`}, but for other rules`;
  if (host === undefined) return `any host that no rule names; ${paths}`;
  return host.startsWith("*.") ? `any host of ${host}${deepWords(isDeep)} that no rule names; ${paths}` : paths;
}

function deepWords(isDeep: true | undefined): string {
  return isDeep ? " with two labels or more in the place of the *" : "";
}
