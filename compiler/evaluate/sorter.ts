/** Putting the streams of a state together again that fare alike. */

import type { Region } from "./region.ts";
import { type Control, narrow, type State, type Stream, TINY } from "./state.ts";

interface Heap<Flow> {
  readonly control: Control;
  readonly flow: Flow;
  readonly streams: Stream[];
}

/** What becomes of the streams of one state. */
export class Sorter<Flow extends string> {
  private readonly whole: State;
  private readonly heaps: Heap<Flow>[] = [];

  constructor(whole: State) {
    this.whole = whole;
  }

  /** `control`: the same object for streams that fare alike. */
  add(stream: Stream, flow: Flow, control = this.whole.control): void {
    for (const heap of this.heaps) {
      if (heap.control !== control || heap.flow !== flow) continue;
      heap.streams.push(stream);
      return;
    }
    this.heaps.push({ control, flow, streams: [stream] });
  }

  /** The state itself where nothing has become of it. */
  get progress(): { readonly state: State; readonly flow: Flow }[] {
    const { control, streams } = this.whole;
    return this.heaps.map((heap) => {
      const isWhole =
        heap.control === control &&
        heap.streams.length === streams.length &&
        heap.streams.every((stream, i) => stream === streams[i]);
      return { state: isWhole ? this.whole : { control: heap.control, streams: heap.streams }, flow: heap.flow };
    });
  }
}

/** Sorts the branches of one stream: those that all of its packets take alike are one for each flow. */
export class Fork<Flow extends string> {
  private readonly sorter: Sorter<Flow>;
  private readonly stream: Stream;
  private readonly whole = new Map<Flow, number>();

  constructor(sorter: Sorter<Flow>, stream: Stream) {
    this.sorter = sorter;
    this.stream = stream;
  }

  add(region: Region, probability: number, flow: Flow): void {
    if (region === this.stream.region) this.whole.set(flow, (this.whole.get(flow) ?? 0) + probability);
    else this.sorter.add(narrow(this.stream, region, probability), flow);
  }

  end(): void {
    for (const [flow, probability] of this.whole)
      if (probability > TINY) this.sorter.add(narrow(this.stream, this.stream.region, probability), flow);
  }
}
