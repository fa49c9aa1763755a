/**
 * Two tables of routes over all URLs. Hosts that both tables treat alike are one class, and of each host the paths that both treat alike: a path
 * that a rule of either has exactly, or what is at and below a prefix of either and of no longer one. Each class is compared by one URL of it.
 */
import type { HostRoutes, RouteTarget } from "../ir/types.ts";
import { parseAddress } from "../net/address.ts";
import { compareBy } from "../order.ts";
import { compareCertificates, type ShownCertificate, type TlsSide } from "./certificates.ts";
import { fresh, hostClasses } from "./host-classes.ts";
import {
  countRows,
  type HostTable,
  hostTableOf,
  longestPrefix,
  rulesFor,
  type ServedBy,
  servedBy,
  tableOf,
} from "./table.ts";

/** Routes, and what is known of their backends. */
export interface RoutedSide {
  readonly routes: readonly HostRoutes[];
  /** False: backends have names only. */
  readonly knowsEndpoints: boolean;
  /** Whether paths that backends may understand as others are answered with 400; undefined: nothing says it. */
  readonly rejectsUnsafe?: boolean | undefined;
  /** Which certificates it shows; undefined: nothing says it. */
  readonly tls?: TlsSide | undefined;
}

/** URLs that both sides treat alike. */
export interface UrlClass {
  /** A name, `*.` and a suffix (names under it that no rule has), or undefined: hosts that no rule names. */
  readonly host: string | undefined;
  readonly path: string;
  /** `exact`: this path only. `prefix`: it and what is below it, where no other class has it. */
  readonly match: "exact" | "prefix";
}

/** URLs that the sides serve differently, and what serves them. */
export interface UrlDifference {
  readonly urls: UrlClass;
  /** One of the shortest of them: `HOST/PATH`. */
  readonly example: string;
  readonly left: ServedUrl;
  readonly right: ServedUrl;
}

/** What serves a URL: the rule, and the host of its rules. */
export interface ServedUrl extends ServedBy {
  readonly host: string | undefined;
  /** What the proxy answers before it asks the rules. */
  readonly answer?: string;
  /** What the proxy shows in the TLS handshake, of URLs that differ in this. */
  readonly certificate?: ShownCertificate;
}

/** What was compared, and where it differs. */
export interface UrlComparison {
  /** Shortest URLs first. */
  readonly differences: readonly UrlDifference[];
  readonly classes: number;
  /** False: backends were compared by their names. */
  readonly comparedEndpoints: boolean;
  /** False: nothing says of one side whether it rejects unsafe paths. */
  readonly comparedSafety: boolean;
  /** `alike`: certificates of the same Secret, names and times count as one. `unknown`: nothing says of one side which it shows. */
  readonly comparedCertificates: "none" | "alike" | "unknown";
}

/** Compares two sides over all URLs. */
export function compareUrls(left: RoutedSide, right: RoutedSide): UrlComparison {
  const comparedEndpoints = left.knowsEndpoints && right.knowsEndpoints;
  const isSame = comparedEndpoints ? sameEndpoints : sameName;
  const tables = [tableOf(left.routes), tableOf(right.routes)] as const;
  const differences: UrlDifference[] = [];
  let classes = 0;
  for (const [host, name] of hostClasses(new Set(tables.flatMap(({ named }) => [...named.keys()])))) {
    const [mine, yours] = [rulesFor(tables[0], name), rulesFor(tables[1], name)];
    if (mine.httpsRedirect !== yours.httpsRedirect) {
      classes++;
      differences.push(
        redirectDifference(host, name, [hostTableOf(mine), hostTableOf(yours)], mine.httpsRedirect === true),
      );
    }
    if (areAlike(mine, yours, isSame)) {
      classes += countRows(mine);
      continue;
    }
    const [a, b] = [hostTableOf(mine), hostTableOf(yours)];
    for (const [path, match, example] of pathsOf(a, b)) {
      classes++;
      const [left, right] = [servedBy(a, example), servedBy(b, example)];
      if (isSame(left.target, right.target)) continue;
      differences.push({
        urls: { host, path, match },
        example: `${name}${example}`,
        left: { ...left, host: a.host },
        right: { ...right, host: b.host },
      });
    }
  }
  const [mineRejects, yoursRejects] = [left.rejectsUnsafe, right.rejectsUnsafe];
  const comparedSafety = mineRejects !== undefined && yoursRejects !== undefined;
  if (comparedSafety && mineRejects !== yoursRejects) {
    classes++;
    differences.push(safetyDifference([hostTableOf(tables[0].any), hostTableOf(tables[1].any)], mineRejects));
  }
  const shown = [left.tls, right.tls];
  const isKnown = left.tls !== undefined && right.tls !== undefined;
  if (left.tls !== undefined && right.tls !== undefined) {
    const compared = compareCertificates(left.tls, right.tls);
    classes += compared.classes;
    for (const { host, name, left: mine, right: yours } of compared.differences) {
      const [a, b] = tables.map((table) => hostTableOf(rulesFor(table, name))) as [HostTable, HostTable];
      differences.push({
        urls: { host, path: "/", match: "prefix" },
        example: `${name}/`,
        left: { ...servedBy(a, "/"), host: a.host, certificate: mine },
        right: { ...servedBy(b, "/"), host: b.host, certificate: yours },
      });
    }
  }
  const servesTls = shown.some((side) => side !== undefined && side !== "none");
  const comparedCertificates = !servesTls ? "none" : isKnown ? "alike" : "unknown";
  differences.sort(
    compareBy(
      ({ example }) => example.length,
      ({ example }) => example,
    ),
  );
  return { differences, classes, comparedEndpoints, comparedSafety, comparedCertificates };
}

