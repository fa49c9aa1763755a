/** The built-in chains from which packets come to each chain. */

/** By table, in a text for iptables-restore. A text without tables, as `iptables -S` prints it, has one graph for all. */
export class ChainHooks {
  private readonly text: string;
  private callers: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> | undefined;
  private readonly known = new Map<string, ReadonlySet<string>>();

  constructor(text: string) {
    this.text = text;
  }

  /** `chain` itself, and all chains of `table` that lead to it. */
  leadingTo(table: string, chain: string): ReadonlySet<string> {
    const key = `${table} ${chain}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.callers ??= callersIn(this.text);
    const callers = this.callers.get(table) ?? this.callers.get("");
    const all = new Set([chain]);
    for (const each of all) for (const caller of callers?.get(each) ?? []) all.add(caller);
    this.known.set(key, all);
    return all;
  }
}

function callersIn(text: string): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
  const byTable = new Map<string, Map<string, Set<string>>>();
  for (const section of text.split(/^(?=\*)/m)) {
    const table = /^\*(\S+)/.exec(section)?.[1] ?? "";
    for (const [line, chain = "", target = ""] of section.matchAll(
      /^.*(?:-A|-I|--append|--insert) (\S+).* (?:-j|-g|--jump|--goto) (\S+)/gm,
    )) {
      const own = / (?:-t|--table) (\S+)/.exec(line)?.[1] ?? table;
      const callers = byTable.get(own) ?? new Map<string, Set<string>>();
      byTable.set(own, callers.set(target, (callers.get(target) ?? new Set()).add(chain)));
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

/** What a rule of the nat table translates that `hooks` lead to; undefined: both kinds of hooks do, or none. */
export function translatedBehind(hooks: ReadonlySet<string>): "destination" | "source" | undefined {
  const kinds = new Set([...hooks].flatMap((each) => TRANSLATED[each] ?? []));
  const [only, more] = kinds;
  return more === undefined ? only : undefined;
}
