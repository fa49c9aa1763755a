/** Processes that ask netfilter, in memory: tables, entries of conntrack, and names that one of them holds. */
import { stringify } from "../../compiler/ir/normal-form.ts";
import type { Chain, Table } from "../../compiler/ir/types.ts";
import { type Address, type Family, familyOf } from "../../compiler/net/address.ts";
import type { NetfilterHelper } from "../../runtime/agent/kernel-processes.ts";
import { addressBytes, attribute, text, u8, u16, u16BigEndian, u32 } from "../../runtime/lab/netlink.ts";
import { type HeardCommits, NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import { attributesIn, attributesOf, FAMILY } from "../../runtime/table/nf-tables.ts";
import { FakeTables } from "./fake-tables.ts";

/** A UDP connection, by its client's port. */
export interface FakeConnection {
  readonly client: number;
  readonly destination: readonly [Address, port: number];
  readonly answering: readonly [Address, port: number];
}

/** What all processes see. */
export class FakeNetwork {
  readonly tables = new FakeTables();
  /** Tables beside kpc's, without elements. */
  reference: readonly Table[] = [];
  /** Whether tables have counters, limits or the like. */
  hasObjects = false;
  connections: FakeConnection[] = [];
  /** The destinations that entries of conntrack were asked for, as number of the family, address and port. */
  readonly lookups: string[] = [];
  /** All that were started. */
  readonly helpers: FakeNetfilter[] = [];
  /** By name. */
  readonly holders = new Map<string, number>();
  heard: HeardCommits = { isComplete: true, commits: [] };
  sizes: readonly string[] | undefined = [];

  start(): FakeNetfilter {
    const helper = new FakeNetfilter(this, 100 + this.helpers.length);
    this.helpers.push(helper);
    return helper;
  }
}

const NO_ENTRY = 2;
const NF_TABLES = 10;
const DUMP = 0x300;

export class FakeNetfilter implements NetfilterHelper {
  readonly pid: number;
  /** What it is asked waits for this. */
  gate: Promise<void> = Promise.resolve();
  hasEnded = false;
  private readonly network: FakeNetwork;
  private readonly told: (() => void)[] = [];

  constructor(network: FakeNetwork, pid: number) {
    this.network = network;
    this.pid = pid;
  }

  async ask(message: Buffer, part: (messages: Buffer) => void = () => undefined): Promise<void> {
    await this.alive();
    const [kind = 0, subsystem = 0] = message.subarray(4, 6);
    const family = message[16] ?? 0;
    const asked = attributesIn(message, 20, message.length);
    const reply = (...attributes: readonly Buffer[]): void => part(replyOf(attributes));
    if (subsystem !== NF_TABLES) return this.askConntrack(kind, family, asked, reply);
    const name = (type: number): string => asked.get(type)?.toString("latin1").split("\0", 1)[0] ?? "";
    const { tables, reference, hasObjects } = this.network;
    const all = [...tables.skeletons(), ...reference].filter((table) => FAMILY[table.family as "ip"] === family);
    const ofTable = all.filter((table) => table.name === name(1));
    switch (kind) {
      case 1:
        for (const table of all) reply(attribute(1, text(table.name)), attribute(2, bigEndian(table.dormant ? 1 : 0)));
        return;
      case 4:
        if ((message.readUInt16LE(6) & DUMP) === 0) {
          if (!ofTable.some(({ chains }) => chains.some((chain) => chain.name === name(3))))
            throw new NetfilterTrouble("no such chain", NO_ENTRY);
          return;
        }
        for (const table of all)
          for (const chain of table.chains)
            reply(attribute(1, text(table.name)), attribute(3, text(chain.name)), attribute(4, text(headOf(chain))));
        return;
      case 7:
        for (const { chains } of ofTable)
          for (const chain of chains)
            for (const rule of chain.rules) reply(attribute(2, text(chain.name)), attribute(4, text(stringify(rule))));
        return;
      case 10:
        for (const { sets, maps } of ofTable) {
          for (const set of sets) reply(attribute(2, text(set.name)), attribute(4, text(stringify(set.key))));
          for (const map of maps)
            reply(attribute(2, text(map.name)), attribute(3, bigEndian(8)), attribute(4, text(stringify(map.key))));
        }
        return;
      case 13:
        return await tables.ask(message, part);
      case 16:
        return reply(attribute(1, bigEndian(tables.commits)));
      case 19:
        return hasObjects ? reply(attribute(1, text("kpc"))) : undefined;
      default:
        throw new Error(`message ${kind} is not known`);
    }
  }

  async commit(batch: Buffer): Promise<number> {
    await this.alive();
    return await this.network.tables.commit(batch);
  }

  async hold(name: string): Promise<number | undefined> {
    await this.alive();
    const { holders } = this.network;
    const holder = holders.get(name) ?? this.pid;
    holders.set(name, holder);
    return holder === this.pid ? undefined : holder;
  }

  async commitsAbout(word: string): Promise<HeardCommits> {
    await this.alive();
    return word === "KPC-" ? this.network.heard : { isComplete: false, commits: [] };
  }

  async legacySizes(tables: readonly string[]): Promise<readonly string[] | undefined> {
    await this.alive();
    return this.network.sizes?.concat(tables);
  }

  onClose(told: () => void): void {
    this.told.push(told);
  }

  /** Ends, and lets go of all names. */
  close(): void {
    this.hasEnded = true;
    const { holders } = this.network;
    for (const [name, holder] of holders) if (holder === this.pid) holders.delete(name);
    for (const told of this.told.splice(0)) told();
  }

  private async alive(): Promise<void> {
    if (!this.hasEnded) await this.gate;
    if (this.hasEnded) throw new NetfilterTrouble("the process that asks netfilter has ended");
  }

  private askConntrack(
    kind: number,
    family: number,
    asked: ReadonlyMap<number, Buffer>,
    reply: (...attributes: readonly Buffer[]) => void,
  ): void {
    const original = attributesOf(asked.get(1));
    const transport = attributesOf(original.get(2));
    if (kind === 2) {
      const client = transport.get(2)?.readUInt16BE();
      const kept = this.network.connections.filter((each) => each.client !== client);
      if (kept.length === this.network.connections.length) throw new NetfilterTrouble("no such entry", NO_ENTRY);
      this.network.connections = kept;
      return;
    }
    const address = attributesOf(original.get(1)).get(2);
    const port = transport.get(3)?.readUInt16BE();
    this.network.lookups.push(`${family} ${address?.join(".") ?? "any"} ${port ?? "any"}`);
    for (const { client, destination, answering } of this.network.connections)
      if (family === (familyOf(destination[0]) === "IPv4" ? FAMILY.ip : FAMILY.ip6))
        reply(
          attribute(1, ...tupleOf([CLIENT[familyOf(destination[0])], client], destination)),
          attribute(2, ...tupleOf(answering, [CLIENT[familyOf(destination[0])], client])),
        );
  }
}

const CLIENT: Readonly<Record<Family, Address>> = { IPv4: 0x0a000001 as Address, IPv6: (0xfdn << 120n) as Address };

type End = readonly [Address, port: number];

function tupleOf([from, fromPort]: End, [to, toPort]: End): readonly Buffer[] {
  const first = familyOf(from) === "IPv4" ? 1 : 3;
  return [
    attribute(1, attribute(first, addressBytes(from)), attribute(first + 1, addressBytes(to))),
    attribute(2, attribute(1, u8(17)), attribute(2, u16BigEndian(fromPort)), attribute(3, u16BigEndian(toPort))),
  ];
}

function replyOf(attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), ...attributes]);
  return Buffer.concat([u32(16 + body.length), u16(0), u16(0), u32(0), u32(0), body]);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function headOf(chain: Chain): string {
  return chain.kind === "base" ? `${chain.type} ${chain.hook} ${chain.priority} ${chain.policy}` : "";
}
