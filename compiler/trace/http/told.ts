/** Which rules of Ingresses or Gateways a request meets, as people and programs read it. */
import { lineAndColumn, type Origin } from "../../diagnostics.ts";
import type { CertificateDecision } from "../../evaluate/certificate.ts";
import type { HttpRequest } from "../../evaluate/http-route.ts";
import { conditionWords, filterWords, targetName } from "../../ir/request-words.ts";
import type { RequestRule, ShadowedRule, TlsHost } from "../../ir/routes.ts";
import { jsonText } from "../../json-output.ts";
import type { AddressNames } from "../names.ts";
import { didYouMean } from "../suggest.ts";
import type { EarlyAnswer } from "./early-answer.ts";
import type { ToldDecision } from "./near-rule.ts";
import { endLines, targetData } from "./target-told.ts";
import type { UrlRequest } from "./url.ts";

/** The host's rules, the path that takes the request, those that would have taken it, and the endpoints. */
export function renderRoute(
  url: UrlRequest,
  decision: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): string {
  const lines = routeLines(url.request, decision, names, shown, early);
  return [`${url.scheme}://${url.authority}${url.request.target}`, "", ...lines, ""].join("\n");
}

/** The lines about a request's rule and target, without the URL. */
export function routeLines(
  request: HttpRequest,
  decision: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): string[] {
  const { listener, rules, matching, target, near } = decision;
  const [rule] = matching;
  const rows = [
    ...(listener === undefined
      ? []
      : [["port", `${listener.port}, ${listener.protocol}`, "a Gateway listens there", ""]]),
    ...(shown === undefined ? [] : certificateRows(shown, listener !== undefined)),
    // Nothing listens at the port: no host was looked for.
    ...(decision.isClosed
      ? []
      : [
          [
            "host",
            rules?.host ?? "any other",
            hostWords(decision),
            decision.listener === undefined ? "" : placeOf(decision.rules ?? {}),
          ],
        ]),
    ...matching.flatMap((route, i) => [
      [i === 0 ? "path" : "", pathWords(route), i === 0 ? wonBy(matching) : lostBy(route), placeOf(route)],
      ...(route.shadowed ?? []).map((each) => ["", "", `shadows one to ${targetName(each.target)}`, placeOf(each)]),
    ]),
    ...(rule?.filters ?? []).map((filter, i) => [i === 0 ? "filters" : "", filterWords(filter), "", ""]),
    ...(matching.length > 0 || rules === undefined
      ? []
      : [
          [
            "path",
            "none takes it",
            `${
              listener === undefined
                ? "the fallback of the host does"
                : rules.host === undefined
                  ? "no rule matches"
                  : "less specific hosts are not tried"
            }${near && "path" in near ? didYouMean([near.path]) : ""}`,
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
  const end =
    early === undefined
      ? endLines(target, { request, rule }, names)
      : [`=> ${early.status ?? "no answer"}: ${early.reason}`];
  return lines.length === 0 ? end : [...lines, "", ...end];
}

/** The certificate, and why it is this one. `shown`: of a handshake. */
function certificateRows({ host, certificate }: CertificateDecision, isGateway: boolean): string[][] {
  const why = isGateway ? listenerWords(host) : ingressWords(host);
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

function listenerWords(host: TlsHost | undefined): string {
  if (host === undefined) return "no listener has this hostname";
  if (host.labels === undefined && host.host.startsWith("*.")) return `it is valid for ${host.host}`;
  return `a listener with certificates takes ${host.host}`;
}

function ingressWords(host: TlsHost | undefined): string {
  return (
    host?.reason ??
    (host === undefined
      ? "no Ingress names the host under tls"
      : host.certificate === undefined
        ? `tls names no Secret for ${host.host}`
        : host.host.startsWith("*.")
          ? `tls names it for ${host.host}`
          : "tls names it for the host")
  );
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function hostWords({ listener, rules, near }: ToldDecision): string {
  const meant = near && "host" in near ? didYouMean([near.host]) : "";
  if (listener !== undefined) {
    if (rules === undefined) return `no listener at the port takes the host${meant}`;
    if (rules.host === undefined) return `no listener or route names the host${meant}`;
    return rules.host.startsWith("*.")
      ? "the most specific wildcard that takes it"
      : "a listener or a route names the host";
  }
  if (rules === undefined) return `there are no Ingresses for this host${meant}`;
  if (rules.host === undefined) return `no rule names the host${meant}`;
  return rules.host.startsWith("*.") ? "a wildcard: no rule names the host" : "a rule names the host";
}

function pathWords(rule: RequestRule): string {
  const { match, path } = rule;
  return `${match === "exact" ? `${path} exactly` : `${path} and below`}${conditionWords(rule)}`;
}

function wonBy([first, second]: readonly RequestRule[]): string {
  if (first === undefined || second === undefined) return "the only one that takes it";
  if (first.match !== second.match) return "exact paths win";
  if (first.path !== second.path) return first.match === "exact" ? "exact paths win" : "the longest one wins";
  const [mine, theirs] = [first.conditions ?? {}, second.conditions ?? {}];
  if ((mine.method === undefined) !== (theirs.method === undefined)) return "one that names the method wins";
  if (mine.headers?.length !== theirs.headers?.length) return "the one with more headers wins";
  if (mine.parameters?.length !== theirs.parameters?.length) return "the one with more parameters wins";
  return "that of the older route, or the earlier rule, wins";
}

function lostBy({ target }: RequestRule): string {
  return `takes it, too: would go to ${targetName(target)}`;
}

function placeOf({ origin }: { readonly origin?: Origin }): string {
  if (origin === undefined) return "";
  const { line, column } = lineAndColumn(origin.span());
  return `${origin.span().source.name}:${line}:${column}`;
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
  { listener, rules, matching, target, near }: ToldDecision,
  names: AddressNames,
  shown?: CertificateDecision,
  early?: EarlyAnswer,
): object {
  return {
    url: `${url.scheme}://${url.authority}${url.request.target}`,
    ...(shown === undefined ? {} : { certificate: certificateData(shown) }),
    ...(listener && { listener: { port: listener.port, protocol: listener.protocol } }),
    host: rules === undefined ? null : (rules.host ?? "*"),
    ...(near && { didYouMean: near }),
    paths: matching.map(({ match, path, conditions, filters, shadowed = [], ...route }) => ({
      match,
      path,
      ...(conditions && { conditions }),
      ...(filters && { filters }),
      ...ruleData(route),
      ...(shadowed.length === 0 ? {} : { shadowed: shadowed.map(ruleData) }),
    })),
    ...targetData(target, { request: url.request, rule: matching[0] }, names),
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

function ruleData({ target, origin }: ShadowedRule): object {
  return { target: targetName(target), ...placeData(origin) };
}
