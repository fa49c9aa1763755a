/** What two sides do at one port, over all requests: by host, by path, and by the conditions of rules. */
import { hostName } from "../../evaluate/http-route.ts";
import { rulesByPath } from "../../ir/path-rules.ts";
import { targetName } from "../../ir/request-words.ts";
import type { NamedText, RequestRule } from "../../ir/routes.ts";
import { compareCertificates } from "./certificates.ts";
import { type DifferingRules, differingRules } from "./conditions.ts";
import { type NamedHosts, namedHosts } from "./host-classes.ts";
import { outcomeOfRequest, outcomeOfRule } from "./outcomes.ts";
import { type PathClass, type PathKeys, pathClasses, pathsOf } from "./path-classes.ts";
import { isToHttps, isUnsafeTarget, type OpenPort, type PortSide, type RuledHost } from "./ports.ts";
import { longestPrefix } from "./table.ts";
import type { AskedWith, ServedUrl, UrlClass, UrlDifference } from "./types.ts";

/** What is compared besides rules. */
export interface PortOptions {
  /** False: backends are compared by their names. */
  readonly byEndpoints: boolean;
  /** Unsafe paths do not come to the rules of each side. */
  readonly skipsUnsafe: boolean;
}

/** What was found at a port. */
export interface PortComparison {
  readonly differences: readonly UrlDifference[];
  readonly classes: number;
  /** What could not be compared: a noun each. */
  readonly open: readonly string[];
}

/** Compares the sides of `port`. */
export function comparePort(port: number, left: PortSide, right: PortSide, options: PortOptions): PortComparison {
  if (left.kind === "closed" && right.kind === "closed") return { differences: [], classes: 0, open: [] };
  if (left.kind === "unknown" || right.kind === "unknown")
    return { differences: [], classes: 0, open: [`port ${port}: nothing says whether a side serves it`] };
  if (!isOpen(left) || !isOpen(right) || left.protocol !== right.protocol)
    return { differences: [unlikePorts(port, left, right)], classes: 1, open: [] };
  return new OpenPorts(port, left, right, options).compare();
}

function isOpen(side: PortSide): side is OpenPort {
  return "protocol" in side;
}

/** One side does not listen at the port, or for another protocol. */
function unlikePorts(port: number, left: PortSide, right: PortSide): UrlDifference {
  const protocol = [left, right].flatMap((side) => (isOpen(side) ? [side.protocol] : []))[0] ?? "http";
  const served = (side: PortSide): ServedUrl => ({
    target: { kind: "status", status: 404, reason: "the port" },
    route: undefined,
    origin: undefined,
    host: undefined,
    answer: isOpen(side) ? `port for ${side.protocol.toUpperCase()}` : "closed port",
  });
  return {
    urls: { port, host: undefined, path: "/", match: "prefix" },
    example: `x${portText(port, protocol)}/`,
    request: { scheme: protocol, method: "GET", headers: [] },
    left: served(left),
    right: served(right),
  };
}

/** `:8080`; empty for the port of the scheme. */
export function portText(port: number, scheme: AskedWith["scheme"]): string {
  return port === (scheme === "http" ? 80 : 443) ? "" : `:${port}`;
}

/** The rules of a host by path. */
interface RuledPaths extends PathKeys {
  readonly exact: ReadonlyMap<string, readonly RequestRule[]>;
  readonly prefixes: ReadonlyMap<string, readonly RequestRule[]>;
}

class OpenPorts {
  private readonly port: number;
  private readonly left: OpenPort;
  private readonly right: OpenPort;
  private readonly options: PortOptions;
  private readonly differences: UrlDifference[] = [];
  private readonly open: string[] = [];
  private classes = 0;

  constructor(port: number, left: OpenPort, right: OpenPort, options: PortOptions) {
    this.port = port;
    this.left = left;
    this.right = right;
    this.options = options;
  }

  compare(): PortComparison {
    for (const hosts of namedHosts(this.left, this.right)) this.compareHosts(hosts);
    this.compareTls();
    return { differences: this.differences, classes: this.classes, open: this.open };
  }

