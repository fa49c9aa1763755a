/** Random events of Services that have much in common: external addresses, source ranges, and endpoints of a few pools, so that lists of iptables
 *  rules grow into trees and shrink into rows again, and keys of trees come and go that must stand before them. */
import fc from "fast-check";
import type { Manifest } from "./arbitraries.ts";
import { PROXY } from "./arbitraries.ts";
import { toConfig } from "./compile.ts";
import type { AgentEvent, EventHistory } from "./events.ts";

/** What a Service is at one time. */
interface Kind {
  readonly external: number;
  readonly ingress: number;
  readonly ports: number;
  readonly ranges: readonly string[];
  readonly policy: "Cluster" | "Local";
  readonly internalPolicy: "Cluster" | "Local";
  readonly hasNodePort: boolean;
  readonly isSticky: boolean;
  readonly protocol: "TCP" | "UDP";
  /** Of its ports. */
  readonly portName: "p" | "q";
}

/** Those that overlap, those beside each other, and more of them than stand in a row. */
const RANGES: readonly string[] = [
  "10.0.0.0/8",
  "10.64.0.0/10",
  "0.0.0.0/0",
  "192.168.7.0/24",
  // Beside the one at 198.51.128.0: together they are no block.
  "198.51.127.0/24",
  ...Array.from({ length: 24 }, (_, i) => `198.51.${i * 8}.0/${22 + (i % 3)}`),
];

const ranges = fc.oneof(
  { weight: 4, arbitrary: fc.constant<string[]>([]) },
  { weight: 2, arbitrary: fc.uniqueArray(fc.constantFrom(...RANGES), { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...RANGES.slice(3)), { minLength: 15, maxLength: 25 }) },
);

const policy = fc.constantFrom("Cluster" as const, "Local" as const);

const anyKind: fc.Arbitrary<Kind> = fc.record({
  external: fc.constantFrom(0, 0, 1, 2, 6),
  ingress: fc.constantFrom(0, 1, 2, 3),
  ports: fc.constantFrom(1, 1, 2, 3),
  ranges,
  policy,
  internalPolicy: fc.constantFrom("Cluster" as const, "Cluster" as const, "Local" as const),
  hasNodePort: fc.boolean(),
  isSticky: fc.constantFrom(false, false, false, true),
  protocol: fc.constantFrom("TCP" as const, "TCP" as const, "UDP" as const),
  portName: fc.constantFrom("p" as const, "q" as const),
});

/** One whose keys may stand before trees. */
const localKind: fc.Arbitrary<Kind> = fc.record({
  external: fc.constantFrom(0, 1, 2),
  ingress: fc.constantFrom(0, 1),
  ports: fc.constantFrom(2, 3),
  ranges: fc.constant<string[]>([]),
  policy: fc.constant("Local" as const),
  internalPolicy: fc.constant("Cluster" as const),
  hasNodePort: fc.constant(true),
  isSticky: fc.constant(false),
  protocol: fc.constant("TCP" as const),
  portName: fc.constant("p" as const),
});

const kind = fc.oneof({ weight: 3, arbitrary: anyKind }, { weight: 2, arbitrary: localKind });

/** Pods of this node: more blocks than stand in a row. */
const MANY_BLOCKS: readonly string[] = [
  "10.180.0.0/16",
  ...Array.from({ length: 20 }, (_, i) => `10.${190 + 2 * i}.0.0/16`),
];

const UPDATE: AgentEvent = { kind: "update", limit: 500 };

/** A cluster of so many Services with endpoints of a pool of `pool` addresses, and events that change it here and there. */
export function entangledHistory(services: number, pool: number, changes: number): fc.Arbitrary<EventHistory> {
  const number = fc.nat({ max: services - 1 });
  const few = fc.uniqueArray(fc.nat({ max: pool - 1 }), { maxLength: 4 });
  // Of all that there are: what many Services want comes and goes at once.
  const many = fc.uniqueArray(fc.nat({ max: pool - 1 }), { minLength: pool >> 2, maxLength: pool });
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(number, few).map(([i, list]) => put(sliceOf(i, list))) },
    { weight: 1, arbitrary: fc.tuple(number, many).map(([i, list]) => put(sliceOf(i, list))) },
    { weight: 5, arbitrary: fc.tuple(number, kind).map(([i, each]) => put(serviceOf(i, each))) },
    { weight: 1, arbitrary: number.map((i): AgentEvent => ({ kind: "delete", object: sliceOf(i, []) })) },
    { weight: 1, arbitrary: number.map((i): AgentEvent => ({ kind: "delete", object: serviceOf(i, NONE) })) },
  );
  return fc
    .record({
      kinds: fc.array(kind, { minLength: services, maxLength: services }),
      lists: fc.array(few, { minLength: services, maxLength: services }),
      // Few at a time: what one change does is not hidden by others.
      steps: fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: changes, maxLength: changes }),
      masqueradeAll: fc.boolean(),
      // In nftables mode, packets of policy Local do not come back to look for a node port: keys whose port is one stand before trees.
      mode: fc.constantFrom("iptables" as const, "nftables" as const),
      hasManyBlocks: fc.constantFrom(true, false, false),
    })
    .map(({ kinds, lists, steps, masqueradeAll, mode, hasManyBlocks }) => ({
      config: { ...toConfig(hasManyBlocks ? { ...PROXY, clusterCIDR: [...MANY_BLOCKS] } : PROXY), masqueradeAll, mode },
      events: [
        ...kinds.map((each, i) => put(serviceOf(i, each))),
        ...lists.map((list, i) => put(sliceOf(i, list))),
        UPDATE,
        ...steps.flatMap((step) => [...step, UPDATE]),
      ],
    }));
}

