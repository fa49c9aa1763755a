/** All endpoints of a family in one row: lists that equal each other share their place. */
import * as L from "../../../assembly/layout.ts";
import type { Address, Family } from "../../net/address.ts";
import type { PortRow, RowEndpoint, RowEndpoints } from "../../tabulate/types.ts";
import { splitAddress, WORD0, WORD1, WORD2, WORD3, WORDS } from "./address-words.ts";
import { swap32 } from "./bytes.ts";
import { EXACT, type Free, type Room } from "./room.ts";

export class Endpoints {
  /** Where the lists of each row begin, in the order of the rows: the second behind the first. */
  readonly bases: Uint32Array;
  /** How many endpoints there are. */
  readonly count: number;
  /** Of the first of them, what clients are remembered by. */
  readonly identities: Uint32Array;
  /** What is left free: behind the endpoints with identities, and behind all. */
  readonly free: { readonly sticky: Free; readonly plain: Free };
  /** Lists that clients are remembered at first; longest runs first. */
  private readonly written: { readonly list: RowEndpoints; readonly at: number }[] = [];

  constructor(rows: readonly PortRow[], room: Room = EXACT) {
    const { lists, firsts, seconds, runs } = numberLists(rows);
    const pairs = new Map<number, number>();
    const inPair = new Uint8Array(lists.length);
    for (let i = 0; i < rows.length; i++) {
      if (seconds[i] === NONE || runs.has(i)) continue;
      const [first, second] = [firsts[i] as number, seconds[i] as number];
      pairs.set(first * MAX_LISTS + second, NONE);
      inPair[first] = 1;
      inPair[second] = 1;
    }
    const sticky = new Uint8Array(lists.length);
    for (let i = 0; i < rows.length; i++) {
      const { lists: own, stickySeconds } = rows[i] as PortRow;
      if (stickySeconds === undefined) continue; // then identities are 0
      if (own[0] !== undefined) sticky[firsts[i] as number] = isSticky(own[0]);
      if (own[1] !== undefined) sticky[seconds[i] as number] = isSticky(own[1]);
      for (const [k, number] of (runs.get(i) ?? []).entries()) sticky[number] = isSticky(own[k] as RowEndpoints);
    }
    const places = new Uint32Array(lists.length).fill(NONE);
    let end = 0;
    const write = (number: number): void => {
      const list = lists[number] as RowEndpoints;
      if (places[number] === NONE) places[number] = end;
      this.written.push({ list, at: end });
      end += list.length;
    };
    const runBases = new Map<string, number>();
    let keeping: Free = { from: 0, end: 0 };
    // Of lists that are part of a pair no copy is needed.
    for (const wanted of [1, 0]) {
      for (const pair of pairs.keys()) {
        const [first, second] = [Math.floor(pair / MAX_LISTS), pair % MAX_LISTS];
        if (((sticky[first] as number) | (sticky[second] as number)) !== wanted) continue;
        pairs.set(pair, end);
        write(first);
        write(second);
      }
      for (const run of runs.values()) {
        if (run.some((number) => sticky[number] === 1) !== (wanted === 1)) continue;
        const text = run.join();
        if (runBases.has(text)) continue;
        runBases.set(text, end);
        for (const number of run) write(number);
      }
      for (let number = 0; number < lists.length; number++)
        if (places[number] === NONE && inPair[number] === 0 && sticky[number] === wanted) write(number);
      if (wanted === 1) {
        keeping = { from: end, end: room(end) };
        end = keeping.end;
      }
    }
    this.count = room(end);
    this.free = { sticky: keeping, plain: { from: end, end: this.count } };
    this.bases = new Uint32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const [first, second] = [firsts[i] as number, seconds[i] as number];
      if (first === NONE) continue;
      const run = runs.get(i);
      if (run !== undefined) this.bases[i] = runBases.get(run.join()) as number;
      else
        this.bases[i] = second === NONE ? (places[first] as number) : (pairs.get(first * MAX_LISTS + second) as number);
    }
    this.identities = new Uint32Array(keeping.end);
    for (const { list, at } of this.written) {
      if (at >= keeping.end) break;
      for (let i = 0; i < list.length; i++) this.identities[at + i] = (list[i] as RowEndpoint).identity;
    }
  }

  /** Writes ENDPOINT4 records, and the finger of each. */
  write4(records: Uint32Array, fingers: Uint8Array): void {
    for (const { list, at } of this.written) writeList4(list, at, records, fingers);
  }

  /** Writes ENDPOINT6 records, and the finger of each. */
  write6(records: Uint32Array, fingers: Uint8Array): void {
    for (const { list, at } of this.written) writeList6(list, at, records, fingers);
  }
}

