/**
 * Two tables of routes over all URLs. Hosts that both tables treat alike are one class, and of each host the paths that both treat alike: a path
 * that a rule of either has exactly, or what is at and below a prefix of either and of no longer one. Each class is compared by one URL of it.
 */
import { isUnsafePath } from "../../evaluate/path-safety.ts";
import { targetName } from "../../ir/request-words.ts";
import type { HostRoutes, RouteTarget } from "../../ir/routes.ts";
import { parseAddress } from "../../net/address.ts";
import { compareCertificates } from "./certificates.ts";
import { hostClasses } from "./host-classes.ts";
import { pathClasses } from "./path-classes.ts";
import { countRows, type HostTable, hostTableOf, rulesFor, servedBy, tableOf } from "./table.ts";
import type { RoutedSide, UrlDifference } from "./types.ts";

/** What was found in the rules of Ingresses. */
interface IngressComparison {
  readonly differences: readonly UrlDifference[];
  readonly classes: number;
}

/** Compares the Ingresses of two sides over all URLs; `byEndpoints`: backends by more than their names. Unsafe paths that both sides reject are left
 *  out. */
export function compareIngresses(left: RoutedSide, right: RoutedSide, byEndpoints: boolean): IngressComparison {
  const isSame = byEndpoints ? sameEndpoints : sameName;
  const areRejected = left.rejectsUnsafe === true && right.rejectsUnsafe === true;
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
    for (const { path, match, example } of pathClasses(a, b)) {
      if (areRejected && isUnsafePath(example)) continue;
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
  return { differences, classes };
}

/** Compares what the sides show in TLS handshakes. */
export function compareIngressTls(left: RoutedSide, right: RoutedSide): IngressComparison {
  if (left.tls === undefined || right.tls === undefined) return { differences: [], classes: 0 };
  const { differences, classes } = compareCertificates(left.tls, right.tls);
  const tables = [tableOf(left.routes), tableOf(right.routes)];
  return {
    classes,
    differences: differences.map(({ host, name, left: mine, right: yours }): UrlDifference => {
      const [a, b] = tables.map((table) => hostTableOf(rulesFor(table, name))) as [HostTable, HostTable];
      return {
        urls: { host, path: "/", match: "prefix" },
        example: `${name}/`,
        left: { ...servedBy(a, "/"), host: a.host, certificate: mine },
        right: { ...servedBy(b, "/"), host: b.host, certificate: yours },
      };
    }),
  };
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
