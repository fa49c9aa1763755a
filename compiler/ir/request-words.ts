/** Targets, filters and conditions of requests, in words. */
import { unreachable } from "../invariant.ts";
import type { NamedText, PathReplacement, RequestRule, RequestTarget, RouteFilter, RouteShare } from "./routes.ts";

/** A target in one line. */
export function targetName(target: RequestTarget): string {
  switch (target.kind) {
    case "status":
      return String(target.status);
    case "endpoints":
      return target.backend;
    case "redirect":
      return `a redirect (${target.status})`;
    case "shares":
      return target.shares
        .map((share) => `${targetName(share.target)} (${shareWords(share, target.shares)})`)
        .join(", ");
    default:
      return unreachable(target);
  }
}

/** `9 of 10`: of requests. */
export function shareWords({ weight }: RouteShare, shares: readonly RouteShare[]): string {
  return `${weight} of ${totalOf(shares)}`;
}

/** The sum of their weights. */
export function totalOf(shares: readonly RouteShare[]): number {
  return shares.reduce((total, { weight }) => total + weight, 0);
}

/** What a filter does, in words. */
export function filterWords(filter: RouteFilter): string {
  if (filter.kind === "rewrite") {
    const parts = [
      ...(filter.host === undefined ? [] : [`host to ${filter.host}`]),
      ...(filter.path === undefined ? [] : [replacementWords(filter.path)]),
    ];
    return `rewrites ${parts.join(" and ") || "nothing"}`;
  }
  const of = filter.kind === "request-headers" ? "header" : "response header";
  const named = (verb: string, list: readonly NamedText[]): string[] =>
    list.map(({ name, value }) => `${verb} ${of} ${name}: ${value}`);
  return [
    ...named("sets", filter.set),
    ...named("adds", filter.add),
    ...filter.remove.map((name) => `removes ${of} ${name}`),
  ].join(", ");
}

function replacementWords({ part, path }: PathReplacement): string {
  return part === "all" ? `the path to ${path}` : `the prefix of the path to ${path === "" ? "/" : path}`;
}

/** What else than the path a rule asks for: `, method GET, header version: 2`; empty: nothing. */
export function conditionWords({ conditions = {} }: Pick<RequestRule, "conditions">): string {
  const { method, headers = [], parameters = [] } = conditions;
  return [
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(({ name, value }) => `header ${name}: ${value}`),
    ...parameters.map(({ name, value }) => `parameter ${name}=${value}`),
  ]
    .map((word) => `, ${word}`)
    .join("");
}
