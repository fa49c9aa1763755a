/** nf_tables as far as the agent needs it, in memory: tables that changes make, and elements that messages of netlink add, remove and ask for. */
import type { TableChange } from "../../compiler/ir/table-change.ts";
import type {
  MapDeclaration,
  MapElement,
  SetDeclaration,
  SetElement,
  Table,
  TableFamily,
} from "../../compiler/ir/types.ts";
import { ExpectedElements } from "../../runtime/agent/expected-elements.ts";
import { attribute, text, u16, u32 } from "../../runtime/lab/netlink.ts";
import { reasonOfError, type TransactionAnswer } from "../../runtime/table/answers.ts";
import { ElementBatch } from "../../runtime/table/element-batch.ts";
import { hasKnownBytes, readElement } from "../../runtime/table/element-bytes.ts";
import { NetfilterTrouble, type NetlinkPort, wordsOf } from "../../runtime/table/netfilter.ts";
import { attributesIn, attributesOf, dumpElements } from "../../runtime/table/nf-tables.ts";
import { applyChange } from "./apply-change.ts";

const TYPE = { add: 0xa0c, dump: 0xa0d, remove: 0xa0e, begin: 0x10, end: 0x11 } as const;
const FAMILIES: ReadonlyMap<number, TableFamily> = new Map([
  [2, "ip"],
  [10, "ip6"],
]);
const NO_ENTRY = 2;
const EXISTS = 17;
const INTERRUPTED = 0x10;

/** Elements as the kernel told of them, by key. */
type Elements = Map<string, Buffer>;

/** All that there is. */
interface State {
  /** Without elements. */
  readonly tables: Map<TableFamily, Table>;
  /** By `family table set`. */
  readonly sets: Map<string, Elements>;
}

export class FakeTables implements NetlinkPort {
  private state: State = { tables: new Map(), sets: new Map() };
  /** After each commit. */
  private readonly past: State[] = [];
  /** Commits, of whomever. */
  commits = 0;
  /** How many elements each batch added and removed. */
  readonly batches: number[] = [];
  /** The number of the error that a transaction ends with instead of what it is for; 0: none. Is given how many elements it adds and removes,
   *  and whether it is nft's. */
  refusal: (elements: number, isOfNft: boolean) => number = () => 0;
  /** Is called after each transaction. */
  onCommit: () => void = () => undefined;
  /** So many times the next dumps are interrupted, after some elements have been told. */
  interruptions = 0;
  /** Those of this set alone; undefined: of any. */
  interruptedSet: string | undefined;
  /** What interrupts them. */
  onInterruption: () => void = () => undefined;

  // --- what there is -----------------------------------------------------------------------------------------------------

  /** The tables without elements. */
  skeletons(): Table[] {
    return [...this.state.tables.values()];
  }

  /** The tables with their elements. */
  async read(): Promise<Table[]> {
    const tables: Table[] = [];
    for (const table of this.state.tables.values()) {
      const filled = async <Of extends SetDeclaration | MapDeclaration>(all: readonly Of[]): Promise<Of[]> => {
        const made: Of[] = [];
        for (const set of all) made.push({ ...set, elements: await this.elementsOf(table, set) });
        return made;
      };
      tables.push({ ...table, sets: await filled(table.sets), maps: await filled(table.maps) });
    }
    return tables;
  }

  /** The tables after each of the last `count` commits. */
  async readAfterEach(count: number): Promise<Table[][]> {
    const { state } = this;
    const found: Table[][] = [];
    for (const past of this.past.slice(-count)) {
      this.state = past;
      found.push(await this.read());
    }
    this.state = state;
    return found;
  }

  private async elementsOf(
    { family, name }: Table,
    set: SetDeclaration | MapDeclaration,
  ): Promise<(SetElement | MapElement)[]> {
    const elements: (SetElement | MapElement)[] = [];
    const at = { family: family as "ip" | "ip6", table: name, set: set.name };
    if (this.interruptions > 0) throw new Error("read while dumps are interrupted");
    await dumpElements(this, at, (raw) => void elements.push(readElement(set, raw)));
    return elements;
  }

  // --- transactions ------------------------------------------------------------------------------------------------------

  /** As nft makes them. */
  run(changes: readonly TableChange[]): Promise<TransactionAnswer> {
    const size = changes.flatMap(({ elements }) => elements).reduce((sum, { added }) => sum + added.length, 0);
    const errno = this.refusal(size, true) || this.make((state) => applyAll(state, changes));
    if (errno === 0) return Promise.resolve({ kind: "done" });
    return Promise.resolve({ kind: "refused", reason: reasonOfError(errno), message: wordsOf(errno) });
  }

  /** The same by somebody else, whom nothing refuses. */
  async runAsOther(changes: readonly TableChange[]): Promise<void> {
    const { refusal } = this;
    this.refusal = () => 0;
    const answer = await this.run(changes);
    this.refusal = refusal;
    if (answer.kind !== "done") throw new Error(answer.message);
  }

  commit(batch: Buffer): Promise<number> {
    const messages = [...messagesOf(batch)];
    if (messages[0]?.type !== TYPE.begin || messages.at(-1)?.type !== TYPE.end) throw new Error("no whole batch");
    const size = messages.slice(1, -1).reduce((sum, { elements }) => sum + elements.length, 0);
    this.batches.push(size);
    return Promise.resolve(
      this.refusal(size, false) || this.make((state) => applyMessages(state, messages.slice(1, -1))),
    );
  }

  /** All of it, or nothing. Gives the number of the error. */
  private make(change: (state: State) => number): number {
    const { tables, sets } = this.state;
    const next = { tables: new Map(tables), sets: new Map([...sets].map(([at, held]) => [at, new Map(held)])) };
    const errno = change(next);
    if (errno !== 0) return errno;
    this.state = next;
    this.past.push(next);
    this.commits++;
    this.onCommit();
    return 0;
  }

