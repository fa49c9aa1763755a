/** Network namespaces: worlds of netfilter that end with the process in them. */
import { spawnSync } from "node:child_process";

/** The environment of this process, and in its PATH where Debian puts the tools that change a network, which an ordinary user's leaves out. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}

/** `command` in a network namespace of its own. Root needs no more; an ordinary user gets a user namespace around it, where
 *  the system allows that. /run is its own too: iptables-legacy keeps a lock there. The kernel ends all processes in there with `command`, and
 *  `command` with the thread that has started it, however that ends. */
export function namespaceCommand(command: readonly string[]): [program: string, ...args: string[]] {
  const flags = process.getuid?.() === 0 ? "-nmp" : "-Urnmp";
  const contained = ["setpriv", "--pdeathsig", "KILL", "unshare", flags, "--fork", "--kill-child"] as const;
  return [...contained, "sh", "-c", FIRST_PROCESS, "sh", ...command];
}

/** The first process of a namespace takes over orphans: the shell does not forget them. An ordinary user in a container may not mount /proc,
 *  and sees the processes of the container then. */
const FIRST_PROCESS = 'mount -t tmpfs tmpfs /run && { mount -t proc proc /proc 2> /dev/null; "$@"; exit $?; }';

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
