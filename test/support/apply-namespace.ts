/** A network namespace in which `kpc apply` is run. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { type HeldNamespace, holdNamespace } from "./held-namespace.ts";
import { ENVIRONMENT } from "./kernel.ts";

const KPC = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;

const service = (name: string, address: string, endpoints: readonly string[]): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: ${address}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: shop, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [${endpoints.map((each) => `{addresses: [${each}]}`).join(", ")}]
---`;

const THIS_HOST = hostname().toLowerCase();

const FIRST = service("web", "10.96.0.10", ["10.244.1.5", "10.244.1.6"]) + service("api", "10.96.0.11", ["10.244.1.9"]);
const SECOND =
  service("web", "10.96.0.10", ["10.244.1.6", "10.244.1.7"]) + service("api", "10.96.0.11", ["10.244.1.9"]);
/** With two Nodes; Service web, which only local endpoints serve, has one of this host. */
const NODES =
  FIRST.replace("clusterIP: 10.96.0.10,", "clusterIP: 10.96.0.10, internalTrafficPolicy: Local,").replace(
    "{addresses: [10.244.1.5]}",
    `{addresses: [10.244.1.5], nodeName: ${THIS_HOST}}`,
  ) +
  ["elsewhere.invalid", THIS_HOST]
    .map((name) => `\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n---`)
    .join("");
const WITHOUT_API = service("web", "10.96.0.10", ["10.244.1.5", "10.244.1.6"]);

/** An nft that does nothing until who has started it ends, as long as there is a file `hang` beside its folder. */
const HANGING_NFT = `#!/bin/sh
if [ -e "\${0%/*}/../hang" ]; then cat > /dev/null; exit 1; fi
PATH="\${PATH#*:}:/usr/sbin:/sbin" exec nft "$@"
`;

/** How a `kpc apply` ended, and all that it wrote. */
export interface Applied {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

/** One that runs. */
export interface RunningApply {
  readonly done: Promise<Applied>;
  /** Until it has written this. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** Of one on a terminal. */
  type(keys: string): void;
}

/** Files `first.yaml` (Services web and api), `second.yaml` (web has another endpoint), `without-api.yaml`, `nodes.yaml` (two Nodes) and `wrong.yaml` in a folder, and a
 *  namespace without rules. */
export class ApplyNamespace {
  readonly namespace: HeldNamespace;
  readonly netfilter: Netfilter;
  readonly stateFolder: string;
  private readonly folder: string;

  private constructor(namespace: HeldNamespace) {
    this.namespace = namespace;
    this.netfilter = new Netfilter(namespace.wrapper);
    this.folder = mkdtempSync(join(tmpdir(), "kpc-test-"));
    this.stateFolder = join(this.folder, "state");
    mkdirSync(join(this.folder, "bin"));
    writeFileSync(join(this.folder, "bin", "nft"), HANGING_NFT, { mode: 0o755 });
    const wrong = FIRST.replace("port: 80,", "port: 80000,");
    for (const [name, text] of Object.entries({
      first: FIRST,
      second: SECOND,
      "without-api": WITHOUT_API,
      nodes: NODES,
      wrong,
    }))
      writeFileSync(join(this.folder, `${name}.yaml`), text);
  }

  static async open(): Promise<ApplyNamespace> {
    return new ApplyNamespace(await holdNamespace());
  }

  close(): void {
    this.netfilter.close();
    this.namespace.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  start(...args: readonly string[]): RunningApply {
    return this.startKpc("apply", ...args, "--mode", "nftables");
  }

  /** Any command of kpc. */
  run(...args: readonly string[]): Promise<Applied> {
    return this.startKpc(...args).done;
  }

  /** `kpc apply` on a terminal, which `script` of util-linux makes. */
  startOnTerminal(...args: readonly string[]): RunningApply {
    const command = [...this.namespace.wrapper, process.execPath, KPC, "apply", ...args, "--mode", "nftables"];
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    return this.startCommand(["script", "--quiet", "--return", "--flush", "--command", quoted, "/dev/null"]);
  }

  private startKpc(...args: readonly string[]): RunningApply {
    return this.startCommand([...this.namespace.wrapper, process.execPath, KPC, ...args]);
  }

  private startCommand([program = "", ...rest]: readonly string[]): RunningApply {
    const path = `${join(this.folder, "bin")}:${ENVIRONMENT["PATH"] ?? ""}`;
    const env = { ...ENVIRONMENT, PATH: path, KPC_STATE: this.stateFolder, NO_COLOR: "1" };
    const isTyped = program === "script";
    const child = spawn(program, rest, { stdio: [isTyped ? "pipe" : "ignore", "pipe", "pipe"], env, cwd: this.folder });
    let text = "";
    let told: () => void = () => undefined;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        told();
      });
    const done = new Promise<Applied>((resolve) =>
      child.on("close", (status, signal) => resolve({ status, signal, text })),
    );
    const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = pattern.exec(text);
        if (found !== null) return found;
        await new Promise<void>((resolve) => {
          told = resolve;
        });
      }
    };
    return { done, says, kill: (signal) => void child.kill(signal), type: (keys) => void child.stdin?.write(keys) };
  }

  apply(...args: readonly string[]): Promise<Applied> {
    return this.start(...args).done;
  }

  listed(): string {
    return this.namespace.run("nft list ruleset").output;
  }

  /** Ends the process that would undo a change. */
  killWatcher(id: string): void {
    process.kill(Number(readFileSync(join(this.stateFolder, id, "watched"), "utf8")), "SIGKILL");
  }

  /** Ends the process that undoes a change, while it does. */
  async killWhileRestoring(id: string): Promise<void> {
    const hang = join(this.folder, "hang");
    writeFileSync(hang, "");
    while (!existsSync(join(this.stateFolder, `${id}.closed`))) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(Number(readFileSync(join(this.stateFolder, `${id}.closed`, "watched"), "utf8")), "SIGKILL");
    rmSync(hang);
  }

  /** What is said to those who confirm the change, once it was undone. */
  async wordsWhenLate(id: string): Promise<string> {
    while (existsSync(join(this.stateFolder, id))) await new Promise((resolve) => setTimeout(resolve, 50));
    return (await this.apply("--confirm-now", id)).text;
  }
}

/** Lines of a listing, sorted: the kernel chooses the order of elements. */
export function sortedLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/^\s*(?:elements = \{ )?|[ ,}]*$/g, ""))
    .sort();
}
