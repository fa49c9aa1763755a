/** Files in one folder that replace those of before, all or none. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isSystemError, reasonOf } from "./output.ts";
import { Trouble } from "./trouble.ts";

/** The most bytes that a file name may have (NAME_MAX of Linux). */
const MAX_NAME = 255;

/** Whether a file can have this name. */
export function isFileName(name: string): boolean {
  return !/[/\0]/.test(name) && !/^\.{0,2}$/.test(name) && Buffer.byteLength(name) <= MAX_NAME;
}

/** Each file is written under a name of its own at first. `commit` gives all of them their names, each in one step, so that
 *  nobody finds a half-written file under its name. All methods throw `Trouble` when the system refuses. */
export class FileSet {
  private readonly folder: string;
  /** Where a file is now, by its path. */
  private readonly pending = new Map<string, string>();

  /** `folder` is made with the first file, unless it is there. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Adds a file. `name` is a file name (`isFileName`). `isPrivate`: only its owner may read it. */
  add(name: string, content: string | Uint8Array, isPrivate = false): void {
    if (this.pending.size === 0) makeFolder(this.folder);
    const path = join(this.folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new Trouble(`cannot write ${path}: it is a folder`);
    const temporary = join(this.folder, `.kpc-${process.pid}-${this.pending.size}.tmp`);
    this.pending.set(path, temporary);
    attempt(path, () => {
      rmSync(temporary, { force: true }); // one of a run before would keep its mode
      writeFileSync(temporary, content, isPrivate ? { mode: 0o600 } : {});
    });
  }

  commit(): void {
    for (const [path, temporary] of this.pending) {
      attempt(path, () => renameSync(temporary, path));
      this.pending.delete(path);
    }
  }

  /** Other files of the folder with this ending, sorted by name. */
  othersEndingIn(ending: string, own: ReadonlySet<string>): readonly string[] {
    if (statSync(this.folder, { throwIfNoEntry: false }) === undefined) return [];
    const names: string[] = [];
    attempt(this.folder, () => names.push(...readdirSync(this.folder)));
    return names.filter((name) => name.endsWith(ending) && !own.has(name)).sort();
  }

  /** Removes what `commit` has not given its name. */
  discard(): void {
    for (const temporary of this.pending.values()) rmSync(temporary, { force: true });
    this.pending.clear();
  }
}

/** Makes a folder, and those above it, where they are not there. Node.js does not come back from `recursive` where the system
 *  makes no folders (/proc). Throws `Trouble` where that cannot be done. */
export function makeFolder(path: string): void {
  if (dirname(path) !== path) makeFolder(dirname(path));
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) attempt(path, () => mkdirSync(path));
  else if (!stats.isDirectory()) throw new Trouble(`cannot write into ${path}: it is not a folder`);
}

function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Trouble(`cannot write ${path}: ${reasonOf(error)}`);
  }
}
