/** The right half of the picture: from a program to the texts that kernels load. */
import { type Installed, NOTHING_INSTALLED } from "./formats/iptables/installed.ts";
import { type PrintedFile, printFile as printIptablesFile } from "./formats/iptables/print-file.ts";
import { printFile as printNftFile } from "./formats/nft/print-file.ts";
import type { Program } from "./ir/types.ts";
import { unfoldLookups } from "./passes/unfold-lookups.ts";

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
