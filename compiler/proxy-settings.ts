/** How the HTTP proxy for Ingresses is set up, besides what they say. */

/** Members of `haproxy` in settings. What is left out is off, or has its default. */
export interface HaproxySettings {
  /** `reject`: paths that a backend could understand as another path than the one that was routed are answered with 400. */
  readonly pathSafety?: PathSafety;
  /** Requests for hosts that have a certificate are redirected to https. */
  readonly httpsRedirect?: boolean;
  /** HTTP/2 is offered over TLS. */
  readonly http2?: boolean;
  /** Connections begin with a line or header of the PROXY protocol, which tells the client's address. */
  readonly proxyProtocol?: boolean;
  /** Each request is a line on standard output. */
  readonly accessLog?: boolean;
  /** ADDRESS:PORT where metrics for Prometheus are served, under `/metrics`. */
  readonly metrics?: string;
  /** How many backends without servers there are, for Services that come while HAProxy runs: without one, it has to be reloaded. */
  readonly spareBackends?: number;
  /** Other times than the default ones, such as `30s`. */
  readonly timeouts?: ProxyTimeouts;
}

/** HAProxy takes about 10 kB of memory for each. */
export const MOST_SPARES = 10_000;

export const PATH_SAFETIES = ["off", "reject"] as const;

export type PathSafety = (typeof PATH_SAFETIES)[number];

/** Timeouts that HAProxy can be set to, by its words. */
export const TIMEOUT_NAMES = [
  "check",
  "client",
  "client-fin",
  "connect",
  "http-keep-alive",
  "http-request",
  "queue",
  "server",
  "server-fin",
  "tunnel",
] as const;

export type TimeoutName = (typeof TIMEOUT_NAMES)[number];

export type ProxyTimeouts = Readonly<Partial<Record<TimeoutName, string>>>;
