/** Whatever becomes of transactions, while others are made already: in the end the kernel has what is wanted. */
import { expect, test } from "vitest";
import { stringify } from "../../compiler/ir/normal-form.ts";
import type { ElementsChange, TableChange } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { Agent } from "../../runtime/agent/agent.ts";
import { AGENT_TIMES } from "../../runtime/agent/agent-parts.ts";
import { type AgentKernel, LocalKernel } from "../../runtime/agent/kernel.ts";
import type { KernelStep } from "../../runtime/agent/kernel-steps.ts";
import { PRINTING_KERNEL } from "../../runtime/agent/printing-kernel.ts";
import type { RefusalReason, TransactionAnswer } from "../../runtime/table/answers.ts";
import { endpointSlice, serviceOf } from "../support/agent-objects.ts";
import { TestClock } from "../support/api-server/test-clock.ts";
import { TestWatch } from "../support/test-watch.ts";

/** What becomes of a transaction. */
type Fate = "done" | "refused" | "made, and nobody knows" | "thrown before" | "thrown after";

/** More than are made at once. */
const SERVICES = 230;

type Elements = Map<string, string>;

function elementsOf(tables: readonly Table[]): Elements {
  const all: Elements = new Map();
  for (const { family, sets, maps } of tables)
    for (const of of [...sets, ...maps]) put(all, family, { of, removed: [], added: of.elements });
  return all;
}

/** Why the kernel would refuse; undefined: it is done. */
function put(all: Elements, family: string, { of, removed, added }: ElementsChange): RefusalReason | undefined {
  const place = ({ key }: { readonly key: unknown }): string => `${family} ${of.name} ${stringify(key)}`;
  for (const element of removed) if (!all.delete(place(element))) return "missing";
  for (const element of added) {
    const there = all.get(place(element));
    if (there !== undefined && there !== stringify(element)) return "exists";
    all.set(place(element), stringify(element));
  }
  return undefined;
}

/** A kernel in memory. */
class ModelKernel implements AgentKernel {
  elements: Elements = new Map();
  restored = 0;
  fates: Fate[] = [];
  private commits = 0;
  private readonly local = new LocalKernel();
  readonly print = PRINTING_KERNEL.print;
  readonly rules = PRINTING_KERNEL.rules;
  readonly changedByOthers = PRINTING_KERNEL.changedByOthers;
  readonly drifted = PRINTING_KERNEL.drifted;
  readonly forgetConnections = PRINTING_KERNEL.forgetConnections;
  readonly close = PRINTING_KERNEL.close;

  readonly addsToSteps = true;
  readonly comparesBeside = true;
  /** What batches are made of. */
  private readonly batches = new Map<KernelStep["batch"], TableChange[]>();

  steps: AgentKernel["steps"] = (changes, expected, last) => {
    const steps = this.local.steps(changes, expected, last);
    const batch = steps.length === 0 ? last?.batch : steps.at(-1)?.batch;
    if (batch !== undefined) this.batches.set(batch, [...(this.batches.get(batch) ?? []), ...changes]);
    return steps;
  };

  async change(step: KernelStep): Promise<TransactionAnswer> {
    const changes = step.batch === undefined ? step.changes : (this.batches.get(step.batch) ?? []);
    const fate = this.fates.shift() ?? "done";
    await new Promise((resolve) => setImmediate(resolve));
    if (fate === "thrown before") throw new Error("nobody is there");
    if (fate === "refused") return { kind: "refused", reason: "again", message: "somebody else was quicker" };
    const after: Elements = new Map(this.elements);
    for (const { family, elements } of changes)
      for (const each of elements) {
        const reason = put(after, family, each);
        if (reason !== undefined) return { kind: "refused", reason, message: each.of.name };
      }
    this.elements = after;
    this.commits++;
    if (fate === "thrown after") throw new Error("nobody has heard");
    return fate === "done" ? { kind: "done" } : { kind: "refused", reason: "ended", message: "nobody has heard" };
  }

  restore: AgentKernel["restore"] = (wanted) => {
    this.restored++;
    this.commits++;
    this.elements = elementsOf(wanted.tables());
    return Promise.resolve({ answer: { kind: "done" }, differed: 1, transactions: 1 });
  };

  hasTables(): Promise<boolean> {
    return Promise.resolve(this.elements.size > 0);
  }

  generation(): Promise<number> {
    return Promise.resolve(this.commits);
  }
}

async function settle(clock: TestClock): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (i % 10 === 0) clock.advance(300);
  }
}

const DONE = "done";

test.each<{ readonly fates: readonly Fate[] }>([
  // Of the empty table, and then of three pieces. All that comes after one that is not done is restored.
  { fates: ["done"] },
  { fates: ["refused"] },
  { fates: ["made, and nobody knows"] },
  { fates: ["thrown before"] },
  { fates: [DONE, "refused"] },
  { fates: [DONE, "made, and nobody knows"] },
  { fates: [DONE, "thrown before"] },
  { fates: [DONE, DONE, "refused"] },
  { fates: [DONE, DONE, "thrown after"] },
  { fates: [DONE, DONE, DONE, "thrown before"] },
])("$fates", async ({ fates }) => {
  const clock = new TestClock();
  const kernel = new ModelKernel();
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" }, { hasSpares: true });
  const told = new TestWatch();
  kernel.fates = [...fates];
  const agent = new Agent({
    tables,
    kernel,
    clock,
    watch: told.watch,
    log: () => undefined,
    times: AGENT_TIMES,
  });
  const numbers = Array.from({ length: SERVICES }, (_, i) => i);
  for (const i of numbers) {
    told.put("Service", serviceOf(`s${i}`, `172.30.0.${i}`));
    told.put("EndpointSlice", endpointSlice(`s${i}`, `10.180.0.${i}`));
  }
  told.synced();
  await settle(clock);
  const isRight = (): void => {
    expect([...kernel.elements].sort()).toEqual([...elementsOf(tables.tables())].sort());
    expect([...agent.elements.values()].reduce((sum, each) => sum + each, 0)).toBe(kernel.elements.size);
  };
  isRight();
  const before = kernel.restored;
  expect(before > 0).toBe(fates.some((fate) => fate !== DONE));
  // The same to tables that are there.
  kernel.fates = fates.filter((fate, i) => i > 0 || fate !== DONE);
  for (const i of numbers) told.put("EndpointSlice", endpointSlice(`s${i}`, `10.180.1.${i}`));
  await settle(clock);
  isRight();
  await agent.stop();
});
