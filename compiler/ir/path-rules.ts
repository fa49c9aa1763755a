/** Rules of a host of a listener by the paths that decide: which rules are tried for which paths. */
import type { RequestRule } from "./routes.ts";

/** The rules that requests for some paths meet. */
export interface PathRules {
  /** `exact`: requests for just this path; `prefix`: for it and what is below it, unless another list is nearer. */
  readonly match: "exact" | "prefix";
  readonly path: string;
  /** In the order in which they are tried. Only the last one can be without conditions; then it takes what is left. */
  readonly rules: readonly RequestRule[];
}

/** A list for each exact path and each prefix of `rules`, and one for `/` at the end. The list for an exact path is nearer than those for prefixes, and a
 *  longer prefix is nearer than a shorter one. */
export function rulesByPath(rules: readonly RequestRule[]): PathRules[] {
  const exact = new Map<string, number[]>();
  const below = new Map<string, number[]>([["/", []]]);
  for (const [i, { match, path }] of rules.entries()) {
    const map = match === "exact" ? exact : below;
    const known = map.get(path);
    if (known === undefined) map.set(path, [i]);
    else known.push(i);
  }
  const inherited = (path: string): number[] => prefixesOf(path).flatMap((prefix) => below.get(prefix) ?? []);
  const listOf = (match: PathRules["match"], path: string, candidates: readonly number[]): PathRules => ({
    match,
    path,
    rules: untilTaken([...candidates].sort((a, b) => a - b).flatMap((i) => rules[i] ?? [])),
  });
  return [
    ...[...exact].map(([path, own]) => listOf("exact", path, [...own, ...inherited(path)])),
    ...[...below.keys()].filter((path) => path !== "/").map((path) => listOf("prefix", path, inherited(path))),
    listOf("prefix", "/", below.get("/") ?? []),
  ];
}

/** The prefixes that take `path`: itself, what ends before one of its slashes, and `/`. */
function prefixesOf(path: string): string[] {
  const found = new Set([path]);
  for (let i = 0; i < path.length; i++) if (path[i] === "/") found.add(path.slice(0, i));
  return [...found.add("/")];
}

function untilTaken(rules: readonly RequestRule[]): readonly RequestRule[] {
  const last = rules.findIndex(({ conditions }) => conditions === undefined);
  return last < 0 ? rules : rules.slice(0, last + 1);
}
