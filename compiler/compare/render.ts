/** What a comparison has found, for people and for programs. */
import { printPlace } from "../diagnostics.ts";
import type { Outcome, Reason } from "../evaluate/packet.ts";
import { printRule } from "../formats/nft/print.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { type Address, printAddress, printAddressPort } from "../net/address.ts";
import type { Range } from "./box.ts";
import type { Comparison, Region } from "./compare.ts";
import { chancesOf } from "./outcomes.ts";

/** Names of the two sides. */
export interface Sides {
  readonly left: string;
  readonly right: string;
}

/** What was proved, and what was not looked at: the end of a comparison, behind its regions. */
export function renderConclusion(comparison: Comparison): string[] {
  const { differing, open } = comparison;
  const opinion = differing > 0 ? "different" : open.length > 0 ? "no difference found" : "equal";
  return [...renderOpen(open), `=> ${opinion}: ${renderExtent(comparison)}`];
}

/** The first `limit` of `count` differing regions, with a packet for each. */
export function renderRegions(regions: readonly Region[], count: number, sides: Sides, limit: number): string[] {
  const lines = regions.slice(0, limit).flatMap((region) => [...renderRegion(region, sides), ""]);
  return count > limit ? [...lines, `… and ${count - limit} more (--limit ${count} shows them)`, ""] : lines;
}

export function renderOpen(open: Comparison["open"]): string[] {
  const lines = open.map(
    ({ door, from, reason }) =>
      `not compared: ${nameOf(door.protocol)}, ${door.family}, ${cameBy(door)}, from ${printAddress(from)} on: ${reason}`,
  );
  return lines.length > 0 ? [...lines, ""] : [];
}

/** What has been compared, in how many classes. */
export function renderExtent({ differing, boxes, open }: Comparison): string {
  const extent = open.length > 0 ? "what was compared" : "all first packets of connections";
  return `${extent}, in ${boxes} classes${differing > 0 ? `, ${differing} of them different` : ""}`;
}

export function renderRegion({ packet, door, box, left, right, assumptions }: Region, sides: Sides): string[] {
  const state = door.ctState === "new" ? "" : `, ${door.ctState} for connection tracking`;
  const width = Math.max(sides.left.length, sides.right.length);
  return [
    `${nameOf(packet.protocol)} ${printAddressPort(packet.source, packet.sourcePort)} > ${printAddressPort(packet.destination, packet.destinationPort)}   ${cameBy(door)}${state}`,
    `  like all from ${printRange(box.saddr, "address")} port ${printRange(box.sport, "port")} to ${printRange(box.daddr, "address")} port ${printRange(box.dport, "port")}`,
    ...assumptions.map((text) => `  if this holds: ${text}`),
    ...renderSide(sides.left.padEnd(width), left),
    ...renderSide(sides.right.padEnd(width), right),
  ];
}

function renderSide(name: string, outcome: Outcome): string[] {
  const decided = new Map<string, string>();
  for (const reason of outcome.results.flatMap(({ reasons }) => reasons.slice(-2)))
    decided.set(whereIs(reason), printReason(reason));
  return [`  ${name}  ${printChances(outcome)}`, ...[...decided.values()].slice(0, 4).map((text) => `    ${text}`)];
}

function printReason(reason: Reason): string {
  return `${reason.hook} ${reason.chain}: ${printRule(reason.rule, reason.family)}${whereIs(reason)}`;
}

function whereIs({ element, rule, chain }: Reason): string {
  const origin = element?.origin ?? rule.origin;
  return origin === undefined ? "" : `   ${printPlace(origin.span())}${chain === "" ? "" : ""}`;
}

/** What can happen, with the chance of each where there are several. */
export function printChances(outcome: Outcome): string {
  const chances = [...chancesOf(outcome)];
  if (chances.length === 1) return chances[0]?.[0] ?? "";
  return chances.map(([text, chance]) => `${text} (${(chance * 100).toFixed(2)} %)`).join(", or ");
}

function printRange({ from, to }: Range, of: "address" | "port"): string {
  const print = (value: number | bigint): string => (of === "port" ? String(value) : printAddress(value as Address));
  if (from === to) return print(from);
  if (of === "port" && from === 0 && to === 65535) return "any";
  return `${print(from)}-${print(to)}`;
}

function nameOf(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? `protocol ${protocol}`;
}

function cameBy(door: Region["door"]): string {
  const name = printInterface(door);
  if (name === null) return "sent by the node itself";
  if (name === "*") return "in by an interface that no rule names";
  return name === door.inInterface ? `in by ${name}` : `in by ${name}, which no rule names in full`;
}

/** The interface of a door: null for packets of the node itself; `*` for one that no rule names, `eth*` for one that only
 *  rules about that prefix mean. */
export function printInterface({ inInterface, isAnyInterface }: Region["door"]): string | null {
  if (inInterface === undefined) return null;
  // The example of a prefix ends in a character that no name has.
  return isAnyInterface ? "*" : inInterface.replace(/[^ -~]$/, "*");
}

/** `{equal, classes, differing, regions, open}`. */
export function comparisonToJson(comparison: Comparison, limit: number): string {
  return `${JSON.stringify(comparisonToData(comparison, limit), null, 2)}\n`;
}

export function comparisonToData({ regions, differing, boxes, open }: Comparison, limit: number) {
  const range = ({ from, to }: Range, isPort: boolean): unknown =>
    isPort ? [from, to] : [printAddress(from as Address), printAddress(to as Address)];
  return {
    equal: differing === 0 && open.length === 0,
    classes: boxes,
    differing,
    regions: regions.slice(0, limit).map(({ packet, door, box, left, right, assumptions }) => ({
      protocol: nameOf(packet.protocol),
      inInterface: printInterface(door),
      ctState: door.ctState,
      packet: {
        source: printAddressPort(packet.source, packet.sourcePort),
        destination: printAddressPort(packet.destination, packet.destinationPort),
      },
      source: range(box.saddr, false),
      sourcePort: range(box.sport, true),
      destination: range(box.daddr, false),
      destinationPort: range(box.dport, true),
      left: Object.fromEntries(chancesOf(left)),
      right: Object.fromEntries(chancesOf(right)),
      assumptions,
    })),
    open: open.map(({ door, from, reason }) => ({
      protocol: nameOf(door.protocol),
      family: door.family,
      ctState: door.ctState,
      inInterface: printInterface(door),
      from: printAddress(from),
      reason,
    })),
  };
}
