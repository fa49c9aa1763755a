/** Removes what a proxy has left in the kernel. */
import { type ExecFileException, execFile } from "node:child_process";
import { toolEnvironment } from "../kernel/namespace.ts";
import { IPTABLES_BACKENDS, type IptablesBackend } from "./iptables-host.ts";

/** A line for each thing. */
export interface CleanedUp {
  readonly removed: readonly string[];
  /** What could not be removed, and why. */
  readonly left: readonly string[];
}

/** Rules of one proxy, nft's and those of iptables: kpc's, or all that kube-proxy leaves in its modes when it ends. `wrapper`: a command that
 *  runs others elsewhere, as `nsenter`. */
export async function cleanUp(of: Proxy, wrapper: readonly string[] = []): Promise<CleanedUp> {
  const nft = await cleanNft(of, wrapper);
  const iptables = await cleanIptables(of, IPTABLES_BACKENDS, wrapper);
  return { removed: [...nft.removed, ...iptables.removed], left: [...nft.left, ...iptables.left] };
}

type Proxy = "kpc" | "kube-proxy";

/** An agent that was killed at its start may have left the second one, which sleeps. */
const NFT_TABLES: Readonly<Record<Proxy, readonly string[]>> = {
  kpc: ["kpc", "kpc-reference"],
  "kube-proxy": ["kube-proxy"],
};

const CHAINS: Readonly<Record<Proxy, string>> = { kpc: "KPC-", "kube-proxy": "KUBE-" };

/** The same for nft tables alone. */
export async function cleanNft(of: Proxy, wrapper: readonly string[] = []): Promise<CleanedUp> {
  const removed: string[] = [];
  const left: string[] = [];
  for (const family of ["ip", "ip6"]) {
    const listed = await run(wrapper, ["nft", "list", "chains", family]);
    if (listed.status === NO_PROGRAM) break;
    for (const table of NFT_TABLES[of]) {
      const isThere = listed.output.includes(` ${table} {`);
      // A transaction that changes nothing is a commit too, after which agents compare all that is there.
      if (listed.status === 0 && !isThere) continue;
      const text = `add table ${family} ${table}\ndelete table ${family} ${table}\n`;
      const { status, output } = await run(wrapper, ["nft", "-f", "-"], text);
      if (status !== 0) left.push(`nft table ${family} ${table} could not be removed: ${output.trim()}`);
      else if (isThere) removed.push(`removed nft table ${family} ${table}`);
    }
  }
  return { removed, left };
}

/** The same for chains of iptables, and jumps to them from others. */
export async function cleanIptables(
  of: Proxy,
  backends: readonly IptablesBackend[],
  wrapper: readonly string[] = [],
): Promise<CleanedUp> {
  const removed: string[] = [];
  const left: string[] = [];
  for (const backend of backends)
    for (const tool of [`iptables-${backend}`, `ip6tables-${backend}`]) {
      const { status, output } = await run(wrapper, [`${tool}-save`]);
      const text = status === 0 ? removalOf(output, CHAINS[of]) : undefined; // else the host has no such iptables
      if (text === undefined) continue;
      const restored = await run(wrapper, [`${tool}-restore`, "--noflush"], text);
      if (restored.status === 0) removed.push(`removed ${of}'s chains of ${tool}`);
      else left.push(`${tool}: ${of}'s chains could not be removed: ${restored.output.trim()}`);
    }
  return { removed, left };
}

/** Input for `iptables-restore --noflush` that removes from `save` the chains named `prefix`… and the rules that jump to them, but for those of
 *  the kubelet; undefined: there are none. */
export function removalOf(save: string, prefix: string): string | undefined {
  const isChain = new RegExp(`^:(${prefix}[^ ]+) `);
  const isJump = new RegExp(`^-A ([^ ]+) .*-[jg] (${prefix}[^ ]+)`);
  const lines: string[] = [];
  let removed = 0;
  let table: string[] = [];
  const chains: string[] = [];
  for (const line of save.split("\n")) {
    if (line.startsWith("*")) {
      table = [line];
      chains.splice(0);
      continue;
    }
    const [, chain] = isChain.exec(line) ?? [];
    if (chain !== undefined && !OF_KUBELET.has(chain)) chains.push(chain);
    const [, from = "", to = ""] = isJump.exec(line) ?? [];
    if (chains.includes(to) && !chains.includes(from)) table.push(line.replace(/^-A/, "-D"));
    if (line !== "COMMIT") continue;
    // Emptied first: chains jump to each other.
    const commands = [
      ...chains.map((name) => `:${name} - [0:0]`),
      ...table.slice(1),
      ...chains.map((name) => `-X ${name}`),
    ];
    removed += chains.length;
    if (chains.length > 0) lines.push(table[0] ?? "", ...commands, "COMMIT");
  }
  return removed === 0 ? undefined : `${lines.join("\n")}\n`;
}

/** These the kubelet makes, and needs. */
const OF_KUBELET: ReadonlySet<string> = new Set(["KUBE-FIREWALL", "KUBE-KUBELET-CANARY", "KUBE-MARK-DROP"]);

/** As a shell says that there is no such program. */
const NO_PROGRAM = 127;

function run(
  wrapper: readonly string[],
  command: readonly string[],
  input = "",
): Promise<{ readonly status: number; readonly output: string }> {
  const [program = "", ...args] = [...wrapper, ...command];
  return new Promise((resolve) => {
    const options = { encoding: "utf8", maxBuffer: 1 << 28, env: toolEnvironment() } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ status: statusOf(error), output: `${stdout}${stderr}` }),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

function statusOf(error: ExecFileException | null): number {
  if (error === null) return 0;
  return error.code === "ENOENT" ? NO_PROGRAM : 1;
}
