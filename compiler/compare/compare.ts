/** Two programs held against each other: over all packets, box by box. */

import { Evaluator } from "../evaluate/evaluate.ts";
import { hasPorts } from "../evaluate/expression.ts";
import type { Environment, Outcome, Packet } from "../evaluate/packet.ts";
import { environmentOf } from "../evaluate/packet.ts";
import type { Program } from "../ir/types.ts";
import { type Address, FAMILIES, type Family, familyOf, parseAddress } from "../net/address.ts";
import { after, type Box, before, copy, type Range, rest } from "./box.ts";
import { type Door, doorsOf } from "./doors.ts";
import { Narrowing, Unbounded } from "./narrowing.ts";
import { type Difference, findDifference } from "./outcomes.ts";

export interface CompareOptions {
  /** The node's addresses: packets to them are its own. */
  readonly addresses: readonly Address[];
  readonly families?: readonly Family[];
  /** Boxes that are looked at before the comparison gives up. */
  readonly budget?: number;
  /** Differing regions that are kept; others are counted. */
  readonly keep?: number;
}

/** Packets to which two programs do different things: all of `box`, each like `packet`. */
export interface Region extends Difference {
  readonly door: Door;
  readonly box: Box;
  readonly packet: Packet;
}

export interface Comparison {
  /** Regions in which the programs differ, the first of each door first; no two have a packet in common. */
  readonly regions: readonly Region[];
  readonly differing: number;
  /** Boxes that were looked at: in each, all packets fare alike. */
  readonly boxes: number;
  /** What has not been compared; empty: everything has been. */
  readonly open: readonly Open[];
}

/** A part of all packets that was not compared. */
export interface Open {
  readonly door: Door;
  /** From this destination on. */
  readonly from: Address;
  readonly reason: string;
}

const BUDGET = 20_000_000;
const KEEP = 10_000;

/** What `left` and `right` do to the first packets of connections, on one node. */
export function compare(left: Program, right: Program, options: CompareOptions): Comparison {
  return new Comparer(left, right, options).compare();
}

class Comparer {
  private readonly evaluators: readonly [Evaluator, Evaluator];
  private readonly doors: readonly Door[];
  private readonly types: Readonly<Record<Family, readonly Range[]>>;
  private readonly narrowing: Narrowing;
  private readonly environment: Environment;
  private readonly budget: number;
  private readonly keep: number;
  private boxes = 0;
  private differing = 0;
  private readonly regions: Region[] = [];
  private readonly open: Open[] = [];

  constructor(left: Program, right: Program, options: CompareOptions) {
    const { addresses, families = FAMILIES, budget = BUDGET, keep = KEEP } = options;
    this.evaluators = [new Evaluator(left), new Evaluator(right)];
    this.doors = doorsOf([left, right], families);
    this.types = { IPv4: typesOf("IPv4", addresses), IPv6: typesOf("IPv6", addresses) };
    this.narrowing = new Narrowing([...this.types.IPv4, ...this.types.IPv6], NOTHING);
    this.environment = { ...environmentOf(addresses), watch: this.narrowing };
    this.budget = budget;
    this.keep = keep;
  }

  compare(): Comparison {
    for (const door of this.doors) this.through(door);
    const { regions, differing, boxes, open } = this;
    return { regions, differing, boxes, open };
  }

  private through(door: Door): void {
    // The last one is looked at first: destinations come in their order.
    const boxes = this.startsOf(door).reverse();
    for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
      if (this.boxes >= this.budget) {
        this.open.push({ door, from: box.daddr.from as Address, reason: `after ${this.budget} boxes` });
        return;
      }
      try {
        const part = this.lookAt(door, box);
        boxes.push(...rest(box, part));
      } catch (error) {
        if (!(error instanceof Unbounded)) throw error;
        this.open.push({ door, from: box.daddr.from as Address, reason: error.message });
        return;
      }
    }
  }

  /** Compares the packets around the first one of `box`; gives those that were compared. */
  private lookAt(door: Door, box: Box): Box {
    this.boxes++;
    const part = copy(box);
    this.narrowing.box = part;
    const packet = firstOf(door, box);
    const [left, right] = this.evaluators.map((each) => each.evaluate(packet, this.environment)) as [
      Outcome[],
      Outcome[],
    ];
    const difference = findDifference(left, right);
    if (difference !== undefined) {
      this.differing++;
      if (this.regions.length < this.keep) this.regions.push({ ...difference, door, box: part, packet });
    }
    return part;
  }

  /** All packets of a door, cut where the routing decision tells destinations apart. */
  private startsOf({ family, protocol, ctState }: Door): Box[] {
    const ports: Range = hasPorts(protocol) && ctState !== "invalid" ? { from: 0, to: 65535 } : { from: 0, to: 0 };
    const all: Range = family === "IPv4" ? { from: 0, to: 2 ** 32 - 1 } : { from: 0n, to: 2n ** 128n - 1n };
    const ends = this.types[family].flatMap(({ from, to }) => [from, after(to)]);
    const starts = [...new Set([all.from, ...ends])]
      .filter((start) => start <= all.to)
      .sort((a, b) => (a < b ? -1 : 1));
    return starts.map((from, i): Box => {
      const next = starts[i + 1];
      return {
        daddr: { from, to: next === undefined ? all.to : before(next) },
        dport: ports,
        saddr: all,
        sport: ports,
      };
    });
  }
}

/** Intervals of addresses of types other than unicast, on a node with `addresses`. */
function typesOf(family: Family, addresses: readonly Address[]): Range[] {
  const own = addresses.filter((address) => familyOf(address) === family);
  return [
    ...own.map((address) => ({ from: address, to: address })),
    ...BLOCKS[family].map(([from, to]) => ({ from: addressOf(from), to: addressOf(to) })),
  ];
}

/** Blocks of addresses of other types than unicast. */
const BLOCKS: Readonly<Record<Family, readonly (readonly [string, string])[]>> = {
  IPv4: [
    ["127.0.0.0", "127.255.255.255"],
    ["224.0.0.0", "239.255.255.255"],
    ["255.255.255.255", "255.255.255.255"],
  ],
  IPv6: [
    ["::1", "::1"],
    ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ],
};

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

const NOTHING: Box = {
  daddr: { from: 0, to: 0 },
  dport: { from: 0, to: 0 },
  saddr: { from: 0, to: 0 },
  sport: { from: 0, to: 0 },
};

function firstOf({ protocol, ctState, inInterface }: Door, { daddr, dport, saddr, sport }: Box): Packet {
  return {
    protocol,
    source: saddr.from as Address,
    destination: daddr.from as Address,
    sourcePort: Number(sport.from),
    destinationPort: Number(dport.from),
    inInterface,
    mark: 0,
    ...(ctState === "new" ? {} : { ctState }),
  };
}
