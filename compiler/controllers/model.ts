/** What a controller with a given behaviour does with requests. */
import { compareBy } from "../order.ts";
import { normalisePath } from "./normalise.ts";
import type {
  ControlledAnswer,
  ControlledBackend,
  ControlledIngress,
  ControlledPath,
  ControllerBehaviour,
  FollowedAnnotation,
} from "./types.ts";

/** The annotations of ingress-nginx begin so. */
export const PREFIX = "nginx.ingress.kubernetes.io/";

/** A path of a host, and the Ingress that it is of. */
interface Location extends ControlledPath {
  readonly ingress: ControlledIngress;
  readonly hostName: string;
  /** Of the rule that Traefik would make of host and path. */
  readonly ruleLength: number;
}

interface Host {
  readonly name: string;
  readonly owner: ControlledIngress;
  readonly members: ControlledIngress[];
  readonly locations: Location[];
  /** Other names lead to it by a redirect. */
  readonly redirectTo?: string;
}

/** Requests of no host that a rule names. */
const ANY = "";

/** Answers requests as a controller with `behaviour` would that serves `ingresses`, the oldest first. */
export class ControllerModel {
  private readonly hosts = new Map<string, Host>();
  private readonly canaries: Location[] = [];
  /** The paths of hosts where all are regular expressions, the longest first. */
  private readonly byLength = new Map<Host, readonly Location[]>();
  /** The first Ingress that has a default backend, and the first of these without rules. */
  private readonly oldest: ControlledIngress | undefined;
  private readonly withoutRules: ControlledIngress | undefined;
  private readonly behaviour: ControllerBehaviour;

  constructor(ingresses: readonly ControlledIngress[], behaviour: ControllerBehaviour) {
    const having = ingresses.filter(({ defaultBackend }) => defaultBackend !== undefined);
    this.oldest = having[0];
    this.withoutRules = having.find(({ rules }) => rules.length === 0);
    this.behaviour = behaviour;
    for (const ingress of ingresses) this.addIngress(ingress);
    if (behaviour.follows.has("from-to-www-redirect")) this.addOtherNames();
    for (const { locations } of this.hosts.values()) locations.sort(behaviour.rank === "host" ? byPath : byRuleLength);
    if (!behaviour.spreadsRegexes) return;
    for (const host of this.hosts.values())
      if (host.locations.some((location) => this.isRegex(location)))
        this.byLength.set(host, [...host.locations].sort(byLengthOfPath));
  }

  /** What becomes of an HTTP request for a host in lower case and a path. */
  route(host: string, path: string): ControlledAnswer {
    const asked = this.behaviour.normalises ? normalisePath(path) : path;
    const candidates = this.hostsFor(host);
    const [first] = candidates;
    if (first?.redirectTo !== undefined)
      return { text: `is redirected to http://${first.redirectTo}${path}`, origin: undefined };
    const considered = this.behaviour.fallsThrough ? candidates : candidates.slice(0, 1);
    const matching = considered.flatMap((each) => this.locationFor(each, asked) ?? []);
    const ranked = this.behaviour.rank === "host" ? matching : [...matching].sort(byRuleLength);
    const [found] = ranked;
    if (found === undefined) return this.answerOfDefault(first);
    return this.answerOf(found, this.hosts.get(found.hostName), path, asked);
  }

  private addIngress(ingress: ControlledIngress): void {
    const { behaviour } = this;
    const isCanary = this.valueOf(ingress, "canary") === "true";
    for (const { host, paths } of ingress.rules) {
      const aliases = (this.valueOf(ingress, "server-alias") ?? "").split(",").map((alias) => alias.trim());
      for (const name of [host ?? ANY, ...(host === undefined ? [] : aliases.filter((alias) => alias !== ""))]) {
        if (name === ANY && !behaviour.servesAnyHost) continue;
        if (isCanary) {
          this.canaries.push(...paths.map((path) => locationOf(path, name, ingress)));
          continue;
        }
        const known = this.hosts.get(name) ?? { name, owner: ingress, members: [], locations: [] };
        // An alias does not take a host that a rule has named before.
        if (name !== (host ?? ANY) && this.hosts.has(name) && known.owner !== ingress) continue;
        if (behaviour.owner === "oldest Ingress" && known.owner !== ingress && !isMinionOf(ingress, known.owner))
          continue;
        this.hosts.set(name, known);
        if (!known.members.includes(ingress)) known.members.push(ingress);
        for (const path of paths) this.addPath(known, locationOf(path, name, ingress));
      }
    }
  }

  private addPath({ locations }: Host, location: Location): void {
    const { state } = location.backend;
    const { resources, missingServices } = this.behaviour;
    if (state === "resource" && resources === "skipped") return;
    if (state === "missing" && missingServices === "skipped") return;
    // Of equal paths the first one stays.
    const isThere = locations.some(({ path, pathType }) => path === location.path && pathType === location.pathType);
    if (!isThere) locations.push(location);
  }

