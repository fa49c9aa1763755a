/** Which path of a host wins for which requests. */
import type { PathRoute } from "../../ir/routes.ts";
import { SLASH } from "./layout.ts";

/** Numbers of the paths that win; as many as there are paths: none. */
export interface PathWinners {
  readonly path: string;
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
  const own: OwnWinners[] = [];
  let elsewhere = none;
  for (let i = 0; i < none; i++) {
    const { match, path } = routes[i] as PathRoute;
    // The first takes each request, also one whose path has no slash. The path of a request ends before the others.
    if (match === "prefix" && path === "/") elsewhere = Math.min(elsewhere, i);
    else if (!path.includes("?") && !path.includes("#"))
      own.push({ path, below: match === "prefix" ? i : none, exact: i });
  }
  const paths = joinEqual(own.sort(byPath));
  const { below: belowEmpty = none, exact: exactEmpty = none } = paths[0]?.path === "" ? (paths.shift() ?? {}) : {};
  const below = Math.min(elsewhere, belowEmpty);
  // The paths that the last one begins with, and itself.
  const outer: OwnWinners[] = [];
  for (const winners of paths) {
    const { path } = winners;
    while (outer.length > 0 && !path.startsWith((outer.at(-1) as OwnWinners).path)) outer.pop();
    const around = path.charCodeAt(0) === SLASH ? below : elsewhere;
    winners.below = Math.min(winners.below, belowNearest(outer, path) ?? around);
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

/** A path comes behind those that it begins with. */
function byPath(a: PathWinners, b: PathWinners): number {
  return a.path < b.path ? -1 : a.path === b.path ? 0 : 1;
}

/** Each path once. Those with one path follow each other, the first route first. */
function joinEqual(sorted: readonly OwnWinners[]): OwnWinners[] {
  const joined: OwnWinners[] = [];
  for (const each of sorted) {
    const last = joined.at(-1);
    if (last?.path === each.path) last.below = Math.min(last.below, each.below);
    else joined.push(each);
  }
  return joined;
}

/** What the longest of `outer` says of `path`, which goes on with a slash there. */
function belowNearest(outer: readonly OwnWinners[], path: string): number | undefined {
  for (let i = outer.length - 1; i >= 0; i--) {
    const each = outer[i] as OwnWinners;
    if (path.charCodeAt(each.path.length) === SLASH) return each.below;
  }
  return undefined;
}
