/** Makes the elements in the kernel's sets and maps what they should be. */
import type { ElementsChange, TableChange } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import type { TablePiece } from "../../compiler/updates/node-tables.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import { Digest } from "../table/digest.ts";
import { commitBatch, ElementBatch, type ElementPlace, placeOf } from "../table/element-batch.ts";
import { bytesOfElement, bytesOfRaw, digestBytes, type ElementBytes } from "../table/element-bytes.ts";
import { MarkSet } from "../table/mark-set.ts";
import type { NetlinkPort } from "../table/netfilter.ts";
import { dumpElements } from "../table/nf-tables.ts";
import { type ExpectedElements, type ExpectedSet, keyOfSet } from "./expected-elements.ts";

export interface WantedElements {
  /** The tables without what Services have in them. */
  emptyTables(): readonly Table[];
  /** What Services have in them, `limit` of them at a time. */
  pieces(limit: number): Iterable<TablePiece>;
}

export interface RestoredElements {
  readonly answer: TransactionAnswer;
  /** How many sets and maps differed. */
  readonly differed: number;
  readonly transactions: number;
}

/** How much is worked at together. */
export interface PieceSize {
  readonly services: number;
  /** From so many on elements are sent, of as many Services as it takes. */
  readonly elements: number;
}

/** A set or map whose elements are others than expected. */
interface Wrong {
  readonly place: ElementPlace;
  /** Marks of those that are there, and should be. */
  readonly present: MarkSet;
  /** Those that should not be there, by key. */
  readonly stale: Map<string, Pick<ElementBytes, "key" | "end" | "comment">>;
}

/** Sets and maps that differ are compared with `wanted`, and changed piece by piece, `size` at a time. What is there and belongs to no Service goes
 *  in the end, or first: what leads packets before what it leads them to. */
export async function restoreElements(
  netfilter: NetlinkPort,
  wanted: WantedElements,
  expected: ExpectedElements,
  { size, isStaleFirst }: { readonly size: PieceSize; readonly isStaleFirst: boolean },
): Promise<RestoredElements> {
  const wrong = await findWrong(netfilter, expected);
  if (wrong.size === 0) return { answer: { kind: "done" }, differed: 0, transactions: 0 };
  const repair = new Repair(netfilter, wrong, size.elements);
  if (isStaleFirst) await repair.removeRest();
  repair.addMissing(wanted.emptyTables().map(elementsOf));
  for (const { services: names, changes } of wanted.pieces(size.services)) {
    repair.addMissing(changes);
    repair.removeStaleOf(names);
    if (!(await repair.sendSome())) break;
  }
  await repair.removeRest();
  const { answer, transactions } = await repair.end();
  return { answer, differed: wrong.size, transactions };
}

async function findWrong(netfilter: NetlinkPort, expected: ExpectedElements): Promise<Map<string, Wrong>> {
  const wrong = new Map<string, Wrong>();
  for (const set of expected.all()) {
    const found = await compareSet(netfilter, set);
    if (found !== undefined) wrong.set(keyOfSet(set.at.family, set.at.set), found);
  }
  return wrong;
}

/** Undefined: it holds what it should. */
async function compareSet(netfilter: NetlinkPort, { at, digest, marks }: ExpectedSet): Promise<Wrong | undefined> {
  let there = new Digest();
  let present = new MarkSet();
  const stale: Wrong["stale"] = new Map();
  await dumpElements(
    netfilter,
    at,
    (raw) => {
      const bytes = bytesOfRaw(raw);
      const mark = digestBytes(there, bytes);
      if (marks.has(mark)) present.add(mark);
      // The bytes are those of a message that is gone soon.
      else stale.set(keyTextOf(bytes), { key: copy(bytes.key), end: copy(bytes.end), comment: bytes.comment });
    },
    () => {
      there = new Digest();
      present = new MarkSet();
      stale.clear();
    },
  );
  if (there.toString() === digest.toString()) return undefined;
  return { place: at, present, stale };
}

function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}

