/** Compares two programs over all packets, one kind of traffic at a time. */

import { type Evaluation, Evaluator, knownOutcomes } from "../evaluate/evaluate.ts";
import { type Environment, hostOf, type Packet, type Packets } from "../evaluate/packet.ts";
import { forgetConditions, TooManyConditions, withConditionLimit } from "../evaluate/unknown/condition.ts";
import { invariant } from "../invariant.ts";
import type { Program } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import { type Address, FAMILIES } from "../net/address.ts";
import { type PacketSet as PacketRegion, within } from "../packets/packet-set.ts";
import { unite } from "../packets/ranges.ts";
import { type Box, boxesAt, boxesOf, countBoxes, countBoxesAt, destinationsOf, firstOf, halve } from "./box.ts";
import { areSame, changesBetween, type RuleChanges } from "./changes.ts";
import { findRegions } from "./difference.ts";
import { Interest } from "./interest.ts";
import { keyedResultsOf } from "./keyed-results.ts";
import { type Difference, findDifference } from "./outcomes.ts";
import { PacketSpace, type Traffic } from "./packet-space.ts";
import { Slices } from "./slices.ts";
import { sizeOf } from "./symmetry/items.ts";
import { type Reduced, reduce } from "./symmetry/reduce.ts";
import { packetAt, type TrafficKind } from "./traffic-kinds.ts";

export interface CompareOptions extends Partial<Traffic> {
  /** The node's addresses: packets to them are its own. */
  readonly addresses: readonly Address[];
  /** Steps, of packets that have fared alike so far past one rule, before the comparison gives up. */
  readonly budget?: number;
  /** `compare` calls this repeatedly: it returns the reason to give up now, if there is one. */
  readonly giveUp?: () => string | undefined;
  /** `compare` calls this repeatedly with its progress. */
  readonly progress?: (now: Progress) => void;
  /** Differing regions that are kept; others are counted. */
  readonly keep?: number;
  /** Says which differing packets are asked about: by a packet to their destination, and by what the left side does to such
   *  packets. Others are neither kept nor counted. */
  readonly only?: (packet: Packet, left: Evaluation) => boolean;
  /** Whether parts of the programs that are alike stand for each other; where this is absent, in large programs. */
  readonly symmetry?: boolean;
}

/** How far a comparison is. */
export interface Progress {
  /** Kinds of traffic that are compared: packets that come by one kind of traffic, of one protocol. */
  readonly done: number;
  readonly of: number;
  /** As `budget` counts them. */
  readonly steps: number;
}

/** Packets to which two programs do different things: all of `box`, each like `packet`. */
export interface Discrepancy extends Difference {
  readonly trafficKind: TrafficKind;
  readonly box: Box;
  readonly packet: Packet;
}

export interface Comparison {
  /** Regions in which the programs differ, the first of each kind of traffic first; no two have a packet in common. */
  readonly regions: readonly Discrepancy[];
  readonly differing: number;
  /** Classes of packets that one of the programs tells apart: in each, all packets fare alike. */
  readonly boxes: number;
  /** Parts of the packets that the comparison did not reach; empty: it compared all. */
  readonly open: readonly Open[];
  /** What the comparison assumed, besides what `space` says. */
  readonly given: readonly string[];
  /** What else the comparison left out, a sentence each. */
  readonly gaps: readonly string[];
  /** Of the host that both programs were followed on: who evaluates a packet of a region in it sees what was compared. */
  readonly environment: Environment;
  /** All packets that there can be. */
  readonly space: PacketSpace;
  /** How parts that are alike stood for each other, or why none did: a sentence. Undefined: there was nothing to gain. */
  readonly symmetry?: string;
}

/** A part of all packets that was not compared. */
export interface Open {
  readonly trafficKind: TrafficKind;
  /** From this destination on. */
  readonly from: Address;
  readonly reason: string;
}

const BUDGET = 100_000_000;
const KEEP = 10_000;

/** Of programs with fewer rules and elements comparing takes no time. */
const LARGE = 2000;

