/** Which backend gets an HTTP request, in the words of the manifests that a table was made from. */
import { checkBytes, describe } from "../../compiler/arguments.ts";
import * as L from "../../compiler/formats/router/layout.ts";
import { type Ipv4, type Ipv6, printAddress } from "../../compiler/net/address.ts";
import type { Endpoint } from "../classifier/classifier.ts";
import { GatewayRouting } from "./gateway-routing.ts";
import { HostIndex } from "./host-index.ts";
import { readPorts } from "./listeners.ts";
import type { RoutedRequest, RouterRule, Routing } from "./routing.ts";
import { RouterTable } from "./table.ts";

export class Router {
  private table: RouterTable;
  private hosts: HostIndex;
  private tlsHosts: NamedRecords;
  /** What decisions mean, by their number and by that of the certificate, once someone asked. */
  private known: (Routing | undefined)[][] = [];
  /** By port, where Gateways listen; undefined: nowhere. */
  private gateways: ReadonlyMap<number, GatewayRouting> | undefined;

  /** Throws `TableError` when `table` is none, and `TypeError` when it is not bytes. */
  constructor(table: Uint8Array) {
    checkBytes(table, "table");
    this.table = new RouterTable(table);
    this.hosts = new HostIndex(this.table);
    this.tlsHosts = recordsOf(this.table, L.R_TLS_HOSTS, L.TLS_HOST_WORDS);
    this.gateways = gatewaysIn(this.table);
  }

  /** Goes over to another table, all at once. Throws `TableError` when it is none; then the one before stays. */
  replace(table: Uint8Array): void {
    checkBytes(table, "table");
    const next = new RouterTable(table);
    this.gateways = gatewaysIn(next);
    this.hosts = new HostIndex(next);
    this.tlsHosts = recordsOf(next, L.R_TLS_HOSTS, L.TLS_HOST_WORDS);
    this.table = next;
    this.known = [];
  }

  /** What the table was made from. */
  get source(): string {
    return this.table.text(this.table.words[L.R_SOURCE] as number);
  }

  /** What becomes of a request. Requests with one outcome get the same object. Throws `TypeError` for what is no request. */
  route(request: RoutedRequest): Routing {
    if (typeof request !== "object" || request === null) throw wrongRequest(request);
    const { host, path, sni } = request;
    if (typeof path !== "string" || !isTextOrNone(host) || !isTextOrNone(sni)) throw wrongRequest(request);
    if (this.gateways !== undefined) {
      const routing = this.routeAtGateway(this.gateways, request);
      if (routing !== undefined) return routing;
    }
    const record = host === undefined ? this.hosts.others : this.hosts.find(host);
    const decision = this.decide(record, path);
    const certificate = sni === undefined ? 0 : this.certificateFor(sni);
    return this.known[certificate]?.[decision] ?? this.describe(decision, certificate);
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
    const { words } = this.table;
    const decision = words[this.hosts.others + L.HOST_EMPTY] as number;
    const kind = words[(words[L.R_DECISIONS] as number) + decision * L.DECISION_WORDS + L.DECISION_KIND];
    return (words[L.R_HOSTS + 1] as number) > 1 || kind !== L.DECIDED_NOTHING;
  }

  /** The number of the certificate for a name in a TLS handshake, which has no port. */
  private certificateFor(name: string): number {
    const record = this.tlsHosts.byName.get(name) ?? findRecord(this.tlsHosts, lowerCase(name));
    return this.table.words[record + L.TLS_HOST_CERTIFICATE] as number;
  }

  // --- paths -----------------------------------------------------------------------------------------------------------

  /** The number of the decision about a path for the host whose record is at `host`. */
  private decide(host: number, path: string): number {
    const { words, units } = this.table;
    const nodes = words[L.R_NODES] as number;
    const { length } = path;
    let unit = length > 0 ? path.charCodeAt(0) : QUESTION_MARK;
    if (unit === QUESTION_MARK || unit === HASH_MARK) return words[host + L.HOST_EMPTY] as number;
    let decision = words[host + (unit === L.SLASH ? L.HOST_BELOW : L.HOST_ELSEWHERE)] as number;
    let first = words[host + L.HOST_CHILDREN] as number;
    let count = words[host + L.HOST_CHILDREN_COUNT] as number;
    for (let i = 0; count > 0; ) {
      const node = this.childWith(unit, nodes + first * L.NODE_WORDS, count);
      if (node < 0) return decision;
      const end = i + (words[node + L.NODE_UNITS_COUNT] as number);
      if (end > length) return decision;
      const offset = (words[node + L.NODE_UNITS] as number) - i;
      // The first unit is that of the child.
      for (i++; i < end; i++) if (path.charCodeAt(i) !== units[offset + i]) return decision;
      unit = i < length ? path.charCodeAt(i) : QUESTION_MARK;
      const exact = words[node + L.NODE_EXACT] as number;
      if (unit === QUESTION_MARK || unit === HASH_MARK) return exact === 0 ? decision : exact - 1;
      if (unit === L.SLASH && exact !== 0) decision = (words[node + L.NODE_BELOW] as number) - 1;
      first = words[node + L.NODE_CHILDREN] as number;
      count = words[node + L.NODE_CHILDREN_COUNT] as number;
    }
    return decision;
  }

