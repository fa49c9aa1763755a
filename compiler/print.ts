/** The right half of the picture: from a program to the texts that kernels load, and to the classifier's tables. */
import type { Diagnostic } from "./diagnostics.ts";
import { type Installed, NOTHING_INSTALLED } from "./formats/iptables/installed.ts";
import type { OwnTables } from "./formats/iptables/own-rules.ts";
import { chainsOfFile, printFile as printIptablesFile } from "./formats/iptables/print-file.ts";
import { type Mark, UNMARKED } from "./formats/marks.ts";
import { printFile as printNftFile } from "./formats/nft/print-file.ts";
import { unsupportedByNft } from "./formats/nft/unsupported.ts";
import { encodeTable } from "./formats/tables/encode.ts";
import { embedTable } from "./formats/wasm/module.ts";
import type { Program, Table } from "./ir/types.ts";
import { type PrintedText, Unsupported } from "./ir/unsupported.ts";
import type { Address } from "./net/address.ts";
import { unfoldLookups } from "./passes/lookups/unfold.ts";
import type { CopyOf } from "./tabulate/copies.ts";
import { tabulate, unsupportedByTable } from "./tabulate/tabulate.ts";
import { VERSION } from "./version.ts";

/** Text for `nft -f`; `header` stands above it as comments. */
export function printNft({ ruleset }: Program, header: readonly string[] = []): PrintedText {
  return { text: printNftFile(ruleset, header), unsupported: unsupportedByNft(ruleset) };
}

/** Text for iptables-restore (`ip`) or ip6tables-restore (`ip6`), for a host that has `installed`. `mark` is given each rule. */
export function printIptables(
  program: Program,
  family: "ip" | "ip6",
  installed: Installed = NOTHING_INSTALLED,
  header: readonly string[] = [],
  mark: Mark = UNMARKED,
): PrintedText {
  const tables = program.ruleset.tables.filter((table) => table.family === family);
  const unfolded = unfoldLookups({ ...program, ruleset: { tables } });
  const { text, unsupported } = printIptablesFile(unfolded.program.ruleset, family, installed, header, mark);
  return { text, unsupported: [...unfolded.unsupported, ...unsupported] };
}

/** The rules that `printIptables` prints of these tables, chain by chain. */
export function iptablesChains(
  tables: readonly Table[],
  family: "ip" | "ip6",
): { readonly tables: OwnTables; readonly unsupported: readonly Diagnostic[] } {
  const ruleset = { tables: tables.filter((table) => table.family === family) };
  const unfolded = unfoldLookups({ ruleset, routes: [] });
  const { tables: own, unsupported } = chainsOfFile(unfolded.program.ruleset, family);
  return { tables: own, unsupported: [...unfolded.unsupported, ...unsupported] };
}

/** What `printTable` gives: a table, or why there is none. */
export interface PrintedTable {
  readonly table: Uint8Array | undefined;
  readonly unsupported: readonly Diagnostic[];
}

/** The classifier's table of what `program` does on a node that has `addresses`. `source` says what it was made from; `copyOf`
 *  spares walks, and changes nothing. */
export function printTable(
  program: Program,
  addresses: readonly Address[],
  source = "",
  copyOf?: CopyOf,
): PrintedTable {
  const tabulated = tabulate(program, addresses, copyOf);
  if ("unsupported" in tabulated) return { table: undefined, unsupported: tabulated.unsupported };
  try {
    return { table: encodeTable(tabulated.tabulation, source), unsupported: [] };
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return { table: undefined, unsupported: [unsupportedByTable(error)] };
  }
}

/** A classifier's engine that has `table` in it, as one WebAssembly module. `source` says what it was made from. */
export async function embedInEngine(table: Uint8Array, source = ""): Promise<Uint8Array> {
  const { engineBytes } = await import("../runtime/classifier/inline.ts");
  const { Matcher } = await import("../runtime/classifier/matcher.ts");
  const engine = engineBytes();
  const { freeMemory } = new Matcher(new WebAssembly.Module(engine));
  return embedTable(engine, table, freeMemory, { version: VERSION, source });
}
