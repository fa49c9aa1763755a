/** A network namespace that several commands enter, one after the other. */
import { spawn, spawnSync } from "node:child_process";
import { ENVIRONMENT, namespaceArguments, type Ran } from "./kernel.ts";

/** Gone when it is closed, or when the process that made it ends. */
export interface HeldNamespace {
  /** The beginning of a command that runs in it. */
  readonly wrapper: readonly string[];
  /** Runs a shell script in it. */
  run(script: string): Ran;
  /** Ends all processes in it. */
  close(): void;
}

export function holdNamespace(): Promise<HeldNamespace> {
  const user = process.getuid?.() === 0 ? [] : ["-U", "--preserve-credentials", "-m"];
  return hold(namespaceArguments, user);
}

/** One that an ordinary user could have made: its root may not ask for larger buffers than the system gives to everybody. */
export function holdUserNamespace(): Promise<HeldNamespace> {
  return hold(["-Urn"], ["-U", "--preserve-credentials"]);
}

/** `unshared`: which namespaces are new. `entered`: how others than that of the network are entered. */
async function hold(unshared: readonly string[], entered: readonly string[]): Promise<HeldNamespace> {
  // It ends when its standard input does.
  const holder = spawn("unshare", [...unshared, "sh", "-c", "ip link set lo up; echo ready; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: ENVIRONMENT,
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once("data", () => resolve());
    holder.once("close", () => reject(new Error("no network namespace can be made here")));
  });
  const wrapper = ["nsenter", "-t", String(holder.pid), "-n", ...entered];
  return {
    wrapper,
    run: (script) => {
      const [program = "", ...args] = [...wrapper, "sh", "-c", script];
      const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
        encoding: "utf8",
        env: ENVIRONMENT,
        maxBuffer: 1 << 28,
      });
      const end = status === null ? `${error?.message ?? `ended by ${signal}`}\n` : "";
      return { status: status ?? 1, output: `${stdout}${stderr}${end}` };
    },
    close: () => {
      holder.stdin.end();
      holder.kill("SIGKILL");
    },
  };
}
