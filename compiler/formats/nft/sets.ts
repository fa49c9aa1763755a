/** Sets and maps of nft as they are declared, and what they are when the whole table is read. */
import type { IToken } from "chevrotain";
import { withElementRows } from "../../ir/element-rows.ts";
import { HEADER_TYPES, typeOf } from "../../ir/expression-type.ts";
import type {
  Component,
  DataType,
  Expression,
  MapDeclaration,
  SetDeclaration,
  SetElement,
  SetProperties,
  TableFamily,
} from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { type ElementReading, isList, type ReadList } from "./element-lists.ts";
import { allKnown, toElement, toMapElement } from "./elements.ts";
import { toField } from "./fields.ts";
import { nftParser, type TypesNode, unquote } from "./grammar.ts";
import { Listed } from "./set-aside.ts";
import type { Block } from "./structure.ts";
import type { ElementNode, SyntaxNode } from "./syntax.ts";
import { parseDuration } from "./times.ts";
import type { WordReader } from "./words.ts";

/** A set or map as far as it is read. */
export interface SetDraft {
  readonly kind: "set" | "map";
  readonly name: string;
  readonly block: Block;
  readonly family: TableFamily;
  types: readonly IToken[] | undefined;
  typeWord: "type" | "typeof";
  flags: ReadonlySet<SetFlag>;
  properties: Omit<SetProperties, "name" | "key" | "interval" | Exclude<SetFlag, "timeout">>;
  /** As they were read one by one, or lists that are read already. */
  elements: (ElementNode | ReadList)[];
}

type SetFlag = "constant" | "dynamic" | "interval" | "timeout";

// --- reading -------------------------------------------------------------------------------------------------------------

export function newSet(kind: "set" | "map", name: string, block: Block, family: TableFamily): SetDraft {
  return {
    kind,
    name,
    block,
    family,
    types: undefined,
    typeWord: "type",
    flags: new Set(),
    properties: {},
    elements: [],
  };
}

/** A line of the declaration. */
export function readSetLine(set: SetDraft, tokens: readonly IToken[], words: WordReader): void {
  const [first, second, ...rest] = tokens;
  switch (first?.image) {
    case "type":
    case "typeof":
      set.types = tokens.slice(1);
      set.typeWord = first.image;
      break;
    case "flags":
      set.flags = readFlags(tokens, words);
      break;
    case "elements":
      takeElements(set, rest, words);
      break;
    case "counter":
    case "quota":
    case "limit":
    case "last":
    case "ct": {
      const { statements = [] } = words.parse(tokens, () => nftParser().elementOptions()) ?? {};
      set.properties = { ...set.properties, statements: [...(set.properties.statements ?? []), ...statements] };
      break;
    }
    default: {
      const property = meaningOf(PROPERTIES, first?.image ?? "");
      const found = tokens.length > 2 ? undefined : property?.read(second?.image);
      const expected = property?.expected ?? "a property of the set: type, flags, timeout, size, elements, …";
      if (found === undefined) words.error("rules-syntax", `expected ${expected}`, tokens);
      else set.properties = { ...set.properties, ...found };
    }
  }
}

type Properties = SetDraft["properties"];

/** Properties that are one word with a value behind it, or without: undefined where that is wrong. */
const PROPERTIES: Readonly<
  Record<string, { readonly expected: string; readonly read: (value: string | undefined) => Properties | undefined }>
> = {
  timeout: {
    expected: "a time, such as 1h30m",
    read: (value = "") => ofTime(value, (timeoutSeconds) => ({ timeoutSeconds })),
  },
  "gc-interval": {
    expected: "a time, such as 1h30m",
    read: (value = "") => ofTime(value, (gcIntervalSeconds) => ({ gcIntervalSeconds })),
  },
  size: {
    expected: "a number of elements, such as 65536",
    read: (value = "") => (/^(0x[0-9a-fA-F]{1,8}|[0-9]{1,9})$/.test(value) ? { size: Number(value) } : undefined),
  },
  policy: {
    expected: "policy memory or performance",
    // Without a policy the kernel has the latter.
    read: (value) => (value === "memory" ? { policy: value } : value === "performance" ? {} : undefined),
  },
  "auto-merge": {
    expected: "auto-merge alone",
    read: (value) => (value === undefined ? { autoMerge: true } : undefined),
  },
  comment: {
    expected: "a text",
    read: (value) => (value === undefined ? undefined : { comment: unquote(value) }),
  },
};

