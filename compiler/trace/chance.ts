/** Chances and conditions, as people read them. */
import { type Assumption, printAssumption } from "../evaluate/unknown/assumption.ts";
import { assumptionsOf } from "../evaluate/unknown/assumptions-of.ts";
import { type Condition, ALWAYS as NOTHING_ASSUMED } from "../evaluate/unknown/condition.ts";

/** `condition` as ways to it, or as what has to hold besides each other. */
export function renderCondition(condition: Condition): string[] {
  if (condition === NOTHING_ASSUMED) return [];
  const { assumptions, choices } = assumptionsOf(condition);
  const [only, more] = choices;
  const print = (all: readonly Assumption[]): string => all.map((each) => printAssumption(each, "not: ")).join("; ");
  if (only !== undefined && more === undefined) {
    const lines = only.ways.map(
      (way, i) => `${i === 0 ? "assuming" : "or assuming"}: ${print([...assumptions, ...way])}`,
    );
    return only.isMore ? [...lines, "or assuming something else (there are more cases)"] : lines;
  }
  const ways = choices.map((choice) => choice.ways.map(print).join(", or "));
  return [
    ...(assumptions.length === 0 ? [] : [`assuming: ${print(assumptions)}`]),
    ...ways.map((each, i) => `${i === 0 && assumptions.length === 0 ? "" : "and "}assuming one of these: ${each}`),
  ];
}

const ALWAYS = 1 - 1e-9;

/** iptables writes chances with eleven digits. */
const CLOSE = 1e-6;

/** `1 in 2`, `3 in 20`, `always`. */
export function chance(probability: number): string {
  if (isCertain(probability)) return "always";
  const inverse = Math.round(1 / probability);
  if (Math.abs(probability * inverse - 1) < CLOSE) return `1 in ${inverse}`;
  for (let of = 3; of <= 100; of++) {
    const part = Math.round(probability * of);
    if (Math.abs(probability * of - part) < CLOSE) return `${part} in ${of}`;
  }
  return `${(probability * 100).toFixed(3)} %`;
}

export function isCertain(probability: number): boolean {
  return probability > ALWAYS;
}
