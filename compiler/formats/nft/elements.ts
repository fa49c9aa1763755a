/** Elements of sets and maps, declared or written in rules. */
import { OTHER_KEYS } from "../../ir/sets.ts";
import type { DataType, MapElement, SetElement, Verdict } from "../../ir/types.ts";
import type { ElementNode, VerdictNode } from "./syntax.ts";
import { parseDuration } from "./times.ts";
import { toKeyPart, toValue } from "./to-values.ts";

export function toVerdict({ verdict, chain }: VerdictNode): Verdict {
  if (verdict === "jump" || verdict === "goto") return { kind: verdict, chain: chain ?? "" };
  return { kind: verdict as "accept" | "drop" | "continue" | "return" };
}

/** An element of a set whose keys have `types`; undefined when it is not understood. */
export function toElement(
  { key, comment, timeout, statements }: ElementNode,
  types: readonly DataType[],
): SetElement | undefined {
  const timeoutSeconds = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && timeoutSeconds === undefined) return undefined;
  const rest = {
    ...(comment === undefined ? {} : { comment }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(statements.length === 0 ? {} : { statements }),
  };
  if (key.kind === "star") return { key: OTHER_KEYS, ...rest };
  const nodes = key.kind === "concat" ? key.parts : [key];
  const parts = allKnown(nodes, (node, i) => toKeyPart(node, types[i] ?? "integer"));
  return parts?.length === types.length ? { key: parts, ...rest } : undefined;
}

/** An element of a map; undefined when it is not understood. */
export function toMapElement(
  node: ElementNode,
  types: readonly DataType[],
  data: "verdict" | readonly DataType[],
): MapElement | undefined {
  const element = toElement(node, types);
  const { value } = node;
  if (element === undefined || value === undefined) return undefined;
  if (data === "verdict") return value.kind === "verdict" ? { ...element, value: toVerdict(value) } : undefined;
  if (value.kind === "verdict") return undefined;
  const nodes = value.kind === "concat" ? value.parts : [value];
  const values = allKnown(nodes, (part, i) => toValue(part, data[i] ?? "integer"));
  return values?.length === data.length ? { ...element, value: values } : undefined;
}

/** What `read` makes of each of `nodes`; undefined: one of them is not understood. The list has no room to grow, which would be
 *  most of the memory of a large set. */
export function allKnown<Node, T>(
  nodes: readonly Node[],
  read: (node: Node, i: number) => T | undefined,
): readonly T[] | undefined {
  const found = nodes.map(read);
  return found.includes(undefined) ? undefined : (found as readonly T[]);
}

/** The types of the values of a map in a rule, as far as they show. */
export function dataTypes(value: ElementNode["value"]): readonly DataType[] | undefined {
  if (value === undefined || value.kind === "verdict") return undefined;
  const parts = value.kind === "concat" ? value.parts : [value];
  const types = parts.map((part): DataType | undefined => {
    if (toValue(part, "ipv4_addr") !== undefined) return "ipv4_addr";
    if (toValue(part, "ipv6_addr") !== undefined) return "ipv6_addr";
    if (part.kind === "value" && /^0x/.test(part.text)) return "mark";
    return toValue(part, "inet_service") === undefined ? undefined : "inet_service";
  });
  const known = types.flatMap((type) => type ?? []);
  return known.length === types.length ? known : undefined;
}
