import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import * as L from "../../assembly/layout.ts";
import { isRefused, sourceOf } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { verdictOf } from "../../compiler/evaluate/outcome.ts";
import { environmentOf, type Outcome } from "../../compiler/evaluate/packet.ts";
import { checksumOf } from "../../compiler/formats/tables/bytes.ts";
import { decodeTable } from "../../compiler/formats/tables/decode.ts";
import { encodeTable } from "../../compiler/formats/tables/encode.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import { tabulate } from "../../compiler/tabulate/tabulate.ts";
import type { Tabulation } from "../../compiler/tabulate/types.ts";
import { TableAsked } from "../../runtime/classifier/engine.ts";
import { engineBytes } from "../../runtime/classifier/inline.ts";
import { Matcher } from "../../runtime/classifier/matcher.ts";
import { buildPacket } from "../../runtime/packet.ts";
import { TableError } from "../../runtime/table-error.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { packetsAtServices, packetsFor } from "../support/packets.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { anyPacket, numbersFrom, writeSlot } from "../support/slots.ts";
import { linesOf } from "../support/tabulation.ts";

let engine: WebAssembly.Module;

beforeAll(async () => {
  engine = await WebAssembly.compile(engineBytes());
});

/** The table of a cluster. Where two Services meet in one packet's way there may be none: not for other reasons, and seldom. */
function mustTabulate(world: ClusterInput): Tabulation {
  const { program, node } = mustCompile(world);
  const tabulated = tabulate(program, node.addresses);
  if ("tabulation" in tabulated) return tabulated.tabulation;
  for (const { message } of tabulated.unsupported) expect(KNOWN_LIMITS).toContain(message);
  fc.pre(false);
  throw new Error("not reached");
}

const KNOWN_LIMITS = [
  "more than four lists of endpoints at one destination",
  "two timeouts of session affinity at one destination",
  "two sets of sources that are asked about at any destination",
].map((reason) => `a classifier table cannot hold this: ${reason}`);

/** An outcome without the rules that led to it; who is not delivered has no source that anybody sees. */
function summary({ verdict, rejectWith, endpoints, sticky, results }: Outcome): unknown {
  return {
    verdict,
    rejectWith,
    endpoints: endpoints.map(
      ({ address, port, probability, masquerade }) =>
        `${printAddressPort(address, port)} ${masquerade} ${probability.toFixed(6)}`,
    ),
    sticky,
    others: [
      ...new Set(
        results.map((result) =>
          isRefused(result.disposition) ? verdictOf(result) : sourceOf(result.disposition).kind !== "kept",
        ),
      ),
    ].sort(),
  };
}

test("the classifier does to every packet what the rules do", () => {
  fc.assert(
    fc.property(cluster, fc.nat({ max: 16 }), (world, start) => {
      const { program, node } = mustCompile(world);
      const evaluator = new Evaluator(program);
      const environment = environmentOf(node.addresses);
      const asked = new TableAsked(encodeTable(mustTabulate(world), ""));
      for (const packet of [...packetsAtServices(world, start, 7), ...packetsFor(world, start, 170)]) {
        const [wanted, ...others] = evaluator.evaluateWhole(packet, environment);
        if (wanted === undefined || others.length > 0) throw new Error("one outcome is expected");
        expect({ packet, ...(summary(asked.outcome(packet)) as object) }).toEqual({
          packet,
          ...(summary(wanted) as object),
        });
      }
    }),
    { numRuns: runs(40) },
  );
});

test("a table that is read back says what was written", () => {
  fc.assert(
    fc.property(cluster, (world) => {
      const tabulation = mustTabulate(world);
      expect(linesOf(decodeTable(encodeTable(tabulation, "")))).toEqual(linesOf(tabulation));
    }),
    { numRuns: runs(30) },
  );
});

test("tables of the same objects in another order are the same", () => {
  fc.assert(
    fc.property(cluster, (world) => {
      const turned = { ...world, objects: [...world.objects].reverse() };
      expect(linesOf(mustTabulate(turned))).toEqual(linesOf(mustTabulate(world)));
    }),
    { numRuns: runs(30) },
  );
});

test("a batch has the results of its packets one by one", () => {
  fc.assert(
    fc.property(cluster, fc.nat({ max: 16 }), fc.integer(), (world, start, seed) => {
      const matcher = new Matcher(engine);
      matcher.load(encodeTable(mustTabulate(world), ""));
      const packets = [...packetsAtServices(world, start, 3), ...packetsFor(world, start, 60)];
      const pick = numbersFrom(seed);
      const count = 1 + pick(1500);
      const slots = matcher.packets;
      for (let i = 0; i < count; i++) writeSlot(slots, i, anyPacket(packets, pick));
      for (let interfaceClass = 0; interfaceClass < 4; interfaceClass++) {
        const circumstances = { interfaceClass, how: L.CHOOSE_FLOW };
        const together = matcher.classifyMany(count, circumstances).slice();
        expect([...together]).toEqual([...matcher.classifyEach(count, circumstances)]);
      }
    }),
    { numRuns: runs(60) },
  );
});

/** Bytes that look like packets as far as `parse` has to get through them. */
const packetBytes = fc
  .tuple(fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x41, 0x55), fc.uint8Array({ maxLength: 200 }))
  .map(([first, rest]) => Uint8Array.of(first, ...rest));

