/** What serves a URL, in words. */
import { printPlace } from "../diagnostics.ts";
import type { RouteTarget } from "../ir/types.ts";
import { printAddressPort } from "../net/address.ts";
import { type ServedUrl, targetName, type UrlDifference } from "./compare.ts";

/** What both sides do with URLs that they serve differently: the backend, with its endpoints where both sides name the same one. */
export function targetWords({ left, right }: UrlDifference): readonly [string, string] {
  const [a, b] = [left, right].map(
    ({ certificate, answer, target }) => certificate?.text ?? answer ?? targetName(target),
  ) as [string, string];
  return a === b && left.certificate === undefined
    ? [`${a}${endpointWords(left.target)}`, `${b}${endpointWords(right.target)}`]
    : [a, b];
}

function endpointWords(target: RouteTarget): string {
  if (target.kind === "status") return "";
  if (target.external !== undefined) return ` at ${target.external.host}:${target.external.port}`;
  const kept = target.sticky === undefined ? "" : ", clients kept by a cookie";
  const texts = target.endpoints.map(({ address, port }) => printAddressPort(address, port)).sort();
  return texts.length === 0 ? " without endpoints" : ` at ${texts.join(", ")}${kept}`;
}

/** The rule that serves a URL: `/api and below of shop.example.com`. */
export function ruleWords({ route, host, answer, certificate }: ServedUrl): string {
  if (certificate !== undefined) return certificate.because;
  if (answer !== undefined) return "before any rule";
  const of = host === undefined ? "for other hosts" : `of ${host}`;
  if (route === undefined) return `the fallback ${of}`;
  return `${route.path} ${route.match === "exact" ? "exactly" : "and below"} ${of}`;
}

/** `ingress.yaml:12:13`; empty where the routes have no place. */
export function placeWords({ origin: ofRule, answer, certificate }: ServedUrl): string {
  const origin = certificate === undefined ? ofRule : certificate.origin;
  return origin === undefined || answer !== undefined ? "" : printPlace(origin.span());
}

/** Which URLs a class has, behind one of them. */
export function classWords({ urls: { host, match, path }, left }: UrlDifference): string {
  if (left.certificate !== undefined) {
    if (host === undefined) return "any host that no side names under tls; the TLS handshake";
    return `${host.startsWith("*.") ? `any host of ${host} that no side names; ` : ""}the TLS handshake`;
  }
  const paths =
    match === "exact" ? "only this path" : `${path === "/" ? "all paths" : `${path} and below`}, but for other rules`;
  if (host === undefined) return `any host that no rule names; ${paths}`;
  return host.startsWith("*.") ? `any host of ${host} that no rule names; ${paths}` : paths;
}
