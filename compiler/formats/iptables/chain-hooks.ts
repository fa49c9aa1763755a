/** The built-in chains from which packets come to each chain. */
import { startsOfChains } from "../../ir/starts.ts";

/** By table and chain, where the rules of the chain go. Table "" is that of rules that name none. */
export type ChainTargets = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** By table. Rules that name no table, as `iptables -S` prints them, have one graph for all. */
export class ChainHooks {
  private readonly source: () => ChainTargets;
  private targets: ChainTargets | undefined;
  /** Of each table, the built-in chains that lead to a chain. */
  private readonly known = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
  private readonly translated = new Map<ReadonlySet<string>, "destination" | "source" | undefined>();

  /** `source`: asked for when a table is. */
  constructor(source: () => ChainTargets) {
    this.source = source;
  }

  /** The built-in chains of `table` that lead to `chain`, and that one, where it is built in. */
  leadingTo(table: string, chain: string): ReadonlySet<string> {
    let known = this.known.get(table);
    if (known === undefined) {
      this.targets ??= this.source();
      const targets = this.targets.get(table) ?? this.targets.get("");
      known = startsOfChains(BUILT_IN, (each) => targets?.get(each) ?? NONE);
      this.known.set(table, known);
    }
    return known.get(chain) ?? NONE;
  }

  /** What a rule of the nat table translates that `hooks`, as `leadingTo` gives them, lead to; undefined: both kinds of hooks do,
   *  or none. */
  translatedBehind(hooks: ReadonlySet<string>): "destination" | "source" | undefined {
    const known = this.translated.get(hooks);
    if (known !== undefined || this.translated.has(hooks)) return known;
    const found = translatedBehind(hooks);
    this.translated.set(hooks, found);
    return found;
  }
}

const NAMES = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;
const BUILT_IN: ReadonlyMap<string, readonly string[]> = new Map(NAMES.map((name) => [name, [name]]));
const NONE: ReadonlySet<string> = new Set();

/** Of a text for iptables-restore. */
export function targetsIn(text: string): ChainTargets {
  const byTable = new Map<string, Map<string, Set<string>>>();
  for (const section of text.split(/^(?=\*)/m)) {
    const table = /^\*(\S+)/.exec(section)?.[1] ?? "";
    for (const [line, chain = "", target = ""] of section.matchAll(
      /^.*(?:-A|-I|--append|--insert) (\S+).* (?:-j|-g|--jump|--goto) (\S+)/gm,
    )) {
      const own = / (?:-t|--table) (\S+)/.exec(line)?.[1] ?? table;
      const targets = byTable.get(own) ?? new Map<string, Set<string>>();
      byTable.set(own, targets.set(chain, (targets.get(chain) ?? new Set()).add(target)));
    }
  }
  return byTable;
}

const TRANSLATED: Readonly<Record<string, "destination" | "source">> = {
  PREROUTING: "destination",
  OUTPUT: "destination",
  INPUT: "source",
  POSTROUTING: "source",
};

function translatedBehind(hooks: ReadonlySet<string>): "destination" | "source" | undefined {
  const kinds = new Set([...hooks].flatMap((each) => TRANSLATED[each] ?? []));
  const [only, more] = kinds;
  return more === undefined ? only : undefined;
}
