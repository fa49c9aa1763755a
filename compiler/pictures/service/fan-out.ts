/** What a picture of a Service says: who asks where, which endpoints are chosen from, and how often each is. */

import { type Origin, printPlace } from "../../diagnostics.ts";
import { unreachable } from "../../invariant.ts";
import { type Frontend, frontendsOf } from "../../lower/frontends.ts";
import type { ClusterNode, ClusterPod } from "../../model/hosts.ts";
import { type Candidate, type ServicePort, servesWhileTerminating } from "../../model/types.ts";
import { type Address, type FAMILIES, familyOf, printAddress, printAddressPort } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import { chooseEndpoints } from "../../node/endpoints.ts";
import type { NodeContext, Settings } from "../../node/settings.ts";
import type { ServicePortView } from "../../node/view.ts";
import { compareBy } from "../../order.ts";

/** One port of a Service in one family, as one node treats it. */
export interface FanOut {
  /** `http 80 → 8080 tcp`. */
  readonly port: string;
  readonly policies: readonly string[];
  /** The lists that endpoints are chosen from. */
  readonly sets: readonly EndpointSet[];
  /** Those of the first set, then those of the second, then those that get no endpoint. */
  readonly frontends: readonly FanOutFrontend[];
  /** By name of their nodes, numbers as numbers; endpoints on no known node last. */
  readonly nodes: readonly EndpointNode[];
}

export type EndpointSetName = "cluster" | "local";

export interface EndpointSet {
  readonly name: EndpointSetName;
  readonly title: string;
  readonly count: number;
}

export interface FanOutFrontend {
  /** An address and port, or where a node port answers. */
  readonly address: string;
  /** The address exists in rules only. */
  readonly isOfRules: boolean;
  readonly kind: string;
  readonly who: string;
  /** What becomes of the client's address. */
  readonly source: string;
  readonly place: string | undefined;
  /** Undefined: what happens instead is in `unserved`. */
  readonly set: EndpointSetName | undefined;
  readonly unserved: string | undefined;
}

export interface EndpointNode {
  readonly name: string;
  readonly zone: string | undefined;
  readonly endpoints: readonly ShownEndpoint[];
}

export interface ShownEndpoint {
  readonly name: string;
  readonly address: string;
  readonly place: string | undefined;
  /** Why it gets no connection; undefined where it does. */
  readonly state: string | undefined;
  /** The sets that it is in. */
  readonly sets: readonly EndpointSetName[];
}

/** The cluster around a Service, and the node that it is seen from. */
export interface FanOutContext {
  readonly nodes: readonly ClusterNode[];
  readonly pods: readonly ClusterPod[];
  readonly node: NodeContext;
  readonly settings: Settings;
}

export function fanOutOf(port: ServicePort, context: FanOutContext): FanOut {
  const { node, settings } = context;
  const lists = chooseEndpoints(port, node);
  const view: ServicePortView = { ...port, ...lists };
  const frontends = frontendsOf(view, settings.families[familyOf(port.clusterIp)].primaryAddress).flatMap((frontend) =>
    frontendRows(frontend, view, context),
  );
  const sets = (["cluster", "local"] as const)
    .filter((name) => frontends.some(({ set }) => set === name))
    .map((name) => setOf(name, view, node));
  const order: readonly unknown[] = [...sets.map(({ name }) => name), undefined];
  return {
    port: portText(port),
    policies: policiesOf(port),
    sets,
    frontends: order.flatMap((set) => frontends.filter((frontend) => frontend.set === set)),
    nodes: nodesOf(view, sets, context),
  };
}

function portText({ portName, port, protocol, candidates }: ServicePort): string {
  const targets = [...new Set(candidates.map((candidate) => candidate.port))].sort((a, b) => a - b);
  const target = targets.length === 0 ? "" : ` → ${targets.slice(0, 3).join(", ")}${targets.length > 3 ? ", …" : ""}`;
  return `${portName === "" ? "" : `${portName}  `}${port}${target} ${protocol}`;
}

function policiesOf(port: ServicePort): string[] {
  const { affinitySeconds, internalTrafficPolicy, externalTrafficPolicy, healthCheckNodePort } = port;
  return [
    ...(internalTrafficPolicy === "Local" ? ["internalTrafficPolicy Local"] : []),
    ...(externalTrafficPolicy === "Local" ? ["externalTrafficPolicy Local"] : []),
    ...(healthCheckNodePort === undefined ? [] : [`health check on port ${healthCheckNodePort}`]),
    ...(affinitySeconds === undefined
      ? []
      : [`session affinity ClientIP ${affinitySeconds} s: chances are those of a new client`]),
  ];
}

function setOf(name: EndpointSetName, view: ServicePortView, node: NodeContext): EndpointSet {
  const list = name === "cluster" ? view.clusterEndpoints : view.localEndpoints;
  const isEnding = list.length > 0 && list.every(({ ready }) => !ready);
  const ready = view.candidates.filter((candidate) => candidate.ready);
  const what = isEnding ? "terminating, still serving" : "ready";
  if (name === "local") return { name, title: `${what} on ${node.name ?? "this node"}`, count: list.length };
  const isHinted = !isEnding && list.length < ready.length;
  const byNode = isHinted && ready.every(({ nodeHints }) => nodeHints.length > 0);
  const where = byNode ? `${what} for ${node.name}` : `${what} for zone ${node.zone}`;
  return { name, title: isHinted ? where : `all ${what}`, count: list.length };
}

// --- who asks ------------------------------------------------------------------------------------------------------------

