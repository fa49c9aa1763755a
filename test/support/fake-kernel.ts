/** What the agent asks of the kernel, answered by tables in memory. */
import { stringify } from "../../compiler/ir/normal-form.ts";
import type { TableChange } from "../../compiler/ir/table-change.ts";
import { type ExpectedElements, kernelDigest } from "../../runtime/agent/expected-elements.ts";
import type { AgentKernel, OthersDid } from "../../runtime/agent/kernel.ts";
import { elementSteps, type KernelStep } from "../../runtime/agent/kernel-steps.ts";
import { PRINTING_KERNEL } from "../../runtime/agent/printing-kernel.ts";
import { type Restored, restoreTables, type WantedTables } from "../../runtime/agent/restore-tables.ts";
import type { TransactionAnswer } from "../../runtime/table/answers.ts";
import { commitBatch } from "../../runtime/table/element-batch.ts";
import type { UdpFrontend } from "../../runtime/table/stale-connections.ts";
import { FakeTables } from "./fake-tables.ts";

export class FakeKernel implements AgentKernel {
  readonly tables = new FakeTables();
  readonly addsToSteps = true;
  readonly comparesBeside = true;
  /** Whether only elements were compared, by each `restore`. */
  readonly restored: boolean[] = [];
  readonly forgotten: UdpFrontend[][] = [];
  isClosed = false;

  print(changes: readonly TableChange[]): string {
    return PRINTING_KERNEL.print(changes);
  }

  steps(changes: readonly TableChange[], expected: ExpectedElements, last?: KernelStep): readonly KernelStep[] {
    return elementSteps(changes, expected, last);
  }

  change({ changes, batch }: KernelStep): Promise<TransactionAnswer> {
    return batch === undefined ? this.tables.run(changes) : commitBatch(this.tables, batch);
  }

  async restore(wanted: WantedTables, expected: ExpectedElements, rules: string | undefined): Promise<Restored> {
    const areRight = rules !== undefined && (await this.rules()) === rules;
    this.restored.push(areRight);
    const { tables } = this;
    const live = areRight ? undefined : tables.skeletons();
    return await restoreTables({ netfilter: tables, run: (changes) => tables.run(changes), live }, wanted, expected);
  }

  hasTables(): Promise<boolean> {
    return Promise.resolve(this.tables.skeletons().length > 0);
  }

  generation(): Promise<number> {
    return Promise.resolve(this.tables.commits);
  }

  rules(): Promise<string> {
    return Promise.resolve(stringify(this.tables.skeletons()));
  }

  async changedByOthers(rules: string): Promise<OthersDid> {
    return (await this.rules()) === rules ? { kind: "unknown" } : { kind: "differs", what: "rules" };
  }

  drifted(expected: ExpectedElements, _: AbortSignal, onBegun: () => void): Promise<string | undefined> {
    onBegun();
    return expected.firstDifference((set) => kernelDigest(this.tables, set));
  }

  forgetConnections(frontends: readonly UdpFrontend[]): Promise<number> {
    this.forgotten.push([...frontends]);
    return Promise.resolve(frontends.length);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
