/** What a change of kpc's tables does, by Service. */
import { isForOthers } from "../../ir/sets.ts";
import type { ElementsChange, MapHead, SetHead, TableChange } from "../../ir/table-change.ts";
import type { Component, MapElement, Program, SetElement, Table, Value } from "../../ir/types.ts";
import { type Address, type Family, printAddressPort } from "../../net/address.ts";
import { PROTOCOL_NUMBERS, type Protocol } from "../../net/protocol.ts";
import { frontendKey, frontendsIn, printFrontend, type ServiceFrontend } from "./frontends.ts";
import { type ServedFrontend, servedFrontends } from "./served-frontends.ts";

/** What changes of one Service port. */
export interface PlannedService {
  /** `shop/web:http`. */
  readonly service: string;
  readonly change: "added" | "removed" | "changed";
  /** Frontends that come and go. */
  readonly frontends: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /** `10.244.0.7:8080`. */
  readonly endpoints: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly elements: { readonly added: number; readonly removed: number };
}

/** What a change does. */
export interface TablesPlan {
  /** By name. */
  readonly services: readonly PlannedService[];
  /** Elements, of Services or not. */
  readonly elements: { readonly added: number; readonly removed: number };
  /** Tables, sets, maps and chains: what is done to them, each in a few words. */
  readonly structure: readonly string[];
}

interface Found {
  /** Endpoints, and whether they are at a frontend that both sides have: at others all are new, or gone. */
  readonly added: Map<string, boolean>;
  readonly removed: Map<string, boolean>;
  elementsAdded: number;
  elementsRemoved: number;
}

/** What `changes` do to `before`, so that it becomes `after`. */
export function planOf(before: readonly Table[], after: readonly Table[], changes: readonly TableChange[]): TablesPlan {
  const [left, right] = [before, after].map((tables) => frontendsOf(tables)) as [Frontends, Frontends];
  const found = new Map<string, Found>();
  const total = { added: 0, removed: 0 };
  for (const change of changes) {
    const family = change.family === "ip6" ? "IPv6" : "IPv4";
    const gone = change.table === "deleted" || change.table === "remade" ? goneFrom(before, change) : [];
    for (const { of, removed, added } of [...gone, ...change.elements]) {
      total.added += added.length;
      total.removed += removed.length;
      for (const element of removed) count(found, [left, right], family, of, element, "removed");
      for (const element of added) count(found, [right, left], family, of, element, "added");
    }
  }
  const sticky = changes.some(changesSticky) ? stickyEndpoints(before, after, [left, right]) : new Map();
  for (const [service, { added, removed }] of sticky)
    if (added.length + removed.length > 0 && !found.has(service)) found.set(service, nothingFound());
  const services = [...found].map(([service, each]) => {
    const planned = plannedService(service, each, left, right);
    return { ...planned, endpoints: sticky.get(service) ?? planned.endpoints };
  });
  return {
    services: services.sort((a, b) => (a.service < b.service ? -1 : 1)),
    elements: total,
    structure: changes.flatMap(structureOf),
  };
}

function nothingFound(): Found {
  return { added: new Map(), removed: new Map(), elementsAdded: 0, elementsRemoved: 0 };
}

/** Whether maps change by which clients come back to their endpoint: those name an endpoint by a number, which other maps know. */
function changesSticky({ table, elements }: TableChange): boolean {
  return table !== "kept" || elements.some(({ of }) => of.name.startsWith("sticky-"));
}

/** Of Services with session affinity: the endpoints that come and go at frontends of both sides, or at all where one side has none. */
function stickyEndpoints(
  before: readonly Table[],
  after: readonly Table[],
  [left, right]: readonly [Frontends, Frontends],
): Map<string, PlannedService["endpoints"]> {
  const sticky = new Set<string>();
  const sides = [before, after].map((tables) => {
    const byService = new Map<string, ServedFrontend[]>();
    for (const served of servedFrontends({ ruleset: { tables }, routes: [] })) {
      const { service } = served.frontend;
      if (served.affinitySeconds !== undefined) sticky.add(service);
      const known = byService.get(service);
      if (known === undefined) byService.set(service, [served]);
      else known.push(served);
    }
    return byService;
  });
  const endpointsOf = (service: string, side: 0 | 1): string[] => {
    const others = side === 0 ? right : left;
    const isNew = !others.byService.has(service);
    const served = (sides[side]?.get(service) ?? []).filter(
      ({ frontend }) => isNew || others.byKey.has(frontendKey(frontend)),
    );
    const all = served.flatMap(({ endpoints, localEndpoints }) => [...endpoints, ...(localEndpoints ?? [])]);
    return [...new Set(all.map(({ address, port }) => printAddressPort(address, port)))];
  };
  return new Map(
    [...sticky].map((service) => {
      const [old, now] = [endpointsOf(service, 0), endpointsOf(service, 1)];
      return [service, { added: without(now, old), removed: without(old, now) }];
    }),
  );
}

