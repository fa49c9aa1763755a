/** Tests for fragments of packets, where the kernel has put all packets together before. */
import type { Expression, Match, Rule, Step, Table } from "../ir/types.ts";
import { expressionsOf, fieldsWritten, somePart, translatedBy } from "../ir/walk.ts";
import type { Family } from "../net/address.ts";
import type { Frame } from "./frame.ts";
import type { State } from "./state.ts";

/** The priority at which defragmentation runs, at prerouting and output (NF_IP_PRI_CONNTRACK_DEFRAG). */
const DEFRAGMENTATION = -400;

/** Whether a match that asks for fragments holds for `state`, whose packets are whole: undefined where it does not ask for them, or
 *  where fragments may come by. Connection tracking puts packets together for its whole family, also those that rules then take
 *  out of it; the kernel does so anyway for what it delivers to the node by IPv4 (ip_local_deliver). */
export function askFragments(
  { text, negated }: Extract<Match, { kind: "opaque" }>,
  { control }: State,
  { hook, base, table }: Frame,
): boolean | undefined {
  const { family } = control.original;
  const holds = family === "IPv4" ? ofWholeIpv4(text, negated) : ofWholeIpv6(text, negated);
  if (holds === undefined) return undefined;
  const isBehind = base.priority > DEFRAGMENTATION || (hook !== "prerouting" && hook !== "output");
  const isWhole = (hook === "input" && family === "IPv4") || (isBehind && table.tracksConnections(family));
  return isWhole ? holds : undefined;
}

/** The header of a fragment goes when packets are put together. What asks for its fields does not hold then, negated or not. */
function ofWholeIpv6(text: string, negated: boolean): boolean | undefined {
  if (/^-m frag\b|^frag /.test(text)) return false;
  return /^exthdr frag (exists|missing)$/.test(text) ? text.endsWith("missing") !== negated : undefined;
}

function ofWholeIpv4(text: string, negated: boolean): boolean | undefined {
  if (text === "-f") return negated;
  const [, maskText = "0xffff", operator = "==", valueText] =
    /^ip frag-off(?: (?:&|and) (\w+))?(?: ([<>]=?))? (\d\w*)$/.exec(text) ?? [];
  if (valueText === undefined) return undefined;
  const [mask, value] = [Number(maskText), Number(valueText)];
  if (Number.isNaN(mask) || Number.isNaN(value)) return undefined;
  const answers = new Set(FLAGS_OF_WHOLE.map((flags) => COMPARED[operator]?.(flags & mask, value)));
  const [only, more] = answers;
  return only === undefined || more !== undefined ? undefined : only !== negated;
}

/** All that the field may hold for packets that are whole: the bit for "do not fragment" and the reserved one say nothing. */
const FLAGS_OF_WHOLE = [0, 0x4000, 0x8000, 0xc000];

const COMPARED: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  "==": (left, right) => left === right,
  "<": (left, right) => left < right,
  "<=": (left, right) => left <= right,
  ">": (left, right) => left > right,
  ">=": (left, right) => left >= right,
};

/** The families for which rules of `tables` make the kernel track connections: loading them turns it on. */
export function trackedFamilies(tables: readonly Table[]): ReadonlySet<Family> {
  const families = new Set<Family>();
  for (const { family, chains } of tables) {
    const own = FAMILIES_OF[family] ?? [];
    if (own.every((each) => families.has(each))) continue;
    if (chains.some(({ rules }) => rules.some(needsTracking))) for (const each of own) families.add(each);
  }
  return families;
}

const FAMILIES_OF: Readonly<Partial<Record<Table["family"], readonly Family[]>>> = {
  ip: ["IPv4"],
  ip6: ["IPv6"],
  inet: ["IPv4", "IPv6"],
};

function needsTracking({ steps }: Rule): boolean {
  return steps.some(isTracking);
}

function isTracking(step: Step): boolean {
  const isWritten = fieldsWritten(step).some(({ kind, key }) => kind === "ct" && key !== "state");
  // What is not understood may do anything, but it starts no tracking of connections.
  const isKnown = step.kind !== "opaque-statement";
  return translatedBy(step) !== undefined || (isKnown && isWritten) || expressionsOf(step).some(asksConnection);
}

function asksConnection(expression: Expression): boolean {
  return somePart(expression, ({ kind }) => kind === "ct");
}
