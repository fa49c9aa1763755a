/** Routes of Ingresses and Gateways as a table for the router: bytes. */
import { lineAndColumn, type Source, type Span } from "../../diagnostics.ts";
import type { HostRoutes, ListeningPort, PathRoute, RouteEndpoint, RouteTarget, TlsTable } from "../../ir/types.ts";
import { checksumOf, littleEndian } from "../tables/bytes.ts";
import * as L from "./layout.ts";
import { listenersText } from "./listeners.ts";
import { winnersOf } from "./paths.ts";
import { addPathTree } from "./tree.ts";
import { TextList, WordList } from "./words.ts";

/** What a table has besides routes. */
export interface RouterTableOptions {
  /** The certificates that hosts have. */
  readonly tls?: TlsTable | undefined;
  /** Ports at which Gateways listen. */
  readonly listeners?: readonly ListeningPort[] | undefined;
  /** What it was made from. */
  readonly source?: string;
}

/** The table of `routes`. */
export function encodeRoutes(routes: readonly HostRoutes[], options: RouterTableOptions = {}): Uint8Array {
  return new RoutesEncoder().encode(routes, options);
}

class RoutesEncoder {
  private readonly nodes = new WordList();
  private readonly decisions = new WordList();
  private readonly targets = new WordList();
  private readonly endpoints = new WordList();
  private readonly texts = new TextList();
  /** The numbers of targets that were met, and of those that differ by their backend, or by status and reason. */
  private readonly knownTargets = new Map<RouteTarget, number>();
  private readonly targetsByName = new Map<string, { readonly target: RouteTarget; readonly number: number }[]>();
  /** The file of the last path, and the number of its name. */
  private file: { readonly source: Source; readonly number: number } | undefined;

  encode(routes: readonly HostRoutes[], { tls, listeners, source = "" }: RouterTableOptions): Uint8Array {
    // Of hosts with one name the first one counts.
    const named = new Map<string, HostRoutes>();
    for (const each of routes)
      if (each.host !== undefined && isHostOfRequests(each.host) && !named.has(each.host)) named.set(each.host, each);
    const hosts = new WordList();
    const others = routes.find(({ host }) => host === undefined);
    if (others === undefined) this.writeNoHost(hosts);
    else this.writeHost(hosts, others);
    for (const each of named.values()) this.writeHost(hosts, each);
    const texts = { source: this.texts.number(source), listeners: this.texts.number(listenersText(listeners)) };
    return this.join(hosts, this.tlsHosts(tls), texts);
  }

  /** The first host, that of requests for none of the others, where there are no routes for it. */
  private writeNoHost(hosts: WordList): void {
    const target: RouteTarget = { kind: "status", status: 404, reason: "no Ingress" };
    const decision = this.decision(L.DECIDED_NOTHING, this.target(target));
    const at = hosts.reserve(L.HOST_WORDS);
    for (const each of [L.HOST_BELOW, L.HOST_ELSEWHERE, L.HOST_EMPTY]) hosts.set(at + each, decision);
  }

  /** A host with its decisions and the tree of its paths. */
  private writeHost(hosts: WordList, { host = "", paths, fallback }: HostRoutes): void {
    const name = this.texts.number(host);
    const firstDecision = this.decision(L.DECIDED_FALLBACK, this.target(fallback), name);
    const units = paths.map((route) => this.decideRoute(route, name));
    // Decisions of a host follow each other: its fallback, then its paths in their order.
    const decisionOf = (winner: number): number =>
      winner === paths.length ? firstDecision : firstDecision + 1 + winner;
    const winners = winnersOf(paths);
    const children = addPathTree(this.nodes, winners.paths, units, decisionOf);
    const at = hosts.reserve(L.HOST_WORDS);
    hosts.set(at + L.HOST_NAME, name);
    hosts.set(at + L.HOST_CHILDREN, children.first);
    hosts.set(at + L.HOST_CHILDREN_COUNT, children.count);
    hosts.set(at + L.HOST_BELOW, decisionOf(winners.below));
    hosts.set(at + L.HOST_ELSEWHERE, decisionOf(winners.elsewhere));
    hosts.set(at + L.HOST_EMPTY, decisionOf(winners.empty));
  }

  /** Adds the decision of a path; gives where the units of the path begin. */
  private decideRoute({ match, path, target, origin }: PathRoute, host: number): number {
    const kind = match === "exact" ? L.DECIDED_EXACT : L.DECIDED_PREFIX;
    const goal = this.target(target);
    const number = this.texts.number(path);
    const decision = this.decision(kind, goal, host, number);
    if (origin !== undefined) this.writePlace(decision * L.DECISION_WORDS, origin.span());
    return this.texts.unitsOf(number);
  }

  private writePlace(at: number, span: Span): void {
    if (this.file?.source !== span.source)
      this.file = { source: span.source, number: this.texts.number(span.source.name) };
    const { line, column } = lineAndColumn(span);
    this.decisions.set(at + L.DECISION_FILE, this.file.number);
    this.decisions.set(at + L.DECISION_LINE, line);
    this.decisions.set(at + L.DECISION_COLUMN, column);
  }

  /** The number of a new decision. */
  private decision(kind: number, target: number, host = 0, path = 0): number {
    const at = this.decisions.reserve(L.DECISION_WORDS);
    this.decisions.set(at + L.DECISION_TARGET, target);
    this.decisions.set(at + L.DECISION_KIND, kind);
    this.decisions.set(at + L.DECISION_HOST, host);
    this.decisions.set(at + L.DECISION_PATH, path);
    return at / L.DECISION_WORDS;
  }

