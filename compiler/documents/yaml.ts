/** YAML texts. A document is read without positions; who asks for a place makes its part of the text be read again. */
import { Composer, Parser, type YAMLParseError, type Document as YamlDocument } from "yaml";
import type { Report, Source, Span } from "../diagnostics.ts";
import { invariant } from "../invariant.ts";
import { isObject, printable } from "./show.ts";
import type { Document, TypeMeta } from "./types.ts";
import { type Excerpt, excerptsOf, type SplitYamlList, splitList } from "./yaml-excerpts.ts";
import { nodeRange } from "./yaml-place.ts";
import { toValue } from "./yaml-value.ts";

/** Duplicate keys and merge keys are left to `toValue`: the library compares every key of a map with every other. */
const OPTIONS = {
  schema: "core",
  resolveKnownTags: false,
  merge: false,
  uniqueKeys: false,
  keepSourceTokens: false,
  logLevel: "silent",
} as const;

/** Longest text that is given to the library at once: its tree takes about 70 bytes per character, and Node.js has 2 to
 *  4 GB by default. */
const MAX_LENGTH = 24 << 20;

function millions(count: number): string {
  return (count / 1e6).toFixed(0);
}

/** The documents of a YAML stream; those with errors are reported and left out. A List that can be taken apart comes as
 *  its head, then item by item. */
export function* readYaml(source: Source, report: Report): Generator<Document> {
  const reader = new Reader(source, report);
  for (const excerpt of excerptsOf(source.text)) {
    const list = splitList(excerpt);
    if (list === undefined || !(yield* reader.readList(list))) yield* reader.read(excerpt);
  }
}

type Tree = YamlDocument.Parsed;

/** The plain data of `tree`; undefined when it is nested too deeply to be walked. */
function plain(tree: Tree): ReturnType<typeof toValue> | undefined {
  try {
    return toValue(tree);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

class Reader {
  private readonly source: Source;
  private readonly report: Report;
  /** The trees of the excerpt that was last asked for places: findings in one object come together. */
  private last: { readonly excerpt: Excerpt; readonly trees: readonly Tree[] } | undefined;

  constructor(source: Source, report: Report) {
    this.source = source;
    this.report = report;
  }

  /** The documents of an excerpt. */
  *read(excerpt: Excerpt, list?: TypeMeta): Generator<Document> {
    if (excerpt.length > MAX_LENGTH) {
      const message = `this YAML document has ${millions(excerpt.length)} million characters, more than the ${millions(MAX_LENGTH)} million that can be read at once: give it as JSON, or in several documents`;
      this.reportAt(excerpt, "too-large", message, 0, 1);
      return;
    }
    let index = 0;
    for (const tree of this.compose(excerpt)) {
      const which = index++;
      if (tree.errors.length > 0) {
        this.reportErrors(excerpt, tree.errors);
      } else {
        const value = this.valueOf(excerpt, tree);
        if (value === undefined || (value.value === null && list === undefined)) continue; // an empty document is none
        const locate: Document["locate"] = (path, what) => {
          const found = this.treesOf(excerpt)[which];
          invariant(found !== undefined, "a text gives the same documents when it is read again");
          return this.span(excerpt, nodeRange(found, path, what));
        };
        yield { source: this.source, value: value.value, locate, ...(list === undefined ? {} : { list }) };
      }
    }
  }

  /** The head of a List and then its items; false, and nothing reported, when it is no List after all. */
  *readList({ head, items }: SplitYamlList): Generator<Document, boolean> {
    const trees = [...this.compose(head)];
    const [tree] = trees;
    if (trees.length !== 1 || tree === undefined || tree.errors.length > 0) return false;
    const value = plain(tree)?.value;
    if (!isObject(value) || value["items"] !== null) return false;
    const { apiVersion, kind } = value;
    if (typeof kind !== "string" || !kind.endsWith("List")) return false;
    yield* this.read(head);
    for (const item of items()) yield* this.read(item, { apiVersion, kind });
    return true;
  }

  private *compose(excerpt: Excerpt): Generator<Tree> {
    const text = excerpt.read();
    try {
      yield* new Composer(OPTIONS).compose(new Parser().parse(text), true, text.length);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.reportTooDeep(excerpt);
    }
  }

  private treesOf(excerpt: Excerpt): readonly Tree[] {
    if (this.last?.excerpt !== excerpt) this.last = { excerpt, trees: [...this.compose(excerpt)] };
    return this.last.trees;
  }

  /** The plain data of a tree, in an object because null is data; undefined when it cannot be had, which is reported. */
  private valueOf(excerpt: Excerpt, tree: Tree): { readonly value: unknown } | undefined {
    const converted = plain(tree);
    if (converted === undefined) {
      this.reportTooDeep(excerpt);
      return undefined;
    }
    for (const { code, message, range, first } of converted.problems) {
      const notes =
        first === undefined ? {} : { notes: [{ message: "first set here", origin: this.origin(excerpt, first) }] };
      this.report({ severity: "error", code, message, origin: this.origin(excerpt, range), ...notes });
    }
    return converted.problems.length > 0 ? undefined : converted;
  }

  private reportErrors(excerpt: Excerpt, errors: readonly YAMLParseError[]): void {
    if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
      this.reportTooDeep(excerpt);
      return;
    }
    const [first] = errors; // what follows is mostly a consequence
    if (first === undefined) return;
    const [message = ""] = first.message.split("\n", 1);
    const end = excerpt.read().trimEnd().length; // what is missing at the end is missing there, not in the next line
    const [from, to] = first.pos.map((offset) => Math.min(offset, end));
    const text = printable(message.replace(/ at line \d+, column \d+:?$/, ""));
    this.reportAt(excerpt, "yaml-syntax", text, from ?? 0, to ?? 0);
  }

  /** The library recurses; how deep it gets depends on the stack, so the place is that of the document. */
  private reportTooDeep(excerpt: Excerpt): void {
    const start = Math.max(excerpt.read().search(/[^\s\ufeff]/), 0);
    this.reportAt(excerpt, "too-deep", "maps and lists are nested too deeply to be read", start, start + 1);
  }

  private reportAt(
    excerpt: Excerpt,
    code: "too-large" | "too-deep" | "yaml-syntax",
    message: string,
    start: number,
    end: number,
  ): void {
    this.report({ severity: "error", code, message, origin: this.origin(excerpt, [start, end]) });
  }

  private origin(excerpt: Excerpt, range: readonly [start: number, end: number]): { readonly span: () => Span } {
    return { span: () => this.span(excerpt, range) };
  }

  private span(excerpt: Excerpt, [start, end]: readonly [start: number, end: number]): Span {
    const from = excerpt.place(start);
    return { source: this.source, start: from, end: Math.max(excerpt.place(end), from + 1) };
  }
}
