/** Asks the kernel of this host, or namespace, to tell the way of packets through its rules. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { missingTool, toolEnvironment } from "./namespace.ts";

/** What keeps the kernel from telling. */
export class LiveTraceTrouble extends Error {}

/** How long nft may take to start, and to answer. */
const PATIENCE_MS = 10_000;

/**
 * Calls `tell` with each line that `nft -a monitor trace` prints while the rules of `commands` are there. They are commands for `nft -i`,
 * which make the table `table` with `flags owner`: the kernel removes it when the process ends that has made it, whoever
 * ends that, and it ends when this process does. `until` is called when they are there, and resolves when they are to go. Throws
 * `LiveTraceTrouble`.
 */
export async function traceLive(
  table: string,
  commands: readonly string[],
  tell: (line: string) => void,
  until: () => Promise<unknown>,
): Promise<void> {
  const missing = missingTool(["nft"]);
  if (missing !== undefined) throw new LiveTraceTrouble(`${missing} is not installed`);
  // The shell ends nft when its standard input ends: with this process, however that ends.
  const monitor = spawn("sh", ["-c", "nft -a monitor trace & cat > /dev/null; kill $! 2> /dev/null"], {
    env: toolEnvironment(),
  });
  const owner = spawn("nft", ["-i"], { env: toolEnvironment() });
  try {
    const complaints = collect(monitor);
    createInterface({ input: monitor.stdout }).on("line", tell);
    await waitFor(isListening, () => complaints() || "nft monitor trace does not listen to the kernel");
    await arm(owner, table, commands);
    await until();
  } finally {
    await Promise.all([end(owner), end(monitor)]);
  }
}

/** What `nft` says about the commands, and the table as it lists it, tell when they are done. */
async function arm(owner: ChildProcessWithoutNullStreams, table: string, commands: readonly string[]): Promise<void> {
  const complaints = collect(owner);
  let printed = "";
  owner.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  owner.stdin.write(`${[...commands, `list table inet ${table}`].join("\n")}\n`);
  const isDone = (): boolean => printed.includes(`table inet ${table} {`) && printed.trimEnd().endsWith("}");
  await waitFor(
    () => isDone() || complaints() !== "",
    () => "nft does not answer",
  );
  const [complaint] = complaints().split("\n");
  if (complaint) throw new LiveTraceTrouble(`nft refuses the rules that ask for the trace: ${complaint}`);
}

function collect({ stderr }: ChildProcessWithoutNullStreams): () => string {
  let text = "";
  stderr.on("data", (chunk) => {
    text += chunk;
  });
  return () => text.trim();
}

function isListening(): boolean {
  return hasTraceListener(readFileSync("/proc/net/netlink", "utf8"));
}

/** Whether a process of the namespace listens to the group of netfilter's traces (NFNLGRP_NFTRACE: 9), by /proc/net/netlink. */
export function hasTraceListener(netlink: string): boolean {
  const [, ...rows] = netlink.split("\n");
  const NETLINK_NETFILTER = "12";
  return rows.some((row) => {
    const [, protocol, , groups = "0"] = row.trim().split(/\s+/);
    return protocol === NETLINK_NETFILTER && (Number.parseInt(groups, 16) & (1 << 8)) !== 0;
  });
}

async function waitFor(isDone: () => boolean, complaint: () => string): Promise<void> {
  for (let waited = 0; !isDone(); waited += 10) {
    if (waited >= PATIENCE_MS) throw new LiveTraceTrouble(complaint());
    await sleep(10);
  }
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.stdin.end();
  await closed;
}