  /** The number of `target`. Targets that are equal have one. */
  private target(target: RouteTarget): number {
    const known = this.knownTargets.get(target) ?? this.equalTarget(target);
    this.knownTargets.set(target, known);
    return known;
  }

  private equalTarget(target: RouteTarget): number {
    const name = target.kind === "status" ? `${target.status} ${target.reason}` : target.backend;
    const same = this.targetsByName.get(name) ?? [];
    if (same.length === 0) this.targetsByName.set(name, same);
    const known = same.find((each) => areEqual(each.target, target));
    if (known !== undefined) return known.number;
    const at = this.targets.reserve(L.TARGET_WORDS);
    const number = at / L.TARGET_WORDS;
    same.push({ target, number });
    if (target.kind === "status") {
      this.targets.set(at + L.TARGET_STATUS, target.status);
      this.targets.set(at + L.TARGET_TEXT, this.texts.number(target.reason));
      return number;
    }
    this.targets.set(at + L.TARGET_TEXT, this.texts.number(target.backend));
    this.targets.set(at + L.TARGET_ENDPOINTS, this.endpoints.length / L.ENDPOINT_WORDS);
    this.targets.set(at + L.TARGET_ENDPOINTS_COUNT, target.endpoints.length);
    for (const endpoint of target.endpoints) this.endpoint(endpoint);
    return number;
  }

  private endpoint({ address, port }: RouteEndpoint): void {
    const at = this.endpoints.reserve(L.ENDPOINT_WORDS);
    this.endpoints.set(at + L.ENDPOINT_PORT, port);
    this.endpoints.set(at + L.ENDPOINT_BITS, typeof address === "number" ? 32 : 128);
    if (typeof address === "number") this.endpoints.set(at + L.ENDPOINT_ADDRESS, address);
    else
      for (let i = 0; i < 4; i++)
        this.endpoints.set(at + L.ENDPOINT_ADDRESS + i, Number((address >> BigInt(96 - 32 * i)) & 0xffffffffn));
  }

  /** Which certificate each host has. One without is shown the default one, as are those that are not listed. */
  private tlsHosts(tls: TlsTable | undefined): WordList {
    const list = new WordList();
    const fallback = this.texts.number(tls?.fallback ?? "");
    const named = (tls?.hosts ?? []).map(({ host, certificate }) => ({
      name: this.texts.number(host),
      certificate: certificate === undefined ? fallback : this.texts.number(certificate),
    }));
    for (const { name, certificate } of [{ name: 0, certificate: fallback }, ...named]) {
      const at = list.reserve(L.TLS_HOST_WORDS);
      list.set(at + L.TLS_HOST_NAME, name);
      list.set(at + L.TLS_HOST_CERTIFICATE, certificate);
    }
    return list;
  }

  /** All parts, one after the other, behind the header. */
  private join(
    hosts: WordList,
    tlsHosts: WordList,
    { source, listeners }: { readonly source: number; readonly listeners: number },
  ): Uint8Array {
    const units = this.texts.units();
    const parts = [
      [L.R_HOSTS, hosts.view(), hosts.length / L.HOST_WORDS],
      [L.R_NODES, this.nodes.view(), this.nodes.length / L.NODE_WORDS],
      [L.R_DECISIONS, this.decisions.view(), this.decisions.length / L.DECISION_WORDS],
      [L.R_TARGETS, this.targets.view(), this.targets.length / L.TARGET_WORDS],
      [L.R_ENDPOINTS, this.endpoints.view(), this.endpoints.length / L.ENDPOINT_WORDS],
      [L.R_TLS_HOSTS, tlsHosts.view(), tlsHosts.length / L.TLS_HOST_WORDS],
      [L.R_TEXTS, this.texts.records.view(), this.texts.records.length / L.TEXT_WORDS],
      [L.R_UNITS, units.words, units.count],
    ] as const;
    const length = parts.reduce((sum, [, words]) => sum + words.length, L.R_HEADER_WORDS);
    const table = new Uint32Array(length);
    let at = L.R_HEADER_WORDS;
    for (const [header, words, count] of parts) {
      table.set(words, at);
      table[header] = at;
      table[header + 1] = count;
      at += words.length;
    }
    table[L.R_MAGIC] = L.ROUTER_MAGIC;
    table[L.R_VERSION] = L.ROUTER_VERSION;
    table[L.R_LENGTH] = length * 4;
    table[L.R_SOURCE] = source;
    table[L.R_LISTENERS] = listeners;
    const bytes = littleEndian(table);
    const sum = checksumOf(bytes, (L.R_CHECKSUM + 1) * 4);
    new DataView(bytes.buffer).setUint32(L.R_CHECKSUM * 4, sum, true);
    return bytes;
  }
}

/** Whether a request can have a host, which is compared without port and in lower case. */
function isHostOfRequests(host: string): boolean {
  return /^[^[:A-Z][^:A-Z]*$/.test(host);
}

function areEqual(a: RouteTarget, b: RouteTarget): boolean {
  if (a === b) return true;
  if (a.kind === "status" || b.kind === "status")
    return (
      a.kind === b.kind && a.kind === "status" && b.kind === "status" && a.status === b.status && a.reason === b.reason
    );
  return (
    a.backend === b.backend &&
    a.external?.host === b.external?.host &&
    a.external?.port === b.external?.port &&
    a.endpoints.length === b.endpoints.length &&
    a.endpoints.every(({ address, port }, i) => address === b.endpoints[i]?.address && port === b.endpoints[i]?.port)
  );
}
