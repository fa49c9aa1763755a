/** Sets of marks of elements: hundreds of thousands of them, in eight to sixteen bytes each. */

const FREE = 0;
const REMOVED = -1;

/** Integers above 0, which are spread evenly. */
export class MarkSet {
  private slots = new Float64Array(64);
  /** Slots that are not free: those of members, and of some that were. */
  private taken = 0;
  private members = 0;

  get size(): number {
    return this.members;
  }

  has(mark: number): boolean {
    return this.slots[this.find(mark)] === mark;
  }

  add(mark: number): void {
    const at = this.find(mark);
    if (this.slots[at] === mark) return;
    this.slots[at] = mark;
    this.members++;
    this.taken++;
    if (4 * this.taken > 3 * this.slots.length) this.rebuild();
  }

  delete(mark: number): void {
    const at = this.find(mark);
    if (this.slots[at] !== mark) return;
    this.slots[at] = REMOVED;
    this.members--;
  }

  /** Where it is, or the free slot at which the search for it ends. */
  private find(mark: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let at = (mark >>> 0) & mask;
    while (slots[at] !== mark && slots[at] !== FREE) at = (at + 1) & mask;
    return at;
  }

  /** With room for half as many again at least. */
  private rebuild(): void {
    const old = this.slots;
    let length = 64;
    while (length < 2 * this.members) length *= 2;
    this.slots = new Float64Array(length);
    this.taken = this.members;
    for (const mark of old) if (mark > FREE) this.slots[this.find(mark)] = mark;
  }
}
