/** Which rules of Ingresses a request meets, as people and programs read it. */
import { lineAndColumn, type Origin } from "../../diagnostics.ts";
import type { CertificateDecision } from "../../evaluate/certificate.ts";
import type { PathRoute, RouteTarget, ShadowedPath } from "../../ir/types.ts";
import { jsonText } from "../../json-output.ts";
import { printAddress, printAddressPort } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import type { AddressNames } from "../names.ts";
import { didYouMean } from "../suggest.ts";
import type { EarlyAnswer } from "./early-answer.ts";
import type { ToldDecision } from "./near-rule.ts";
import type { UrlRequest } from "./url.ts";

/** The host's rules, the path that takes the request, those that would have taken it, and the endpoints. */
export function renderRoute(
  url: UrlRequest,
  decision: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): string {
  const lines = routeLines(decision, names, shown, early);
  return [`${url.scheme}://${url.authority}${url.request.target}`, "", ...lines, ""].join("\n");
}

/** Likewise, without the URL. */
export function routeLines(
  decision: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): string[] {
  const { rules, matching, target, near } = decision;
  const rows = [
    ...(shown === undefined ? [] : certificateRows(shown)),
    ["host", rules?.host ?? "any other", hostWords(decision), ""],
    ...matching.flatMap((route, i) => [
      [i === 0 ? "path" : "", pathWords(route), i === 0 ? wonBy(matching) : lostBy(route), placeOf(route)],
      ...(route.shadowed ?? []).map((each) => ["", "", `shadows one to ${targetName(each.target)}`, placeOf(each)]),
    ]),
    ...(matching.length > 0 || rules === undefined
      ? []
      : [
          [
            "path",
            "none takes it",
            `the fallback of the host does${near && "path" in near ? didYouMean([near.path]) : ""}`,
            "",
          ],
        ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const end = early === undefined ? endWords(target, names) : [`=> ${early.status ?? "no answer"}: ${early.reason}`];
  return [...lines, "", ...end];
}

/** The certificate, and why it is this one. `shown`: of a handshake. */
function certificateRows({ host, certificate }: CertificateDecision): string[][] {
  const why =
    host?.reason ??
    (host === undefined
      ? "no Ingress names the host under tls"
      : host.certificate === undefined
        ? `tls names no Secret for ${host.host}`
        : host.host.startsWith("*.")
          ? `tls names it for ${host.host}`
          : "tls names it for the host");
  const isDefault = host?.certificate === undefined;
  const name = certificate === undefined ? "none: handshake refused" : certificate.name;
  const words = certificate !== undefined && isDefault ? `the default one: ${why}` : why;
  const rows = [["tls", name, words, placeOf(host ?? certificate ?? {})]];
  if (certificate !== undefined) {
    const valid = `valid from ${dayOf(certificate.notBefore)} to ${dayOf(certificate.notAfter)}`;
    rows.push(["", "", `${valid}, for ${certificate.names.join(", ") || "no host"}`, placeOf(certificate)]);
  }
  return rows;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function hostWords({ rules, near }: ToldDecision): string {
  const meant = near && "host" in near ? didYouMean([near.host]) : "";
  if (rules === undefined) return `there are no Ingresses for this host${meant}`;
  if (rules.host === undefined) return `no rule names the host${meant}`;
  return rules.host.startsWith("*.") ? "a wildcard: no rule names the host" : "a rule names the host";
}

function pathWords({ match, path }: PathRoute): string {
  return match === "exact" ? `${path} exactly` : `${path} and below`;
}

function wonBy([first, ...others]: readonly PathRoute[]): string {
  if (others.length === 0) return "the only one that takes it";
  return first?.match === "exact" ? "exact paths win" : "the longest one wins";
}

function lostBy({ target }: PathRoute): string {
  return `takes it, too: would go to ${targetName(target)}`;
}

function targetName(target: RouteTarget): string {
  return target.kind === "status" ? String(target.status) : target.backend;
}

function placeOf({ origin }: { readonly origin?: Origin }): string {
  if (origin === undefined) return "";
  const { line, column } = lineAndColumn(origin.span());
  return `${origin.span().source.name}:${line}:${column}`;
}

function endWords(target: RouteTarget, names: AddressNames): string[] {
  if (target.kind === "status") return [`=> ${target.status}: ${target.reason}`];
  const { backend, endpoints, draining = [], external } = target;
  if (external !== undefined) return [`=> ${backend}, outside of the cluster: ${external.host}:${external.port}`];
  const texts = endpoints.map(({ address, port }) => printAddressPort(address, port));
  const width = Math.max(...texts.map(({ length }) => length));
  return [
    `=> ${backend}, one of ${endpoints.length} ${endpoints.length === 1 ? "endpoint" : "endpoints"}`,
    ...endpoints.map(({ address, port }, i) => {
      const text = (texts[i] ?? "").padEnd(width);
      const { pod, node } = names.of({ address, port, protocol: PROTOCOL_NUMBERS.tcp });
      const name = pod === undefined ? "" : `   pod/${pod}${node === undefined ? "" : ` on ${node}`}`;
      return `     ${text}${name}`.trimEnd();
    }),
    ...(draining.length === 0
      ? []
      : [
          `     no new clients: ${draining.map(({ address, port }) => printAddressPort(address, port)).join(", ")} (terminating)`,
        ]),
  ];
}

/** JSON text of kind `Route`. */
export function routeToJson(
  url: UrlRequest,
  decision: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): string {
  return jsonText("Route", routeData(url, decision, names, shown, early));
}

/** What is in it. */
export function routeData(
  url: UrlRequest,
  { rules, matching, target, near }: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): object {
  return {
    url: `${url.scheme}://${url.authority}${url.request.target}`,
    ...(shown === undefined ? {} : { certificate: certificateData(shown) }),
    host: rules === undefined ? null : (rules.host ?? "*"),
    ...(near && { didYouMean: near }),
    paths: matching.map(({ match, path, shadowed = [], ...route }) => ({
      match,
      path,
      ...ruleData(route),
      ...(shadowed.length === 0 ? {} : { shadowed: shadowed.map(ruleData) }),
    })),
    ...(target.kind === "status"
      ? { status: target.status, reason: target.reason }
      : {
          backend: target.backend,
          ...(target.external && { external: target.external }),
          endpoints: target.endpoints.map(({ address, port }) => ({
            address: printAddress(address),
            port,
            ...names.of({ address, port, protocol: PROTOCOL_NUMBERS.tcp }),
          })),
        }),
    ...(early && { answer: { ...early, status: early.status ?? null } }),
  };
}

/** Null: the handshake is refused. `host`: the entry that names it; null for the default certificate of hosts that nobody names. */
function certificateData({ host, certificate }: CertificateDecision): object | null {
  if (certificate === undefined) return null;
  const { name, names, notBefore, notAfter, origin } = certificate;
  return {
    secret: name,
    host: host?.host ?? null,
    isDefault: host?.certificate === undefined,
    ...(host?.reason === undefined ? {} : { reason: host.reason }),
    names,
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    ...placeData(origin),
  };
}

function placeData(origin: Origin | undefined): object | undefined {
  return origin && { file: origin.span().source.name, ...lineAndColumn(origin.span()) };
}

function ruleData({ target, origin }: ShadowedPath): object {
  return { target: targetName(target), ...placeData(origin) };
}
