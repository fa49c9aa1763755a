/** What an agent counts, and how Prometheus reads it. */
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import type { RequestCount } from "../api/client.ts";
import type { KindWatchState } from "../api/events.ts";
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
  connectionsDeleted = 0;
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

/** What metrics are made of besides the counts. */
export interface Measured {
  readonly counts: AgentCounts;
  readonly watchStates: ReadonlyMap<RuleKind, KindWatchState>;
  readonly waiting: number;
  readonly elements: ReadonlyMap<string, number>;
  readonly findings: ReadonlyMap<string, number>;
  readonly requests: readonly Readonly<RequestCount>[];
}

type Labelled = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/** The text that Prometheus reads. Names that kube-proxy has mean what they mean there. */
export function printMetrics({ counts, watchStates, waiting, elements, findings, requests }: Measured): string {
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const changes = (...kinds: readonly RuleKind[]): number =>
    kinds.reduce((sum, kind) => sum + (counts.events.get(kind) ?? 0), 0);
  const labelled = (map: ReadonlyMap<string, number>, label: string): Labelled =>
    [...map].map(([value, count]) => [{ [label]: value }, count]);
  const lines = [
    ...counts.syncSeconds.print("kubeproxy_sync_proxy_rules_duration_seconds"),
    ...counts.transactionSeconds.print("kpc_transaction_seconds"),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_last_timestamp_seconds", [[{}, (counts.lastSyncAt ?? 0) / 1000]]),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_endpoint_changes_pending", [[{}, waiting]]),
    ...metric("counter", "kubeproxy_sync_proxy_rules_endpoint_changes_total", [[{}, changes("EndpointSlice")]]),
    ...metric("counter", "kubeproxy_sync_proxy_rules_service_changes_total", [[{}, changes("Service")]]),
    ...metric("counter", "kubeproxy_sync_proxy_rules_nftables_sync_failures_total", [[{}, counts.failures]]),
    ...metric("counter", "kubeproxy_conntrack_reconciler_deleted_entries_total", [[{}, counts.connectionsDeleted]]),
    ...metric("counter", "kpc_transactions_total", labelled(counts.transactions, "result")),
    ...metric("counter", "kpc_restores_total", labelled(counts.restores, "reason")),
    ...metric("counter", "kpc_drift_total", labelled(counts.drifts, "kind")),
    ...metric("gauge", "kpc_elements", labelled(elements, "map")),
    ...metric("gauge", "kpc_findings", labelled(findings, "code")),
    ...metric(
      "gauge",
      "kpc_watch_age_seconds",
      [...watchStates].map(([kind, { ageMilliseconds }]) => [{ kind }, (ageMilliseconds ?? 0) / 1000]),
    ),
    ...metric(
      "counter",
      "kpc_relist_total",
      [...watchStates].flatMap(([kind, { lists }]) => [...lists].map(([reason, count]) => [{ kind, reason }, count])),
    ),
    ...metric(
      "counter",
      "rest_client_requests_total",
      requests.map(({ method, code, host, count }) => [{ code, host, method }, count]),
    ),
    ...metric("gauge", "process_resident_memory_bytes", [[{}, rss]]),
    ...metric("counter", "process_cpu_seconds_total", [[{}, (user + system) / 1e6]]),
  ];
  return `${lines.join("\n")}\n`;
}

function metric(
  type: "counter" | "gauge",
  name: string,
  values: readonly (readonly [Readonly<Record<string, string>>, number])[],
): string[] {
  return [
    `# TYPE ${name} ${type}`,
    ...values.map(([labels, value]) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
      return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
    }),
  ];
}
