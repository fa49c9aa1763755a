/** YAML texts. A document is read without positions; who asks for a place makes its part of the text be read again. */
import { Composer, Parser, type YAMLParseError, type Document as YamlDocument } from "yaml";
import type { Diagnostic, Origin, Report, Source, Span } from "../diagnostics.ts";
import { invariant } from "../invariant.ts";
import { copyOf, type PartMemory } from "./part-memory.ts";
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
 *  its head, then item by item. `memory`: what was read from the text before it was changed. */
export function* readYaml(source: Source, report: Report, memory?: PartMemory<YamlPart>): Generator<Document> {
  const reader = new Reader(source, report, memory);
  memory?.begin();
  for (const excerpt of excerptsOf(source.text)) {
    const list = splitList(excerpt);
    if (list === undefined || !(yield* reader.readList(list))) yield* reader.read(excerpt);
  }
}

/** A part of a source that was read alone. */
export class YamlPart {
  /** What its documents inherit from the List that they are items of. */
  readonly key: string;
  source: Source;
  private excerpt: Excerpt;
  /** What came of it, in order. */
  readonly events: (Diagnostic | Document)[] = [];

  constructor(key: string, source: Source, excerpt: Excerpt) {
    this.key = key;
    this.source = source;
    this.excerpt = excerpt;
  }

  get text(): string {
    return this.excerpt.read();
  }

  moveTo(source: Source, excerpt: Excerpt): void {
    this.source = source;
    this.excerpt = excerpt;
  }

  span([start, end]: readonly [start: number, end: number]): Span {
    const from = this.excerpt.place(start);
    return { source: this.source, start: from, end: Math.max(this.excerpt.place(end), from + 1) };
  }