  private addOtherNames(): void {
    for (const { name, members } of [...this.hosts.values()]) {
      if (name === ANY || name.startsWith("*.")) continue;
      if (!members.some((ingress) => this.valueOf(ingress, "from-to-www-redirect") === "true")) continue;
      const other = name.startsWith("www.") ? name.slice(4) : `www.${name}`;
      const [owner] = members;
      if (owner !== undefined && !this.hosts.has(other))
        this.hosts.set(other, { name: other, owner, members: [], locations: [], redirectTo: name });
    }
  }

  /** The hosts whose rules may serve a request, the most specific first. */
  private hostsFor(host: string): Host[] {
    const dot = host.indexOf(".");
    const names = [host];
    if (this.behaviour.wildcards === "any labels")
      for (let at = dot; at > 0; at = host.indexOf(".", at + 1)) names.push(`*${host.slice(at)}`);
    else if (dot > 0) names.push(`*${host.slice(dot)}`);
    return [...names, ANY].flatMap((name) => this.hosts.get(name) ?? []);
  }

  private locationFor(host: Host, path: string): Location | undefined {
    const found = this.byLength.get(host)?.find((location) => this.regexOf(location)?.test(path) === true);
    if (this.byLength.has(host)) return found;
    return host.locations.find((location) => this.takes(location, path));
  }

  /** Whether its Ingress makes a regular expression of the path. */
  private isRegex({ ingress, path }: Location): boolean {
    if (!this.behaviour.follows.has("use-regex")) return false;
    const target = ingress.annotations.get(`${PREFIX}rewrite-target`) ?? "";
    return ingress.annotations.get(`${PREFIX}use-regex`) === "true" || (target !== "" && target !== path);
  }

  private regexOf(location: Location): RegExp | undefined {
    return readRegex(location, this.behaviour.regexes === "in any case" ? "i" : "");
  }

  private takes(location: Location, asked: string): boolean {
    if (this.isRegex(location)) return this.regexOf(location)?.test(asked) === true;
    const { path, pathType } = location;
    const { prefix, specific } = this.behaviour;
    if (pathType === "Exact") return asked === path;
    const how = pathType === "Prefix" ? prefix : specific;
    if (how === "characters") return asked.startsWith(path);
    if (how === "characters in any case") return asked.toLowerCase().startsWith(path.toLowerCase());
    const key = path.endsWith("/") ? path : `${path}/`;
    return `${asked}/`.startsWith(key);
  }

  /** The value of an annotation of ingress-nginx that the controller follows. */
  private valueOf({ annotations }: ControlledIngress, name: FollowedAnnotation): string | undefined {
    return this.behaviour.follows.has(name) ? annotations.get(PREFIX + name) : undefined;
  }

  private answerOf(location: Location, host: Host | undefined, path: string, asked: string): ControlledAnswer {
    const { ingress, origin, backend } = location;
    const value = (name: FollowedAnnotation): string | undefined => this.valueOf(ingress, name);
    const hasTls = host?.members.some(({ tlsHosts }) => tlsHosts.includes(host.name)) === true;
    const isHttps =
      (hasTls && (this.behaviour.redirectsToHttps || this.redirectsTls(ingress))) ||
      value("force-ssl-redirect") === "true";
    const permanent = value("permanent-redirect");
    const temporal = value("temporal-redirect");
    const root = value("app-root");
    if (isHttps) return { text: "is redirected to HTTPS", origin };
    if (path === "/" && root !== undefined) return { text: `is redirected to ${root}`, origin };
    if (temporal !== undefined) return { text: `is redirected to ${temporal}`, origin };
    if (permanent !== undefined) return { text: `is redirected to ${permanent}`, origin };
    return { text: this.backendText(backend, location, host, asked), origin };
  }

  private redirectsTls({ annotations }: ControlledIngress): boolean {
    return this.behaviour.follows.has("ssl-redirect") && annotations.get(`${PREFIX}ssl-redirect`) !== "false";
  }

  private backendText(backend: ControlledBackend, location: Location, host: Host | undefined, asked: string): string {
    const { ingress } = location;
    const other = this.valueOf(ingress, "default-backend");
    if (backend.state === "empty" && other !== undefined) return `goes to ${ingress.name.split("/")[0]}/${other}`;
    if (backend.state !== "ready") return "is answered with 503";
    const isByAddress = this.valueOf(ingress, "service-upstream") === "true";
    return [
      `goes to ${backend.name}`,
      isByAddress ? " by its cluster IP" : "",
      this.rewriteText(location, host, asked),
      this.canaryText(location, host),
    ].join("");
  }

  private rewriteText(location: Location, host: Host | undefined, asked: string): string {
    const target = this.valueOf(location.ingress, "rewrite-target") ?? "";
    if (target === "" || target === location.path || host === undefined) return "";
    const found = this.regexOf(location)?.exec(asked);
    if (found === null || found === undefined) return "";
    const path = target.replace(/\$(\d)/g, (_, group: string) => found[Number(group)] ?? "");
    return path === asked ? "" : ` with the path ${path === "" ? "/" : path}`;
  }

