/** Transactions of elements as netlink messages: what nft would send, without its memory for it. */
import { type ElementsChange, isOfElements, type TableChange } from "../../compiler/ir/table-change.ts";
import type { SetElement } from "../../compiler/ir/types.ts";
import { reasonOfError, type TransactionAnswer } from "./answers.ts";
import { type ElementBytes, hasKnownBytes } from "./element-bytes.ts";
import type { LiveFamily } from "./live-tables.ts";
import { type NetlinkPort, wordsOf } from "./netfilter.ts";
import { FAMILY } from "./nf-tables.ts";

/** A set or map whose elements change. */
export interface ElementPlace {
  readonly family: LiveFamily;
  readonly table: string;
  readonly set: string;
  /** Whether verdicts are added; elements go without theirs. */
  readonly holdsVerdicts?: boolean;
}

const BATCH = { begin: 0x10, end: 0x11 } as const;
const NF_TABLES = 10;
const MESSAGE = { add: (NF_TABLES << 8) | 12, remove: (NF_TABLES << 8) | 14 } as const;
const FLAG = { request: 1, acknowledge: 4, create: 0x400 } as const;
/** Of the type of an attribute that holds others. */
const NESTED = 0x8000;

type Verb = keyof typeof MESSAGE;

/** Attributes of a message, of an element, of its data and of a verdict. */
const LIST = { table: 1, set: 2, elements: 3 } as const;
const ELEMENT = { key: 1, data: 2, notes: 6, keyEnd: 10 } as const;
const DATA = { value: 1, verdict: 2 } as const;
const VERDICT = { code: 1, chain: 2 } as const;

/** The length of an attribute has 16 bits. */
const MOST_LIST_BYTES = 60_000;

/** More than the heads and the padding of one element, or of one message, take, and the end of a batch behind them. */
const HEADS = 96;

export class ElementBatch {
  private bytes: Buffer = Buffer.allocUnsafe(1 << 12);
  private at = 0;
  /** How many elements are added or removed. */
  size = 0;
  /** The message that is being written, and its list of elements: where they begin. */
  private message:
    | { readonly verb: Verb; readonly place: ElementPlace; readonly start: number; readonly list: number }
    | undefined;

  constructor() {
    this.head(BATCH.begin, FLAG.request, 0, NF_TABLES);
  }

  add(place: ElementPlace, element: ElementBytes): void {
    this.write("add", place, element);
  }

  remove(place: ElementPlace, { key, end }: Pick<ElementBytes, "key" | "end">): void {
    this.write("remove", place, { key, end, value: NONE, comment: NONE });
  }

  /** The whole batch; nothing can be added to it any more. */
  finish(): Buffer {
    const last = this.message;
    this.endMessage();
    // What was done is told once, for the last message.
    if (last !== undefined)
      this.bytes.writeUInt16LE(this.bytes.readUInt16LE(last.start + 6) | FLAG.acknowledge, last.start + 6);
    const start = this.at;
    this.head(BATCH.end, FLAG.request, 0, NF_TABLES);
    this.bytes.writeUInt32LE(this.at - start, start);
    this.bytes.writeUInt32LE(20, 0);
    return this.bytes.subarray(0, this.at);
  }

  private write(verb: Verb, place: ElementPlace, element: ElementBytes): void {
    this.size++;
    const { message } = this;
    const goesOn = message?.verb === verb && isSamePlace(message.place, place);
    if (!goesOn || this.at - message.list > MOST_LIST_BYTES) this.beginMessage(verb, place);
    const { key, end, value, comment } = element;
    this.room(key.length + end.length + value.length + comment.length);
    const start = this.openNested(LIST.table);
    this.nestedValue(ELEMENT.key, key);
    if (end.length > 0) this.nestedValue(ELEMENT.keyEnd, end);
    if (value.length > 0) {
      if (place.holdsVerdicts === true) this.verdict(value);
      else this.nestedValue(ELEMENT.data, value);
    }
    if (comment.length > 0) {
      const notes = this.open(ELEMENT.notes);
      this.bytes[this.at++] = 0; // a comment
      this.bytes[this.at++] = comment.length + 1;
      this.raw(comment);
      this.bytes[this.at++] = 0;
      this.close(notes);
    }
    this.close(start);
  }

  private verdict(value: Uint8Array): void {
    const [code, chain] = Buffer.from(value).toString("latin1").split(" ") as [string, string];
    const data = this.openNested(ELEMENT.data);
    const verdict = this.openNested(DATA.verdict);
    const at = this.open(VERDICT.code);
    this.bytes.writeInt32BE(Number(code), this.at);
    this.at += 4;
    this.close(at);
    if (chain !== "") this.text(VERDICT.chain, chain);
    this.close(verdict);
    this.close(data);
  }

