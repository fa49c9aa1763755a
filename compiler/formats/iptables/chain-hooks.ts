/** The built-in chains from which packets come to each chain. */
import { JumpGraph } from "./jumps.ts";

/** By table. Rules that name no table, as `iptables -S` prints them, have one graph for all. */
export class ChainHooks {
  private readonly source: () => ReadonlyMap<string, JumpGraph>;
  private jumps: ReadonlyMap<string, JumpGraph> | undefined;
  /** Of each table, the built-in chains that lead to a chain. */
  private readonly known = new Map<string, (chain: string) => ReadonlySet<string>>();
  private readonly translated = new Map<ReadonlySet<string>, "destination" | "source" | undefined>();

  /** `source`: the jumps of each table, asked for when a table is; those of table "" where it is none of them. */
  constructor(source: () => ReadonlyMap<string, JumpGraph>) {
    this.source = source;
  }

  /** The built-in chains of `table` that lead to `chain`, and that one, where it is built in. */
  leadingTo(table: string, chain: string): ReadonlySet<string> {
    let known = this.known.get(table);
    if (known === undefined) {
      this.jumps ??= this.source();
      known = hooksIn(this.jumps.get(table) ?? this.jumps.get(""));
      this.known.set(table, known);
    }
    return known(chain);
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

function hooksIn(jumps: JumpGraph = new JumpGraph()): (chain: string) => ReadonlySet<string> {
  const reached = jumps.reachedFrom(NAMES);
  // Chains that the same ones lead to share a set.
  const sets = new Map<number, ReadonlySet<string>>();
  return (chain) => {
    const bits = reached(chain);
    const set = sets.get(bits) ?? new Set(NAMES.filter((_, i) => (bits & (1 << i)) !== 0));
    sets.set(bits, set);
    return set;
  };
}
