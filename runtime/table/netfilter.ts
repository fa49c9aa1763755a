/** The helper that holds netfilter's netlink socket: requests to it, the kernel's answers back. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { getSystemErrorMap } from "node:util";
import { toolEnvironment } from "../kernel/namespace.ts";
import { howEnded } from "../kernel/process-end.ts";

/** The kernel refused what it was asked, or nobody is there to ask it. */
export class NetfilterTrouble extends Error {
  /** The number of the kernel's error; undefined: it was not asked. */
  readonly errno: number | undefined;

  constructor(message: string, errno?: number) {
    super(message);
    this.errno = errno;
  }
}

/** What a commit was about. */
export interface HeardCommit {
  /** The commit's number; 0: it was lost. */
  readonly id: number;
  readonly chains: readonly HeardChain[];
}

export interface HeardChain {
  /** A number of the kernel. */
  readonly family: number;
  readonly table: string;
  /** "": the table itself. */
  readonly chain: string;
}

export interface HeardCommits {
  /** False: the kernel told more than there was room for, or it was not listened to before. */
  readonly isComplete: boolean;
  readonly commits: readonly HeardCommit[];
}

function heardChain(line: string): HeardChain {
  const [family, table = "", chain = ""] = line.split(" ");
  return { family: Number(family), table, chain };
}

interface Waiting {
  readonly part: (bytes: Buffer) => void;
  readonly end: (error: NetfilterTrouble | undefined) => void;
}

/** Netlink of the network namespace that this process, or the helper's, is in. Requests are answered in their order. */
export class Netfilter {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting: Waiting[] = [];
  private readonly complaints: string[] = [];
  private received: Buffer = Buffer.alloc(0);
  private hasEnded = false;

  /** `wrapper`: a command that runs the helper elsewhere, as `nsenter`. */
  constructor(wrapper: readonly string[] = []) {
    const [program = "perl", ...args] = [...wrapper, "perl", HELPER];
    this.child = spawn(program, args, { env: toolEnvironment() });
    this.child.stdout.on("data", (bytes: Buffer) => this.hear(bytes));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.complaints.push(text));
    this.child.stdin.on("error", () => undefined); // it has died; who waits for an answer is told
    this.child.on("error", ({ message }) => this.complaints.push(message));
    this.child.on("close", () => {
      this.hasEnded = true;
      for (const { end } of this.waiting.splice(0)) end(this.trouble());
    });
  }

  /** The helper's process; undefined: it could not be started. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Sends a message that asks for a dump or an acknowledgement; `part` is given the messages that answer it, as they come. Throws
   *  `NetfilterTrouble`. */
  async ask(message: Buffer, part: (messages: Buffer) => void = () => undefined): Promise<void> {
    await this.send("n", message, part);
  }

  /** Sends a batch: one transaction, all of it or nothing. Gives the number of the first error; 0: it is done. Throws `NetfilterTrouble` where
   *  the helper has ended: then nobody knows. */
  async commit(batch: Buffer): Promise<number> {
    try {
      await this.send("b", batch, () => undefined);
      return 0;
    } catch (error) {
      if (error instanceof NetfilterTrouble && error.errno !== undefined) return error.errno;
      throw error;
    }
  }

  /** Holds `name`, which one process of the network namespace can, until this is closed. Undefined: it is held; else the process that
   *  has it (0: unknown). */
  async hold(name: string): Promise<number | undefined> {
    let holder: number | undefined;
    await this.send("l", Buffer.from(name), (bytes) => {
      holder = Number(bytes.toString());
    });
    return holder;
  }

  /** What commits to nf_tables were about since this was asked last, as far as messages of the kernel about them have `word` in them. "": they are not
   *  listened to until this is asked again. Throws `NetfilterTrouble`. */
  async commitsAbout(word: string): Promise<HeardCommits> {
    const commits: HeardCommit[] = [];
    try {
      await this.send("e", Buffer.from(word), (bytes) => {
        const chains = bytes.toString("latin1", 4).split("\n").map(heardChain);
        commits.push({ id: bytes.readUInt32LE(), chains });
      });
      return { isComplete: true, commits };
    } catch (error) {
      if (error instanceof NetfilterTrouble && error.errno === NO_BUFFERS) return { isComplete: false, commits };
      throw error;
    }
  }

  /** What the kernel has of tables of iptables-legacy in front of their rules: how many these are, and how long; "": there is no such table. `tables`: as
   *  `ip nat`. Undefined: the helper cannot ask here. Throws `NetfilterTrouble`. */
  async legacySizes(tables: readonly string[]): Promise<readonly string[] | undefined> {
    const sizes: string[] = [];
    try {
      await this.send("i", Buffer.from(tables.join(" ")), (bytes) => void sizes.push(bytes.toString("latin1").trim()));
      return sizes;
    } catch (error) {
      if (error instanceof NetfilterTrouble && error.errno === NO_SUCH_CALL) return undefined;
      throw error;
    }
  }

  /** Is told when the helper has ended. */
  onClose(told: () => void): void {
    this.child.on("close", told);
  }

  /** Ends the helper, which lets go of what it holds. */
  close(): void {
    this.child.stdin.end();
    this.child.kill("SIGKILL");
  }

  private send(kind: string, text: Buffer, part: Waiting["part"]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.hasEnded) return reject(this.trouble());
      this.waiting.push({ part, end: (error) => (error === undefined ? resolve() : reject(error)) });
      const head = Buffer.alloc(5);
      head.writeUInt32LE(text.length + 1);
      head.write(kind, 4);
      this.child.stdin.write(Buffer.concat([head, text]));
    });
  }

  private trouble(): NetfilterTrouble {
    return new NetfilterTrouble(`the process that asks netfilter has ended: ${howEnded(this.child, this.complaints)}`);
  }

  private hear(bytes: Buffer): void {
    const all = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    let at = 0;
    while (at + 4 <= all.length) {
      const length = all.readUInt32LE(at);
      const end = at + 4 + (length === 0 ? 4 : length);
      if (end > all.length) break;
      if (length > 0) this.waiting[0]?.part(all.subarray(at + 4, end));
      else this.finish(all.readUInt32LE(at + 4));
      at = end;
    }
    this.received = all.subarray(at);
  }

  private finish(errno: number): void {
    const error = errno === 0 ? undefined : new NetfilterTrouble(`netfilter refuses: ${wordsOf(errno)}`, errno);
    this.waiting.shift()?.end(error);
  }
}

/** Who passes messages on to nf_tables, and batches of them. */
export type NetlinkPort = Pick<Netfilter, "ask" | "commit">;

/** `operation not permitted (it takes root, in this network namespace)`. */
export function wordsOf(errno: number): string {
  const words = getSystemErrorMap().get(-errno)?.[1] ?? `error ${errno}`;
  return errno === NOT_PERMITTED ? `${words} (it takes root, in this network namespace)` : words;
}

/** EPERM. */
export const NOT_PERMITTED = 1;
const NO_SUCH_CALL = 38;
const NO_BUFFERS = 105;

const HELPER = fileURLToPath(new URL("netfilter.pl", import.meta.url));

/** The command that waits until nobody holds `name`, and then runs `command`, which holds it until it ends. */
export function holding(name: string, command: readonly string[]): string[] {
  return ["perl", HELPER, "run", name, ...command];
}
