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
  TableFamily,
} from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { toElement, toMapElement } from "./elements.ts";
import { toField } from "./fields.ts";
import { nftParser, unquote } from "./grammar.ts";
import type { Block } from "./structure.ts";
import { type ElementNode, type SyntaxNode, textOf } from "./syntax.ts";
import { parseDuration } from "./times.ts";
import type { WordReader } from "./words.ts";

/** A set or map as far as it is read. */
export interface SetDraft {
  readonly kind: "set" | "map";
  readonly name: string;
  readonly block: Block;
  types: readonly IToken[] | undefined;
  typeWord: "type" | "typeof";
  flags: string[];
  timeoutSeconds: number | undefined;
  size: number | undefined;
  attributes: string[];
  comment: string | undefined;
  elements: ElementNode[];
}

// --- reading -------------------------------------------------------------------------------------------------------------

export function newSet(kind: "set" | "map", name: string, block: Block): SetDraft {
  return {
    kind,
    name,
    block,
    types: undefined,
    typeWord: "type",
    flags: [],
    timeoutSeconds: undefined,
    size: undefined,
    attributes: [],
    comment: undefined,
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
      set.flags = tokens.slice(1).flatMap(({ image }) => (image === "," ? [] : [image]));
      break;
    case "timeout":
      set.timeoutSeconds = parseDuration(second?.image ?? "");
      if (set.timeoutSeconds === undefined) words.error("rules-syntax", "expected a time, such as 1h30m", tokens);
      break;
    case "size":
      set.size = Number(second?.image);
      break;
    case "comment":
      set.comment = unquote(second?.image ?? "");
      break;
    case "elements":
      takeElements(set, rest, words);
      break;
    case "gc-interval":
    case "policy":
    case "auto-merge":
    case "counter":
    case "quota":
    case "limit":
    case "last":
    case "ct":
      set.attributes.push(textOf(tokens).replace(/^counter (packets|bytes) .*$/, "counter"));
      break;
    default:
      words.error("rules-syntax", "expected a property of the set: type, flags, timeout, size, elements, …", tokens);
  }
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
  const isDynamic = set.flags.includes("dynamic");
  const flags = set.flags.filter(
    (flag) =>
      flag !== "interval" &&
      !(isDynamic && (flag === "dynamic" || (flag === "timeout" && set.timeoutSeconds !== undefined))),
  );
  const timeout = set.timeoutSeconds === undefined ? {} : { timeoutSeconds: set.timeoutSeconds };
  const attributes = [
    ...(isDynamic || set.size === undefined ? [] : [`size ${set.size}`]),
    ...(flags.length === 0 ? [] : [`flags ${flags.join(",")}`]),
    ...(isDynamic || set.timeoutSeconds === undefined ? [] : [`timeout ${set.timeoutSeconds}s`]),
    ...set.attributes,
  ];
  const shared = {
    name: set.name,
    key,
    interval: set.flags.includes("interval"),
    ...(isDynamic ? { dynamic: { size: set.size ?? DEFAULT_SIZE, ...timeout } } : {}),
    ...(attributes.length === 0 ? {} : { attributes }),
    ...(set.comment === undefined ? {} : { comment: set.comment }),
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
