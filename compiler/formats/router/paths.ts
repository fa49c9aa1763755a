/** Which path of a host wins for which requests. */
import type { PathRoute } from "../../ir/types.ts";
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
  const own = new Map<string, { below: number; exact: number }>();
  let elsewhere = none;
  for (const [i, { match, path }] of routes.entries()) {
    // It takes each request, also one whose path has no slash.
    if (match === "prefix" && path === "/") {
      elsewhere = Math.min(elsewhere, i);
      continue;
    }
    // The path of a request ends before these.
    if (/[?#]/.test(path)) continue;
    const winners = own.get(path) ?? { below: none, exact: none };
    own.set(path, winners);
    if (match === "prefix") winners.below = Math.min(winners.below, i);
    winners.exact = Math.min(winners.exact, i);
  }
  const empty = own.get("") ?? { below: none, exact: none };
  const below = Math.min(elsewhere, empty.below);
  own.delete("");
  // A path comes behind those that it begins with.
  const sorted = [...own.keys()].sort();
  const paths = sorted.map((path): PathWinners => {
    const winners = own.get(path) ?? empty;
    const outer = outerOf(path, own)?.below ?? (path.charCodeAt(0) === SLASH ? below : elsewhere);
    winners.below = Math.min(winners.below, outer);
    winners.exact = Math.min(winners.exact, winners.below);
    return { path, ...winners };
  });
  return { paths, below, elsewhere, empty: Math.min(elsewhere, empty.exact) };
}

/** The longest path in `own` below which `path` is. */
function outerOf<T>(path: string, own: ReadonlyMap<string, T>): T | undefined {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const found = own.get(path.slice(0, end));
    if (found !== undefined) return found;
  }
  return undefined;
}
