/** Sets and maps of nft as they are declared, and what they are when the whole table is read. */
import type { IToken } from "chevrotain";
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
import { toElement, toMapElement } from "./elements.ts";
import { toField } from "./fields.ts";
import { nftParser, unquote } from "./grammar.ts";
import type { Block } from "./structure.ts";
import type { ElementNode, SyntaxNode } from "./syntax.ts";
import { parseDuration } from "./times.ts";
import type { WordReader } from "./words.ts";

/** A set or map as far as it is read. */
export interface SetDraft {
  readonly kind: "set" | "map";
  readonly name: string;
  readonly block: Block;
  types: readonly IToken[] | undefined;
  typeWord: "type" | "typeof";
  flags: ReadonlySet<SetFlag>;
  properties: Omit<SetProperties, "name" | "key" | "interval" | Exclude<SetFlag, "timeout">>;
  elements: ElementNode[];
}

type SetFlag = "constant" | "dynamic" | "interval" | "timeout";

// --- reading -------------------------------------------------------------------------------------------------------------

export function newSet(kind: "set" | "map", name: string, block: Block): SetDraft {
  return {
    kind,
    name,
    block,
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
  // A list of a million is no list of arguments.
  for (const element of words.parseElements(tokens) ?? []) set.elements.push(element);
}

// --- closing -------------------------------------------------------------------------------------------------------------

/** `opaque`: of types that the IR does not have. */
export function closeSet(
  set: SetDraft,
  family: TableFamily,
  words: WordReader,
): SetDeclaration | MapDeclaration | undefined | "opaque" {
  if (set.types === undefined) {
    words.error("rules-syntax", `expected the type of ${set.kind} ${set.name}`, set.block.head);
    return undefined;
  }
  const types = words.parse(set.types, () => nftParser().types());
  if (types === undefined) return undefined;
  const components = (node: SyntaxNode): readonly Component[] =>
    (node.kind === "concat" ? node.parts : [node]).map((part) => toComponent(part, set.typeWord, family));
  const key = components(types.key);
  const isDynamic = set.flags.has("dynamic");
  const { timeoutSeconds, size = isDynamic ? DEFAULT_SIZE : undefined } = set.properties;
  const shared: SetProperties = {
    name: set.name,
    key,
    interval: set.flags.has("interval"),
    ...(isDynamic ? { dynamic: true } : {}),
    ...(set.flags.has("constant") ? { constant: true } : {}),
    ...(set.flags.has("timeout") && timeoutSeconds === undefined ? { timeouts: true } : {}),
    ...set.properties,
    ...(size === undefined ? {} : { size }),
  };
  const keyTypes = key.map(({ type }) => type);
  const data = types.data === undefined ? undefined : isVerdict(types.data) ? "verdict" : components(types.data);
  const parts = [...key, ...(data === undefined || data === "verdict" ? [] : data)];
  if (types.isInterval || parts.some(({ sample }) => sample.kind === "opaque")) return "opaque";
  if (set.kind === "set")
    return { ...shared, elements: closeElements(set, words, (node) => toElement(node, keyTypes)) };
  if (data === undefined) {
    words.error("rules-syntax", `expected ": " and what map ${set.name} holds`, set.block.head);
    return undefined;
  }
  const dataTypes = data === "verdict" ? data : data.map(({ type }) => type);
  return { ...shared, data, elements: closeElements(set, words, (node) => toMapElement(node, keyTypes, dataTypes)) };
}

function closeElements<Element extends SetElement>(
  set: SetDraft,
  words: WordReader,
  read: (node: ElementNode) => Element | undefined,
): readonly Element[] {
  const elements = set.elements.map(read);
  const known = elements.flatMap((element) => element ?? []);
  if (known.length < elements.length)
    words.error(
      "rules-syntax",
      `${elements.length - known.length} elements of ${set.kind} ${set.name} do not have its type`,
      set.block.head,
    );
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

/** `type NAME` or `typeof EXPRESSION`. A type that the IR does not have is called `integer`. */
function toComponent(node: SyntaxNode, word: "type" | "typeof", family: TableFamily): Component {
  if (word === "typeof" && node.kind === "field") {
    const sample = toField(node.words, family);
    return { type: typeOf(sample, family), sample };
  }
  if (node.kind === "numgen") return { type: "integer", sample: node };
  const name = node.kind === "value" ? node.text : node.kind === "field" ? node.words.join(" ") : "integer";
  const sample = meaningOf(SAMPLES, name);
  return sample === undefined
    ? { type: "integer", sample: { kind: "opaque", text: name } }
    : { type: name as DataType, sample };
}
