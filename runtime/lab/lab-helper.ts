/** The process that holds a lab's namespaces: lines to it, lines back. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { toolEnvironment } from "../kernel/namespace.ts";
import { howEnded } from "../kernel/process-end.ts";

/** A lab could not do what it was to do: tools are missing, or the kernel refused. */
export class LabTrouble extends Error {}

/** Bytes that wait for more to be sent with them. */
const AT_ONCE = 64_000;

/** A running helper, in namespaces of its own for networks, mounts and processes: whatever ends it, nothing is left. */
export class LabHelper {
  private readonly child: ChildProcessWithoutNullStreams;
  /** Who waits for answers, in the order of the questions. */
  private readonly waiting: ((line: string | undefined) => void)[] = [];
  private readonly complaints: string[] = [];
  private readonly outgoing: (string | Buffer)[] = [];
  private outgoingBytes = 0;
  private readonly unfinished: string[] = [];
  private hasEnded = false;

  constructor() {
    const script = new URL("helper.pl", import.meta.url).pathname;
    this.child = spawn("perl", [script, String(process.pid)], { env: toolEnvironment() });
    this.child.stdout.setEncoding("latin1").on("data", (text: string) => this.hear(text));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.complaints.push(text));
    this.child.stdin.on("error", () => undefined); // it has died; who waits for an answer is told
    this.child.on("error", ({ message }) => this.complaints.push(message));
    this.child.on("close", () => {
      this.hasEnded = true;
      for (const waiting of this.waiting.splice(0)) waiting(undefined);
    });
  }

  /** The process that the helper's namespaces end with; undefined: it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Gives the answer to `line`, behind which `input` stands. Throws LabTrouble where that tells of trouble. */
  ask(line: string, input?: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (): void =>
        reject(new LabTrouble(`the process that holds the lab has ended: ${howEnded(this.child, this.complaints)}`));
      if (this.hasEnded) return fail();
      this.waiting.push((answer) => {
        if (answer === undefined) fail();
        else if (answer.startsWith("trouble ")) reject(new LabTrouble(answer.slice(8).trim()));
        else resolve(answer);
      });
      if (this.outgoing.length === 0) queueMicrotask(() => this.flush());
      this.outgoing.push(`${line}\n`);
      if (input !== undefined) this.outgoing.push(input);
      // It begins while more is made for it to do.
      this.outgoingBytes += line.length + (input?.length ?? 0);
      if (this.waiting.length === 1 || this.outgoingBytes > AT_ONCE) this.flush();
    });
  }

  /** Ends the process, and with it the lab. The kernel goes on cleaning for a while. */
  close(): void {
    this.child.stdin.end();
    this.child.kill("SIGKILL");
  }

  private flush(): void {
    if (this.outgoing.length === 0) return;
    this.outgoingBytes = 0;
    const parts = this.outgoing
      .splice(0)
      .map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part));
    this.child.stdin.write(Buffer.concat(parts));
  }

  private hear(text: string): void {
    const lines = text.split("\n");
    this.unfinished.push(lines[0] ?? "");
    if (lines.length === 1) return;
    lines[0] = this.unfinished.splice(0).join("");
    this.unfinished.push(lines.pop() ?? "");
    for (const line of lines) this.waiting.shift()?.(line);
  }
}
