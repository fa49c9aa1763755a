/** A program without lookups as a file for `iptables-restore --noflush`. */

import type { Diagnostic, Origin } from "../../diagnostics.ts";
import { ChainGraph } from "../../ir/chain-graph.ts";
import type { BaseChain, Chain, Ruleset, Table } from "../../ir/types.ts";
import { type PrintedText, unsupported } from "../../ir/unsupported.ts";
import { type Mark, UNMARKED } from "../marks.ts";
import type { RuleContext } from "./extensions/row.ts";
import { type BuiltInChain, builtInFor, entryChain, type IptablesTable, OUR_BUILT_IN, TABLES } from "./hooks.ts";
import type { Installed } from "./installed.ts";
import { nameChains } from "./names.ts";
import type { OwnRules, OwnTables } from "./own-rules.ts";
import { joinChoices } from "./print-choices.ts";
import { printRule } from "./print-rule.ts";
import { spellRule } from "./rule-words.ts";

/**
 * Chains of ours only. A line `:KPC-… - [0:0]` makes a chain or empties it, so loading the text again replaces what it
 * loaded before. The jumps from the built-in chains cannot be written so: restore has no "unless it is there", and
 * every sequence of its commands changes the number of jumps by a constant. `installed` says what the host has; jumps
 * that are there are left out then, surplus ones deleted, and chains that are not used any more removed. `mark` is given each rule.
 */
