/** New connections while rules are replaced: every one of them has to be translated. */
import { readInstalled } from "../../compiler/formats/iptables/installed.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { printIptables } from "../../compiler/print.ts";
import type { Flood, FloodPacket, Prober } from "../../runtime/kernel/prober.ts";
import type { ClusterInput, Manifest } from "./arbitraries.ts";
import { mustCompile, printNft } from "./compile.ts";
import type { Judge } from "./differential.ts";
import { ipv4 } from "./ir.ts";

/** A Service that changes: how many endpoints it has in each version. */
interface Changing {
  readonly name: string;
  readonly address: string;
  readonly spec: Manifest;
  readonly status?: Manifest;
  readonly endpoints: readonly number[];
}

const LOAD_BALANCER = "198.51.100.9";
const NODE = "192.168.0.2";

/** Of every kind one that shrinks to a single endpoint, and one that comes and goes beside them. */
const SERVICES: readonly Changing[] = [
  { name: "plain", address: "172.30.0.1", spec: {}, endpoints: [10, 1, 9, 3] },
  { name: "udp", address: "172.30.0.2", spec: { protocol: "UDP" }, endpoints: [1, 8, 2, 2] },
  { name: "sticky", address: "172.30.0.3", spec: { sessionAffinity: "ClientIP" }, endpoints: [5, 1, 4, 5] },
  { name: "node-port", address: "172.30.0.4", spec: { type: "NodePort", nodePort: 30004 }, endpoints: [2, 7, 1, 3] },
  {
    name: "local",
    address: "172.30.0.5",
    spec: {
      type: "LoadBalancer",
      nodePort: 30005,
      externalTrafficPolicy: "Local",
      loadBalancerSourceRanges: ["203.0.113.0/24", "10.180.0.0/16"],
    },
    status: { loadBalancer: { ingress: [{ ip: LOAD_BALANCER }] } },
    endpoints: [4, 1, 6, 2],
  },
  { name: "other", address: "172.30.0.6", spec: {}, endpoints: [0, 3, 0, 12] },
];

/** The packets that are sent all the time: to everything that has an endpoint in all versions. */
export const FLOOD: readonly FloodPacket[] = (
  [
    ["cni0", "10.180.0.7", "172.30.0.1", 6, 80],
    ["eth0", "203.0.113.5", "172.30.0.1", 6, 80],
    ["cni0", "10.180.0.7", "172.30.0.2", 17, 80],
    ["cni0", "10.180.0.7", "172.30.0.3", 6, 80],
    ["cni0", "10.180.0.8", "172.30.0.3", 6, 80],
    ["cni0", "10.180.0.7", "172.30.0.4", 6, 80],
    ["eth0", "203.0.113.5", NODE, 6, 30004],
    ["eth0", "203.0.113.5", LOAD_BALANCER, 6, 80],
    ["cni0", "10.180.0.7", LOAD_BALANCER, 6, 80],
    ["eth0", "203.0.113.5", NODE, 6, 30005],
  ] as const
).map(([inInterface, source, destination, protocol, destinationPort]) => ({
  inInterface,
  flow: { protocol, source: ipv4(source), destination: ipv4(destination), destinationPort } as FloodPacket["flow"],
}));

/** The cluster in its four versions. */
export function versions(mode: ClusterInput["mode"]): Program[] {
  return [0, 1, 2, 3].map((version) => {
    const objects = SERVICES.flatMap((service, i) => manifestsOf(service, i, service.endpoints[version] ?? 0));
    const proxy: ClusterInput["proxy"] = {
      nodeName: "node-a",
      nodeIP: NODE,
      nodeIPs: [NODE],
      detectLocalMode: "ClusterCIDR",
      clusterCIDR: ["10.180.0.0/16"],
      serviceCIDRs: ["172.30.0.0/16"],
      nodePortAddresses: "default",
      localhostNodePorts: true,
      masqueradeAll: false,
      zone: null,
    };
    return mustCompile({ objects, proxy, mode }).program;
  });
}

function manifestsOf({ name, address, spec, status }: Changing, index: number, count: number): Manifest[] {
  const { protocol = "TCP", nodePort, ...rest } = spec;
  const metadata = { name, namespace: "shop" };
  const port = { port: 80, protocol, ...(nodePort === undefined ? {} : { nodePort }) };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { clusterIP: address, ...rest, ports: [port] },
      ...(status === undefined ? {} : { status }),
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: Array.from({ length: count }, (_, i) => ({
        addresses: [`10.180.${index}.${i + 10}`],
        nodeName: "node-a",
      })),
      ports: [{ name: "", port: 8080, protocol }],
    },
  ];
}

/** Replaces the rules `count` times, version after version, under a flood of new connections. */
export async function floodThroughUpdates(
  prober: Prober,
  judge: Judge,
  programs: readonly Program[],
  count: number,
): Promise<Flood> {
  const load = loaderFor(prober, judge, programs);
  await load(0);
  const stop = await prober.startFlood(FLOOD);
  for (let update = 1; update <= count; update++) await load(update % programs.length);
  return stop();
}

/** Loads a version over what is there, as README says. */
function loaderFor(prober: Prober, judge: Judge, programs: readonly Program[]): (version: number) => Promise<unknown> {
  if (judge === "kernel-nft") {
    const texts = programs.map((program) => printNft(program));
    return (version) => prober.run("nft -f /dev/stdin", texts[version]);
  }
  const backend = judge === "kernel-iptables-nft" ? "nft" : "legacy";
  return async (version) => {
    const save = await prober.run(`iptables-${backend}-save`);
    const { text } = printIptables(programs[version] as Program, "ip", readInstalled(save));
    await prober.run(`iptables-${backend}-restore --noflush`, text);
  };
}
