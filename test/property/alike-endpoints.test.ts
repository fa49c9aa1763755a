/** Of endpoints of one node that nothing tells apart one is walked: what is found is what walks to each of them find. */
import { expect, test } from "vitest";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { findClusterFaults } from "../../compiler/findings/cluster-findings.ts";
import { KnownNetwork } from "../../compiler/findings/known-network.ts";
import { representativeFlows } from "../../compiler/findings/representative-flows.ts";
import { findWalkFaults } from "../../compiler/findings/walk-findings.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { Walk } from "../../compiler/walk/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import { describeGrid } from "../support/grid-cluster.ts";
import { some } from "../support/runs.ts";

const SIZE = { nodes: 3, pods: 12, services: 1 };

type Change = (host: Host) => Host;

const sysctl =
  (settings: Partial<HostInterface["sysctls"]["IPv4"]>, isMeant: (own: HostInterface) => boolean): Change =>
  (host) => ({
    ...host,
    interfaces: host.interfaces.map((own) =>
      isMeant(own) ? { ...own, sysctls: { ...own.sysctls, IPv4: { ...own.sysctls.IPv4, ...settings } } } : own,
    ),
  });

const withoutRoutes =
  (isMeant: (length: number) => boolean): Change =>
  (host) => {
    const { tables } = host.routing.IPv4;
    const main = (tables["main"] ?? []).filter(
      ({ prefix, isAutomatic }) => isAutomatic === true || !isMeant(prefix.length),
    );
    return { ...host, routing: { ...host.routing, IPv4: { ...host.routing.IPv4, tables: { ...tables, main } } } };
  };

/** By what is broken on one node. */
const CHANGES: Readonly<Record<string, Change>> = {
  nothing: (host) => host,
  "forwarding is off": sysctl({ forwarding: false }, () => true),
  "a strict reverse path filter": sysctl({ reversePathFilter: 1 }, ({ kind }) => kind === "ethernet"),
  "no routes to the pods of others": withoutRoutes((length) => length === 24),
  "no default route": withoutRoutes((length) => length === 0),
  "one port of the bridge forwards nothing": (host) => {
    const port = host.interfaces.find((own) => own.port !== undefined);
    return {
      ...host,
      interfaces: host.interfaces.map((own) =>
        own === port && own.port !== undefined ? { ...own, port: { ...own.port, isForwarding: false } } : own,
      ),
    };
  },
};

class CountingWalker extends PacketWalker {
  branches = 0;

  override walk(...asked: Parameters<PacketWalker["walk"]>): Walk {
    const walk = super.walk(...asked);
    this.branches += walk.branches.length;
    return walk;
  }
}

/** What is wrong at which host. Of pods that nothing tells apart one is named. */
function keyOf({ code, severity, host, fix }: Diagnostic): string {
  const kind = code === "reply-lost" || code === "node-without-route" ? "no-route" : code;
  return `${severity} ${kind} at ${host}, fixed on ${fix?.host}`;
}

/** Changes that no packet is lost by. */
const HARMLESS: readonly string[] = ["nothing", "a strict reverse path filter"];

// Of changes that lose packets the quick set has three: a setting, a route, a port.
test.each(some(Object.entries(CHANGES), 3))("%s", (name, change) => {
  const { input, layout, programOf } = describeGrid(SIZE);
  const hosts = new Map(
    [...layout.network.hosts].map(([host, each]) => [host, host === "node/n1" ? change(each) : each]),
  );
  const network = { ...layout.network, hosts };
  const known = new KnownNetwork(network, { podCidrs: [], blocks: new Map(), services: [], ports: [] });
  const evaluators = new Map<Host, Evaluator | undefined>();
  const evaluatorOf = (host: Host): Evaluator | undefined => {
    const program = programOf(host);
    if (!evaluators.has(host)) evaluators.set(host, program && new Evaluator(program));
    return evaluators.get(host);
  };
  const walker = new CountingWalker(network, evaluatorOf);
  const checked = { input, known, walker, programOf };
  const found = findClusterFaults(checked, 0).findings.map(keyOf);
  const walked = walker.branches;
  const { flows } = representativeFlows(checked, 0);
  const all = flows.flatMap((flow) => findWalkFaults(known, walker.walk(flow))).map(keyOf);
  expect([...new Set(found)].sort()).toEqual([...new Set(all)].sort());
  expect(found.length > 0).toBe(!HARMLESS.includes(name));
  expect(walked * 1.5).toBeLessThan(walker.branches - walked);
});
