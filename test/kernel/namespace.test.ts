/** What runs in a network namespace ends with the process that started it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { namespaceCommand, toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { kernelMissing } from "../support/kernel.ts";

/** Runs the command of its arguments. */
const STARTER = "require('child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: 'inherit' })";

/** Processes with `word` among their arguments. */
function countOf(word: string): number {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && argumentsOf(pid).includes(word)).length;
}

/** The number of processes with `word` among their arguments, once it is `count`: for a moment while it becomes another
 *  program, a process has no arguments. What it is after ten seconds otherwise. */
async function countBecomes(count: number, word: string): Promise<number> {
  let now = countOf(word);
  for (let tries = 0; tries < 500 && now !== count; tries++) {
    await sleep(20);
    now = countOf(word);
  }
  return now;
}

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it has ended
  }
}

describe.skipIf(kernelMissing !== undefined)("what runs in a namespace", () => {
  // A daemon, as HAProxy is one: in a session of its own, and no child of what ends.
  test.each([
    ["is killed", "SIGKILL"],
    ["is told to end", "SIGTERM"],
  ] as const)("ends with a starter that %s", async (_, signal) => {
    const seconds = String(1e6 + process.pid + (signal === "SIGKILL" ? 0 : 0.5));
    const world = namespaceCommand([
      "bash",
      "-c",
      `setsid sleep ${seconds} & (setsid sleep ${seconds} &); echo ready; cat`,
    ]);
    const starter = spawn(process.execPath, ["-e", STARTER, "--", ...world], {
      env: toolEnvironment(),
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(starter.stdout, "data");
    expect(await countBecomes(2, seconds)).toBe(2);
    starter.kill(signal);
    expect(await countBecomes(0, seconds)).toBe(0);
  });

  test("also with its own first command", async () => {
    const seconds = String(2e6 + process.pid);
    const [program, ...args] = namespaceCommand(["bash", "-c", `setsid sleep ${seconds} & exit 7`]);
    const world = spawn(program, args, { env: toolEnvironment(), stdio: "ignore" });
    const [code] = await once(world, "exit");
    expect([code, countOf(seconds)]).toEqual([7, 0]);
  });
});
