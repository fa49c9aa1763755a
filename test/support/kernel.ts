/** Worlds of netfilter for tests: fresh network namespaces, gone when the command in them ends. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a shell script printed, both streams together, and how it ended. */
export interface Ran {
  readonly status: number;
  readonly output: string;
}

/** Arguments of `unshare` for a network namespace: root needs no more, an ordinary user a user namespace around it. */
export const namespaceArguments: readonly string[] = process.getuid?.() === 0 ? ["-n"] : ["-Urnm"];

/** The lock file of iptables-legacy is in /run, which an ordinary user cannot write to. */
function namespaceCommand(script: string): readonly string[] {
  const prepare = process.getuid?.() === 0 ? "" : "mount -t tmpfs tmpfs /run; ";
  return [...namespaceArguments, "sh", "-c", `${prepare}${script}`];
}

export const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };

function probeNamespace(script: string): Ran {
  const { status, signal, stdout, stderr, error } = spawnSync("unshare", namespaceCommand(script), {
    encoding: "utf8",
    env: ENVIRONMENT,
  });
  if (error !== undefined) return { status: 1, output: error.message };
  return { status: status ?? 1, output: `${stdout}${stderr}${status === null ? `ended by ${signal}\n` : ""}` };
}

/** Runs `script` in a network namespace of its own. */
export function inNamespace(script: string): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { encoding: "utf8", maxBuffer: 1 << 28, env: ENVIRONMENT } as const;
    execFile("unshare", namespaceCommand(script), options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ status, output: `${stdout}${stderr}` });
    });
  });
}

/** Calls `use` with the paths of files that hold `texts`, and removes them. */
export async function withFiles<T>(
  texts: readonly string[],
  use: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "kpc-test-"));
  try {
    const paths = texts.map((_, i) => join(folder, String(i)));
    await Promise.all(paths.map((path, i) => writeFile(path, texts[i] ?? "")));
    return await use(paths);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Why the kernel cannot be asked here; undefined when it can. Printed once, so that a run says what it left out. */
export const kernelMissing: string | undefined = findMissing();

function findMissing(): string | undefined {
  for (const tool of ["nft", "iptables-nft-restore", "iptables-legacy-restore", "unshare"]) {
    if (spawnSync(tool, ["--version"]).error !== undefined)
      return report(`${tool} is not installed (apt-get install nftables iptables)`);
  }
  const probe = probeNamespace("nft list ruleset && iptables-legacy -t nat -S >/dev/null");
  return probe.status === 0
    ? undefined
    : report(`no network namespace with netfilter can be made here: ${probe.output.trim()}`);
}

function report(reason: string): string {
  process.stderr.write(`kernel tests are left out: ${reason}\n`);
  return reason;
}
