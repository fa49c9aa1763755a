/** Differences by Service as a table: `-` only on the left side, `+` only on the right side, `~` on both and not the same. */

import type { Range } from "../../compare/box.ts";
import { OTHER_PROTOCOL } from "../../compare/traffic-kinds.ts";
import type { Destination } from "../../evaluate/disposition.ts";
import { printRule } from "../../formats/nft/print.ts";
import { unreachable } from "../../invariant.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import type { Rule } from "../../ir/types.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import type { Cause } from "./cause.ts";
import type { Aspect, ServiceChange } from "./changes.ts";
import type { Delta } from "./delta.ts";
import { complementOf, countRanges, isAnyAddress, printBlocks } from "./destination.ts";
import { type EndpointNames, printEndpoint } from "./endpoint-names.ts";
import { printFrontend } from "./frontends.ts";
import { ruleToData } from "./rule-data.ts";

/** What the table is of. */
export interface ChangesView {
  readonly changes: readonly ServiceChange[];
  readonly names: EndpointNames;
  /** Of the signs: what is on one side only, and what `->` leads from and to. */
  readonly legend: { readonly left: string; readonly right: string; readonly arrow: string };
  /** Rows, and causes, that are shown. */
  readonly limit: number;
  /** Classes of packets that differ and are not in `changes`: too many were found. */
  readonly unseen: number;
}

const SIGNS: Readonly<Record<ServiceChange["change"], string>> = { missing: "-", extra: "+", changed: "~" };

/** The table, and a line for each cause; nothing where nothing differs. */
export function renderChanges({ changes, names, legend, limit, unseen }: ChangesView): string[] {
  if (changes.length === 0) return [];
  const shown = changes.slice(0, limit);
  const titles = shown.map(titleOf);
  const width = Math.min(40, Math.max(...titles.map(({ length }) => length)));
  const rows = shown.flatMap((change, i) => {
    const title = titles[i] ?? "";
    const lines = linesOf(change, names);
    const head = `  ${SIGNS[change.change]} ${title}`;
    if (title.length > width) return [head, ...lines.map((line) => `      ${line}`)];
    const [first = "", ...rest] = lines;
    return [`${head.padEnd(width + 6)}${first}`.trimEnd(), ...rest.map((line) => `${"".padEnd(width + 6)}${line}`)];
  });
  const more = changes.length - shown.length;
  return [
    `${summaryOf(changes)}   (- ${legend.left}, + ${legend.right}, ~ ${legend.arrow})`,
    ...rows,
    ...(more > 0 ? [`  … and ${more} more (--limit ${changes.length} shows them)`] : []),
    ...(unseen > 0 ? [`  not in this table: ${unseen} more classes of packets that differ`] : []),
    "",
    ...renderCauses(causesOf(changes), limit),
  ];
}

/** `Services: 1 missing, 2 changed; 3 other destinations`. */
function summaryOf(changes: readonly ServiceChange[]): string {
  const named = changes.filter(({ service }) => service !== undefined);
  const counts = (["missing", "extra", "changed"] as const).flatMap((kind) => {
    const count = named.filter(({ change }) => change === kind).length;
    return count === 0 ? [] : [`${count} ${kind}`];
  });
  const others = changes.length - named.length;
  const unnamed = others === 0 ? [] : [`${others === 1 ? "1 destination" : `${others} destinations`} of no Service`];
  return [...(counts.length === 0 ? [] : [`Services: ${counts.join(", ")}`]), ...unnamed].join("; ");
}

