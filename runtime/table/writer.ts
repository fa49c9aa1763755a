/** Transactions of nf_tables, one at a time, by one nft that stays: its netlink socket stays open, and to close it costs more than the
 *  transaction. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolEnvironment } from "../kernel/namespace.ts";
import { answerOf, type TransactionAnswer } from "./answers.ts";
import { holding } from "./netfilter.ts";

export interface WriterOptions {
  /** How long nft may take for a transaction. */
  readonly limitMs?: number;
  /** A command that runs nft elsewhere, as `nsenter`. */
  readonly wrapper?: readonly string[];
  /** The nft that is run. */
  readonly nft?: string;
  /** Does not wait for the nft of another writer to end. */
  readonly isImpatient?: boolean;
}

/** Of one transaction. */
const LIMIT_MS = 30_000;

/** Held by the nft of a writer: one that has lost its parent still finishes its transaction, and the next waits for it. */
const WRITER_NAME = "kpc-writer";

/** Where transactions stand while nft reads them: in memory, where there is such a place. */
const MEMORY = "/dev/shm";

/** The descriptor by which nft has that file, which has no name: nothing of it is left, however this process ends. */
const TRANSACTION = "/dev/fd/3";

interface Running {
  readonly child: ChildProcess;
  /** What it has written on standard error since the last answer. */
  heard: string;
  /** It takes commands from standard input; else it cannot, and each transaction needs a process of its own. */
  isInteractive: boolean | undefined;
  ended: boolean;
  wake: () => void;
}

export class TableWriter {
  private readonly limitMs: number;
  private readonly wrapper: readonly string[];
  private readonly nft: string;
  private readonly isImpatient: boolean;
  /** Undefined: the disk was full. */
  private readonly file: number | undefined;
  private running: Running | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private sequence = 0;
  private mayBeInteractive: boolean;
  private isClosed = false;

  constructor({ limitMs = LIMIT_MS, wrapper = [], nft = "nft", isImpatient = false }: WriterOptions = {}) {
    this.limitMs = limitMs;
    this.wrapper = wrapper;
    this.nft = nft;
    this.isImpatient = isImpatient;
    this.file = whereThereIsRoom(openUnnamed);
    this.mayBeInteractive = this.file !== undefined;
  }

  /** The nft that runs now. */
  get pid(): number | undefined {
    return this.running?.child.pid;
  }

  /** One transaction: all of `text`, or nothing of it. Transactions are made in the order of the calls. */
  transact(text: string): Promise<TransactionAnswer> {
    return this.enqueue(() => this.run(text));
  }

  /** What the kernel would say to a transaction of `text`; it changes nothing. A process of its own. */
  check(text: string): Promise<TransactionAnswer> {
    return this.enqueue(() => this.runOnce(text, ["-c", "-f", "-"]));
  }

  /** Ends nft, with all memory that it has. The next transaction starts another one. */
  async rest(): Promise<void> {
    if (!this.isClosed) await this.enqueue(() => Promise.resolve(this.stop()));
  }

  /** Ends nft when the transaction is over that it is at, and removes its folder. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.enqueue(async () => {
      this.isClosed = true;
      this.stop();
    });
    if (this.file !== undefined) closeSync(this.file);
  }

  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(() => {
      if (this.isClosed) throw new Error("this writer is closed");
      return work();
    });
    this.queue = done.catch(() => undefined);
    return done;
  }

  private async run(text: string): Promise<TransactionAnswer> {
    const { file } = this;
    // On a full disk, a pipe carries the transaction to a process of its own.
    if (this.mayBeInteractive && file !== undefined && whereThereIsRoom(() => writeWhole(file, text)) !== undefined) {
      const answer = await this.runInteractive(file);
      if (answer !== undefined) return answer;
      this.mayBeInteractive = false;
    }
    return await this.runOnce(text, ["-f", "-"]);
  }

  /** The transaction that stands in `file`. Undefined: this nft has no interactive mode. */
  private async runInteractive(file: number): Promise<TransactionAnswer | undefined> {
    const running = this.running ?? this.start(file);
    if (running.isInteractive === undefined) {
      const mark = await this.ask(running, "");
      if (mark.kind === "refused" && mark.reason === "ended" && /interactive|usage/i.test(mark.message))
        return undefined;
      if (mark.kind === "refused") return mark;
      running.isInteractive = true;
    }
    return await this.ask(running, `include "${TRANSACTION}"`);
  }

