/** Real programs talking through real rules: a handle on `lab/lab.mjs`. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { namespaceArguments } from "./kernel.ts";

/** Where things are. Outside addresses that are no node's and no pod's of this node stand behind the gateway. */
export interface LabWorld {
  readonly node: { readonly addresses: readonly string[] };
  readonly pods: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  readonly outside: { readonly addresses: readonly string[]; readonly routes: readonly string[] };
}

export interface Lab {
  /** Runs a shell command in the node, with `text` as its input. */
  readonly load: (command: string, text: string) => Promise<string>;
  /** Lets `name` answer at an address of the place `at`. */
  readonly listen: (
    at: string,
    name: string,
    protocol: "tcp" | "udp",
    address: string,
    port: number,
  ) => Promise<string>;
  /** `NAME saw ADDRESS`, `refused`, or `silence`. */
  readonly ask: (at: string, protocol: "tcp" | "udp", to: string, port: number, from?: string) => Promise<string>;
  /** Ends everything: the namespaces are gone with their programs. */
  readonly close: () => Promise<void>;
}

/** Builds `world`; the places are `node`, `outside`, and the pods by name. */
export async function openLab(world: LabWorld): Promise<Lab> {
  const script = new URL("lab/lab.mjs", import.meta.url).pathname;
  const child = spawn("unshare", [...namespaceArguments, process.execPath, script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = new Map<number, (reply: { answer?: string; error?: string }) => void>();
  let next = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, ...reply } = JSON.parse(line) as { id: number; answer?: string; error?: string };
    waiting.get(id)?.(reply);
    waiting.delete(id);
  });
  const tell = (message: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, ({ answer, error }) => (error === undefined ? resolve(answer ?? "") : reject(new Error(error))));
      child.stdin.write(`${JSON.stringify({ id, ...message })}\n`);
    });
  child.on("exit", () => {
    for (const reply of waiting.values()) reply({ error: "the lab has ended" });
  });
  await tell({ do: "build", ...world });
  return {
    load: (command, text) => tell({ do: "load", command, text }),
    listen: (at, name, protocol, address, port) => tell({ do: "listen", at, name, protocol, address, port }),
    ask: (at, protocol, to, port, from) =>
      tell({ do: "ask", at, protocol, to, port, ...(from === undefined ? {} : { from }) }),
    close: () =>
      new Promise((resolve) => {
        child.on("exit", () => resolve());
        child.stdin.end();
      }),
  };
}