  private compareHosts(hosts: NamedHosts): void {
    const [mine, yours] = [this.left.rulesFor(hosts.names[0]), this.right.rulesFor(hosts.names[0])];
    if (areAlike(mine, yours)) {
      this.classes += 1 + (mine?.rules.length ?? 0);
      return;
    }
    const isAsked = ({ conditions }: RequestRule): boolean =>
      (conditions?.headers ?? []).every(({ name, value }) => name !== "host" || this.isIn(hosts, value));
    const [a, b] = [byPath(mine?.rules.filter(isAsked) ?? []), byPath(yours?.rules.filter(isAsked) ?? [])];
    for (const { path, match } of pathClasses(a, b)) {
      const found = pathsOf({ path, match }, a, b);
      const paths = found.filter((each) => !this.options.skipsUnsafe || !isUnsafeTarget(each));
      const lists = [a, b].map((table) => rulesAt(table, { path, match })) as [RuleList, RuleList];
      if (paths.length > 0) this.comparePaths(hosts, { path, match }, paths, lists);
    }
  }

  /** Whether the Host header `value` names one of `hosts`. */
  private isIn({ names: [first], isOne }: NamedHosts, value: string): boolean {
    const name = hostName(value);
    if (isOne) return name === first;
    return [this.left, this.right].every((side) => side.rulesFor(name) === side.rulesFor(first));
  }

  /** Compares the requests for some hosts and paths. */
  private comparePaths(
    hosts: NamedHosts,
    { path, match }: PathClass,
    paths: readonly string[],
    lists: readonly [RuleList, RuleList],
  ): void {
    const { port, options } = this;
    const { byEndpoints } = options;
    const scope = { name: hosts.isOne ? hosts.names[0] : undefined, paths, byEndpoints };
    const judge = (rules: RuleList): Judged => rules.map((rule) => ({ rule, outcome: outcomeOfRule(rule, scope) }));
    const [left, right] = [judge(lists[0]), judge(lists[1])];
    const found = differingRules(left, right, outcomeOfRule(undefined, scope));
    this.classes += Math.max(1, found?.length ?? 0);
    const { host, isDeep } = hosts;
    const urls: UrlClass = { port, host, ...(isDeep && { isDeep }), path, match };
    const where = `rules for ${path} of ${host ?? "other hosts"} at port ${port}`;
    if (found === undefined) this.open.push(`${where}: their conditions have too many combinations`);
    for (const pair of found ?? []) {
      const unknown = byEndpoints ? undefined : [pair.left, pair.right].find(isNameOnly);
      if (unknown !== undefined) {
        this.open.push(`${where}: maps do not tell what ${targetName(unknown.target)} does`);
        continue;
      }
      const difference = this.shown(hosts, urls, paths, pair);
      if (difference === undefined) this.open.push(`${where}: no request was found that shows a difference`);
      else this.differences.push(difference);
    }
  }

  /** A difference with one of the shortest requests that shows it, as the evaluator answers it on both sides. */
  private shown(
    hosts: NamedHosts,
    urls: UrlClass,
    paths: readonly string[],
    { left, right, asked }: DifferingRules,
  ): UrlDifference | undefined {
    const { port, options } = this;
    const scheme = this.left.protocol;
    const tail = portText(port, scheme);
    const query = asked.parameters.map(({ name, value }) => `${name}=${value}`).join("&");
    const behind = query === "" ? "" : `?${query}`;
    const spelled = hosts.names.flatMap((name) => (name === undefined ? ["[::1]"] : [name]));
    // As the URL says it, then in other ways.
    const others = hosts.isOne ? spelled.flatMap((name) => [name, `${name}:1`, `${name}.`]) : [];
    const wanted = asked.headers.find(({ name }) => name === "host")?.value;
    const hostHeaders = wanted === undefined ? [...spelled.map((name) => `${name}${tail}`), ...others] : [wanted];
    const own = asked.headers.filter(({ name }) => name !== "host");
    for (const headers of headerVariants(own, [left, right]))
      for (const path of paths)
        for (const host of hostHeaders) {
          const target = `${path}${behind}`;
          const request = { host, target, method: asked.method, headers };
          const [mine, yours] = [this.left.decide(request), this.right.decide(request)];
          if (!isTaker(left, mine.rule) || !isTaker(right, yours.rule)) continue;
          const outcomes = [mine, yours].map((each) => outcomeOfRequest(each, request, options.byEndpoints));
          if (outcomes[0] === outcomes[1]) continue;
          const name = spelled.find((each) => `${each}${tail}` === host) ?? spelled[0] ?? host;
          const isSaid = host === `${name}${tail}`;
          return {
            urls,
            example: `${name}${tail}${target}`,
            request: {
              scheme,
              method: asked.method,
              headers: isSaid ? headers : [{ name: "host", value: host }, ...headers],
            },
            left: this.served(this.left, left, hosts),
            right: this.served(this.right, right, hosts),
          };
        }
    return undefined;
  }

