/** Network namespaces: worlds of netfilter that end with the process in them. */
import { spawnSync } from "node:child_process";

/** The environment of this process, and in its PATH where Debian puts the tools that change a network, which an ordinary user's leaves out. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}

/** `command` in a network namespace of its own. Root needs no more; an ordinary user gets a user namespace around it, where
 *  the system allows that. /run is its own too: iptables-legacy keeps a lock there. */
export function namespaceCommand(command: readonly string[]): [program: string, ...args: string[]] {
  const flags = process.getuid?.() === 0 ? "-nm" : "-Urnm";
  return ["unshare", flags, "sh", "-c", 'mount -t tmpfs tmpfs /run && exec "$@"', "sh", ...command];
}

/** The first of `tools` that is not installed. */
export function missingTool(tools: readonly string[]): string | undefined {
  return tools.find((tool) => spawnSync(tool, ["--version"], { env: toolEnvironment() }).error !== undefined);
}

/** What keeps `script` from running in a namespace; undefined when it runs. */
export function complaintInNamespace(script: string): string | undefined {
  const [program, ...args] = namespaceCommand(["sh", "-c", script]);
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", env: toolEnvironment() });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : `${stdout}${stderr}`.trim();
}
