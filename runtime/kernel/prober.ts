/** Asking the kernel: packets in, what comes out. */
import { spawnSync } from "node:child_process";
import type { Address } from "../../compiler/net/address.ts";
import { buildPacket, type NewFlow, type PacketHead, readAddress, readPacket, readTransport } from "../packet.ts";
import { type World, worldCommands } from "./world.ts";

/** A packet to be tried: where it enters (undefined: the node sends it), and what it is. */
export interface Probe {
  readonly inInterface: string | undefined;
  readonly flow: NewFlow;
}

/** Something that came out after a packet went in. */
export type Event =
  | { readonly kind: "out"; readonly device: string; readonly head: PacketHead }
  | { readonly kind: "local"; readonly head: PacketHead }
  /** Sending failed with this error number; 1 (EPERM) when a rule of the output hook kept the packet. */
  | { readonly kind: "error"; readonly number: number };

/** Flows between two rounds of forgetting all connections: their tuples must stay unique, and tables small. */
const FLUSH_EVERY = 10_000;

/** Builds `world` in a namespace of its own, runs `load` (shell commands) there, sends `probes` one after the other, and
 *  gives what came out after each. Throws when something cannot be set up or loaded: the message says what. */
export function probe(world: World, load: readonly string[], probes: readonly Probe[]): Event[][] {
  const setUp = [...worldCommands(world), ...load];
  const input = [
    ...setUp.map((command) => `system ${command}`),
    "drain",
    ...probes.flatMap(({ inInterface, flow }, i) => {
      const line = `send ${inInterface ?? "local"} ${Buffer.from(buildPacket(flow)).toString("hex")}`;
      return i > 0 && i % FLUSH_EVERY === 0 ? ["flush", line] : [line];
    }),
  ];
  const lines = run(world.interfaces, `${input.join("\n")}\n`);
  for (const [i, command] of setUp.entries()) {
    if (lines[i] !== "0") throw new Error(`${command}: ${(lines[i] ?? "no answer").replaceAll("\\n", "\n")}`);
  }
  const answers = lines.slice(setUp.length).filter((line) => line !== "ok");
  if (answers.length !== probes.length)
    throw new Error(`the prober gave ${answers.length} answers to ${probes.length} probes`);
  return answers.map((answer) => answer.split(" ").flatMap((text) => readEvent(text) ?? []));
}

function run(devices: readonly string[], input: string): string[] {
  const script = new URL("prober.pl", import.meta.url).pathname;
  const isRoot = process.getuid?.() === 0;
  const { status, stdout, stderr, error } = spawnSync("unshare", [isRoot ? "-n" : "-Urn", "perl", script, ...devices], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 30,
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
  });
  if (error !== undefined || status !== 0) throw new Error(`the prober failed: ${stderr || error?.message}`);
  return stdout.replace(/\n$/, "").split("\n");
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
