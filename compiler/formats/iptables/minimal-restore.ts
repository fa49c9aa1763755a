/** Input for `iptables-restore --noflush` that rewrites the chains that differ, and nothing else. */
import { NO_RULES, type OwnRules, type OwnTables } from "./own-rules.ts";
import { planJumps } from "./print-file.ts";

export interface MinimalRestore {
  /** Input for iptables-restore; empty: nothing differs. */
  readonly text: string;
  /** Chains that are written or removed, and jumps that are made or removed, as `table chain`. */
  readonly differing: readonly string[];
}

/** Whether a chain of a table whose lines differ has the same rules nevertheless. */
export type IsSame = (table: string, there: readonly string[], wanted: readonly string[]) => boolean;

/** What makes of tables with `there` those with `wanted`. One transaction for each table that differs. */
export function minimalRestore(there: OwnTables, wanted: OwnTables, isSame: IsSame = () => false): MinimalRestore {
  const differing: string[] = [];
  const sections = [...new Set([...wanted.keys(), ...there.keys()])].map((table) => {
    const { lines, names } = sectionOf(there.get(table) ?? NO_RULES, wanted.get(table) ?? NO_RULES, (...rules) =>
      isSame(table, ...rules),
    );
    differing.push(...names.map((name) => `${table} ${name}`));
    return lines.length === 0 ? "" : `*${table}\n${lines.join("\n")}\nCOMMIT\n`;
  });
  return { text: sections.join(""), differing };
}

function sectionOf(
  there: OwnRules,
  wanted: OwnRules,
  isSame: (there: readonly string[], wanted: readonly string[]) => boolean,
): { readonly lines: readonly string[]; readonly names: readonly string[] } {
  const written = [...wanted.chains].filter(([name, rules]) => {
    const before = there.chains.get(name);
    return before === undefined || !(areSameLines(before, rules) || isSame(before, rules));
  });
  const gone = [...there.chains.keys()].filter((name) => !wanted.chains.has(name)).sort();
  const { inserts, deletes } = planJumps([...wanted.jumps.keys()], there.jumps);
  // As in `printFile`: last names first. A chain that goes is emptied before, since chains that go may lead to each other.
  const heads = [...written.map(([name]) => name), ...gone].sort().reverse();
  const lines = [
    ...heads.map((name) => `:${name} - [0:0]`),
    ...deletes,
    ...inserts,
    ...written.flatMap(([, rules]) => rules),
    ...gone.map((name) => `-X ${name}`),
  ];
  return { lines, names: [...heads, ...[...deletes, ...inserts].map((jump) => jump.slice(3))] };
}

/** Whether both are the same texts. */
export function areSameLines(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((line, i) => line === right[i]);
}
