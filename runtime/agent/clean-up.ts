/** Removes what a proxy has left in the kernel. */
import { execFile } from "node:child_process";
import { toolEnvironment } from "../kernel/namespace.ts";

/** Rules of one proxy: kpc's tables, or all that kube-proxy leaves in its modes when it ends. Gives a line for each thing that was removed, or could
 *  not be. `wrapper`: a command that runs others elsewhere, as `nsenter`. */
export async function cleanUp(of: "kpc" | "kube-proxy", wrapper: readonly string[] = []): Promise<string[]> {
  const done: string[] = [];
  const table = of === "kpc" ? "kpc" : "kube-proxy";
  for (const family of ["ip", "ip6"]) {
    const text = `add table ${family} ${table}\ndelete table ${family} ${table}\n`;
    const wasThere = (await run(wrapper, ["nft", "list", "chains", family])).output.includes(` ${table} {`);
    const { status, output } = await run(wrapper, ["nft", "-f", "-"], text);
    if (status !== 0) done.push(`nft table ${family} ${table} could not be removed: ${output.trim()}`);
    else if (wasThere) done.push(`removed nft table ${family} ${table}`);
  }
  if (of === "kpc") return done;
  for (const backend of ["nft", "legacy"])
    for (const tool of [`iptables-${backend}`, `ip6tables-${backend}`])
      done.push(...(await cleanIptables(tool, wrapper)));
  return done;
}

/** Chains that kube-proxy makes, and its jumps from others. */
async function cleanIptables(tool: string, wrapper: readonly string[]): Promise<string[]> {
  const { status, output } = await run(wrapper, [`${tool}-save`]);
  if (status !== 0) return []; // the host has no such iptables
  const text = removalOf(output);
  if (text === undefined) return [];
  const restored = await run(wrapper, [`${tool}-restore`, "--noflush"], text);
  if (restored.status !== 0) return [`${tool}: kube-proxy's chains could not be removed: ${restored.output.trim()}`];
  return [`removed kube-proxy's chains of ${tool}`];
}

/** Input for `iptables-restore --noflush` that removes from `save` the chains named KUBE-… and the rules that jump to them, but for those of
 *  the kubelet; undefined: there are none. */
export function removalOf(save: string): string | undefined {
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
    const [, chain] = /^:(KUBE-[^ ]+) /.exec(line) ?? [];
    if (chain !== undefined && !OF_KUBELET.has(chain)) chains.push(chain);
    const [, from = "", to = ""] = /^-A ([^ ]+) .*-[jg] (KUBE-[^ ]+)/.exec(line) ?? [];
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

function run(
  wrapper: readonly string[],
  command: readonly string[],
  input = "",
): Promise<{ readonly status: number; readonly output: string }> {
  const [program = "", ...args] = [...wrapper, ...command];
  return new Promise((resolve) => {
    const options = { encoding: "utf8", maxBuffer: 1 << 28, env: toolEnvironment() } as const;
    const child = execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : 1, output: `${stdout}${stderr}` }),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
