/** What an HTTP proxy does: routes of hosts, listeners of Gateways, and the certificates that it shows. */
import type { Origin } from "../diagnostics.ts";
import type { Address } from "../net/address.ts";

/** What the proxy does with requests for one host. */
export interface HostRoutes {
  /** A host name, `*.` and a suffix, or undefined for requests of no listed host. */
  readonly host?: string;
  /** In the order in which they are tried. */
  readonly paths: readonly PathRoute[];
  /** For requests that no path takes. */
  readonly fallback: RouteTarget;
  /** Requests without TLS are redirected to https, if the host has a certificate. */
  readonly httpsRedirect?: true;
  /** Where the fallback is given. */
  readonly fallbackOrigin?: Origin;
}

export interface PathRoute {
  readonly match: "exact" | "prefix";
  /** As the request spells it; a prefix has no trailing slash, except `/`. */
  readonly path: string;
  readonly target: RouteTarget;
  /** Rules with the same host, path and type, which are never used, in the order in which they would win. */
  readonly shadowed?: readonly ShadowedPath[];
  readonly origin?: Origin;
}

/** A rule that lost against another one with the same path. */
export interface ShadowedPath {
  readonly target: RouteTarget;
  readonly origin?: Origin;
}

export type RouteTarget =
  | {
      readonly kind: "endpoints";
      readonly backend: string;
      readonly endpoints: readonly RouteEndpoint[];
      /** Those that get no new clients, since they are about to end. */
      readonly draining?: readonly RouteEndpoint[];
      /** A client stays with the endpoint that it had before. */
      readonly sticky?: "cookie";
      /** The backend is this host outside of the cluster; there are no endpoints. */
      readonly external?: ExternalHost;
    }
  /** Answered by the proxy itself: 404 for no route, 503 for a backend that has nothing to send to. */
  | { readonly kind: "status"; readonly status: 404 | 503; readonly reason: string };

/** A host that is looked up by name (or an address as text). */
export interface ExternalHost {
  readonly host: string;
  readonly port: number;
}

export interface RouteEndpoint {
  readonly address: Address;
  readonly port: number;
}

// --- listeners ------------------------------------------------------------------------------------------------------

/** A port of the proxy at which listeners of Gateways are served. Ingresses are served at ports of their own. */
export interface ListeningPort {
  readonly port: number;
  readonly protocol: "http" | "https";
  /** Precise hosts, then wildcards, the longest first, then all other hosts; each host once. The first host that takes a
   *  request decides: what none of its paths takes is answered with 404. Requests of no listed host, likewise. */
  readonly hosts: readonly ListenerHost[];
  /** Of `https`. */
  readonly tls?: TlsTable;
}

/** What the proxy does with requests for one host of a listener. */
export interface ListenerHost {
  /** A host name, or `*.` and a suffix: one or more labels in the place of `*`. Undefined: all other hosts. */
  readonly host?: string;
  /** In the order in which they are tried. */
  readonly paths: readonly RequestRule[];
  /** That of the listener. */
  readonly origin?: Origin;
}

/** One match of a rule of an HTTPRoute. A `PathRoute` is one, too, without conditions and filters. */
export interface RequestRule {
  readonly match: "exact" | "prefix";
  /** As the request spells it; a prefix has no trailing slash, except `/`. */
  readonly path: string;
  /** What else a request needs. Without it the next path is tried, also one with a shorter prefix. */
  readonly conditions?: RequestConditions;
  readonly target: RequestTarget;
  /** What is changed in requests and their responses, in order. */
  readonly filters?: readonly RouteFilter[];
  /** Rules with the same host, path, type and conditions, which are never used, in the order in which they would win. */
  readonly shadowed?: readonly ShadowedRule[];
  readonly origin?: Origin;
}

/** A rule that lost against another one with the same path and conditions. */
export interface ShadowedRule {
  readonly target: RequestTarget;
  readonly origin?: Origin;
}

/** All of them have to hold; at least one is there. */
export interface RequestConditions {
  /** In upper case. */
  readonly method?: string;
  /** Names in lower case. The first header of the name has this value. */
  readonly headers?: readonly NamedText[];
  /** The first parameter of the name has this value; both as the request spells them. */
  readonly parameters?: readonly NamedText[];
}

export interface NamedText {
  readonly name: string;
  readonly value: string;
}

export type RequestTarget =
  | RouteTarget
  /** Each request goes to one of them at random, by weight. */
  | { readonly kind: "shares"; readonly shares: readonly RouteShare[] }
  | RouteRedirect
  /** Answered by the proxy itself: a reference of the rule leads nowhere. */
  | { readonly kind: "status"; readonly status: 500; readonly reason: string };

export interface RouteShare {
  /** Above 0. */
  readonly weight: number;
  readonly target: Extract<RequestTarget, { readonly kind: "endpoints" | "status" }>;
  /** They follow those of the rule. */
  readonly filters?: readonly RouteFilter[];
}

/** Answered by the proxy itself: another URL. */
export interface RouteRedirect {
  readonly kind: "redirect";
  readonly scheme: "http" | "https";
  /** Absent: that of the request, without its port. */
  readonly host?: string;
  /** Written behind the host; absent: no port is. */
  readonly port?: number;
  /** Absent: the path of the request. Its query is kept. */
  readonly path?: PathReplacement;
  readonly status: 301 | 302 | 303 | 307 | 308;
}

export type RouteFilter =
  /** First `set`, then `add`, then `remove`. Names in lower case, each in one of them once. */
  | {
      readonly kind: "request-headers" | "response-headers";
      readonly set: readonly NamedText[];
      readonly add: readonly NamedText[];
      readonly remove: readonly string[];
    }
  /** Host and path that the backend sees; what is absent is as in the request. The query is kept. */
  | { readonly kind: "rewrite"; readonly host?: string; readonly path?: PathReplacement };

/** `all`: `path` is the new path. `prefix`: `path`, without a trailing slash (empty for the root), is what the prefix of the rule
 *  becomes; `/` where nothing is left. */
export interface PathReplacement {
  readonly part: "all" | "prefix";
  readonly path: string;
}

// --- TLS ------------------------------------------------------------------------------------------------------------

/** Which certificate the proxy shows to a client that asks for a host (SNI). */
export interface TlsTable {
  /** Those that are shown, sorted by name. Private keys are not part of a program. */
  readonly certificates: readonly Certificate[];
  /** Precise hosts, then wildcards (`*.` and a suffix: one label more); each sorted by name. */
  readonly hosts: readonly TlsHost[];
  /** Name of the default certificate: for other hosts, and for clients that name none. Absent: their handshakes are refused. */
  readonly fallback?: string;
}

export interface Certificate {
  /** That of its Secret: `namespace/name`. */
  readonly name: string;
  /** DNS names that it is valid for, as they stand in it; a wildcard begins with `*.`. */
  readonly names: readonly string[];
  /** Milliseconds since 1970: valid from the one to the other, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly origin?: Origin;
}

export interface TlsHost {
  readonly host: string;
  /** How many labels stand in the place of the `*` of `host`. Absent: one. `any`: one or more; more specific rows win. */
  readonly labels?: "any";
  /** Name of its certificate. Absent: the default certificate is shown. */
  readonly certificate?: string;
  /** Why the default certificate is shown, although the manifests name another one. */
  readonly reason?: string;
  readonly origin?: Origin;
}
