/** What a match on a set of ipset asks for, as a set of the IR. */

import { addressField, addressType, concat } from "../../ir/build.ts";
import { mergeIntervals, namesWith } from "../../ir/interval.ts";
import { stringify } from "../../ir/normal-form.ts";
import { partsOfKey } from "../../ir/sets.ts";
import type { Component, Expression, Interval, KeyPart, SetDeclaration, SetElement } from "../../ir/types.ts";
import type { IpSet, IpSetEntry, IpSetPart, IpSets, IpSetValue } from "./types.ts";

/** A match on a set, in one of a rule's ways to look at packets. */
export interface SetQuery {
  readonly set: string;
  /** `src` or `dst` for each part of an entry. */
  readonly directions: readonly string[];
  readonly family: "ip" | "ip6";
  /** The one protocol that the rule is about. */
  readonly protocol: number | undefined;
}

/** `never`: no packet is in the set. A text: why it is not known. */
export type SetAnswer =
  | { readonly kind: "known"; readonly key: Expression; readonly declaration: SetDeclaration }
  | { readonly kind: "never" }
  | { readonly kind: "unknown"; readonly reason: string };

/** Which packets the match `query` takes. */
export function lookUpSet(query: SetQuery, sets: IpSets): SetAnswer {
  const set = sets.get(query.set);
  if (set === undefined) return unknown(`there is no set ${query.set} in what ipset saved`);
  return set.type === "list:set" ? lookUpList(set, query, sets) : lookUpEntries(set, query);
}

function unknown(reason: string): SetAnswer {
  return { kind: "unknown", reason };
}

/** A packet is in a list of sets when it is in one of them. */
function lookUpList(list: IpSet, query: SetQuery, sets: IpSets): SetAnswer {
  let common: Extract<SetAnswer, { kind: "known" }> | undefined;
  const elements: SetElement[] = [];
  for (const { parts } of list.entries) {
    const [part] = parts;
    if (part?.kind !== "set") continue;
    const answer = lookUpSet({ ...query, set: part.name }, sets);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "never") continue;
    if (common !== undefined && stringify(common.key) !== stringify(answer.key))
      return unknown(`set ${list.name} lists sets of several types`);
    common ??= answer;
    elements.push(...answer.declaration.elements);
  }
  if (common === undefined) return { kind: "never" };
  const { declaration } = common;
  return {
    ...common,
    declaration: { ...declaration, name: nameOf(query), ...contents(elements) },
  };
}

/** The kernel takes no packet where the rule has fewer directions than entries have parts, or another family (ip_set_test). */
function lookUpEntries(set: IpSet, query: SetQuery): SetAnswer {
  const { directions, family, protocol } = query;
  if (directions.length < set.parts.length || (set.family !== undefined && set.family !== family))
    return { kind: "never" };
  if (set.unknownOption !== undefined) return unknown(`set ${set.name} has ${set.unknownOption}`);
  const components = set.parts.map((part, i) => componentsOf(part, directions[i] ?? "", family));
  const key = components.flatMap((part) => part ?? []);
  if (components.some((part) => part === undefined)) return unknown(`set ${set.name} asks for what kpc does not know`);
  const entries = set.entries.filter((entry) => !isOfOtherProtocol(entry, protocol));
  const odd = entries.find(({ parts }) => parts.some(({ kind }) => kind === "other"));
  if (odd !== undefined) return unknown(`set ${set.name} has ${odd.text}`);
  const plain = withoutExceptions(entries, set);
  if (plain === undefined) return unknown(`set ${set.name} has exceptions (nomatch) for pairs of blocks`);
  const samples = key.map(({ sample }) => sample);
  const [only] = samples;
  return {
    kind: "known",
    key: samples.length === 1 && only !== undefined ? only : concat(...samples),
    declaration: { name: nameOf(query), key, ...contents(plain.flatMap(({ parts }) => elementsOf(parts, protocol))) },
  };
}

/** ICMP types and the like are nothing to the packets of a rule about another protocol. */
function isOfOtherProtocol({ parts }: IpSetEntry, protocol: number | undefined): boolean {
  return (
    protocol !== undefined &&
    parts.some((part) => part.kind === "other" && part.protocol !== undefined && part.protocol !== protocol)
  );
}

function nameOf({ set, directions }: SetQuery): string {
  return `${set}:${directions.join()}`;
}

function contents(elements: readonly SetElement[]): Pick<SetDeclaration, "elements" | "interval"> {
  return {
    elements,
    interval: elements.some((element) => partsOfKey(element).some((part) => typeof part === "object")),
  };
}

const DIRECTIONS: ReadonlySet<string> = new Set(["src", "dst"]);

