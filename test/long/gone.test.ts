import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { casesFolder } from "../support/shared.ts";

const CLI = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;

/** What a stranger would notice of the network outside all namespaces. */
function network(): string {
  return ["ip -o link", "ip -o addr", "ip netns list", "nft list ruleset"]
    .map((command) => spawnSync("sh", ["-c", command], { encoding: "utf8" }).stdout)
    .join("\n");
}

/** The prober that a command has started, or that something did which it has started. */
async function proberOf(command: ChildProcess): Promise<number> {
  for (let waited = 0; waited < 20_000; waited += 20) {
    const found = readdirSync("/proc").find((pid) => /^\d+$/.test(pid) && isProber(pid) && isBelow(pid, command.pid));
    if (found !== undefined) return Number(found);
    await sleep(20);
  }
  throw new Error("no prober was started");
}

function isProber(pid: string): boolean {
  const line = textOf(`/proc/${pid}/cmdline`) ?? "";
  return line.startsWith("perl\0") && line.includes("prober.pl");
}

/** Whether `ancestor` is the parent of `pid`, or the parent of its parent, and so on. */
function isBelow(pid: string, ancestor: number | undefined): boolean {
  const [, parent = "0"] = /^PPid:\t(\d+)$/m.exec(textOf(`/proc/${pid}/status`) ?? "") ?? [];
  return Number(parent) === ancestor || (Number(parent) > 1 && isBelow(parent, ancestor));
}

/** Undefined: it has just ended. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

describe.skipIf(kernelMissing !== undefined)("nothing stays of the kernel engines", () => {
  test.each(["SIGKILL", "SIGINT", undefined] as const)("after %s", async (signal) => {
    const before = network();
    const args = [CLI, "test", `${casesFolder("flow")}masquerade-base.yaml`, "--engine", "kernel"];
    const command = spawn(process.execPath, args, { stdio: "ignore" });
    const ended = once(command, "exit");
    const prober = await proberOf(command);
    if (signal !== undefined) command.kill(signal);
    await ended;
    for (let waited = 0; waited < 50_000 && existsSync(`/proc/${prober}`); waited += 50) await sleep(50);
    expect(existsSync(`/proc/${prober}`)).toBe(false);
    expect(network()).toBe(before);
  });
});