const KINDS: Readonly<Record<Frontend["kind"], string>> = {
  "cluster-ip": "cluster IP",
  "external-ip": "external IP",
  "load-balancer-ip": "load balancer",
  "node-port": "node port",
};

/** A row; with policy Local one for the node and its pods, and one for everybody else. */
function frontendRows(frontend: Frontend, view: ServicePortView, { node, settings }: FanOutContext): FanOutFrontend[] {
  const { dispatch, unserved, masquerade } = frontend;
  const base = {
    address: frontendAddress(frontend, settings),
    isOfRules: frontend.kind !== "node-port",
    kind: KINDS[frontend.kind],
    place: placeOf(frontend.origin),
  };
  const name = node.name ?? "this node";
  const allowed = frontend.kind === "node-port" ? undefined : frontend.allowedSources;
  const everybody =
    allowed === undefined
      ? "everyone"
      : `only ${allowed.slice(0, 2).map(printPrefix).join(", ")}${allowed.length > 2 ? ` and ${allowed.length - 2} more` : ""}`;
  switch (dispatch.kind) {
    case "none": {
      const words =
        unserved === "reject"
          ? "rejected: no endpoint"
          : unserved === "drop"
            ? "dropped: no endpoint here"
            : "another Service answers";
      return [{ ...base, who: everybody, source: "", set: undefined, unserved: words }];
    }
    case "endpoints": {
      const source = masquerade === "always" ? MASQUERADED : clusterIpSource(settings, familyOf(view.clusterIp));
      return [{ ...base, who: everybody, source, set: dispatch.list, unserved: undefined }];
    }
    case "by-source": {
      const isEmpty = view.localEndpoints.length === 0;
      const near = view.clusterEndpoints.length === 0 ? undefined : "cluster";
      return [
        {
          ...base,
          who: allowed === undefined ? `${name} and its pods` : `${name} and its pods, ${everybody}`,
          source: "",
          set: near,
          unserved: near === undefined ? "dropped: no endpoint" : undefined,
        },
        {
          ...base,
          who: allowed === undefined ? "everyone else" : everybody,
          source: "source kept",
          set: isEmpty ? undefined : "local",
          unserved: isEmpty ? `dropped: no endpoint on ${name}` : undefined,
        },
      ];
    }
    default:
      return unreachable(dispatch);
  }
}

const MASQUERADED = "masqueraded";

function clusterIpSource({ masqueradeAll, families }: Settings, family: (typeof FAMILIES)[number]): string {
  if (masqueradeAll) return MASQUERADED;
  return families[family].detector === undefined ? "source kept" : "masqueraded, but for pods";
}

function frontendAddress(frontend: Frontend, settings: Settings): string {
  if (frontend.kind !== "node-port") return printAddressPort(frontend.address, frontend.port);
  const family = familyOf(frontend.service.clusterIp);
  const { nodePorts } = settings.families[family];
  const [first, ...more] = nodePorts.kind === "listed" ? nodePorts.addresses : [];
  if (first === undefined) return `every own address:${frontend.port}`;
  return `${printAddressPort(first, frontend.port)}${more.length === 0 ? "" : ` and ${more.length} more`}`;
}

function placeOf(origin: Origin): string | undefined {
  return (origin.assumed ?? []).length > 0 ? "assumed" : printPlace(origin.span()).replace(/^.*\//, "");
}

// --- who answers ---------------------------------------------------------------------------------------------------------

function nodesOf(view: ServicePortView, sets: readonly EndpointSet[], { nodes, pods }: FanOutContext): EndpointNode[] {
  const names = new Map<Address, string[]>();
  for (const { namespace, name, addresses } of pods)
    for (const address of addresses)
      names.set(address, [...(names.get(address) ?? []), namespace === view.namespace ? name : `${namespace}/${name}`]);
  const [cluster, local] = [new Set(view.clusterEndpoints), new Set(view.localEndpoints)];
  const byNode = new Map<string, ShownEndpoint[]>();
  for (const candidate of view.candidates) {
    const inSets = sets.map(({ name }) => name).filter((name) => (name === "cluster" ? cluster : local).has(candidate));
    const isUsed = cluster.has(candidate) || local.has(candidate);
    const [only, another] = names.get(candidate.address) ?? [];
    const shown: ShownEndpoint = {
      // Pods in their node's network share its address.
      name: another === undefined ? (only ?? printAddress(candidate.address)) : printAddress(candidate.address),
      address: printAddressPort(candidate.address, candidate.port),
      place: placeOf(candidate.origin),
      state: isUsed ? undefined : stateOf(candidate),
      sets: inSets,
    };
    const node = candidate.nodeName ?? "";
    const before = byNode.get(node) ?? [];
    if (before.push(shown) === 1) byNode.set(node, before);
  }
  const zones = new Map(nodes.map(({ name, zone }) => [name, zone]));
  return [...byNode]
    .sort(
      compareBy(
        ([name]) => (name === "" ? 1 : 0),
        ([name]) => naturalKey(name),
      ),
    )
    .map(([name, endpoints]) => ({
      name: name === "" ? "no node known" : name,
      zone: zones.get(name),
      endpoints: endpoints.sort(
        compareBy(
          (each) => naturalKey(each.name),
          (each) => each.address,
        ),
      ),
    }));
}

function stateOf(candidate: Candidate): string {
  if (candidate.ready) return "not for this node";
  if (servesWhileTerminating(candidate)) return "terminating";
  return candidate.terminating ? "terminating, not serving" : "not ready";
}

/** A key by which `node-2` comes before `node-10`. */
export function naturalKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
}