/** The Service; else the destination, and for which protocols. */
function titleOf({ service, where, protocols }: ServiceChange): string {
  if (service !== undefined) return service;
  if ([OTHER_PROTOCOL, PROTOCOL_NUMBERS.tcp, PROTOCOL_NUMBERS.udp].every((each) => protocols.includes(each)))
    return `${where} (any protocol)`;
  const names = protocols.map((protocol) => PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`);
  return `${where} (${limited(names)})`;
}

// --- one Service -----------------------------------------------------------------------------------------------------------

function linesOf(change: ServiceChange, names: EndpointNames): string[] {
  const { ports, aspects } = change;
  const signed = [
    ...ports.missing.map((frontend) => ({ sign: "-", frontend })),
    ...ports.extra.map((frontend) => ({ sign: "+", frontend })),
  ];
  const list = limited(
    signed.map(({ sign, frontend }) =>
      change.change === "changed" ? `${sign} ${printFrontend(frontend)}` : printFrontend(frontend),
    ),
  );
  const first = signed.length === 0 ? [] : [change.change === "changed" ? `ports: ${list}` : list];
  const lines = [...first, ...aspects.map((aspect) => lineOf(aspect, change, names))];
  return lines.length > MOST_LINES
    ? [...lines.slice(0, MOST_LINES), `… and ${lines.length - MOST_LINES} more differences`]
    : lines;
}

/** Of one Service. */
const MOST_LINES = 6;

function lineOf(aspect: Aspect, { service = "" }: ServiceChange, names: EndpointNames): string {
  const { delta, cause } = aspect;
  const by =
    cause === undefined || (delta.kind === "refused" && (delta.side === "right" || delta.by === cause.where))
      ? ""
      : `, by ${cause.where}`;
  return `${headOf(aspect)}${printDelta(delta, cause, names, service)}${by}${scopeOf(aspect)}`;
}

/** What differs; the setting of a Service where the packets show which one it is. */
function headOf({ delta, frontends, isEverywhere, sources, cause }: Aspect): string {
  if (delta.kind === "untranslated") return "";
  if (delta.kind === "refused") return isSourceRange(delta.by) && !isAny(sources) ? "source ranges: " : "";
  if (frontends.some(({ role }) => role === "other ports")) return "";
  if (delta.kind !== "endpoints") return `${delta.kind}: `;
  const isExternal =
    frontends.length > 0 && frontends.every(({ role }) => role === "external IP" || role === "node port");
  return isExternal && !isEverywhere && cause === undefined ? "external traffic policy, endpoints: " : "endpoints: ";
}

/** Chains that keep out who is not in a Service's source ranges: kube-proxy's in both modes, kpc's. */
function isSourceRange(by: string): boolean {
  return /^(?:KUBE-FW-|KUBE-PROXY-FIREWALL|firewall|source-ranged|KPC-firewall|KPC-source-ranged)/.test(by);
}

function printDelta(delta: Delta, cause: Cause | undefined, names: EndpointNames, service: string): string {
  switch (delta.kind) {
    case "untranslated":
      return delta.side === "right" ? "is not translated" : "is translated";
    case "refused": {
      if (delta.side === "left") return `${delta.how}${delta.by === "" ? "" : ` by ${delta.by}`} -> passes`;
      const by = cause?.where ?? delta.by;
      return `${delta.how}${by === "" ? "" : ` by ${by}`}`;
    }
    case "endpoints": {
      const print = (sign: string, some: readonly Destination[]): string[] =>
        some.map((endpoint) => `${sign} ${printEndpoint(endpoint, names, service)}`);
      return limited([...print("-", delta.missing), ...print("+", delta.extra)]);
    }
    case "source":
    case "affinity":
    case "chances":
    case "outcome":
      return `${delta.left} -> ${delta.right}`;
    default:
      return unreachable(delta);
  }
}

/** For which packets, where it is not for all of them. */
function scopeOf({ frontends, isEverywhere, sources, isOwnOnly }: Aspect): string {
  const at = isEverywhere || frontends.length === 0 ? [] : [`at ${limited(frontends.map(printFrontend))}`];
  const own = isOwnOnly ? ["sent by the node itself"] : [];
  const from = isOwnOnly || isAny(sources) ? [] : [`from ${printSources(sources ?? [])}`];
  const all = [...at, ...own, ...from];
  return all.length === 0 ? "" : ` (${all.join("; ")})`;
}

/** Whether a difference does not depend on the source, or on too many of them to tell. */
function isAny(sources: readonly Range[] | undefined): boolean {
  return sources === undefined || isAnyAddress(sources);
}

/** Most addresses are told by those that are not among them. */
function printSources(sources: readonly Range[]): string {
  const others = complementOf(sources);
  return others.length < countRanges(sources)
    ? `all but ${limited(printBlocks(others))}`
    : limited(printBlocks(sources));
}

const MOST_LISTED = 4;

function limited(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_LISTED).join(", ");
  return texts.length > MOST_LISTED ? `${shown} and ${texts.length - MOST_LISTED} more` : shown;
}

// --- causes ----------------------------------------------------------------------------------------------------------------

interface CauseOfMany {
  readonly cause: Cause;
  readonly services: readonly string[];
  /** Destinations of no Service. */
  readonly others: readonly string[];
}

function causesOf(changes: readonly ServiceChange[]): CauseOfMany[] {
  const found = new Map<string, { cause: Cause; services: string[]; others: string[] }>();
  for (const { service, where, causes } of changes) {
    for (const cause of causes) {
      const known = found.get(cause.key) ?? { cause, services: [], others: [] };
      found.set(cause.key, known);
      (service === undefined ? known.others : known.services).push(where);
    }
  }
  return [...found.values()].sort((a, b) => b.services.length - a.services.length || b.others.length - a.others.length);
}

/** `shop/web:http`, `41 Services and 2 other destinations`. */
function concerned({ services, others }: CauseOfMany): string {
  const print = (list: readonly string[], many: string): string[] =>
    list.length === 0 ? [] : [list.length === 1 ? (list[0] ?? "") : `${list.length} ${many}`];
  return [
    ...print(services, "Services"),
    ...print(others, services.length > 0 ? "other destinations" : "destinations"),
  ].join(" and ");
}

function renderCauses(causes: readonly CauseOfMany[], limit: number): string[] {
  if (causes.length === 0) return [];
  const shown = causes.slice(0, limit).flatMap((each) => {
    const { where, effect, way, rules } = each.cause;
    return [
      `  ${where}, ${effect}${way === "" ? "" : ` (${way})`}: ${concerned(each)}`,
      ...rules
        .filter((rule): rule is Rule => typeof rule !== "string")
        .slice(0, MOST_LISTED)
        .map((rule) => `    ${lineOfRule(rule)}`),
    ];
  });
  const more = causes.length - limit;
  return ["Causes", ...shown, ...(more > 0 ? [`  … and ${more} more causes`] : []), ""];
}

/** As it stands in its file, where it is from one. */
function lineOfRule(rule: Rule): string {
  const span = rule.origin?.span();
  if (span === undefined) return printRule(rule, "inet");
  return span.source.text.slice(span.start, span.end).split("\n", 1)[0]?.trim() ?? "";
}

// --- data ------------------------------------------------------------------------------------------------------------------

/** `{services, serviceTotals, causes}`. */
export function changesToData({ changes, names, limit, unseen }: ChangesView): object {
  const named = changes.filter(({ service }) => service !== undefined);
  const count = (kind: ServiceChange["change"]): number => named.filter(({ change }) => change === kind).length;
  const causes = causesOf(changes);
  const numbers = new Map(causes.map(({ cause }, i) => [cause.key, i]));
  return {
    services: changes.slice(0, limit).map((change) => changeToData(change, names, numbers)),
    serviceTotals: { missing: count("missing"), extra: count("extra"), changed: count("changed") },
    otherDestinations: changes.length - named.length,
    unlistedClasses: unseen,
    causes: causes.map(({ cause, services, others }) => ({
      where: cause.where,
      effect: cause.effect,
      services: services.length,
      otherDestinations: others.length,
      rules: cause.rules.map((rule) => (typeof rule === "string" ? { policy: rule } : ruleToData(rule))),
    })),
  };
}

function changeToData(change: ServiceChange, names: EndpointNames, numbers: ReadonlyMap<string, number>): object {
  const { service, ports, aspects, causes, classes } = change;
  const endpoints = (side: "missing" | "extra"): string[] => [
    ...new Set(
      aspects
        .flatMap(({ delta }) => (delta.kind === "endpoints" ? delta[side] : []))
        .map((each) => printEndpoint(each, names, service ?? "")),
    ),
  ];
  return {
    service: service ?? null,
    ...(service === undefined ? { destination: titleOf(change) } : {}),
    change: change.change,
    ports: { missing: ports.missing.map(printFrontend), extra: ports.extra.map(printFrontend) },
    endpoints: { missing: endpoints("missing"), extra: endpoints("extra") },
    differences: aspects.map((aspect) => lineOf(aspect, change, names)),
    causes: causes.map(({ key }) => numbers.get(key)),
    classes,
  };
}
