/** A network namespace that stays, with a shell in it that runs one command after the other. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { namespaceCommand, toolEnvironment } from "../../../runtime/kernel/namespace.ts";

/** What ends the output of a command, with its status. */
const MARK = "kpc-command-ended";

export class NamespaceShell {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private output = "";
  private waiting: { readonly resolve: (output: string) => void; readonly reject: (error: Error) => void } | undefined;

  constructor() {
    const [program, ...args] = namespaceCommand(["sh", "-c", "exec sh 2>&1"]);
    this.child = spawn(program, args, { env: toolEnvironment(), stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => this.take(text));
    this.child.on("close", () => this.waiting?.reject(new Error(`the namespace has ended: ${this.output}`)));
    this.child.stdin.on("error", () => {}); // it says so when it closes
  }

  /** What `command` prints, both streams together. Rejects where it fails. One at a time. */
  run(command: string): Promise<string> {
    if (this.waiting !== undefined) throw new Error("a command runs in the namespace");
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.child.stdin.write(`{ ${command}\n} < /dev/null; echo "${MARK} $?"\n`);
    });
  }

  /** Ends everything in the namespace. */
  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "close");
  }

  private take(text: string): void {
    this.output += text;
    const [whole, before = "", status] = new RegExp(`^([^]*)${MARK} (\\d+)\\n$`).exec(this.output) ?? [];
    if (whole === undefined) return;
    this.output = "";
    const { waiting } = this;
    this.waiting = undefined;
    if (status === "0") waiting?.resolve(before);
    else waiting?.reject(new Error(`a command in the namespace ended with ${status}: ${before}`));
  }
}
