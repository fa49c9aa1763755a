/** Changes that are undone unless somebody confirms them: what is kept of them in a folder until then. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Of one change. */
export interface PendingChange {
  readonly id: string;
  /** The network namespace that it is in. */
  readonly namespace: string;
  /** The process that makes it. */
  readonly pid: number;
  /** How long it waits for its confirmation, once it is made. */
  readonly waitMs: number;
  /** The tables as they were before, as nft lists them. */
  readonly before: string;
}

/** How a change ended that nobody has confirmed in time. */
export type PendingEnd = "confirmed" | { readonly restored: string };

/** The folder of all of them: `KPC_STATE`, else one that is gone after the next start of the machine. */
export function stateFolder(): string {
  const given = process.env["KPC_STATE"];
  if (given !== undefined && given !== "") return given;
  return existsSync("/run") && process.getuid?.() === 0 ? "/run/kpc" : join(tmpdir(), `kpc-${process.getuid?.() ?? 0}`);
}

/** The network namespace of this process. */
export function networkNamespace(): string {
  return String(statSync("/proc/self/ns/net").ino);
}

/** Throws what the system says where it cannot be written: then nothing of it stays. */
export function writePending(change: PendingChange): void {
  try {
    mkdirSync(folderOf(change.id), { recursive: true, mode: 0o700 });
    writeFileSync(join(folderOf(change.id), "change.json"), JSON.stringify(change), { mode: 0o600 });
  } catch (error) {
    removePending(change.id);
    throw error;
  }
}

/** Undefined: no such change waits, or is being undone. */
export function readPending(id: string): PendingChange | undefined {
  if (!ID.test(id) || existsSync(endFile(id))) return undefined;
  const file = join(placeOf(id), "change.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PendingChange) : undefined;
}

const ID = /^[0-9a-f]{6}$/;

/** Those of a network namespace that wait, or are being undone. */
export function pendingIn(namespace: string): string[] {
  if (!existsSync(stateFolder())) return [];
  const ids = readdirSync(stateFolder()).map((name) => name.replace(/\.closed$/, ""));
  return ids.filter((id) => readPending(id)?.namespace === namespace);
}

/** Takes away what is kept of a change: at once, so that a process that is killed here leaves no part of it that passes for a change. */
export function removePending(id: string): void {
  const place = placeOf(id);
  if (!existsSync(place)) return;
  const old = `${folderOf(id)}.old`;
  renameSync(place, old);
  rmSync(old, { recursive: true, force: true });
}

// --- who watches ---------------------------------------------------------------------------------------------------------

/** Says that a process watches the change, from now on. */
export function beginWatch(id: string): void {
  writeFileSync(join(placeOf(id), "watched"), String(process.pid));
}

export function isWatched(id: string): boolean {
  return existsSync(join(placeOf(id), "watched"));
}

/** Whether the process that watched the change has ended without it; true for one of those who ask, who is to see that another one watches. */
export function takeAbandoned(id: string): boolean {
  const place = placeOf(id);
  const file = join(place, "watched");
  try {
    const pid = readFileSync(file, "utf8");
    if (pid === "" || isRunning(pid)) return false;
    writeFileSync(join(place, `ended-${pid}`), "", { flag: "wx" });
    rmSync(file);
    return true;
  } catch {
    return false; // it has just been taken away, or another one sees to it
  }
}

/** Says that the change is made. */
export function markMade(id: string): void {
  writeFileSync(join(folderOf(id), "made"), "");
}

/** Whether the change is made, or nobody is left to make it. */
export function isMade({ id, pid }: PendingChange): boolean {
  return existsSync(join(folderOf(id), "made")) || !isRunning(pid);
}

/** Whether a process is there, and is not one that has ended and waits for its parent to ask how. */
function isRunning(pid: number | string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false; // it is gone
  }
}

/** Confirms the change: false where it is too late, or there is none. */
export function confirmPending(id: string): boolean {
  if (!ID.test(id) || !existsSync(folderOf(id))) return false;
  try {
    writeFileSync(join(folderOf(id), "confirmed"), "");
    return true;
  } catch {
    return false; // it has just been taken away
  }
}

/** Whether the change is confirmed by now. */
export function isConfirmed(id: string): boolean {
  return existsSync(join(folderOf(id), "confirmed"));
}

/** Ends the time in which the change can be confirmed: whether it was. If not, what is kept of it stays until `writeEnd` says what was done
 *  instead: should this process be killed before, another one calls this again. */
export function closePending(id: string): boolean {
  if (!isUndone(id)) renameSync(folderOf(id), closedFolder(id));
  const wasConfirmed = existsSync(join(closedFolder(id), "confirmed"));
  if (wasConfirmed) removePending(id);
  return wasConfirmed;
}

/** Leaves word of what was done because nobody has confirmed the change. */
export function writeEnd(id: string, restored: string): void {
  const file = endFile(id);
  writeFileSync(`${file}.new`, restored, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  rmSync(join(closedFolder(id), "change.json"), { force: true });
}

/** How the change has ended; undefined: it waits, or is just being undone. */
export function endOf(id: string): PendingEnd | undefined {
  if (existsSync(folderOf(id))) return undefined;
  if (existsSync(endFile(id))) return { restored: readFileSync(endFile(id), "utf8") };
  return existsSync(closedFolder(id)) ? undefined : "confirmed";
}

/** Whether the change has been undone, or is just being undone. */
export function isUndone(id: string): boolean {
  return ID.test(id) && existsSync(closedFolder(id));
}

function folderOf(id: string): string {
  return join(stateFolder(), id);
}

/** Its folder once nobody can confirm it any more. */
function closedFolder(id: string): string {
  return `${folderOf(id)}.closed`;
}

/** The one of both that is there. */
function placeOf(id: string): string {
  return existsSync(closedFolder(id)) ? closedFolder(id) : folderOf(id);
}

function endFile(id: string): string {
  return join(closedFolder(id), "end");
}
