/** A handle on the prober: a process in a network namespace of its own that hands packets to the kernel. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { EngineTrouble } from "../../compiler/engines/types.ts";
import type { Address } from "../../compiler/net/address.ts";
import { buildPacket, type NewFlow, type PacketHead, readAddress, readPacket, readTransport } from "../packet.ts";
import { namespaceCommand, TOOL_ENVIRONMENT } from "./namespace.ts";

/** A packet to be tried: where it enters (undefined: the node sends it), and what it is. */
export interface Probe {
  readonly inInterface: string | undefined;
  readonly flow: Omit<NewFlow, "sourcePort">;
  /** How often it is sent, each time from another source port. */
  readonly times: number;
}

/** Something that came out after a packet went in. */
export type Event =
  | { readonly kind: "out"; readonly device: string; readonly head: PacketHead }
  | { readonly kind: "local"; readonly head: PacketHead }
  /** Sending failed with this error number; 1 (EPERM) when a rule of the output hook kept the packet. */
  | { readonly kind: "error"; readonly number: number };

/** One sending of a probe. */
export interface Answer {
  readonly flow: NewFlow;
  readonly events: readonly Event[];
}

/** What came of a flood of packets. */
export interface Flood {
  /** Packets that came out where they were sent to, and elsewhere. */
  readonly untranslated: number;
  readonly translated: number;
  /** That sending took; 0 where perl has no finer clock. */
  readonly seconds: number;
}

/** Source ports are never used twice between two rounds of forgetting all connections. */
const FIRST_PORT = 1024;
const LAST_PORT = 61_000;
/** Connections that the kernel is left with before it is made to forget them. */
const MAX_CONNECTIONS = 20_000;
/** Packets in one command. */
const MAX_PACKETS = 64;

/** A running prober. Calls are answered in their order. Close it: its namespace lives as long as the process. */
export class Prober {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting: ((line: string | undefined) => void)[] = [];
  private readonly complaints: string[] = [];
  private rest = "";
  private nextPort = FIRST_PORT;
  private connections = 0;
  /** Packets sent so far. */
  sent = 0;

