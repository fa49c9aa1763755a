/** What an agent counts, and how Prometheus reads it. */
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import type { TransactionAnswer } from "../table/answers.ts";

/** Upper bounds of buckets in seconds: 1 ms times 2^0 to 2^14, as kube-proxy's. */
const BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

/** A histogram of durations in seconds. */
export class Durations {
  readonly buckets = BUCKETS.map(() => 0);
  sum = 0;
  count = 0;

  add(seconds: number): void {
    this.sum += seconds;
    this.count++;
    for (const [i, bound] of BUCKETS.entries()) if (seconds <= bound) this.buckets[i] = (this.buckets[i] ?? 0) + 1;
  }

  /** The lines of a metric. */
  print(name: string): string[] {
    return [
      `# TYPE ${name} histogram`,
      ...BUCKETS.map((bound, i) => `${name}_bucket{le="${Number(bound.toFixed(3))}"} ${this.buckets[i]}`),
      `${name}_bucket{le="+Inf"} ${this.count}`,
      `${name}_sum ${this.sum}`,
      `${name}_count ${this.count}`,
    ];
  }
}

export class AgentCounts {
  readonly events = new Map<RuleKind, number>();
  readonly transactions = new Map<string, number>();
  readonly restores = new Map<string, number>();
  readonly drifts = new Map<string, number>();
  readonly transactionSeconds = new Durations();
  readonly syncSeconds = new Durations();
  failures = 0;
  /** Milliseconds since 1970; undefined: not yet. */
  startedAt: number | undefined;
  lastSyncAt: number | undefined;

  count(kind: RuleKind): void {
    add(this.events, kind);
  }

  transaction(answer: TransactionAnswer, milliseconds: number): void {
    add(this.transactions, answer.kind === "done" ? "done" : answer.reason);
    if (answer.kind === "done") this.transactionSeconds.add(milliseconds / 1000);
    else this.failures++;
  }

  synced(milliseconds: number, at: number): void {
    this.syncSeconds.add(milliseconds / 1000);
    this.lastSyncAt = at;
  }

  restored(why: string): void {
    add(this.restores, why);
  }

  drifted(what: string): void {
    add(this.drifts, what === "rules" ? "rules" : "elements");
  }
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
