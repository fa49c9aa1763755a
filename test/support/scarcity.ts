/** What a host may lack while an agent runs: memory, room on its disk, a clock that goes on evenly. */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** Where transactions of nft stand for a moment. */
const MEMORY_DISK = "/dev/shm";

const PAGE = 4096;

/** A disk of 256 kB at /dev/shm, in a mount namespace of this process. */
export class SmallDisk {
  private readonly file: number;

  constructor() {
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", MEMORY_DISK], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`no disk can be mounted: ${stderr}`);
    this.file = openSync(join(MEMORY_DISK, "others"), "w");
  }

  /** Takes all the room that is left. */
  fill(): void {
    const page = Buffer.alloc(PAGE);
    try {
      for (;;) writeSync(this.file, page);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }

  empty(): void {
    ftruncateSync(this.file, 0);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** A cgroup whose limit of memory can be lowered. Beneath it the kernel kills what asks for more, also in the middle of a transaction. */
export class MemoryGroup {
  private readonly folder: string;
  private readonly limit: string;
  private readonly usage: string;

  private constructor(folder: string, limit: string, usage: string) {
    this.folder = folder;
    this.limit = limit;
    this.usage = usage;
  }

  /** Undefined: cgroups of memory cannot be made here. */
  static make(name: string): MemoryGroup | undefined {
    for (const [root, limit, usage] of [
      ["/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"],
      ["/sys/fs/cgroup", "memory.max", "memory.current"],
    ] as const) {
      const folder = join(root, name);
      if (!existsSync(root)) continue;
      try {
        mkdirSync(folder);
      } catch (error) {
        if (error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EROFS")) continue;
        throw error;
      }
      if (existsSync(join(folder, limit))) return new MemoryGroup(folder, limit, usage);
      rmdirSync(folder);
    }
    return undefined;
  }

  /** Only what a process asks for from now on counts. */
  take(pid: number): void {
    writeFileSync(join(this.folder, "cgroup.procs"), String(pid));
  }

  /** Leaves `bytes` more than are used now; more than that where processes take them faster than the limit is written. */
  tighten(bytes: number): void {
    for (let room = bytes; ; room = 2 * room + PAGE) {
      const used = Number(readFileSync(join(this.folder, this.usage), "utf8"));
      try {
        writeFileSync(join(this.folder, this.limit), String(used + room));
        return;
      } catch (error) {
        // The first version of cgroups refuses a limit below what is used and cannot be given back.
        if (!(error instanceof Error && "code" in error && error.code === "EBUSY")) throw error;
      }
    }
  }

  relax(): void {
    writeFileSync(join(this.folder, this.limit), String(2 ** 40));
  }

  /** Waits until no process is in it. */
  async close(): Promise<void> {
    while (readFileSync(join(this.folder, "cgroup.procs"), "utf8") !== "")
      await new Promise((resolve) => setTimeout(resolve, 20));
    rmdirSync(this.folder);
  }
}

/** Lets `pid` have no more address space than it has: the next allocation fails. False: it has ended. */
export function starve(pid: number): boolean {
  return spawnSync("prlimit", ["--pid", String(pid), "--as=1:1"]).status === 0;
}
