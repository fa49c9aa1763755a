/** The transaction that the kernel works at while the next one is made. */
import type { Clock } from "../api/clock.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import type { AgentKernel } from "./kernel.ts";
import type { KernelStep } from "./kernel-steps.ts";

export interface Answered {
  readonly step: KernelStep;
  readonly answer: TransactionAnswer;
  readonly milliseconds: number;
}

export class TransactionUnderWay {
  private readonly kernel: AgentKernel;
  private readonly clock: Clock;
  private sent: Promise<Answered> | undefined;

  constructor(kernel: AgentKernel, clock: Clock) {
    this.kernel = kernel;
    this.clock = clock;
  }

  /** Sends `step`, where none is under way. Resolves when the kernel may have it, and not when it is done. */
  async send(step: KernelStep): Promise<void> {
    const begun = this.clock.now();
    const sent = this.kernel.change(step).then((answer) => ({ step, answer, milliseconds: this.clock.now() - begun }));
    // Who asks for the answer is told.
    sent.catch(() => undefined);
    this.sent = sent;
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What became of the one that is under way, after which none is; undefined: none was. Rejects as `AgentKernel.change` does. */
  async answer(): Promise<Answered | undefined> {
    const { sent } = this;
    this.sent = undefined;
    return await sent;
  }
}