/** One side redirects HTTP requests for a host to https. */
function redirectDifference(
  host: string | undefined,
  name: string,
  [a, b]: readonly [HostTable, HostTable],
  isLeft: boolean,
): UrlDifference {
  const redirect = { answer: "308 to https" };
  return {
    urls: { host, path: "/", match: "prefix" },
    example: `${name}/`,
    left: { ...servedBy(a, "/"), host: a.host, ...(isLeft ? redirect : {}) },
    right: { ...servedBy(b, "/"), host: b.host, ...(isLeft ? {} : redirect) },
  };
}

/** One side answers 400 to paths with empty elements, dots or encoded slashes, whatever the host. */
function safetyDifference([a, b]: readonly [HostTable, HostTable], isLeft: boolean): UrlDifference {
  const path = "//";
  const rejection = { answer: "400 for unsafe paths" };
  return {
    urls: { host: undefined, path, match: "exact" },
    example: `x${path}`,
    left: { ...servedBy(a, path), host: a.host, ...(isLeft ? rejection : {}) },
    right: { ...servedBy(b, path), host: b.host, ...(isLeft ? {} : rejection) },
  };
}

/** Whether two hosts have the same rules in the same order: then no table by path is needed to see that all paths are served alike. */
function areAlike(a: HostRoutes, b: HostRoutes, isSame: (a: RouteTarget, b: RouteTarget) => boolean): boolean {
  return (
    a.paths.length === b.paths.length &&
    isSame(a.fallback, b.fallback) &&
    a.paths.every(({ match, path, target }, i) => {
      const other = b.paths[i];
      return other !== undefined && other.match === match && other.path === path && isSame(target, other.target);
    })
  );
}

/** A class of paths, and a path in it, which is one of its shortest. */
function* pathsOf(...tables: readonly [HostTable, HostTable]): Generator<readonly [string, UrlClass["match"], string]> {
  const [a, b] = tables;
  for (const path of a.exact.keys()) yield [path, "exact", path];
  for (const path of b.exact.keys()) if (!a.exact.has(path)) yield [path, "exact", path];
  const isExact = (path: string): boolean => a.exact.has(path) || b.exact.has(path);
  const keys = { has: (key: string): boolean => a.prefixes.has(key) || b.prefixes.has(key) };
  const below = (key: string): readonly [string, "prefix", string] => {
    const path = key === "/" ? "/" : key.slice(0, -1);
    const isFree = (candidate: string): boolean => !isExact(candidate) && longestPrefix(keys, candidate) === key;
    const found = [path, key].find(isFree);
    return [
      path,
      "prefix",
      found ??
        fresh(
          (element) => `${key}${element}`,
          (candidate) => !isFree(candidate),
        ),
    ];
  };
  for (const key of a.prefixes.keys()) yield below(key);
  for (const key of b.prefixes.keys()) if (!a.prefixes.has(key)) yield below(key);
}

function sameName(a: RouteTarget, b: RouteTarget): boolean {
  return targetName(a) === targetName(b);
}

/** Whether requests go to the same endpoints in the same way, or the proxy gives the same answer. */
function sameEndpoints(a: RouteTarget, b: RouteTarget): boolean {
  if (a.kind === "status" || b.kind === "status") return statusOf(a) === statusOf(b) && statusOf(a) !== undefined;
  if (a.sticky !== b.sticky || lookedUp(a) !== lookedUp(b)) return false;
  const [mine, yours] = [endpointsOf(a), endpointsOf(b)];
  if (mine.length !== yours.length) return false;
  const isAligned = mine.every(({ address, port }, i) => {
    const other = yours[i];
    return other !== undefined && other.address === address && other.port === port;
  });
  return isAligned || endpointsKey(mine) === endpointsKey(yours);
}

type Endpoints = Extract<RouteTarget, { readonly kind: "endpoints" }>;

/** The host outside that is looked up by its name. */
function lookedUp({ external }: Endpoints): string | undefined {
  return external === undefined || parseAddress(external.host) !== undefined
    ? undefined
    : `${external.host}:${external.port}`;
}

/** The endpoints; a host outside that is given by its address is one. */
function endpointsOf({ endpoints, external }: Endpoints): Endpoints["endpoints"] {
  const address = external && parseAddress(external.host);
  return external === undefined || address === undefined ? endpoints : [{ address, port: external.port }];
}

function endpointsKey(endpoints: Endpoints["endpoints"]): string {
  return endpoints
    .map(({ address, port }) => `${typeof address} ${address} ${port}`)
    .sort()
    .join();
}

/** A backend without endpoints answers 503. */
function statusOf(target: RouteTarget): number | undefined {
  if (target.kind === "status") return target.status;
  return target.endpoints.length === 0 && target.external === undefined ? 503 : undefined;
}

/** `shop/web:80`, or the status that the proxy answers. */
export function targetName(target: RouteTarget): string {
  return target.kind === "status" ? String(target.status) : target.backend;
}
