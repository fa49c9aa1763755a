/** The tests that mutants are judged by: those that need neither the kernel, a browser, HAProxy nor another process. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders of tests, and single files, for the mutants of a folder or a file. */
const JUDGES: Readonly<Record<string, readonly string[]>> = {
  "compiler/lower": [
    "unit/lower",
    "unit/model/gateways.test.ts",
    "unit/model/ingress.test.ts",
    "unit/node/kube-proxy.test.ts",
    "unit/node/pod-network.test.ts",
    "unit/diagnostic-codes.test.ts",
    "golden/fields.test.ts",
    "golden/golden.test.ts",
    "golden/requests.test.ts",
    "property/compile.test.ts",
    "property/contributions.test.ts",
    "property/oracle.test.ts",
  ],
  "compiler/model": [
    "unit/model",
    "unit/layout",
    "unit/lower",
    "unit/matrix/alike-hosts.test.ts",
    "unit/node/all-nodes.test.ts",
    "unit/diagnostic-codes.test.ts",
    "golden/fields.test.ts",
    "golden/requests.test.ts",
    "golden/walks.test.ts",
    "property/oracle.test.ts",
  ],
  "compiler/ir/table-change.ts": [
    "unit/ir/table-change.test.ts",
    "unit/updates",
    "property/node-tables.test.ts",
    "property/table-change.test.ts",
  ],
  "compiler/passes/lookups": [
    "unit/passes",
    "unit/agent/agent-on-iptables.test.ts",
    "golden/unfolded.test.ts",
    "property/followed-iptables.test.ts",
    "property/plan-again.test.ts",
    "property/tree-groups.test.ts",
    "property/unfold.test.ts",
    "property/unfolded-table.test.ts",
  ],
  "compiler/updates": [
    "unit/agent",
    "unit/table",
    "unit/updates",
    "property/brief-objects.test.ts",
    "property/node-tables.test.ts",
    "property/odd-objects.test.ts",
  ],
  "runtime/agent": ["unit/agent"],
  "runtime/table": ["unit/agent", "unit/table"],
  "compiler/evaluate": [
    "unit/evaluate",
    "unit/compare",
    "unit/kernel",
    "unit/tabulate",
    "unit/trace",
    "unit/verify",
    "unit/walk",
    "golden/requests.test.ts",
    "golden/walks.test.ts",
    "property/compare.test.ts",
    "property/compile.test.ts",
    "property/disposition.test.ts",
    "property/follow.test.ts",
    "property/hooks.test.ts",
    "property/router-listeners.test.ts",
    "property/router.test.ts",
    "property/tabulate.test.ts",
    "property/unfold.test.ts",
  ],
};

/** Files of these folders that such tests cannot judge, or that decide nothing about rules, with the reason. */
export const NOT_JUDGED: ReadonlyMap<string, string> = new Map([
  ["runtime/agent/clean-up.ts", "runs nft and iptables"],
  ["runtime/agent/iptables-host.ts", "runs iptables"],
  ["runtime/agent/kernel-processes.ts", "starts the processes that ask the kernel"],
  ["runtime/agent/heap.ts", "V8's memory, which benchmarks measure"],
  ["runtime/agent/machine-code.ts", "V8's flags, which benchmarks measure"],
  ["runtime/agent/health.ts", "tells how the agent is"],
  ["runtime/agent/health-check-ports.ts", "answers at sockets"],
  ["runtime/agent/metrics.ts", "tells what was done"],
  ["runtime/agent/printing-kernel.ts", "does nothing"],
  ["runtime/agent/sysctls.ts", "writes files of /proc"],
  ["runtime/table/change-tables.ts", "runs nft"],
  ["runtime/table/connections.ts", "asks conntrack"],
  ["runtime/table/live-skeleton.ts", "reads what the kernel has"],
  ["runtime/table/live-tables.ts", "reads what nft lists"],
  ["runtime/table/netfilter.ts", "runs the helper that has the sockets"],
  ["runtime/table/nf-tables.ts", "reads what the kernel has"],
  ["runtime/table/pending.ts", "writes files for a process that restores"],
  ["runtime/table/restore.ts", "runs nft"],
  ["runtime/table/writer.ts", "runs nft"],
]);

/** How many loops and calls all tests of one mutant may make, unless the command says it. What follows a table needs many histories. */
const WORK: Readonly<Record<string, number>> = { "compiler/passes/lookups": 30_000_000 };

export function workFor(folder: string): number {
  return WORK[folder] ?? 3_000_000;
}

/** The folders and files whose mutants have judges. */
export const JUDGED_FOLDERS: readonly string[] = Object.keys(JUDGES);

/** The paths, from the root, of the tests for the mutants of a folder. */
export function judgingTests(root: string, folder: string): readonly string[] {
  return (JUDGES[folder] ?? []).flatMap((judge) => {
    if (judge.endsWith(".ts")) return [`test/${judge}`];
    const names = readdirSync(join(root, "test", judge), { recursive: true, encoding: "utf8" });
    return names
      .filter((name) => name.endsWith(".test.ts"))
      .sort()
      .map((name) => `test/${judge}/${name}`);
  });
}
