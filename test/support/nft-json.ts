import type { Program } from "../../compiler/ir/types.ts";

/** What a listing as text and one as JSON both say of a program: nft 1.0.6 leaves comments of tables and chains out of JSON, and
 *  what `typeof` names; bodies of counters and the like are text. */
export function sameProgram({ ruleset }: Program): unknown {
  const text = JSON.stringify(ruleset.tables, (key, value: unknown) => {
    if (key === "origin" || key === "objects" || key === "attributes" || key === "sample") return undefined;
    return typeof value === "bigint" ? `${value}n` : value;
  });
  const tables = JSON.parse(text) as { comment?: string; chains: { comment?: string }[] }[];
  for (const table of tables) for (const each of [table, ...table.chains]) delete each.comment;
  return tables;
}