function ofTime(text: string, make: (seconds: number) => Properties): Properties | undefined {
  const seconds = parseDuration(text);
  return seconds === undefined ? undefined : make(seconds);
}

const FLAGS: ReadonlySet<string> = new Set<SetFlag>(["constant", "dynamic", "interval", "timeout"]);

function isFlag(word: string): word is SetFlag {
  return FLAGS.has(word);
}

/** `flags WORD, WORD`. */
function readFlags(tokens: readonly IToken[], words: WordReader): ReadonlySet<SetFlag> {
  const flags = tokens.slice(1);
  const wrong = flags.find(({ image }, i) => (i % 2 === 0 ? !isFlag(image) : image !== ","));
  if (wrong !== undefined || flags.length % 2 === 0) {
    const expected = `expected flags, joined by commas: ${[...FLAGS].join(", ")}`;
    words.error("rules-syntax", expected, wrong === undefined ? tokens : [wrong]);
  }
  return new Set(flags.map(({ image }) => image).filter(isFlag));
}

/** Adds the elements that `tokens` list. */
export function takeElements(set: SetDraft, tokens: readonly IToken[], words: WordReader): void {
  const [, list] = tokens;
  const read = list?.tokenType === Listed && tokens.length === 3 ? readList(set, tokens, words) : undefined;
  if (read !== undefined) {
    set.elements.push(read);
    return;
  }
  // A list of a million is no list of arguments.
  for (const element of words.parseElements(tokens) ?? []) set.elements.push(element);
}

/** Most lists stand behind the types of their elements. */
function readList(set: SetDraft, tokens: readonly IToken[], words: WordReader): ReadList | undefined {
  const types = set.types === undefined ? undefined : words.parseQuietly(set.types, () => nftParser().types());
  const known = types === undefined ? undefined : typesOf(set, types);
  const reading = known === undefined ? undefined : readingOf(set, known);
  return reading === undefined ? undefined : words.lists.read(tokens, reading);
}

/** All of `elements` as they were read one by one. */
export function nodesOf(elements: SetDraft["elements"], words: WordReader): ElementNode[] {
  return elements.flatMap((each) => (isList(each) ? (words.parseElements(each.tokens) ?? []) : [each]));
}

// --- closing -------------------------------------------------------------------------------------------------------------

/** `opaque`: of types that the IR does not have. */
export function closeSet(set: SetDraft, words: WordReader): SetDeclaration | MapDeclaration | undefined | "opaque" {
  if (set.types === undefined) {
    words.error("rules-syntax", `expected the type of ${set.kind} ${set.name}`, set.block.head);
    return undefined;
  }
  const types = words.parse(set.types, () => nftParser().types());
  if (types === undefined) return undefined;
  const found = typesOf(set, types);
  if (found === undefined) return "opaque";
  const isDynamic = set.flags.has("dynamic");
  const { timeoutSeconds, size = isDynamic ? DEFAULT_SIZE : undefined } = set.properties;
  const shared: SetProperties = {
    name: set.name,
    key: found.key,
    interval: set.flags.has("interval"),
    ...(isDynamic ? { dynamic: true } : {}),
    ...(set.flags.has("constant") ? { constant: true } : {}),
    ...(set.flags.has("timeout") && timeoutSeconds === undefined ? { timeouts: true } : {}),
    ...set.properties,
    ...(size === undefined ? {} : { size }),
  };
  const reading = readingOf(set, found);
  if (reading === undefined) {
    words.error("rules-syntax", `expected ": " and what map ${set.name} holds`, set.block.head);
    return undefined;
  }
  const { data } = found;
  // With data, elements are those of a map.
  const properties = set.kind === "set" || data === undefined ? shared : { ...shared, data };
  const [list, ...more] = set.elements;
  if (list !== undefined && more.length === 0 && isList(list) && list.key === reading.key)
    return withElementRows<SetDeclaration | MapDeclaration>(properties, list.rows);
  return { ...properties, elements: closeElements(set, words, reading) } as SetDeclaration | MapDeclaration;
}