function writeList4(list: RowEndpoints, first: number, records: Uint32Array, fingers: Uint8Array): void {
  for (let i = 0; i < list.length; i++) {
    const { address, port, endpointTreatment } = list[i] as RowEndpoint;
    const at = (first + i) * (L.ENDPOINT4_BYTES / 4);
    const word = swap32(address as number);
    records[at] = word;
    records[at + L.ENDPOINT4_PORT / 4] = aboutEndpoint(port, endpointTreatment);
    fingers[first + i] = fingerOf(word);
  }
}

function writeList6(list: RowEndpoints, first: number, records: Uint32Array, fingers: Uint8Array): void {
  for (let i = 0; i < list.length; i++) {
    const { address, port, endpointTreatment } = list[i] as RowEndpoint;
    const at = (first + i) * (L.ENDPOINT6_BYTES / 4);
    splitAddress(address as bigint);
    const a = swap32(WORDS[WORD0] as number);
    const b = swap32(WORDS[WORD1] as number);
    const c = swap32(WORDS[WORD2] as number);
    const d = swap32(WORDS[WORD3] as number);
    records[at] = a;
    records[at + 1] = b;
    records[at + 2] = c;
    records[at + 3] = d;
    records[at + L.ENDPOINT6_PORT / 4] = aboutEndpoint(port, endpointTreatment);
    fingers[first + i] = fingerOf(foldWords(a, b, c, d));
  }
}

/** Records of a list by itself, and their fingers. */
export function recordsOf(
  list: RowEndpoints,
  family: Family,
): { readonly records: Uint32Array; readonly fingers: Uint8Array } {
  const fingers = new Uint8Array(list.length);
  const records = new Uint32Array((list.length * (family === "IPv4" ? L.ENDPOINT4_BYTES : L.ENDPOINT6_BYTES)) / 4);
  if (family === "IPv4") writeList4(list, 0, records, fingers);
  else writeList6(list, 0, records, fingers);
  return { records, fingers };
}

/** 1 for lists with endpoints that clients are remembered for. */
export function isSticky(list: RowEndpoints): 0 | 1 {
  for (let i = 0; i < list.length; i++) if ((list[i] as RowEndpoint).identity !== 0) return 1;
  return 0;
}

const NONE = 0xffffffff;
/** Lists are numbered below it: pairs of numbers are exact as one. */
const MAX_LISTS = 2 ** 26;

/** A number for each list, and for each row those of its lists. */
function numberLists(rows: readonly PortRow[]): {
  readonly lists: readonly RowEndpoints[];
  readonly firsts: Uint32Array;
  readonly seconds: Uint32Array;
  /** Lists of rows that have more than two, which are few. */
  readonly runs: ReadonlyMap<number, readonly number[]>;
} {
  const lists: RowEndpoints[] = [];
  const numbers = new Map<RowEndpoints, number>();
  const numberOf = (list: RowEndpoints | undefined): number => {
    if (list === undefined) return NONE;
    let number = numbers.get(list);
    if (number === undefined) {
      number = lists.push(list) - 1;
      numbers.set(list, number);
    }
    return number;
  };
  const firsts = new Uint32Array(rows.length);
  const seconds = new Uint32Array(rows.length);
  const runs = new Map<number, readonly number[]>();
  for (let i = 0; i < rows.length; i++) {
    const { lists: own } = rows[i] as PortRow;
    firsts[i] = numberOf(own[0]);
    seconds[i] = numberOf(own[1]);
    if (own.length > 2) runs.set(i, own.map(numberOf));
  }
  return { lists, firsts, seconds, runs };
}

/** The port, and behind it the number of the treatment. */
function aboutEndpoint(port: number, endpointTreatment: number | undefined): number {
  return (
    port |
    ((endpointTreatment === undefined ? 0 : endpointTreatment + 1) << (8 * (L.ENDPOINT4_TREATMENT - L.ENDPOINT4_PORT)))
  );
}

function fingerOf(word: number): number {
  return Math.imul(word, L.HASH_A) >>> L.FINGER_SHIFT;
}

/** An IPv6 address as one word, as the engine folds it. */
export function fold6(address: Address): number {
  splitAddress(address as bigint);
  return foldWords(
    swap32(WORDS[WORD0] as number),
    swap32(WORDS[WORD1] as number),
    swap32(WORDS[WORD2] as number),
    swap32(WORDS[WORD3] as number),
  );
}

/** Words in the packet's byte order, highest first. */
function foldWords(a: number, b: number, c: number, d: number): number {
  return ((d + Math.imul(a ^ Math.imul(b, L.HASH_B), L.HASH_A)) ^ c) >>> 0;
}
