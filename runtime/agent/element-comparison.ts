/** Whether sets and maps hold what they should: found out beside all other work. With 10,000 Services the kernel tells of its elements for half a second,
 *  and a change does not wait so long. */
import type { Clock } from "../api/clock.ts";
import type { ExpectedElements } from "./expected-elements.ts";
import type { AgentKernel } from "./kernel.ts";

/** No comparison begins before so many times the duration of the last one, where that has found nothing. */
const REST = 20;

/** So often a comparison gives way to changes that come before it ends, and is begun again a second later, or twice as long as the last time; then changes wait
 *  once for its end. */
const TIMES_GIVEN_WAY = 5;
const AGAIN_MS = 1000;

interface Running {
  readonly stopper: AbortController;
  readonly ended: Promise<void>;
}

export class ElementComparison {
  private readonly kernel: AgentKernel;
  private readonly expected: ExpectedElements;
  private readonly clock: Clock;
  /** Is called when there is something to take. */
  private readonly wake: () => void;
  private running: Running | undefined;
  private comparedAt = Number.NEGATIVE_INFINITY;
  private tookMs = 0;
  /** When the last one ended that was made because of others, and found nothing. */
  private inVainAt = Number.NEGATIVE_INFINITY;
  /** Whether something may have changed since the last comparison began that has ended, or goes on. */
  private isSuspicious = false;
  /** How often one gave way since one has ended. */
  private timesGivenWay = 0;
  private notBefore = Number.NEGATIVE_INFINITY;
  private isClosed = false;
  private result: { readonly found?: string; readonly error?: unknown } | undefined;

  constructor(kernel: AgentKernel, expected: ExpectedElements, clock: Clock, wake: () => void) {
    this.kernel = kernel;
    this.expected = expected;
    this.clock = clock;
    this.wake = wake;
  }

  /** Others may have changed elements: they are to be compared. */
  suspect(): void {
    this.isSuspicious = true;
  }

  /** All that is there has been looked at. */
  settled(): void {
    this.isSuspicious = false;
    this.result = undefined;
    this.noteEnd();
  }

  private noteEnd(): void {
    this.timesGivenWay = 0;
    this.comparedAt = this.clock.now();
  }

  /** Begins, where it is due, also `compareMs` milliseconds after the last one. No transaction may be under way. Resolves when all else may be asked and done. */
  async begin(compareMs = Number.NaN): Promise<void> {
    const now = this.clock.now();
    if (this.running !== undefined || this.isClosed || now < this.notBefore) return;
    const rest = REST * this.tookMs;
    const isCalledFor = this.isSuspicious && now - this.inVainAt >= rest;
    if (!isCalledFor && !(now - this.comparedAt >= Math.max(rest, compareMs))) return;
    this.isSuspicious = false;
    const stopper = new AbortController();
    let began = now;
    const onBegun = (): void => {
      began = this.clock.now();
    };
    const ended = this.kernel.drifted(this.expected, stopper.signal, onBegun).then(
      (found) => {
        if (stopper.signal.aborted) return;
        this.noteEnd();
        this.tookMs = this.comparedAt - began;
        if (isCalledFor && found === undefined) this.inVainAt = this.comparedAt;
        this.end(found === undefined ? undefined : { found });
      },
      (error: unknown) => {
        if (!stopper.signal.aborted) this.end({ error });
      },
    );
    this.running = { stopper, ended };
    if (!this.kernel.comparesBeside) await ended;
  }

  private end(result: ElementComparison["result"]): void {
    this.running = undefined;
    this.result = result;
    if (result !== undefined) this.wake();
  }

  /** Whether there is something to take. */
  get hasEnded(): boolean {
    return this.result !== undefined;
  }

  /** The first set or map that was found to differ, once. Throws what kept the kernel from telling. */
  take(): string | undefined {
    const { result } = this;
    this.result = undefined;
    if (result !== undefined && "error" in result) throw result.error;
    return result?.found;
  }

  /** Resolves when elements may be changed: the comparison that is under way ends without a result, unless too many have ended so. */
  async giveWay(): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    if (this.timesGivenWay >= TIMES_GIVEN_WAY) return await running.ended;
    this.notBefore = this.clock.now() + AGAIN_MS * 2 ** this.timesGivenWay++;
    this.stop();
  }

  /** Ends the comparison that is under way without a result. */
  stop(): void {
    // One that all else waits for ends by itself.
    if (this.running === undefined || !this.kernel.comparesBeside) return;
    this.running.stopper.abort();
    this.running = undefined;
    this.isSuspicious = true;
  }

  /** None begins any more. */
  close(): void {
    this.isClosed = true;
    this.stop();
  }
}
