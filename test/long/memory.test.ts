/** What rules remember: packet after packet the kernel does what is said, when what is assumed of earlier packets is what these did. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress, printAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { type KernelRules, loadRules } from "../../runtime/kernel/rules.ts";
import { buildPacket, PROTOCOL, readPacket } from "../../runtime/packet.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { JUDGES, openTestNode } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { rememberingIptables, rememberingNft } from "../support/memories.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const LISTS = ["@d", "@e", "@R", "@S"];
const ENVIRONMENT = { ...environmentOf(NODE_IPS.map(address)), watched: new Set(LISTS) };

const PACKETS: readonly Packet[] = ["203.0.113.5", "203.0.113.6"].flatMap((source) =>
  ["198.51.100.7", "198.51.100.8"].flatMap((destination) =>
    [53, 80].map((destinationPort) => ({
      ...{ protocol: PROTOCOL.udp, destinationPort, sourcePort: 40000, inInterface: "eth0", mark: 0 },
      source: address(source),
      destination: address(destination),
    })),
  ),
);

async function fateOf(prober: Prober, { inInterface = "", ...packet }: Packet): Promise<string> {
  const [seen = []] = await prober.sendBytes(inInterface, [buildPacket({ ...packet, protocol: PROTOCOL.udp })]);
  const heads = seen.flatMap(({ packet: bytes }) => readPacket(bytes) ?? []);
  if (heads.some(({ icmp }) => icmp?.type === 3)) return "reject";
  return heads.some(({ protocol }) => protocol === PROTOCOL.udp) ? "goes on" : "drop";
}

/** What lists hold that was not in the text, and what is not there any more that was. */
class Memory {
  private readonly there = new Map<string, boolean>();

  /** Whether an assumption is true; undefined: it cannot be told. */
  isTrue(text: string, packet: Packet): boolean | undefined {
    const [, kind, key, list] = /^(remembered earlier|not forgotten): (ip [sd]addr) in (@\w+)$/.exec(text) ?? [];
    if (key === undefined) return undefined;
    return this.there.get(nameOf(key, list ?? "", packet)) ?? kind === "not forgotten";
  }

  note(text: string, packet: Packet): void {
    const [, verb, key, list] = /^(add|update|delete) (ip [sd]addr) in (@\w+)$/.exec(text) ?? [];
    if (key === undefined) throw new Error(`${text} is not what was done to a list`);
    this.there.set(nameOf(key, list ?? "", packet), verb !== "delete");
  }
}

function nameOf(key: string, list: string, { source, destination }: Packet): string {
  return `${list} ${printAddress(key === "ip saddr" ? source : destination)}`;
}

function isPossible({ assumptions }: Outcome, packet: Packet, memory: Memory): boolean {
  return assumptions.every(({ text, holds }) => (memory.isTrue(text, packet) ?? holds) === holds);
}

/** How many packets had one fate only that was said to be possible. */
async function follow(prober: Prober, rules: KernelRules, program: Program, order: readonly number[]): Promise<number> {
  await loadRules(prober, rules);
  const evaluator = new Evaluator(program);
  const memory = new Memory();
  let certain = 0;
  for (const number of order) {
    const packet = PACKETS[number % PACKETS.length] as Packet;
    const possible = evaluator.evaluateWhole(packet, ENVIRONMENT).filter((each) => isPossible(each, packet, memory));
    const said = possible.map(({ verdict }) => (verdict === "drop" || verdict === "reject" ? verdict : "goes on"));
    const seen = await fateOf(prober, packet);
    expect(said).toContain(seen);
    if (new Set(said).size === 1) certain++;
    const done = new Set(
      possible
        .filter((_, i) => said[i] === seen)
        .map(({ results }) => (results[0]?.disposition.lists ?? []).join("\n")),
    );
    const [only = "", more] = done;
    if (more !== undefined) return certain; // it is not known what is remembered now
    for (const text of only.split("\n")) if (text !== "") memory.note(text, packet);
  }
  return certain;
}

describe.skipIf(kernelMissing !== undefined)("the kernel remembers what is said", () => {
  test.each(JUDGES)("%s", async (judge) => {
    const prober = await openTestNode();
    let certain = 0;
    const isNft = judge === "kernel-nft";
    const backend = judge === "kernel-iptables-nft" ? "nft" : "legacy";
    const order = fc.array(fc.nat(PACKETS.length - 1), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(isNft ? rememberingNft : rememberingIptables, order, async (text, numbers) => {
        const rules: KernelRules = isNft ? { kind: "nft", text } : { kind: "iptables", backend, ip: text, ip6: "" };
        const program = isNft ? mustReadNft(text) : mustReadIptables(text, "ip");
        certain += await follow(prober, rules, program, numbers);
      }),
      { numRuns: 25 },
    );
    expect(certain).toBeGreaterThan(80);
    await prober.close();
  });
});
