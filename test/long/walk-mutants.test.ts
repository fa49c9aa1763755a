/** Mistakes in the code that walks packets are noticed: what a lab has seen of flows is held against the walks of the mutated code. */
import { beforeAll, describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { required } from "../../compiler/invariant.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import type { Host, HostInterface, Network } from "../../compiler/network/network.ts";
import type { WalkFlow } from "../../compiler/walk/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import { compareWalk, disagreementIn, type ObservedWalk } from "../../runtime/lab/compare-walk.ts";
import { type LabDescription, LabSession } from "../../runtime/lab/session.ts";
import { describeFault } from "../support/faults.ts";
import { changes, withInterface } from "../support/host-changes.ts";
import { kernelMissing } from "../support/kernel.ts";
import { codeWith, type Mistake } from "../support/mistakes.ts";
import { randomCluster } from "../support/random-clusters.ts";
import { STORIES, STORY_CLUSTERS } from "../support/stories.ts";
import { WALK_MUTANTS } from "../support/walk-mutants.ts";
import { describeShop, flowOf } from "../support/walks.ts";

/** Flows of one network, each with what a lab has seen of it. */
interface Recording {
  readonly network: Network;
  readonly evaluatorOf: (host: Host) => Evaluator | undefined;
  readonly seen: readonly { readonly flow: WalkFlow; readonly observed: ObservedWalk }[];
}

/** Of random clusters. */
const SEEDS = [1002, 1005, 1009, 1014];
const FLOWS = 30;

function isolated(own: HostInterface): HostInterface {
  return { ...own, port: { ...required(own.port, "it is a port"), isolated: true } };
}

/** Clusters with something that neither stories nor the random clusters have. */
const SPECIAL: readonly SpecialCluster[] = [
  {
    pods: "bridge",
    change: changes(
      withInterface("node/n1", "veth-client", isolated),
      withInterface("node/n1", "veth-web-1", isolated),
    ),
    flows: ["pod/shop/client > 10.244.1.11:8080", "pod/shop/client > 10.96.0.30:80"],
  },
  {
    pods: "routed",
    cluster: { nodes: [{ name: "n1", sysctls: { "net.ipv6.conf.all.forwarding": "0" } }] },
    flows: ["pod/shop/client > [fd00:244:0:2::10]:8080", "pod/shop/client > [fd00:244:0:1::11]:8080"],
  },
  {
    pods: "bridge",
    cluster: { nodes: [{ name: "n2", routes: [{ to: "10.244.1.1/32", interface: "eth0" }] }] },
    flows: ["node/n2 > 10.244.1.1:22"],
  },
  { pods: "bridge", flows: ["outside/client > 198.51.100.99:80"] },
  // What n2 says of these goes back through the tunnel.
  {
    pods: "flannel-vxlan",
    cluster: { nodes: [{ name: "n2", routes: [{ kind: "unreachable", to: "10.244.2.11/32" }] }] },
    flows: ["pod/shop/client > 10.244.2.11:8080", "pod/shop/client > 10.96.0.20:80"],
  },
  // Nodes and the gateway send these to each other, masqueraded more than once as the same node: the second time by another port.
  {
    pods: "kindnet",
    flows: ["pod/shop/api", "pod/shop/client"].flatMap((from) => [
      `${from} > 198.51.100.40:81`,
      `${from} > 198.51.100.41:81`,
    ]),
  },
  {
    pods: "bridge",
    rules: {
      "node/n1": "table ip own { chain input { type filter hook input priority 0; iifname lo tcp dport 22 drop; }; }",
    },
    flows: ["node/n1 > 192.168.50.11:22"],
  },
];

type SpecialCluster = Parameters<typeof describeFault>[0] & { readonly flows: readonly string[] };

async function record({ network, walker, programOf }: LabDescription, flows: readonly WalkFlow[]): Promise<Recording> {
  const session = await LabSession.open({ network, walker, programOf });
  try {
    const seen: Recording["seen"][number][] = [];
    for (const each of flows) {
      const { walk, observed } = await session.attempt(each);
      seen.push({ flow: walk.flow, observed });
    }
    const evaluators = new Map([...network.hosts.values()].map((host) => [host.name, evaluatorFor(programOf(host))]));
    return { network, evaluatorOf: ({ name }) => evaluators.get(name), seen };
  } finally {
    session.close();
  }
}

function recordAll(): Promise<Recording[]> {
  const stories = Object.values(STORY_CLUSTERS).map((kind) => {
    const { layout, ...described } = describeShop(kind);
    return record({ ...described, network: layout.network }, STORIES.map(flowOf));
  });
  const random = SEEDS.map((seed) => {
    const { subject } = randomCluster(seed, FLOWS);
    return record(subject, subject.flows);
  });
  const special = SPECIAL.map(({ flows, ...cluster }) => record(describeFault(cluster), flows.map(flowOf)));
  return Promise.all([...stories, ...random, ...special]);
}

function evaluatorFor(program: Program | undefined): Evaluator | undefined {
  return program && new Evaluator(program);
}

/** The first flow that `Walker` predicts otherwise than it was seen, and how. An error is another prediction, too. */
function firstWrong(recordings: readonly Recording[], Walker: typeof PacketWalker): string | undefined {
  for (const { network, evaluatorOf, seen } of recordings) {
    const walker = new Walker(network, evaluatorOf);
    for (const { flow, observed } of seen) {
      const comparison = compareWalk(walker.walk(flow), observed);
      const what = comparison === undefined ? "there is no branch" : disagreementIn(comparison);
      if (what !== undefined)
        return `${flow.from} > ${printAddressPort(flow.destination, flow.destinationPort)}: ${what}`;
    }
  }
  return undefined;
}

/** The walker with a mistake. */
async function walkerWith(mistake: Mistake): Promise<typeof PacketWalker> {
  const text = await codeWith(mistake, new URL("../../compiler/walk/", import.meta.url), "walk.ts");
  const code = Buffer.from(text).toString("base64");
  const made: { readonly PacketWalker: typeof PacketWalker } = await import(`data:text/javascript;base64,${code}`);
  return made.PacketWalker;
}

describe.skipIf(kernelMissing !== undefined)("mistakes in walks are noticed", () => {
  let recordings: readonly Recording[] = [];
  beforeAll(async () => {
    recordings = await recordAll();
  }, 300_000);

  test("there are none in the code as it is", () => {
    expect(recordings.flatMap(({ seen }) => seen).length).toBeGreaterThan(400);
    expect(firstWrong(recordings, PacketWalker)).toBeUndefined();
  });

  test.each(Object.keys(WALK_MUTANTS))("%s", async (name) => {
    const mutant = required(WALK_MUTANTS[name], "it is one of them");
    expect(firstWrong(recordings, await walkerWith(mutant))).toBeDefined();
  });
});
