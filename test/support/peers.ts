/** The test suites of nft and iptables themselves, beside the project. */
import { readIptablesText, readNftText } from "./read.ts";
import { readFolder } from "./shared.ts";

/** Rows of the test suites of nft and iptables themselves. */
export function rowsOf(name: string): readonly (readonly string[])[] {
  const text = readFolder("corpus/peer", ".tsv").find((file) => file.name === name)?.text ?? "";
  return text
    .split("\n")
    .slice(1)
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

/** A command of iptables-translate and the command of nft that it gives, as programs without counters. */
export const pairs = rowsOf("iptables-translate-pairs.tsv").flatMap(([, command = "", nft = ""]) => {
  const call = /^(ip6?)tables-translate (.*)$/.exec(command);
  const rule = /^nft '(?:add|insert) rule (\S+) (\S+) (\S+) ([^⏎]*)'$/.exec(nft);
  if (call === null || rule === null) return [];
  const family = call[1] === "ip6" ? "ip6" : "ip";
  const mine = readIptablesText(`${family}tables ${call[2]}\n`, family);
  // A chain of its own tells that the table is not one that iptables made: what is written here counts as it stands.
  const own = "chain own {\ntype filter hook input priority 7;\n}\n";
  const theirs = readNftText(`table ${rule[1]} ${rule[2]} {\n${own}chain ${rule[3]} {\n${rule[4]}\n}\n}\n`);
  return [{ command, nft, mine, theirs }];
});
