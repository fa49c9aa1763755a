/** What kpc's tables do with each frontend of a Service. */

import type { Destination } from "../../evaluate/disposition.ts";
import { keyTextOf } from "../../ir/table-change.ts";
import type { Chain, MapElement, Program, SetElement, Table, Value, Verdict } from "../../ir/types.ts";
import { allParts, expressionsOf } from "../../ir/walk.ts";
import type { Address } from "../../net/address.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS, type Protocol } from "../../net/protocol.ts";
import { frontendsIn, type ServiceFrontend } from "./frontends.ts";

/** Whose address an endpoint sees. */
export type SeenSource = "client" | "client for pods of this node" | "client, but for this node itself" | "node";

/** A frontend, and where packets to it go. */
export interface ServedFrontend {
  readonly frontend: ServiceFrontend;
  /** Where there is no endpoint: what becomes of the packets; undefined: they are translated, or left alone. */
  readonly refused: "reject" | "drop" | undefined;
  readonly endpoints: readonly Destination[];
  /** Of policy Local: those of this node, to which packets from elsewhere are sent; undefined: any packet may go to any endpoint. */
  readonly localEndpoints: readonly Destination[] | undefined;
  /** Seconds for which a client stays with its endpoint. */
  readonly affinitySeconds: number | undefined;
  /** Undefined: nothing is translated. */
  readonly source: SeenSource | undefined;
  /** Only some sources may use it. */
  readonly hasSourceRanges: boolean;
}

/** All of them, by the name of the Service and the frontend. */
export function servedFrontends({ ruleset }: Program): ServedFrontend[] {
  const tables = new Map(
    ruleset.tables.map((table) => [table.family === "ip6" ? "IPv6" : "IPv4", new KpcTable(table)]),
  );
  const all = frontendsIn({ ruleset, routes: [] }).flatMap((frontend) => {
    const table = tables.get(frontend.family);
    return table === undefined || frontend.role === "other ports" ? [] : [table.served(frontend)];
  });
  return all.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ frontend: { service, family, role, address, port } }: ServedFrontend): string {
  return `${service}\n${family}\n${ROLES.indexOf(role)}\n${String(address ?? "").padStart(40, "0")}\n${port}`;
}

const ROLES: readonly ServiceFrontend["role"][] = ["cluster IP", "external IP", "node port", "health check port"];

class KpcTable {
  private readonly chains: ReadonlyMap<string, Chain>;
  /** By the name of the map or set, and by the key. */
  private readonly elements: ReadonlyMap<string, ReadonlyMap<string, SetElement | MapElement>>;

  constructor({ chains, maps, sets }: Table) {
    this.chains = new Map(chains.map((chain) => [chain.name, chain]));
    this.elements = new Map(
      [...maps, ...sets].map(({ name, elements }) => [
        name,
        new Map(elements.map((element: SetElement | MapElement) => [keyTextOf(element.key), element])),
      ]),
    );
  }

  served(frontend: ServiceFrontend): ServedFrontend {
    const { address, protocol, port } = frontend;
    const key = address === undefined ? [protocol, port] : [address, protocol, port];
    const names = address === undefined ? NAMES.nodePort : NAMES.address;
    const name = PROTOCOLS.find((each) => PROTOCOL_NUMBERS[each] === protocol) ?? "tcp";
    const first = this.verdict(names.all, key);
    const ranged = first !== undefined && chainIn(first) === "source-ranged-services";
    const verdict = ranged ? this.verdict("source-ranged-services", key) : first;
    const isBySource = verdict !== undefined && chainIn(verdict) === names.external;
    const list = isBySource ? this.verdict(names.cluster, key) : verdict;
    const local = isBySource ? this.verdict(names.local, key) : undefined;
    const own = address === undefined ? [port] : [address, port];
    const isNodePort = address === undefined;
    return {
      frontend,
      refused: this.refusal(key),
      endpoints: this.endpoints(list, own, name, isNodePort),
      localEndpoints: isBySource ? this.endpoints(local, own, name, isNodePort) : undefined,
      affinitySeconds: affinityOf(list),
      source: list === undefined ? undefined : this.source(own, name, isNodePort),
      hasSourceRanges: this.find("source-ranged-addresses", key) !== undefined,
    };
  }

  private find(set: string, key: readonly Value[]): SetElement | MapElement | undefined {
    return this.elements.get(set)?.get(keyTextOf(key));
  }

