/** Measures whole processes. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ProcessRun {
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** Peak resident memory in 10^6 bytes; undefined without GNU time. */
  readonly peakMb: number | undefined;
  /** Of all its threads, in user mode and in the kernel: other load of the machine changes it less than `seconds`. Undefined without
   *  GNU time. */
  readonly cpuSeconds: number | undefined;
  /** Why the process did not do its work: its exit code and first words, or the time limit. */
  readonly trouble: string | undefined;
}

/** GNU time reads a child's account from wait4. Standing between us and the child it also keeps our own memory out of
 *  the child's account: Linux counts what a process had before exec, too. */
const GNU_TIME = "/usr/bin/time";

/** Where it writes that account: commands are measured one after the other. */
const REPORT = join(tmpdir(), `kpc-bench-${process.pid}.rss`);

/** Whether peak memory can be measured here. */
const canMeasureMemory = existsSync(GNU_TIME);

/** Process groups that run now. They have to end with this process, also when it is stopped from outside. */
const running = new Set<number>();
process.on("exit", () => {
  running.forEach(killGroup);
  rmSync(REPORT, { force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

/** Runs a command whose output goes to /dev/null, and kills it with all its children after `limitSeconds`. */
export function measure(command: string, args: readonly string[], limitSeconds = 600): Promise<ProcessRun> {
  const [program, ...rest] = canMeasureMemory
    ? [GNU_TIME, "-q", "-f", "%M %U %S", "-o", REPORT, command, ...args]
    : [command, ...args];
  const { NODE_OPTIONS: _, ...env } = process.env; // the default heap
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const child = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"], detached: true, env });
    let words = "";
    let late = false;
    const group = child.pid;
    if (group !== undefined) running.add(group);
    const timer = setTimeout(() => {
      late = true;
      if (group !== undefined) killGroup(group);
    }, limitSeconds * 1000);
    let seconds = Number.NaN;
    child.stderr.on("data", (chunk: Buffer) => {
      if (words.length < 2000) words += chunk.toString();
    });
    child.on("error", reject);
    child.on("exit", () => {
      seconds = Number(process.hrtime.bigint() - start) / 1e9;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (group !== undefined) running.delete(group);
      const failure = `${signal ?? `exit ${code}`}: ${firstLine(words)}`;
      const trouble = late ? `> ${limitSeconds} s` : code === 0 ? undefined : failure;
      resolve({ seconds, ...readReport(), trouble });
    });
  });
}

function readReport(): Pick<ProcessRun, "peakMb" | "cpuSeconds"> {
  if (!existsSync(REPORT)) return { peakMb: undefined, cpuSeconds: undefined };
  const line = readFileSync(REPORT, "utf8").trim().split("\n").at(-1) ?? "";
  const [kib = NaN, user = NaN, kernel = NaN] = line.split(" ").map(Number);
  rmSync(REPORT);
  return Number.isFinite(kib)
    ? { peakMb: (kib * 1024) / 1e6, cpuSeconds: user + kernel }
    : { peakMb: undefined, cpuSeconds: undefined };
}

function firstLine(text: string): string {
  const line = text.split("\n").find((candidate) => /error|FATAL/i.test(candidate)) ?? text.split("\n", 1)[0] ?? "";
  return line.slice(0, 160);
}
