/** Questions to nf_tables, and answers, as messages of netlink. */
import { attribute, text, u8, u16, u16BigEndian, u32 } from "../lab/netlink.ts";
import { Digest } from "./digest.ts";
import { NetfilterTrouble, type NetlinkPort } from "./netfilter.ts";

export const ERRNO = { noEntry: 2, interrupted: 4, exists: 17 } as const;

const NF_TABLES = 10;
const MESSAGE = {
  getTable: 1,
  getChain: 4,
  getRule: 7,
  getSet: 10,
  getElements: 13,
  getGeneration: 16,
  getObject: 19,
} as const;
const FLAG = { request: 1, acknowledge: 4, dump: 0x300, interrupted: 0x10 } as const;
export const FAMILY = { ip: 2, ip6: 10, inet: 1 } as const;

export type NfFamily = keyof typeof FAMILY;

/** A message of netfilter's netlink; `subsystem`: nf_tables unless given. */
export function netfilterMessage(
  type: number,
  flags: number,
  family: number,
  attributes: readonly Buffer[],
  subsystem: number = NF_TABLES,
): Buffer {
  const body = Buffer.concat([u8(family, 0), u16BigEndian(0), ...attributes]);
  return Buffer.concat([
    u32(16 + body.length),
    u16((subsystem << 8) | type),
    u16(flags | FLAG.request),
    u32(0),
    u32(0),
    body,
  ]);
}

/** Each message in `bytes`: where its attributes begin and end. */
export function* messagesIn(
  bytes: Buffer,
): Generator<{ readonly flags: number; readonly at: number; readonly end: number }> {
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    yield { flags: bytes.readUInt16LE(at + 6), at: at + 20, end: at + length };
    at += (length + 3) & ~3;
  }
}

