/** The syntax tree of a source, as far as mutants need it. */
import { parseAst } from "rolldown/parseAst";

/** A node of ESTree with the nodes of TypeScript; `start` and `end` are offsets of UTF-16 units. */
export interface SourceNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Members of nodes that hold types, or names. */
const NO_CODE: ReadonlySet<string> = new Set([
  "typeAnnotation",
  "returnType",
  "typeParameters",
  "typeArguments",
  "superTypeArguments",
  "implements",
  "decorators",
  "label",
]);

/** Nodes of TypeScript with code in them. */
const WITH_CODE: ReadonlySet<string> = new Set(["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression"]);

export function parseSource(text: string): SourceNode {
  return parseAst(text, { lang: "ts" });
}

/** The node below `key`; undefined: there is none. */
export function child(node: SourceNode, key: string): SourceNode | undefined {
  const value = member(node, key);
  return isNode(value) ? value : undefined;
}

/** The nodes of the list below `key`. */
export function list(node: SourceNode, key: string): readonly SourceNode[] {
  const value = member(node, key);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Whatever stands below `key`. */
export function member(node: SourceNode, key: string): unknown {
  return (node as unknown as Readonly<Record<string, unknown>>)[key];
}

/** The parts of `node` with code in them, in the order of the text. */
export function codeIn(node: SourceNode): readonly SourceNode[] {
  if (node.type.startsWith("TS") && !WITH_CODE.has(node.type)) return [];
  if (/^(?:Import[DES]|ExportAll)/.test(node.type)) return [];
  if (node.type === "ExportNamedDeclaration") return [child(node, "declaration")].filter((part) => part !== undefined);
  const found: SourceNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (NO_CODE.has(key) || isName(node, key)) continue;
    for (const part of Array.isArray(value) ? value : [value]) if (isNode(part)) found.push(part);
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Whether a member, or a property of an object, is called by name. */
function isName(node: SourceNode, key: string): boolean {
  if (key !== "key" && key !== "property") return false;
  return member(node, "computed") !== true;
}

/** `node` without the parentheses around it. */
export function bare(node: SourceNode): SourceNode {
  const inner = node.type === "ParenthesizedExpression" ? child(node, "expression") : undefined;
  return inner === undefined ? node : bare(inner);
}

/** The name that `node` is; undefined: it is none. */
export function nameOf(node: SourceNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return String(member(node, "name"));
  return undefined;
}

function isNode(value: unknown): value is SourceNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
