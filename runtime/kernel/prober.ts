/** A handle on the prober: a process in a network namespace of its own that hands packets to the kernel. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import {
  ICMPV6,
  ICMPV6_DISCOVERY_FIRST,
  ICMPV6_LISTENER_REPORT,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_SOURCE,
  IPV6_VERSION,
} from "../../assembly/headers.ts";
import { EngineTrouble } from "../../compiler/expectations/engines/types.ts";
import type { Address } from "../../compiler/net/address.ts";
import { buildPacket, type NewFlow, type PacketHead, readAddress, readPacket, readTransport } from "../packet.ts";
import { namespaceCommand, toolEnvironment } from "./namespace.ts";
import { howEnded } from "./process-end.ts";

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
export interface ProbeResult {
  readonly flow: NewFlow;
  readonly events: readonly Event[];
}

/** A packet that came out: on its way by a device, or delivered to the node. The kernel tells programs little of the headers
 *  of IPv6 packets: those of delivered ones are made anew, without extension headers. */
export interface Sighting {
  readonly kind: "out" | "local";
  readonly packet: Uint8Array;
}

/** A packet of a flood: it comes from outside the node. */
export interface FloodPacket {
  readonly inInterface: string;
  readonly flow: Probe["flow"];
}

/** What came of a flood of packets. */
export interface Flood {
  readonly sent: number;
  /** Packets that left with the destination that they had, and with another. The rest did not leave. */
  readonly untranslated: number;
  readonly translated: number;
  /** That sending took; 0 where perl has no finer clock. */
  readonly seconds: number;
  /** That sending all packets once took; one time alone was quicker. */
  readonly quickPass: number;
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
  /** Who waits for answers, in the order of the questions; those before `answered` have theirs. */
  private waiting: ((line: string | undefined) => void)[] = [];
  private answered = 0;
  private readonly complaints: string[] = [];
  private readonly outgoing: string[] = [];
  private rest = "";
  private nextPort = FIRST_PORT;
  private connections = 0;
  /** Packets sent so far. */
  sent = 0;

  /** Starts a prober with TUN devices of these names; `NAME=TYPE` for one whose packets have this Ethernet type. */
  constructor(devices: readonly string[]) {
    const script = new URL("prober.pl", import.meta.url).pathname;
    const [command, ...args] = namespaceCommand(["perl", script, ...devices]);
    this.child = spawn(command, args, { env: toolEnvironment() });
    this.child.stdout.setEncoding("latin1").on("data", (text: string) => this.hear(text));
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => this.complaints.push(text));
    this.child.stdin.on("error", () => undefined); // it has died; who waits for an answer is told
    this.child.on("error", ({ message }) => this.complaints.push(message));
    this.child.on("close", () => {
      while (this.answered < this.waiting.length) this.answer(undefined);
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
  async send(probes: readonly Probe[]): Promise<ProbeResult[][]> {
    const answers = probes.map(({ inInterface, flow, times }): Promise<ProbeResult[]>[] => {
      const parts: Promise<ProbeResult[]>[] = [];
      for (let left = times; left > 0; left -= MAX_PACKETS)
        parts.push(this.sendSome(inInterface, flow, Math.min(left, MAX_PACKETS)));
      return parts;
    });
    return Promise.all(answers.map(async (parts) => (await Promise.all(parts)).flat()));
  }

  private async sendSome(inInterface: string | undefined, flow: Probe["flow"], times: number): Promise<ProbeResult[]> {
    if (this.connections + times > MAX_CONNECTIONS || this.nextPort + times > LAST_PORT) void this.forget();
    this.connections += times;
    this.sent += times;
    const flows = Array.from({ length: times }, (): NewFlow => ({ ...flow, sourcePort: this.nextPort++ }));
    const packets = flows.map((each) => Buffer.from(buildPacket(each)).toString("hex"));
    const answer = await this.ask(`send ${inInterface ?? "local"} ${packets.join(" ")}`);
    const texts = answer.split(";");
    return flows.map((each, i): ProbeResult => {
      const events = (texts[i] ?? "").split(" ").flatMap((text) => readEvent(text) ?? []);
      return { flow: each, events };
    });
  }

  /** Hands packets to the kernel as they are, one after the other: what came out after each, byte for byte. They come in by a
   *  device; nothing keeps them from meeting the connections of others. */
  async sendBytes(inInterface: string, packets: readonly Uint8Array[]): Promise<Sighting[][]> {
    this.sent += packets.length;
    const hex = packets.map((packet) => Buffer.from(packet).toString("hex"));
    const answer = await this.ask(`send ${inInterface} ${hex.join(" ")}`);
    const texts = answer.split(";");
    return packets.map((_, i) => (texts[i] ?? "").split(" ").flatMap((text) => readSighting(text) ?? []));
  }

  /** Sends `packets`, TCP and UDP, `count` times, each round from another source port. */
  async flood(count: number, packets: readonly FloodPacket[]): Promise<Flood> {
    return readFlood(await this.ask(`flood ${count} ${printPackets(packets)}`));
  }

  /** Sends `packets` until the function that it gives is called. Until then only `run` is answered as usual. */
  async startFlood(packets: readonly FloodPacket[]): Promise<() => Promise<Flood>> {
    await this.ask(`start ${printPackets(packets)}`);
    return async () => readFlood(await this.ask("stop"));
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
      this.flush();
      this.child.stdin.end();
    });
  }

