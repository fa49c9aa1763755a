/** Two sides over all requests: the ports of Gateways, and the Ingresses. */
import { compareBy } from "../../order.ts";
import { compareIngresses, compareIngressTls } from "./ingresses.ts";
import { comparePort, type PortComparison, portText } from "./port.ts";
import { portOf, servesIngresses } from "./ports.ts";
import { hostTableOf, servedBy, tableOf } from "./table.ts";
import type { RoutedSide, ServedUrl, UrlComparison, UrlDifference } from "./types.ts";

type ComparedPart = Pick<PortComparison, "differences" | "classes"> & Partial<Pick<PortComparison, "open">>;

/** Compares two sides over all URLs, and with Gateways over all requests. */
export function compareUrls(left: RoutedSide, right: RoutedSide): UrlComparison {
  const comparedEndpoints = left.knowsEndpoints && right.knowsEndpoints;
  const { ports, ingresses, certificates } = scopeOf(left, right);
  const options = {
    byEndpoints: comparedEndpoints,
    skipsUnsafe: left.rejectsUnsafe === true || right.rejectsUnsafe === true,
  };
  const parts: readonly ComparedPart[] = [
    ...(ingresses ? [compareIngresses(left, right, comparedEndpoints)] : []),
    ...(certificates ? [compareIngressTls(left, right)] : []),
    ...ports.map((port) => comparePort(port, portOf(left, port), portOf(right, port), options)),
  ];
  const comparedSafety = left.rejectsUnsafe !== undefined && right.rejectsUnsafe !== undefined;
  const safety =
    comparedSafety && left.rejectsUnsafe !== right.rejectsUnsafe
      ? [safetyDifference(left, right, ingresses ? undefined : ports[0])]
      : [];
  const differences = [...parts.flatMap((part) => part.differences), ...safety];
  return {
    differences: differences.sort(
      compareBy(
        (each) => lengthOf(each),
        ({ example }) => example,
      ),
    ),
    classes: parts.reduce((sum, { classes }) => sum + classes, safety.length),
    ports,
    open: parts.flatMap(({ open = [] }) => open),
    comparedEndpoints,
    comparedSafety,
    comparedCertificates: certificatesOf(left, right),
  };
}

function lengthOf({ example, request }: UrlDifference): number {
  const { method = "GET", headers = [] } = request ?? {};
  const extra = headers.reduce((sum, { name, value }) => sum + name.length + value.length + 8, 0);
  return example.length + (method === "GET" ? 0 : method.length + 4) + extra;
}

/** What is compared how. */
interface Scope {
  /** Ports at which some side has a Gateway, or no port of Ingresses where the other one has. */
  readonly ports: readonly number[];
  /** Whether the tables of Ingresses are compared as such, without ports. */
  readonly ingresses: boolean;
  readonly certificates: boolean;
}

function scopeOf(left: RoutedSide, right: RoutedSide): Scope {
  const sides = [left, right];
  const listening = new Set(sides.flatMap(({ listeners = [] }) => listeners.map(({ port }) => port)));
  if (listening.size === 0) return { ports: [], ingresses: true, certificates: true };
  const bothServe = (port: number): boolean => !listening.has(port) && sides.every(servesIngresses);
  const ingresses = bothServe(80);
  const certificates = ingresses && bothServe(443);
  // What is left of the ports of Ingresses.
  const others = [80, 443].filter((port) => {
    const isCovered = port === 80 ? ingresses : certificates;
    return !isCovered && sides.some((side) => "protocol" in portOf(side, port));
  });
  return { ports: [...new Set([...listening, ...others])].sort((a, b) => a - b), ingresses, certificates };
}

/** One side answers 400 to paths with empty elements, dots or encoded slashes, whatever the host. */
function safetyDifference(left: RoutedSide, right: RoutedSide, port: number | undefined): UrlDifference {
  const path = "//";
  const served = (side: RoutedSide): ServedUrl => {
    const found = servedBy(hostTableOf(tableOf(side.routes).any), path);
    const answer = side.rejectsUnsafe === true ? { answer: "400 for unsafe paths" } : {};
    return { ...found, host: undefined, ...answer };
  };
  const sides = port === undefined ? [] : [portOf(left, port), portOf(right, port)];
  const open = sides.find((side) => "protocol" in side);
  return {
    urls: { ...(port === undefined ? {} : { port }), host: undefined, path, match: "exact" },
    example: `x${port === undefined || open === undefined ? "" : portText(port, open.protocol)}${path}`,
    ...(open === undefined ? {} : { request: { scheme: open.protocol, method: "GET", headers: [] } }),
    left: served(left),
    right: served(right),
  };
}

function certificatesOf(left: RoutedSide, right: RoutedSide): UrlComparison["comparedCertificates"] {
  const sides = [left, right];
  const servesTls = sides.some(
    ({ tls, listeners = [] }) =>
      (tls !== undefined && tls !== "none") || listeners.some(({ protocol }) => protocol === "https"),
  );
  if (!servesTls) return "none";
  const isKnown = sides.every(
    (side) =>
      (!servesIngresses(side) || side.tls !== undefined) &&
      (side.listeners ?? []).every(({ protocol, tls }) => protocol === "http" || tls !== undefined),
  );
  return isKnown ? "alike" : "unknown";
}
