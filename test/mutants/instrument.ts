/** All mutants of a source in one text, each behind a switch: the source is bundled once, and not for each mutant. */
import { changesOf, type MutantPlace } from "./operators.ts";
import { bare, child, codeIn, list, member, nameOf, parseSource, type SourceNode } from "./syntax.ts";

export interface SourceMutant {
  /** From the root of the project. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** The names of the functions and constants around the place, outer ones first. */
  readonly within: string;
  /** On one line. */
  readonly original: string;
  readonly mutated: string;
}

/** What switches mutants in the text, and what counts the work of loops and functions. */
export interface Switches {
  /** A condition that holds while the mutant with this number is on. */
  readonly isOn: (id: number) => string;
  /** A statement that counts. It stands in each loop. */
  readonly count: string;
  /** Whether it stands in each function, too. */
  readonly countsFunctions: boolean;
}

/** While the mutants are asked for one by one, `$on` is the number of the one that is on. */
export const RUN: Omit<Switches, "countsFunctions"> = { isOn: (id) => `$on === ${id}`, count: "$count();" };

/** `$reach` is told which mutants the tests reach. */
export const RECORD: Omit<Switches, "countsFunctions"> = { isOn: (id) => `$reach(${id})`, count: "$count();" };

/** Calls that only our own bugs reach. */
const OWN_BUGS: ReadonlySet<string> = new Set(["unreachable", "invariant", "required"]);

/** The mutants of a source, and its text with them; the first mutant has the number `first`. `first` undefined: without mutants. */
export function instrument(
  file: string,
  text: string,
  first: number | undefined,
  switches: Switches,
): { readonly mutants: readonly SourceMutant[]; readonly text: string } {
  const writer = new Writer(file, text, first, switches);
  return { text: writer.write(parseSource(text), {}), mutants: writer.mutants };
}

class Writer {
  readonly mutants: SourceMutant[] = [];
  private readonly names: string[] = [];
  /** Parts of `a?.b.c`: parentheses would change what is skipped. */
  private readonly inChain = new Set<SourceNode>();

  private readonly file: string;
  private readonly text: string;
  private readonly first: number | undefined;
  private readonly switches: Switches;

  constructor(file: string, text: string, first: number | undefined, switches: Switches) {
    this.file = file;
    this.text = text;
    this.first = first;
    this.switches = switches;
  }

  write(node: SourceNode, place: MutantPlace): string {
    const name = namedBy(node);
    if (name !== undefined) this.names.push(name);
    const written = this.writeNamed(node, place);
    if (name !== undefined) this.names.pop();
    return written;
  }

  private writeNamed(node: SourceNode, place: MutantPlace): string {
    if (node.type === "ChainExpression") this.markChain(node);
    if (isOwnBug(node)) return this.text.slice(node.start, node.end);
    if (isRemovable(node)) {
      const isOn = this.add(node, "", "removed");
      return isOn === undefined ? this.inner(node) : `{ if (${isOn}) {} else ${this.inner(node)} }`;
    }
    if (this.inChain.has(node)) return this.inner(node);
    const changes = this.first === undefined ? [] : changesOf(node, place, this.text);
    const switched = changes.map((mutated) => `${this.add(node, mutated)} ? (${mutated}) : `);
    const inner = this.inner(node);
    return switched.length === 0 ? inner : `(${switched.join("")}(${inner}))`;
  }

  /** The condition of a mutant of `node`. */
  private add(node: SourceNode, mutated: string, said = mutated): string | undefined {
    if (this.first === undefined) return undefined;
    const id = this.first + this.mutants.length;
    this.mutants.push({
      file: this.file,
      line: this.text.slice(0, node.start).split("\n").length,
      within: this.names.join("."),
      original: onOneLine(this.text.slice(node.start, node.end)),
      mutated: onOneLine(said),
    });
    return this.switches.isOn(id);
  }

  /** The text of `node`, with the mutants of its parts. */
  private inner(node: SourceNode): string {
    let written = "";
    let at = node.start;
    for (const part of partsOf(node)) {
      if (part.start < at) continue;
      written += this.text.slice(at, part.start) + this.part(node, part);
      at = part.end;
    }
    return written + this.text.slice(at, node.end);
  }

