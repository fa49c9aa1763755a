/** Tests for fragments of packets, where the kernel has put all packets together before. */
import type { Match } from "../ir/types.ts";
import type { Frame } from "./frame.ts";
import type { State } from "./state.ts";

/** The priority at which defragmentation runs, at prerouting and output (NF_IP_PRI_CONNTRACK_DEFRAG). */
const DEFRAGMENTATION = -400;

/** Whether a match that asks for fragments holds for `state`, whose packets are whole: undefined where it does not ask for them, or
 *  where fragments may come by. Connection tracking puts packets together for its whole family, also those that rules then take
 *  out of it; the kernel does so anyway for what it delivers to the node by IPv4 (ip_local_deliver). */
export function askFragments(
  { text, negated }: Extract<Match, { kind: "opaque" }>,
  { shared }: State,
  { hook, base, table }: Frame,
): boolean | undefined {
  const { family } = shared.original;
  const holds = family === "IPv4" ? ofWholeIpv4(text, negated) : ofWholeIpv6(text, negated);
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
