/** The worker, as the page sees it: questions in, the newest answers out. */
import type { Ask, Told, ViewAnswer, ViewName, Workspace } from "../protocol.ts";

export interface AskerEvents {
  readonly onAnswer: (answer: ViewAnswer, milliseconds: number) => void;
  readonly onFailed: (stack: string) => void;
  /** Whether an answer is awaited. */
  readonly onBusy: (isBusy: boolean) => void;
}

/** Asks one question at a time. A new one takes the place of one that waits; one that runs for longer than `PATIENCE` is ended with
 *  its worker. */
export class Asker {
  private worker: Worker;
  private readonly source: string;
  private readonly events: AskerEvents;
  private running: Ask | undefined;
  private waiting: Ask | undefined;
  private begun = 0;
  private count = 0;

  constructor(source: string, events: AskerEvents) {
    this.source = source;
    this.events = events;
    this.worker = this.start();
  }

  ask(view: ViewName, workspace: Workspace): void {
    const ask: Ask = { id: ++this.count, view, workspace };
    if (this.running === undefined) {
      this.send(ask);
      return;
    }
    this.waiting = ask;
    if (performance.now() - this.begun > PATIENCE) this.stop();
  }

  /** Ends what runs. What waits begins. */
  stop(): void {
    this.worker.terminate();
    this.worker = this.start();
    this.next();
  }

  private start(): Worker {
    const address = URL.createObjectURL(new Blob([this.source], { type: "text/javascript" }));
    const worker = new Worker(address, { name: "kpc" });
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.hear(data);
    worker.onerror = ({ message }) => {
      this.events.onFailed(message);
      this.stop();
    };
    return worker;
  }

  private send(ask: Ask): void {
    this.running = ask;
    this.begun = performance.now();
    this.events.onBusy(true);
    this.worker.postMessage(ask);
  }

  private hear(told: Told): void {
    if (told.id !== this.running?.id) return;
    const isOld = this.waiting?.view === this.running.view;
    if (told.kind === "failed") this.events.onFailed(told.stack);
    else if (!isOld) this.events.onAnswer(told.answer, told.milliseconds);
    this.next();
  }

  private next(): void {
    const { waiting } = this;
    this.running = undefined;
    this.waiting = undefined;
    if (waiting === undefined) this.events.onBusy(false);
    else this.send(waiting);
  }
}

/** Milliseconds after which a question that nobody waits for any more is ended. */
const PATIENCE = 3000;
