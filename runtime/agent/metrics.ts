/** What an agent counts, and how Prometheus reads it. */

import { FAMILIES } from "../../compiler/net/address.ts";
import type { WithoutLocal } from "../../compiler/updates/service-facts.ts";
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import type { RequestCount } from "../api/client.ts";
import type { ApiObject, KindWatchState } from "../api/events.ts";
import { members } from "../api/trouble.ts";
import type { TransactionAnswer } from "../table/answers.ts";

/** Upper bounds of buckets in seconds, as kube-proxy's: 1 ms times 2^0 to 2^14. */
const BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

/** The same for what begins in another program: 0.25 and 0.5 s, each second to 59, each 5 to 115, each 30 to 300. */
const SLOW_BUCKETS = [
  ...[0.25, 0.5],
  ...Array.from({ length: 59 }, (_, i) => i + 1),
  ...Array.from({ length: 12 }, (_, i) => 60 + 5 * i),
  ...Array.from({ length: 7 }, (_, i) => 120 + 30 * i),
];

/** A histogram of durations in seconds. */
export class Durations {
  private readonly bounds: readonly number[];
  private readonly buckets: number[];
  private sum = 0;
  private count = 0;

  constructor(bounds = BUCKETS) {
    this.bounds = bounds;
    this.buckets = bounds.map(() => 0);
  }

  add(seconds: number): void {
    this.sum += seconds;
    this.count++;
    for (const [i, bound] of this.bounds.entries()) if (seconds <= bound) this.buckets[i] = (this.buckets[i] ?? 0) + 1;
  }

  /** The lines of a metric. */
  print(name: string): string[] {
    return [
      `# TYPE ${name} histogram`,
      ...this.bounds.map((bound, i) => `${name}_bucket{le="${Number(bound.toFixed(3))}"} ${this.buckets[i]}`),
      `${name}_bucket{le="+Inf"} ${this.count}`,
      `${name}_sum ${this.sum}`,
      `${name}_count ${this.count}`,
    ];
  }
}

/** When a change of Pods began that led to an EndpointSlice, as the controller of slices writes it. */
const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";

/** Changes of which it is kept when they began, until they are in the kernel. */
const MAX_TRIGGERS = 10_000;

export class AgentCounts {
  readonly events = new Map<RuleKind, number>();
  readonly transactions = new Map<string, number>();
  readonly restores = new Map<string, number>();
  readonly drifts = new Map<string, number>();
  readonly transactionSeconds = new Durations();
  readonly syncSeconds = new Durations();
  /** Of these, those of everything, and those of what had changed. */
  readonly fullSyncSeconds = new Durations();
  readonly partialSyncSeconds = new Durations();
  readonly programmingSeconds = new Durations(SLOW_BUCKETS);
  readonly conntrackSeconds = new Durations();
  /** Events that the kernel does not have yet. */
  readonly pending = new Map<RuleKind, number>();
  /** Answers of the health server, by path and status. */
  readonly healthAnswers = { healthz: new Map<number, number>(), livez: new Map<number, number>() };
  failures = 0;
  connectionsDeleted = 0;
  /** When changes of Pods began of which no transaction is made yet, and those that one is made of. */
  private readonly triggers: number[] = [];
  private readonly takenTriggers: number[] = [];
  /** Events that a transaction is made of. */
  private readonly taken = new Map<RuleKind, number>();
  /** Milliseconds since 1970; undefined: not yet. */
  startedAt: number | undefined;
  lastSyncAt: number | undefined;
  lastQueuedAt: number | undefined;

  /** An object has come, changed or gone; `at`: milliseconds since 1970. */
  event(kind: RuleKind, object: ApiObject | undefined, at: number): void {
    add(this.events, kind);
    add(this.pending, kind);
    this.lastQueuedAt = at;
    if (kind !== "EndpointSlice" || object === undefined) return;
    const text = members(members(object["metadata"])["annotations"])[TRIGGER_TIME];
    const began = typeof text === "string" ? Date.parse(text) : Number.NaN;
    // What was there before the agent says nothing about its speed.
    if (this.startedAt !== undefined && began >= this.startedAt && this.triggers.length < MAX_TRIGGERS)
      this.triggers.push(began);
  }

  /** A transaction is made of all events so far. */
  allTaken(): void {
    for (const [kind, count] of this.pending) this.taken.set(kind, count);
    this.takenTriggers.push(...this.triggers.splice(0));
  }

  /** The events that a transaction was made of are in the kernel. */
  settled(at: number): void {
    for (const [kind, count] of this.taken) this.pending.set(kind, (this.pending.get(kind) ?? 0) - count);
    this.taken.clear();
    for (const began of this.takenTriggers.splice(0)) this.programmingSeconds.add(Math.max(0, at - began) / 1000);
  }