export function printFile(
  ruleset: Ruleset,
  family: "ip" | "ip6",
  installed: Installed,
  header: readonly string[],
  mark: Mark = UNMARKED,
): PrintedText {
  const { sections, unsupported: lacking } = sectionsOf(ruleset, family, mark);
  const parts = [...sections].map(([name, section]) => printSection(name, section, installed));
  return { text: `${header.map((line) => `# ${line}`.trimEnd()).join("\n")}\n${parts.join("")}`, unsupported: lacking };
}

/** What a program has in the tables of iptables. */
interface Sections {
  readonly sections: ReadonlyMap<IptablesTable, Section>;
  readonly unsupported: readonly Diagnostic[];
}

/** In the order in which a restore file lists tables. */
function sectionsOf(ruleset: Ruleset, family: "ip" | "ip6", mark: Mark): Sections {
  const lacking: Diagnostic[] = [];
  const sections = new Map<IptablesTable, Section>();
  const sectionOf = (table: IptablesTable): Section => {
    const known = sections.get(table);
    if (known !== undefined) return known;
    const made: Section = { entries: [], lines: [], chains: new Set() };
    sections.set(table, made);
    return made;
  };
  for (const builtIn of OUR_BUILT_IN) sectionOf(builtIn.table).chains.add(entryChain(builtIn));
  for (const table of ruleset.tables) {
    if (table.family === family) addTable(table, family, { sectionOf, lacking, mark });
  }
  const inOrder = TABLES.flatMap((name): [IptablesTable, Section][] => {
    const section = sections.get(name);
    return section === undefined ? [] : [[name, section]];
  });
  return { sections: new Map(inOrder), unsupported: lacking };
}

/** The same rules as `printFile` prints, chain by chain. A program without a table of `family` has none: nothing of ours is to be there then. */
export function chainsOfFile(
  ruleset: Ruleset,
  family: "ip" | "ip6",
): { readonly tables: OwnTables; readonly unsupported: readonly Diagnostic[] } {
  if (!ruleset.tables.some((table) => table.family === family)) return { tables: new Map(), unsupported: [] };
  const { sections, unsupported } = sectionsOf(ruleset, family, UNMARKED);
  const tables = new Map<string, OwnRules>();
  for (const [name, { entries, chains, lines }] of sections) {
    const rules = new Map([...chains].map((chain): [string, string[]] => [chain, []]));
    for (const { chain, text } of lines) rules.get(chain)?.push(text);
    tables.set(name, { chains: rules, jumps: new Map(entries.map((entry) => [jumpTo(entry), 1])) });
  }
  return { tables, unsupported };
}

/** What goes into one table of iptables. */
interface Section {
  /** Built-in chains that get a jump. */
  readonly entries: BuiltInChain[];
  readonly chains: Set<string>;
  readonly lines: { readonly chain: string; readonly text: string }[];
}

/** What is written while tables are printed. */
interface Output {
  readonly sectionOf: (table: IptablesTable) => Section;
  readonly lacking: Diagnostic[];
  readonly mark: Mark;
}

function addTable(table: Table, family: "ip" | "ip6", output: Output): void {
  const graph = new ChainGraph(table);
  const chainNames = nameChains(table.chains.filter(({ kind }) => kind === "regular").map(({ name }) => name));
  const context: RuleContext = { family, chainNames, sets: new Map(table.sets.map((set) => [set.name, set])) };
  for (const name of TABLES) {
    const entries = table.chains.flatMap((chain) => {
      const builtIn = chain.kind === "base" ? builtInFor(chain) : undefined;
      return chain.kind === "base" && builtIn?.table === name ? [{ chain, builtIn }] : [];
    });
    if (entries.length === 0) continue;
    const section = output.sectionOf(name);
    for (const { chain, builtIn } of entries) {
      section.entries.push(builtIn);
      addChain(chain, entryChain(builtIn), section, context, output);
    }
    for (const chain of reachable(
      entries.map(({ chain }) => chain),
      graph,
    )) {
      addChain(chain, chainNames.get(chain.name) ?? chain.name, section, context, output);
    }
  }
  for (const chain of table.chains) {
    if (chain.kind === "base" && builtInFor(chain) === undefined) {
      const reason = `iptables has no built-in chain for hook ${chain.hook} at priority ${chain.priority}`;
      output.lacking.push(unsupportedByIptables(chain.name, reason, chain.rules[0]?.origin));
    }
  }
}

/** The regular chains that `start` leads to, sorted by name. */
function reachable(start: readonly BaseChain[], graph: ChainGraph): Chain[] {
  return [...graph.reachableFrom(start)]
    .filter(({ kind }) => kind === "regular")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function addChain(chain: Chain, name: string, section: Section, context: RuleContext, { lacking, mark }: Output): void {
  section.chains.add(name);
  if (chain.kind === "base" && chain.policy === "drop")
    lacking.push(unsupportedByIptables(chain.name, POLICY, chain.rules[0]?.origin));
  for (const text of chainLines(chain, name, context, lacking, mark)) section.lines.push({ chain: name, text });
}

/** The rules of a chain that iptables knows as `name`, as lines. */
export function chainLines(
  { name: chain, rules }: Pick<Chain, "name" | "rules">,
  name: string,
  context: RuleContext,
  lacking: Diagnostic[],
  mark: Mark = UNMARKED,
): string[] {
  return joinChoices(rules).flatMap((rule) => {
    const words = printRule(rule, context);
    // Joined: a text of parts keeps them all.
    if (!("lacking" in words)) return [mark(["-A", name, spellRule(words)].join(" "), rule)];
    lacking.push(unsupportedByIptables(chain, words.lacking, rule.origin));
    return [];
  });
}

const POLICY = "policy drop: a chain that a built-in chain jumps to has no policy";

export function unsupportedByIptables(chain: string, reason: string, origin: Origin | undefined): Diagnostic {
  return unsupported("unsupported-iptables", `chain ${chain} cannot be written for iptables: ${reason}`, origin);
}

function printSection(table: IptablesTable, { entries, chains, lines }: Section, installed: Installed): string {
  const present = installed.chains.get(table) ?? new Set<string>();
  const stale = [...present].filter((chain) => !chains.has(chain)).sort();
  const { inserts, deletes } = planJumps(entries.map(jumpTo), installed.jumps.get(table));
  return [
    `*${table}`,
    // Last names first: iptables-nft 1.8 puts each into a sorted list from its head (20,000 chains: 0.8 s; as they come 4.3 s).
    ...[...chains, ...stale]
      .sort()
      .reverse()
      .map((chain) => `:${chain} - [0:0]`),
    ...deletes,
    ...inserts,
    ...lines.map(({ text }) => text),
    ...stale.map((chain) => `-X ${chain}`),
    "COMMIT",
    "",
  ].join("\n");
}

/** How a built-in chain leads to ours, as the text behind `-A`. */
export function jumpTo(entry: BuiltInChain): string {
  return `${entry.chain} -j ${entryChain(entry)}`;
}

/** Commands that make the jumps to our chains those that are `wanted`: first in their chains, before what the host has there. */
export function planJumps(
  wanted: readonly string[],
  present: ReadonlyMap<string, number> = new Map(),
): { readonly inserts: string[]; readonly deletes: string[] } {
  const inserts = wanted.filter((jump) => !present.has(jump)).map((jump) => `-I ${jump}`);
  const deletes = [...present].flatMap(([jump, count]) => {
    const surplus = wanted.includes(jump) ? count - 1 : count;
    return new Array<string>(surplus).fill(`-D ${jump}`);
  });
  return { inserts, deletes };
}
