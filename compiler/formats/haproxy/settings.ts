/** The sections of a configuration that no Ingress decides: settings of the proxy. */
import type { HaproxySettings, ProxyTimeouts } from "../../proxy-settings.ts";
import { CERTIFICATE_LIST, type CertificateList } from "./certificates.ts";

/** As of HAProxy: the words behind `timeout`. */
const TIMEOUTS: ProxyTimeouts = { connect: "5s", client: "60s", server: "60s", "http-request": "10s", queue: "10s" };

/** `global` and `defaults`. */
export function printSettings(settings: HaproxySettings, list: CertificateList | undefined): string[] {
  const { accessLog = false, timeouts = {} } = settings;
  return [
    "",
    "global",
    "  default-path config",
    ...(list === undefined ? [] : ["  ssl-default-bind-options ssl-min-ver TLSv1.2"]),
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

/** The addresses where the frontend listens. */
export function printListeners(settings: HaproxySettings, list: CertificateList | undefined): string[] {
  const { http2 = false, proxyProtocol = false } = settings;
  const proxied = proxyProtocol ? " accept-proxy" : "";
  const strict = list?.isStrict === true ? " strict-sni" : "";
  const tls = ` ssl crt-list ${CERTIFICATE_LIST}${strict}${http2 ? " alpn h2,http/1.1" : ""}`;
  return [
    `bind :80${proxied}`,
    `bind :::80 v6only${proxied}`,
    ...(list === undefined ? [] : [`bind :443${proxied}${tls}`, `bind :::443 v6only${proxied}${tls}`]),
  ];
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
