/** Changes that are undone unless somebody confirms them: a process of its own waits, whatever becomes of the one that has made them. */
import { spawn } from "node:child_process";

import { setTimeout as sleep } from "node:timers/promises";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import {
  beginWatch,
  closePending,
  confirmPending,
  endOf,
  isConfirmed,
  isMade,
  isUndone,
  isWatched,
  markMade,
  networkNamespace,
  pendingIn,
  readPending,
  removePending,
  stateFolder,
  takeAbandoned,
  writeEnd,
  writePending,
} from "../../runtime/table/pending.ts";
import { restoreTables } from "../../runtime/table/restore.ts";
import { printTable } from "../formats/nft/print.ts";
import type { Table } from "../ir/types.ts";
import { type CommonFlags, EXIT, print } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Held by whoever writes kpc's tables in a network namespace. */
export const OWNER_NAME = "kpc-table";

/** Milliseconds between two looks. */
const LOOK_MS = 50;

/** How long the process that watches may take to begin. */
const BEGIN_MS = 20_000;

/** How long restoring may take. */
const RESTORE_MS = 60_000;

/** A change that waits. */
export class Confirmation {
  readonly id: string;
  private readonly waitMs: number;

  private constructor(id: string, waitMs: number) {
    this.id = id;
    this.waitMs = waitMs;
  }

  /** From now on a process watches that restores `before` after `waitMs`. Throws `Trouble` where it cannot be started. */
  static async begin(before: readonly Table[], waitMs: number): Promise<Confirmation> {
    const id = process.getBuiltinModule("node:crypto").randomBytes(3).toString("hex");
    const text = before.map((table) => printTable(table)).join("");
    const change = { id, namespace: networkNamespace(), pid: process.pid, waitMs, before: text };
    inStateFolder(() => writePending(change));
    if (!(await startWatching(id))) {
      removePending(id);
      throw new Trouble("nothing is applied: the process that would undo the change cannot be started");
    }
    return new Confirmation(id, waitMs);
  }

  /** The change is made: its time begins. */
  made(): void {
    markMade(this.id);
  }

  /** There is nothing to undo. */
  async giveUp(): Promise<void> {
    confirmPending(this.id);
    await ended(this.id);
  }

  /** Until somebody confirms the change, by Enter or from elsewhere, or it is undone. */
  async wait({ quiet }: CommonFlags): Promise<"confirmed" | "restored"> {
    const how = process.stdin.isTTY ? "press Enter, or run" : "run";
    // Also with `--quiet`: nothing else tells how to confirm.
    await print(`to keep this, ${how} within ${this.waitMs / 1000} s: kpc apply --confirm-now ${this.id}\n`);
    const confirm = (): void => void confirmPending(this.id);
    // After a question the terminal is not listened to, until somebody asks for it.
    if (process.stdin.isTTY) process.stdin.once("data", confirm).resume();
    const end = await ended(this.id);
    process.stdin.off("data", confirm);
    process.stdin.pause();
    if (end === "confirmed") {
      if (quiet !== true) await print("confirmed\n");
      return "confirmed";
    }
    removePending(this.id);
    process.stderr.write(`kpc: not confirmed: ${end.restored}\n`);
    return "restored";
  }
}

/** The changes that wait here. Throws `Trouble` where that cannot be told. */
export function waitingHere(): string[] {
  return inStateFolder(() => pendingIn(networkNamespace()));
}

/** Throws `Trouble` for what the system says: a disk that is full or read only, a folder that is none. */
function inStateFolder<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new Trouble(`nothing is applied: changes that wait cannot be kept in ${stateFolder()}: ${why}`);
  }
}

/** Whether a process watches the change within `BEGIN_MS`. */
async function startWatching(id: string): Promise<boolean> {
  const child = spawn(process.execPath, [process.argv[1] ?? "", "apply", "--watch", id], {
    detached: true,
    stdio: "ignore",
  });
  child.on("error", () => undefined);
  child.unref();
  const end = performance.now() + BEGIN_MS;
  while (!isWatched(id)) {
    if (performance.now() > end || child.exitCode !== null) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/** Sees that another process watches a change whose own one has ended without it, as by SIGKILL. Throws `Trouble` where none can be started. */
export async function watchAbandoned(id: string): Promise<void> {
  if (!takeAbandoned(id)) return;
  const anew = isUndone(id) ? "" : ", and its time begins anew";
  process.stderr.write(`kpc: the process that would undo change ${id} has ended: another one does${anew}\n`);
  if (!(await startWatching(id)) && readPending(id) !== undefined)
    throw new Trouble(`the process that would undo change ${id} has ended, and no other one can be started`);
}

async function ended(id: string): Promise<NonNullable<ReturnType<typeof endOf>>> {
  for (;;) {
    const end = endOf(id);
    if (end !== undefined) return end;
    await watchAbandoned(id);
    await sleep(LOOK_MS);
  }
}

/** `kpc apply --confirm-now ID`. Throws `Trouble` where no such change waits. */
export async function confirmNow(id: string, { quiet }: CommonFlags): Promise<number> {
  if (!confirmPending(id) && !isUndone(id)) {
    const waiting = waitingHere();
    const those = waiting.length === 0 ? "none waits here" : `${waiting.join(", ")} waits here`;
    throw new Trouble(`no change ${id} waits to be confirmed; ${those}`);
  }
  const end = await ended(id);
  if (end !== "confirmed") throw new Trouble(`change ${id} is not confirmed, it is too late: ${end.restored}`);
  if (quiet !== true) await print(`confirmed ${id}\n`);
  return EXIT.fine;
}

/** The process that watches. It outlives the terminal, and the process that has made the change. */
export async function watchPending(id: string): Promise<number> {
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  const change = readPending(id);
  if (change === undefined) throw new Trouble(`no change ${id} is to be watched`);
  beginWatch(id);
  // Another process may have been killed while it restored.
  let end = isUndone(id) ? 0 : Number.POSITIVE_INFINITY;
  while (performance.now() < end) {
    // Its time begins when it is made: undone before, it would stay.
    if (end === Number.POSITIVE_INFINITY && isMade(change)) end = performance.now() + change.waitMs;
    if (isConfirmed(id)) {
      removePending(id);
      return EXIT.fine;
    }
    await sleep(LOOK_MS);
  }
  const netfilter = new Netfilter();
  try {
    // Whoever holds the name is the process that has made the change, or one that was told to write all the same.
    await netfilter.hold(OWNER_NAME);
    if (!closePending(id)) writeEnd(id, await restoreTables(netfilter, change.before, RESTORE_MS));
    return EXIT.fine;
  } finally {
    netfilter.close();
  }
}
