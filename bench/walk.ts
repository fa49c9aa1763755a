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
import { matrixOf } from "../compiler/matrix/matrix.ts";
import { describeGrid, serviceAddress } from "../test/support/grid-cluster.ts";

const { values: flags } = parseArgs({
  options: { sizes: { type: "string", default: "5x100x50" }, rounds: { type: "string", default: "3" } },
});

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
    const described = describeGrid({ nodes, pods, services });
    const flow = {
      protocol: 6,
      source: undefined,
      sourcePort: 40000,
      destination: serviceAddress(0),
      destinationPort: 80,
    };
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