const NONE: Kind = {
  external: 0,
  ingress: 0,
  ports: 1,
  ranges: [],
  policy: "Cluster",
  internalPolicy: "Cluster",
  hasNodePort: false,
  isSticky: false,
  protocol: "TCP",
  portName: "p",
};

/** A cluster of Services of one kind that all become another one at once: rules for some features come or go, and others move to their places. */
export function turningHistory(services: number): fc.Arbitrary<EventHistory> {
  const list = fc.uniqueArray(fc.nat({ max: 9 }), { maxLength: 2 });
  const state = fc.record({ each: kind, list });
  return fc
    .record({
      states: fc.array(state, { minLength: 2, maxLength: 4 }),
      mode: fc.constantFrom("iptables" as const, "nftables" as const),
    })
    .map(({ states, mode }) => ({
      config: { ...toConfig(PROXY), mode },
      events: states.flatMap(({ each, list: own }) => [
        ...Array.from({ length: services }, (_, i) => [put(serviceOf(i, each)), put(sliceOf(i, own))]).flat(),
        UPDATE,
      ]),
    }));
}

/** A Service that is known no more by its clients when it has lost its local endpoint: chains that knew them are made anew before they go. */
export function stickyNoMore(): EventHistory {
  const before: Kind = { ...NONE, ingress: 1, internalPolicy: "Local", isSticky: true };
  const after: Kind = { ...NONE, ingress: 1, ranges: ["10.0.0.0/8"] };
  const events = [serviceOf(0, before), sliceOf(0, [0]), sliceOf(0, [1]), serviceOf(0, after)];
  return { config: toConfig(PROXY), events: events.flatMap((object) => [put(object), UPDATE]) };
}

/** Two Services in a row want the same external addresses: the older one has them. */
function serviceOf(i: number, each: Kind): Manifest {
  const { external, ingress, ports, ranges: sources, hasNodePort, isSticky } = each;
  const own = i >> 1;
  const addresses = (prefix: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, k) => `${prefix}.${(own * 6 + k) % 256}`);
  const isBalanced = ingress > 0 || sources.length > 0;
  const isExternal = isBalanced || hasNodePort || external > 0;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: `s${i}`,
      namespace: i % 3 === 0 ? "a" : "b",
      creationTimestamp: `2026-01-01T00:00:${10 + (i % 50)}Z`,
    },
    spec: {
      type: isBalanced ? "LoadBalancer" : hasNodePort ? "NodePort" : "ClusterIP",
      clusterIP: `172.30.${(i * 37) % 256}.${i % 256}`,
      ...(isBalanced ? { allocateLoadBalancerNodePorts: hasNodePort } : {}),
      ...(isExternal ? { externalTrafficPolicy: each.policy } : {}),
      ...(isBalanced && each.policy === "Local" ? { healthCheckNodePort: 32000 + i } : {}),
      internalTrafficPolicy: each.internalPolicy,
      ...(external > 0 ? { externalIPs: addresses("203.0.113", external) } : {}),
      ...(sources.length > 0 ? { loadBalancerSourceRanges: sources } : {}),
      ...(isSticky ? { sessionAffinity: "ClientIP" } : {}),
      ports: Array.from({ length: ports }, (_, k) => ({
        name: `${each.portName}${k}`,
        // Some are node ports of other Services.
        port: k === 0 ? 80 : nodePortOf(i + k, 0),
        protocol: each.protocol,
        ...(hasNodePort ? { nodePort: nodePortOf(i, k) } : {}),
      })),
    },
    status: { loadBalancer: { ingress: addresses("192.0.2", ingress).map((ip) => ({ ip })) } },
  };
}

function nodePortOf(i: number, k: number): number {
  return 30000 + 3 * i + k;
}

/** `list`: which endpoints of the pool. A third of them are on this node. */
function sliceOf(i: number, list: readonly number[]): Manifest {
  const labels = { "kubernetes.io/service-name": `s${i}` };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `s${i}-1`, namespace: i % 3 === 0 ? "a" : "b", labels },
    addressType: "IPv4",
    endpoints: list.map((n) => ({
      addresses: [`10.180.${(n * 11) % 256}.${n % 256}`],
      nodeName: n % 3 === 0 ? "node-a" : "node-b",
    })),
    ports: ["p0", "p1", "p2", "q0", "q1", "q2"].map((name) => ({
      name,
      port: 8080,
      protocol: i % 4 === 3 ? "UDP" : "TCP",
    })),
  };
}

function put(object: Manifest): AgentEvent {
  return { kind: "put", object };
}
