/** The tables of one node, kept up with the objects of the cluster: each change is made of the Services that it concerns. */
import type { Diagnostic } from "../diagnostics.ts";
import { stringify } from "../ir/normal-form.ts";
import type { TableChange } from "../ir/table-change.ts";
import type { Table } from "../ir/types.ts";
import type { ServicePort } from "../model/types.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import type { Config } from "../node/config.ts";
import { type Resolved, resolveConfig } from "../node/resolve.ts";
import { type DecodedService, decodeService, specsOf } from "./decode-service.ts";
import { ObjectTexts, type Touched } from "./object-texts.ts";
import { type HealthCheckPort, healthCheckOf, lostClaims, type WithoutLocal, withoutLocalOf } from "./service-facts.ts";
import { type ContributionFollower, type Move, ServiceTable, type Side } from "./service-table.ts";
import { compareKeys, type RuleKind, watchedObject } from "./watched-object.ts";

/** One transaction: what is to be done to the tables, and why. */
export interface NodeUpdate {
  /** At most one for each family. Empty: nothing that the rules hold has changed. */
  readonly changes: readonly TableChange[];
  /** The Services that were made anew, `namespace/name`. */
  readonly services: readonly string[];
  /** The objects whose events led to it, `Kind key`. */
  readonly causes: readonly string[];
  /** Service ports of UDP of these Services, as they were and are: connections may outlive their endpoints. */
  readonly udp: { readonly before: readonly ServicePort[]; readonly after: readonly ServicePort[] };
}

/** Something wrong with an object. It has no place: nobody has the text. */
export type ObjectFinding = Pick<Diagnostic, "severity" | "code" | "message">;

/** Some Services with all that they have in the tables: at most one change for each family, which adds elements. */
export interface TablePiece {
  /** `namespace/name`. */
  readonly services: readonly string[];
  readonly changes: readonly TableChange[];
}

export interface NodeTablesOptions {
  /** Chains that Services may need soon are made in advance, and kept. Without them the tables are those of `compile`. */
  readonly hasSpares?: boolean;
  readonly follower?: ContributionFollower;
}

/** What one Service has in the tables: enough to make its elements again. */
interface KeptService {
  readonly texts: readonly string[];
  readonly created: number | undefined;
  /** Those in which it has ports. */
  readonly families: readonly Family[];
  readonly claims: Readonly<Record<Family, readonly string[]>>;
  /** Claims that other Services have. */
  readonly lost: Readonly<Record<Family, readonly string[]>>;
}

export class NodeTables {
  private readonly config: Config;
  private readonly store = new ObjectTexts();
  private readonly families: Readonly<Record<Family, ServiceTable>>;
  private readonly kept = new Map<string, KeptService>();
  /** Services whose objects have changed since their elements were made, with the objects. */
  private readonly dirty = new Map<string, string | Set<string>>();
  private settingCauses: Set<string> | undefined = new Set();
  private resolved: Resolved | undefined;
  /** What is wrong with objects, by Service; that of the node's settings by the empty name. */
  private readonly found = new Map<string, readonly ObjectFinding[]>();
  private readonly checks = new Map<string, HealthCheckPort>();
  private readonly withoutLocals = new Map<string, WithoutLocal>();
  private readonly losers = new Map<string, readonly string[]>();
  private readonly decoded = new Map<readonly string[], DecodedService>();

  /** `config`: with kube-proxy's own settings beneath (`withKubeProxy`). */
  constructor(config: Config, { hasSpares = false, follower }: NodeTablesOptions = {}) {
    this.config = config;
    const tableOf = (family: Family): ServiceTable => new ServiceTable(family, hasSpares, follower);
    this.families = { IPv4: tableOf("IPv4"), IPv6: tableOf("IPv6") };
  }

  /** An object as it is now; one without a name is left out. */
  put(kind: RuleKind, value: unknown): void {
    const object = watchedObject(kind, value);
    if (object !== undefined) this.touch(`${kind} ${object.key}`, this.store.put(object));
  }

  /** An object that is gone: `namespace/name`, or of kinds without namespaces the name. */
  delete(kind: RuleKind, key: string): void {
    this.touch(`${kind} ${key}`, this.store.delete(kind, key));
  }

