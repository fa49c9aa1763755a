/** Evaluating all packets of a kind of traffic at once, held against evaluating them one by one, rule by rule. */
import { expect } from "vitest";
import { findDifference } from "../../compiler/compare/outcomes.ts";
import { PacketSpace } from "../../compiler/compare/packet-space.ts";
import { packetAt } from "../../compiler/compare/traffic-kinds.ts";
import { PLAIN } from "../../compiler/evaluate/chain.ts";
import { withDestination } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { outcomeOf } from "../../compiler/evaluate/outcome.ts";
import { environmentOf, type Outcome, type Packets, type Result } from "../../compiler/evaluate/packet.ts";
import type { RegionResult } from "../../compiler/evaluate/result.ts";
import { ALWAYS, both, isPossible, not } from "../../compiler/evaluate/unknown/condition.ts";
import { worldsOf } from "../../compiler/evaluate/unknown/worlds.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { Unsupported } from "../../compiler/ir/unsupported.ts";
import { type Address, FAMILIES } from "../../compiler/net/address.ts";
import { FIELDS, type PacketField } from "../../compiler/packets/packet-set.ts";
import type { Cut } from "../../compiler/packets/ranges.ts";

type Pick = (below: number) => number;
type Point = Readonly<Record<PacketField, Cut>>;

/** Dumps of dense firewalls have more classes of packets than a test has time for. */
const MOST_STEPS = 20_000;
/** Of those of a host with many interfaces, some. */
const MOST_DOORS = 60;

class TooMany extends Error {}

/** What happens to all of `packets`; undefined: they are not to be told apart, or there are too many classes. */
export function follow(
  evaluator: Evaluator,
  packets: Packets,
  addresses: readonly Address[],
): RegionResult[] | undefined {
  let steps = 0;
  const spend = (more: number): void => {
    steps += more;
    if (steps > MOST_STEPS) throw new TooMany();
  };
  try {
    return evaluator.follow(packets, { ...environmentOf(addresses), spend });
  } catch (error) {
    if (error instanceof TooMany || error instanceof Unsupported) return undefined;
    throw error;
  }
}

/** One of `packets` that has in each field the value at a border of one of the regions of `fates`, or the one before. */
function pointAmong({ region }: Packets, endpointTreatments: readonly RegionResult[], pick: Pick): Point {
  const values = FIELDS.map((field): [PacketField, Cut] => {
    const { cuts } = (endpointTreatments[pick(endpointTreatments.length)] as RegionResult).region[field];
    const cut = cuts[pick(cuts.length)] as Cut;
    const before = typeof cut === "bigint" ? cut - 1n : cut - 1;
    const inDoor = [cut, before].filter((value) => region[field].has(value));
    return [field, inDoor[pick(inDoor.length)] as Cut];
  });
  return Object.fromEntries(values) as Point;
}

/** What `fates` say of one packet, in the words of `evaluate`. */
function outcomesAt(endpointTreatments: readonly RegionResult[], at: Point): Outcome[] {
  const own = endpointTreatments.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  const weighed = own.map((endpointTreatment) => ({
    condition: endpointTreatment.condition,
    weight: endpointTreatment.probability,
    endpointTreatment,
  }));
  return worldsOf(weighed).map(({ condition, parts }) => {
    const together = parts.map(({ endpointTreatment }) => endpointTreatment);
    const total = together.reduce((sum, { probability }) => sum + probability, 0);
    const results = together.map(
      ({ disposition, probability }): Result => ({
        probability: probability / total,
        disposition: withDestination(disposition, ({ address, port }) => ({
          address: (typeof address === "string" ? at[address] : address) as Address,
          port: Number(typeof port === "string" ? at[port] : port),
        })),
        reasons: [],
        path: [],
      }),
    );
    return outcomeOf(results, condition);
  });
}

/** Whether something happens to a packet for certain, in each of the ways in which what is not known can be. */
function isWhole(endpointTreatments: readonly RegionResult[], at: Point): boolean {
  const own = endpointTreatments.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  const worlds = worldsOf(own.map(({ condition, probability: weight }) => ({ condition, weight })));
  const isAny = worlds.reduce((all, { condition }) => both(all, not(condition)), ALWAYS);
  return (
    !isPossible(isAny) &&
    worlds.every(({ parts }) => Math.abs(parts.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-9)
  );
}

/** Asks about some packets of each kind of traffic of `program` both ways. How many packets were tried. */
export function checkFollow(program: Program, addresses: readonly Address[], pick: Pick, perDoor: number): number {
  const evaluator = new Evaluator(program);
  const plain = new Evaluator(program, PLAIN);
  let tried = 0;
  const space = new PacketSpace([program], { families: FAMILIES });
  const step = Math.ceil(space.trafficKinds.length / MOST_DOORS);
  const some = space.trafficKinds.filter((_, i) => i % step === 0);
  for (const { trafficKind, packets } of some.flatMap((each) =>
    space.packetsBy(each).map((packets) => ({ trafficKind: each, packets })),
  )) {
    const endpointTreatments = follow(evaluator, packets, addresses);
    if (endpointTreatments === undefined) continue;
    for (let i = 0; i < perDoor; i++) {
      const at = pointAmong(packets, endpointTreatments, pick);
      const alone = plain.evaluateWhole(packetAt(trafficKind, at), environmentOf(addresses));
      const together = outcomesAt(endpointTreatments, at);
      expect({
        trafficKind,
        at,
        isWhole: isWhole(endpointTreatments, at),
        difference: findDifference(alone, together),
      }).toEqual({
        trafficKind,
        at,
        isWhole: true,
        difference: undefined,
      });
      tried++;
    }
  }
  return tried;
}
