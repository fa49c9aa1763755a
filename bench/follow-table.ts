/**
 * How long it takes from all objects to the classifier's table, and from an event to a patch of it.
 *
 *   npm run bench:follow-table -- [--services 1000,10000,100000] [--endpoints 10] [--events 500]
 *
 * A cluster of dual-stack Services, one in ten with a node port. Each event is an EndpointSlice of one Service whose first endpoint has gone, or
 * come back. The first fifth warms up. CPU: what the thread and its garbage collector have used, which other programs disturb less.
 */
import { parseArgs } from "node:util";
import { followTable, type ObjectEvent } from "../compiler/index.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "1000,10000,100000" },
    endpoints: { type: "string", default: "10" },
    events: { type: "string", default: "500" },
  },
});

/** The `number`-th address behind those of `net`, two numbers. */
function addresses(net: string, net6: string, number: number): readonly [string, string] {
  const [high, low] = [number >>> 16, number & 0xffff];
  const [first, second] = net.split(".").map(Number) as [number, number];
  return [
    `${first}.${second + high}.${low >>> 8}.${low & 255}`,
    `${net6}::${(high + 1).toString(16)}:${low.toString(16)}`,
  ];
}

function serviceOf(i: number): object {
  const clusterIPs = addresses("10.96", "fd00:10:96", i + 1);
  const nodePort = i % 10 === 5 && i < 20_000 ? 30_000 + (i - 5) / 10 : undefined;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: `web-${i}` },
    spec: {
      type: nodePort === undefined ? "ClusterIP" : "NodePort",
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
      ports: [{ name: "http", port: 80, ...(nodePort === undefined ? {} : { nodePort }) }],
    },
  };
}

function sliceOf(i: number, family: 0 | 1, endpoints: number, from: number): object {
  const all = Array.from(
    { length: endpoints },
    (_, k) => addresses("10.128", "fd00:10:128", i * endpoints + k + 1)[family],
  );
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      namespace: "shop",
      name: `web-${i}-${family === 0 ? "ipv4" : "ipv6"}`,
      labels: { "kubernetes.io/service-name": `web-${i}` },
    },
    addressType: family === 0 ? "IPv4" : "IPv6",
    ports: [{ name: "http", port: 8080 }],
    endpoints: all.slice(from).map((address) => ({ addresses: [address], nodeName: "node-2" })),
  };
}

/** As a watch tells of them: none is kept. */
function* allObjects(services: number, endpoints: number): Generator<ObjectEvent> {
  for (let i = 0; i < services; i++)
    for (const object of [serviceOf(i), sliceOf(i, 0, endpoints, 0), sliceOf(i, 1, endpoints, 0)])
      yield { type: "ADDED", object };
}

/** Milliseconds. */
function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function measure(services: number, endpoints: number, events: number): string[] {
  const clusterCIDR = ["10.128.0.0/9", "fd00:10:128::/64"];
  const settings = { nodeName: "node-1", nodeIPs: ["192.168.0.2", "2001:db8::2"], clusterCIDR };
  const followed = followTable([], { settings });
  const [begin, atFirst] = [performance.now(), process.cpuUsage()];
  const { diagnostics } = followed.updateObjects(allObjects(services, endpoints));
  const first = [performance.now() - begin, cpuSince(atFirst)].map((ms) => (ms / 1000).toFixed(2));
  if (followed.table === undefined) throw new Error(JSON.stringify(diagnostics.slice(0, 3)));
  const [clock, cpu]: [number[], number[]] = [[], []];
  let tables = 0;
  for (let i = 0; i < events; i++) {
    const object = sliceOf(Math.imul(i >>> 1, 7919) % services, 0, endpoints, 1 - (i & 1));
    const [start, before] = [performance.now(), process.cpuUsage()];
    const { table } = followed.updateObjects([{ type: "MODIFIED", object }]);
    const [took, used] = [performance.now() - start, cpuSince(before)];
    if (table !== undefined) tables++;
    if (i < events / 5) continue;
    clock.push(took);
    cpu.push(used);
  }
  const [inClock, inCpu] = [summarise(clock), summarise(cpu)];
  return [
    `${services}`,
    ...first,
    inClock.median.toFixed(2),
    inClock.min.toFixed(2),
    inCpu.median.toFixed(2),
    "<= 1",
    `${tables}`,
  ];
}

const rows = values.services
  .split(",")
  .map((services) => measure(Number(services), Number(values.endpoints), Number(values.events)));
process.stdout.write(
  printTable([
    ["Services", "first, s", "CPU, s", "an event, ms", "least, ms", "CPU, ms", "target", "tables made anew"],
    ...rows,
  ]),
);