/** A table that is deleted takes its elements along. */
function goneFrom(before: readonly Table[], { family }: TableChange): ElementsChange[] {
  const table = before.find((each) => each.family === family);
  if (table === undefined) return [];
  return [...table.maps, ...table.sets].map((set) => ({ of: set, removed: set.elements, added: [] }));
}

// --- elements --------------------------------------------------------------------------------------------------------------

interface Frontends {
  readonly byKey: ReadonlyMap<string, ServiceFrontend>;
  readonly byService: ReadonlyMap<string, readonly ServiceFrontend[]>;
}

function frontendsOf(tables: readonly Table[]): Frontends {
  const program: Program = { ruleset: { tables }, routes: [] };
  const byService = new Map<string, ServiceFrontend[]>();
  const byKey = new Map<string, ServiceFrontend>();
  for (const frontend of frontendsIn(program)) {
    byKey.set(frontendKey(frontend), frontend);
    byService.set(frontend.service, [...(byService.get(frontend.service) ?? []), frontend]);
  }
  return { byKey, byService };
}

/** `frontends`: those of the side that has the element, and of the other one. */
function count(
  found: Map<string, Found>,
  [frontends, others]: readonly [Frontends, Frontends],
  family: Family,
  of: SetHead | MapHead,
  element: SetElement | MapElement,
  side: "added" | "removed",
): void {
  const service = serviceOf(frontends, family, of, element);
  if (service === undefined) return;
  const known = found.get(service) ?? nothingFound();
  found.set(service, known);
  if (side === "added") known.elementsAdded++;
  else known.elementsRemoved++;
  const endpoint = endpointOf(of, element);
  if (endpoint === undefined) return;
  const at = frontendInKey(of, element, family);
  const isCommon = at !== undefined && others.byKey.get(frontendKey(at))?.service === service;
  known[side].set(endpoint, known[side].get(endpoint) === true || isCommon);
}

/** By the comment, else by the frontend in the key; undefined: several Services may want it, or none. */
export function serviceOf(
  { byKey }: Frontends,
  family: Family,
  of: SetHead | MapHead,
  element: SetElement | MapElement,
): string | undefined {
  if (element.comment !== undefined && /:/.test(element.comment)) return element.comment;
  const frontend = frontendInKey(of, element, family);
  return frontend === undefined ? undefined : byKey.get(frontendKey(frontend))?.service;
}

/** The address, protocol and port with which the key begins, or the protocol and port. Maps of one protocol have it in their name. */
function frontendInKey(
  { key: components, name }: SetHead | MapHead,
  { key }: SetElement,
  family: Family,
): Omit<ServiceFrontend, "service" | "role"> | undefined {
  if (isForOthers(key)) return undefined;
  let address: Address | undefined;
  let protocol = PROTOCOL_NUMBERS[(/-(tcp|udp|sctp)$/.exec(name)?.[1] ?? "") as Protocol] as number | undefined;
  for (let i = 0; i < components.length; i++) {
    const { type } = components[i] as Component;
    const value = key[i];
    if (typeof value !== "number" && typeof value !== "bigint") return undefined;
    if ((type === "ipv4_addr" || type === "ipv6_addr") && i === 0) address = value as Address;
    else if (type === "inet_proto") protocol = Number(value);
    else if (type === "inet_service" && protocol !== undefined)
      return { protocol, family, address, port: Number(value) };
    else return undefined;
  }
  return undefined;
}

function endpointOf(of: SetHead | MapHead, element: SetElement | MapElement): string | undefined {
  if (!("data" in of) || of.data === "verdict" || !("value" in element) || !isData(element.value)) return undefined;
  const [first, second] = of.data.map(({ type }) => type);
  const isEndpoint = (first === "ipv4_addr" || first === "ipv6_addr") && second === "inet_service";
  const [address, port] = element.value;
  return isEndpoint ? printAddressPort(address as Address, Number(port)) : undefined;
}

function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

function plannedService(service: string, found: Found, left: Frontends, right: Frontends): PlannedService {
  const [old, now] = [left, right].map(({ byService }) => byService.get(service) ?? []) as [
    readonly ServiceFrontend[],
    readonly ServiceFrontend[],
  ];
  const [oldNames, nowNames] = [old, now].map((all) => all.map(printFrontend)) as [string[], string[]];
  const change = old.length === 0 ? "added" : now.length === 0 ? "removed" : "changed";
  const endpoints = (side: "added" | "removed"): string[] =>
    [...found[side]].filter(([, isCommon]) => isCommon || change !== "changed").map(([endpoint]) => endpoint);
  return {
    service,
    change,
    frontends: { added: without(nowNames, oldNames), removed: without(oldNames, nowNames) },
    // Endpoints are numbered: one that gets another number is in both.
    endpoints: {
      added: without(endpoints("added"), endpoints("removed")),
      removed: without(endpoints("removed"), endpoints("added")),
    },
    elements: { added: found.elementsAdded, removed: found.elementsRemoved },
  };
}