  private served(side: OpenPort, rule: RequestRule | undefined, { names: [name] }: NamedHosts): ServedUrl {
    const ruled = side.rulesFor(name);
    const isFallback = rule !== undefined && rule === ruled?.fallback;
    const { match, path, conditions, filters } = rule ?? { match: "prefix" as const, path: "/" };
    return {
      target: rule?.target ?? { kind: "status", status: 404, reason: "no rule takes the request" },
      route: rule === undefined || isFallback ? undefined : { match, path, ...(conditions && { conditions }) },
      ...(filters && { filters }),
      origin: rule?.origin,
      host: ruled?.host,
      isListener: side.kind === "gateway",
      ...(isToHttps(rule) ? { answer: "308 to https" } : {}),
    };
  }

  private compareTls(): void {
    const { port, left, right } = this;
    if (left.protocol !== "https" || left.tls === undefined || right.tls === undefined) return;
    const { differences, classes } = compareCertificates(left.tls, right.tls, "a listener or its certificate");
    this.classes += classes;
    for (const { host, name, isDeep, left: mine, right: yours } of differences)
      this.differences.push({
        urls: { port, host, ...(isDeep && { isDeep }), path: "/", match: "prefix" },
        example: `${name}${portText(port, "https")}/`,
        request: { scheme: "https", method: "GET", headers: [] },
        left: { ...shownBy(left, name), certificate: mine },
        right: { ...shownBy(right, name), certificate: yours },
      });
  }
}

/** Whether only the name of what serves a rule is known, and not what it does: a list of rules, or a backend that changes requests. */
function isNameOnly(rule: RequestRule | undefined): boolean {
  return rule?.target.kind === "endpoints" && !/^[^/]+\/[^/:]+:[^.]+$/.test(rule.target.backend);
}

type RuleList = readonly RequestRule[];
type Judged = Parameters<typeof differingRules>[0];

function shownBy(side: OpenPort, name: string): ServedUrl {
  return {
    target: { kind: "status", status: 404, reason: "the TLS handshake" },
    route: undefined,
    origin: undefined,
    host: side.rulesFor(name)?.host,
  };
}

/** The fallback of an Ingress is no rule of the evaluator. */
function isTaker(rule: RequestRule | undefined, decided: RequestRule | undefined): boolean {
  return (
    rule === decided ||
    (decided === undefined && rule?.match === "prefix" && rule.path === "/" && rule.conditions === undefined)
  );
}

/** The headers of a request, and the same with more headers of the names that filters change: without these, adding and setting look alike. */
function headerVariants(
  asked: readonly NamedText[],
  rules: readonly (RequestRule | undefined)[],
): readonly (readonly NamedText[])[] {
  const names = new Set(
    rules.flatMap((rule) => {
      const shares = rule?.target.kind === "shares" ? rule.target.shares : [];
      const filters = [...(rule?.filters ?? []), ...shares.flatMap((share) => share.filters ?? [])];
      return filters.flatMap((filter) =>
        filter.kind === "request-headers"
          ? [...filter.set.map(({ name }) => name), ...filter.add.map(({ name }) => name), ...filter.remove]
          : [],
      );
    }),
  );
  return [asked, ...[...names].map((name) => [...asked, { name, value: "x-kpc-probe" }])];
}

/** Whether two hosts have the same rules, so that nothing has to be asked to see it. */
function areAlike(a: RuledHost | undefined, b: RuledHost | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.rules.length === b.rules.length && textOf(a.rules) === textOf(b.rules);
}

function textOf(rules: readonly RequestRule[]): string {
  return JSON.stringify(rules, (key, value: unknown) =>
    key === "origin" || key === "shadowed" || key === "reason" || key === "draining"
      ? undefined
      : typeof value === "bigint"
        ? `${value}n`
        : value,
  );
}

/** The rules that the paths of a class meet. */
function rulesAt({ exact, prefixes }: RuledPaths, { path, match }: PathClass): readonly RequestRule[] {
  const own = match === "exact" ? exact.get(path) : undefined;
  return own ?? prefixes.get(longestPrefix(prefixes, path)) ?? [];
}

/** Paths that no request has are left out. */
function byPath(rules: readonly RequestRule[]): RuledPaths {
  const exact = new Map<string, readonly RequestRule[]>();
  const prefixes = new Map<string, readonly RequestRule[]>();
  for (const { match, path, rules: list } of rulesByPath(rules)) {
    if (!/^\/[!-"$->@-~]*$/.test(path)) continue;
    if (match === "exact") exact.set(path, list);
    else prefixes.set(path === "/" ? "/" : `${path}/`, list);
  }
  return { exact, prefixes };
}
