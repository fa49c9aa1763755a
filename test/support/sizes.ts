/** Clusters with a given number of one thing, for each thing that a cluster can have many of. */
import { type ClusterInput, type Manifest, NODE_IPS, NODE_NAME, PROXY } from "./arbitraries.ts";
import type { ProxySettings } from "./oracle/oracle.ts";

/** Sizes at which something could change: none, one, the fan-out of a dispatch tree, a byte, and many. */
export const SIZES = [0, 1, 2, 16, 17, 255, 256, 257, 1000] as const;

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly nodePort?: number;
}

interface Draft {
  readonly name?: string;
  readonly index?: number;
  readonly type?: string;
  readonly ports?: readonly Port[];
  /** Numbers of endpoints; each has an address of both families. */
  readonly endpoints?: readonly number[];
  readonly spec?: Manifest;
  readonly ingress?: readonly string[];
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** `base` plus `index`, in the last two parts of an address. */
const v4 = (base: string, index: number): string => `${base}.${(index + 1) >> 8}.${(index + 1) & 255}`;
const v6 = (base: string, index: number): string => `${base}::${(index + 1).toString(16)}`;

/** An endpoint at the address of each family; every third one is on this node. */
const endpointAt = (family: "IPv4" | "IPv6", index: number): Manifest => ({
  addresses: [family === "IPv4" ? v4("10.180", index) : v6("fd00:10:180", index)],
  conditions: { ready: true },
  nodeName: index % 3 === 0 ? NODE_NAME : "node-b",
});

/** A Service of both families and its EndpointSlices, each of up to 100 endpoints. */
function service({
  name = "s",
  index = 0,
  type = "LoadBalancer",
  ports = [{ port: 80, nodePort: 30000 + index }],
  endpoints = [3 * index, 3 * index + 1],
  spec = {},
  ingress = [],
}: Draft): Manifest[] {
  const clusterIPs = [v4("172.30", index), v6("fd00:10:96", index)];
  const slices = (["IPv4", "IPv6"] as const).flatMap((family) =>
    upTo(Math.ceil(endpoints.length / 100)).map(
      (i): Manifest => ({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${name}-${family.toLowerCase()}-${i}`,
          namespace: "n",
          labels: { "kubernetes.io/service-name": name },
        },
        addressType: family,
        endpoints: endpoints.slice(100 * i, 100 * i + 100).map((number) => endpointAt(family, number)),
        ports: ports.map(({ name: portName = "", port, protocol = "TCP" }) => ({ name: portName, port, protocol })),
      }),
    ),
  );
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "n" },
      spec: {
        type,
        clusterIP: clusterIPs[0],
        clusterIPs,
        ipFamilies: ["IPv4", "IPv6"],
        ipFamilyPolicy: "RequireDualStack",
        ports: ports.map(({ protocol = "TCP", ...rest }) => ({ protocol, ...rest })),
        ...spec,
      },
      ...(ingress.length === 0 ? {} : { status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } } }),
    },
    ...slices,
  ];
}

const named = (number: number, protocol: (i: number) => string, base: number): Port => ({
  name: `p${number}`,
  port: base + number,
  protocol: protocol(number),
  nodePort: 30000 + number,
});

const mixed = (i: number): string => ["TCP", "UDP", "SCTP", "TCP"][i % 4] ?? "TCP";
const alternating = (count: number): string[] => upTo(count).flatMap((i) => [v4("198.18", i), v6("2001:db8:f", i)]);

/** A Service that is there beside what is counted, so that size 0 has rules, too. */
const another = (): Manifest[] => service({ name: "another", index: 5000, endpoints: [5000, 5001] });

const of = (objects: readonly Manifest[], proxy: Partial<ProxySettings> = {}): Omit<ClusterInput, "mode"> => ({
  objects: [...another(), ...objects],
  proxy: { ...PROXY, ...proxy },
});

/** One Service with `ports`; none where there are none, since the API server takes no such Service. */
const withPorts = (ports: readonly Port[], rest: Draft = {}): Omit<ClusterInput, "mode"> =>
  of(ports.length === 0 ? [] : service({ ports, ...rest }));

/** What is counted: a cluster that has `count` of it. */
export const COUNTED: Readonly<Record<string, (count: number) => Omit<ClusterInput, "mode">>> = {
  "ports of a Service, side by side": (n) => withPorts(upTo(n).map((i) => named(i, () => "TCP", 8000))),
  "ports of a Service, of three protocols": (n) => withPorts(upTo(n).map((i) => named(i, mixed, 8000))),
  "ports of a Service with source ranges, policy Local and affinity": (n) =>
    withPorts(
      upTo(n).map((i) => named(i, mixed, 1)),
      {
        spec: {
          externalTrafficPolicy: "Local",
          healthCheckNodePort: 32000,
          loadBalancerSourceRanges: ["203.0.113.0/24", "10.0.0.0/8", "2001:db8:c::/64"],
          sessionAffinity: "ClientIP",
        },
        ingress: ["198.51.100.1", "2001:db8:e::1"],
      },
    ),
  "ports of a Service without endpoints": (n) =>
    withPorts(
      upTo(n).map((i) => named(i, mixed, 8000)),
      { endpoints: [] },
    ),
  Services: (n) =>
    of(upTo(n).flatMap((i) => service({ name: `s${i}`, index: i, type: "ClusterIP", ports: [{ port: 80 }] }))),
  "Services without endpoints": (n) =>
    of(
      upTo(n).flatMap((i) =>
        service({ name: `s${i}`, index: i, ports: [{ port: 80, nodePort: 30000 + i }], endpoints: [] }),
      ),
    ),
  "node ports of one protocol": (n) =>
    of(upTo(n).flatMap((i) => service({ name: `s${i}`, index: i, type: "NodePort" }))),
  "node ports of three protocols": (n) =>
    of(
      upTo(n).flatMap((i) =>
        service({
          name: `s${i}`,
          index: i,
          type: "NodePort",
          ports: [{ port: 80, protocol: mixed(i), nodePort: 30000 + (i >> 1) }],
        }),
      ),
    ),
  "node ports with policy Local": (n) =>
    of(
      upTo(n).flatMap((i) =>
        service({ name: `s${i}`, index: i, spec: { externalTrafficPolicy: "Local", healthCheckNodePort: 31001 + i } }),
      ),
    ),
  endpoints: (n) => of(service({ endpoints: upTo(n) })),
  "endpoints with session affinity": (n) => of(service({ endpoints: upTo(n), spec: { sessionAffinity: "ClientIP" } })),
  "endpoints with policy Local": (n) =>
    of(service({ endpoints: upTo(n), spec: { externalTrafficPolicy: "Local", healthCheckNodePort: 32000 } })),
  "numbers of endpoints": (n) =>
    of(
      [...new Set([...upTo(Math.min(n, 64)), ...SIZES.filter((size) => size <= n)])].flatMap((count, i) =>
        service({ name: `s${i}`, index: i, endpoints: upTo(count) }),
      ),
    ),
  "external IPs": (n) => of(service({ spec: { externalIPs: alternating(n) } })),
  "load balancer addresses": (n) => of(service({ ingress: alternating(n) })),
  "load balancer addresses with source ranges": (n) =>
    of(service({ ingress: alternating(n), spec: { loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:c::/64"] } })),
  "source ranges": (n) =>
    of(
      service({
        ingress: ["198.51.100.1", "2001:db8:e::1"],
        spec: {
          loadBalancerSourceRanges: upTo(n).flatMap((i) => [
            `203.${i >> 6}.${(i & 63) << 2}.0/23`,
            `2001:db8:c:${(i << 2).toString(16)}::/63`,
          ]),
        },
      }),
    ),
  "source ranges of blocks within blocks": (n) =>
    of(
      service({
        ports: [...upTo(20).map((i) => named(i, () => "TCP", 80))],
        ingress: ["198.51.100.1", "2001:db8:e::1"],
        spec: {
          loadBalancerSourceRanges: upTo(n).flatMap((i) => [
            `${i % 2 === 0 ? 64 : 128}.0.0.0/${i % 2 === 0 ? 2 : 1}`,
            `203.${i >> 8}.${i & 255}.77/32`,
          ]),
        },
      }),
    ),
  "node addresses": (n) =>
    of(service({}), { nodeIPs: [...NODE_IPS, ...upTo(n).flatMap((i) => [v4("192.169", i), v6("2001:db8:2", i)])] }),
  "node port addresses": (n) =>
    of(service({}), {
      nodePortAddresses:
        n === 0 ? "default" : upTo(n).flatMap((i) => [`${v4("192.168", 2 * i)}/32`, `${v6("2001:db8", 2 * i)}/128`]),
    }),
  "Service CIDRs": (n) => of(service({}), { serviceCIDRs: upTo(n).map((i) => `172.${16 + (i >> 8)}.${i & 255}.0/25`) }),
  "cluster CIDRs": (n) => of(service({}), { clusterCIDR: upTo(n).map((i) => `10.${180 + (i >> 8)}.${i & 255}.0/25`) }),
  "timeouts of session affinity": (n) =>
    of(
      upTo(n).flatMap((i) =>
        service({
          name: `s${i}`,
          index: i,
          type: "ClusterIP",
          ports: [{ port: 80 }],
          spec: { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: i + 1 } } },
        }),
      ),
    ),
};