  /** Starts a prober with TUN devices of these names. */
  constructor(devices: readonly string[]) {
    const script = new URL("prober.pl", import.meta.url).pathname;
    const [command, ...args] = namespaceCommand(["perl", script, ...devices]);
    this.child = spawn(command, args, { env: TOOL_ENVIRONMENT });
    this.child.stdout.setEncoding("latin1").on("data", (text: string) => this.hear(text));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.complaints.push(text));
    this.child.stdin.on("error", () => undefined); // it has died; who waits for an answer is told
    this.child.on("error", ({ message }) => this.complaints.push(message));
    this.child.on("close", () => {
      for (const answer of this.waiting.splice(0)) answer(undefined);
    });
  }

  /** Runs a shell command in the namespace, with `input` on its standard input, and gives what it prints. Throws what it
   *  says when it fails. */
  async run(command: string, input = ""): Promise<string> {
    const bytes = Buffer.from(input);
    const answer = this.ask(`run ${bytes.length} ${command}`, bytes);
    const [, code = "", text = ""] = /^(\d+) (.*)$/s.exec(await answer) ?? [];
    const said = text.replaceAll(/\\(n|\\)/g, (_, char: string) => (char === "n" ? "\n" : "\\"));
    if (code !== "0") throw new EngineTrouble(`${command}: ${said.trimEnd()}`);
    return said;
  }

  /** Sends each probe as often as it says, one packet after the other: what came out, in the same order. */
  async send(probes: readonly Probe[]): Promise<Answer[][]> {
    const answers = probes.map(({ inInterface, flow, times }): Promise<Answer[]>[] => {
      const parts: Promise<Answer[]>[] = [];
      for (let left = times; left > 0; left -= MAX_PACKETS)
        parts.push(this.sendSome(inInterface, flow, Math.min(left, MAX_PACKETS)));
      return parts;
    });
    return Promise.all(answers.map(async (parts) => (await Promise.all(parts)).flat()));
  }

  private async sendSome(inInterface: string | undefined, flow: Probe["flow"], times: number): Promise<Answer[]> {
    if (this.connections + times > MAX_CONNECTIONS || this.nextPort + times > LAST_PORT) void this.forget();
    this.connections += times;
    this.sent += times;
    const flows = Array.from({ length: times }, (): NewFlow => ({ ...flow, sourcePort: this.nextPort++ }));
    const packets = flows.map((each) => Buffer.from(buildPacket(each)).toString("hex"));
    const answer = await this.ask(`send ${inInterface ?? "local"} ${packets.join(" ")}`);
    const texts = answer.split(";");
    return flows.map((each, i): Answer => {
      const events = (texts[i] ?? "").split(" ").flatMap((text) => readEvent(text) ?? []);
      return { flow: each, events };
    });
  }

  /** Sends `flows` `count` times, each round from another source port: TCP and UDP. */
  async flood(inInterface: string, count: number, flows: readonly Probe["flow"][]): Promise<Flood> {
    const packets = flows.map((flow) => Buffer.from(buildPacket({ ...flow, sourcePort: 1 })).toString("hex"));
    const answer = await this.ask(`flood ${inInterface} ${count} ${packets.join(" ")}`);
    const [untranslated = 0, translated = 0, seconds = 0] = answer.split(" ").map(Number);
    return { untranslated, translated, seconds };
  }

  /** Makes the kernel forget all connections. */
  async forget(): Promise<void> {
    this.connections = 0;
    this.nextPort = FIRST_PORT;
    await this.ask("flush");
  }

  /** Forgets what has come out and was not asked for. */
  async drain(): Promise<void> {
    await this.ask("drain");
  }

  /** Ends the process, and with it the namespace. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve();
      this.child.on("close", () => resolve());
      this.child.stdin.end();
    });
  }

  private ask(line: string, input?: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (): void =>
        reject(new EngineTrouble(`the process in the namespace has ended: ${this.complaints.join("").trim()}`));
      if (this.child.exitCode !== null || this.child.signalCode !== null) return fail();
      this.waiting.push((answer) => (answer === undefined ? fail() : resolve(answer)));
      this.child.stdin.write(`${line}\n`);
      if (input !== undefined && input.length > 0) this.child.stdin.write(input);
    });
  }

  private hear(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.waiting.shift()?.(line);
  }
}

/** One word of an answer; undefined for the kernel's own chatter: multicast, neighbour discovery. */
function readEvent(text: string): Event | undefined {
  const [kind, ...rest] = text.split(":");
  switch (kind) {
    case "out": {
      const [device = "", hex = ""] = rest;
      const head = readPacket(Buffer.from(hex, "hex"));
      return head === undefined || isChatter(head) ? undefined : { kind, device, head };
    }
    case "local": {
      const head = readPacket(Buffer.from(rest[0] ?? "", "hex"));
      return head === undefined || isChatter(head) ? undefined : { kind, head };
    }
    case "local6": {
      const [protocol = "", source = "", destination = "", hex = ""] = rest;
      const head = readTransport(Buffer.from(hex, "hex"), Number(protocol), address(source), address(destination));
      return head === undefined || isChatter(head) ? undefined : { kind: "local", head };
    }
    case "error":
      return { kind, number: Number(rest[0]) };
    default:
      return undefined;
  }
}

function address(hex: string): Address {
  return readAddress(Buffer.from(hex, "hex"), 0, hex.length / 2);
}

function isChatter({ destination, icmp, protocol }: PacketHead): boolean {
  if (typeof destination === "number" ? destination >>> 28 === 14 : destination >> 120n === 0xffn) return true;
  return protocol === 58 && icmp !== undefined && icmp.type >= 130 && icmp.type <= 143;
}
