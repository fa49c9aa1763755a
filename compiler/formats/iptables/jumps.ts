/** Where the rules of a text lead, found without reading them. */

/** A chain, or a target, and where its rules lead, more than once or not. */
export interface JumpNode {
  readonly name: string;
  readonly targets: JumpNode[];
}

/** The chains of a table. */
export class JumpGraph {
  private readonly nodes = new Map<string, JumpNode>();
  private last: { readonly name: string; readonly node: JumpNode } | undefined;

  add(chain: string, target: string): void {
    // The rules of a chain stand together.
    if (this.last?.name !== chain) this.last = { name: chain, node: this.open(chain) };
    const { targets } = this.last.node;
    const node = this.open(target);
    if (targets.at(-1) !== node) targets.push(node);
  }

  /** Undefined: no rule is of that chain, or leads to it. */
  get(chain: string): JumpNode | undefined {
    return this.nodes.get(chain);
  }

  private open(name: string): JumpNode {
    const known = this.nodes.get(name);
    if (known !== undefined) return known;
    const made = { name, targets: [] };
    this.nodes.set(name, made);
    return made;
  }
}

/** By table, the jumps in a text for iptables-restore. Table "" is that of rules that name none. */
export function jumpsIn(text: string): ReadonlyMap<string, JumpGraph> {
  const byTable = new Map<string, JumpGraph>();
  let table = "";
  const add = (chain: string, target: string, own = table): void => {
    const graph = byTable.get(own) ?? new JumpGraph();
    byTable.set(own, graph);
    graph.add(chain, target);
  };
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    if (text.startsWith("*", start)) table = /^\*(\S+)/.exec(text.slice(start, end))?.[1] ?? "";
    findJumps(text, start, end, add);
    start = end + 1;
  }
  return byTable;
}

// --- lines ---------------------------------------------------------------------------------------------------------------

/** Told of each rule that leads from a chain to another one, or to a target. `table`: the one that the rule itself names. */
type Tell = (chain: string, target: string, table: string | undefined) => void;

/** Tells of the rules in the line of `text` from `start` to `end`. */
function findJumps(text: string, start: number, end: number, tell: Tell): void {
  const nameEnd = text.startsWith("-A ", start) ? text.indexOf(" ", start + 3) : -1;
  const target = nameEnd > start + 3 && nameEnd < end ? findTarget(text, nameEnd, end) : UNUSUAL;
  if (target === UNUSUAL) {
    findUnusual(text.slice(start, end), tell);
  } else if (target !== NOWHERE) {
    const blank = text.indexOf(" ", target);
    tell(text.slice(start + 3, nameEnd), text.slice(target, blank < 0 || blank > end ? end : blank), undefined);
  }
}

const NOWHERE = -1;
const UNUSUAL = -2;

const BLANK = 32;
const DASH = 45;

/** Where the name begins that stands behind the last `-j` or `-g`. */
function findTarget(text: string, start: number, end: number): number {
  let found = NOWHERE;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < BLANK || code > 126) return UNUSUAL;
    if (code !== DASH) continue;
    const letter = text.charCodeAt(i + 1) | 32;
    if (letter === DASH) {
      if (LONG.some((option) => text.startsWith(option, i))) return UNUSUAL;
    } else if (text.charCodeAt(i + 2) === BLANK) {
      // -A, -I; -t
      if (letter === 97 || letter === 105 || letter === 116) return UNUSUAL;
      // -j, -g
      if ((letter === 106 || letter === 103) && text.charCodeAt(i - 1) === BLANK) found = i + 3;
    }
  }
  return found >= end || text.charCodeAt(found) === BLANK ? UNUSUAL : found;
}

const LONG = ["--append ", "--insert ", "--table ", "--jump ", "--goto "];

/** The command may stand anywhere in the line. */
function findUnusual(line: string, tell: Tell): void {
  for (const [all, chain = "", target = ""] of line.matchAll(
    /^.*(?:-A|-I|--append|--insert) (\S+).* (?:-j|-g|--jump|--goto) (\S+)/gm,
  ))
    tell(chain, target, / (?:-t|--table) (\S+)/.exec(all)?.[1]);
}
