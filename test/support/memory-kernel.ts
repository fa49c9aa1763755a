/** How an agent asks and changes a kernel in memory: what the processes for it were told. */
import type { Table } from "../../compiler/ir/types.ts";
import { LocalKernel } from "../../runtime/agent/kernel.ts";
import type { TransactionAnswer } from "../../runtime/table/answers.ts";
import { changesBetween } from "../../runtime/table/change-tables.ts";
import { TestClock } from "./api-server/test-clock.ts";
import { FakeNetwork } from "./fake-netfilter.ts";
import type { WantedState } from "./restored-tables.ts";

export class MemoryKernel {
  readonly network: FakeNetwork;
  readonly clock = new TestClock();
  /** What nft was given. */
  readonly texts: string[] = [];
  /** What nft does, and lists. */
  onText: (text: string) => Promise<TransactionAnswer> = () => Promise.resolve({ kind: "done" });
  listed: Table[] = [];
  /** How often nft was ended. */
  rests = 0;
  isWriterClosed = false;
  readonly kernel: LocalKernel;

  constructor(network = new FakeNetwork()) {
    this.network = network;
    this.kernel = new LocalKernel([], {
      startHelper: () => network.start(),
      writer: {
        pid: 7,
        transact: (text) => {
          this.texts.push(text);
          return this.onText(text);
        },
        rest: () => {
          this.rests++;
          return Promise.resolve();
        },
        close: () => {
          this.isWriterClosed = true;
          return Promise.resolve();
        },
      },
      readRules: () => Promise.resolve(this.listed),
      after: (milliseconds, then) => this.clock.after(milliseconds, then),
    });
  }

  /** What others do to the tables. */
  async others(change: (tables: Table[]) => Table[]): Promise<void> {
    const { tables } = this.network;
    const now = await tables.read();
    await tables.runAsOther(changesBetween(now, change(now)));
  }
}

/** One with the tables of some Services. */
export async function kernelWith(wanted: WantedState): Promise<MemoryKernel> {
  const world = new MemoryKernel();
  await world.others(() => [...wanted.tables.tables()]);
  return world;
}
