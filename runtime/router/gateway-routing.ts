/** Answers of the router for ports at which Gateways listen. */
import { locationOf } from "../../compiler/evaluate/request-changes.ts";
import { unreachable } from "../../compiler/invariant.ts";
import type { RequestTarget, RouteFilter, RouteShare } from "../../compiler/ir/routes.ts";
import { printAddress } from "../../compiler/net/address.ts";
import { areMet, type ConditionalRequest } from "./conditions.ts";
import { type PlacedRule, type PortTable, rulesFor } from "./listeners.ts";
import type { RoutedShare, Routing } from "./routing.ts";

/** A request at a port of a listener. */
export interface GatewayRequest extends ConditionalRequest {
  readonly host: string | undefined;
  /** The name in the Host header: without port, in lower case; empty: there is none. */
  readonly name: string;
  readonly target: string;
  readonly path: string;
  /** In lower case; undefined: there was no TLS. */
  readonly serverName: string | undefined;
}

/** Answers that are the same for each request that a rule takes, by the certificate. */
type Known = Map<PlacedRule | "none" | "no host", Map<string | undefined, Routing>>;

/** What becomes of requests at one port. Requests with one outcome get the same object, except redirects. */
export class GatewayRouting {
  private readonly port: PortTable;
  private readonly known: Known = new Map();

  constructor(port: PortTable) {
    this.port = port;
  }

  route(request: GatewayRequest): Routing {
    const { name, path, serverName } = request;
    const isTls = this.port.listener.protocol === "https" && serverName !== undefined;
    const certificate = isTls ? this.port.certificateFor(serverName) : undefined;
    const host = this.port.hostFor(name);
    const rules = host === undefined ? [] : rulesFor(host, path);
    const found = rules.find(({ rule }) => areMet(rule.conditions, request));
    if (found?.rule.target.kind === "redirect") return describe(found, certificate, request);
    const key = found ?? (host === undefined ? "no host" : "none");
    const answers = this.known.get(key) ?? new Map<string | undefined, Routing>();
    const answer = answers.get(certificate) ?? this.answer(key, certificate, request);
    this.known.set(key, answers.set(certificate, answer));
    return answer;
  }

  private answer(
    key: PlacedRule | "none" | "no host",
    certificate: string | undefined,
    request: GatewayRequest,
  ): Routing {
    if (typeof key === "object") return describe(key, certificate, request);
    const { port } = this.port.listener;
    const why =
      key === "none"
        ? `a listener at port ${port} takes the host, and none of its rules takes the request: 404`
        : `no listener at port ${port} takes the host: 404`;
    return { backend: undefined, endpoints: [], status: 404, rule: undefined, why, certificate };
  }
}

function describe(
  { rule, host, origin }: PlacedRule,
  certificate: string | undefined,
  request: GatewayRequest,
): Routing {
  const { match, path, conditions, target, filters = [] } = rule;
  const who = host === undefined ? "a listener takes all other hosts" : `a listener takes ${host}`;
  const what = match === "exact" ? `${path} is exactly the path` : `${path} is the longest prefix of the path`;
  const more = conditions === undefined ? "" : ", and the conditions of its rule are met";
  const { text, ...end } = endOf(target, path, filters, request);
  return { ...end, rule: { host, match, path, origin }, why: `${who}, and ${what}${more}: ${text}`, certificate };
}

interface DescribedEnd extends Pick<Routing, "backend" | "endpoints" | "status" | "shares" | "redirect" | "filters"> {
  readonly text: string;
}

const NO_BACKEND = { backend: undefined, endpoints: [], status: undefined } as const;

function endOf(
  target: RequestTarget,
  path: string,
  filters: readonly RouteFilter[],
  request: GatewayRequest,
): DescribedEnd {
  const own = filters.length === 0 ? {} : { filters };
  switch (target.kind) {
    case "endpoints":
    case "status": {
      const { backend, endpoints, status } = shareEnd(target);
      return {
        backend,
        endpoints,
        status,
        ...own,
        text: target.kind === "status" ? `${target.status}, ${target.reason}` : target.backend,
      };
    }
    case "shares": {
      const shares = target.shares.map((share): RoutedShare => {
        const all = [...filters, ...(share.filters ?? [])];
        return { weight: share.weight, ...shareEnd(share.target), ...(all.length === 0 ? {} : { filters: all }) };
      });
      const sum = shares.reduce((total, { weight }) => total + weight, 0);
      const text = shares.map(({ weight, backend, status }) => `${weight} of ${sum} ${backend ?? status}`).join(", ");
      return { ...NO_BACKEND, shares, text };
    }
    case "redirect": {
      const location = locationOf(target, path, { host: request.host, target: request.target });
      const text = `${target.status} to ${location}`;
      return { ...NO_BACKEND, redirect: { status: target.status, location }, ...own, text };
    }
    default:
      return unreachable(target);
  }
}

function shareEnd(target: RouteShare["target"]): Pick<RoutedShare, "backend" | "endpoints" | "status"> {
  if (target.kind === "status") return { backend: undefined, endpoints: [], status: target.status };
  const endpoints = target.endpoints.map(({ address, port }) => ({ address: printAddress(address), port }));
  return { backend: target.backend, endpoints, status: undefined };
}
