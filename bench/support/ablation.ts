/** A program with one base chain, or one rule of the chains that packets to a Service pass, left out at a time. */
import { printHook, printRule } from "../../compiler/formats/nft/print.ts";
import { ChainGraph } from "../../compiler/ir/chain-graph.ts";
import type { Chain, Program, Rule, Table } from "../../compiler/ir/types.ts";

/** What is left out, as nft writes it, and the program without it. */
interface Ablation {
  readonly without: string;
  readonly program: Program;
}

/** Each base chain of the IPv4 table that forwarded packets pass, and each rule to which it may lead: not those that serve a
 *  replacement, and none of the chains that pick an endpoint. */
export function* ablationsOf(program: Program): Generator<Ablation> {
  const table = program.ruleset.tables.find(({ family }) => family === "ip");
  if (table === undefined) return;
  const hooks = table.chains.filter((chain) => chain.kind === "base" && PASSED.has(chain.hook));
  for (const chain of new ChainGraph(table).reachableFrom(hooks)) {
    if (chain.kind === "base") {
      const without = `chain ${chain.name}: ${printHook(chain, "ip")}`;
      yield { without, program: replacing(program, table, chain, []) };
    }
    if (chain.rules.length < 2 && chain.kind === "base") continue; // the same as without its chain
    for (const rule of chain.rules) {
      if (rule.whileReplacing || chain.name.startsWith("pick-")) continue;
      const left = chain.rules.filter((other) => other !== rule);
      yield {
        without: `chain ${chain.name}: ${printRule(bare(rule), "ip")}`,
        program: replacing(program, table, chain, left),
      };
    }
  }
}

/** By a forwarded packet. */
const PASSED: ReadonlySet<string> = new Set(["prerouting", "forward", "postrouting"]);

function bare({ steps }: Rule): Rule {
  return { steps };
}

/** A base chain without rules is no longer there. */
function replacing(program: Program, table: Table, chain: Chain, rules: readonly Rule[]): Program {
  const gone = chain.kind === "base" && rules.length === 0;
  const chains = table.chains.flatMap((other) => (other !== chain ? [other] : gone ? [] : [{ ...chain, rules }]));
  const { ruleset } = program;
  const tables = ruleset.tables.map((other) => (other === table ? { ...table, chains } : other));
  return { ...program, ruleset: { ...ruleset, tables } };
}
