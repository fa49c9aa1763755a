/** Paths of a host that two tables treat alike. */
import { fresh } from "./host-classes.ts";
import { longestPrefix } from "./table.ts";

/** Paths by which a table of a host is asked; prefixes have a slash at their end, and `/` is one of them. */
export interface PathKeys {
  readonly exact: ReadonlyMap<string, unknown>;
  readonly prefixes: ReadonlyMap<string, unknown>;
}

/** `exact`: this path only. `prefix`: it and what is below it, where no other class has it. */
export interface PathClass {
  readonly path: string;
  readonly match: "exact" | "prefix";
}

/** A class of paths, and a path in it, which is one of its shortest. */
export function* pathClasses(a: PathKeys, b: PathKeys): Generator<PathClass & { readonly example: string }> {
  for (const path of a.exact.keys()) yield { path, match: "exact", example: path };
  for (const path of b.exact.keys()) if (!a.exact.has(path)) yield { path, match: "exact", example: path };
  const below = (key: string): PathClass & { readonly example: string } => {
    const isFree = freedom(key, a, b);
    const path = key === "/" ? "/" : key.slice(0, -1);
    return { path, match: "prefix", example: [path, key].find(isFree) ?? freshBelow(key, isFree) };
  };
  for (const key of a.prefixes.keys()) yield below(key);
  for (const key of b.prefixes.keys()) if (!a.prefixes.has(key)) yield below(key);
}

/** Paths of a class, the shortest first: itself, with a slash, and two that go on. A change of paths that keeps what is behind a prefix, or does not,
 *  does so for each path of a class if it does for these. */
export function pathsOf({ path, match }: PathClass, a: PathKeys, b: PathKeys): string[] {
  if (match === "exact") return [path];
  const key = path === "/" ? "/" : `${path}/`;
  const isFree = freedom(key, a, b);
  const one = freshBelow(key, isFree);
  const other = freshBelow(key, (candidate) => candidate !== one && isFree(candidate));
  return [...new Set([path, key].filter(isFree)), one, other];
}

/** Whether a path is in the class of the prefix `key`. */
function freedom(key: string, a: PathKeys, b: PathKeys): (candidate: string) => boolean {
  const keys = { has: (each: string): boolean => a.prefixes.has(each) || b.prefixes.has(each) };
  return (candidate) => !a.exact.has(candidate) && !b.exact.has(candidate) && longestPrefix(keys, candidate) === key;
}

function freshBelow(key: string, isFree: (candidate: string) => boolean): string {
  return fresh(
    (element) => `${key}${element}`,
    (candidate) => !isFree(candidate),
  );
}
