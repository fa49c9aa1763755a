/** Tests of the IP version in other words than `meta nfproto`. */
import type { TableFamily } from "../../ir/types.ts";
import type { ElementNode, StatementNode, SyntaxNode } from "./syntax.ts";

/**
 * `statement`, with `meta protocol` and `ip version` as the tests of `meta nfproto` that they are.
 *
 * In tables of IP, the link protocol of a packet (skb->protocol) is that of its IP version: a VLAN tag is taken off before. The
 * other families of tables see frames, and keep their words.
 */
export function withVersionAsFamily(statement: StatementNode, family: TableFamily): StatementNode {
  if (family !== "ip" && family !== "ip6" && family !== "inet") return statement;
  if (statement.kind === "vmap") {
    const { key, map } = statement;
    if (!isField(key, "meta protocol") || map.kind !== "set") return statement;
    const elements = map.elements.map((element) => ({ ...element, key: asFamily(element.key) }));
    return areKnown(elements) ? { ...statement, key: NFPROTO, map: { ...map, elements } } : statement;
  }
  if (statement.kind !== "match") return statement;
  const { left, operator, right } = statement;
  if (isField(left, "meta protocol")) {
    const families = inSet(right);
    return families === undefined ? statement : { ...statement, left: NFPROTO, right: families };
  }
  const header = isField(left, "ip version") ? "4" : isField(left, "ip6 version") ? "6" : undefined;
  if (header === undefined || right.kind !== "value" || (operator !== "" && operator !== "==")) return statement;
  return { ...statement, left: NFPROTO, right: named(right.text === header ? `ipv${header}` : NO_FAMILY) };
}

const NFPROTO: SyntaxNode = { kind: "field", words: ["meta", "nfproto"] };

/** A family that no packet has. */
const NO_FAMILY = "0";

const FAMILIES: Readonly<Record<string, string>> = { ip: "ipv4", "0x0800": "ipv4", ip6: "ipv6", "0x86dd": "ipv6" };

function isField(node: SyntaxNode, words: string): boolean {
  return node.kind === "field" && node.words.join(" ") === words;
}

function named(text: string): SyntaxNode {
  return { kind: "value", text, quoted: false };
}

/** The family that the link protocol `node` stands for; undefined where it is no single protocol. */
function asFamily(node: SyntaxNode): SyntaxNode | undefined {
  if (node.kind !== "value") return undefined;
  return named(new Map(Object.entries(FAMILIES)).get(node.text.toLowerCase()) ?? NO_FAMILY);
}

function inSet(node: SyntaxNode): SyntaxNode | undefined {
  if (node.kind !== "set") return asFamily(node);
  const elements = node.elements.map((element) => ({ ...element, key: asFamily(element.key) }));
  return areKnown(elements) ? { ...node, elements } : undefined;
}

function areKnown(
  elements: readonly (Omit<ElementNode, "key"> & { readonly key: SyntaxNode | undefined })[],
): elements is readonly ElementNode[] {
  return elements.every(({ key }) => key !== undefined);
}
