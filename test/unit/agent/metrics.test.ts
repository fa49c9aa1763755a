import { expect, test } from "vitest";
import { AgentCounts, type Measured, printMetrics } from "../../../runtime/agent/metrics.ts";
import { KUBE_PROXY_METRICS, namesIn } from "../../support/kube-proxy-metrics.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

function measured(counts: AgentCounts, more: Partial<Measured> = {}): Measured {
  return {
    counts,
    watchStates: new Map(),
    withoutLocal: [],
    elements: new Map(),
    findings: new Map(),
    requests: [],
    reported: new Map(),
    ...more,
  };
}

/** The values by name and labels, without buckets. */
function valuesOf(text: string): Record<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#") && !line.includes("_bucket{"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
  );
}

const slice = (trigger: string): Readonly<Record<string, unknown>> => ({
  metadata: { annotations: { "endpoints.kubernetes.io/last-change-trigger-time": trigger } },
});

test("have the names that kube-proxy's nftables mode has", () => {
  const names = namesIn(printMetrics(measured(new AgentCounts())));
  expect(names.filter((name) => name.startsWith("kubeproxy_")).sort()).toEqual([...KUBE_PROXY_METRICS].sort());
});

test("count an event as pending until the kernel has it, and how long that took since the Pods changed", () => {
  const counts = new AgentCounts();
  counts.event("EndpointSlice", slice("2025-12-31T23:00:00Z"), START - 1000);
  counts.allTaken();
  counts.settled(START);
  counts.startedAt = START;
  counts.event("EndpointSlice", slice("2026-01-01T00:00:01Z"), START + 1500);
  counts.event("EndpointSlice", slice("yesterday"), START + 1600);
  counts.event("EndpointSlice", undefined, START + 1700);
  counts.event("Service", { metadata: null }, START + 2000);
  const pending = (): number[] => {
    const values = valuesOf(printMetrics(measured(counts)));
    return ["endpoint", "service"].map((what) => values[`kubeproxy_sync_proxy_rules_${what}_changes_pending`] ?? -1);
  };
  expect(pending()).toEqual([3, 1]);
  counts.synced("partial", 4, START + 3000);
  counts.allTaken();
  counts.settled(START + 3000);
  expect(pending()).toEqual([0, 0]);
  expect(valuesOf(printMetrics(measured(counts)))).toMatchObject({
    kubeproxy_network_programming_duration_seconds_count: 1,
    kubeproxy_network_programming_duration_seconds_sum: 2,
    kubeproxy_sync_proxy_rules_endpoint_changes_total: 4,
    kubeproxy_sync_proxy_rules_service_changes_total: 1,
    kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds: START / 1000 + 2,
    kubeproxy_sync_proxy_rules_last_timestamp_seconds: START / 1000 + 3,
    kubeproxy_sync_proxy_rules_duration_seconds_count: 1,
    kubeproxy_sync_partial_proxy_rules_duration_seconds_sum: 0.004,
    kubeproxy_sync_full_proxy_rules_duration_seconds_count: 0,
  });
});

test("tell of answers, of Services without endpoints on this node, and of events", () => {
  const counts = new AgentCounts();
  for (const [path, status] of [["/healthz", 200] as const, ["/healthz", 503] as const, ["/livez", 200] as const])
    counts.answered(path, status);
  counts.answered("/other", 404);
  counts.forgot(3, 20);
  const withoutLocal = [
    { IPv4: { internal: 1, external: 2 }, IPv6: { internal: 0, external: 0 } },
    { IPv4: { internal: 0, external: 1 }, IPv6: { internal: 0, external: 4 } },
  ];
  const text = printMetrics(measured(counts, { withoutLocal, reported: new Map([["sent", 5]]) }));
  expect(valuesOf(text)).toMatchObject({
    'kubeproxy_proxy_healthz_total{code="200"}': 1,
    'kubeproxy_proxy_healthz_total{code="503"}': 1,
    'kubeproxy_proxy_livez_total{code="200"}': 1,
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="internal",ip_family="IPv4"}': 1,
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external",ip_family="IPv4"}': 3,
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external",ip_family="IPv6"}': 4,
    kubeproxy_conntrack_reconciler_deleted_entries_total: 3,
    kubeproxy_conntrack_reconciler_sync_duration_seconds_count: 1,
    'kpc_events_total{result="sent"}': 5,
  });
});
