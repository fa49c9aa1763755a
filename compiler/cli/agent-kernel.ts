/** What writes the rules of `kpc agent`: nft, or iptables. */
import { setTimeout as sleep } from "node:timers/promises";
import { cleanIptables, cleanNft } from "../../runtime/agent/clean-up.ts";
import {
  IPTABLES_BACKENDS,
  type IptablesBackend,
  openIptables,
  PRINTING_HOST,
} from "../../runtime/agent/iptables-host.ts";
import { type AgentKernel, LocalKernel } from "../../runtime/agent/kernel.ts";
import { PRINTING_KERNEL } from "../../runtime/agent/printing-kernel.ts";
import { NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import type { FollowedIptables } from "../followed-iptables.ts";
import type { Config } from "../node/config.ts";
import { Trouble } from "./trouble.ts";

/** nft rules, or those of the iptables that the host has, or of one of its two backends. */
export type AgentOutput = "nft" | "iptables" | "iptables-nft" | "iptables-legacy";

/** Those of the mode, where nothing else is said. */
export function outputOf(output: AgentOutput | undefined, { mode = "nftables" }: Config): AgentOutput {
  return output ?? (mode === "iptables" ? "iptables" : "nft");
}

export interface WritingKernel {
  readonly kernel: AgentKernel;
  /** Resolves when no other process keeps the rules of this network namespace; rejects with `Trouble` where one goes on to do so. */
  readonly ready: Promise<void>;
  /** Undefined: nft writes, or nobody. */
  readonly backend: IptablesBackend | undefined;
  /** What is to be told of the tables; undefined: nobody needs it. */
  readonly follower: FollowedIptables | undefined;
}

/** Throws `Trouble` where there is no iptables. */
export async function kernelFor(output: AgentOutput, isDryRun: boolean): Promise<WritingKernel> {
  if (output === "nft") {
    const nothing = { backend: undefined, follower: undefined };
    if (isDryRun) return { kernel: PRINTING_KERNEL, ready: Promise.resolve(), ...nothing };
    const kernel = new LocalKernel();
    return { kernel, ready: prepared(kernel), ...nothing };
  }
  const beside = isDryRun ? PRINTING_KERNEL : await lockedKernel();
  try {
    const wanted = IPTABLES_BACKENDS.find((backend) => output === `iptables-${backend}`);
    // The readers of iptables are code that an agent of nft does not load.
    const { IptablesKernel } = await import("../../runtime/agent/iptables-kernel.ts");
    const { FollowedIptables } = await import("../followed-iptables.ts");
    const host = isDryRun ? PRINTING_HOST : await openIptables(wanted);
    const follower = new FollowedIptables();
    const kernel = new IptablesKernel(host, beside, follower);
    return { kernel, ready: Promise.resolve(), backend: host.backend, follower };
  } catch (error) {
    await beside.close();
    throw error instanceof NetfilterTrouble ? new Trouble(error.message) : error;
  }
}

/** Removes rules of kpc that are not those of `backend`, or of nft. Gives a line for each thing that was removed. */
export async function cleanUpOthers(backend: IptablesBackend | undefined): Promise<string[]> {
  const others = IPTABLES_BACKENDS.filter((each) => each !== backend);
  return [...(backend === undefined ? [] : await cleanNft("kpc")), ...(await cleanIptables("kpc", others))];
}

/** How long another writer may take to end: what an agent that was killed has left ends by itself. */
const PATIENCE_MS = 5000;

async function prepared(kernel: LocalKernel): Promise<void> {
  await lock(kernel);
  // Where that fails, the first transaction tells.
  kernel.prepare().catch(() => undefined);
}

/** Throws `Trouble` where another process keeps the rules of this network namespace. */
export async function lockedKernel(): Promise<LocalKernel> {
  const kernel = new LocalKernel();
  try {
    await lock(kernel);
    return kernel;
  } catch (error) {
    await kernel.close();
    throw error;
  }
}

async function lock(kernel: LocalKernel): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  let holder = await kernel.lock();
  while (holder !== undefined && performance.now() < end) {
    await sleep(50);
    holder = await kernel.lock();
  }
  if (holder !== undefined)
    throw new Trouble(`process ${holder} writes kpc's tables in this network namespace already: stop it first`);
}
