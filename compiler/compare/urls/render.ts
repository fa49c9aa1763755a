/** What a comparison of routes has found, for people and for programs. */
import { lineAndColumn, type Origin } from "../../diagnostics.ts";
import { unreachable } from "../../invariant.ts";
import type { RequestTarget } from "../../ir/routes.ts";
import { printAddressPort } from "../../net/address.ts";
import type { ServedUrl, UrlComparison, UrlDifference } from "./types.ts";
import { classWords, placeWords, ruleWords, targetWords } from "./words.ts";

/** How the two sides are called. */
export type SideNames = Readonly<Record<"left" | "right", string>>;

/** What an answer is made of. */
export interface UrlAnswer extends UrlComparison {
  /** What was not compared: a sentence each. */
  readonly gaps: readonly string[];
  readonly sides: SideNames;
}

/** Whether all was compared. */
export function isAllCompared({ gaps }: UrlAnswer): boolean {
  return gaps.length === 0;
}

/** The answer is `equal` only where all URLs were compared. */
export function urlVerdict(answer: UrlAnswer): "different" | "no difference found" | "equal" {
  if (answer.differences.length > 0) return "different";
  return isAllCompared(answer) ? "equal" : "no difference found";
}

/** The first `limit` of the differences, and how many there are. */
export function renderDifferences(differences: readonly UrlDifference[], sides: SideNames, limit: number): string[] {
  const lines = presented(differences, limit).flatMap((each) => [...renderDifference(each, sides), ""]);
  const count = differences.length;
  return count > limit ? [...lines, `… and ${count - limit} more (--limit ${count} shows them)`, ""] : lines;
}

/** Of each pair of backends one difference before the second of any, the shortest URLs first. */
function presented(differences: readonly UrlDifference[], limit: number): UrlDifference[] {
  const counts = new Map<string, number>();
  const ranked = differences.map((each) => {
    const pair = targetWords(each).join("\n");
    const rank = counts.get(pair) ?? 0;
    counts.set(pair, rank + 1);
    return { each, rank };
  });
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ each }) => each);
}

