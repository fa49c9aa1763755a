/** Records of a picture: chains of equal shape stacked, rows of equal effect joined. */
import type { ReachedChain } from "./records.ts";
import type { RuleRow } from "./rule-rows.ts";

export interface ChainRecord {
  /** Unique in its table. */
  readonly id: string;
  readonly name: string;
  readonly hook?: string;
  /** How many chains it stands for. */
  readonly copies: number;
  readonly rows: readonly RecordRow[];
}

export interface RecordRow extends Omit<RuleRow, "shape" | "isAlways" | "target"> {
  /** The id of a record. */
  readonly target?: string;
  /** How many rules it stands for; none: it is a part of the row of a map. */
  readonly rules: number;
  /** It says what is not shown. */
  readonly isQuiet?: true;
}

/** Up to so many chains each has a record of its own. */
const FOLDED_FROM = 40;

/** A chain with more rows has its neighbouring rules of equal verdict joined, and shows about as many that lead to no chain. */
const MANY_ROWS = 12;

/** The records of the chains of a table. `apart`: chains that keep a record of their own. */
export function recordsOf(chains: readonly ReachedChain[], apart: ReadonlySet<string> = new Set()): ChainRecord[] {
  const classes =
    chains.length > FOLDED_FROM ? classesOf(chains, apart) : new Map(chains.map(({ name }) => [name, name]));
  const members = new Map<string, ReachedChain[]>();
  for (const chain of chains) {
    const id = classes.get(chain.name) ?? chain.name;
    const alike = members.get(id) ?? [];
    if (alike.push(chain) === 1) members.set(id, alike);
  }
  return [...members].map(([id, alike]) => recordOf(id, alike, classes));
}

function recordOf(id: string, alike: readonly ReachedChain[], classes: ReadonlyMap<string, string>): ChainRecord {
  const [first] = alike;
  const isStack = alike.length > 1;
  const rows = alike.flatMap((chain) =>
    chain.rows.map((row) => (isStack ? { ...row, text: row.shape === "" && !row.isAlways ? "…" : row.shape } : row)),
  );
  const stem = isStack ? stemOf(alike.map(({ name }) => name)) : (first?.name ?? id);
  return {
    id,
    name: shownName(stem),
    ...(first?.hook === undefined ? {} : { hook: first.hook }),
    copies: alike.length,
    rows: joined(rows, classes, isStack),
  };
}

/** Readers name a chain that stands in a rule themselves. */
function shownName(name: string): string {
  return name.startsWith("__") ? "(in the rule)" : name;
}

/** Rows of equal effect as one, at the place of the first of them. */
function joined(rows: readonly RuleRow[], classes: ReadonlyMap<string, string>, isStack: boolean): RecordRow[] {
  const isLong = isStack || rows.length > MANY_ROWS;
  const shown: { row: RecordRow; readonly texts: string[]; readonly run: string | undefined }[] = [];
  const known = new Map<string, (typeof shown)[number]>();
  let map = "";
  let isAfterAlways = false;
  let empty = 0;
  for (const [i, row] of rows.entries()) {
    if (row.kind === "empty") {
      empty++;
      continue;
    }
    if (row.kind === "map") map = isStack ? row.shape : `${i}`;
    const made = recordRow(row, classes, isAfterAlways ? "then" : shown.length === 0 ? "always" : "else");
    // In a stack the row of another chain comes next.
    isAfterAlways ||= row.isAlways && !isStack;
    const key = keyOf(made, isStack ? row.shape : row.text, map, isStack);
    const run = isLong && made.kind === "rule" && key === undefined ? made.verdict : undefined;
    const last = shown.at(-1);
    const same = key === undefined ? (run !== undefined && last?.run === run ? last : undefined) : known.get(key);
    if (same === undefined) {
      const fresh = { row: made, texts: [made.text], run };
      shown.push(fresh);
      if (key !== undefined) known.set(key, fresh);
      continue;
    }
    same.row = withMore(same.row, made);
    if (same.texts.length < 3 && !same.texts.includes(made.text)) same.texts.push(made.text);
  }
  const told = capped(
    shown.map(({ row, texts }) =>
      row.kind === "rule" ? { ...row, text: listOf(texts, isStack ? texts.length : row.rules) } : row,
    ),
  );
  if (empty === 0) return told;
  const words = empty === 1 ? "1 empty map" : `${empty} empty maps`;
  return [...told, { kind: "empty", text: words, isMono: false, rules: empty, isQuiet: true }];
}