/** The fields that one part of an entry is held against. */
function componentsOf(part: IpSetPart, direction: string, family: "ip" | "ip6"): readonly Component[] | undefined {
  if (!DIRECTIONS.has(direction)) return undefined;
  const isSource = direction === "src";
  const name = family === "ip" ? "IPv4" : "IPv6";
  switch (part) {
    case "ip":
    case "net":
      return [{ type: addressType(name), sample: addressField(name, isSource ? "saddr" : "daddr") }];
    case "port": {
      const port: Component = {
        type: "inet_service",
        sample: { kind: "transport", protocol: "th", field: isSource ? "sport" : "dport" },
      };
      return [{ type: "inet_proto", sample: { kind: "meta", key: "l4proto" } }, port];
    }
    case "mac":
      return isSource ? [{ type: "ether_addr", sample: { kind: "header", field: "ether saddr" } }] : undefined;
    case "mark":
      return [{ type: "mark", sample: { kind: "meta", key: "mark" } }];
    case "iface":
      return [{ type: "ifname", sample: { kind: "meta", key: isSource ? "iifname" : "oifname" } }];
    case "set":
      return undefined;
    default:
      return part satisfies never;
  }
}

/** Ports without a protocol are those of TCP and UDP, as far as the rule is about them (ip_set_get_ip_port). */
function elementsOf(parts: readonly IpSetValue[], ofRule: number | undefined): SetElement[] {
  if (!parts.some(isOfAnyProtocol)) return [{ key: parts.flatMap(keyPartsOf) }];
  const protocols = TCP_AND_UDP.filter((each) => ofRule === undefined || each === ofRule);
  return protocols.map((protocol) => ({
    key: parts.map((part) => (isOfAnyProtocol(part) ? { ...part, protocol } : part)).flatMap(keyPartsOf),
  }));
}

const TCP_AND_UDP: readonly number[] = [6, 17];

function isOfAnyProtocol(value: IpSetValue): value is Extract<IpSetValue, { kind: "ports" }> {
  return value.kind === "ports" && value.protocol === undefined;
}

function keyPartsOf(value: IpSetValue): KeyPart[] {
  switch (value.kind) {
    case "addresses":
      return [keyPart(value.interval)];
    case "ports":
      return value.protocol === undefined ? [keyPart(value.interval)] : [value.protocol, keyPart(value.interval)];
    case "number":
      return [value.value];
    case "interface":
      return [value.isPrefix ? namesWith(value.name) : value.name];
    case "set":
    case "other":
      return [];
    default:
      return value satisfies never;
  }
}

function keyPart(interval: Interval): KeyPart {
  return interval.from === interval.to ? interval.from : interval;
}

// --- exceptions ----------------------------------------------------------------------------------------------------------

/** The same packets without entries of `nomatch`: of the blocks that hold an address the narrowest one decides. Undefined where
 *  entries have two blocks. */
function withoutExceptions(entries: readonly IpSetEntry[], set: IpSet): readonly IpSetEntry[] | undefined {
  if (!entries.some(({ isException }) => isException)) return entries;
  const at = set.parts.indexOf("net");
  if (at < 0 || set.parts.lastIndexOf("net") !== at) return undefined;
  const groups = new Map<string, IpSetEntry[]>();
  for (const entry of entries) {
    const key = stringify(entry.parts.filter((_, i) => i !== at));
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].flatMap((group) => decided(group, at));
}

function decided(group: readonly IpSetEntry[], at: number): IpSetEntry[] {
  const lengthOf = ({ parts }: IpSetEntry): number => {
    const part = parts[at];
    return part?.kind === "addresses" ? part.length : 0;
  };
  let covered: Interval[] = [];
  return [...group]
    .sort((a, b) => lengthOf(b) - lengthOf(a))
    .flatMap((entry): IpSetEntry[] => {
      const part = entry.parts[at];
      if (part?.kind !== "addresses") return [];
      const rest = minus(part.interval, covered);
      covered = mergeIntervals([...covered, part.interval]);
      if (entry.isException) return [];
      return rest.map((interval) => ({
        ...entry,
        parts: entry.parts.map((each, i) => (i === at ? { ...part, interval } : each)),
      }));
    });
}

/** What `interval` has beside `covered`, which is sorted. */
function minus(interval: Interval, covered: readonly Interval[]): Interval[] {
  const rest: Interval[] = [];
  let { from } = interval;
  for (const { from: start, to: end } of covered) {
    if (end < from || start > interval.to) continue;
    if (start > from) rest.push({ from, to: step(start, -1) });
    from = step(end, 1);
  }
  return from <= interval.to ? [...rest, { from, to: interval.to }] : rest;
}

function step(value: Interval["from"], by: 1 | -1): Interval["from"] {
  if (typeof value === "string") throw new Error("addresses are numbers");
  return typeof value === "bigint" ? value + BigInt(by) : value + by;
}