  private canaryText({ path, pathType }: Location, host: Host | undefined): string {
    const canary = this.canaries.find(
      (each) => each.path === path && each.pathType === pathType && each.hostName === (host?.name ?? ANY),
    );
    if (canary === undefined) return "";
    const value = (name: string): string | undefined => canary.ingress.annotations.get(`${PREFIX}canary-${name}`);
    const header = value("by-header");
    const cookie = value("by-cookie");
    const ways = [
      ...(header === undefined ? [] : [`by header ${header}`]),
      ...(cookie === undefined ? [] : [`by cookie ${cookie}`]),
      ...(value("weight") === undefined ? [] : [`in ${value("weight")} of ${value("weight-total") ?? "100"} cases`]),
    ];
    return ` or ${canary.backend.name} (${ways.length === 0 ? "never" : ways.join(", ")})`;
  }

  /** For requests that no path takes. */
  private answerOfDefault(host: Host | undefined): ControlledAnswer {
    const backend = this.defaultOf(host);
    if (backend === undefined) return { text: "is answered with 404", origin: undefined };
    const text = backend.state === "ready" ? `goes to ${backend.name}` : "is answered with 503";
    return { text, origin: undefined };
  }

  private defaultOf(host: Host | undefined): ControlledBackend | undefined {
    const { oldest, withoutRules } = this;
    const isNamed = host !== undefined && host.name !== ANY;
    switch (this.behaviour.defaults) {
      case "host, then all":
        return (host?.members.find(({ defaultBackend }) => defaultBackend !== undefined) ?? withoutRules ?? oldest)
          ?.defaultBackend;
      case "oldest of the host":
        return isNamed ? host.members[0]?.defaultBackend : withoutRules?.defaultBackend;
      case "own Ingress":
        return isNamed ? host.owner.defaultBackend : undefined;
      case "any Ingress":
        return oldest?.defaultBackend;
      case "Ingress without rules":
        return withoutRules?.defaultBackend;
      default:
        return this.behaviour.defaults satisfies never;
    }
  }
}

function locationOf(path: ControlledPath, hostName: string, ingress: ControlledIngress): Location {
  return { ...path, hostName, ingress, ruleLength: ruleOf(hostName, path).length };
}

/** The text of Traefik's rule for a host and a path. */
function ruleOf(host: string, { path, pathType }: ControlledPath): string {
  const rule = `${pathType === "Exact" ? "Path" : "PathPrefix"}(\`${path}\`)`;
  if (host === ANY) return rule;
  if (!host.startsWith("*.")) return `Host(\`${host}\`) && ${rule}`;
  return `HostRegexp(\`[a-zA-Z0-9-]+${host.slice(1).replaceAll(".", "\\.")}\`) && ${rule}`;
}

const byLengthOfPath = (a: Location, b: Location): number =>
  b.path.length - a.path.length || (a.path < b.path ? 1 : -1);

const byRuleLength = compareBy<Location>(({ ruleLength }) => -ruleLength);

/** Exact paths first, then the longest; a prefix before a path of type ImplementationSpecific. */
const byPath = compareBy<Location>(
  ({ pathType }) => (pathType === "Exact" ? 0 : 1),
  ({ path }) => -trimmed(path).length,
  ({ pathType }) => (pathType === "Prefix" ? 0 : 1),
  ({ path }) => -path.length,
);

function trimmed(path: string): string {
  return path === "/" ? path : path.replace(/\/$/, "");
}

/** As ingress-nginx makes it of a path; undefined where it is none. */
function readRegex({ path }: ControlledPath, flags: "i" | ""): RegExp | undefined {
  try {
    return new RegExp(`^${path}`, flags);
  } catch {
    return undefined; // told by `unreadableRegexes`
  }
}

/** Paths that are no regular expression here, although an Ingress makes regular expressions of its paths. */
export function unreadableRegexes(ingresses: readonly ControlledIngress[]): ControlledPath[] {
  const withRegexes = ingresses.filter(
    ({ annotations }) => annotations.get(`${PREFIX}use-regex`) === "true" || annotations.has(`${PREFIX}rewrite-target`),
  );
  return withRegexes.flatMap(({ rules }) =>
    rules.flatMap(({ paths }) => paths.filter((path) => readRegex(path, "") === undefined)),
  );
}

/** Ingresses of nginx-inc may share a host where one is its master and others are minions. */
function isMinionOf(ingress: ControlledIngress, owner: ControlledIngress): boolean {
  const typeOf = ({ annotations }: ControlledIngress): string | undefined =>
    annotations.get("nginx.org/mergeable-ingress-type");
  return typeOf(ingress) === "minion" && typeOf(owner) === "master";
}