  /** How many Services wait for `update`. */
  get waiting(): number {
    return this.settingCauses === undefined ? this.dirty.size : Math.max(1, this.dirty.size);
  }

  /** How many Services have their elements in the tables. */
  get size(): number {
    return this.kept.size;
  }

  /** What is wrong with objects, by Service (`namespace/name`); of settings by the empty name. */
  get findings(): ReadonlyMap<string, readonly ObjectFinding[]> {
    return this.found;
  }

  /** By Service, `namespace/name`. */
  get healthChecks(): ReadonlyMap<string, HealthCheckPort> {
    return this.checks;
  }

  /** Services of which traffic is dropped here, because a policy wants endpoints of this node and there are none. */
  get withoutLocal(): ReadonlyMap<string, WithoutLocal> {
    return this.withoutLocals;
  }

  /** Services that claim what others have, with each of that in words. */
  get conflicts(): ReadonlyMap<string, readonly string[]> {
    return this.losers;
  }

  /** The settings that the tables were made with. */
  get settings(): Resolved | undefined {
    return this.resolved;
  }

  /** Makes elements anew for at most `limit` of the Services that wait, and for those that win or lose an address by that. Undefined: none
   *  waits. Whoever takes the change must carry it out, or compare `tables` with what is there. */
  update(limit = Number.POSITIVE_INFINITY): NodeUpdate | undefined {
    if (this.waiting === 0) return undefined;
    const causes = new Set<string>();
    const before = this.resolved;
    const isOther = this.takeSettings(causes);
    // Other settings concern all that is there already: nothing of it may be of the old ones.
    const chosen = firstOf(this.dirty.keys(), isOther && this.kept.size > 0 ? Number.POSITIVE_INFINITY : limit);
    const moves = this.settle(chosen, causes);
    if (isOther)
      for (const [key, kept] of this.kept) if (!moves.has(key)) moves.set(key, { before: kept, after: kept });
    const changes = this.change(moves, before);
    const udp = this.udpPortsOf(moves);
    this.decoded.clear();
    return { changes, services: [...moves.keys()], causes: [...causes], udp };
  }

  /** The whole tables, as they are after all updates. */
  tables(): Table[] {
    const { resolved } = this;
    if (resolved === undefined) return [];
    const kept = [...this.kept].sort(([a], [b]) => compareKeys(a, b));
    const tables = FAMILIES.flatMap((family) => {
      const services = kept.map(([, service]) => this.sideOf(service, family));
      return this.families[family].whole(services, resolved) ?? [];
    });
    this.decoded.clear();
    return tables;
  }

  /** The tables without what Services have in them. */
  emptyTables(): Table[] {
    return FAMILIES.flatMap((family) => this.families[family].empty ?? []);
  }

  /** What Services have in the tables, `limit` of them at a time: each element once. No update may come between. */
  *pieces(limit: number): Generator<TablePiece> {
    const { resolved } = this;
    const services = [...this.kept];
    for (let at = 0; resolved !== undefined && at < services.length; at += limit) {
      const some = services.slice(at, at + limit);
      const changes = FAMILIES.flatMap((family) => {
        const sides = some.map(([key, kept]) => [key, this.sideOf(kept, family)] as const);
        return this.families[family].piece(sides, resolved) ?? [];
      });
      this.decoded.clear();
      yield { services: some.map(([key]) => key), changes };
    }
  }

  // --- events ------------------------------------------------------------------------------------------------------------

  private touch(cause: string, touched: Touched): void {
    if (touched === "settings") {
      this.settingCauses ??= new Set();
      this.settingCauses.add(cause);
      return;
    }
    for (const service of touched) {
      const causes = this.dirty.get(service);
      if (causes === undefined) this.dirty.set(service, cause);
      else if (typeof causes !== "string") causes.add(cause);
      else if (causes !== cause) this.dirty.set(service, new Set([causes, cause]));
    }
  }

  // --- one update ----------------------------------------------------------------------------------------------------------