/** The attributes between two places, by type: where the value of each begins and ends. Of several of one type the last. */
export function attributesIn(bytes: Buffer, from: number, to: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= to; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** Of one value. */
export function attributesOf(value: Buffer | undefined): Map<number, Buffer> {
  return value === undefined ? new Map() : attributesIn(value, 0, value.length);
}

// --- generation --------------------------------------------------------------------------------------------------------

/** Each commit in the network namespace has the next id. */
export interface Generation {
  readonly id: number;
  /** Who made the last commit. */
  readonly pid: number;
  readonly program: string;
}

export async function generationOf(netfilter: NetlinkPort): Promise<Generation> {
  let generation: Generation = { id: 0, pid: 0, program: "" };
  await netfilter.ask(netfilterMessage(MESSAGE.getGeneration, FLAG.acknowledge, 0, []), (bytes) => {
    for (const { at, end } of messagesIn(bytes)) {
      const found = attributesIn(bytes, at, end);
      generation = {
        id: found.get(1)?.readUInt32BE() ?? 0,
        pid: found.get(2)?.readUInt32BE() ?? 0,
        program: stringOf(found.get(3)) ?? "",
      };
    }
  });
  return generation;
}

// --- elements ----------------------------------------------------------------------------------------------------------

/** An element as the kernel has it. */
export interface RawElement {
  readonly key: Buffer;
  /** The last key of an interval. */
  readonly keyEnd: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly verdict: { readonly code: number; readonly chain: string | undefined } | undefined;
  /** It is where an interval ends, of a set whose keys have one part. */
  readonly isEnd: boolean;
  readonly comment: string | undefined;
}

/** Gives each element of a set or map to `take`; false: there is no such set. Throws `NetfilterTrouble`. Calls `restart` before it begins, and before
 *  it begins anew because somebody has changed something meanwhile. */
export async function dumpElements(
  netfilter: NetlinkPort,
  { family, table, set }: { readonly family: NfFamily; readonly table: string; readonly set: string },
  take: (element: RawElement) => void,
  restart: () => void = () => undefined,
): Promise<boolean> {
  const names = [attribute(1, text(table)), attribute(2, text(set))];
  const message = netfilterMessage(MESSAGE.getElements, FLAG.dump, FAMILY[family], names);
  return await dump(netfilter, message, restart, (bytes, at, end) => {
    const list = attributesIn(bytes, at, end).get(3);
    if (list === undefined) return;
    for (let from = 0; from + 4 <= list.length; ) {
      const length = list.readUInt16LE(from);
      if (length < 4) break;
      take(rawElement(list, from + 4, from + length));
      from += (length + 3) & ~3;
    }
  });
}

/** How often a dump begins anew that others' changes interrupt. */
const MOST_DUMPS = 20;

async function dump(
  netfilter: NetlinkPort,
  message: Buffer,
  restart: () => void,
  take: (bytes: Buffer, at: number, end: number) => void,
): Promise<boolean> {
  for (let turn = 0; turn < MOST_DUMPS; turn++) {
    let isInterrupted = false;
    restart();
    try {
      await netfilter.ask(message, (bytes) => {
        for (const { flags, at, end } of messagesIn(bytes)) {
          isInterrupted ||= (flags & FLAG.interrupted) !== 0;
          take(bytes, at, end);
        }
      });
    } catch (error) {
      if (!(error instanceof NetfilterTrouble)) throw error;
      if (error.errno === ERRNO.noEntry) return false;
      if (error.errno !== ERRNO.interrupted) throw error;
      isInterrupted = true;
    }
    if (!isInterrupted) return true;
  }
  throw new NetfilterTrouble("somebody changes rules all the time: they cannot be read");
}

function rawElement(bytes: Buffer, from: number, to: number): RawElement {
  const found = attributesIn(bytes, from, to);
  const data = attributesOf(found.get(2));
  const verdict = attributesOf(data.get(2));
  const code = verdict.get(1);
  return {
    key: attributesOf(found.get(1)).get(1) ?? NO_BYTES,
    keyEnd: attributesOf(found.get(10)).get(1),
    value: data.get(1),
    verdict: code === undefined ? undefined : { code: code.readInt32BE(), chain: stringOf(verdict.get(2)) },
    isEnd: ((found.get(3)?.readUInt32BE() ?? 0) & 1) !== 0,
    comment: commentOf(found.get(6)),
  };
}

const NO_BYTES = Buffer.alloc(0);

function stringOf(bytes: Buffer | undefined): string | undefined {
  return bytes?.toString("latin1").split("\0", 1)[0];
}

/** nft's own notes: type, length, value. */
function commentOf(notes: Buffer | undefined): string | undefined {
  for (let at = 0; notes !== undefined && at + 2 <= notes.length; at += 2 + (notes[at + 1] ?? 0))
    if (notes[at] === 0) return stringOf(notes.subarray(at + 2, at + 2 + (notes[at + 1] ?? 0)));
  return undefined;
}

// --- rules -------------------------------------------------------------------------------------------------------------

/** The names of the chains of a table; undefined: there is no such table. */
export async function chainsOf(
  netfilter: NetlinkPort,
  family: NfFamily,
  table: string,
): Promise<Set<string> | undefined> {
  let isThere = false;
  const tables = netfilterMessage(MESSAGE.getTable, FLAG.dump, FAMILY[family], []);
  await dump(
    netfilter,
    tables,
    () => undefined,
    (bytes, at, end) => {
      isThere ||= stringOf(attributesIn(bytes, at, end).get(1)) === table;
    },
  );
  if (!isThere) return undefined;
  const chains = new Set<string>();
  const message = netfilterMessage(MESSAGE.getChain, FLAG.dump, FAMILY[family], []);
  await dump(
    netfilter,
    message,
    () => chains.clear(),
    (bytes, at, end) => {
      const found = attributesIn(bytes, at, end);
      if (stringOf(found.get(1)) === table) chains.add(stringOf(found.get(3)) ?? "");
    },
  );
  return chains;
}

/** Whether there is a chain. Throws `NetfilterTrouble`. */
export async function hasChain(
  netfilter: NetlinkPort,
  family: NfFamily,
  table: string,
  chain: string,
): Promise<boolean> {
  const names = [attribute(1, text(table)), attribute(3, text(chain))];
  try {
    await netfilter.ask(netfilterMessage(MESSAGE.getChain, FLAG.acknowledge, FAMILY[family], names));
    return true;
  } catch (error) {
    if (error instanceof NetfilterTrouble && error.errno === ERRNO.noEntry) return false;
    throw error;
  }
}

/** What a table is besides rules, sets and their elements. */
export interface TableHeads {
  readonly isDormant: boolean;
  /** Hook and priority, policy and type of each chain as text, by name. */
  readonly chains: ReadonlyMap<string, string>;
}

/** Undefined: there is no such table. */
export async function headsOf(
  netfilter: NetlinkPort,
  family: NfFamily,
  table: string,
): Promise<TableHeads | undefined> {
  let flags: number | undefined;
  const tables = netfilterMessage(MESSAGE.getTable, FLAG.dump, FAMILY[family], []);
  await dump(
    netfilter,
    tables,
    () => {
      flags = undefined;
    },
    (bytes, at, end) => {
      const found = attributesIn(bytes, at, end);
      if (stringOf(found.get(1)) === table) flags = found.get(2)?.readUInt32BE() ?? 0;
    },
  );
  if (flags === undefined) return undefined;
  const chains = new Map<string, string>();
  const message = netfilterMessage(MESSAGE.getChain, FLAG.dump, FAMILY[family], []);
  await dump(
    netfilter,
    message,
    () => chains.clear(),
    (bytes, at, end) => {
      const found = attributesIn(bytes, at, end);
      if (stringOf(found.get(1)) === table)
        chains.set(stringOf(found.get(3)) ?? "", [4, 5, 7].map((type) => hexOf(found.get(type))).join(" "));
    },
  );
  return { isDormant: (flags & DORMANT) !== 0, chains };
}

const DORMANT = 1;

/** The same as a text. */
export async function structureOf(
  netfilter: NetlinkPort,
  family: NfFamily,
  table: string,
): Promise<string | undefined> {
  const heads = await headsOf(netfilter, family, table);
  if (heads === undefined) return undefined;
  const chains = [...heads.chains].map(([name, head]) => `${name} ${head}`);
  return [heads.isDormant ? "dormant" : "awake", ...chains.sort()].join("\n");
}

/** What each set or map of a table that is not written in a rule holds, as text: types, lengths, flags and timeouts. */
export async function setHeadsOf(
  netfilter: NetlinkPort,
  family: NfFamily,
  table: string,
): Promise<ReadonlyMap<string, { readonly head: string; readonly isMap: boolean }>> {
  const sets = new Map<string, { readonly head: string; readonly isMap: boolean }>();
  const message = netfilterMessage(MESSAGE.getSet, FLAG.dump, FAMILY[family], [attribute(1, text(table))]);
  await dump(
    netfilter,
    message,
    () => sets.clear(),
    (bytes, at, end) => {
      const found = attributesIn(bytes, at, end);
      const flags = found.get(3)?.readUInt32BE() ?? 0;
      if ((flags & ANONYMOUS) !== 0) return;
      const head = [3, 4, 5, 6, 7, 9, 11].map((type) => hexOf(found.get(type))).join(" ");
      sets.set(stringOf(found.get(2)) ?? "", { head, isMap: (flags & MAP) !== 0 });
    },
  );
  return sets;
}

const ANONYMOUS = 1;
const MAP = 8;

/** Whether a table has counters, limits or the like that rules name. */
export async function hasObjects(netfilter: NetlinkPort, family: NfFamily, table: string): Promise<boolean> {
  let found = false;
  const message = netfilterMessage(MESSAGE.getObject, FLAG.dump, FAMILY[family], [attribute(1, text(table))]);
  await dump(
    netfilter,
    message,
    () => undefined,
    () => {
      found = true;
    },
  );
  return found;
}

function hexOf(bytes: Buffer | undefined): string {
  return bytes?.toString("hex") ?? "";
}

/** A digest of the rules of each chain of a table that has rules, by name. It tells apart what one load has made and what was changed
 *  since: sets that stand in rules have other names after each load. */
export async function ruleDigests(
  netfilter: NetlinkPort,
  family: NfFamily,
  table: string,
): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, { readonly digest: Digest; count: number }>();
  const message = netfilterMessage(MESSAGE.getRule, FLAG.dump, FAMILY[family], [attribute(1, text(table))]);
  await dump(
    netfilter,
    message,
    () => digests.clear(),
    (bytes, at, end) => {
      const found = attributesIn(bytes, at, end);
      const chain = stringOf(found.get(2)) ?? "";
      const rules = digests.get(chain) ?? { digest: new Digest(), count: 0 };
      digests.set(chain, rules);
      // The order of rules matters.
      rules.digest.add(u32(rules.count++), found.get(4) ?? NO_BYTES, found.get(7) ?? NO_BYTES);
    },
  );
  return new Map([...digests].map(([chain, { digest }]) => [chain, digest.toString()]));
}