/** Rows that lead to chains, and the first of the others. */
function capped(rows: readonly RecordRow[]): RecordRow[] {
  const ends = rows.filter(({ kind, target }) => kind === "rule" && target === undefined);
  if (ends.length <= MANY_ROWS + 2) return [...rows];
  const hidden = new Set(ends.slice(MANY_ROWS));
  const counts = new Map<string, number>();
  for (const { verdict = "others", rules } of hidden) counts.set(verdict, (counts.get(verdict) ?? 0) + rules);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const text = `${all} more rules: ${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ")}`;
  return [...rows.filter((row) => !hidden.has(row)), { kind: "rule", text, isMono: false, rules: all, isQuiet: true }];
}

function recordRow(
  { shape: _, isAlways, target, ...row }: RuleRow,
  classes: ReadonlyMap<string, string>,
  unconditional: string,
): RecordRow {
  const id = target === undefined ? undefined : classes.get(target);
  const text = row.text === "" && isAlways ? unconditional : row.text;
  const rules = row.kind === "entry" ? 0 : 1;
  if (id !== undefined) return { ...row, text, rules, target: id };
  if (target === undefined) return { ...row, text, rules };
  // The text of the rules has no such chain, or it is one that is left out.
  return row.kind === "entry"
    ? { ...row, text: `${target} (not here)`, rules }
    : { ...row, text, rules, verdict: `to ${target}` };
}

/** What rows have in common that become one wherever they stand; undefined: they have nothing. */
function keyOf(
  { kind, target, verdict = "", elements }: RecordRow,
  text: string,
  map: string,
  isStack: boolean,
): string | undefined {
  if (kind === "map") return `map ${map}`;
  if (kind === "entry") return `entry ${map} ${target ?? verdict}`;
  if (target !== undefined) return `to ${target}`;
  return isStack || elements !== undefined ? `rule ${verdict} ${text}` : undefined;
}

function withMore(row: RecordRow, more: RecordRow): RecordRow {
  const elements = row.kind === "rule" ? row.elements : (row.elements ?? 0) + (more.elements ?? 0);
  return {
    ...row,
    rules: row.rules + more.rules,
    isMono: row.isMono && more.isMono,
    ...(elements === undefined ? {} : { elements }),
  };
}

function listOf(texts: readonly string[], rules: number): string {
  const [first = "", second] = texts;
  if (second === undefined) return first;
  return texts.length === 2 && (first + second).length < 60
    ? `${first}, ${second}`
    : `${first}, and ${Math.max(rules, texts.length) - 1} more`;
}

/** By chain, the first one of its shape: the same rows to chains of the same shape, and a name that begins with the same word. */
function classesOf(chains: readonly ReachedChain[], apart: ReadonlySet<string>): Map<string, string> {
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const classes = new Map<string, string>();
  const byShape = new Map<string, string>();
  const open = new Set<string>();
  const classOf = (chain: ReachedChain): string => {
    const known = classes.get(chain.name);
    if (known !== undefined) return known;
    // A circle of jumps, which no kernel takes.
    if (open.has(chain.name)) return chain.name;
    open.add(chain.name);
    const lines: string[] = [];
    for (const { shape, verdict = "", target, kind } of chain.rows) {
      const next = target === undefined ? undefined : byName.get(target);
      const line = `${kind} ${shape} ${verdict} ${next === undefined ? (target ?? "") : classOf(next)}`;
      if (!lines.includes(line)) lines.push(line);
    }
    const [word = ""] = chain.name.split(/[^A-Za-z0-9]/);
    const shape = chain.hook === undefined && !apart.has(chain.name) ? [word, ...lines].join("\n") : `= ${chain.name}`;
    const found = byShape.get(shape) ?? chain.name;
    byShape.set(shape, found);
    classes.set(chain.name, found);
    return found;
  };
  for (const chain of chains) classOf(chain);
  return classes;
}

/** What names begin with, up to the end of a word. */
function stemOf(names: readonly string[]): string {
  const [first = ""] = names;
  let length = first.length;
  for (const name of names) while (!name.startsWith(first.slice(0, length))) length--;
  const common = first.slice(0, length);
  const end = Math.max(...["-", "_", "/", "."].map((character) => common.lastIndexOf(character))) + 1;
  return `${end === 0 ? common : common.slice(0, end)}…`;
}
