/** Routes of Ingresses and Gateways as a table for the router: bytes. */
import { lineAndColumn, type Source, type Span } from "../../diagnostics.ts";
import type { HostRoutes, ListeningPort, RouteEndpoint, RouteTarget, TlsTable } from "../../ir/routes.ts";
import { checksumOf, littleEndian } from "../tables/bytes.ts";
import * as L from "./layout.ts";
import { listenersText } from "./listeners.ts";
import { NameList, type SortedRecords } from "./names.ts";
import { TreeList } from "./trees.ts";
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

interface NumberedTarget {
  readonly target: RouteTarget;
  readonly number: number;
}

/** The table of `routes`. */
export function encodeRoutes(routes: readonly HostRoutes[], options: RouterTableOptions = {}): Uint8Array {
  return new RoutesEncoder().encode(routes, options);
}

class RoutesEncoder {
  private readonly texts = new TextList();
  private readonly trees = new TreeList(this.texts);
  private readonly decisions = new WordList();
  private readonly targets = new WordList();
  private readonly endpoints = new WordList();
  /** The numbers of targets that were met, and of those that differ by their backend, or by status and reason. */
  private readonly knownTargets = new Map<RouteTarget, number>();
  private readonly targetsByName = new Map<string, NumberedTarget[]>();
  private lastStatus: NumberedTarget | undefined;
  /** The file of the last path, and the number of its name. */
  private file: { readonly source: Source; readonly number: number } | undefined;

  encode(routes: readonly HostRoutes[], { tls, listeners, source = "" }: RouterTableOptions): Uint8Array {
    const hosts = new NameList();
    const others = routes.find(({ host }) => host === undefined);
    this.writeHost(hosts, "", others ?? NO_OTHERS);
    // Of hosts with one name the first one counts.
    const named = new Set<string>();
    for (const each of routes) {
      const { host } = each;
      if (host === undefined || !isHostOfRequests(host) || named.has(host)) continue;
      named.add(host);
      this.writeHost(hosts, host, each);
    }
    return this.join(hosts.sorted(), this.tlsHosts(tls).sorted(), [
      [L.R_SOURCE, this.texts.number(source)],
      [L.R_LISTENERS, this.texts.number(listenersText(listeners))],
      [L.R_HAS_OTHERS, others === undefined ? 0 : 1],
    ]);
  }

  /** The record of a host, and its decisions. */
  private writeHost(hosts: NameList, name: string, { paths, fallback }: HostRoutes): void {
    const first = this.decisions.reserve((1 + paths.length) * L.DECISION_WORDS);
    hosts.add(name, this.trees.of(paths), first / L.DECISION_WORDS);
    this.decisions.set(first + L.DECISION_TARGET, this.target(fallback));
    let at = first;
    for (const { target, origin } of paths) {
      at += L.DECISION_WORDS;
      this.decisions.set(at + L.DECISION_TARGET, this.target(target));
      if (origin !== undefined) this.writePlace(at, origin.span());
    }
  }

  private writePlace(at: number, span: Span): void {
    if (this.file?.source !== span.source)
      this.file = { source: span.source, number: this.texts.number(span.source.name) };
    const { line, column } = lineAndColumn(span);
    this.decisions.set(at + L.DECISION_FILE, this.file.number);
    this.decisions.set(at + L.DECISION_LINE, line);
    this.decisions.set(at + L.DECISION_COLUMN, column);
  }

  /** The number of `target`. Targets that are equal have one. */
  private target(target: RouteTarget): number {
    if (target.kind === "status") return this.statusTarget(target);
    const known = this.knownTargets.get(target);
    if (known !== undefined) return known;
    const number = this.equalTarget(target);
    this.knownTargets.set(target, number);
    return number;
  }

  /** The number of a status. Each host has an object of its own for its fallback, which mostly says the same as the one before. */
  private statusTarget(target: RouteTarget): number {
    const { lastStatus } = this;
    if (lastStatus !== undefined && areEqual(lastStatus.target, target)) return lastStatus.number;
    const number = this.equalTarget(target);
    this.lastStatus = { target, number };
    return number;
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
  private tlsHosts(tls: TlsTable | undefined): NameList {
    const list = new NameList();
    const fallback = this.texts.number(tls?.fallback ?? "");
    list.add("", fallback, 0);
    const named = new Set<string>();
    for (const { host, certificate } of tls?.hosts ?? []) {
      if (named.has(host)) continue;
      named.add(host);
      list.add(host, certificate === undefined ? fallback : this.texts.number(certificate), 0);
    }
    return list;
  }

  /** All parts, one after the other, behind the header. */
  private join(
    hosts: SortedRecords,
    tlsHosts: SortedRecords,
    header: readonly (readonly [at: number, word: number])[],
  ): Uint8Array {
    const units = this.texts.units();
    const parts = [
      [L.R_HOSTS, hosts.records, 1],
      [L.R_HOST_BUCKETS, hosts.buckets, 1],
      [L.R_TLS_HOSTS, tlsHosts.records, 1],
      [L.R_TLS_BUCKETS, tlsHosts.buckets, 1],
      [L.R_TREES, this.trees.words.view(), 1],
      [L.R_RULES, this.trees.rules.view(), L.RULE_WORDS],
      [L.R_DECISIONS, this.decisions.view(), L.DECISION_WORDS],
      [L.R_TARGETS, this.targets.view(), L.TARGET_WORDS],
      [L.R_ENDPOINTS, this.endpoints.view(), L.ENDPOINT_WORDS],
      [L.R_TEXTS, this.texts.records.view(), L.TEXT_WORDS],
      [L.R_UNITS, units.words, 1],
    ] as const;
    const length = parts.reduce((sum, [, words]) => sum + words.length, L.R_HEADER_WORDS);
    const table = new Uint32Array(length);
    let at = L.R_HEADER_WORDS;
    for (const [part, words, record] of parts) {
      table.set(words, at);
      table[part] = at;
      table[part + 1] = words.length / record;
      at += words.length;
    }
    table[L.R_UNITS + 1] = units.count;
    table[L.R_MAGIC] = L.ROUTER_MAGIC;
    table[L.R_VERSION] = L.ROUTER_VERSION;
    table[L.R_LENGTH] = table.byteLength;
    for (const [word, value] of header) table[word] = value;
    const bytes = littleEndian(table);
    const sum = checksumOf(bytes, (L.R_CHECKSUM + 1) * 4);
    new DataView(bytes.buffer).setUint32(L.R_CHECKSUM * 4, sum, true);
    return bytes;
  }
}

/** What becomes of requests for other hosts where no routes say it. */
const NO_OTHERS: HostRoutes = { paths: [], fallback: { kind: "status", status: 404, reason: "no Ingress" } };

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
