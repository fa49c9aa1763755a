/** A graph of many nodes, by their numbers: a table may have a million jumps. */
export class Adjacency {
  /** The edges of node i are those from `starts[i]` to `starts[i + 1]`. */
  private readonly starts: Int32Array;
  private readonly ends: Int32Array;

  /** The edges lead from those of `from` to those of `to`, of `count` nodes. */
  constructor(count: number, from: readonly number[], to: readonly number[]) {
    const places = new Int32Array(count + 1);
    for (const node of from) places[node + 1] = (places[node + 1] as number) + 1;
    for (let i = 0; i < count; i++) places[i + 1] = (places[i + 1] as number) + (places[i] as number);
    this.starts = places.slice();
    this.ends = new Int32Array(to.length);
    for (let i = 0; i < to.length; i++) {
      const node = from[i] as number;
      const place = places[node] as number;
      this.ends[place] = to[i] as number;
      places[node] = place + 1;
    }
  }

  /** The nodes to which the edges of `node` lead, some more than once. */
  from(node: number): Int32Array {
    return this.ends.subarray(this.starts[node], this.starts[node + 1]);
  }
}
