/** Workers that judge mutants side by side. */
import { Worker } from "node:worker_threads";
import type { JudgingTask, MutantVerdict, RecordedFile, WorkerAnswer } from "./worker.ts";

/** A mutant that does not let its worker answer for so long is taken for one that never ends. Work is counted: this is for what is not. */
const LONGEST_SILENCE_MS = 120_000;

export type JudgeReply = RecordedFile | MutantVerdict | { readonly kind: "lost"; readonly why: string };

/** One worker, which is started again when it is lost. */
export class MutantJudge {
  private worker: Worker | undefined;

  private readonly script: URL;

  /** `script`: a module that calls `answerTasks` when it is no main thread. */
  constructor(script: URL) {
    this.script = script;
  }

  ask(task: JudgingTask): Promise<JudgeReply> {
    this.worker ??= new Worker(this.script, {
      stdout: true,
      stderr: true,
      env: { ...process.env, KPC_RUNS: "mutants" },
      resourceLimits: { maxOldGenerationSizeMb: 2048 },
    });
    const { worker } = this;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const end = (reply: JudgeReply): void => {
        clearTimeout(timer);
        worker.off("message", hear).off("error", fail).off("exit", exit);
        if (reply.kind === "lost") {
          this.worker = undefined;
          worker.on("error", () => undefined);
          void worker.terminate();
        }
        resolve(reply);
      };
      const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => end({ kind: "lost", why: "it does not end" }), LONGEST_SILENCE_MS);
      };
      const hear = (answer: WorkerAnswer): void => (answer.kind === "begun" ? wait() : end(answer));
      const fail = (error: Error): void => end({ kind: "lost", why: error.message });
      const exit = (code: number): void => end({ kind: "lost", why: `the worker ended with ${code}` });
      worker.on("message", hear).on("error", fail).on("exit", exit);
      wait();
      worker.postMessage(task);
    });
  }
}

/** `each` of all items, by as many judges at once; an item is taken as soon as a judge is free. */
export async function sideBySide<T>(
  items: readonly T[],
  judges: readonly MutantJudge[],
  each: (item: T, judge: MutantJudge) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    judges.map(async (judge) => {
      for (const item of rest) await each(item, judge);
    }),
  );
}
