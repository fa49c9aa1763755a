/** How far a comparison is, on a terminal: one line on standard error, which is rewritten and erased at the end. */
import type { Progress } from "../compare/compare.ts";
import type { CommonFlags } from "./session.ts";

/** What the line needs of the world. */
export interface Terminal {
  readonly write: (text: string) => void;
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** Columns of the terminal. */
  readonly columns: number;
}

/** A comparison that ends earlier shows nothing. */
const SHOWN_AFTER = 500;

/** The line is not rewritten more often. */
const BETWEEN = 100;

/** Moves to the start of the line and erases it. */
const ERASE = "\r\u001b[K";

/** One line about a comparison that starts now. */
export class ProgressLine {
  private readonly terminal: Terminal;
  private next: number;
  private isShown = false;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    this.next = terminal.now() + SHOWN_AFTER;
  }

  show({ done, of, steps }: Progress): void {
    const now = this.terminal.now();
    if (now < this.next) return;
    this.next = now + BETWEEN;
    this.isShown = true;
    const line = `comparing: ${done} of ${of} kinds of traffic, ${steps.toLocaleString("en")} steps`;
    this.terminal.write(`${ERASE}${line.slice(0, this.terminal.columns - 1)}`);
  }

  erase(): void {
    if (this.isShown) this.terminal.write(ERASE);
    this.isShown = false;
  }
}

/** Does `work`, which tells its progress, and shows it on a terminal: not with `--quiet`, and not where a CI records the output. */
export function withProgress<T>({ quiet }: CommonFlags, work: (progress: (now: Progress) => void) => T): T {
  const { stderr, env } = process;
  const isWatched = stderr.isTTY && quiet !== true && env["TERM"] !== "dumb" && (env["CI"] ?? "") === "";
  if (!isWatched) return work(() => undefined);
  const line = new ProgressLine({
    write: (text) => void stderr.write(text),
    now: () => performance.now(),
    // A terminal that does not know its size has 0.
    columns: stderr.columns || 80,
  });
  try {
    return work((now) => line.show(now));
  } finally {
    line.erase();
  }
}