  /** Whether the settings are others than before. Settings with an error are not taken. */
  private takeSettings(causes: Set<string>): boolean {
    if (this.settingCauses === undefined) return false;
    for (const cause of this.settingCauses) causes.add(cause);
    this.settingCauses = undefined;
    const findings: Diagnostic[] = [];
    const report = (finding: Diagnostic): void => void findings.push(finding);
    const resolved = resolveConfig(this.config, specsOf(this.store.settingTexts(), report), report);
    const isSound = findings.every(({ severity }) => severity !== "error");
    this.note("", findings);
    if (!isSound && this.resolved !== undefined) return false;
    if (this.resolved !== undefined && stringify(this.resolved) === stringify(resolved)) return false;
    this.resolved = resolved;
    return true;
  }

  /** What becomes of Services: decodes `chosen`, and finds out who has which address now. */
  private settle(chosen: readonly string[], causes: Set<string>): Map<string, Move<KeptService>> {
    const moves = new Map<string, Move<KeptService>>();
    const others = new Set<string>();
    for (const key of chosen) {
      const known = this.dirty.get(key) ?? [];
      for (const cause of typeof known === "string" ? [known] : known) causes.add(cause);
      this.dirty.delete(key);
      const texts = this.store.textsOf(key);
      const decoded = texts && this.decode(texts, key);
      if (texts === undefined) this.found.delete(key);
      else if (decoded === undefined) continue; // it keeps what it has
      const before = this.kept.get(key);
      const after = texts && decoded && this.keep(texts, decoded);
      moves.set(key, { before, after });
      for (const family of FAMILIES) {
        const moved = this.families[family].claims.move(before?.claims[family] ?? [], after?.claims[family] ?? [], {
          service: key,
          created: after?.created,
        });
        for (const other of moved) others.add(other);
      }
    }
    for (const key of others) {
      const kept = this.kept.get(key);
      if (kept !== undefined && !moves.has(key)) moves.set(key, { before: kept, after: kept });
    }
    for (const [key, { before, after }] of moves) {
      const settled = after && { ...after, lost: this.lostOf(key, after) };
      if (settled === undefined) this.kept.delete(key);
      else this.kept.set(key, settled);
      const isSame = before === after && stringify(before?.lost) === stringify(settled?.lost);
      if (isSame) moves.delete(key);
      else moves.set(key, { before, after: settled });
    }
    return moves;
  }

  private lostOf(key: string, { claims }: KeptService): KeptService["lost"] {
    const lost = (family: Family): readonly string[] => this.families[family].claims.lostBy(key, claims[family]);
    const [ipv4, ipv6] = [lost("IPv4"), lost("IPv6")];
    return ipv4.length + ipv6.length === 0 ? NOTHING_LOST : { IPv4: ipv4, IPv6: ipv6 };
  }

  private keep(texts: readonly string[], { servicePorts, created }: DecodedService): KeptService {
    const claims = (family: Family): readonly string[] => ServiceTable.claimsOf(servicePorts[family]);
    const [isIpv4, isIpv6] = [servicePorts.IPv4.length > 0, servicePorts.IPv6.length > 0];
    const families = isIpv4 && isIpv6 ? FAMILIES : isIpv4 ? ONLY_IPV4 : isIpv6 ? ONLY_IPV6 : NO_FAMILIES;
    return { texts, created, families, claims: { IPv4: claims("IPv4"), IPv6: claims("IPv6") }, lost: NOTHING_LOST };
  }

  private change(moves: Map<string, Move<KeptService>>, before: Resolved | undefined): TableChange[] {
    const { resolved } = this;
    if (resolved === undefined) return [];
    // Names first: whose endpoint is known by another number now is made anew, too.
    for (const family of FAMILIES)
      for (const key of this.families[family].moveNames(this.sides(moves, family), before, resolved)) {
        const kept = this.kept.get(key);
        if (kept !== undefined && !moves.has(key)) moves.set(key, { before: kept, after: kept });
      }
    for (const [key, { after }] of moves) this.noteFacts(key, after, resolved);
    return FAMILIES.flatMap((family) => {
      const elementOf = (key: string): Side | undefined => {
        const kept = this.kept.get(key);
        return kept && this.sideOf(kept, family);
      };
      return this.families[family].change(this.sides(moves, family), before, resolved, elementOf) ?? [];
    });
  }

