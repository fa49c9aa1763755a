/** The controllers that kpc knows, and in which ways each is not as kpc. */
import { type ControllerBehaviour, type Deviation, FOLLOWED, type FollowedAnnotation } from "./types.ts";

/** What kpc does. */
export const KPC: ControllerBehaviour = {
  prefix: "elements",
  specific: "elements",
  normalises: false,
  fallsThrough: false,
  rank: "host",
  wildcards: "one label",
  owner: "all Ingresses",
  servesAnyHost: true,
  resources: "answered with 503",
  missingServices: "answered with 503",
  defaults: "host, then all",
  redirectsToHttps: false,
  spreadsRegexes: false,
  regexes: "as written",
  follows: new Set(),
};

const NGINX_PATHS: Deviation = {
  does: "decodes paths, resolves dots and merges slashes before it compares them",
  change: { normalises: true },
};
const SKIPS_RESOURCES: Deviation = {
  does: "skips backends that are resources, so a shorter path serves their requests",
  change: { resources: "skipped" },
};
const FALLS_THROUGH: Deviation = {
  does: "goes on to rules of wildcard hosts and to rules without a host where no path of the host takes a request",
  change: { fallsThrough: true },
};
const HTTPS: Deviation = {
  does: "redirects HTTP requests to HTTPS for hosts under tls",
  change: { redirectsToHttps: true },
};

/** `use-regex`, which `rewrite-target` implies. */
const REGEXES: Deviation = {
  does: "reads paths of Ingresses with use-regex or rewrite-target as regular expressions",
  change: { follows: new Set(["use-regex"]) },
};
const SPREADING: Deviation = {
  does: "reads all paths of a host as regular expressions, exact ones as beginnings, if one Ingress of the host has use-regex or rewrite-target",
  change: { spreadsRegexes: true },
  beyond: REGEXES,
};

const EFFECTS: Readonly<Record<Exclude<FollowedAnnotation, "use-regex" | "rewrite-target">, string>> = {
  "server-alias": "serves more hosts (server-alias)",
  "from-to-www-redirect": "redirects between a host and its name with www. (from-to-www-redirect)",
  "app-root": "redirects / (app-root)",
  "permanent-redirect": "redirects all requests of an Ingress (permanent-redirect)",
  "temporal-redirect": "redirects all requests of an Ingress (temporal-redirect)",
  "force-ssl-redirect": "redirects HTTP requests to HTTPS (force-ssl-redirect)",
  "ssl-redirect": "redirects HTTP requests to HTTPS for hosts under tls, if ssl-redirect is not false",
  canary: "does not serve canary Ingresses themselves, but gives them a part of the requests of another one (canary)",
  "default-backend": "sends requests to another Service where the backend has no endpoints (default-backend)",
  "service-upstream": "sends requests to the cluster IP, not to endpoints (service-upstream)",
};

export const CONTROLLERS = ["ingress-nginx", "haproxy-ingress", "nginx-inc", "traefik"] as const;

export type ControllerName = (typeof CONTROLLERS)[number];

/** The string by which an IngressClass names the controller. */
export const CONTROLLER_STRINGS: Readonly<Record<ControllerName, string>> = {
  "ingress-nginx": "k8s.io/ingress-nginx",
  "haproxy-ingress": "haproxy-ingress.github.io/controller",
  "nginx-inc": "nginx.org/ingress-controller",
  traefik: "traefik.io/ingress-controller",
};

/** With their settings as they come. */
export const DEVIATIONS: Readonly<Record<ControllerName, readonly Deviation[]>> = {
  "ingress-nginx": [
    REGEXES,
    SPREADING,
    { does: "compares regular expressions in any case", change: { regexes: "in any case" }, beyond: REGEXES },
    {
      does: "sends another path to the backend (rewrite-target)",
      change: { follows: new Set(["rewrite-target"]) },
      beyond: REGEXES,
    },
    ...FOLLOWED.flatMap((annotation): Deviation[] =>
      annotation === "use-regex" || annotation === "rewrite-target"
        ? []
        : [{ does: EFFECTS[annotation], change: { follows: new Set([annotation]) } }],
    ),
    NGINX_PATHS,
    {
      does: "compares paths of type ImplementationSpecific character by character",
      change: { specific: "characters" },
    },
    SKIPS_RESOURCES,
    {
      does: "sends what no path takes to the default backend of the host's oldest Ingress only, and for other hosts to that of an Ingress without rules",
      change: { defaults: "oldest of the host" },
    },
  ],
  "haproxy-ingress": [
    FALLS_THROUGH,
    {
      does: "compares paths of type ImplementationSpecific character by character, in any case",
      change: { specific: "characters in any case" },
    },
    SKIPS_RESOURCES,
    {
      does: "sends what no rule takes to the first default backend of any Ingress, whatever the host",
      change: { defaults: "any Ingress" },
    },
    HTTPS,
  ],
  "nginx-inc": [
    NGINX_PATHS,
    {
      does: "lets the oldest Ingress own a host, and ignores rules of others for it",
      change: { owner: "oldest Ingress" },
    },
    {
      does: "compares prefixes character by character",
      change: { prefix: "characters", specific: "characters" },
    },
    { does: "lets a wildcard stand for any number of labels", change: { wildcards: "any labels" } },
    { does: "refuses rules without a host", change: { servesAnyHost: false } },
    SKIPS_RESOURCES,
    {
      does: "uses a default backend for the hosts of its own Ingress only",
      change: { defaults: "own Ingress" },
    },
    HTTPS,
  ],
  traefik: [
    FALLS_THROUGH,
    {
      does: "lets the longest text of host and path win over all rules, exact or not",
      change: { rank: "rule length", fallsThrough: true },
    },
    {
      does: "compares prefixes character by character",
      change: { prefix: "characters", specific: "characters" },
    },
    { does: "resolves dots and merges slashes before it compares paths", change: { normalises: true } },
    SKIPS_RESOURCES,
    {
      does: "skips paths whose Service or port is missing, so a shorter path serves their requests",
      change: { missingServices: "skipped" },
    },
    {
      does: "uses default backends of Ingresses without rules only",
      change: { defaults: "Ingress without rules" },
    },
  ],
};

/** kpc with some of a controller's ways. */
export function behaviourWith(deviations: readonly Deviation[]): ControllerBehaviour {
  const follows = new Set(deviations.flatMap(({ change }) => [...(change.follows ?? [])]));
  return Object.assign({}, KPC, ...deviations.map(({ change }) => change), { follows });
}
