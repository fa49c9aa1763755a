/** What the router is asked, and what it answers. */
import type { RouteFilter } from "../../compiler/ir/routes.ts";
import type { Endpoint } from "../classifier/classifier.ts";

/** An HTTP request, as it comes. */
export interface RoutedRequest {
  /** The Host header, or `:authority`; undefined where there is none. */
  readonly host?: string | undefined;
  /** The request target: path and query. */
  readonly path: string;
  /** The host that the client named in the TLS handshake, empty where it named none; undefined: there was no TLS. */
  readonly sni?: string | undefined;
  /** The port of the proxy to which the request came; undefined: 80, or 443 with TLS. */
  readonly port?: number | undefined;
  /** Undefined: GET. */
  readonly method?: string | undefined;
  /** Such as a `Headers` object, or `[["x-env", "beta"]]`. The first one of a name counts. */
  readonly headers?: Iterable<readonly [name: string, value: string]> | undefined;
}

/** The path of a rule of an Ingress or an HTTPRoute. */
export interface RouterRule {
  /** As the rule has it, a wildcard such as `*.example.com` too; undefined: the rule has none. */
  readonly host: string | undefined;
  readonly match: "exact" | "prefix";
  readonly path: string;
  /** The place in the manifests, `file:line:column`; undefined where the table does not know it. */
  readonly origin: string | undefined;
}

/** One of several backends of a rule. */
export interface RoutedShare extends Pick<Routing, "backend" | "endpoints" | "status" | "filters"> {
  readonly weight: number;
}

/** What becomes of a request. Without backend, status, shares and redirect, nothing listens at the port. */
export interface Routing {
  /** `namespace/service:port`; undefined: the proxy answers itself. */
  readonly backend: string | undefined;
  /** The endpoints of the backend that are ready. */
  readonly endpoints: readonly Endpoint[];
  /** What the proxy answers itself: 404 where no rule takes the request, 500 where a rule leads nowhere, 503 where the backend has nothing to
   *  send to. */
  readonly status: 404 | 500 | 503 | undefined;
  /** Instead of one backend: each request goes to one of them at random, by weight. */
  readonly shares?: readonly RoutedShare[];
  /** The proxy answers with another URL. */
  readonly redirect?: { readonly status: number; readonly location: string };
  /** What is changed in the request and its response, in order. */
  readonly filters?: readonly RouteFilter[];
  /** The rule that takes the request; undefined: it goes to the fallback of its host. */
  readonly rule: RouterRule | undefined;
  /** One sentence. */
  readonly why: string;
  /** The Secret of the certificate that the client is shown, `namespace/name`; undefined: there was no TLS, or the handshake is refused. */
  readonly certificate: string | undefined;
}