function without(all: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return all.filter((each) => !known.has(each));
}

// --- structure -------------------------------------------------------------------------------------------------------------

function structureOf({ family, name, table, sets, maps, chains, retired }: TableChange): string[] {
  const at = `table ${family} ${name}`;
  if (table === "deleted") return [`remove ${at}`];
  if (table === "added") return [`make ${at}`];
  if (table === "remade") return [`make ${at} anew: something in it cannot be changed in place`];
  const list = (verb: string, what: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${verb} ${names.length === 1 ? what : `${what}s`} ${names.join(", ")} in ${at}`];
  const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map((each) => each.name);
  return [
    ...list("make", "map", namesOf(maps)),
    ...list("make", "set", namesOf(sets)),
    ...list("write", "chain", namesOf(chains)),
    ...list("remove", "map", retired.maps),
    ...list("remove", "set", retired.sets),
    ...list("remove", "chain", retired.chains),
    ...list("remove", "object", retired.objects),
  ];
}

// --- text ------------------------------------------------------------------------------------------------------------------

const SIGNS: Readonly<Record<PlannedService["change"], string>> = { added: "+", removed: "-", changed: "~" };

/** The plan as people read it: a line for each Service port, at most `limit`, one for each other thing, and a sum. */
export function renderPlan({ services, elements, structure }: TablesPlan, limit: number): string[] {
  const shown = services.slice(0, limit);
  const width = Math.min(40, Math.max(0, ...shown.map(({ service }) => service.length)));
  const more = services.length - shown.length;
  return [
    ...structure.map((line) => `  * ${line}`),
    ...shown.map((each) => `  ${SIGNS[each.change]} ${each.service.padEnd(width)}  ${describe(each)}`.trimEnd()),
    ...(more > 0 ? [`  … and ${more} more Service ports (--limit ${services.length} shows them)`] : []),
    sumOf(services, elements),
  ];
}

function sumOf(services: readonly PlannedService[], { added, removed }: TablesPlan["elements"]): string {
  const of = (change: PlannedService["change"]): number => services.filter((each) => each.change === change).length;
  return `Plan: Service ports ${of("added")} to add, ${of("removed")} to remove, ${of("changed")} to change; elements ${added} to add, ${removed} to remove`;
}

function describe({ change, frontends, endpoints, elements }: PlannedService): string {
  const signed = (sign: string, names: readonly string[]): string[] => names.map((name) => `${sign} ${name}`);
  if (change === "removed") return limited(frontends.removed);
  const ports =
    change === "added" ? frontends.added : [...signed("+", frontends.added), ...signed("-", frontends.removed)];
  const ends =
    change === "added" ? endpoints.added : [...signed("+", endpoints.added), ...signed("-", endpoints.removed)];
  const parts = [
    ...(ports.length === 0 ? [] : [limited(ports)]),
    ...(ends.length > 0
      ? [`${change === "added" ? "-> " : ""}${limited(ends)}`]
      : change === "added"
        ? ["no endpoints"]
        : []),
  ];
  const count = elements.added + elements.removed;
  return `${parts.join("; ")}${parts.length === 0 ? "" : "; "}${count} ${count === 1 ? "element" : "elements"}`;
}

const MOST_LISTED = 4;

function limited(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LISTED).join(", ");
  return names.length > MOST_LISTED ? `${shown} and ${names.length - MOST_LISTED} more` : shown;
}

// --- what traffic meets ----------------------------------------------------------------------------------------------------

/** `tables` with the elements of the Services in `plan`, and those that belong to no Service. Packets to other Services meet the same in both
 *  rulesets that a plan leads between: they need not be compared. Pairs of an endpoint with itself stay where it is one of theirs. */
export function concernedBy(plan: TablesPlan, tables: readonly Table[]): Table[] {
  const names = new Set(plan.services.map(({ service }) => service));
  const frontends = frontendsOf(tables);
  return tables.map((table) => {
    const family = table.family === "ip6" ? "IPv6" : "IPv4";
    const isConcerned = (of: SetHead | MapHead, element: SetElement | MapElement): boolean => {
      const service = serviceOf(frontends, family, of, element);
      return service === undefined || names.has(service);
    };
    const maps = table.maps.map((map) => ({ ...map, elements: map.elements.filter((each) => isConcerned(map, each)) }));
    const addresses = new Set<Value>();
    for (const map of maps)
      for (const { value } of map.elements) if (isData(value)) for (const part of value) addresses.add(part);
    const isPairOfOthers = ({ key }: SetElement): boolean =>
      !isForOthers(key) && key.length === 2 && key[0] === key[1] && !addresses.has(key[0] as Value);
    const sets = table.sets.map((set) => ({
      ...set,
      elements: set.elements.filter((each) => isConcerned(set, each) && !isPairOfOthers(each)),
    }));
    return { ...table, maps, sets };
  });
}
