/** Rules as nft lists them as text and as JSON. */
import type { Program } from "../../compiler/ir/types.ts";

/** What a listing as text and one as JSON both say of a program: nft 1.0.6 leaves comments of tables and chains out of JSON,
 *  what `typeof` names, devices of chains, that sets merge intervals, and whether sets are dynamic, which the rules that fill them
 *  tell; bodies of counters and the like are text. */
export function sameProgram({ ruleset }: Program): unknown {
  const text = JSON.stringify(ruleset.tables, (key, value: unknown) => {
    if (["origin", "objects", "autoMerge", "sample", "device"].includes(key)) return undefined;
    return typeof value === "bigint" ? `${value}n` : value;
  });
  const tables = JSON.parse(text) as {
    comment?: string;
    chains: { comment?: string }[];
    sets: { name: string; dynamic?: object }[];
  }[];
  for (const table of tables) {
    for (const each of [table, ...table.chains]) delete each.comment;
    const rules = JSON.stringify(table.chains);
    for (const set of table.sets) if (!rules.includes(`"set":"${set.name}"`)) delete set.dynamic;
  }
  return tables;
}