  private verdict(map: string, key: readonly Value[]): Verdict | undefined {
    const element = this.find(map, key);
    return element !== undefined && "value" in element && "kind" in element.value ? element.value : undefined;
  }

  private data(map: string, key: readonly Value[]): readonly Value[] | undefined {
    const element = this.find(map, key);
    return element !== undefined && "value" in element && !("kind" in element.value) ? element.value : undefined;
  }

  private refusal(key: readonly Value[]): ServedFrontend["refused"] {
    for (const name of UNSERVED) {
      const verdict = this.verdict(name, key);
      if (verdict !== undefined) return verdict.kind === "drop" ? "drop" : "reject";
    }
    return undefined;
  }

  /** Those that the chain of `verdict` picks from, for the frontend with the key `own`. */
  private endpoints(
    verdict: Verdict | undefined,
    own: readonly Value[],
    protocol: Protocol,
    isNodePort: boolean,
  ): Destination[] {
    const chain = this.chains.get(chainIn(verdict) ?? "");
    const slots = chain === undefined ? undefined : slotsOf(chain);
    if (slots === undefined) return [];
    const maps = isNodePort
      ? [`node-port-endpoints-${protocol}`, `sticky-node-port-slots-${protocol}`]
      : [`endpoints-${protocol}`, `sticky-slots-${protocol}`];
    const [plain = "", sticky = ""] = maps;
    return Array.from({ length: slots.count }, (_, i) => {
      const key = [...own, slots.first + i];
      const identity = this.data(sticky, key);
      return identity === undefined ? this.data(plain, key) : this.data(`sticky-endpoints-${protocol}`, identity);
    }).flatMap((value) => (value === undefined ? [] : [{ address: value[0] as Address, port: Number(value[1]) }]));
  }

  /** What a frontend with the key `own` gets of masquerading. */
  private source(own: readonly Value[], protocol: Protocol, isNodePort: boolean): SeenSource {
    const map = isNodePort ? `masquerade-node-ports-${protocol}` : `masquerade-${protocol}`;
    const chain = chainIn(this.verdict(map, own));
    if (chain !== undefined) return chain.endsWith("-from-node") ? "client, but for this node itself" : "node";
    const isAsked = !isNodePort && this.find(`cluster-ip-ports-${protocol}`, own) !== undefined;
    return isAsked ? this.sourceAtClusterIps() : "client";
  }

  /** By which packets are asked whether they went to a cluster IP. Those of endpoints to themselves always are. */
  private sourceAtClusterIps(): SeenSource {
    const asking = (this.chains.get("nat-postrouting")?.rules ?? []).filter(({ steps }) => {
      const last = steps.at(-1);
      return last?.kind === "verdict" && chainIn(last.verdict) === "masquerade-cluster-ip";
    });
    if (asking.some(({ steps }) => steps.length === 1)) return "node";
    const ofStrangers = asking.filter(
      ({ steps }) => !steps.some((step) => step.kind === "member" && step.set === "hairpin"),
    );
    return ofStrangers.length > 0 ? "client for pods of this node" : "client";
  }
}

/** Maps of frontends, and the chains between them. */
const NAMES = {
  address: { all: "services", external: "external", cluster: "external-cluster", local: "external-local" },
  nodePort: {
    all: "node-ports",
    external: "external-node-ports",
    cluster: "external-node-ports-cluster",
    local: "external-node-ports-local",
  },
} as const;

const UNSERVED = ["unserved", "unserved-cluster-ips", "unserved-external", "unserved-node-ports"] as const;

function chainIn(verdict: Verdict | undefined): string | undefined {
  return verdict !== undefined && "chain" in verdict ? verdict.chain : undefined;
}

/** The numbers that a chain picks from. */
function slotsOf({ rules }: Chain): { readonly first: number; readonly count: number } | undefined {
  let found: { readonly first: number; readonly count: number } | undefined;
  for (const step of rules.flatMap(({ steps }) => steps))
    for (const expression of expressionsOf(step))
      for (const part of allParts(expression))
        if (part.kind === "numgen" && (found === undefined || part.modulus > found.count))
          found = { first: part.offset, count: part.modulus };
  return found;
}

/** The chain is named for it. */
function affinityOf(verdict: Verdict | undefined): number | undefined {
  const seconds = /^pick-.*sticky-(\d+)s-/.exec(chainIn(verdict) ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}
