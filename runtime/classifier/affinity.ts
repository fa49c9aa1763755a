/** Session affinity: which clients went to which endpoints, and until when that counts. */

export class Affinity {
  private readonly until = new Map<string, number>();

  /** Whether a client of an endpoint is remembered. `now` in seconds, from any beginning. */
  has(client: string, identity: number, now: number): boolean {
    const key = `${client} ${identity}`;
    const end = this.until.get(key);
    if (end === undefined) return false;
    if (end > now) return true;
    this.until.delete(key);
    return false;
  }

  remember(client: string, identity: number, now: number, seconds: number): void {
    this.until.set(`${client} ${identity}`, now + seconds);
  }

  /** Forgets those whose time is over. */
  forget(now: number): void {
    for (const [key, end] of this.until) if (end <= now) this.until.delete(key);
  }
}
