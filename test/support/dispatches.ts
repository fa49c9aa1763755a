/** Rules that are led to by what they ask for do the same as one after the other: to all packets at once, and to single ones. They take
 *  fewer steps. */
import { describe, expect, test } from "vitest";
import { PacketSpace } from "../../compiler/compare/packet-space.ts";
import { packetAt, type TrafficKind } from "../../compiler/compare/traffic-kinds.ts";
import { PLAIN } from "../../compiler/evaluate/chain.ts";
import { dispositionKey, withDestination } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type PathStep, type Result } from "../../compiler/evaluate/packet.ts";
import type { RegionResult } from "../../compiler/evaluate/result.ts";
import type { Address } from "../../compiler/net/address.ts";
import { FIELDS, type PacketField } from "../../compiler/packets/packet-set.ts";
import type { Cut } from "../../compiler/packets/ranges.ts";
import { mustReadNft } from "./read.ts";
import { address } from "./service-port.ts";

type Point = Readonly<Record<PacketField, Cut>>;

const NODE = environmentOf([address("192.0.2.1")]);

/** `rule` for each of `numbers`, with the number in the place of `#`. */
export function each(numbers: readonly number[], rule: string): string {
  return numbers.map((i) => rule.replaceAll("#", String(i))).join("; ");
}

export const SIX = [1, 2, 3, 4, 5, 6];

/** By source, then by destination: chains of six rules each. */
export const TREE = SIX.map((i) => `chain t${i} { ${each(SIX, `ip saddr 10.${i}.0.# drop`)}; }`).join(" ");

/** Rules of a chain at forward; other chains. `steps`: how many all packets take: fewer than one for each rule where they are led to what
 *  they ask for. `regions`: how many parts of them there are at the end: few where ways meet again. */
export type DispatchRow = readonly [what: string, rules: string, others: string, steps: number, regions: number];

const KINDS: readonly number[] = [6, 1];

/** Tests of each row. */
export function dispatches(rows: readonly DispatchRow[]): void {
  describe.each(rows)("%s", (_, rules, others, steps, regions) => {
    const program = mustReadNft(`table ip t { ${others} chain c { type filter hook forward priority 0; ${rules}; } }`);
    const [dispatched, plain] = [new Evaluator(program), new Evaluator(program, PLAIN)];

    test("all packets at once, and single ones", () => {
      const space = new PacketSpace([program], { families: ["IPv4"], firstOnly: true });
      const taken: [steps: number, regions: number] = [0, 0];
      const different: unknown[] = [];
      let tried = 0;
      for (const protocol of KINDS) {
        const kind = space.trafficKinds.find((each) => each.inInterface !== undefined && each.protocol === protocol);
        for (const packets of space.packetsBy(kind as TrafficKind)) {
          const spend = (more: number): void => {
            taken[0] += more;
          };
          const together = dispatched.follow(packets, { ...NODE, spend });
          taken[1] += together.length;
          const apart = plain.follow(packets, NODE);
          const points = new Map([...together, ...apart].flatMap(cornersOf).map((at) => [keyOf(at), at]));
          for (const at of points.values()) {
            const packet = packetAt(kind as TrafficKind, at);
            const [one = [], wanted = []] = [dispatched, plain].map((by) =>
              by.evaluateWhole(packet, NODE).flatMap(({ results }) => results),
            );
            const fates = [fateOf(wanted), fateOf(one), fateAt(together, at), fateAt(apart, at)];
            const ways = [waysOf(wanted), waysOf(one)];
            if (new Set(fates).size > 1 || new Set(ways).size > 1) different.push({ packet, fates, ways });
            tried++;
          }
        }
      }
      expect(different).toEqual([]);
      expect(tried).toBeGreaterThan(5);
      expect(taken).toEqual([steps, regions]);
    });
  });
}

/** The packets of a region with the least value in each field, and with the greatest. */
function cornersOf({ region }: RegionResult): Point[] {
  const corner = (pick: (cuts: readonly Cut[]) => Cut): Point =>
    Object.fromEntries(FIELDS.map((field) => [field, pick(region[field].cuts)])) as Point;
  return [corner((cuts) => cuts[0] as Cut), corner((cuts) => Number(cuts.at(-1)) - 1)];
}

function keyOf(at: Point): string {
  return FIELDS.map((field) => at[field]).join();
}

/** The rules that decided about a packet, and the policies, with their probabilities: a jump to where nothing is done need not be told,
 *  nor what was written on one of two ways. */
function waysOf(results: readonly Result[]): string {
  return total(results.map(({ path, probability }) => [path.flatMap(nameOf).join(), probability]));
}

function nameOf(step: PathStep): string[] {
  if (step.kind === "policy") return [step.base.name];
  if (step.kind === "missed" || step.effect.kind === "write") return [];
  return step.effect.kind === "verdict" && "chain" in step.effect.verdict
    ? []
    : [`${step.chain} ${JSON.stringify(step.rule.origin)}`];
}

function fateOf(results: readonly Result[]): string {
  return total(results.map(({ disposition, probability }) => [dispositionKey(disposition), probability]));
}

/** With which probability what happens to a packet. */
function fateAt(results: readonly RegionResult[], at: Point): string {
  const own = results.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  return total(
    own.map(({ disposition, probability }) => {
      const there = withDestination(disposition, ({ address, port }) => ({
        address: (typeof address === "string" ? at[address] : address) as Address,
        port: Number(typeof port === "string" ? at[port] : port),
      }));
      return [dispositionKey(there), probability];
    }),
  );
}

function total(parts: readonly (readonly [key: string, probability: number])[]): string {
  const sums = new Map<string, number>();
  for (const [key, probability] of parts) sums.set(key, (sums.get(key) ?? 0) + probability);
  return [...sums]
    .map(([key, probability]) => `${key} ${probability.toFixed(6)}`)
    .sort()
    .join(" or ");
}
