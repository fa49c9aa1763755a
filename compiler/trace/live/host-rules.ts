/** The rules of a host, with the numbers by which the kernel tells of them. */
import type { Report, Source } from "../../diagnostics.ts";
import { readRules } from "../../formats/read-rules.ts";
import type { Program, Rule } from "../../ir/types.ts";

/** What the host's commands printed. */
export interface HostListings {
  /** `nft -a list ruleset`: each rule ends with its number. */
  readonly nft: string;
  /** `iptables-nft-save` and `ip6tables-nft-save`, as far as they are installed: nft lists tables that iptables made, but some of their
   *  matches not exactly. */
  readonly saved: readonly { readonly family: "ip" | "ip6"; readonly source: Source }[];
  /** `ipset save`, if it is installed. */
  readonly ipsets: readonly Source[];
}

export interface NumberedRules {
  readonly program: Program;
  /** The kernel's number of a rule; undefined: it is not known. */
  readonly handleOf: (rule: Rule) => number | undefined;
}

/** Reads what the commands printed: tables that iptables made from its own text. */
export async function readHostRules({ nft, saved, ipsets }: HostListings, report: Report): Promise<NumberedRules> {
  const tables = tablesIn(nft);
  const made = saved.filter(({ source }) => /^\*/m.test(source.text));
  const isMade = ({ family, name }: ListedTable): boolean =>
    made.some(({ family: own, source }) => own === family && source.text.includes(`\n*${name}\n`));
  const native = tables.filter((table) => !isMade(table)).map(({ text }) => text);
  const sources = [{ name: "nft list ruleset", text: native.join("") }, ...made.map(({ source }) => source), ...ipsets];
  const program = await readRules(
    sources.filter(({ text }) => text !== ""),
    report,
  );
  return { program, handleOf: handlesFor(program, tables) };
}

/** Finds the numbers of the rules of `program` in what `nft -a list ruleset` prints where exactly these rules are loaded. */
export function numberRules(program: Program, listing: string): NumberedRules {
  return { program, handleOf: handlesFor(program, tablesIn(listing)) };
}

function handlesFor(program: Program, tables: readonly ListedTable[]): NumberedRules["handleOf"] {
  const handles = new Map(
    tables.flatMap((table) =>
      [...table.handles].map(([chain, own]) => [`${table.family} ${table.name} ${chain}`, own]),
    ),
  );
  const numbers = new Map<Rule, number>();
  for (const { family, name, chains } of program.ruleset.tables)
    for (const chain of chains) {
      const own = handles.get(`${family} ${name} ${chain.name}`) ?? [];
      // Otherwise the rules have changed since.
      if (own.length === chain.rules.length)
        for (const [i, rule] of chain.rules.entries()) numbers.set(rule, own[i] ?? Number.NaN);
    }
  return (rule) => numbers.get(rule);
}

interface ListedTable {
  readonly family: string;
  readonly name: string;
  readonly text: string;
  /** Numbers of the rules of each chain, in order. */
  readonly handles: ReadonlyMap<string, readonly number[]>;
}

/** The tables of a listing with numbers, each from its line `table ip nat { # handle 1` to the closing brace. */
function tablesIn(listing: string): ListedTable[] {
  return listing.split(/^(?=table )/m).flatMap((text) => {
    const [, family, name] = /^table (\S+) (\S+) \{/.exec(text) ?? [];
    return family === undefined || name === undefined ? [] : [{ family, name, text, handles: handlesIn(text) }];
  });
}

function handlesIn(table: string): ReadonlyMap<string, readonly number[]> {
  const handles = new Map<string, number[]>();
  let chain: number[] | undefined;
  for (const line of table.split("\n")) {
    const [, opened] = /^\tchain (\S+) \{/.exec(line) ?? [];
    if (opened !== undefined) {
      chain = [];
      handles.set(opened, chain);
    } else if (line === "\t}") chain = undefined;
    else {
      const [, handle] = /^\t\t.*# handle (\d+)$/.exec(line) ?? [];
      if (handle !== undefined) chain?.push(Number(handle));
    }
  }
  return handles;
}
