/** What is kept free in a table, for rows that come later. */
import type { Family } from "../../net/address.ts";

/** How many of something there is room for, where there are `count`. */
export type Room = (count: number) => number;

export const EXACT: Room = (count) => count;

/** Room for a quarter more, and some. */
export const ROOMY: Room = (count) => count + Math.ceil(count / 4 / STEP) * STEP + STEP;

const STEP = 256;

/** Places of a section that nothing uses, from the first to the one behind the last. */
export interface Free {
  readonly from: number;
  readonly end: number;
}

/** A table with room for more rows, and what of it is free. */
export interface RoomyTable {
  readonly bytes: Uint8Array;
  readonly endpoints: Readonly<Record<Family, { readonly sticky: Free; readonly plain: Free }>>;
  /** Records. */
  readonly extended: Free;
  /** Bytes. */
  readonly allowed: Free;
  readonly labels: Free;
}

/** Hands out free places. */
export class Area {
  private next: number;
  private readonly end: number;
  /** Places that were given back, by their size. */
  private readonly given = new Map<number, number[]>();
  /** How many use each place that was handed out. */
  private readonly uses = new Map<number, { readonly size: number; count: number }>();

  constructor({ from, end }: Free) {
    this.next = from;
    this.end = end;
  }

  /** The first of `size` neighbouring places, for one user; undefined when there is no room. */
  take(size: number): number | undefined {
    let at = this.given.get(size)?.pop();
    if (at === undefined) {
      if (this.next + size > this.end) return undefined;
      at = this.next;
      this.next += size;
    }
    this.uses.set(at, { size, count: 1 });
    return at;
  }

  /** One more uses the places from `at` on. */
  share(at: number): void {
    const use = this.uses.get(at);
    if (use !== undefined) use.count++;
  }

  /** One less uses them; gives whether nobody does any more. What was in use from the beginning on stays as it is: nobody knows how
   *  many use it. */
  release(at: number): boolean {
    const use = this.uses.get(at);
    if (use === undefined || --use.count > 0) return false;
    this.uses.delete(at);
    const same = this.given.get(use.size);
    if (same === undefined) this.given.set(use.size, [at]);
    else same.push(at);
    return true;
  }
}
