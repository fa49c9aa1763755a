// @ts-check
/** Measures whole processes. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * @typedef {object} Run
 * @property {number} seconds From the start of the process to its end.
 * @property {number | undefined} peakMb Peak resident memory in 10^6 bytes; undefined without GNU time.
 * @property {number | undefined} cpuSeconds Of all its threads, in user mode and in the kernel: other load of the machine
 *   changes it less than `seconds`. Undefined without GNU time.
 * @property {string | undefined} trouble Why the process did not do its work: its exit code and first words, or the
 *   time limit.
 */

/** GNU time reads a child's account from wait4. Standing between us and the child it also keeps our own memory out of
 *  the child's account: Linux counts what a process had before exec, too. */
const GNU_TIME = "/usr/bin/time";

/** Where it writes that account: commands are measured one after the other. */
const REPORT = join(tmpdir(), `kpc-bench-${process.pid}.rss`);

/** Whether peak memory can be measured here. */
const canMeasureMemory = existsSync(GNU_TIME);

/** Process groups that run now. They have to end with this process, also when it is stopped from outside.
 * @type {Set<number>} */
const running = new Set();
process.on("exit", () => {
  running.forEach(killGroup);
  rmSync(REPORT, { force: true });
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.exit(1));

/** @param {number} group */
function killGroup(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

/** Runs a command whose output goes to /dev/null, and kills it with all its children after `limitSeconds`.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {number} [limitSeconds]
 * @returns {Promise<Run>} */
export function measure(command, args, limitSeconds = 600) {
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
    child.stderr.on("data", (/** @type {Buffer} */ chunk) => {
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

/** @returns {{ peakMb: number | undefined, cpuSeconds: number | undefined }} */
function readReport() {
  if (!existsSync(REPORT)) return { peakMb: undefined, cpuSeconds: undefined };
  const line = readFileSync(REPORT, "utf8").trim().split("\n").at(-1) ?? "";
  const [kib = NaN, user = NaN, kernel = NaN] = line.split(" ").map(Number);
  rmSync(REPORT);
  return Number.isFinite(kib)
    ? { peakMb: (kib * 1024) / 1e6, cpuSeconds: user + kernel }
    : { peakMb: undefined, cpuSeconds: undefined };
}

/** @param {string} text */
function firstLine(text) {
  const line = text.split("\n").find((candidate) => /error|FATAL/i.test(candidate)) ?? text.split("\n", 1)[0] ?? "";
  return line.slice(0, 160);
}