/** What `left` and `right` do to packets, on one node. */
export function compare(left: Program, right: Program, options: CompareOptions): Comparison {
  const wholly = (): Comparison => new Comparer(left, right, changesBetween(left, right), options).compare();
  const { symmetry = sizeOf([left, right]) >= LARGE } = options;
  if (!symmetry) return wholly();
  const reduction = reduce(left, right, options.addresses, { evenIfFew: options.symmetry === true });
  if (reduction.kind === "whole") return { ...wholly(), symmetry: `compared as a whole: ${reduction.reason}` };
  const { components, forms, unexchanged } = reduction;
  const why = unexchanged.length === 0 ? "" : ` (${unexchanged.join("; ")})`;
  const parts = `${components} parts that share no address are of ${forms} ${forms === 1 ? "form" : "forms"}${why}`;
  const byForm = compareByForm(reduction, [left, right], options);
  if (typeof byForm === "object") return { ...byForm, symmetry: `${parts}: ${byForm.symmetry}` };
  return { ...wholly(), symmetry: `${parts}, and ${byForm}: all were compared` };
}

/** What more regions tell apart is not looked for. */
const MOST_REGIONS = 2000;

/** Compares without most parts of those forms of which differing packets tell no part from another; otherwise says why it does not.
 *  symmetry/README.md says why regions and counts are those of the whole programs. */
function compareByForm(
  reduced: Reduced,
  whole: readonly [Program, Program],
  options: CompareOptions,
): Comparison | string {
  const { only: _, ...asked } = options;
  const all = new Set<number>();
  let programs = reduced.programs;
  let differing: Differing | undefined;
  for (;;) {
    const found = new Map<number, PacketRegion[]>();
    const comparer = new Comparer(
      ...programs,
      changesBetween(...programs),
      { ...asked, keep: 0 },
      { differing, found },
    );
    const comparison = comparer.compare();
    if (comparison.open.length > 0) return "these were not compared to the end";
    const kept = (): string =>
      `${reduced.kept} of them${all.size === 0 ? "" : `, and all of ${all.size} ${all.size === 1 ? "form" : "forms"} with differences,`} were compared`;
    if (comparison.differing === 0) return { ...comparison, symmetry: kept() };
    const regions = [...found.values()].flat();
    if (regions.length > MOST_REGIONS) return "many packets differ";
    const before = all.size;
    for (const form of reduced.toldApartBy(regions)) all.add(form);
    differing = found;
    // Of forms that stay as a whole anyway there is nothing more to look for.
    if (all.size === before || (before === 0 && reduced.keepsAllOf(all))) {
      // Regions are cut where those of the whole programs are.
      const last = comparer.compareAgain(options, { differing, slices: new Slices(whole) });
      if (last.open.length > 0) return "these were not compared to the end";
      return { ...last, boxes: comparison.boxes, symmetry: kept() };
    }
    programs = reduced.withAllOf(all);
    if (options.symmetry !== true && 2 * sizeOf(programs) > sizeOf(whole)) return "most of them differ";
  }
}

/** Thrown where a region takes too many steps: its halves are compared instead. */
class TooMany extends Error {}

/** Thrown to end the comparison: the message says why. */
class GivenUp extends Error {}

/** By the number of a kind of traffic: regions that differ, the first ones of them. */
type Differing = ReadonlyMap<number, readonly PacketRegion[]>;

/** Where it is known to be enough to look. */
interface Where {
  /** Nothing else differs, of the same programs or of ones with less in them. */
  readonly differing?: Differing | undefined;
  /** Packets are cut so; absent: as is good for the programs. */
  readonly slices?: Slices;
  /** The comparison puts here what differs, whether it is asked about or not. */
  readonly found?: Map<number, PacketRegion[]>;
}

class Comparer {
  private readonly programs: readonly [Program, Program];
  private readonly where: Where;
  private readonly evaluators: readonly [Evaluator, Evaluator];
  private readonly space: PacketSpace;
  private readonly changes: RuleChanges | undefined;
  private readonly interest: Interest | undefined;
  private readonly slices: Slices;
  private readonly environment: Environment;
  private readonly options: Required<Pick<CompareOptions, "budget" | "keep" | "giveUp" | "progress">>;
  private readonly only: CompareOptions["only"];
  private steps = 0;
  /** The number of steps at which the current region has taken too many. */
  private limit = 0;
  /** The number of steps at which `giveUp` is called next. */
  private nextCheck = 0;
  private done = 0;
  private boxes = 0;
  private differing = 0;
  private readonly regions: Discrepancy[] = [];
  private readonly open: Open[] = [];

