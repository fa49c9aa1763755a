/** What rules do to packets that differ in a few fields, in a few words: followed all at once, or one by one. */
import { PLAIN } from "../../compiler/evaluate/chain.ts";
import { withDestination } from "../../compiler/evaluate/disposition.ts";
import { distributionOf, printChances } from "../../compiler/evaluate/distribution.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { outcomeOf } from "../../compiler/evaluate/outcome.ts";
import {
  alone,
  type Environment,
  environmentOf,
  type Outcome,
  type Packet,
  type Packets,
} from "../../compiler/evaluate/packet.ts";
import type { RegionDestination, RegionResult } from "../../compiler/evaluate/result.ts";
import { type Now, valueNow } from "../../compiler/evaluate/state.ts";
import { describeAssumption, describeChoice } from "../../compiler/evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../../compiler/evaluate/unknown/assumptions-of.ts";
import { type Condition, either, NEVER } from "../../compiler/evaluate/unknown/condition.ts";
import { worldsOf } from "../../compiler/evaluate/unknown/worlds.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress, printAddress } from "../../compiler/net/address.ts";
import { FIELDS, having, type PacketField, type PacketSet } from "../../compiler/packets/packet-set.ts";
import { type Cut, Ranges, unite, valuesIn } from "../../compiler/packets/ranges.ts";
import { address } from "./service-port.ts";

/** TCP 10.244.0.5:40000 > 10.96.0.10:80 from the bridge cni0, a new connection. */
export const TO_SERVICE: Packet = {
  protocol: 6,
  source: address("10.244.0.5"),
  sourcePort: 40000,
  destination: address("10.96.0.10"),
  destinationPort: 80,
  inInterface: "cni0",
  mark: 0,
};

/** Packets that differ in `fields`, as in `dport 80-83, mark 0 5`, and are else as `members` say, and `TO_SERVICE`. */
export interface ManyPackets {
  readonly fields: string;
  readonly members?: Partial<Packet>;
  /** A node with 192.0.2.1 and 2001:db8::1, where nothing is said. */
  readonly environment?: Environment;
}

const NODE = environmentOf([address("192.0.2.1"), address("2001:db8::1")]);

/** What becomes of each of the packets, followed at once. Neighbours that fare alike stand together: `80-82: drop`. */
export function fatesTogether(program: Program, { fields, members, environment = NODE }: ManyPackets): string[] {
  const packets = packetsOf({ fields, ...(members && { members }) });
  const results = new Evaluator(program).follow(packets, environment);
  return fatesOf(packets.region, fields, (point) => fateOf(outcomesAt(results, point)));
}

export function packetsOf({ fields, members }: Omit<ManyPackets, "environment">): Packets {
  const packets = alone({ ...TO_SERVICE, ...members });
  return { ...packets, region: regionOf(packets.region, fields) };
}

/** The same, of each packet by itself, by a runner that merges nothing. */
export function fatesAlone(program: Program, { fields, members, environment = NODE }: ManyPackets): string[] {
  const packet: Packet = { ...TO_SERVICE, ...members };
  const evaluator = new Evaluator(program, PLAIN);
  return fatesOf(regionOf(alone(packet).region, fields), fields, (point) => {
    return fateOf(evaluator.evaluateWhole(packetAt(point, packet), environment));
  });
}

function fatesOf(region: PacketSet, fields: string, fateAt: (point: PacketSet) => string): string[] {
  const named = fields.split(", ").map((text) => readField(text)[0]);
  const groups: { readonly fate: string; readonly names: string[] }[] = [];
  for (const point of pointsIn(region)) {
    // Of one packet it is told where it goes.
    const fate = fateAt(point).replaceAll(`${printValue(point.daddr.single as Cut)} is`, "the destination is");
    const name = named.map((field) => printValue(point[field].single as Cut)).join(" ");
    const last = groups.at(-1);
    if (last?.fate === fate) last.names.push(name);
    else groups.push({ fate, names: [name] });
  }
  return groups.map(({ fate, names }) => `${[names[0], ...names.slice(1).slice(-1)].join("-")}: ${fate}`);
}

function regionOf(one: PacketSet, fields: string): PacketSet {
  return fields.split(", ").reduce((all, text) => having(all, ...readField(text)) ?? all, one);
}

/** `dport 80-83 90`. */
function readField(text: string): [field: PacketField, ranges: Ranges] {
  const [field, ...parts] = text.split(" ");
  const ranges = parts.map((part) => {
    const [from = 0, to = from] = part.split("-").map((each) => parseAddress(each) ?? Number(each));
    return new Ranges([from, typeof to === "bigint" ? to + 1n : to + 1]);
  });
  return [field as PacketField, unite(ranges)];
}

function printValue(value: Cut): string {
  return typeof value === "bigint" || value > 0xffff ? printAddress(value as Address) : String(value);
}

/** Each packet of `region` as a region of its own. */
function pointsIn(region: PacketSet): readonly PacketSet[] {
  return FIELDS.reduce<readonly PacketSet[]>(
    (points, field) =>
      points.flatMap((point) =>
        valuesIn(region[field]).map((value) => having(point, field, Ranges.of(value)) ?? point),
      ),
    [region],
  );
}

function packetAt({ daddr, dport, saddr, sport, mark, ctstatus, ctmark }: PacketSet, packet: Packet): Packet {
  return {
    ...packet,
    source: saddr.single as Address,
    sourcePort: Number(sport.single),
    destination: daddr.single as Address,
    destinationPort: Number(dport.single),
    mark: Number(mark.single),
    ctStatus: Number(ctstatus.single),
    ctMark: Number(ctmark.single),
  };
}

/** What `results` say of the one packet of `point`. */
function outcomesAt(results: readonly RegionResult[], point: PacketSet): Outcome[] {
  const own = results.filter(({ region }) => FIELDS.every((field) => region[field].has(point[field].single as Cut)));
  const here = <T extends Cut>(now: Now<T>): T => valueNow(now, point) as T;
  const at = ({ address: to, port }: RegionDestination) => ({ address: here(to), port: here(port) });
  const weighed = own.map((result) => ({ condition: result.condition, weight: result.probability, result }));
  return worldsOf(weighed).map(({ condition, parts }) => {
    const all = parts.map(({ result: { probability, disposition } }) => ({
      probability,
      disposition: withDestination(disposition, at),
      ...{ reasons: [], path: [] },
    }));
    return outcomeOf(all, condition);
  });
}

/** What happens, and what that depends on which is not known. */
function fateOf(outcomes: readonly Outcome[]): string {
  const conditions = new Map<string, Condition>();
  for (const outcome of outcomes) {
    const total = outcome.results.reduce((sum, { probability }) => sum + probability, 0);
    const what = [
      ...printChances(distributionOf(outcome), 0).sort(),
      ...(Math.abs(total - 1) < 1e-9 ? [] : [`${total} in all`]),
    ].join(", or ");
    conditions.set(what, either(conditions.get(what) ?? NEVER, outcome.condition));
  }
  return [...conditions]
    .map(([what, condition]) => {
      const { assumptions, choices } = assumptionsOf(condition);
      const facts = [...assumptions.map(describeAssumption), ...choices.map(describeChoice)].sort();
      return facts.length === 0 ? what : `${what} if ${facts.join(" and ")}`;
    })
    .sort()
    .join(" | ");
}
