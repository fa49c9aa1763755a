/** Where the rules of a text lead, found without reading them. */
import { Adjacency } from "../../ir/adjacency.ts";
import { isWordAt } from "../shapes/word-at.ts";

/** Lengths of names of which the last target is kept. */
const MOST_TARGETS = 32;

/** The chains of a table, and where their rules lead; targets are as good as chains. */
export class JumpGraph {
  private readonly numbers = new Map<string, number>();
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private last: NumberedName | undefined;
  /** By length, the last target: many rules lead to one, and names that are made of the same words are as long as each other. */
  private readonly targets = new Array<NumberedName | undefined>(MOST_TARGETS).fill(undefined);

  add(chain: string, target: string): void {
    this.from.push(this.numberOf(chain));
    this.to.push(this.numberOf(target));
  }

  /** Adds a jump from the chain whose name stands from `start` to `end` of `text`, to the one from `targetStart` to `targetEnd`. */
  addFrom(text: string, start: number, end: number, targetStart: number, targetEnd: number): void {
    // The rules of a chain stand together.
    if (!isAt(this.last, text, start, end)) this.last = this.numbered(text.slice(start, end));
    this.from.push(this.last.number);
    const length = targetEnd - targetStart;
    let target = this.targets[length];
    if (!isAt(target, text, targetStart, targetEnd)) {
      target = this.numbered(text.slice(targetStart, targetEnd));
      if (length < MOST_TARGETS) this.targets[length] = target;
    }
    this.to.push(target.number);
  }

  private numbered(name: string): NumberedName {
    return { name, number: this.numberOf(name) };
  }

  /** Tells of a chain which of `starts` lead to it, as bits: it is one itself, or rules lead there. There may be 31. */
  reachedFrom(starts: readonly string[]): (chain: string) => number {
    const first = starts.map((name) => this.numberOf(name));
    const reached = new Int32Array(this.numbers.size);
    const jumps = new Adjacency(this.numbers.size, this.from, this.to);
    for (const [i, start] of first.entries()) {
      const open = [start];
      for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
        const known = reached[chain] as number;
        if ((known & (1 << i)) !== 0) continue;
        reached[chain] = known | (1 << i);
        for (const target of jumps.from(chain)) open.push(target);
      }
    }
    return (chain) => {
      const number = this.numbers.get(chain);
      return number === undefined ? 0 : (reached[number] as number);
    };
  }

  /** Each jump, as the names of chain and target. */
  jumps(): [chain: string, target: string][] {
    const names = [...this.numbers.keys()];
    return this.from.map((chain, i) => [names[chain] as string, names[this.to[i] as number] as string]);
  }

  private numberOf(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const made = this.numbers.size;
    this.numbers.set(name, made);
    return made;
  }
}

interface NumberedName {
  readonly name: string;
  readonly number: number;
}

function isAt(known: NumberedName | undefined, text: string, start: number, end: number): known is NumberedName {
  return known !== undefined && known.name.length === end - start && isWordAt(text, known.name, start);
}

/** By table, the jumps in a text for iptables-restore. Table "" is that of rules that name none. */
export function jumpsIn(text: string): ReadonlyMap<string, JumpGraph> {
  const byTable = new Map<string, JumpGraph>();
  const graphOf = (table: string): JumpGraph => {
    const graph = byTable.get(table) ?? new JumpGraph();
    byTable.set(table, graph);
    return graph;
  };
  let table = "";
  /** That of `table`, once a rule of it leads anywhere. */
  let graph: JumpGraph | undefined;
  const isPlain = !OTHER_BLANKS.some((blank) => text.includes(blank));
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const first = text.charCodeAt(start);
    if (first === STAR) {
      table = /^\*(\S+)/.exec(text.slice(start, end))?.[1] ?? "";
      graph = undefined;
    }
    const nameEnd = first === DASH && text.startsWith("-A ", start) ? text.indexOf(" ", start + 3) : -1;
    const isRule = nameEnd > start + 3 && nameEnd < end && (isPlain || !/[^ -~]/.test(text.slice(start, end)));
    const target = isRule ? findTarget(text, nameEnd, end) : UNUSUAL;
    if (target === UNUSUAL) {
      findUnusual(text.slice(start, end), (chain, to, own) => graphOf(own ?? table).add(chain, to));
    } else if (target !== NOWHERE) {
      const blank = text.indexOf(" ", target);
      graph ??= graphOf(table);
      graph.addFrom(text, start + 3, nameEnd, target, blank < 0 || blank > end ? end : blank);
    }
    start = end + 1;
  }
  return byTable;
}

/** All that ends a word, but for blanks and ends of lines. */
const OTHER_BLANKS = [
  ..."\t\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
];

// --- lines ---------------------------------------------------------------------------------------------------------------

const NOWHERE = -1;
const UNUSUAL = -2;

const BLANK = 32;
const STAR = 42;
const DASH = 45;

/** Where the name begins that stands behind the last `-j` or `-g`. */
function findTarget(text: string, start: number, end: number): number {
  let found = NOWHERE;
  for (let i = text.indexOf("-", start); i >= 0 && i < end; i = text.indexOf("-", i + 1)) {
    const letter = text.charCodeAt(i + 1) | 32;
    if (letter === DASH) {
      // --append, --insert, --table, --jump, --goto
      const option = LONG[text.charCodeAt(i + 2)];
      if (option !== undefined && text.startsWith(option, i)) return UNUSUAL;
    } else if (text.charCodeAt(i + 2) === BLANK) {
      // -A, -I; -t
      if (letter === 97 || letter === 105 || letter === 116) return UNUSUAL;
      // -j, -g
      if ((letter === 106 || letter === 103) && text.charCodeAt(i - 1) === BLANK) found = i + 3;
    }
  }
  return found >= end || text.charCodeAt(found) === BLANK ? UNUSUAL : found;
}

/** Options, by the code of the letter that they begin with. */
const LONG: Readonly<Record<number, string>> = Object.fromEntries(
  ["--append ", "--insert ", "--table ", "--jump ", "--goto "].map((option) => [option.charCodeAt(2), option]),
);

/** Told of each rule that leads from a chain to another one, or to a target. `table`: the one that the rule itself names. */
type Tell = (chain: string, target: string, table: string | undefined) => void;

/** The command may stand anywhere in the line. */
function findUnusual(line: string, tell: Tell): void {
  // Half of a dump's lines declare chains.
  if (!/ -(?:[jg]|-jump|-goto) /.test(line)) return;
  for (const [all, chain = "", target = ""] of line.matchAll(
    /^.*(?:-A|-I|--append|--insert) (\S+).* (?:-j|-g|--jump|--goto) (\S+)/gm,
  ))
    tell(chain, target, / (?:-t|--table) (\S+)/.exec(all)?.[1]);
}
