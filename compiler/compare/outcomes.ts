/** Whether two programs do the same to a packet. */
import { assumptionsOf, describeChoice } from "../evaluate/assumption.ts";
import { both, type Condition, isPossible } from "../evaluate/condition.ts";
import type { Fate } from "../evaluate/evaluate.ts";
import { printAssumption } from "../evaluate/locality.ts";
import type { Outcome, Result } from "../evaluate/packet.ts";
import { nowKey } from "../evaluate/state.ts";
import { printAddressPort } from "../net/address.ts";

/** What a packet meets, as text, with the chance of each; chances add up to 1. */
export type Chances = ReadonlyMap<string, number>;

/** Two outcomes of one packet that are not the same, and what has to be assumed of matches that are not understood. */
export interface Difference {
  readonly left: Outcome;
  readonly right: Outcome;
  readonly assumptions: readonly string[];
}

/** iptables rounds probabilities to 31 bits, and cascades of them add up. */
export const TOLERANCE = 1e-6;

/** The first pair of outcomes that can be met together and differ. */
export function findDifference(left: readonly Outcome[], right: readonly Outcome[]): Difference | undefined {
  for (const difference of differencesOf(left, right)) return difference;
  return undefined;
}

/** All pairs of outcomes that can be met together and differ. */
export function* differencesOf(left: readonly Outcome[], right: readonly Outcome[]): Generator<Difference> {
  for (const a of left) {
    for (const b of right) {
      if (sameChances(chancesOf(a), chancesOf(b))) continue;
      const condition = both(a.condition, b.condition);
      if (isPossible(condition)) yield { left: a, right: b, assumptions: describeCondition(condition) };
    }
  }
}

/** What has to hold, a line each. */
function describeCondition(condition: Condition): string[] {
  const { assumptions, choices } = assumptionsOf(condition);
  return [...assumptions.map((each) => printAssumption(each)), ...choices.map(describeChoice)].sort();
}

export function chancesOf({ results }: Outcome): Chances {
  const chances = new Map<string, number>();
  for (const result of results) {
    const text = describeResult(result);
    chances.set(text, (chances.get(text) ?? 0) + result.probability);
  }
  return chances;
}

/** Whether both say the same, but for what rounding does. */
export function sameChances(left: Chances, right: Chances): boolean {
  const texts = new Set([...left.keys(), ...right.keys()]);
  return [...texts].every((text) => Math.abs((left.get(text) ?? 0) - (right.get(text) ?? 0)) <= TOLERANCE);
}

/** What happens, without the rules that led to it. Who is not delivered has no source that anybody sees, and whether a packet
 *  was accepted in so many words makes no difference to it. */
export function describeResult(result: Result): string {
  const { verdict, rejectWith, endpoint, masquerade, source, sticky, takenBy = [], remembers = [] } = result;
  const entered = remembers.map((text) => `, ${text}`).join("");
  if (verdict === "drop") return `drop${entered}`;
  if (verdict === "reject") return `reject with ${rejectWith}${entered}`;
  const from = source === undefined ? (masquerade ? ", masqueraded" : "") : `, from ${source}`;
  const more = `${takenBy.map((text) => `, taken by "${text}"`).join("")}${entered}`;
  if (verdict !== "dnat" || endpoint === undefined) return `goes on${from}${more}`;
  const remembered = sticky === undefined ? "" : `, remembered for ${sticky.timeoutSeconds} s`;
  return `to ${printAddressPort(endpoint.address, endpoint.port)}${from}${remembered}${more}`;
}

/** Equal where `describeResult` is. */
export function resultKey(result: Omit<Fate, Described>): string {
  const { verdict, rejectWith, endpoint, masquerade, source, sticky, takenBy, remembers } = result;
  const entered = remembers === undefined ? "" : `\nlists ${remembers.join("\n")}`;
  if (verdict === "drop") return `drop${entered}`;
  if (verdict === "reject") return `reject ${rejectWith}${entered}`;
  const from = source === undefined ? (masquerade ? " masqueraded" : "") : ` from ${source}`;
  const more = `${takenBy === undefined ? "" : `\n${takenBy.join("\n")}`}${entered}`;
  if (verdict !== "dnat" || endpoint === undefined) return `on${from}${more}`;
  return `to ${nowKey(endpoint.address)} ${nowKey(endpoint.port)}${from} ${sticky?.timeoutSeconds ?? ""}${more}`;
}

type Described = "region" | "probability" | "condition";
