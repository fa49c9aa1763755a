/** Evaluating all packets of a door at once, held against evaluating them one by one, rule by rule. */
import { expect } from "vitest";
import { packetAt } from "../../compiler/compare/doors.ts";
import { Ground } from "../../compiler/compare/ground.ts";
import { findDifference } from "../../compiler/compare/outcomes.ts";
import { PLAIN } from "../../compiler/evaluate/chain.ts";
import { ALWAYS, both, isPossible, not } from "../../compiler/evaluate/condition.ts";
import { withDestination } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { outcomeOf } from "../../compiler/evaluate/outcome.ts";
import { environmentOf, type Outcome, type Packets, type Result } from "../../compiler/evaluate/packet.ts";
import type { Cut } from "../../compiler/evaluate/ranges.ts";
import { FIELDS, type Field } from "../../compiler/evaluate/region.ts";
import type { RegionResult } from "../../compiler/evaluate/result.ts";
import { worldsOf } from "../../compiler/evaluate/worlds.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { Unsupported } from "../../compiler/ir/unsupported.ts";
import { type Address, FAMILIES } from "../../compiler/net/address.ts";

type Pick = (below: number) => number;
type Point = Readonly<Record<Field, Cut>>;

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
function pointAmong({ region }: Packets, fates: readonly RegionResult[], pick: Pick): Point {
  const values = FIELDS.map((field): [Field, Cut] => {
    const { cuts } = (fates[pick(fates.length)] as RegionResult).region[field];
    const cut = cuts[pick(cuts.length)] as Cut;
    const before = typeof cut === "bigint" ? cut - 1n : cut - 1;
    const inDoor = [cut, before].filter((value) => region[field].has(value));
    return [field, inDoor[pick(inDoor.length)] as Cut];
  });
  return Object.fromEntries(values) as Point;
}

/** What `fates` say of one packet, in the words of `evaluate`. */
function outcomesAt(fates: readonly RegionResult[], at: Point): Outcome[] {
  const own = fates.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  const weighed = own.map((fate) => ({ condition: fate.condition, weight: fate.probability, fate }));
  return worldsOf(weighed).map(({ condition, parts }) => {
    const together = parts.map(({ fate }) => fate);
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
function isWhole(fates: readonly RegionResult[], at: Point): boolean {
  const own = fates.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  const worlds = worldsOf(own.map(({ condition, probability: weight }) => ({ condition, weight })));
  const isAny = worlds.reduce((all, { condition }) => both(all, not(condition)), ALWAYS);
  return (
    !isPossible(isAny) &&
    worlds.every(({ parts }) => Math.abs(parts.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-9)
  );
}

/** Asks about some packets of each door of `program` both ways. How many packets were tried. */
export function checkFollow(program: Program, addresses: readonly Address[], pick: Pick, perDoor: number): number {
  const evaluator = new Evaluator(program);
  const plain = new Evaluator(program, PLAIN);
  let tried = 0;
  const ground = new Ground([program], { families: FAMILIES });
  const step = Math.ceil(ground.doors.length / MOST_DOORS);
  const some = ground.doors.filter((_, i) => i % step === 0);
  for (const { door, packets } of some.flatMap((each) =>
    ground.packetsBy(each).map((packets) => ({ door: each, packets })),
  )) {
    const fates = follow(evaluator, packets, addresses);
    if (fates === undefined) continue;
    for (let i = 0; i < perDoor; i++) {
      const at = pointAmong(packets, fates, pick);
      const alone = plain.evaluateWhole(packetAt(door, at), environmentOf(addresses));
      const together = outcomesAt(fates, at);
      expect({ door, at, isWhole: isWhole(fates, at), difference: findDifference(alone, together) }).toEqual({
        door,
        at,
        isWhole: true,
        difference: undefined,
      });
      tried++;
    }
  }
  return tried;
}
