/** What is compared of two sides that serve requests, and what is found. */
import type { Origin } from "../../diagnostics.ts";
import type {
  HostRoutes,
  ListeningPort,
  NamedText,
  RequestConditions,
  RequestTarget,
  RouteFilter,
} from "../../ir/routes.ts";
import type { ShownCertificate, TlsSide } from "./certificates.ts";

/** Routes, and what is known of their backends. */
export interface RoutedSide {
  readonly routes: readonly HostRoutes[];
  /** Ports of Gateways. */
  readonly listeners?: readonly ListeningPort[];
  /** False: backends have names only. */
  readonly knowsEndpoints: boolean;
  /** Whether paths that backends may understand as others are answered with 400; undefined: nothing says it. */
  readonly rejectsUnsafe?: boolean | undefined;
  /** Which certificates it shows; undefined: nothing says it. */
  readonly tls?: TlsSide | undefined;
}

/** URLs that both sides treat alike. */
export interface UrlClass {
  /** That of a Gateway on one side; undefined: those of Ingresses. */
  readonly port?: number;
  /** A name, `*.` and a suffix (names under it that no rule has), or undefined: hosts that no rule names. */
  readonly host: string | undefined;
  /** Only hosts with two labels or more in the place of the `*`. */
  readonly isDeep?: true;
  readonly path: string;
  /** `exact`: this path only. `prefix`: it and what is below it, where no other class has it. */
  readonly match: "exact" | "prefix";
}

/** URLs that the sides serve differently, and what serves them. */
export interface UrlDifference {
  readonly urls: UrlClass;
  /** One of the shortest of them: `HOST/PATH`, with the port and the query that it needs. */
  readonly example: string;
  /** How the example is asked for, at a port of Gateways. */
  readonly request?: AskedWith;
  readonly left: ServedUrl;
  readonly right: ServedUrl;
}

/** What a request has besides its URL. */
export interface AskedWith {
  readonly scheme: "http" | "https";
  readonly method: string;
  readonly headers: readonly NamedText[];
}

/** What serves a URL: the rule, and the host of its rules. */
export interface ServedUrl {
  readonly target: RequestTarget;
  /** Undefined: the fallback of the host; of Gateways, no rule. */
  readonly route:
    | { readonly match: "exact" | "prefix"; readonly path: string; readonly conditions?: RequestConditions }
    | undefined;
  readonly filters?: readonly RouteFilter[];
  readonly origin: Origin | undefined;
  readonly host: string | undefined;
  /** The rules are those of a Gateway. */
  readonly isListener?: boolean;
  /** What the proxy answers before it asks the rules. */
  readonly answer?: string;
  /** What the proxy shows in the TLS handshake, of URLs that differ in this. */
  readonly certificate?: ShownCertificate;
}

/** What was compared, and where it differs. */
export interface UrlComparison {
  /** Shortest URLs first. */
  readonly differences: readonly UrlDifference[];
  readonly classes: number;
  /** Ports of Gateways that were compared. */
  readonly ports: readonly number[];
  /** What could not be compared: a noun each. */
  readonly open: readonly string[];
  /** False: backends were compared by their names. */
  readonly comparedEndpoints: boolean;
  /** False: nothing says of one side whether it rejects unsafe paths. */
  readonly comparedSafety: boolean;
  /** `alike`: certificates of the same Secret, names and times count as one. `unknown`: nothing says of one side which it shows. */
  readonly comparedCertificates: "none" | "alike" | "unknown";
}
