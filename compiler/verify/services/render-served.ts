/** Frontends of Services as people and programs read them. */
import type { Destination } from "../../evaluate/disposition.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { printAddress } from "../../net/address.ts";
import { type EndpointNames, printEndpoint } from "./endpoint-names.ts";
import { printFrontend } from "./frontends.ts";
import type { ServedFrontend } from "./served-frontends.ts";

/** A line for each frontend, below those of columns; frontends of one Service port stand together. */
export function renderServed(served: readonly ServedFrontend[], pods: EndpointNames): string[] {
  const cells = served.map((each) => [
    each.frontend.service,
    frontendOf(each, served),
    sourceOf(each),
    endpointsOf(each, pods),
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

function endpointsOf(each: ServedFrontend, pods: EndpointNames): string {
  const { endpoints, localEndpoints, affinitySeconds, refused, frontend, hasSourceRanges } = each;
  const notes = [
    ...(affinitySeconds === undefined ? [] : [`session affinity ${affinitySeconds} s`]),
    ...(hasSourceRanges ? ["source ranges"] : []),
  ];
  const note = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  if (frontend.role === "health check port") return "health checks are let in";
  const lacking = refused === undefined ? "none" : `none: ${refused}`;
  if (localEndpoints === undefined) return `${endpoints.length === 0 ? lacking : listed(endpoints, each, pods)}${note}`;
  const outside = localEndpoints.length === 0 ? `${lacking} on this node` : listed(localEndpoints, each, pods);
  return `policy Local: ${outside}; for pods and this node itself ${listed(endpoints, each, pods)}${note}`;
}

function listed(endpoints: readonly Destination[], { frontend }: ServedFrontend, pods: EndpointNames): string {
  const shown = endpoints.slice(0, MOST_LISTED).map((each) => printEndpoint(each, pods, frontend.service));
  const more = endpoints.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Members of one frontend. */
export function servedToData(each: ServedFrontend, pods: EndpointNames): object {
  const { frontend, refused, endpoints, localEndpoints, affinitySeconds, source, hasSourceRanges } = each;
  const end = ({ address, port }: Destination): object => ({
    address: printAddress(address),
    port,
    ...(pods.has(address) ? { pod: pods.get(address) } : {}),
  });
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
