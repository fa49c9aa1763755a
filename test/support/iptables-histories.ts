/** Random events of the API server, and the rules of iptables that follow them. */
import fc from "fast-check";
import { FollowedIptables } from "../../compiler/followed-iptables.ts";
import type { OwnRules, OwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { required } from "../../compiler/invariant.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { getOrMake } from "../../compiler/memo.ts";
import type { Config } from "../../compiler/node/config.ts";
import { iptablesChains } from "../../compiler/print.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { type Manifest, PROXY } from "./arbitraries.ts";
import { toConfig } from "./compile.ts";
import { type AgentEvent, compiledTables, type EventHistory, keyOf, ruleKindOf } from "./events.ts";

const FAMILIES = ["ip", "ip6"] as const;

/** What of the code under test a history needs. */
export interface FollowingParts {
  readonly FollowedIptables: typeof FollowedIptables;
  readonly NodeTables: typeof NodeTables;
}

const PARTS: FollowingParts = { FollowedIptables, NodeTables };

type Wanted = ReadonlyMap<(typeof FAMILIES)[number], OwnTables>;

/** The rules that a history is to lead to, by its steps: made once for all followers that are compared with them. */
export class WantedRules {
  private readonly made = new Map<number, Wanted>();

  at(step: number, tables: () => readonly Table[]): Wanted {
    return getOrMake(this.made, step, () => {
      const all = tables();
      return new Map(FAMILIES.map((family) => [family, iptablesChains(all, family).tables]));
    });
  }
}

/** After each update, how the rules that follow events differ from those of the whole tables, and at the end from those that `compile` makes of
 *  the objects. Empty: not at all. Rules of iptables are made in either mode. */
export function iptablesDisagreement(
  { config, events }: EventHistory,
  parts: FollowingParts = PARTS,
  rules = new WantedRules(),
): string {
  const inMode: Config = { ...config, mode: config.mode ?? "iptables" };
  const follower = new parts.FollowedIptables();
  const tables = new parts.NodeTables(inMode, { follower });
  const mirrors = { ip: new Mirror(), ip6: new Mirror() };
  const objects = new Map<string, Manifest>();
  const compare = (wanted: Wanted, what: string): string =>
    FAMILIES.map((family) => {
      const now = follower.rules(family);
      const changed = follower.takeChanged(family);
      const wrong = mirrors[family].take(now, changed) ?? firstDifference(required(wanted.get(family), "all"), now);
      return wrong === undefined ? "" : `${what}: ${family} ${wrong}`;
    }).join("");
  try {
    for (const [step, event] of events.entries()) {
      if (event.kind === "update") {
        tables.update(event.limit);
        const found = compare(
          rules.at(step, () => tables.tables()),
          "after an update",
        );
        if (found !== "") return found;
        continue;
      }
      const key = keyOf(event.object);
      if (event.kind === "put") {
        objects.set(key, event.object);
        tables.put(ruleKindOf(event.object), event.object);
      } else {
        objects.delete(key);
        tables.delete(ruleKindOf(event.object), key.split(" ")[1] ?? "");
      }
    }
    while (tables.waiting > 0) tables.update(500);
    return compare(
      rules.at(events.length, () => compiledTables(inMode, objects.values()) ?? []),
      "at the end",
    );
  } catch (error) {
    return String(error);
  }
}

/** Rules of which chains are changed as they are told. */
class Mirror {
  private readonly chains = new Map<string, readonly string[]>();

  /** What is told wrong; undefined: nothing. */
  take(now: OwnTables, changed: ReturnType<FollowedIptables["takeChanged"]>): string | undefined {
    for (const [table, names] of changed)
      for (const [name, before] of names) {
        const key = `${table} ${name}`;
        if (textOf(this.chains.get(key)) !== textOf(before)) return `${key} was not what is told`;
        const lines = now.get(table)?.chains.get(name);
        if (lines === undefined) this.chains.delete(key);
        else this.chains.set(key, lines);
      }
    const all = [...now].flatMap(([table, { chains }]) =>
      [...chains].map(([name, lines]) => [`${table} ${name}`, textOf(lines)]),
    );
    const wrong = all.find(([key = "", text]) => textOf(this.chains.get(key)) !== text);
    if (wrong !== undefined) return `${wrong[0]} has changed, and nobody tells`;
    return all.length === this.chains.size ? undefined : "a chain is gone, and nobody tells";
  }
}

function firstDifference(wanted: OwnTables, found: OwnTables): string | undefined {
  const texts = (rules: OwnTables): Map<string, string> =>
    new Map(
      [...rules].flatMap(([table, { chains, jumps }]): [string, string][] => [
        [`${table} jumps`, [...jumps].join("\n")],
        ...[...chains].map(([name, lines]): [string, string] => [`${table} ${name}`, textOf(lines)]),
      ]),
    );
  const [left, right] = [texts(wanted), texts(found)];
  for (const name of new Set([...left.keys(), ...right.keys()]))
    if (left.get(name) !== right.get(name))
      return `${name}\nwanted ${left.get(name) ?? "nothing"}\nfound ${right.get(name) ?? "nothing"}\n`;
  return undefined;
}

function textOf(
  lines: OwnRules["chains"] extends ReadonlyMap<string, infer Lines> ? Lines | undefined : never,
): string {
  return lines === undefined ? "no chain" : lines.join("\n");
}

/** A cluster with so many Services and endpoints that trees have several levels, and events that change it here and there. */
export function crowdedHistory(services: number, changes: number): fc.Arbitrary<EventHistory> {
  const numbers = fc.nat({ max: services - 1 });
  const first = Array.from({ length: services }, (_, i) => put(serviceNumber(i, 0)));
  const more = Array.from({ length: services }, (_, i) => put(sliceOf(i, [i, 5 * i, i + 7])));
  const change = fc.oneof(
    {
      weight: 4,
      arbitrary: numbers.chain((i) =>
        fc.array(fc.nat({ max: 4 * services }), { maxLength: 4 }).map((list) => put(sliceOf(i, list))),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(numbers, fc.nat({ max: KINDS.length - 1 })).map(([i, kind]) => put(serviceNumber(i, kind))),
    },
    { weight: 1, arbitrary: numbers.map((i): AgentEvent => ({ kind: "delete", object: serviceNumber(i, 0) })) },
    { weight: 1, arbitrary: numbers.map((i): AgentEvent => ({ kind: "delete", object: sliceOf(i, []) })) },
    { weight: 3, arbitrary: fc.constant<AgentEvent>({ kind: "update", limit: 500 }) },
  );
  const update: AgentEvent = { kind: "update", limit: 500 };
  return fc
    .record({ events: fc.array(change, { minLength: changes, maxLength: changes }), masqueradeAll: fc.boolean() })
    .map(({ events, masqueradeAll }) => ({
      config: { ...toConfig(PROXY), masqueradeAll },
      events: [...first, ...more, update, ...events],
    }));
}

/** Kinds of Services, as what their specs have besides. */
const KINDS: readonly ((i: number) => Manifest)[] = [
  () => ({}),
  () => ({ sessionAffinity: "ClientIP" }),
  (i) => ({ type: "NodePort", nodePort: 30000 + i }),
  (i) => ({ type: "NodePort", nodePort: 30000 + i, externalTrafficPolicy: "Local" }),
  (i) => ({ externalIPs: [`203.0.113.${i % 256}`] }),
  (i) => ({
    externalIPs: [`203.0.113.${i % 256}`],
    externalTrafficPolicy: "Local",
    type: "NodePort",
    nodePort: 31000 + i,
  }),
];

function serviceNumber(i: number, kind: number): Manifest {
  const { nodePort, ...spec } = (KINDS[kind] ?? (() => ({})))(i) as { readonly nodePort?: number };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `s${i}`, namespace: i % 2 === 0 ? "a" : "b" },
    spec: {
      clusterIP: `172.30.${(i * 37) % 256}.${i % 256}`,
      ...spec,
      ports: [{ port: 80, protocol: "TCP", ...(nodePort === undefined ? {} : { nodePort }) }],
    },
  };
}

/** `last`: of the addresses of its endpoints. Several Services may have an endpoint. */
function sliceOf(i: number, last: readonly number[]): Manifest {
  const metadata = { name: `s${i}-1`, namespace: i % 2 === 0 ? "a" : "b" };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": `s${i}` } },
    addressType: "IPv4",
    endpoints: [...new Set(last)].map((n) => ({
      addresses: [`10.180.${(n * 11) % 256}.${n % 256}`],
      nodeName: n % 3 === 0 ? "node-a" : "node-b",
    })),
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
  };
}

function put(object: Manifest): AgentEvent {
  return { kind: "put", object };
}
