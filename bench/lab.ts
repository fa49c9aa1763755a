/**
 * How long it takes to make a described network of namespaces, with its rules, and to connect hosts in it.
 *
 *   npm run bench:lab -- [--sizes 2x8,10x100,50x1000] [--network bridge] [--rounds 3]
 *
 * A size is NODESxPODS, pods of all nodes together. Times are milliseconds, medians of the rounds, each with the rules compiled before:
 * "network" is the time until it stands, "rules" until those are loaded as well, "flows" what 20 flows need that are walked, made and
 * compared, "sum" the last two together. "CPU" is that of all processes. The last line is 100 pods that connect to each of 50 Services.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Described } from "../compiler/described.ts";
import { disagreementIn } from "../runtime/lab/compare-walk.ts";
import { PacketLab } from "../runtime/lab/lab.ts";
import { LabSession } from "../runtime/lab/session.ts";
import { connectAll } from "../test/support/connect-all.ts";
import { describeGrid, serviceAddress } from "../test/support/grid-cluster.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "2x8,10x100,50x1000" },
    network: { type: "string", default: "bridge" },
    rounds: { type: "string", default: "3" },
  },
});
const FLOWS = 20;

/** Empty for a process that has ended since it was listed. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

/** Milliseconds of CPU that the lab's processes had so far, and those that ended under them. */
function cpuOf(pid: number): number {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .map((text) => text.slice(text.lastIndexOf(")") + 2).split(" "))
    .filter(([, parent]) => Number(parent) === pid);
  const TICK = 10;
  return (
    children.reduce((sum, fields) => sum + fields.slice(11, 15).reduce((all, each) => all + Number(each), 0), 0) * TICK
  );
}

function median(times: readonly number[]): string {
  return ([...times].sort((a, b) => a - b)[times.length >> 1] ?? 0).toFixed(0);
}

/** Rules are compiled before anything is measured. */
function described(nodes: number, pods: number, services: number): Described {
  const network = flags.network === "routed" ? "routed" : "bridge";
  const made = describeGrid({ nodes, pods, services, network });
  for (const host of made.layout.network.hosts.values()) made.programOf(host);
  return made;
}

const wait = (namespaces: number): Promise<void> => setTimeout(200 + namespaces * 8); // the kernel is cleaning

for (const size of flags.sizes.split(",")) {
  const [nodes = 1, pods = 1] = size.split("x").map(Number);
  const services = Math.min(100, Math.ceil(pods / 4));
  const times: Record<"network" | "rules" | "flows" | "sum" | "cpu", number[]> = {
    network: [],
    rules: [],
    flows: [],
    sum: [],
    cpu: [],
  };
  let namespaces = 0;
  for (let round = 0; round < Number(flags.rounds); round++) {
    const { layout, walker, programOf } = described(nodes, pods, services);
    namespaces = layout.network.hosts.size;
    let start = performance.now();
    const bare = await PacketLab.up(layout.network, () => undefined);
    times.network.push(performance.now() - start);
    bare.close();
    await wait(namespaces);
    const node = process.cpuUsage();
    start = performance.now();
    const session = await LabSession.open({ network: layout.network, walker, programOf });
    times.rules.push(performance.now() - start);
    const middle = performance.now();
    for (let i = 0; i < FLOWS; i++) {
      const { comparison } = await session.attempt({
        ...{ protocol: 6, from: `pod/d/p${(i * 7) % pods}`, source: undefined, sourcePort: 0 },
        ...{ destination: serviceAddress(i % services), destinationPort: 80 },
      });
      if (comparison?.isEqual !== true)
        throw new Error(
          `flow ${i}: ${comparison === undefined ? "nothing was predicted" : disagreementIn(comparison)}`,
        );
    }
    times.flows.push(performance.now() - middle);
    times.sum.push(performance.now() - start);
    const { user, system } = process.cpuUsage(node);
    times.cpu.push((user + system) / 1000 + cpuOf(session.lab.pid ?? 0));
    session.close();
    await wait(namespaces);
  }
  const { network, rules, flows, sum, cpu } = times;
  console.log(
    `${size} (${namespaces} namespaces): network ${median(network)}, rules ${median(rules)}, ${FLOWS} flows ${median(flows)}, ` +
      `sum ${median(sum)}, CPU ${median(cpu)}`,
  );
}

const { layout, programOf } = described(10, 100, 50);
const start = performance.now();
const lab = await PacketLab.up(layout.network, programOf);
const answers = await connectAll(lab, layout.network, { pods: 100, services: 50 });
const wrong = answers.filter((isServed) => !isServed).length;
console.log(
  `10x100: ${answers.length} connections with rules, ${wrong} lost: ${(performance.now() - start).toFixed(0)}`,
);
lab.close();
process.exitCode = wrong === 0 ? 0 : 1;
