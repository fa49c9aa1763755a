/** Ingresses as controllers see them, and how controllers treat them differently. */
import type { Origin } from "../diagnostics.ts";

/** An Ingress with what its backends are. */
export interface ControlledIngress {
  /** `NAMESPACE/NAME`. */
  readonly name: string;
  readonly annotations: ReadonlyMap<string, string>;
  /** Where an annotation stands. */
  readonly placeOf: (annotation: string) => Origin;
  readonly rules: readonly ControlledRule[];
  readonly defaultBackend: ControlledBackend | undefined;
  /** Hosts under `tls`. */
  readonly tlsHosts: readonly string[];
}

export interface ControlledRule {
  readonly host: string | undefined;
  readonly paths: readonly ControlledPath[];
}

export interface ControlledPath {
  readonly path: string;
  readonly pathType: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: ControlledBackend;
  readonly origin: Origin;
}

/** `ready`: it has endpoints. `empty`: the Service has none. `missing`: there is no such Service or port. */
export interface ControlledBackend {
  readonly state: "ready" | "empty" | "missing" | "resource";
  /** `NAMESPACE/SERVICE:PORT`. */
  readonly name: string;
}

/** What a controller does with Ingresses where the API leaves it open, or where it does not follow the API. */
export interface ControllerBehaviour {
  /** `elements`: /foo is no prefix of /foobar. */
  readonly prefix: "elements" | "characters";
  /** What ImplementationSpecific means. */
  readonly specific: "elements" | "characters" | "characters in any case";
  /** Dots and doubled slashes are resolved and percent encoding is decoded before paths are compared. */
  readonly normalises: boolean;
  /** Where no path of a host takes a request, rules of a less specific host may. */
  readonly fallsThrough: boolean;
  /** `rule length`: over all hosts, the longest text of host and path wins. */
  readonly rank: "host" | "rule length";
  readonly wildcards: "one label" | "any labels";
  /** `oldest Ingress`: rules of others for its hosts do nothing. */
  readonly owner: "all Ingresses" | "oldest Ingress";
  /** Rules without a host do something. */
  readonly servesAnyHost: boolean;
  readonly resources: "answered with 503" | "skipped";
  readonly missingServices: "answered with 503" | "skipped";
  /** Whose default backend takes what no path takes. */
  readonly defaults: "host, then all" | "oldest of the host" | "own Ingress" | "any Ingress" | "Ingress without rules";
  /** HTTP requests for hosts with a certificate are redirected. */
  readonly redirectsToHttps: boolean;
  /** Of a host where one Ingress has regular expressions, the paths of all Ingresses are such. */
  readonly spreadsRegexes: boolean;
  readonly regexes: "as written" | "in any case";
  /** Annotations of ingress-nginx that it follows. */
  readonly follows: ReadonlySet<FollowedAnnotation>;
}

/** Annotations of ingress-nginx that change what becomes of a URL, without their prefix. */
export const FOLLOWED = [
  "use-regex",
  "rewrite-target",
  "server-alias",
  "from-to-www-redirect",
  "app-root",
  "permanent-redirect",
  "temporal-redirect",
  "force-ssl-redirect",
  "ssl-redirect",
  "canary",
  "default-backend",
  "service-upstream",
] as const;

export type FollowedAnnotation = (typeof FOLLOWED)[number];

/** A way in which a controller is not as kpc. */
export interface Deviation {
  /** As a sentence goes on behind the name of the controller: `compares paths …`. */
  readonly does: string;
  readonly change: Partial<ControllerBehaviour>;
  /** What it does besides what this one does alone. */
  readonly beyond?: Deviation;
}

/** What becomes of a request. */
export interface ControlledAnswer {
  /** `goes to shop/web:80`, `is answered with 404`. */
  readonly text: string;
  readonly origin: Origin | undefined;
}