  /** Writes a command, and behind it a word that is none: nft's complaint about that is the end of its answer. */
  private async ask(running: Running, command: string): Promise<TransactionAnswer> {
    const mark = `sync_${++this.sequence}`;
    running.heard = "";
    running.child.stdin?.write(`${command}\n${mark}\n`);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      running.wake();
    }, this.limitMs);
    let end = -1;
    while (end < 0 && !running.ended && !isLate) {
      await new Promise<void>((resolve) => {
        running.wake = resolve;
      });
      end = endOfAnswer(running.heard, mark);
    }
    clearTimeout(timer);
    if (end >= 0) return answerOf(running.heard.slice(0, end));
    this.stop();
    const message = running.heard.trim();
    if (isLate) return { kind: "refused", reason: "hung", message: `nft has not answered in ${this.limitMs} ms` };
    return { kind: "refused", reason: "ended", message: message === "" ? "nft has ended without an answer" : message };
  }

  private start(file: number): Running {
    const [program = "perl", ...args] = [...this.wrapper, ...this.held(WRITER_NAME, "-i")];
    const child = spawn(program, args, { env: this.environment(), stdio: ["pipe", "pipe", "pipe", file] });
    const running: Running = { child, heard: "", isInteractive: undefined, ended: false, wake: () => undefined };
    this.running = running;
    child.stdout?.resume();
    child.stdin?.on("error", () => undefined); // it has ended, which is told
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      running.heard += text;
      running.wake();
    });
    const end = (message: string): void => {
      running.heard += message;
      running.ended = true;
      if (this.running === running) this.running = undefined;
      running.wake();
    };
    child.on("error", ({ message }) => end(message));
    child.on("close", () => end(""));
    return running;
  }

  private stop(): void {
    const running = this.running;
    this.running = undefined;
    running?.child.stdin?.end();
    running?.child.kill("SIGKILL");
  }

  private runOnce(text: string, args: readonly string[]): Promise<TransactionAnswer> {
    return new Promise((resolve) => {
      const [program = "nft", ...rest] = [...this.wrapper, ...this.held(`${WRITER_NAME}-once`, ...args)];
      const child = spawn(program, rest, { env: this.environment(), timeout: this.limitMs, killSignal: "SIGKILL" });
      let heard = "";
      child.stdout.resume();
      child.stdin.on("error", () => undefined);
      child.stderr.setEncoding("utf8").on("data", (part: string) => {
        heard += part;
      });
      child.on("error", ({ message }) => resolve({ kind: "refused", reason: "ended", message }));
      child.on("close", (status, signal) => {
        if (status === 0) return resolve({ kind: "done" });
        const answer = answerOf(heard);
        if (answer.kind === "refused") return resolve(answer);
        const message = heard.trim() === "" ? `nft has ended: ${signal ?? status}` : heard.trim();
        resolve({ kind: "refused", reason: signal === "SIGKILL" ? "hung" : "invalid", message });
      });
      child.stdin.end(text);
    });
  }

  private held(name: string, ...args: readonly string[]): string[] {
    const command = [this.nft, ...args];
    return this.isImpatient ? command : holding(name, command);
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...toolEnvironment(), HOME: NO_HOME, LC_ALL: "C" };
  }
}

/** Where the complaint about `mark` begins that stands at the end of `heard`; -1: it is not there yet. nft writes the place and the
 *  reason, the line, and signs below the word. */
function endOfAnswer(heard: string, mark: string): number {
  const at = heard.lastIndexOf(`\n${mark}\n`);
  if (at < 0 || !/\^+\n$/.test(heard.slice(at + mark.length + 2))) return -1;
  return heard.lastIndexOf("\n", at - 1) + 1;
}

/** nft would write each command into a file in its home. */
const NO_HOME = "/nonexistent";

function openUnnamed(): number {
  const folder = mkdtempSync(join(isFolder(MEMORY) ? MEMORY : tmpdir(), "kpc-writer-"));
  try {
    return openSync(join(folder, "transaction.nft"), "w+", 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Gives how many bytes that is. */
function writeWhole(file: number, text: string): number {
  const bytes = Buffer.from(text);
  ftruncateSync(file);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, at);
  return bytes.length;
}

/** What `work` gives; undefined: the disk is full. */
function whereThereIsRoom<Given>(work: () => Given): Given | undefined {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOSPC" || code === "EDQUOT") return undefined;
    throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
