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

export interface RestoreOptions {
  /** Unless it is given, rules are what their lines are. */
  readonly isSame?: IsSame;
  /** Before the transaction of a table that lacks more rules than that in chains to which nothing leads yet, others make these chains. */
  readonly mostRules?: number | undefined;
  /** Chains that are as they should be are left out on both sides. */
  readonly isPart?: boolean;
}

/** What makes of tables with `there` those with `wanted`: one transaction for each table that differs, besides those that `mostRules` asks for. */
export function minimalRestore(there: OwnTables, wanted: OwnTables, options: RestoreOptions = {}): MinimalRestore {
  const differing: string[] = [];
  const sections = [...new Set([...wanted.keys(), ...there.keys()])].flatMap((table) => {
    const { transactions, names } = sectionsOf(
      table,
      there.get(table) ?? NO_RULES,
      wanted.get(table) ?? NO_RULES,
      options,
    );
    differing.push(...names.map((name) => `${table} ${name}`));
    return transactions.map((lines) => (lines.length === 0 ? "" : `*${table}\n${lines.join("\n")}\nCOMMIT\n`));
  });
  return { text: sections.join(""), differing };
}

type Chains = readonly (readonly [name: string, rules: readonly string[]])[];

/** `transactions`: the lines of each. */
function sectionsOf(
  table: string,
  there: OwnRules,
  wanted: OwnRules,
  { isSame = () => false, mostRules = Number.POSITIVE_INFINITY, isPart = false }: RestoreOptions,
): { readonly transactions: readonly (readonly string[])[]; readonly names: readonly string[] } {
  const written = [...wanted.chains].filter(([name, rules]) => {
    const before = there.chains.get(name);
    return before === undefined || !(areSameLines(before, rules) || isSame(table, before, rules));
  });
  const gone = [...there.chains.keys()].filter((name) => !wanted.chains.has(name)).sort();
  const { inserts, deletes } = planJumps([...wanted.jumps.keys()], there.jumps);
  // Where not all chains are known, others may lead to any that is there.
  const isMuchWritten = countRules(written) > mostRules;
  const led = isPart || !isMuchWritten ? there.chains : chainsInUse(there);
  const lacking = written.filter(([name]) => !led.has(name));
  const isMuch = countRules(lacking) > mostRules;
  const ahead = isMuch ? new Set(lacking) : new Set();
  const rewritten = written.filter((chain) => !ahead.has(chain));
  // As in `printFile`: last names first. A chain that goes is emptied before, since chains that go may lead to each other.
  const heads = [...rewritten.map(([name]) => name), ...gone].sort().reverse();
  const lines = [
    ...heads.map(printHead),
    ...deletes,
    ...inserts,
    ...rewritten.flatMap(([, rules]) => rules),
    ...gone.map((name) => `-X ${name}`),
  ];
  const jumps = [...deletes, ...inserts].map((jump) => jump.slice(3));
  const names = isMuch
    ? lacking
        .map(([name]) => name)
        .sort()
        .reverse()
    : [];
  return {
    transactions: [names.map(printHead), ...(isMuch ? inParts(lacking, mostRules) : []), lines],
    names: [...names, ...heads, ...jumps],
  };
}

function countRules(chains: Chains): number {
  return chains.reduce((sum, [, rules]) => sum + rules.length, 0);
}

/** Chains to which packets are led from chains of others. */
function chainsInUse({ chains, jumps }: OwnRules): ReadonlySet<string> {
  const used = new Set<string>();
  const follow = (rules: Iterable<string>): void => {
    for (const rule of rules) {
      const name = TARGET.exec(rule)?.[1];
      if (name === undefined || used.has(name)) continue;
      used.add(name);
      follow(chains.get(name) ?? []);
    }
  };
  follow(jumps.keys());
  return used;
}

const TARGET = / -[jg] (\S+)$/;

function printHead(chain: string): string {
  return `:${chain} - [0:0]`;
}

/** The rules of all chains, in parts of at most `mostRules`; a chain stays whole. */
function inParts(chains: Chains, mostRules: number): readonly (readonly string[])[] {
  const parts: string[][] = [];
  for (const [, rules] of chains) {
    const part = parts.at(-1);
    if (part !== undefined && part.length + rules.length <= mostRules) part.push(...rules);
    else parts.push([...rules]);
  }
  return parts;
}

/** Whether both are the same texts. */
export function areSameLines(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((line, i) => line === right[i]);
}
