/** Standard output and standard error: writing, and what happens when that fails. */
import { fstatSync, writeSync } from "node:fs";
import { getSystemErrorMap } from "node:util";
import { atStartOfRun } from "../run.ts";
import { wasClosed } from "./closed-output.ts";
import { Trouble } from "./trouble.ts";

/** Exit codes: `fine`, something was found, or kpc could not do its work. */
export const EXIT = { fine: 0, finding: 1, trouble: 2 } as const;

/** Writes to standard output and waits until all of it is taken: a pipe may be slower than kpc. What cannot be written is
 *  for `watchOutput`. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (text.length === 0) return;
  if (wasClosed()) return reportOnce(NOT_OPEN);
  if (!isFile()) return new Promise((resolve) => process.stdout.write(text, () => resolve()));
  try {
    writeAll(typeof text === "string" ? Buffer.from(text) : text);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    failed(error);
  }
}

/** Throws `Trouble` where bytes would be written to a terminal. `what`: what makes them, such as `-o wasm`. */
export function refuseTerminal(what: string): void {
  if (process.stdout.isTTY) throw new Trouble(`${what} prints binary data: add > FILE`);
}

/** Writes the text of `--help` and `--version`, which commander does not wait for. */
export function printHelp(text: string): void {
  if (wasClosed()) reportOnce(NOT_OPEN);
  else process.stdout.write(text);
}

/** Reports, once and in one line on standard error, that standard output cannot be written (a full disk, a descriptor that
 *  is not open for writing), and makes the exit code 2; where standard error itself fails, the exit code is all that is
 *  left to say it. Readers that have seen enough (`| head`) are no failure. */
export function watchOutput(): void {
  process.stdout.on("error", failed);
  process.stderr.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.exitCode = EXIT.trouble;
  });
}

/** Whether standard output is a file or a device. Node.js writes to these once, and does not look at how many of the bytes were taken: on a disk
 *  that is nearly full the rest would be lost in silence. */
function isFile(): boolean {
  if (process.stdout.isTTY) return false;
  const stats = fstatSync(1);
  return stats.isFile() || stats.isCharacterDevice();
}

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function failed(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") reportOnce(reasonOf(error));
}

let hasFailed = false;
atStartOfRun(() => {
  hasFailed = false;
});

function reportOnce(reason: string): void {
  process.exitCode = EXIT.trouble;
  if (hasFailed) return;
  hasFailed = true;
  process.stderr.write(`kpc: cannot write to standard output: ${reason}\n`);
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "errno" in error;
}

const NOT_OPEN = "it is not open for writing";

/** `no space left on device`. A descriptor that is not open for writing is a "bad file descriptor" to the system. */
export function reasonOf({ code, errno, message }: NodeJS.ErrnoException): string {
  if (code === "EBADF") return NOT_OPEN;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}
