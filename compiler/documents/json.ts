/** JSON texts: JSON.parse for the values, an own walk over the text for what it does not say. */
import type { Origin, Report, Source, Span } from "../diagnostics.ts";
import { AlikeLists, AlikePart } from "./alike-lists.ts";
import {
  type Bounds,
  type EndOfObject,
  endByBrackets,
  endByIndentation,
  type SplitJsonList,
  splitJsonList,
} from "./json-list.ts";
import { JsonPlaces } from "./json-places.ts";
import {
  countMembers,
  hasMoreMembers,
  parseJson,
  repeatedKeys,
  skipSpace,
  skipValue,
  syntaxErrorIn,
} from "./json-text.ts";
import type { PartMemory } from "./part-memory.ts";
import { isObject, show } from "./show.ts";
import type { Document, Path, TypeMeta } from "./types.ts";

/** Longest text that the YAML reader is asked about when it is no JSON: it needs about 70 bytes per character. Longer
 *  Lists are taken apart. */
const MAX_RETRY = 4 << 20;

/** Whether `text` is worth a try with JSON.parse, which is fifty times as fast as a YAML reader. */
export function looksLikeJson(text: string): boolean {
  return /^\ufeff?[ \t\r\n]*[{[]/.test(text);
}

/** The documents in a JSON text: one, or several values one after the other, or a long List as its head and then item by
 *  item; none when it is not sound, which is reported. `not JSON`: the YAML reader should have a look, because YAML's flow
 *  style looks alike. `memory`: what was read from the text before it was changed; with it each List comes item by item. */
export function readJson(
  source: Source,
  report: Report,
  memory?: PartMemory<JsonDocument>,
): Iterable<Document> | "not JSON" {
  const { text } = source;
  if (text.includes("\ufffd")) return "not JSON"; // broken UTF-8, which the caller reports
  const start = text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  const reader = new Reader(source, start, text.length, report);
  const documents = (memory && reader.recall(memory)) ?? reader.read();
  if (documents !== undefined) return documents;
  const values = boundsOfValues(text, start);
  if (values !== undefined) return readValues(source, values, report);
  if (text.length <= MAX_RETRY) return "not JSON";
  reader.reportSyntax();
  return [];
}

/** The documents of values one after the other; those that are no JSON are reported. */
function* readValues(source: Source, values: readonly Bounds[], report: Report): Generator<Document> {
  for (const [start, end] of values) {
    const reader = new Reader(source, start, end, report);
    const documents = reader.read();
    if (documents === undefined) reader.reportSyntax();
    else yield* documents;
  }
}

/** Where objects and arrays one after the other stand (`kubectl get … -o json` twice into one file); undefined for a text
 *  that is not two of them or more, or does not begin with JSON. */
function boundsOfValues(text: string, from: number): readonly Bounds[] | undefined {
  const values: Bounds[] = [];
  for (let start = skipSpace(text, from); start < text.length; ) {
    const char = text.charAt(start);
    if (char !== "{" && char !== "[") return undefined;
    const end = skipValue(text, start);
    values.push([start, end]);
    start = skipSpace(text, end);
  }
  const [first] = values;
  if (first === undefined || values.length < 2) return undefined;
  const [start, end] = first;
  return parse({ text, start, end, place: same }) === undefined ? undefined : values;
}

const BYTE_ORDER_MARK = 0xfeff;

/** Something to be read by itself. */
interface JsonPart {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The offset in the source of an offset in `text`. */
  readonly place: (offset: number) => number;
}

function same(offset: number): number {
  return offset;
}

/** The value of a part; undefined when it is no JSON. */
function parse({ text, start, end }: JsonPart): unknown {
  return parseJson(text.slice(start, end));
}

/** A List and what its head says of the items. */
interface ReadableList extends Pick<SplitJsonList, "items"> {
  readonly head: JsonPart;
  readonly type: TypeMeta;
}

class Reader {
  private readonly source: Source;
  private readonly start: number;
  private readonly end: number;
  private readonly report: Report;

  constructor(source: Source, start: number, end: number, report: Report) {
    this.source = source;
    this.start = start;
    this.end = end;
    this.report = report;
  }

  /** The documents of the value from `start` to `end`; undefined when it is no JSON. */
  read(): Iterable<Document> | undefined {
    const { source, start, end } = this;
    const list = end - start > MAX_RETRY ? this.split() : undefined;
    if (list !== undefined) return this.readList(list);
    const whole: JsonPart = { text: source.text, start, end, place: same };
    const value = parse(whole);
    return value === undefined ? undefined : this.check(whole, value);
  }

  /** The head of a List and its items, as far as they have changed since `memory`; undefined where the text has to be read whole: it is no
   *  List, or there is something to report. */
  recall(memory: PartMemory<JsonDocument>): readonly Document[] | undefined {
    memory.begin();
    const documents = this.recallList(memory);
    if (documents === undefined) memory.abandon();
    return documents;
  }

  private recallList(memory: PartMemory<JsonDocument>): readonly Document[] | undefined {
    const list = this.split();
    if (list === undefined || typeof list.type.apiVersion !== "string" || list.type.apiVersion === "") return undefined;
    const { text } = this.source;
    const recalled = [this.recallPart(memory, list.head, undefined)];
    for (const [start, end] of list.items)
      recalled.push(this.recallPart(memory, { text, start, end, place: same }, list.type));
    const documents = recalled.filter((document) => document !== undefined);
    if (documents.length < recalled.length) return undefined;
    for (const document of documents) memory.keep(document);
    return documents;
  }

  /** Undefined: it is no JSON, or has a key twice. */
  private recallPart(
    memory: PartMemory<JsonDocument>,
    part: JsonPart,
    list: TypeMeta | undefined,
  ): JsonDocument | undefined {
    const text = part.text.slice(part.start, part.end);
    const known = memory.find(text, keyOf(list));
    if (known !== undefined) {
      known.moveTo(this.source, part);
      return known;
    }
    const value = parse(part);
    const isSound = value !== undefined && !hasMoreMembers(part.text, part.start, part.end, countMembers(value));
    return isSound ? new JsonDocument(this.source, part, value, list) : undefined;
  }

  /** The text taken apart, when it is a List. */
  private split(): ReadableList | undefined {
    const split = this.splitBy(endByIndentation) ?? this.splitBy(endByBrackets);
    if (split === undefined) return undefined;
    const head = { text: split.head, start: 0, end: split.head.length, place: split.placeInHead };
    const value = parse(head);
    if (!isObject(value) || typeof value["kind"] !== "string" || !value["kind"].endsWith("List")) return undefined;
    return { head, items: split.items, type: { apiVersion: value["apiVersion"], kind: value["kind"] } };
  }

  private splitBy(endOf: EndOfObject): SplitJsonList | undefined {
    return splitJsonList(this.source.text, this.start, endOf, this.end);
  }

  /** The head of a List and its items. */
  private *readList({ head, items, type }: ReadableList): Generator<Document> {
    yield* this.check(head, parse(head));
    const count = yield* this.readItems(items, 0, type);
    if (count === undefined) return;
    // Perhaps the item is not broken, but was cut at the wrong place.
    const again = this.splitBy(endByBrackets);
    const broken = again === undefined || (yield* this.readItems(again.items, count, type)) !== undefined;
    if (broken) this.reportSyntax();
  }

  /** The items behind the first `count`; gives the index of one that is no JSON. */
  private *readItems(
    items: SplitJsonList["items"],
    count: number,
    type: TypeMeta,
  ): Generator<Document, number | undefined> {
    const lists = new AlikeLists();
    for (let index = count; index < items.length; index++) {
      const [start, end] = items[index] as SplitJsonList["items"][number];
      const item: JsonPart = { text: this.source.text, start, end, place: same };
      const alike = lists.read(this.source.text, start, end);
      if (alike !== undefined) {
        yield new JsonDocument(this.source, item, alike, type);
        continue;
      }
      const value = parse(item);
      if (value === undefined) return index;
      lists.learn(this.source.text, start, end, value);
      yield* this.check(item, value, type);
    }
    return undefined;
  }

  /** The document with this value, unless a key in it is there twice. */
  private *check(part: JsonPart, value: unknown, list?: TypeMeta): Generator<Document> {
    if (!hasMoreMembers(part.text, part.start, part.end, countMembers(value))) {
      yield new JsonDocument(this.source, part, value, list);
      return;
    }
    const originOf = ({ start, end }: Pick<Span, "start" | "end">): Origin => ({
      span: () => ({ source: this.source, start: part.place(start), end: part.place(end) }),
    });
    for (const { key, first, second } of repeatedKeys(part.text, part.start, part.end)) {
      this.report({
        severity: "error",
        code: "duplicate-key",
        message: `key ${show(key)} already set in map`,
        origin: originOf(second),
        notes: [{ message: "first set here", origin: originOf(first) }],
      });
    }
  }

  /** Says where the text stops being JSON. */
  reportSyntax(): void {
    const { source, start, end } = this;
    const { offset, message } = syntaxErrorIn(source.text.slice(0, end), start);
    const origin = { span: () => ({ source, start: offset, end: Math.min(offset + 1, source.text.length) }) };
    this.report({ severity: "error", code: "json-syntax", message, origin });
  }
}

/** What a List says of its items, as a key of a memory. */
function keyOf(list: TypeMeta | undefined): string {
  return list === undefined ? "" : JSON.stringify([list.apiVersion, list.kind]);
}

/** A part of a text that JSON.parse has accepted. */
export class JsonDocument implements Document {
  source: Source;
  readonly list?: TypeMeta;
  private part: JsonPart;
  private held: { readonly value: unknown } | undefined;
  alike: AlikePart | undefined;
  /** What was read by forms, until it is to be forgotten. */
  private lean: AlikePart | undefined;
  private places: JsonPlaces | undefined;

  constructor(source: Source, part: JsonPart, value: unknown, list: TypeMeta | undefined) {
    this.source = source;
    this.part = part;
    if (value instanceof AlikePart) this.lean = value;
    else this.held = { value };
    if (list !== undefined) this.list = list;
  }

  get value(): unknown {
    // Whoever asks for all of it once asks again, until it is to be forgotten.
    if (this.lean !== undefined) this.held ??= { value: parse(this.part) };
    return this.held === undefined ? parse(this.part) : this.held.value;
  }

  readAlike<Result>(read: () => Result | undefined): Result | undefined {
    if (this.lean === undefined || this.held !== undefined) return undefined;
    this.held = this.alike = this.lean;
    const result = read();
    this.alike = undefined;
    if (result === undefined) this.held = undefined;
    return result;
  }

  get key(): string {
    return keyOf(this.list);
  }

  get text(): string {
    const { text, start, end } = this.part;
    return text.slice(start, end);
  }

  forget(): void {
    this.held = undefined;
    this.lean = undefined;
  }

  /** It stands somewhere else now. */
  moveTo(source: Source, part: JsonPart): void {
    this.source = source;
    this.part = part;
    this.places = undefined;
  }

  locate(path: Path, what: "key" | "value"): Span {
    const { text, start: from, place } = this.part;
    this.places ??= new JsonPlaces(text, from);
    const { start, end } = this.places.locate(path, what);
    return { source: this.source, start: place(start), end: place(end) };
  }
}