  transaction(answer: TransactionAnswer, milliseconds: number): void {
    add(this.transactions, answer.kind === "done" ? "done" : answer.reason);
    if (answer.kind === "done") this.transactionSeconds.add(milliseconds / 1000);
    else this.failures++;
  }

  synced(kind: "full" | "partial", milliseconds: number, at: number): void {
    this.syncSeconds.add(milliseconds / 1000);
    (kind === "full" ? this.fullSyncSeconds : this.partialSyncSeconds).add(milliseconds / 1000);
    this.lastSyncAt = at;
  }

  forgot(connections: number, milliseconds: number): void {
    this.connectionsDeleted += connections;
    this.conntrackSeconds.add(milliseconds / 1000);
  }

  answered(path: string, status: number): void {
    if (path === "/healthz") add(this.healthAnswers.healthz, status);
    if (path === "/livez") add(this.healthAnswers.livez, status);
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
  readonly withoutLocal: Iterable<WithoutLocal>;
  readonly elements: ReadonlyMap<string, number>;
  readonly findings: ReadonlyMap<string, number>;
  readonly requests: readonly Readonly<RequestCount>[];
  /** Events of the API, by what became of them. */
  readonly reported: ReadonlyMap<string, number>;
}

type Labelled = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/** The text that Prometheus reads. Names that kube-proxy has mean what they mean there. */
export function printMetrics(measured: Measured): string {
  const { counts, watchStates, elements, findings, requests, reported } = measured;
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const changes = (...kinds: readonly RuleKind[]): number =>
    kinds.reduce((sum, kind) => sum + (counts.events.get(kind) ?? 0), 0);
  const pending = (...kinds: readonly RuleKind[]): number =>
    kinds.reduce((sum, kind) => sum + (counts.pending.get(kind) ?? 0), 0);
  const labelled = (map: ReadonlyMap<string | number, number>, label: string): Labelled =>
    [...map].map(([value, count]) => [{ [label]: String(value) }, count]);
  const { healthz, livez } = counts.healthAnswers;
  const lines = [
    ...counts.syncSeconds.print("kubeproxy_sync_proxy_rules_duration_seconds"),
    ...counts.fullSyncSeconds.print("kubeproxy_sync_full_proxy_rules_duration_seconds"),
    ...counts.partialSyncSeconds.print("kubeproxy_sync_partial_proxy_rules_duration_seconds"),
    ...counts.programmingSeconds.print("kubeproxy_network_programming_duration_seconds"),
    ...counts.conntrackSeconds.print("kubeproxy_conntrack_reconciler_sync_duration_seconds"),
    ...counts.transactionSeconds.print("kpc_transaction_seconds"),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_last_timestamp_seconds", [[{}, (counts.lastSyncAt ?? 0) / 1000]]),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", [
      [{}, (counts.lastQueuedAt ?? 0) / 1000],
    ]),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_endpoint_changes_pending", [[{}, pending("EndpointSlice")]]),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_service_changes_pending", [[{}, pending("Service")]]),
    ...metric("counter", "kubeproxy_sync_proxy_rules_endpoint_changes_total", [[{}, changes("EndpointSlice")]]),
    ...metric("counter", "kubeproxy_sync_proxy_rules_service_changes_total", [[{}, changes("Service")]]),
    ...metric("counter", "kubeproxy_sync_proxy_rules_nftables_sync_failures_total", [[{}, counts.failures]]),
    // What is no longer used goes in the transaction that makes it so.
    ...metric("counter", "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total", [[{}, 0]]),
    ...metric("gauge", "kubeproxy_sync_proxy_rules_no_local_endpoints_total", noLocalEndpoints(measured)),
    ...metric("counter", "kubeproxy_proxy_healthz_total", labelled(healthz, "code")),
    ...metric("counter", "kubeproxy_proxy_livez_total", labelled(livez, "code")),
    ...metric("counter", "kubeproxy_conntrack_reconciler_deleted_entries_total", [[{}, counts.connectionsDeleted]]),
    ...metric("counter", "kpc_transactions_total", labelled(counts.transactions, "result")),
    ...metric("counter", "kpc_restores_total", labelled(counts.restores, "reason")),
    ...metric("counter", "kpc_drift_total", labelled(counts.drifts, "kind")),
    ...metric("counter", "kpc_events_total", labelled(reported, "result")),
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
    ...metric("gauge", "process_start_time_seconds", [[{}, performance.timeOrigin / 1000]]),
  ];
  return `${lines.join("\n")}\n`;
}

function noLocalEndpoints({ withoutLocal }: Measured): Labelled {
  const all = [...withoutLocal];
  return FAMILIES.flatMap((family) =>
    (["internal", "external"] as const).map(
      (policy) =>
        [
          { traffic_policy: policy, ip_family: family },
          all.reduce((sum, each) => sum + each[family][policy], 0),
        ] as const,
    ),
  );
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
