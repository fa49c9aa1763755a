/** Which path of a host wins for which requests. */
import type { PathRoute } from "../../ir/types.ts";
import { SLASH } from "./layout.ts";

/** Numbers of the paths that win; as many as there are paths: none. */
export interface PathWinners {
  readonly path: string;
  /** The first route that has it. */
  readonly route: number;
  /** For requests that go on behind the path with a slash. */
  readonly below: number;
  /** For requests of just this path. */
  readonly exact: number;
}

/** The winners of a host. */
export interface HostWinners {
  /** Each path once, sorted by units. */
  readonly paths: readonly PathWinners[];
  /** Where none of these takes a request whose path begins with a slash, does not, and is empty. */
  readonly below: number;
  readonly elsewhere: number;
  readonly empty: number;
}

/** Of several paths that take a request, the first one wins: order decides here, as in the evaluator. */
export function winnersOf(routes: readonly PathRoute[]): HostWinners {
  const none = routes.length;
  const own = new Map<string, OwnWinners>();
  let elsewhere = none;
  for (let i = 0; i < none; i++) {
    const { match, path } = routes[i] as PathRoute;
    // It takes each request, also one whose path has no slash.
    if (match === "prefix" && path === "/") {
      elsewhere = Math.min(elsewhere, i);
      continue;
    }
    const winners = own.get(path);
    // The path of a request ends before these.
    if (winners === undefined && (path.includes("?") || path.includes("#"))) continue;
    if (winners === undefined) own.set(path, { path, route: i, below: match === "prefix" ? i : none, exact: i });
    else if (match === "prefix") winners.below = Math.min(winners.below, i);
  }
  const { below: belowEmpty = none, exact: exactEmpty = none } = own.get("") ?? {};
  const below = Math.min(elsewhere, belowEmpty);
  own.delete("");
  // A path comes behind those that it begins with.
  const paths = [...own.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  // The paths that the last one begins with, and itself.
  const outer: OwnWinners[] = [];
  for (const winners of paths) {
    const { path } = winners;
    while (outer.length > 0 && !path.startsWith((outer.at(-1) as OwnWinners).path)) outer.pop();
    const nearest = outer.findLast((each) => path.charCodeAt(each.path.length) === SLASH);
    const around = nearest?.below ?? (path.charCodeAt(0) === SLASH ? below : elsewhere);
    winners.below = Math.min(winners.below, around);
    winners.exact = Math.min(winners.exact, winners.below);
    outer.push(winners);
  }
  return { paths, below, elsewhere, empty: Math.min(elsewhere, exactEmpty) };
}

/** The winners of a path as far as they are known. */
interface OwnWinners extends PathWinners {
  below: number;
  exact: number;
}
