/** Lines of a section that have the shape of earlier ones. */
import type { ChainDraft } from "../../ir/draft.ts";
import type { Rule } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { ShapeBook, type ShapePlace } from "../shapes/book.ts";
import { type HoleValue, isProbeWord } from "../shapes/holes.ts";
import type { ShapeTemplate } from "../shapes/template.ts";
import { isWordAt } from "../shapes/word-at.ts";
import type { ChainHooks } from "./chain-hooks.ts";
import { COMMANDS, type IptablesDraft, isOfCall } from "./commands.ts";
import { parseLine } from "./grammar.ts";
import { KnownChains, shapeOfLine } from "./line-holes.ts";
import { readPlainLine } from "./plain-line.ts";
import { type ReadRule, type RuleScope, readRule } from "./read-rule.ts";

type Book = ShapeBook<readonly ReadRule[]>;

/** What equal words mean the same in: a table, the built-in chains that lead to the rule, and its chain where that is built in. */
type Surroundings = Pick<RuleScope, "table" | "family" | "chain" | "hooks" | "translates" | "affinity">;

/** Of the rules that a line is. */
interface RulesKind {
  /** It is one rule, no part of which is the rule's own where others have the same words. */
  readonly isPlain: boolean;
  /** Some ask lists, or enter clients. */
  readonly asksLists: boolean;
}

export class LineShapes {
  private readonly hooks: ChainHooks;
  private readonly affinity: RuleScope["affinity"];
  /** By table, then by hooks or the built-in chain itself. */
  private readonly books = new Map<IptablesDraft, Map<ReadonlySet<string> | string, Book>>();
  private book: Book | undefined;
  private table: IptablesDraft | undefined;
  private readonly kinds = new Map<ShapeTemplate<readonly ReadRule[]>, RulesKind>();
  private asked: ShapeTemplate<readonly ReadRule[]> | undefined;
  private answer: RulesKind = { isPlain: false, asksLists: false };
  /** That of the last line that was read. */
  chain: ChainDraft<Rule> | undefined;
  /** The one before it, and how its lines are read. */
  private before: OpenChain | undefined;
  private readonly known = new Map<IptablesDraft, KnownChains<ChainDraft<Rule>>>();

  constructor(hooks: ChainHooks, affinity: RuleScope["affinity"]) {
    this.hooks = hooks;
    this.affinity = affinity;
  }

  /** What makes the rules of `values` that `CHAIN …` from `start` to `end` of `text` is behind `-A`, in a section of a whole text;
   *  undefined where the grammar has to read the line. */
  read(text: string, start: number, end: number, table: IptablesDraft): ShapeTemplate<readonly ReadRule[]> | undefined {
    const nameEnd = this.enter(text, start, end, table);
    const { book } = this;
    if (nameEnd < 0 || book === undefined) return undefined;
    return book.expect(text, nameEnd, end) ?? book.read(text, nameEnd, end);
  }

  get values(): readonly HoleValue[] {
    return this.book?.values ?? [];
  }

  /** What all rules have in common that `template` makes. */
  kindOf(template: ShapeTemplate<readonly ReadRule[]>): RulesKind {
    // Most lines have the shape of the one before.
    if (this.asked !== template) {
      const known = this.kinds.get(template) ?? kindOf(template.fill(this.values));
      this.kinds.set(template, known);
      this.asked = template;
      this.answer = known;
    }
    return this.answer;
  }

  /** What `template` makes of `values`. */
  rulesOf(template: ShapeTemplate<readonly ReadRule[]>): readonly ReadRule[] {
    return template.fill(this.values).map((rule) => (hasOpaque(rule) ? withOwnMatches(rule) : rule));
  }

  /** Has to be told of each command that the grammar reads: it may delete the chain. */
  leave(): void {
    this.chain = undefined;
    this.before = undefined;
  }

  /** Opens the chain whose name begins at `start`. Gives where that ends; -1: there is no such chain. */
  private enter(text: string, start: number, end: number, table: IptablesDraft): number {
    const { chain, before, book } = this;
    if (this.table !== table) this.before = undefined;
    else if (chain !== undefined) {
      if (isNamedAt(chain, text, start)) return start + chain.name.length;
      if (book !== undefined) this.before = { chain, book, place: book.place };
      // Chains that lead to others often stand line by line between those.
      if (before !== undefined && isNamedAt(before.chain, text, start)) {
        this.chain = before.chain;
        this.book = before.book;
        this.book.resume(before.place);
        return start + before.chain.name.length;
      }
    }
    const found = this.chainAt(text, start, end, table);
    if (found === undefined) return -1;
    this.chain = found;
    this.table = table;
    this.book = this.bookOf(table, found.name);
    this.book.begin();
    return start + found.name.length;
  }