  private ask(line: string, input?: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (): void =>
        reject(new EngineTrouble(`the process in the namespace has ended: ${howEnded(this.child, this.complaints)}`));
      if (this.child.exitCode !== null || this.child.signalCode !== null) return fail();
      this.waiting.push((answer) => (answer === undefined ? fail() : resolve(answer)));
      this.outgoing.push(`${line}\n`);
      if (input !== undefined) {
        this.flush();
        this.child.stdin.write(input);
      } else if (this.outgoing.length === 1) {
        queueMicrotask(() => this.flush()); // a write for every line costs more than the kernel takes for a packet
      }
    });
  }

  private flush(): void {
    if (this.outgoing.length > 0) this.child.stdin.write(this.outgoing.splice(0).join(""));
  }

  private hear(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.answer(line);
  }

  private answer(line: string | undefined): void {
    const next = this.waiting[this.answered++];
    if (this.answered >= this.waiting.length) {
      this.waiting = [];
      this.answered = 0;
    }
    next?.(line);
  }
}

function printPackets(packets: readonly FloodPacket[]): string {
  return packets
    .map(({ inInterface, flow }) => {
      const bytes = buildPacket({ ...flow, sourcePort: 1 });
      return `${inInterface}:${Buffer.from(bytes).toString("hex")}`;
    })
    .join(" ");
}

function readFlood(answer: string): Flood {
  const [sent = 0, untranslated = 0, translated = 0, seconds = 0, quickPass = 0] = answer.split(" ").map(Number);
  return { sent, untranslated, translated, seconds, quickPass };
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
      // The prober tells of other events as well.
      return undefined;
  }
}

function readSighting(text: string): Sighting | undefined {
  const [kind, ...rest] = text.split(":");
  const parts = rest.map((part) => Buffer.from(part, "hex"));
  switch (kind) {
    case "out":
      return { kind, packet: parts[1] as Buffer };
    case "local":
      return { kind, packet: parts[0] as Buffer };
    case "local6": {
      const [, source, destination, body] = parts as [Buffer, Buffer, Buffer, Buffer];
      const header = Buffer.alloc(IPV6_SOURCE);
      header[0] = IPV6_VERSION;
      header.writeUInt16BE(body.length, IPV6_PAYLOAD_LENGTH);
      header[IPV6_NEXT_HEADER] = Number(rest[0]);
      return { kind: "local", packet: Buffer.concat([header, source, destination, body]) };
    }
    default:
      // The prober tells of other events as well.
      return undefined;
  }
}

function address(hex: string): Address {
  return readAddress(Buffer.from(hex, "hex"), 0, hex.length / 2);
}

function isChatter({ destination, icmp, protocol }: PacketHead): boolean {
  if (typeof destination === "number" ? destination >>> 28 === 14 : destination >> 120n === 0xffn) return true;
  return (
    protocol === ICMPV6 &&
    icmp !== undefined &&
    icmp.type >= ICMPV6_DISCOVERY_FIRST &&
    icmp.type <= ICMPV6_LISTENER_REPORT
  );
}
