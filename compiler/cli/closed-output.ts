/** Whether standard output was closed before kpc began (`>&-`). Node.js then opens /dev/null in its place, so that whatever
 *  kpc prints is lost without an error. */
import { fstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, isAbsolute } from "node:path";

/** The null device on Linux: major 1, minor 3. */
const NULL_DEVICE = (1 << 8) | 3;

/** Where Linux says who opened what, whether standard output is the null device that Node.js opened because it found none.
 *  Node.js opens it for reading and writing. Shells open it for writing only (`> /dev/null`), but other programs that throw
 *  the output of a process away do as Node.js does: Python's `DEVNULL`, Node's own `stdio: "ignore"`. So the process counts
 *  that has it first: kpc itself, or `npx` above it. It found standard output closed if it runs Node.js and a shell started
 *  it. A shell also starts it without leaving a process behind (`bash -c 'kpc … >&-'`); bash then leaves its name in `_`,
 *  and for a shell that does not (dash) the answer is false. */
export function wasClosed(): boolean {
  const stats = fstatSync(1);
  if (!stats.isCharacterDevice() || stats.rdev !== NULL_DEVICE) return false;
  try {
    let first = String(process.pid);
    let above = parentOf(first);
    if (!hasNullForBoth(first)) return false;
    while (hasNullForBoth(above)) [first, above] = [above, parentOf(above)];
    return runsNode(first) && (SHELLS.has(programOf(above)) || bashStarted(first));
  } catch (error) {
    if (error instanceof Error && "code" in error) return false; // no /proc, or a process of somebody else
    throw error;
  }
}

const SHELLS: ReadonlySet<string> = new Set(
  ["ash", "bash", "busybox", "dash", "fish", "ksh", "ksh93", "mksh", "sh", "zsh"], // the files behind `sh`
);

/** Whether standard output of the process is the null device, open for reading and writing. */
function hasNullForBoth(pid: string): boolean {
  if (pid === "0") return false;
  let target: string;
  try {
    target = readlinkSync(`/proc/${pid}/fd/1`);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false; // closed there
    throw error;
  }
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/1`, "utf8"))?.[1] ?? "";
  return target === "/dev/null" && (Number.parseInt(flags, 8) & 3) === 2; // O_ACCMODE, O_RDWR
}

function parentOf(pid: string): string {
  return /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
}

function programOf(pid: string): string {
  return basename(readlinkSync(`/proc/${pid}/exe`));
}

function runsNode(pid: string): boolean {
  return readlinkSync(`/proc/${pid}/exe`) === process.execPath || /^node/.test(programOf(pid));
}

/** Whether the script that the process runs is what bash started last before it gave way to it. Nothing can be said of
 *  `node SCRIPT`: `_` is then the same for whatever that script starts. */
function bashStarted(pid: string): boolean {
  const started = textsIn(pid, "environ")
    .find((text) => text.startsWith("_="))
    ?.slice(2);
  const [, script] = textsIn(pid, "cmdline");
  if (started === undefined || script === undefined) return false;
  return started === script || (isAbsolute(script) && isAbsolute(started) && isSameFile(script, started));
}

function isSameFile(path: string, other: string): boolean {
  return realpathSync(path) === realpathSync(other);
}

/** The texts of a file in /proc that ends each with a zero byte. */
function textsIn(pid: string, file: "cmdline" | "environ"): string[] {
  return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
}