function closeElements(set: SetDraft, words: WordReader, { key, read }: ElementReading): readonly SetElement[] {
  const known: SetElement[] = [];
  let others = 0;
  const take = (node: ElementNode): void => {
    const element = read(node);
    if (element === undefined) others++;
    else known.push(element);
  };
  for (const each of set.elements) {
    if (!isList(each)) take(each);
    else if (each.key === key) for (let row = 0; row < each.rows.count; row++) known.push(each.rows.make(row));
    else for (const node of nodesOf([each], words)) take(node);
  }
  if (others > 0)
    words.error("rules-refused", `${others} elements of ${set.kind} ${set.name} do not have its type`, set.block.head);
  return known;
}

/** What nft gives to sets that rules fill and that say nothing of their size. */
const DEFAULT_SIZE = 65535;

function isVerdict(node: SyntaxNode): boolean {
  return node.kind === "value" && node.text === "verdict";
}

// --- types ---------------------------------------------------------------------------------------------------------------

/** An expression of each type, by which `typeof` could name it. */
const SAMPLES: Readonly<Record<string, Expression>> = {
  ipv4_addr: { kind: "ip", field: "daddr" },
  ipv6_addr: { kind: "ip6", field: "daddr" },
  inet_proto: { kind: "meta", key: "l4proto" },
  inet_service: { kind: "transport", protocol: "th", field: "dport" },
  mark: { kind: "meta", key: "mark" },
  ifname: { kind: "meta", key: "iifname" },
  iface_index: { kind: "meta", key: "iif" },
  classid: { kind: "meta", key: "priority" },
  ct_state: { kind: "ct", key: "state" },
  ct_status: { kind: "ct", key: "status" },
  ct_dir: { kind: "ct", key: "direction" },
  fib_addrtype: { kind: "fib", of: "daddr", result: "type" },
  nf_proto: { kind: "meta", key: "nfproto" },
  pkt_type: { kind: "meta", key: "pkttype" },
  uid: { kind: "meta", key: "skuid" },
  gid: { kind: "meta", key: "skgid" },
  ...Object.fromEntries(
    Object.entries(HEADER_TYPES)
      .filter(([, type]) => type !== "integer")
      .map(([field, type]) => [type, { kind: "header", field }]),
  ),
};

/** What a set holds. */
interface SetTypes {
  readonly key: readonly Component[];
  readonly data: "verdict" | readonly Component[] | undefined;
}

/** Undefined: the IR does not have all of them. */
function typesOf({ typeWord, family }: SetDraft, { key, data, isInterval }: TypesNode): SetTypes | undefined {
  if (isInterval) return undefined;
  const components = (node: SyntaxNode): readonly Component[] | undefined =>
    allKnown(node.kind === "concat" ? node.parts : [node], (part) => toComponent(part, typeWord, family));
  const keys = components(key);
  const held = data === undefined || isVerdict(data) ? "verdict" : components(data);
  if (keys === undefined || held === undefined) return undefined;
  return { key: keys, data: data === undefined ? undefined : held };
}

/** How elements of such types are read; undefined for a map without data. */
function readingOf({ kind }: SetDraft, { key, data }: SetTypes): ElementReading | undefined {
  const keyTypes = key.map(({ type }) => type);
  if (kind === "set") return { key: `set ${keyTypes.join(" ")}`, read: (node) => toElement(node, keyTypes) };
  if (data === undefined) return undefined;
  const dataTypes = data === "verdict" ? data : data.map(({ type }) => type);
  return {
    key: `map ${keyTypes.join(" ")}: ${data === "verdict" ? data : data.map(({ type }) => type).join(" ")}`,
    read: (node) => toMapElement(node, keyTypes, dataTypes),
  };
}

/** `type NAME` or `typeof EXPRESSION`; undefined: the IR does not have the type. */
function toComponent(node: SyntaxNode, word: "type" | "typeof", family: TableFamily): Component | undefined {
  if (word === "typeof" && node.kind === "field") {
    const sample = toField(node.words, family);
    return sample.kind === "opaque" ? undefined : { type: typeOf(sample, family), sample };
  }
  if (node.kind === "numgen") return { type: "integer", sample: node };
  const name = node.kind === "value" ? node.text : node.kind === "field" ? node.words.join(" ") : "";
  const sample = meaningOf(SAMPLES, name);
  return sample === undefined ? undefined : { type: name as DataType, sample };
}