  private part(node: SourceNode, part: SourceNode): string {
    const { count, countsFunctions } = this.switches;
    const isBody = child(node, "body") === part;
    if (isBody && LOOPS.has(node.type)) return `{ ${count} ${this.write(part, {})} }`;
    if (isBody && FUNCTIONS.has(node.type)) {
      const isBlock = part.type === "BlockStatement" || part.type === "FunctionBody";
      const written = this.write(part, { isResult: !isBlock });
      if (!countsFunctions || !isBlock) return written;
      return `{ ${count}${written.slice(1)}`;
    }
    return this.write(part, placeOf(node, part));
  }

  private markChain(chain: SourceNode): void {
    let part = child(chain, "expression");
    while (part !== undefined && CHAINED.has(part.type)) {
      this.inChain.add(part);
      part = child(part, "object") ?? child(part, "callee") ?? child(part, "expression");
    }
  }
}

const LOOPS: ReadonlySet<string> = new Set([
  "ForStatement",
  "ForOfStatement",
  "ForInStatement",
  "WhileStatement",
  "DoWhileStatement",
]);
const FUNCTIONS: ReadonlySet<string> = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
]);
const CHAINED: ReadonlySet<string> = new Set(["MemberExpression", "CallExpression", "TSNonNullExpression"]);

/** The parts of `node` that can have mutants. */
function partsOf(node: SourceNode): readonly SourceNode[] {
  if (node.type === "Property" && member(node, "shorthand") === true) {
    const value = child(node, "value");
    const preset = value?.type === "AssignmentPattern" ? child(value, "right") : undefined;
    return preset === undefined ? [] : [preset];
  }
  if (node.type === "TaggedTemplateExpression") return list(child(node, "quasi") ?? node, "expressions");
  return codeIn(node);
}

function placeOf(node: SourceNode, part: SourceNode): MutantPlace {
  const isTest = child(node, "test") === part;
  if (node.type === "ParenthesizedExpression" || node.type === "SpreadElement") return {};
  if (node.type === "ReturnStatement") return { isResult: true };
  if (node.type === "SwitchCase" && isTest) return { isCompared: true };
  if (isTest) return { test: LOOPS.has(node.type) ? "loop" : "branch" };
  if (node.type === "ConditionalExpression") return { isChosen: true };
  const isComparison = /^[=!]==$|^in$/.test(String(member(node, "operator")));
  return isComparison ? { isCompared: true } : {};
}

/** Whether the program goes on without `node`. */
function isRemovable(node: SourceNode): boolean {
  if (node.type === "ContinueStatement" || node.type === "BreakStatement") return true;
  if (node.type === "ReturnStatement") return child(node, "argument") === undefined;
  if (node.type !== "ExpressionStatement" || typeof member(node, "directive") === "string") return false;
  const expression = child(node, "expression");
  return expression !== undefined && child(expression, "callee")?.type !== "Super";
}

function isOwnBug(node: SourceNode): boolean {
  if (node.type === "ThrowStatement") return true;
  const it = bare(node.type === "ExpressionStatement" ? (child(node, "expression") ?? node) : node);
  return it.type === "CallExpression" && OWN_BUGS.has(nameOf(child(it, "callee")) ?? "");
}

/** The name that a function, class or constant has. */
function namedBy(node: SourceNode): string | undefined {
  if (/^(?:FunctionDeclaration|ClassDeclaration)$/.test(node.type)) return nameOf(child(node, "id"));
  if (node.type === "VariableDeclarator") return nameOf(child(node, "id"));
  if (/^(?:MethodDefinition|PropertyDefinition)$/.test(node.type)) return nameOf(child(node, "key"));
  return undefined;
}

export function onOneLine(text: string): string {
  return text
    .replace(/\/\*.*?\*\/|(?<![:"'`])\/\/ [^\n]*/gs, "")
    .replace(/\s+/g, " ")
    .trim();
}
