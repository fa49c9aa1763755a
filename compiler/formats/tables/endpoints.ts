/** All endpoints of a family in one row: lists that equal each other share their place. */
import { required } from "../../invariant.ts";
import type { Endpoint, EndpointList, PortRow } from "../../tabulate/types.ts";

/** Where the lists of a row are: the second behind the first. */
export interface Place {
  readonly base: number;
  readonly counts: readonly [first: number, second: number];
}

export class Endpoints {
  readonly all: Endpoint[] = [];
  /** Of the first of them: those that clients are remembered for. */
  readonly identities: number[];
  private readonly numbers = new Map<EndpointList, number>();
  private readonly places = new Map<string, number>();

  constructor(rows: readonly PortRow["lists"][]) {
    const distinct = new Map(rows.filter((lists) => lists.length > 0).map((lists) => [this.textOf(lists), lists]));
    const isSticky = (lists: PortRow["lists"]): boolean =>
      lists.some((list) => list.some(({ identity }) => identity !== 0));
    const sticky = [...distinct.values()].filter(isSticky);
    const others = [...distinct.values()].filter((lists) => !isSticky(lists));
    // Longer ones first: what is part of one need not be written again.
    for (const lists of sticky.sort((a, b) => b.length - a.length)) this.write(lists);
    this.identities = this.all.map(({ identity }) => identity);
    for (const lists of others.sort((a, b) => b.length - a.length)) this.write(lists);
  }

  place(lists: PortRow["lists"]): Place {
    const [first = [], second = []] = lists;
    if (lists.length === 0) return { base: 0, counts: [0, 0] };
    return {
      base: required(this.places.get(this.textOf(lists)), "all lists have places"),
      counts: [first.length, second.length],
    };
  }

  private write(lists: PortRow["lists"]): void {
    const text = this.textOf(lists);
    if (this.places.has(text)) return;
    this.places.set(text, this.all.length);
    for (const list of lists) {
      const alone = this.textOf([list]);
      if (!this.places.has(alone)) this.places.set(alone, this.all.length);
      this.all.push(...list);
    }
  }

  private textOf(lists: PortRow["lists"]): string {
    return lists
      .map((list) => {
        const number = this.numbers.get(list) ?? this.numbers.size;
        this.numbers.set(list, number);
        return number;
      })
      .join();
  }
}
