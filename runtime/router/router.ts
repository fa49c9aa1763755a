/** Which backend gets an HTTP request, in the words of the manifests that a table was made from. */
import { checkBytes, describe } from "../../compiler/arguments.ts";
import * as L from "../../compiler/formats/router/layout.ts";
import { Descriptions } from "./descriptions.ts";
import { GatewayRouting } from "./gateway-routing.ts";
import { HostIndex } from "./host-index.ts";
import { readPorts } from "./listeners.ts";
import { PathTrees } from "./path-trees.ts";
import type { RoutedRequest, Routing } from "./routing.ts";
import { RouterTable } from "./table.ts";

export class Router {
  private read: OpenTable;

  /** Throws `TableError` when `table` is none, and `TypeError` when it is not bytes. */
  constructor(table: Uint8Array) {
    this.read = openTable(table);
  }

  /** Goes over to another table, all at once. Throws `TableError` when it is none; then the one before stays. */
  replace(table: Uint8Array): void {
    this.read = openTable(table);
  }

  /** What the table was made from. */
  get source(): string {
    const { table } = this.read;
    return table.text(table.words[L.R_SOURCE] as number);
  }

  /** What becomes of a request. Requests with one outcome get the same object. Throws `TypeError` for what is no request. */
  route(request: RoutedRequest): Routing {
    if (typeof request !== "object" || request === null) throw wrongRequest(request);
    const { host, path, sni } = request;
    if (typeof path !== "string" || !isTextOrNone(host) || !isTextOrNone(sni)) throw wrongRequest(request);
    const { table, gateways, hosts, paths, tlsHosts, descriptions } = this.read;
    if (gateways !== undefined) {
      const routing = this.routeAtGateway(gateways, request);
      if (routing !== undefined) return routing;
    }
    const record = host === undefined ? hosts.others : hosts.find(host);
    const winner = paths.winner(table.words[record + L.HOST_TREE] as number, path);
    if (sni === undefined) return descriptions.routing(record, winner);
    const certificate = table.words[tlsHosts.findName(sni) + L.TLS_HOST_CERTIFICATE] as number;
    return certificate === 0
      ? descriptions.routing(record, winner)
      : descriptions.routingWith(record, winner, certificate);
  }

  /** Undefined: no Gateway listens at the port, and Ingresses are served. */
  private routeAtGateway(gateways: ReadonlyMap<number, GatewayRouting>, request: RoutedRequest): Routing | undefined {
    const { host, path: target, sni, port = sni === undefined ? 80 : 443, method = "GET", headers = [] } = request;
    if (typeof port !== "number" || typeof method !== "string" || typeof headers[Symbol.iterator] !== "function")
      throw wrongRequest(request);
    const gateway = gateways.get(port);
    if (gateway === undefined) return this.hasIngresses() ? undefined : closedPort(port);
    const mark = target.indexOf("#");
    const whole = mark < 0 ? target : target.slice(0, mark);
    const question = whole.indexOf("?");
    return gateway.route({
      host,
      name: host === undefined ? "" : hostName(host),
      target,
      path: question < 0 ? whole : whole.slice(0, question),
      query: question < 0 ? undefined : whole.slice(question + 1),
      serverName: sni === undefined ? undefined : lowerCase(sni),
      method,
      headers,
    });
  }

  /** Whether the table has routes of Ingresses: without, its only host is the one that says so. */
  private hasIngresses(): boolean {
    const { words } = this.read.table;
    return (words[L.R_HOSTS + 1] as number) > L.NAME_UNITS || words[L.R_HAS_OTHERS] === 1;
  }
}

/** A table, and what reads its parts. */
interface OpenTable {
  readonly table: RouterTable;
  readonly hosts: HostIndex;
  readonly tlsHosts: HostIndex;
  readonly paths: PathTrees;
  readonly descriptions: Descriptions;
  /** By port, where Gateways listen; undefined: nowhere. */
  readonly gateways: ReadonlyMap<number, GatewayRouting> | undefined;
}

function openTable(bytes: Uint8Array): OpenTable {
  checkBytes(bytes, "table");
  const table = new RouterTable(bytes);
  return {
    table,
    hosts: new HostIndex(table, L.R_HOSTS, L.R_HOST_BUCKETS),
    tlsHosts: new HostIndex(table, L.R_TLS_HOSTS, L.R_TLS_BUCKETS),
    paths: new PathTrees(table),
    descriptions: new Descriptions(table),
    gateways: gatewaysIn(table),
  };
}

function gatewaysIn(table: RouterTable): ReadonlyMap<number, GatewayRouting> | undefined {
  const ports = readPorts(table.text(table.words[L.R_LISTENERS] as number));
  return ports.size === 0 ? undefined : new Map([...ports].map(([port, each]) => [port, new GatewayRouting(each)]));
}

function closedPort(port: number): Routing {
  const why = `nothing listens at port ${port}`;
  return { backend: undefined, endpoints: [], status: undefined, rule: undefined, why, certificate: undefined };
}

/** The name in a Host header: without port and a dot at its end, in lower case. Empty for an address in brackets. */
function hostName(header: string): string {
  if (header.startsWith("[")) return "";
  const colon = header.indexOf(":");
  const name = lowerCase(colon < 0 ? header : header.slice(0, colon));
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** ASCII letters in lower case. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function wrongRequest(request: unknown): TypeError {
  return new TypeError(
    `request: expected {host?: string, path: string, sni?: string, port?: number, method?: string, headers?: Iterable}, found ${describe(request)}`,
  );
}
