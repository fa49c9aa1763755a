/** What writes the rules of `kpc agent`: nft, or iptables. */
import { cleanIptables, cleanNft } from "../../runtime/agent/clean-up.ts";
import {
  IPTABLES_BACKENDS,
  type IptablesBackend,
  openIptables,
  PRINTING_HOST,
} from "../../runtime/agent/iptables-host.ts";
import { type AgentKernel, isTableLockTaken, LocalKernel } from "../../runtime/agent/kernel.ts";
import { printingKernel } from "../../runtime/agent/printing-kernel.ts";
import { NetfilterTrouble, NOT_PERMITTED } from "../../runtime/table/netfilter.ts";
import type { FollowedIptables } from "../followed-iptables.ts";
import type { Config } from "../node/config.ts";
import { Ending } from "./ending.ts";
import { Trouble } from "./trouble.ts";

/** nft rules, or those of the iptables that the host has, or of one of its two backends. */
export type AgentOutput = "nft" | "iptables" | "iptables-nft" | "iptables-legacy";

/** Those of the mode, where nothing else is said. */
export function outputOf(output: AgentOutput | undefined, { mode = "nftables" }: Config): AgentOutput {
  return output ?? (mode === "iptables" ? "iptables" : "nft");
}

export interface WritingKernel {
  readonly kernel: AgentKernel;
  /** Undefined: nft writes, or nobody. */
  readonly backend: IptablesBackend | undefined;
  /** What is to be told of the tables; undefined: nobody needs it. */
  readonly follower: FollowedIptables | undefined;
}

/** `lock`: undefined: what would be done is printed. Throws `Trouble` where there is no iptables. */
export async function kernelFor(output: AgentOutput, lock: TableLock | undefined): Promise<WritingKernel> {
  const beside = lock?.kernel ?? printingKernel();
  if (output === "nft") {
    // Where that fails, the first transaction tells; so does who waits for the lock.
    lock?.isHeld.then((isHeld) => (isHeld ? lock.kernel.prepare() : undefined)).catch(() => undefined);
    return { kernel: beside, backend: undefined, follower: undefined };
  }
  try {
    const wanted = IPTABLES_BACKENDS.find((backend) => output === `iptables-${backend}`);
    // The readers of iptables are code that an agent of nft does not load.
    const { IptablesKernel } = await import("../../runtime/agent/iptables-kernel.ts");
    const { FollowedIptables } = await import("../followed-iptables.ts");
    const host = lock === undefined ? PRINTING_HOST : await openIptables(wanted);
    const follower = new FollowedIptables();
    const kernel = new IptablesKernel(host, beside, follower);
    return { kernel, backend: host.backend, follower };
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(error.message) : error;
  }
}

/** Removes rules of kpc that are not those of `backend`, or of nft. Gives a line for each thing that was removed, or could not be. */
export async function cleanUpOthers(backend: IptablesBackend | undefined): Promise<string[]> {
  const others = IPTABLES_BACKENDS.filter((each) => each !== backend);
  const cleaned = [...(backend === undefined ? [] : [await cleanNft("kpc")]), await cleanIptables("kpc", others)];
  return cleaned.flatMap(({ removed, left }) => [...removed, ...left]);
}

/** How long another writer may take to end: what an agent that was killed has left ends by itself. */
const PATIENCE_MS = 5000;

/** What keeps other agents away. */
export interface TableLock {
  readonly kernel: LocalKernel;
  /** Whether another process had it at first. */
  readonly isTaken: boolean;
  /** Resolves when no other process keeps the tables; false: `ending` has come before. Rejects with `Trouble` where one goes on to. */
  readonly isHeld: Promise<boolean>;
  readonly ending: Ending;
}

/** What `use` gives, which is told of the lock while that is waited for. */
export async function withTableLock(use: (lock: TableLock) => Promise<number>): Promise<number> {
  const ending = new Ending();
  const isTaken = isTableLockTaken();
  const kernel = new LocalKernel();
  const isHeld = waitForLock(kernel, ending);
  // Who asks for it is told.
  isHeld.catch(() => undefined);
  try {
    return await use({ kernel, isTaken, isHeld, ending });
  } finally {
    ending.forget();
    await kernel.close();
  }
}

/** As `isHeld`. Rejects with `Trouble` also where the kernel lets this process read no rules: no later try would do better. */
export async function mayWrite({
  kernel,
  isHeld,
}: {
  readonly kernel: Pick<LocalKernel, "generation">;
  readonly isHeld: TableLock["isHeld"];
}): Promise<boolean> {
  if (!(await isHeld)) return false;
  try {
    await kernel.generation();
  } catch (error) {
    // What else goes wrong is told, and tried again, by who asks for more.
    if (!(error instanceof NetfilterTrouble)) throw error;
    if (error.errno === NOT_PERMITTED)
      throw new Trouble(
        `the kernel does not let this process write rules: ${error.message}; expected CAP_NET_ADMIN in this network namespace`,
      );
  }
  return true;
}

async function waitForLock(kernel: LocalKernel, ending: Ending): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const holder = await kernel.lock();
    if (holder === undefined) return true;
    if (performance.now() >= end)
      throw new Trouble(`process ${holder} writes kpc's tables in this network namespace already: stop it first`);
    if (await ending.hasComeIn(50)) return false;
  }
}