function renderDifference(difference: UrlDifference, sides: SideNames): string[] {
  const { left, right } = difference;
  const [mine, yours] = targetWords(difference);
  const rows = [
    [sides.left, mine, ruleWords(left), placeWords(left)],
    [sides.right, yours, ruleWords(right), placeWords(right)],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
  return [`${shownUrl(difference)}${flagsOf(difference)}   ${classWords(difference)}`, ...lines];
}

/** In quotes where a shell would read something else. */
function shownUrl(difference: UrlDifference): string {
  const url = urlOf(difference);
  return difference.request === undefined || /^[\w:/.,@%+=~-]+$/.test(url) ? url : shellWord(url);
}

function urlOf({ example, request, left }: UrlDifference): string {
  return `${request?.scheme ?? (left.certificate === undefined ? "http" : "https")}://${example}`;
}

/** What the request needs besides its URL, as flags of `kpc whatis`. */
function flagsOf({ request }: UrlDifference): string {
  const { method = "GET", headers = [] } = request ?? {};
  const words = headers.map(({ name, value }) => ` -H ${shellWord(`${name}: ${value}`)}`);
  return `${method === "GET" ? "" : ` -X ${method}`}${words.join("")}`;
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** How many classes of URLs each host has that differ: a line for each of the first `limit` hosts. */
export function renderHosts(differences: readonly UrlDifference[], limit: number): string[] {
  const hosts = [...countByHost(differences)];
  if (hosts.length < 2) return [];
  const lines = hosts.slice(0, limit).map(([host, count]) => `  ${host}  ${count}`);
  const more =
    hosts.length > limit ? [`  … and ${hosts.length - limit} more (--limit ${hosts.length} shows them)`] : [];
  return [`Hosts: ${hosts.length} different, with so many classes of paths each`, ...lines, ...more, ""];
}

function countByHost(differences: readonly UrlDifference[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { urls } of differences) {
    const host = urls.host ?? "(other hosts)";
    counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}

/** What was not compared, and the verdict in `words`. */
export function renderUrlConclusion(answer: UrlAnswer, words: string = urlVerdict(answer)): string[] {
  const open = answer.gaps.map((gap) => `not compared: ${gap}`);
  const given = givenIn(answer);
  return [
    ...open,
    ...(open.length > 0 ? [""] : []),
    `=> ${words}${given.length > 0 ? `, assuming ${given.join(", and ")}` : ""}: ${renderUrlExtent(answer)}`,
  ];
}

function renderUrlExtent(answer: UrlAnswer): string {
  const { classes, differences } = answer;
  const all = answer.ports.length === 0 ? "all hosts and paths" : "all ports, hosts, paths and conditions";
  const extent = isAllCompared(answer) ? all : "what was compared";
  const differing = differences.length > 0 ? `, ${differences.length} of them different` : "";
  return `${extent}, in ${classes} ${classes === 1 ? "class" : "classes"}${differing}`;
}

function givenIn({ ports, comparedEndpoints, comparedSafety, comparedCertificates }: UrlAnswer): string[] {
  const names =
    ports.length === 0
      ? "that backends of the same name have the same endpoints"
      : "that backends and lists of rules of the same name are the same";
  return [
    ...(comparedEndpoints ? [] : [names]),
    ...(comparedSafety ? [] : ["that both sides treat unsafe paths alike"]),
    ...(comparedCertificates === "alike"
      ? ["that certificates of the same Secret, names and times are the same"]
      : comparedCertificates === "unknown"
        ? ["that both sides show the same certificates"]
        : []),
  ];
}

/** The answer as plain data, `limit` of its `differences`. */
export function urlAnswerToData(answer: UrlAnswer, differences: readonly UrlDifference[], limit: number): object {
  return {
    equal: urlVerdict(answer) === "equal",
    verdict: urlVerdict(answer),
    assumptions: givenIn(answer),
    classes: answer.classes,
    differing: answer.differences.length,
    counterexamples: presented(differences, limit).map((each) => ({
      url: urlOf(each),
      ...(each.request && { method: each.request.method, headers: each.request.headers }),
      ...(each.urls.port === undefined ? {} : { port: each.urls.port }),
      host: each.urls.host ?? null,
      match: each.urls.match,
      path: each.urls.path,
      left: servedData(each.left),
      right: servedData(each.right),
    })),
    hosts: Object.fromEntries([...countByHost(differences)].slice(0, limit)),
    notCompared: answer.gaps,
  };
}

function servedData({ target, route, filters, host, origin, answer, certificate: shown }: ServedUrl): object {
  if (shown !== undefined)
    return { certificate: shown.certificate?.name ?? null, reason: shown.because, ...placeData(shown.origin) };
  if (answer !== undefined) return { answer };
  return {
    ...targetData(target),
    ...(filters === undefined ? {} : { filters }),
    host: host ?? null,
    rule:
      route === undefined
        ? null
        : { match: route.match, path: route.path, ...(route.conditions && { conditions: route.conditions }) },
    ...placeData(origin),
  };
}

function targetData(target: RequestTarget): object {
  switch (target.kind) {
    case "status":
      return { status: target.status, reason: target.reason };
    case "endpoints":
      return {
        backend: target.backend,
        endpoints: target.endpoints.map(({ address, port }) => printAddressPort(address, port)),
      };
    case "shares":
      return {
        shares: target.shares.map(({ weight, target: end, filters }) => ({
          weight,
          ...targetData(end),
          ...(filters === undefined ? {} : { filters }),
        })),
      };
    case "redirect": {
      const { kind: _, status, ...redirect } = target;
      return { status, redirect };
    }
    default:
      return unreachable(target);
  }
}

/** File, line and column; nothing where there is no place. */
export function placeData(origin: Origin | undefined): object {
  if (origin === undefined) return {};
  const span = origin.span();
  return { file: span.source.name, ...lineAndColumn(span) };
}
