/** The built-in chains from which packets come to each chain. */

/** By table, in a text for iptables-restore. A text without tables, as `iptables -S` prints it, has one graph for all. */
export class ChainHooks {
  private readonly text: string;
  private callers: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> | undefined;
  /** Of each table, the built-in chains that lead to a chain. */
  private readonly known = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
  private readonly translated = new Map<ReadonlySet<string>, "destination" | "source" | undefined>();

  constructor(text: string) {
    this.text = text;
  }

  /** The built-in chains of `table` that lead to `chain`, and that one, where it is built in. */
  leadingTo(table: string, chain: string): ReadonlySet<string> {
    let known = this.known.get(table);
    if (known === undefined) {
      this.callers ??= callersIn(this.text);
      known = hooksOf(this.callers.get(table) ?? this.callers.get("") ?? new Map());
      this.known.set(table, known);
    }
    return known.get(chain) ?? ALONE.get(chain) ?? NONE;
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

const BUILT_IN = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;
const ALONE: ReadonlyMap<string, ReadonlySet<string>> = new Map(BUILT_IN.map((name) => [name, new Set([name])]));
const NONE: ReadonlySet<string> = new Set();

/** The built-in chains that lead to each chain: those that the same ones lead to share a set. */
function hooksOf(callers: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, ReadonlySet<string>> {
  const targets = new Map<string, string[]>();
  for (const [target, from] of callers)
    for (const caller of from) {
      const known = targets.get(caller);
      if (known === undefined) targets.set(caller, [target]);
      else known.push(target);
    }
  const masks = new Map<string, number>();
  for (const [i, name] of BUILT_IN.entries()) {
    const reached = new Set<string>([name]);
    for (const each of reached) for (const target of targets.get(each) ?? []) reached.add(target);
    for (const each of reached) masks.set(each, (masks.get(each) ?? 0) | (1 << i));
  }
  const sets = new Map<number, ReadonlySet<string>>();
  const hooks = new Map<string, ReadonlySet<string>>();
  for (const [chain, mask] of masks) {
    const set = sets.get(mask) ?? new Set(BUILT_IN.filter((_, i) => (mask & (1 << i)) !== 0));
    sets.set(mask, set);
    hooks.set(chain, set);
  }
  return hooks;
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

function translatedBehind(hooks: ReadonlySet<string>): "destination" | "source" | undefined {
  const kinds = new Set([...hooks].flatMap((each) => TRANSLATED[each] ?? []));
  const [only, more] = kinds;
  return more === undefined ? only : undefined;
}