test("bytes of any kind are classified", () => {
  fc.assert(
    fc.property(cluster, fc.array(packetBytes, { minLength: 50, maxLength: 100 }), (world, packets) => {
      const matcher = new Matcher(engine);
      matcher.load(encodeTable(mustTabulate(world), ""));
      for (const packet of packets) {
        for (const how of [L.CHOOSE_FLOW, L.CHOOSE_RANDOM, L.CHOOSE_RENDEZVOUS]) {
          const { word, endpoint } = matcher.classify(
            packet,
            { interfaceClass: packet.length % 5, how },
            packet.length,
          );
          expect(endpoint === L.NO_ENDPOINT).toBe((word & L.VERDICT_MASK) !== L.VERDICT_DNAT);
        }
      }
    }),
    { numRuns: runs(40) },
  );
});

/** A table with some of its words replaced, and a checksum that does not give it away. */
function damaged(table: Uint8Array, changes: readonly (readonly [place: number, value: number])[]): Uint8Array {
  const copy = table.slice();
  const view = new DataView(copy.buffer);
  const words = Math.floor((view.getUint32(L.H_NAMES, true) - L.H_SEED) / 4);
  for (const [place, value] of changes) {
    // Half of the changes go to the header, which is where they hurt.
    const at = place % 2 === 0 ? L.H_SEED + ((place >>> 1) % 48) * 4 : L.H_SEED + ((place >>> 1) % words) * 4;
    view.setUint32(at, value, true);
  }
  view.setUint32(L.H_CHECKSUM, checksumOf(copy, L.H_SEED), true);
  return copy;
}

const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.integer({ min: 0, max: 4096 }),
  fc.constant(0xffffffff),
);
const changes = fc.array(fc.tuple(fc.nat(), word), { minLength: 1, maxLength: 3 });

/** The engine with tables at the very end of its memory: whatever leads out of one traps. */
class AtTheEdge {
  private readonly exports = new WebAssembly.Instance(engine).exports as unknown as {
    readonly memory: WebAssembly.Memory;
    readonly freeMemory: () => number;
    readonly load: (at: number, given: number) => number;
    readonly classify: (...numbers: number[]) => number;
    readonly classifyMany: (...numbers: number[]) => number;
  };

  /** Behind the engine's own data: a result, and packets. */
  private readonly resultAt = this.exports.freeMemory();
  private readonly packetsAt = this.resultAt + 128;

  /** Gives the number of what is wrong with the table, or 0. */
  load(table: Uint8Array): number {
    const { memory, load } = this.exports;
    const missing = this.packetsAt + ROOM + table.length - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    const at = memory.buffer.byteLength - table.length;
    new Uint8Array(memory.buffer).set(table, at);
    return load(at, table.length);
  }

  /** Sixteen packets at once. */
  classifyMany(packets: readonly Uint8Array[]): void {
    const slots = new Uint8Array(this.exports.memory.buffer, this.packetsAt, 16 * 64);
    for (let i = 0; i < 16; i++) writeSlot(slots, i, packets[i % packets.length] as Uint8Array);
    this.exports.classifyMany(this.packetsAt, 16, 1, L.CHOOSE_FLOW, 0, this.resultAt);
  }

  classify(packet: Uint8Array, how: number): number {
    const { packetsAt, resultAt } = this;
    new Uint8Array(this.exports.memory.buffer).set(packet, packetsAt);
    return this.exports.classify(packetsAt, packet.length, packet.length, 1, how, 0xffffffff, resultAt);
  }
}

/** Bytes for packets. */
const ROOM = 4096;

test("a damaged table is refused, or does not lead out of its memory", () => {
  const found = new Map<number, number>();
  fc.assert(
    fc.property(
      cluster,
      fc.array(changes, { minLength: 300, maxLength: 300 }),
      fc.nat({ max: 16 }),
      (world, all, start) => {
        const table = encodeTable(mustTabulate(world), "");
        const packets = Array.from(packetsAtServices(world, start, 40), buildPacket);
        const edge = new AtTheEdge();
        for (const each of all) {
          const problem = edge.load(damaged(table, each));
          found.set(problem, (found.get(problem) ?? 0) + 1);
          if (problem !== L.LOADED) continue;
          for (const packet of packets)
            for (const how of [L.CHOOSE_FLOW, L.CHOOSE_RANDOM, L.CHOOSE_RENDEZVOUS]) edge.classify(packet, how);
          for (let at = 0; at < packets.length; at += 16) edge.classifyMany(packets.slice(at, at + 16));
        }
      },
    ),
    { numRuns: runs(20) },
  );
  expect(found.get(L.LOADED)).toBeGreaterThan(runs(100));
  expect(found.get(L.OUT_OF_BOUNDS)).toBeGreaterThan(runs(100));
});

test("a table with any byte changed is refused", () => {
  const [world] = fc.sample(cluster, { numRuns: 1, seed: 4 }) as [ClusterInput];
  const table = encodeTable(mustTabulate(world), "");
  const matcher = new Matcher(engine);
  for (let at = 0; at < table.length; at += EVERYTHING ? 1 : 5) {
    const copy = table.slice();
    copy[at] = (copy[at] as number) ^ (1 << (at & 7));
    expect(() => matcher.load(copy), `byte ${at}`).toThrow(TableError);
  }
  for (let length = 0; length < table.length; length += EVERYTHING ? 7 : 35)
    expect(() => matcher.load(table.subarray(0, length)), `${length} bytes`).toThrow(TableError);
});
