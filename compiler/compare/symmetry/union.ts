/** Sets of numbers that grow together. */
export class UnionFind {
  private readonly parents: Int32Array;

  /** Of the numbers below `count`, each in a set of its own. */
  constructor(count: number) {
    this.parents = new Int32Array(count);
    for (let i = 0; i < count; i++) this.parents[i] = i;
  }

  /** The number that stands for the set of `member`. */
  find(member: number): number {
    const { parents } = this;
    let at = member;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number;
      at = parents[at] as number;
    }
    return at;
  }

  join(first: number, second: number): void {
    this.parents[this.find(second)] = this.find(first);
  }
}