  origin(range: readonly [start: number, end: number]): Origin {
    return { span: () => this.span(range) };
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
  private readonly memory: PartMemory<YamlPart> | undefined;
  private readonly trees = new LastTrees();

  constructor(source: Source, report: Report, memory: PartMemory<YamlPart> | undefined) {
    this.source = source;
    this.report = report;
    this.memory = memory;
  }

  /** The documents of an excerpt. */
  *read(excerpt: Excerpt, list?: TypeMeta): Generator<Document> {
    const { source, memory, report } = this;
    const key = list === undefined ? "" : JSON.stringify([list.apiVersion, list.kind]);
    if (memory === undefined) {
      yield* new PartReader(new YamlPart(key, source, excerpt), this.trees, report).read(excerpt.read(), list);
      return;
    }
    const text = excerpt.read();
    const known = memory.find(text, key);
    const part = known ?? new YamlPart(key, source, excerpt);
    if (known === undefined) {
      const { events } = part;
      const reader = new PartReader(part, this.trees, (finding) => void events.push(finding));
      for (const document of reader.read(copyOf(text), list)) events.push(document);
    } else part.moveTo(source, excerpt);
    memory.keep(part);
    for (const event of part.events) {
      if ("severity" in event) report(event);
      else yield event;
    }
  }

  /** The head of a List and then its items; false, and nothing reported, when it is no List after all. */
  *readList({ head, items }: SplitYamlList): Generator<Document, boolean> {
    const type = typeOfHead(head);
    if (type === undefined) return false;
    yield* this.read(head);
    for (const item of items()) yield* this.read(item, type);
    return true;
  }
}

/** What a List says that it is; undefined where `head`, which has no items, is none after all. */
function typeOfHead(head: Excerpt): TypeMeta | undefined {
  const trees = composeAll(head.read());
  const [tree] = trees ?? [];
  if (trees?.length !== 1 || tree === undefined || tree.errors.length > 0) return undefined;
  const value = plain(tree)?.value;
  if (!isObject(value) || value["items"] !== null) return undefined;
  const { apiVersion, kind } = value;
  return typeof kind === "string" && kind.endsWith("List") ? { apiVersion, kind } : undefined;
}

/** Undefined: nested too deeply to be read. */
function composeAll(text: string): Tree[] | undefined {
  try {
    return [...compose(text)];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

function* compose(text: string): Generator<Tree> {
  yield* new Composer(OPTIONS).compose(new Parser().parse(text), true, text.length);
}

/** The trees of the part that was last asked for places: findings in one object come together. */
class LastTrees {
  private last: { readonly part: YamlPart; readonly trees: readonly Tree[] } | undefined;

  of(part: YamlPart): readonly Tree[] {
    if (this.last?.part !== part) this.last = { part, trees: composeAll(part.text) ?? [] };
    return this.last.trees;
  }
}

/** Reads one part. */
class PartReader {
  private readonly part: YamlPart;
  private readonly trees: LastTrees;
  private readonly report: Report;

  constructor(part: YamlPart, trees: LastTrees, report: Report) {
    this.part = part;
    this.trees = trees;
    this.report = report;
  }

  /** `text`: that of the part. */
  *read(text: string, list: TypeMeta | undefined): Generator<Document> {
    const { part, trees } = this;
    if (text.length > MAX_LENGTH) {
      const message = `this YAML document has ${millions(text.length)} million characters, more than the ${millions(MAX_LENGTH)} million that can be read at once: give it as JSON, or in several documents`;
      this.reportAt("too-large", message, 0, 1);
      return;
    }
    let index = 0;
    try {
      for (const tree of compose(text)) {
        const which = index++;
        if (tree.errors.length > 0) {
          this.reportErrors(tree.errors);
        } else {
          const value = this.valueOf(tree);
          if (value === undefined || (value.value === null && list === undefined)) continue; // an empty document is none
          yield {
            get source() {
              return part.source;
            },
            value: value.value,
            locate: (path, what) => {
              const found = trees.of(part)[which];
              invariant(found !== undefined, "a text gives the same documents when it is read again");
              return part.span(nodeRange(found, path, what));
            },
            ...(list === undefined ? {} : { list }),
          };
        }
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.reportTooDeep();
    }
  }

  /** The plain data of a tree, in an object because null is data; undefined when it cannot be had, which is reported. */
  private valueOf(tree: Tree): { readonly value: unknown } | undefined {
    const { part } = this;
    const converted = plain(tree);
    if (converted === undefined) {
      this.reportTooDeep();
      return undefined;
    }
    for (const { code, message, range, first } of converted.problems) {
      const notes = first === undefined ? {} : { notes: [{ message: "first set here", origin: part.origin(first) }] };
      this.report({ severity: "error", code, message, origin: part.origin(range), ...notes });
    }
    return converted.problems.length > 0 ? undefined : converted;
  }

  private reportErrors(errors: readonly YAMLParseError[]): void {
    if (errors.some(({ code }) => code === "RESOURCE_EXHAUSTION")) {
      this.reportTooDeep();
      return;
    }
    const [first] = errors; // what follows is mostly a consequence
    if (first === undefined) return;
    const [message = ""] = first.message.split("\n", 1);
    const end = this.part.text.trimEnd().length; // what is missing at the end is missing there, not in the next line
    const [from, to] = first.pos.map((offset) => Math.min(offset, end));
    const text = printable(message.replace(/ at line \d+, column \d+:?$/, ""));
    this.reportAt("yaml-syntax", text, from ?? 0, to ?? 0);
  }

  /** The library recurses; how deep it gets depends on the stack, so the place is that of the document. */
  private reportTooDeep(): void {
    const start = Math.max(this.part.text.search(/[^\s\ufeff]/), 0);
    this.reportAt("too-deep", "maps and lists are nested too deeply to be read", start, start + 1);
  }

  private reportAt(code: "too-large" | "too-deep" | "yaml-syntax", message: string, start: number, end: number): void {
    this.report({ severity: "error", code, message, origin: this.part.origin([start, end]) });
  }
}