  private chainAt(text: string, start: number, end: number, table: IptablesDraft): ChainDraft<Rule> | undefined {
    const named = this.known.get(table)?.last;
    if (named !== undefined && !named.isDeleted && isNamedAt(named, text, start)) return named;
    const nameEnd = text.indexOf(" ", start);
    if (nameEnd < 0 || nameEnd >= end) return undefined;
    const found = table.chains.get(text.slice(start, nameEnd));
    // A line that is broken there has made a chain of whatever stood in its place.
    return found !== undefined && /^\w[!#-~]*$/.test(found.name) ? found : undefined;
  }

  private bookOf(table: IptablesDraft, chain: string): Book {
    const hooks = this.hooks.leadingTo(table.name, chain);
    const books = this.books.get(table) ?? new Map<ReadonlySet<string> | string, Book>();
    this.books.set(table, books);
    const key = hooks.has(chain) ? chain : hooks;
    const book = books.get(key) ?? this.openBook(table, chain, hooks);
    books.set(key, book);
    return book;
  }

  private openBook(table: IptablesDraft, chain: string, hooks: ReadonlySet<string>): Book {
    const { name, family, chains } = table;
    const translates = name === "nat" ? this.hooks.translatedBehind(hooks) : undefined;
    const around: Surroundings = { family, table: name, chain, hooks, affinity: this.affinity, translates };
    const aroundProbes = {
      ...around,
      affinity: { has: (list: string) => isProbeWord(list) || this.affinity.has(list) },
    };
    const known = this.known.get(table) ?? new KnownChains(chains);
    this.known.set(table, known);
    const nameOf = known.nameOf(this.affinity);
    return new ShapeBook({
      shapeOf: (words) => shapeOfLine(words, nameOf),
      read: (words, isProbe) => readQuietly(words, isProbe ? aroundProbes : around),
      mayEnd: (_, at, end) => at === end,
      nameOf,
    });
  }
}

const BLANK = 32;

/** A chain, and how lines of it are read. */
interface OpenChain {
  readonly chain: ChainDraft<Rule>;
  readonly book: Book;
  /** Behind its last line. */
  readonly place: ShapePlace<readonly ReadRule[]>;
}

function isNamedAt({ name }: ChainDraft<Rule>, text: string, start: number): boolean {
  return text.charCodeAt(start + name.length) === BLANK && isWordAt(text, name, start);
}

function kindOf(rules: readonly ReadRule[]): RulesKind {
  return {
    isPlain: rules.length === 1 && !rules.some(hasOpaque),
    asksLists: rules.some(({ steps }) => steps.some(({ kind }) => kind === "member" || kind === "remember")),
  };
}

function hasOpaque({ steps }: ReadRule): boolean {
  return steps.some(({ kind }) => kind === "opaque");
}

/** A limit, a quota or a count of connections is the rule's own also where another rule has the same words. */
function withOwnMatches(rule: ReadRule): ReadRule {
  return { ...rule, steps: rule.steps.map((step) => (step.kind === "opaque" ? { ...step } : step)) };
}

/** The rules that `words` are behind `-A CHAIN`; undefined where there is something to report, and where sets of ipset are asked. */
function readQuietly(words: string, around: Surroundings): readonly ReadRule[] | undefined {
  const line = `-A ${around.chain}${words}`;
  const [command, ...rule] = readPlainLine(line, 0, line.length) ?? parsed(line);
  if (command?.values.length !== 1 || command.negated) return undefined;
  if (rule.some((option) => isOfCall(option) || meaningOf(COMMANDS, option.name) !== undefined)) return undefined;
  let isSure = true;
  const doubt = (): undefined => {
    isSure = false;
  };
  const rules = readRule(rule, { ...around, isWhole: true, ipset: doubt, fail: doubt });
  return isSure ? rules : undefined;
}

function parsed(line: string): ReturnType<typeof parseLine>["options"] {
  const { options, unreadable, broken } = parseLine(line);
  return unreadable === undefined && broken === undefined ? options : [];
}
