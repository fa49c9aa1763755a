/** Frontends of Services as people and programs read them. */
import type { Destination } from "../../evaluate/disposition.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { printAddress } from "../../net/address.ts";
import { type KnownEndpoints, printEndpoint } from "./endpoint-names.ts";
import { printFrontend } from "./frontends.ts";
import type { ServedFrontend } from "./served-frontends.ts";

/** A line for each frontend, below those of columns; frontends of one Service port stand together. */
export function renderServed(served: readonly ServedFrontend[], known: KnownEndpoints): string[] {
  const cells = served.map((each) => [
    each.frontend.service,
    frontendOf(each, served),
    sourceOf(each),
    endpointsOf(each, known),
  ]);
  const rows = [["SERVICE", "FRONTEND", "ENDPOINTS SEE", "ENDPOINTS"], ...cells];
  const widths = [0, 1, 2].map((column) => Math.min(48, Math.max(...rows.map((row) => row[column]?.length ?? 0))));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Node ports are alike in both families. */
function frontendOf({ frontend }: ServedFrontend, all: readonly ServedFrontend[]): string {
  const isAlone = all.every((other) => other.frontend.family === frontend.family);
  return `${printFrontend(frontend)}${frontend.address === undefined && !isAlone ? ` (${frontend.family})` : ""}`;
}

function sourceOf({ source }: ServedFrontend): string {
  return source ?? "-";
}

const MOST_LISTED = 6;

function endpointsOf(each: ServedFrontend, known: KnownEndpoints): string {
  const { endpoints, localEndpoints, affinitySeconds, refused, frontend, hasSourceRanges } = each;
  const notes = [
    ...(affinitySeconds === undefined ? [] : [`session affinity ${affinitySeconds} s`]),
    ...(hasSourceRanges ? ["source ranges"] : []),
  ];
  const note = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  if (frontend.role === "health check port") return "health checks are let in";
  const lacking = refused === undefined ? "none" : `none: ${refused}`;
  if (localEndpoints === undefined)
    return `${endpoints.length === 0 ? lacking : listed(endpoints, each, known)}${note}`;
  const outside = localEndpoints.length === 0 ? `${lacking} on this node` : listed(localEndpoints, each, known);
  return `policy Local: ${outside}; for pods and this node itself ${listed(endpoints, each, known)}${note}`;
}

function listed(
  endpoints: readonly Destination[],
  { frontend: { service } }: ServedFrontend,
  { pods, isLocal }: KnownEndpoints,
): string {
  const shown = endpoints.slice(0, MOST_LISTED).map((each) => {
    const text = printEndpoint(each, pods, service);
    if (isLocal(service, each) !== true) return text;
    return text.endsWith(")") ? `${text.slice(0, -1)}, local)` : `${text} (local)`;
  });
  const more = endpoints.slice(MOST_LISTED);
  const local = more.filter((each) => isLocal(service, each) === true).length;
  const ofThem = local === 0 ? "" : ` (${local} local)`;
  return `${shown.join(", ")}${more.length > 0 ? ` and ${more.length} more${ofThem}` : ""}`;
}

/** Members of one frontend. */
export function servedToData(each: ServedFrontend, { pods, isLocal }: KnownEndpoints): object {
  const { frontend, refused, endpoints, localEndpoints, affinitySeconds, source, hasSourceRanges } = each;
  const end = ({ address, port }: Destination): object => {
    const local = isLocal(frontend.service, { address, port });
    return {
      address: printAddress(address),
      port,
      ...(pods.has(address) ? { pod: pods.get(address) } : {}),
      ...(local === undefined ? {} : { local }),
    };
  };
  return {
    service: frontend.service,
    kind: frontend.role,
    family: frontend.family,
    protocol: PROTOCOL_NAMES.get(frontend.protocol) ?? String(frontend.protocol),
    address: frontend.address === undefined ? null : printAddress(frontend.address),
    port: frontend.port,
    endpoints: endpoints.map(end),
    localEndpoints: localEndpoints === undefined ? null : localEndpoints.map(end),
    refused: refused ?? null,
    affinitySeconds: affinitySeconds ?? null,
    endpointsSee: source ?? null,
    sourceRanges: hasSourceRanges,
  };
}