  private beginMessage(verb: Verb, place: ElementPlace): void {
    const { family, table, set } = place;
    this.endMessage();
    this.room(table.length + set.length);
    const start = this.at;
    this.head(MESSAGE[verb], FLAG.request | (verb === "add" ? FLAG.create : 0), FAMILY[family], 0);
    this.text(LIST.table, table);
    this.text(LIST.set, set);
    this.message = { verb, place, start, list: this.openNested(LIST.elements) };
  }

  private endMessage(): void {
    const { message } = this;
    if (message === undefined) return;
    this.close(message.list);
    this.bytes.writeUInt32LE(this.at - message.start, message.start);
  }

  // --- bytes -------------------------------------------------------------------------------------------------------------

  private head(type: number, flags: number, family: number, resource: number): void {
    this.bytes.fill(0, this.at, this.at + 20);
    this.bytes.writeUInt16LE(type, this.at + 4);
    this.bytes.writeUInt16LE(flags, this.at + 6);
    this.bytes[this.at + 16] = family;
    this.bytes.writeUInt16BE(resource, this.at + 18);
    this.at += 20;
  }

  /** Begins an attribute: gives where. */
  private open(type: number): number {
    const start = this.at;
    this.short(start + 2, type);
    this.at += 4;
    return start;
  }

  private openNested(type: number): number {
    return this.open(type | NESTED);
  }

  private close(start: number): void {
    this.short(start, this.at - start);
    while ((this.at & 3) !== 0) this.bytes[this.at++] = 0;
  }

  /** Byte by byte: there is a million heads of attributes at a start, and none is longer than a list may be. */
  private short(at: number, value: number): void {
    this.bytes[at] = value & 255;
    this.bytes[at + 1] = value >> 8;
  }

  private nestedValue(type: number, value: Uint8Array): void {
    const { length } = value;
    const { bytes, at } = this;
    const padded = (length + 3) & ~3;
    // The value's padding counts in what holds it.
    this.short(at, padded + 8);
    this.short(at + 2, type | NESTED);
    this.short(at + 4, length + 4);
    this.short(at + 6, DATA.value);
    for (let i = 0; i < length; i++) bytes[at + 8 + i] = value[i] as number;
    for (let i = length; i < padded; i++) bytes[at + 8 + i] = 0;
    this.at = at + 8 + padded;
  }

  private text(type: number, text: string): void {
    const start = this.open(type);
    this.at += this.bytes.write(text, this.at, "latin1");
    this.bytes[this.at++] = 0;
    this.close(start);
  }

  private raw(value: Uint8Array): void {
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** Makes room for one element, or the beginning of a message, with so many bytes of keys, values, comments and names. */
  private room(length: number): void {
    if (this.at + length + HEADS <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.bytes.length + length);
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

const NONE = new Uint8Array(0);

function isSamePlace(a: ElementPlace, b: ElementPlace): boolean {
  return a === b || (a.set === b.set && a.family === b.family && a.table === b.table);
}

export function placeOf({ family, name }: TableChange, set: ElementsChange["of"]): ElementPlace {
  return {
    family: family as LiveFamily,
    table: name,
    set: set.name,
    holdsVerdicts: "data" in set && set.data === "verdict",
  };
}

function isPlainElement({ timeoutSeconds, statements }: SetElement): boolean {
  return timeoutSeconds === undefined && statements === undefined;
}

/** Whether `changes` can be a batch; else it takes nft to make them. */
export function areOfPlainElements(changes: readonly TableChange[]): boolean {
  return changes.every(
    (change) =>
      isOfElements(change) &&
      change.elements.every(({ of, added }) => hasKnownBytes({ ...of, elements: [] }) && added.every(isPlainElement)),
  );
}

/** Makes one transaction of `batch`. */
export async function commitBatch(netfilter: NetlinkPort, batch: ElementBatch): Promise<TransactionAnswer> {
  if (batch.size === 0) return { kind: "done" };
  let errno: number;
  try {
    errno = await netfilter.commit(batch.finish());
  } catch (error) {
    return { kind: "refused", reason: "ended", message: error instanceof Error ? error.message : String(error) };
  }
  if (errno === 0) return { kind: "done" };
  const message = `netfilter refuses: ${wordsOf(errno)}`;
  return { kind: "refused", reason: reasonOfError(errno), message };
}
