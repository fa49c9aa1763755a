/** Rules that are too large for one transaction of an ordinary user: nft takes some 200 KB of netlink messages there, as only root may have
 *  larger buffers (SO_SNDBUFFORCE). */
import { printTable } from "../../compiler/formats/nft/print.ts";
import type { Chain, Program, Table } from "../../compiler/ir/types.ts";
import { printNft } from "../../compiler/print.ts";

/** Elements of sets and maps, or rules, that one piece has. */
const MOST_AT_ONCE = 1000;

/** Texts for `nft -f` that make what one text of `program` would: first everything empty, then what is in it. Packets meet all of the
 *  states between. */
export function rulesInPieces(program: Program): string[] {
  const { tables } = program.ruleset;
  const empty = tables.map((table): Table => {
    const { sets, maps, chains } = emptied(table);
    return { ...table, sets, maps, chains };
  });
  const skeleton = printNft({ ...program, ruleset: { ...program.ruleset, tables: empty } }).text;
  return [skeleton, ...tables.flatMap(fillings)];
}

type Parts = Pick<Table, "sets" | "maps" | "chains">;

/** A chain that stands in a rule stays whole. */
const isInline = (chain: Chain): boolean => chain.kind === "regular" && chain.anonymous === true;

function emptied({ sets, maps, chains }: Table): Parts {
  return {
    sets: sets.map((set) => ({ ...set, elements: [] })),
    maps: maps.map((map) => ({ ...map, elements: [] })),
    chains: chains.map((chain): Chain => (isInline(chain) ? chain : { ...chain, rules: [] })),
  };
}

function fillings(table: Table): string[] {
  const { family, name, sets, maps, chains } = table;
  const print = (parts: Partial<Parts>): string =>
    printTable({ family, name, sets: [], maps: [], chains: [], ...parts });
  const inlineChains = chains.filter(isInline);
  // Elements name chains, which are there; rules name sets, which are full when the first packet meets the rule.
  return [
    ...sets.flatMap((set) => batches(set.elements).map((elements) => print({ sets: [{ ...set, elements }] }))),
    ...maps.flatMap((map) => batches(map.elements).map((elements) => print({ maps: [{ ...map, elements }] }))),
    ...chains
      .filter((chain) => !isInline(chain))
      .flatMap((chain) =>
        batches(chain.rules).map((rules) => print({ chains: [...inlineChains, { ...chain, rules }] })),
      ),
  ];
}

function batches<T>(list: readonly T[]): T[][] {
  const count = Math.ceil(list.length / MOST_AT_ONCE);
  return Array.from({ length: count }, (_, i) => list.slice(i * MOST_AT_ONCE, (i + 1) * MOST_AT_ONCE));
}
