/** The right half of the picture: from a program to the texts that kernels load, and to the classifier's tables. */
import { type Installed, NOTHING_INSTALLED } from "./formats/iptables/installed.ts";
import { type PrintedFile, printFile as printIptablesFile } from "./formats/iptables/print-file.ts";
import { printFile as printNftFile } from "./formats/nft/print-file.ts";
import { encodeTable } from "./formats/tables/encode.ts";
import { TableLimit } from "./formats/tables/limit.ts";
import type { Program } from "./ir/types.ts";
import type { Address } from "./net/address.ts";
import { unfoldLookups } from "./passes/unfold-lookups.ts";
import { tabulate } from "./tabulate/tabulate.ts";
import type { Misfit } from "./tabulate/types.ts";

/** Text for `nft -f`; `header` stands above it as comments. */
export function printNft({ ruleset }: Program, header: readonly string[] = []): string {
  return printNftFile(ruleset, header);
}

/** Text for iptables-restore (`ip`) or ip6tables-restore (`ip6`), for a host that has `installed`. */
export function printIptables(
  program: Program,
  family: "ip" | "ip6",
  installed: Installed = NOTHING_INSTALLED,
  header: readonly string[] = [],
): PrintedFile {
  const tables = program.ruleset.tables.filter((table) => table.family === family);
  const { program: unfolded, unsupported } = unfoldLookups({ ...program, ruleset: { tables } });
  const { text, problems } = printIptablesFile(unfolded.ruleset, family, installed, header);
  return { text, problems: [...unsupported.map(({ chain, reason }) => ({ chain, reason })), ...problems] };
}

/** What `printTable` gives: a table, or why there is none. */
export interface PrintedTable {
  readonly table: Uint8Array | undefined;
  readonly misfits: readonly Misfit[];
}

/** The classifier's table of what `program` does on a node that has `addresses`. `source` says what it was made from. */
export function printTable(program: Program, addresses: readonly Address[], source = ""): PrintedTable {
  const tabulated = tabulate(program, addresses);
  if ("misfits" in tabulated) return { table: undefined, misfits: tabulated.misfits };
  try {
    return { table: encodeTable(tabulated.tabulation, source), misfits: [] };
  } catch (error) {
    if (!(error instanceof TableLimit)) throw error;
    return { table: undefined, misfits: [{ reason: `tables have no room for ${error.message}` }] };
  }
}