  constructor(
    left: Program,
    right: Program,
    changes: RuleChanges | undefined,
    options: CompareOptions,
    where: Where = {},
    /** One of the same programs and packets: what it knows of them need not be found anew. */
    known?: Comparer,
  ) {
    const {
      addresses,
      families = FAMILIES,
      budget = BUDGET,
      keep = KEEP,
      giveUp,
      progress,
      only,
      ...traffic
    } = options;
    this.programs = [left, right];
    this.evaluators = known?.evaluators ?? [new Evaluator(left), new Evaluator(right)];
    this.space = known?.space ?? new PacketSpace([left, right], { ...traffic, families });
    this.changes = changes;
    // What the comparison may leave out depends on these rules.
    if (this.changes !== undefined) for (const each of this.evaluators) each.assumeAllOrders(families);
    this.interest = this.changes && new Interest(this.changes, this.space.translates);
    this.where = where;
    this.slices = where.slices ?? new Slices(this.isSame ? [] : [left, right]);
    this.environment = { ...hostOf(addresses), watched: this.watchedLists() };
    this.only = only;
    this.options = { budget, keep, giveUp: giveUp ?? (() => undefined), progress: progress ?? (() => undefined) };
  }

  /** Both programs have the same rules: whatever they do, they do the same. */
  private get isSame(): boolean {
    return this.changes !== undefined && areSame(this.changes);
  }

  compare(): Comparison {
    const { trafficKinds } = this.space;
    if (!this.isSame) {
      for (const [i, trafficKind] of trafficKinds.entries()) {
        if (this.where.differing?.has(i) === false) continue;
        this.done = i;
        this.tellProgress();
        for (const packets of this.space.packetsBy(trafficKind)) this.through(trafficKind, packets);
      }
    }
    const { regions, differing, boxes, open, space, environment } = this;
    const gaps = this.isSame ? [] : space.gaps;
    return { regions, differing, boxes, open, space, given: this.ordersGiven(), gaps, environment };
  }

  /** As if by a new one, of the same programs and the same packets. */
  compareAgain(options: CompareOptions, where: Where): Comparison {
    return new Comparer(...this.programs, this.changes, options, where, this).compare();
  }

  /** Where both sides ask a list that their rules fill, it is one fact on both only while all packets do the same to it. */
  private watchedLists(): ReadonlySet<string> {
    const [left, right] = this.evaluators.map(({ testedLists }) => testedLists) as [Set<string>, Set<string>];
    return new Set([...left].filter((list) => right.has(list)));
  }

  /** Two listings that leave the order of the same chains open are taken to be of hosts that have the same one. */
  private ordersGiven(): string[] {
    const [left, right] = this.evaluators.map((each) => each.chainsInAnyOrder) as [Set<string>, Set<string>];
    return [...left]
      .filter((chains) => right.has(chains))
      .map((chains) => `that both sides run ${chains} in the same order`);
  }

  /** All of `packets` that may fare otherwise on the other side, slice by slice. Where one is too much, half of it after the other. */
  private through(trafficKind: TrafficKind, packets: Packets): void {
    const parts = this.partsOf(packets);
    // The last part is compared first, so that destinations come in their order.
    const regions = parts.flatMap((part) => this.slicesOf(part, trafficKind)).reverse();
    for (let region = regions.pop(); region !== undefined; region = regions.pop()) {
      const from = region.daddr.cuts[0] as Address;
      const rest = this.options.budget - this.steps;
      const reason = rest <= 0 ? `after ${this.options.budget} steps` : this.options.giveUp();
      if (reason !== undefined) {
        this.open.push({ trafficKind, from, reason });
        return;
      }
      this.limit = this.steps + Math.min(rest, MOST_STEPS);
      const part = region;
      try {
        withConditionLimit(
          Math.min(10 * rest, MOST_OPERATIONS),
          () => this.lookAt(trafficKind, packets, part),
          () => undefined,
        );
      } catch (error) {
        if (error instanceof TooMany) {
          const halves = halve(region);
          if (halves !== undefined && rest > MOST_STEPS) regions.push(...halves.reverse());
          else if (rest <= MOST_STEPS) regions.push(region);
          else this.open.push({ trafficKind, from, reason: `more than ${MOST_STEPS} steps for one class of packets` });
        } else if (isReason(error)) {
          this.open.push({ trafficKind, from, reason: error.message });
          return;
        } else throw error;
      }
    }
  }

