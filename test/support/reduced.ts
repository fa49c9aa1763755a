/** Programs with parts that are alike, compared as they are and by what `reduce` leaves of them. */
import { expect } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { reduce } from "../../compiler/compare/symmetry/reduce.ts";
import type { Program, Step } from "../../compiler/ir/types.ts";
import { parseAddress } from "../../compiler/net/address.ts";
import { mustReadNft } from "./read.ts";

/** The node's. */
export const ADDRESSES = ["10.0.9.1", "2001:db8::1"].flatMap((text) => parseAddress(text) ?? []);
/** As many parts are alike: more than stay. */
export const COUNT = 9;
export const numbers: readonly number[] = Array.from({ length: COUNT }, (_, i) => i + 1);

interface Verdicts {
  /** Whether all packets fare alike. */
  readonly whole: boolean;
  readonly reduced?: boolean;
  readonly components?: number;
  readonly forms?: number;
  readonly reason?: string;
}

/** Whether all packets fare alike: by the programs as they are, and by what `reduce` leaves of them. */
export function verdicts(left: Program, right: Program): Verdicts {
  const options = { addresses: ADDRESSES, symmetry: false, keep: 0 };
  const isEqual = (...programs: readonly [Program, Program]): boolean => {
    const { differing, open } = compare(...programs, options);
    expect(open).toEqual([]);
    return differing === 0;
  };
  const reduction = reduce(left, right, ADDRESSES, { evenIfFew: true });
  const whole = isEqual(left, right);
  if (reduction.kind === "whole") return { whole, reason: reduction.reason };
  const { programs, components, forms } = reduction;
  return { whole, reduced: isEqual(...programs), components, forms };
}

/** A rule for each of nine addresses, one after the other, in a chain at forward, and what else stands before and behind them. */
export function rules(
  ruleOf: (address: string, i: number) => string,
  { order = numbers, before = "", behind = "", declared = "", hook = "forward" } = {},
): Program {
  const all = order.map((i) => ruleOf(`10.0.0.${i}`, i)).join("\n");
  return mustReadNft(
    `table inet t { ${declared}\nchain c { type filter hook ${hook} priority 0;\n${before}\n${all}\n${behind}\n} }`,
  );
}

/** As `rules`, but the ninth one is another one. */
export function last(
  ruleOf: (address: string, i: number) => string,
  other: (address: string, i: number) => string,
  options: Parameters<typeof rules>[1] = {},
): Program {
  return rules((address, i) => (i === COUNT ? other(address, i) : ruleOf(address, i)), options);
}

/** `program` with other steps in its rules: for what no text says. */
export function withSteps(program: Program, stepsOf: (steps: readonly Step[]) => readonly Step[]): Program {
  const tables = program.ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map((rule) => ({ ...rule, steps: stepsOf(rule.steps) })),
    })),
  }));
  return { ...program, ruleset: { ...program.ruleset, tables } };
}
