/**
 * How long walks through a described cluster take: the first trace, and the matrix of all clients and Services.
 *
 *   npm run bench:walk -- [--sizes 5x100x50] [--rounds 3]
 *
 * A size is NODESxPODSxSERVICES. Times are the process's CPU time in milliseconds, medians of the rounds, each with a cluster
 * described anew: "first walk" compiles the rules of the nodes on the way. "walks" are the packets that the matrix follows, "MB"
 * what the process has in memory at the end.
 */
import { parseArgs } from "node:util";
import { resolveInput } from "../compiler/compile.ts";
import { type Described, describeNetwork } from "../compiler/described.ts";
import { required } from "../compiler/invariant.ts";
import { matrixOf } from "../compiler/matrix/matrix.ts";
import { parseAddress } from "../compiler/net/address.ts";
import { resolveConfigs } from "../compiler/node/all-nodes.ts";
import { loadSpecs } from "../compiler/specs/load.ts";

const { values: flags } = parseArgs({
  options: { sizes: { type: "string", default: "5x100x50" }, rounds: { type: "string", default: "3" } },
});

function describeCluster(nodes: number, pods: number, services: number): Described {
  const count = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  const items = [
    ...count(nodes, (n) => ({
      ...{ apiVersion: "v1", kind: "Node", metadata: { name: `n${n}` } },
      spec: { podCIDR: `10.244.${n}.0/24`, podCIDRs: [`10.244.${n}.0/24`] },
      status: { addresses: [{ type: "InternalIP", address: `192.168.50.${10 + n}` }] },
    })),
    ...count(pods, (p) => {
      const ip = `10.244.${p % nodes}.${10 + Math.floor(p / nodes)}`;
      return {
        ...{ apiVersion: "v1", kind: "Pod" },
        metadata: { name: `p${p}`, namespace: "d", labels: { app: `s${p % services}` } },
        spec: { nodeName: `n${p % nodes}`, containers: [{ name: "c", image: "i" }] },
        status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: "True" }] },
      };
    }),
    ...count(services, (s) => ({
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: `s${s}`, namespace: "d" } },
      spec: {
        ...{ type: "NodePort", clusterIP: serviceAddress(s), clusterIPs: [serviceAddress(s)] },
        ...{ ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", selector: { app: `s${s}` } },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30000 + s }],
      },
    })),
  ];
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const load = (report: Parameters<typeof loadSpecs>[1]): ReturnType<typeof loadSpecs> =>
    loadSpecs([{ name: "cluster.json", text }], report);
  const { resolved } = resolveInput(load, {}, {}, resolveConfigs);
  return describeNetwork(required(resolved, "the cluster has no errors"));
}

function serviceAddress(s: number): string {
  return `10.96.${Math.floor(s / 250)}.${1 + (s % 250)}`;
}

function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1000;
}

function median(values: readonly number[]): string {
  return ([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(0);
}

for (const size of flags.sizes.split(",")) {
  const [nodes = 1, pods = 1, services = 1] = size.split("x").map(Number);
  const [first, matrix]: [number[], number[]] = [[], []];
  let walks = 0;
  for (let round = 0; round < Number(flags.rounds); round++) {
    const described = describeCluster(nodes, pods, services);
    const destination = required(parseAddress(serviceAddress(0)), "it is an address");
    const flow = { protocol: 6, source: undefined, sourcePort: 40000, destination, destinationPort: 80 };
    first.push(cpuOf(() => described.walker.walk({ ...flow, from: "pod/d/p0" })));
    matrix.push(
      cpuOf(() => {
        walks = matrixOf(described).walks;
      }),
    );
  }
  const memory = process.memoryUsage().rss >> 20;
  console.log(`${size}: first walk ${median(first)}, matrix ${median(matrix)} (${walks} walks), ${memory} MB`);
}
