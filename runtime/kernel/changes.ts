/** What judges change in a program, so that packets show what it decides. Each change is a program again, which its printers print. */
import { counting, equal } from "../../compiler/ir/build.ts";
import { PRIORITY } from "../../compiler/ir/constants.ts";
import { stepsIn } from "../../compiler/ir/steps.ts";
import type { BaseChain, Expression, Program, Step, Table } from "../../compiler/ir/types.ts";
import { allParts, expressionsOf, withExpressions, withParts } from "../../compiler/ir/walk.ts";

/** `program`, taking turns where it takes chances: as many packets as there are endpoints meet each of them once. */
export function takeTurns(program: Program): Program {
  return withSteps(program, (step) => {
    const turn = step.kind === "chance" ? turnOf(step.numerator) : undefined;
    if (turn === undefined) return withExpressions(step, inTurn);
    return { ...equal(counting(turn.of), 0), operator: turn.negated ? "!=" : "==" };
  });
}

/** Some packets in their turn. */
interface Turn {
  /** One of so many. */
  readonly of: number;
  /** All but that one. */
  readonly negated: boolean;
}

/** The turn that a chance of `numerator` / 2^31 is, as nearly as whole numbers tell; undefined: it is none. */
export function turnOf(numerator: number): Turn | undefined {
  const negated = numerator > 2 ** 30;
  const part = negated ? 2 ** 31 - numerator : numerator;
  return part === 0 ? undefined : { of: Math.round(2 ** 31 / part), negated };
}

function inTurn(expression: Expression): Expression {
  return expression.kind === "numgen" ? { ...expression, mode: "inc" } : withParts(expression, inTurn);
}

/** `program` without the statements that remember where a client is: every packet is its first. */
export function rememberNobody(program: Program): Program {
  // Something has to stand in the rule.
  return withSteps(program, (step) => (remembers(step) ? { kind: "counter" } : step));
}

function remembers(step: Step): boolean {
  return step.kind === "remember" && step.operation !== "delete";
}

function withSteps(program: Program, change: (step: Step) => Step): Program {
  const tables = program.ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map((rule) => ({ ...rule, steps: rule.steps.map(change) })),
    })),
  }));
  return { ...program, ruleset: { ...program.ruleset, tables } };
}

/** A hook at which packets arrive at or leave the node, or go through it. */
export type FilterHook = "input" | "forward" | "output";

/** What, loaded beside the tables of `program`, drops what none of its rules accepts at `hooks` of the filter: what still arrives
 *  has been accepted in so many words. */
export function dropUndecided({ ruleset }: Program, hooks: readonly FilterHook[]): readonly Table[] {
  const families = ["ip", "ip6"] as const;
  return hooks.flatMap((hook) => {
    // An accept ends no other chain, so the chain that accepts has to drop the rest.
    const deciding = ruleset.tables.flatMap((table) => {
      const chains = table.chains.filter((chain) => chain.kind === "base" && decidesAt(chain, hook));
      return chains.length === 0 ? [] : [policies(table, chains as BaseChain[])];
    });
    const lacking = families.filter(
      (family) => !deciding.some((table) => table.family === family || table.family === "inet"),
    );
    const name = `filter-${hook}`;
    const chain = { kind: "base", name, type: "filter", hook, priority: PRIORITY.filter, policy: "drop" } as const;
    return [
      ...deciding,
      ...lacking.map((family) => policies({ family, name: "drop-undecided" }, [{ ...chain, rules: [] }])),
    ];
  });
}

function decidesAt({ type, hook, priority, policy }: BaseChain, wanted: FilterHook): boolean {
  return type === "filter" && hook === wanted && priority === PRIORITY.filter && policy === "accept";
}

/** `chains` without their rules. */
function policies({ family, name }: Pick<Table, "family" | "name">, chains: readonly BaseChain[]): Table {
  const dropping = chains.map((chain): BaseChain => ({ ...chain, policy: "drop", rules: [] }));
  return { family, name, sets: [], maps: [], chains: dropping };
}

/** The most endpoints that a rule, or a row of rules, chooses among. */
export function mostChoices({ ruleset }: Program): number {
  let most = 1;
  for (const step of stepsIn(ruleset.tables)) {
    if (step.kind === "chance") most = Math.max(most, turnOf(step.numerator)?.of ?? 1);
    for (const expression of expressionsOf(step))
      for (const part of allParts(expression)) if (part.kind === "numgen") most = Math.max(most, part.modulus);
  }
  return most;
}

/** Whether rules remember clients. */
export function hasMemory({ ruleset }: Program): boolean {
  for (const step of stepsIn(ruleset.tables)) if (remembers(step)) return true;
  return false;
}
