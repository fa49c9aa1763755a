/** The sections of a configuration that no Ingress decides: settings of the proxy. */
import type { HaproxySettings, ProxyTimeouts } from "../../proxy-settings.ts";
import { CERTIFICATE_LIST, type CertificateList } from "./certificates.ts";

/** As of HAProxy: the words behind `timeout`. */
const TIMEOUTS: ProxyTimeouts = { connect: "5s", client: "60s", server: "60s", "http-request": "10s", queue: "10s" };

/** `global` and `defaults`. */
export function printSettings(settings: HaproxySettings, hasTls: boolean): string[] {
  const { accessLog = false, timeouts = {} } = settings;
  return [
    "",
    "global",
    "  default-path config",
    ...(!hasTls ? [] : ["  ssl-default-bind-options ssl-min-ver TLSv1.2"]),
    ...(accessLog ? ["  log stdout format raw local0 info"] : []),
    "",
    "defaults",
    "  mode http",
    ...(accessLog ? ["  log global", "  option httplog"] : []),
    "  option forwardfor",
    ...Object.entries({ ...TIMEOUTS, ...timeouts }).map(([name, time]) => `  timeout ${name} ${time}`),
    "  default-server check inter 5s fall 2 rise 1",
    "",
  ];
}

/** The addresses where the frontend of Ingresses listens; `taken`: ports that others have. */
export function printListeners(
  settings: HaproxySettings,
  list: CertificateList | undefined,
  taken: ReadonlySet<number>,
): string[] {
  return [
    ...(taken.has(80) ? [] : printBinds(80, settings)),
    ...(list === undefined || taken.has(443) ? [] : printBinds(443, settings, list, CERTIFICATE_LIST)),
  ];
}

/** Where a frontend listens at `port`; with `list`, whose file is `file`, over TLS. */
export function printBinds(port: number, settings: HaproxySettings, list?: CertificateList, file?: string): string[] {
  const { http2 = false, proxyProtocol = false } = settings;
  const proxied = proxyProtocol ? " accept-proxy" : "";
  const strict = list?.isStrict === true ? " strict-sni" : "";
  const tls = list === undefined ? "" : ` ssl crt-list ${file}${strict}${http2 ? " alpn h2,http/1.1" : ""}`;
  return [`bind :${port}${proxied}${tls}`, `bind :::${port} v6only${proxied}${tls}`];
}

/**
 * Paths that backends which normalise understand as others: empty elements, elements of dots (encoded ones, too, and with parameters), encoded
 * slashes. The same for people: `evaluate/path-safety.ts`.
 */
export const REJECT_UNSAFE =
  "http-request deny deny_status 400 if { path -m reg -i //|%2f|/([.]|%2e){1,2}(;[^/]*)?(/|$) }";

/** The frontend for Prometheus. */
export function printMetrics({ metrics }: HaproxySettings): string[] {
  if (metrics === undefined) return [];
  return [
    "frontend metrics",
    `  bind ${metrics}`,
    "  http-request use-service prometheus-exporter if { path /metrics }",
    "  http-request return status 404",
    "",
  ];
}
