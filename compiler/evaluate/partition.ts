/** Putting the streams of a state together again that fare alike. */

import type { Region } from "./region.ts";
import { type Control, narrow, type State, type Stream, TINY } from "./state.ts";

interface Part<Flow> {
  readonly control: Control;
  readonly flow: Flow;
  readonly streams: Stream[];
}

/** What becomes of the streams of one state. */
export class Partition<Flow extends string> {
  private readonly whole: State;
  private readonly parts: Part<Flow>[] = [];

  constructor(whole: State) {
    this.whole = whole;
  }

  /** `control`: the same object for streams that fare alike. */
  add(stream: Stream, flow: Flow, control = this.whole.control): void {
    for (const part of this.parts) {
      if (part.control !== control || part.flow !== flow) continue;
      part.streams.push(stream);
      return;
    }
    this.parts.push({ control, flow, streams: [stream] });
  }

  /** The state itself where nothing has become of it. */
  get progress(): { readonly state: State; readonly flow: Flow }[] {
    const { control, streams } = this.whole;
    return this.parts.map((part) => {
      const isWhole =
        part.control === control &&
        part.streams.length === streams.length &&
        part.streams.every((stream, i) => stream === streams[i]);
      return { state: isWhole ? this.whole : { control: part.control, streams: part.streams }, flow: part.flow };
    });
  }
}

/** Sorts the branches of one stream: those that all of its packets take alike are one for each flow. */
export class Split<Flow extends string> {
  private readonly partition: Partition<Flow>;
  private readonly stream: Stream;
  private readonly whole = new Map<Flow, number>();

  constructor(partition: Partition<Flow>, stream: Stream) {
    this.partition = partition;
    this.stream = stream;
  }

  add(region: Region, probability: number, flow: Flow): void {
    if (region === this.stream.region) this.whole.set(flow, (this.whole.get(flow) ?? 0) + probability);
    else this.partition.add(narrow(this.stream, region, probability), flow);
  }

  end(): void {
    for (const [flow, probability] of this.whole)
      if (probability > TINY) this.partition.add(narrow(this.stream, this.stream.region, probability), flow);
  }
}