function keyTextOf({ key, end }: Pick<ElementBytes, "key" | "end">): string {
  return `${Buffer.from(key).toString("latin1")}|${Buffer.from(end).toString("latin1")}`;
}

/** Those of a table that no Service has put there. */
function elementsOf({ family, name, sets, maps }: Table): TableChange {
  const elements = [...maps, ...sets].map(({ elements: added, ...of }): ElementsChange => ({ of, removed: [], added }));
  const retired = { sets: [], maps: [], chains: [], objects: [] };
  return { family, name, table: "kept", sets: [], maps: [], chains: [], elements, retired };
}

class Repair {
  private readonly netfilter: NetlinkPort;
  private readonly wrong: ReadonlyMap<string, Wrong>;
  private readonly most: number;
  /** Stale elements with the name of a Service, by that. */
  private readonly named = new Map<string, (readonly [Wrong, key: string])[]>();
  private batch = new ElementBatch();
  /** The transaction that is being made. */
  private sent: Promise<TransactionAnswer> = Promise.resolve({ kind: "done" });
  private isRefused = false;
  private transactions = 0;
  private readonly digest = new Digest();

  /** `most`: elements are sent from so many on. */
  constructor(netfilter: NetlinkPort, wrong: ReadonlyMap<string, Wrong>, most: number) {
    this.netfilter = netfilter;
    this.wrong = wrong;
    this.most = most;
    for (const each of wrong.values())
      for (const [key, { comment }] of each.stale) {
        if (comment.length === 0) continue;
        const service = serviceIn(comment);
        const list = this.named.get(service) ?? [];
        this.named.set(service, list);
        list.push([each, key]);
      }
  }

  addMissing(changes: readonly TableChange[]): void {
    for (const change of changes)
      for (const { of, added } of change.elements) {
        const wrong = this.wrong.get(keyOfSet(change.family, of.name));
        if (wrong === undefined) continue;
        const set = { ...of, elements: [] };
        const place = placeOf(change, of);
        for (const element of added) {
          const bytes = bytesOfElement(set, element);
          if (wrong.present.has(digestBytes(this.digest, bytes))) continue;
          if (wrong.stale.size > 0) this.remove(wrong, keyTextOf(bytes));
          this.batch.add(place, bytes);
        }
      }
  }

  /** What leads packets to Services in a way that they should not go. */
  removeStaleOf(services: Iterable<string>): void {
    for (const service of services) for (const [wrong, key] of this.named.get(service) ?? []) this.remove(wrong, key);
  }

  /** All that is stale by now. */
  async removeRest(): Promise<void> {
    for (const service of this.named.keys()) {
      this.removeStaleOf([service]);
      await this.sendSome();
    }
    // No verdict leads to what is left.
    await this.send();
    for (const wrong of this.wrong.values())
      for (const key of [...wrong.stale.keys()]) {
        this.remove(wrong, key);
        await this.sendSome();
      }
  }

  /** Sends what is there when it is enough. False: something was refused. */
  async sendSome(): Promise<boolean> {
    if (this.batch.size >= this.most) await this.send();
    return !this.isRefused;
  }

  /** Sends what is there, once the kernel is done with what was sent before; nothing more where it has refused that. */
  private async send(): Promise<void> {
    const { batch } = this;
    this.isRefused = (await this.sent).kind === "refused";
    if (this.isRefused || batch.size === 0) return;
    this.transactions++;
    this.sent = commitBatch(this.netfilter, batch);
    this.batch = new ElementBatch();
  }

  async end(): Promise<Pick<RestoredElements, "answer" | "transactions">> {
    await this.send();
    return { answer: await this.sent, transactions: this.transactions };
  }

  private remove(wrong: Wrong, key: string): void {
    const stale = wrong.stale.get(key);
    if (stale === undefined) return;
    wrong.stale.delete(key);
    this.batch.remove(wrong.place, stale);
  }
}

/** `shop/web` of `shop/web:http`. */
function serviceIn(comment: Uint8Array): string {
  return Buffer.from(comment).toString("latin1").replace(/:.*/, "");
}
