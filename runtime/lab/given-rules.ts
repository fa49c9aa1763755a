/** Rules of a host that were given as a dump: the lab loads the dump as it stands, so that kpc's reader is judged, too. */
import type { Source } from "../../compiler/diagnostics.ts";
import { dialectOf, isIr, isRestored, readRulesOf } from "../../compiler/formats/read-rules.ts";
import { unreachable } from "../../compiler/invariant.ts";

/** A command that loads a dump, which is its standard input. */
interface LoadCommand {
  readonly command: string;
  readonly text: string;
}

/** The commands that load dumps on a host without rules; a text: why there are none. */
export async function commandsFor(dumps: readonly Source[]): Promise<readonly LoadCommand[] | string> {
  const commands: LoadCommand[] = [];
  for (const dump of dumps) {
    const command = await commandFor(dump);
    if ("reason" in command) return `${dump.name} ${command.reason}`;
    commands.push({ command: command.command, text: dump.text });
  }
  return commands;
}

async function commandFor(dump: Source): Promise<{ readonly command: string } | { readonly reason: string }> {
  const { text } = dump;
  if (isIr(text)) return { reason: "is kpc's own JSON" };
  const dialect = dialectOf(text);
  switch (dialect) {
    case "nft":
      // nft prints what it does not know of their matches as comments, or does not read it.
      if (/managed by iptables-nft|xt_|\bxt (?:match|target)\b/.test(text))
        return { reason: "lists tables that iptables made, which nft does not load" };
      return { command: /^\s*\{/.test(text) ? "nft -j -f -" : "nft -f -" };
    case "iptables": {
      if (isRestored(dump)) return { reason: "lacks the jumps from the built-in chains" };
      const { ruleset } = await readRulesOf(dump, () => undefined);
      const families = new Set(ruleset.tables.map(({ family }) => family));
      if (families.size !== 1) return { reason: "has rules of two families" };
      return { command: families.has("ip6") ? "ip6tables-restore" : "iptables-restore" };
    }
    case "ipset":
      return { reason: "is of ipset" };
    case undefined:
      return { reason: "is in no dialect that a command loads" };
    default:
      return unreachable(dialect);
  }
}