  /** The one of `count` children from `at` on whose first unit is `unit`; -1: none. */
  private childWith(unit: number, at: number, count: number): number {
    const { words } = this.table;
    let [low, high] = [0, count];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((words[at + middle * L.NODE_WORDS + L.NODE_FIRST] as number) <= unit) low = middle;
      else high = middle;
    }
    const child = at + low * L.NODE_WORDS;
    return words[child + L.NODE_FIRST] === unit ? child : -1;
  }

  // --- words -----------------------------------------------------------------------------------------------------------

  /** What a decision means, which is kept. */
  private describe(decision: number, certificate: number): Routing {
    const { words } = this.table;
    const at = (words[L.R_DECISIONS] as number) + decision * L.DECISION_WORDS;
    const target = (words[L.R_TARGETS] as number) + (words[at + L.DECISION_TARGET] as number) * L.TARGET_WORDS;
    const status = words[target + L.TARGET_STATUS] as number;
    const text = this.table.text(words[target + L.TARGET_TEXT] as number);
    const rule = this.ruleOf(at);
    const host = this.table.text(words[at + L.DECISION_HOST] as number);
    const end = status === 0 ? text : `${status}, ${text}`;
    const routing: Routing = {
      backend: status === 0 ? text : undefined,
      endpoints: status === 0 ? this.endpointsOf(target) : [],
      status: status === 404 || status === 503 ? status : undefined,
      rule,
      why: `${reasonOf(words[at + L.DECISION_KIND] as number, host, rule)}: ${end}`,
      certificate: certificate === 0 ? undefined : this.table.text(certificate),
    };
    const known = this.known[certificate] ?? [];
    known[decision] = routing;
    this.known[certificate] = known;
    return routing;
  }

  private ruleOf(at: number): RouterRule | undefined {
    const { words } = this.table;
    const kind = words[at + L.DECISION_KIND];
    if (kind !== L.DECIDED_EXACT && kind !== L.DECIDED_PREFIX) return undefined;
    const host = this.table.text(words[at + L.DECISION_HOST] as number);
    const file = this.table.text(words[at + L.DECISION_FILE] as number);
    return {
      host: host === "" ? undefined : host,
      match: kind === L.DECIDED_EXACT ? "exact" : "prefix",
      path: this.table.text(words[at + L.DECISION_PATH] as number),
      origin:
        words[at + L.DECISION_LINE] === 0
          ? undefined
          : `${file}:${words[at + L.DECISION_LINE]}:${words[at + L.DECISION_COLUMN]}`,
    };
  }

  private endpointsOf(target: number): Endpoint[] {
    const { words } = this.table;
    const first = words[target + L.TARGET_ENDPOINTS] as number;
    return Array.from({ length: words[target + L.TARGET_ENDPOINTS_COUNT] as number }, (_, i) => {
      const at = (words[L.R_ENDPOINTS] as number) + (first + i) * L.ENDPOINT_WORDS;
      const word = (number: number): number => (words[at + L.ENDPOINT_ADDRESS + number] as number) >>> 0;
      const address =
        words[at + L.ENDPOINT_BITS] === 32
          ? (word(0) as Ipv4)
          : ([0, 1, 2, 3].reduce((sum, i) => (sum << 32n) | BigInt(word(i)), 0n) as Ipv6);
      return { address: printAddress(address), port: words[at + L.ENDPOINT_PORT] as number };
    });
  }
}

function gatewaysIn(table: RouterTable): ReadonlyMap<number, GatewayRouting> | undefined {
  const ports = readPorts(table.text(table.words[L.R_LISTENERS] as number));
  return ports.size === 0 ? undefined : new Map([...ports].map(([port, each]) => [port, new GatewayRouting(each)]));
}

function closedPort(port: number): Routing {
  const why = `nothing listens at port ${port}`;
  return { backend: undefined, endpoints: [], status: undefined, rule: undefined, why, certificate: undefined };
}

function reasonOf(kind: number, host: string, rule: RouterRule | undefined): string {
  if (kind === L.DECIDED_NOTHING) return "no Ingress has a rule for the host";
  const who =
    host === ""
      ? "no rule names the host"
      : host.startsWith("*.")
        ? `${host} is the wildcard for the host`
        : `a rule names ${host}`;
  if (rule === undefined) return `${who}, none of its paths takes the request, and the fallback does`;
  return `${who}, and ${rule.match === "exact" ? `${rule.path} is exactly the path` : `${rule.path} is the longest prefix of the path`}`;
}

/** Where records with the names of hosts are in a table. */
interface NamedRecords {
  readonly byName: ReadonlyMap<string, number>;
  /** Those with a wildcard, by what follows it. */
  readonly bySuffix: ReadonlyMap<string, number>;
  readonly others: number;
}

/** The records of `part`, which begin with their name; the first one is that of all others. */
function recordsOf(table: RouterTable, part: number, words: number): NamedRecords {
  const others = table.words[part] as number;
  const byName = new Map<string, number>();
  const bySuffix = new Map<string, number>();
  for (let i = 1; i < (table.words[part + 1] as number); i++) {
    const at = others + i * words;
    const name = table.text(table.words[at] as number);
    byName.set(name, at);
    if (name.startsWith("*.")) bySuffix.set(name.slice(1), at);
  }
  return { byName, bySuffix, others };
}

/** The record for a name: its own, else that of the wildcard for its first label, else that of all others. */
function findRecord({ byName, bySuffix, others }: NamedRecords, name: string): number {
  const precise = byName.get(name);
  if (precise !== undefined) return precise;
  const dot = name.indexOf(".");
  return (dot > 0 ? bySuffix.get(name.slice(dot)) : undefined) ?? others;
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

const HASH_MARK = 35;
const QUESTION_MARK = 63;
