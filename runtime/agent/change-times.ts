/** Since when changes wait: those that no transaction has yet, and those that the kernel does not have yet. */
export class ChangeTimes {
  /** When the first of those came that no transaction has; infinite: there is none. */
  firstAt = Number.POSITIVE_INFINITY;
  /** When the last change came. */
  lastAt = Number.NEGATIVE_INFINITY;
  private takenAt = Number.POSITIVE_INFINITY;

  came(now: number): void {
    this.lastAt = now;
    this.firstAt = Math.min(this.firstAt, now);
  }

  /** All that came is in transactions, which are not made yet. */
  taken(): void {
    this.takenAt = this.oldestAt;
    this.firstAt = Number.POSITIVE_INFINITY;
  }

  /** What was taken is in the kernel. */
  settled(): void {
    this.takenAt = Number.POSITIVE_INFINITY;
  }

  /** When the oldest change came that the kernel does not have; infinite: it has all. */
  get oldestAt(): number {
    return Math.min(this.takenAt, this.firstAt);
  }
}
