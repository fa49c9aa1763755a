/** Whole numbers of 31 bits, without an object for each. */
export class NumberColumn {
  private data: Int32Array;
  private length = 0;

  /** `room`: for as many there is room before it grows. */
  constructor(room: number) {
    this.data = new Int32Array(room);
  }

  push(value: number): void {
    if (this.length === this.data.length) {
      const larger = new Int32Array(2 * this.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length++] = value;
  }

  /** That which was pushed as number `i`, from 0. */
  at(i: number): number {
    return this.data[i] as number;
  }
}