  private udpPortsOf(moves: ReadonlyMap<string, Move<KeptService>>): NodeUpdate["udp"] {
    const before: ServicePort[] = [];
    const after: ServicePort[] = [];
    for (const family of FAMILIES)
      for (const [, move] of this.sides(moves, family))
        for (const [side, ports] of [
          [move.before, before],
          [move.after, after],
        ] as const)
          if (side?.ports().some(isUdp)) ports.push(...ServiceTable.portsOf(side).filter(isUdp));
    return { before, after };
  }

  private noteFacts(key: string, kept: KeptService | undefined, { node }: Resolved): void {
    const ports = kept && this.decodedOf(kept.texts).servicePorts;
    keep(this.checks, key, ports && healthCheckOf(ports, node));
    keep(this.withoutLocals, key, ports && withoutLocalOf(ports, node));
    const lost = FAMILIES.flatMap((family) => {
      const claims = kept?.lost[family] ?? [];
      if (ports === undefined || claims.length === 0) return [];
      return lostClaims(ports[family], claims, (claim) => this.families[family].claims.ownerOf(claim));
    });
    keep(this.losers, key, lost.length === 0 ? undefined : lost);
  }

  /** Of those that have a port in `family`, before or after. */
  private *sides(
    moves: ReadonlyMap<string, Move<KeptService>>,
    family: Family,
  ): Generator<readonly [string, Move<Side>]> {
    for (const [key, { before, after }] of moves)
      if (before?.families.includes(family) || after?.families.includes(family))
        yield [key, { before: before && this.sideOf(before, family), after: after && this.sideOf(after, family) }];
  }

  private sideOf({ texts, lost }: KeptService, family: Family): Side {
    return { ports: () => this.decodedOf(texts).servicePorts[family], lost: lost[family] };
  }

  // --- decoding ------------------------------------------------------------------------------------------------------------

  /** Undefined where one of the objects has an error. What is found is noted. */
  private decode(texts: readonly string[], service: string): DecodedService | undefined {
    const findings: Diagnostic[] = [];
    const decoded = decodeService(texts, (finding) => void findings.push(finding));
    this.note(service, findings);
    if (decoded !== undefined) this.remember(texts, decoded);
    return decoded;
  }

  /** Of texts that were sound when they were read first. */
  private decodedOf(texts: readonly string[]): DecodedService {
    const known = this.decoded.get(texts);
    if (known !== undefined) return known;
    const decoded = decodeService(texts, () => undefined) ?? NOTHING_DECODED;
    this.remember(texts, decoded);
    return decoded;
  }

  private remember(texts: readonly string[], decoded: DecodedService): void {
    if (this.decoded.size >= MAX_DECODED) this.decoded.clear();
    this.decoded.set(texts, decoded);
  }

  private note(service: string, findings: readonly Diagnostic[]): void {
    const worth = findings.filter(({ severity }) => severity === "error" || severity === "warning");
    if (worth.length === 0) this.found.delete(service);
    else
      this.found.set(
        service,
        worth.map(({ severity, code, message }) => ({ severity, code, message })),
      );
  }
}

/** At most `count` of `all`, of which the others are not looked at: ten thousand wait at a start. */
function firstOf<Item>(all: Iterable<Item>, count: number): Item[] {
  const first: Item[] = [];
  for (const each of all) {
    if (first.length >= count) break;
    first.push(each);
  }
  return first;
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** Services that are held decoded during one update. */
const MAX_DECODED = 2000;

function isUdp({ protocol }: ServicePort): boolean {
  return protocol === "udp";
}

const ONLY_IPV4 = ["IPv4"] as const;
const ONLY_IPV6 = ["IPv6"] as const;
const NO_FAMILIES: readonly Family[] = [];

const NOTHING_LOST = { IPv4: [], IPv6: [] } as const;

const NOTHING_DECODED: DecodedService = { servicePorts: { IPv4: [], IPv6: [] }, created: undefined };