  // --- questions ---------------------------------------------------------------------------------------------------------

  ask(message: Buffer, part: (messages: Buffer) => void = () => undefined): Promise<void> {
    const [asked] = messagesOf(message);
    if (asked?.type !== TYPE.dump) throw new Error("only elements can be asked for");
    const held = this.state.sets.get(asked.at);
    if (held === undefined) return Promise.reject(new NetfilterTrouble("no such set", NO_ENTRY));
    const isInterrupted = this.interruptions > 0 && (this.interruptedSet ?? asked.set) === asked.set;
    if (isInterrupted) this.interruptions--;
    const elements = [...held.values()];
    // Few in a message, and what was interrupted is not all.
    for (let from = 0; from < elements.length; from += 3) {
      const list = attribute(3, ...elements.slice(from, from + 3));
      const body = [attribute(1, text(asked.table)), attribute(2, text(asked.set)), list];
      part(dumped(body, isInterrupted ? INTERRUPTED : 0));
      if (isInterrupted) break;
    }
    if (elements.length === 0 && isInterrupted) part(dumped([], INTERRUPTED));
    if (isInterrupted) this.onInterruption();
    return Promise.resolve();
  }
}

function dumped(attributes: readonly Buffer[], flags: number): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), ...attributes]);
  return Buffer.concat([u32(16 + body.length), u16(TYPE.add), u16(flags), u32(0), u32(0), body]);
}

interface Message {
  readonly type: number;
  readonly at: string;
  readonly table: string;
  readonly set: string;
  /** Each with its head. */
  readonly elements: readonly Buffer[];
}

function* messagesOf(bytes: Buffer): Generator<Message> {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const found = attributesIn(bytes, at + 20, at + length);
    const [table, set] = [1, 2].map((type) => found.get(type)?.toString("latin1").split("\0", 1)[0] ?? "");
    const list = found.get(3) ?? Buffer.alloc(0);
    const elements: Buffer[] = [];
    for (let from = 0; from + 4 <= list.length; ) {
      const end = from + ((list.readUInt16LE(from) + 3) & ~3);
      elements.push(Buffer.from(list.subarray(from, end)));
      from = end;
    }
    const place = `${FAMILIES.get(bytes[at + 16] ?? 0)} ${table} ${set}`;
    yield { type: bytes.readUInt16LE(at + 4), at: place, table: table ?? "", set: set ?? "", elements };
    at += (length + 3) & ~3;
  }
}

function applyMessages({ sets }: State, messages: readonly Message[]): number {
  for (const { type, at, elements } of messages) {
    const held = sets.get(at);
    if (held === undefined) return NO_ENTRY;
    for (const element of elements) {
      const key = keyOf(element);
      if (type === TYPE.remove && !held.delete(key)) return NO_ENTRY;
      if (type !== TYPE.add) continue;
      const there = held.get(key);
      // Who adds what is there has done nothing.
      if (there !== undefined && !there.equals(element)) return EXISTS;
      const isInterval = there === undefined && keysOf(element)[1].length > 0;
      if (isInterval && [...held.values()].some((other) => overlap(other, element))) return EXISTS;
      held.set(key, element);
    }
  }
  return 0;
}

/** The first key of an element, and the last, of no bytes where it is one key. */
function keysOf(element: Buffer): readonly [from: Buffer, to: Buffer] {
  const found = attributesIn(element, 4, element.length);
  const [from, to] = [1, 10].map((type) => attributesOf(found.get(type)).get(1) ?? Buffer.alloc(0));
  return [from ?? Buffer.alloc(0), to ?? Buffer.alloc(0)];
}

function keyOf(element: Buffer): string {
  return keysOf(element)
    .map((key) => key.toString("hex"))
    .join(" ");
}

/** Whether two intervals have a key in common. Each part of a key fills whole words. */
function overlap(one: Buffer, other: Buffer): boolean {
  const [[from, to], [otherFrom, otherTo]] = [keysOf(one), keysOf(other)];
  if (to.length === 0 || otherTo.length === 0) return false;
  const words = Array.from({ length: to.length / 4 }, (_, i) => 4 * i);
  return words.every(
    (at) => from.readUInt32BE(at) <= otherTo.readUInt32BE(at) && otherFrom.readUInt32BE(at) <= to.readUInt32BE(at),
  );
}

function applyAll(state: State, changes: readonly TableChange[]): number {
  for (const change of changes) {
    const { family, name, elements } = change;
    try {
      const table = applyChange(state.tables.get(family), { ...change, elements: [] });
      if (table === undefined) state.tables.delete(family);
      else state.tables.set(family, table);
    } catch {
      return NO_ENTRY;
    }
    const there = state.tables.get(family);
    const declared = [...(there?.sets ?? []), ...(there?.maps ?? [])].map((set) => `${family} ${name} ${set.name}`);
    const isAnew = change.table === "remade";
    for (const at of state.sets.keys())
      if (at.startsWith(`${family} `) && (isAnew || !declared.includes(at))) state.sets.delete(at);
    for (const at of declared) if (!state.sets.has(at)) state.sets.set(at, new Map());
    const batch = new ElementBatch();
    const known = elements.filter(({ of }) => hasKnownBytes({ ...of, elements: [] }));
    const bare = { ...change, sets: [], maps: [], chains: [], table: "kept" as const, elements: known };
    new ExpectedElements().apply(bare, batch);
    const errno = applyMessages(state, [...messagesOf(batch.finish())].slice(1, -1));
    if (errno !== 0) return errno;
  }
  return 0;
}
