/** The worker, as the page sees it: questions in, the newest answers out. */
import type { Ask, MeasureAsk, Told, ViewAnswer, ViewName, Workspace } from "../protocol.ts";
import { FileSender } from "../sent-files.ts";

export interface AskerEvents {
  readonly onAnswer: (answer: ViewAnswer, milliseconds: number) => void;
  readonly onFailed: (stack: string) => void;
  /** Whether an answer is awaited. */
  readonly onBusy: (isBusy: boolean) => void;
  /** An answer takes longer than people take for at once. `isFirst`: the worker reads all files, which it does once. */
  readonly onLate: (view: ViewName, isFirst: boolean) => void;
}

/** A question as the page has it. */
interface Question {
  readonly id: number;
  readonly view: ViewName;
  readonly workspace: Workspace;
}

/** Asks one question at a time. A new one takes the place of one that waits; one of a view that can take long is ended with its worker
 *  after `PATIENCE` where another one waits, unless the worker still reads the files: the next one would begin with that again. */
export class Asker {
  private worker: Worker;
  private readonly source: string;
  private readonly events: AskerEvents;
  private sender = new FileSender();
  private running: Question | undefined;
  private waiting: Question | undefined;
  private hasRead = false;
  private readonly measurings = new Map<number, (millionsPerSecond: number) => void>();
  private late: ReturnType<typeof setTimeout> | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private begun = 0;
  private count = 0;

  constructor(source: string, events: AskerEvents) {
    this.source = source;
    this.events = events;
    this.worker = this.start();
  }

  ask(view: ViewName, workspace: Workspace): void {
    const question: Question = { id: ++this.count, view, workspace };
    if (this.running === undefined) {
      this.send(question);
      return;
    }
    this.waiting = question;
    this.endOld();
  }

  /** Ends what runs when its time is over and something else waits. */
  private endOld(): void {
    const { running, waiting } = this;
    if (running === undefined || waiting === undefined || !this.hasRead || SHORT.has(running.view)) return;
    clearTimeout(this.patience);
    const left = this.begun + PATIENCE - performance.now();
    if (left <= 0) this.stop();
    else this.patience = setTimeout(() => this.endOld(), left);
  }

  /** How many million packets a second the worker classifies; never where the worker is ended before it knows. */
  measure(table: Uint8Array, slots: Uint8Array): Promise<number> {
    const ask: MeasureAsk = { id: ++this.count, table, slots };
    this.worker.postMessage(ask);
    return new Promise((resolve) => this.measurings.set(ask.id, resolve));
  }

  /** Ends what runs. What waits begins. */
  stop(): void {
    this.worker.terminate();
    this.worker = this.start();
    this.sender = new FileSender();
    this.hasRead = false;
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

  private send(question: Question): void {
    const { id, view, workspace } = question;
    this.running = question;
    this.begun = performance.now();
    this.events.onBusy(true);
    clearTimeout(this.late);
    this.late = setTimeout(() => this.events.onLate(view, !this.hasRead), LATE);
    const before = view === "diff" ? workspace.before : [];
    const ask: Ask = { id, view, workspace: { ...workspace, ...this.sender.pack({ files: workspace.files, before }) } };
    this.worker.postMessage(ask);
  }

  private hear(told: Told): void {
    if (told.kind === "measured") {
      this.measurings.get(told.id)?.(told.millionsPerSecond);
      this.measurings.delete(told.id);
      return;
    }
    if (told.kind === "failed" && this.measurings.delete(told.id)) this.events.onFailed(told.stack);
    if (told.id !== this.running?.id) return;
    this.hasRead = true;
    if (told.kind === "read") {
      this.begun = performance.now();
      this.endOld();
      return;
    }
    const isOld = this.waiting?.view === this.running.view;
    if (told.kind === "failed") this.events.onFailed(told.stack);
    else if (!isOld) this.events.onAnswer(told.answer, told.milliseconds);
    this.next();
  }

  private next(): void {
    const { waiting } = this;
    clearTimeout(this.late);
    clearTimeout(this.patience);
    this.running = undefined;
    this.waiting = undefined;
    if (waiting === undefined) this.events.onBusy(false);
    else this.send(waiting);
  }
}

/** Views whose answers take little longer than reading the files, which another worker would have to do again. */
const SHORT: ReadonlySet<ViewName> = new Set(["walk", "rules"]);

/** Milliseconds after which a question that nobody waits for any more is ended. */
const PATIENCE = 3000;

/** Milliseconds after which an answer is late. */
const LATE = 300;
