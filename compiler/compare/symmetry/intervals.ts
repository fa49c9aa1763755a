/** Intervals of the values of each sort. */
import type { Named, Sort } from "./fields.ts";

export interface NamedInterval {
  readonly from: Named;
  readonly to: Named;
}

export class Intervals {
  private readonly known = new Map<string, NamedInterval>();

  add(from: Named, to: Named): void {
    this.known.set(`${from} ${to} ${typeof from}`, { from, to });
  }

  get all(): readonly NamedInterval[] {
    return [...this.known.values()];
  }

  get isEmpty(): boolean {
    return this.known.size === 0;
  }
}

/** One for each sort. */
export function bySort<Of>(make: (sort: Sort) => Of): Readonly<Record<Sort, Of>> {
  return { address: make("address"), port: make("port"), identity: make("identity") };
}
