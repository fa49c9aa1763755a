/** Names of metrics of kube-proxy. */

/** Those of its nftables mode (1.37). `test/long/kube-proxy-metrics.test.ts` asks the real one. */
export const KUBE_PROXY_METRICS = [
  "kubeproxy_conntrack_reconciler_deleted_entries_total",
  "kubeproxy_conntrack_reconciler_sync_duration_seconds",
  "kubeproxy_network_programming_duration_seconds",
  "kubeproxy_proxy_healthz_total",
  "kubeproxy_proxy_livez_total",
  "kubeproxy_sync_full_proxy_rules_duration_seconds",
  "kubeproxy_sync_partial_proxy_rules_duration_seconds",
  "kubeproxy_sync_proxy_rules_duration_seconds",
  "kubeproxy_sync_proxy_rules_endpoint_changes_pending",
  "kubeproxy_sync_proxy_rules_endpoint_changes_total",
  "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
  "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
  "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total",
  "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
  "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
  "kubeproxy_sync_proxy_rules_service_changes_pending",
  "kubeproxy_sync_proxy_rules_service_changes_total",
] as const;

/** The names in a text for Prometheus, by its TYPE lines. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name);
}
