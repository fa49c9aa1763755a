/** Gateways joined with their routes, and these with their backends. */
import type { Origin } from "../diagnostics.ts";
import type { Port } from "../net/port.ts";
import type { HttpFilterSpec, HttpMatchSpec, HttpRedirectSpec } from "../specs/gateway-types.ts";

export type { HttpFilterSpec, HttpMatchSpec, HttpRedirectSpec } from "../specs/gateway-types.ts";

import type { IngressBackend, IngressCertificate } from "./backend-types.ts";
import type { Hostname } from "./hostnames.ts";

/** A listener of a Gateway that is ours, and conflicts with no other one. */
export interface ServedListener {
  /** `namespace/name`. */
  readonly gateway: string;
  readonly name: string;
  readonly hostname: Hostname;
  readonly port: Port;
  readonly protocol: "http" | "https";
  /** Of `https`; at least one then. */
  readonly certificates: readonly Extract<IngressCertificate, { readonly kind: "served" }>[];
  /** The oldest first. */
  readonly routes: readonly AttachedRoute[];
  readonly origin: Origin;
}

export interface AttachedRoute {
  readonly route: GatewayRoute;
  /** What its hostnames and that of the listener have in common. */
  readonly hosts: readonly Hostname[];
}

/** An HTTPRoute that at least one listener takes. */
export interface GatewayRoute {
  /** `namespace/name`. */
  readonly name: string;
  readonly rules: readonly GatewayRule[];
}

export interface GatewayRule {
  readonly matches: readonly HttpMatchSpec[];
  readonly filters: readonly Exclude<HttpFilterSpec, HttpRedirectSpec>[];
  readonly action: GatewayAction;
}

export type GatewayAction =
  | { readonly kind: "redirect"; readonly redirect: HttpRedirectSpec }
  | { readonly kind: "backends"; readonly backends: readonly WeightedBackend[] }
  /** Requests must not be forwarded. */
  | { readonly kind: "failure"; readonly reason: string };

export interface WeightedBackend {
  /** 0: no request goes there. */
  readonly weight: number;
  readonly backend: IngressBackend;
  readonly filters: readonly Exclude<HttpFilterSpec, HttpRedirectSpec>[];
}