  private slicesOf(part: PacketRegion, { family }: TrafficKind): PacketRegion[] {
    const { slices, differing } = this.where;
    const all = this.slices.of(part, family);
    if (slices === undefined || differing === undefined) return all;
    const destinations = unite((differing.get(this.done) ?? []).map(({ daddr }) => daddr));
    return all.filter((slice) => within(slice, "daddr", destinations) !== undefined);
  }

  private lookAt(trafficKind: TrafficKind, all: Packets, region: PacketRegion): void {
    const spend = (steps: number): void => {
      this.steps += steps;
      if (this.steps > this.limit) throw new TooMany();
      if (this.steps < this.nextCheck) return;
      this.nextCheck = this.steps + STEPS_BETWEEN;
      this.tellProgress();
      const reason = this.options.giveUp();
      if (reason !== undefined) throw new GivenUp(reason);
    };
    forgetConditions();
    const packets = { ...all, region };
    const [left, right] = this.evaluators.map((each) => each.follow(packets, { ...this.environment, spend }));
    const keyedResults = keyedResultsOf([left ?? [], right ?? []]);
    const different = findRegions(region, keyedResults, spend);
    this.boxes += keyedResults[0].length + keyedResults[1].length;
    if (different.length > 0) {
      const found = this.where.found?.get(this.done);
      if (found === undefined) this.where.found?.set(this.done, [...different]);
      else found.push(...different);
    }
    for (const each of different) this.note(trafficKind, all, each);
  }

  /** The parts of `packets` that may come to what the two sides do not have in common; all of them where that cannot be found out. */
  private partsOf(packets: Packets): ReturnType<Interest["of"]> {
    try {
      return this.interest?.of(packets, this.environment) ?? [packets.region];
    } catch (error) {
      if (isReason(error)) return [packets.region];
      throw error;
    }
  }

  private tellProgress(): void {
    const { done, steps } = this;
    this.options.progress({ done, of: this.space.trafficKinds.length, steps });
  }

  private note(trafficKind: TrafficKind, all: Packets, region: PacketRegion): void {
    const { only } = this;
    if (only === undefined) {
      this.differing += countBoxes(region);
      this.keepAll(trafficKind, boxesOf(region, all.region));
      return;
    }
    let left: Evaluation | undefined;
    for (const at of destinationsOf(region)) {
      const [box] = boxesAt(at, region, all.region);
      if (box === undefined) continue;
      const packet = packetAt(trafficKind, firstOf(box));
      // The left side does the same to all packets of the region.
      left ??= this.evaluators[0].evaluate(packet, this.environment);
      if (!only(packet, left)) continue;
      this.differing += countBoxesAt(region);
      this.keepAll(trafficKind, boxesAt(at, region, all.region));
    }
  }

  /** Keeps `boxes`, the packets of which differ, as long as there is room. */
  private keepAll(trafficKind: TrafficKind, boxes: Iterable<Box>): void {
    for (const box of boxes) {
      if (this.regions.length >= this.options.keep) return;
      // Finding the outcomes of thousands of packets would take long.
      const reason = this.options.giveUp();
      if (reason !== undefined) throw new GivenUp(reason);
      const packet = packetAt(trafficKind, firstOf(box));
      const [left, right] = this.evaluators.map((each) => each.evaluate(packet, this.environment)) as [
        Evaluation,
        Evaluation,
      ];
      const difference = findDifference(knownOutcomes(left), knownOutcomes(right));
      const isWhole = left.incomplete === undefined && right.incomplete === undefined;
      invariant(difference !== undefined || !isWhole, "a packet of a differing region shows the difference");
      // Where a packet has too many outcomes, the one that shows the difference may not be among those that are known.
      if (difference !== undefined) this.regions.push({ ...difference, trafficKind, box, packet });
    }
  }
}

/** Whether its message says why nothing more is compared. */
function isReason(error: unknown): error is Error {
  return error instanceof GivenUp || error instanceof Unsupported || error instanceof TooManyConditions;
}

/** More steps than this are not taken for one region. */
const MOST_STEPS = 5_000_000;

/** More steps than this are not taken on conditions for one region: each may make a condition, of some 100 bytes. */
const MOST_OPERATIONS = 2_000_000;

/** Steps between two calls of `giveUp`. */
const STEPS_BETWEEN = 5000;
