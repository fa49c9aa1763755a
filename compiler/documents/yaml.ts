/** YAML texts. A document is read without positions; who asks for a place makes its part of the text be read again. */
import type { YAMLParseError } from "yaml";
import type { Diagnostic, Origin, Report, Source, Span } from "../diagnostics.ts";
import { invariant } from "../invariant.ts";
import { PlainWords } from "./one-line-scalars.ts";
import { copyOf, type PartMemory } from "./part-memory.ts";
import { readRegularYaml } from "./regular-yaml.ts";
import { isObject, printable } from "./show.ts";
import type { Document, Path, TypeMeta } from "./types.ts";
import {
  type Excerpt,
  excerptsOf,
  type SplitYamlList,
  splitList,
  textOfRegion,
  wholeRegion,
  type YamlRegion,
} from "./yaml-excerpts.ts";
import { nodeRange } from "./yaml-place.ts";
import { compose, composeAll, type YamlTree } from "./yaml-trees.ts";
import { toValue } from "./yaml-value.ts";

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

  get region(): YamlRegion {
    return this.excerpt.region();
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

/** The plain data of `tree`; undefined when it is nested too deeply to be walked. */
function plain(tree: YamlTree): ReturnType<typeof toValue> | undefined {
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
  private readonly words = new PlainWords();

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
      yield* this.readPart(new YamlPart(key, source, excerpt), excerpt.region(), report, list);
      return;
    }
    const text = excerpt.read();
    const known = memory.find(text, key);
    const part = known ?? new YamlPart(key, source, excerpt);
    if (known === undefined) {
      const { events } = part;
      const note: Report = (finding) => void events.push(finding);
      for (const document of this.readPart(part, wholeRegion(copyOf(text)), note, list)) events.push(document);
    } else part.moveTo(source, excerpt);
    memory.keep(part);
    for (const event of part.events) {
      if ("severity" in event) report(event);
      else yield event;
    }
  }

  private readPart(part: YamlPart, region: YamlRegion, report: Report, list?: TypeMeta): Generator<Document> {
    return new PartReader(part, this.trees, this.words, report).read(region, list);
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

/** The trees of the part that was last asked for places: findings in one object come together. */
class LastTrees {
  private last: { readonly part: YamlPart; readonly trees: readonly YamlTree[] } | undefined;

  of(part: YamlPart): readonly YamlTree[] {
    if (this.last?.part !== part) this.last = { part, trees: composeAll(part.text) ?? [] };
    return this.last.trees;
  }
}

/** An empty document is none. */
function isNone(value: unknown, list: TypeMeta | undefined): boolean {
  return value === null && list === undefined;
}

/** The place of a value, or of its key, in the document at index `which` of a part. */
function placeIn(part: YamlPart, trees: LastTrees, which: number, path: Path, what: "key" | "value"): Span {
  const found = trees.of(part)[which];
  invariant(found !== undefined, "a text gives the same documents when it is read again");
  return part.span(nodeRange(found, path, what));
}

/** A part that was read without the library. */
class RegularDocument implements Document {
  readonly list?: TypeMeta;
  private readonly part: YamlPart;
  private readonly trees: LastTrees;
  private readonly words: PlainWords;
  private held: { readonly value: unknown } | undefined;

  constructor(
    part: YamlPart,
    trees: LastTrees,
    words: PlainWords,
    held: { readonly value: unknown },
    list: TypeMeta | undefined,
  ) {
    this.part = part;
    this.trees = trees;
    this.words = words;
    this.held = held;
    if (list !== undefined) this.list = list;
  }

  get source(): Source {
    return this.part.source;
  }

  get value(): unknown {
    return (this.held ?? readRegularYaml(this.part.region, this.words))?.value;
  }

  forget(): void {
    this.held = undefined;
  }

  locate(path: Path, what: "key" | "value"): Span {
    return placeIn(this.part, this.trees, 0, path, what);
  }
}

/** Reads one part. */
class PartReader {
  private readonly part: YamlPart;
  private readonly trees: LastTrees;
  private readonly words: PlainWords;
  private readonly report: Report;

  constructor(part: YamlPart, trees: LastTrees, words: PlainWords, report: Report) {
    this.part = part;
    this.trees = trees;
    this.words = words;
    this.report = report;
  }

  /** `region`: where the text of the part is. */
  *read(region: YamlRegion, list: TypeMeta | undefined): Generator<Document> {
    const length = region.column + region.end - region.start;
    if (length > MAX_LENGTH) {
      const message = `this YAML document has ${millions(length)} million characters, more than the ${millions(MAX_LENGTH)} million that can be read at once: give it as JSON, or in several documents`;
      this.reportAt("too-large", message, 0, 1);
      return;
    }
    const { part, trees, words } = this;
    const regular = readRegularYaml(region, words);
    if (regular !== undefined) {
      if (!isNone(regular.value, list)) yield new RegularDocument(part, trees, words, regular, list);
      return;
    }
    let index = 0;
    try {
      for (const tree of compose(textOfRegion(region))) {
        const which = index++;
        if (tree.errors.length > 0) {
          this.reportErrors(tree.errors);
        } else {
          const value = this.valueOf(tree)?.value;
          if (value === undefined || isNone(value, list)) continue;
          yield {
            get source() {
              return part.source;
            },
            value,
            locate: (path, what) => placeIn(part, trees, which, path, what),
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
  private valueOf(tree: YamlTree): { readonly value: unknown } | undefined {
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
