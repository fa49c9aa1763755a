/** What can be wrong about one place of a source. */
import { bare, child, list, member, nameOf, type SourceNode } from "./syntax.ts";

/** Operators of two operands, and those that stand for them in mutants. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": ["<<"],
};

/** Those that say the contrary: constants in place of a condition show more. */
const CONTRARY: Readonly<Record<string, string>> = {
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  "===": "!==",
  "!==": "===",
};

const COMPARISONS: ReadonlySet<string> = new Set([...Object.keys(CONTRARY), "in", "instanceof"]);

/** Methods without which there still is a value of the same type. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "filter",
  "sort",
  "toSorted",
  "reverse",
  "toReversed",
  "slice",
  "trim",
  "toLowerCase",
  "concat",
]);

/** Methods, and others with the same arguments. */
const EXCHANGED: ReadonlyMap<string, string> = new Map([
  ["some", "every"],
  ["every", "some"],
  ["min", "max"],
  ["max", "min"],
  ["startsWith", "endsWith"],
  ["endsWith", "startsWith"],
]);

/** What the place of an expression says about it. */
export interface MutantPlace {
  /** A condition: of `if`, of a loop, or before `?`. */
  readonly test?: "branch" | "loop";
  /** What a function gives. */
  readonly isResult?: boolean;
  /** An operand of `===` or `!==`, a `case`: the mutants of the comparison are enough. */
  readonly isCompared?: boolean;
  /** One of two values of a condition: numbers there are ranks, or show themselves when the condition is a constant. */
  readonly isChosen?: boolean;
}

/** Nodes that need no parentheses wherever they stand. */
const STANDS_ALONE: ReadonlySet<string> = new Set([
  "Identifier",
  "MemberExpression",
  "CallExpression",
  "Literal",
  "TemplateLiteral",
  "ArrayExpression",
  "ObjectExpression",
  "SpreadElement",
  "Property",
]);

/** The texts that stand for the expression `node` in mutants. */
export function changesOf(node: SourceNode, place: MutantPlace, text: string): readonly string[] {
  const textOf = (part: SourceNode | undefined): string => {
    if (part === undefined) return "";
    const own = text.slice(part.start, part.end);
    return STANDS_ALONE.has(part.type) ? own : `(${own})`;
  };
  const own = ownChanges(node, place, textOf);
  if (place.test === "branch") return [...own, "true", "false"];
  if (place.test === "loop") return [...own, "false"];
  if (place.isResult !== true || isPlain(node)) return own;
  return isCondition(node) ? [...own, "true", "false"] : [...own, "undefined"];
}

function ownChanges(node: SourceNode, place: MutantPlace, textOf: (part: SourceNode | undefined) => string): string[] {
  const operator = String(member(node, "operator"));
  const [left, right] = [child(node, "left"), child(node, "right")];
  const constants = place.test === "branch" || (place.isResult === true && isCondition(node));
  switch (node.type) {
    case "BinaryExpression": {
      if (operator === "+" && [left, right].some((each) => each !== undefined && isText(each))) return [];
      return (OPERATORS[operator] ?? [])
        .filter((other) => !(constants && CONTRARY[operator] === other))
        .map((other) => `${textOf(left)} ${other} ${textOf(right)}`);
    }
    case "LogicalExpression":
      if (operator === "??") return [textOf(left)];
      return [`${textOf(left)} ${operator === "&&" ? "||" : "&&"} ${textOf(right)}`];
    case "UnaryExpression":
      if (constants || !["!", "-", "~"].includes(operator)) return [];
      return [textOf(child(node, "argument"))];
    case "ConditionalExpression":
      return [];
    case "Literal":
      return literalChanges(node, place);
    case "TemplateLiteral":
      return place.isCompared === true || node.end - node.start === 2 ? [] : ['""'];
    case "ArrayExpression":
      return arrayChanges(node, textOf);
    case "ObjectExpression":
      return withoutEach(list(node, "properties"), isWholeSpread, (rest) => `{ ${rest.map(textOf).join(", ")} }`);
    case "CallExpression":
      return callChanges(node, textOf);
    case "ChainExpression": {
      const call = child(node, "expression");
      return call?.type === "CallExpression" ? callChanges(call, textOf) : [];
    }
    default:
      return [];
  }
}

function literalChanges(node: SourceNode, place: MutantPlace): string[] {
  const [value, bigint] = [member(node, "value"), member(node, "bigint")];
  if (typeof bigint === "string") return [`${BigInt(bigint) + 1n}n`];
  if (typeof value === "boolean") return place.test === undefined ? [`${!value}`] : [];
  if (typeof value === "number") return place.isChosen === true ? [] : [`${value + 1}`];
  if (typeof value !== "string" || place.isCompared === true) return [];
  return [value === "" ? '"?"' : '""'];
}

/** Lists of more elements than this are emptied only. */
const MOST_ELEMENTS = 6;

function arrayChanges(node: SourceNode, textOf: (part: SourceNode) => string): string[] {
  const elements = list(node, "elements");
  const isWithHoles = (member(node, "elements") as readonly unknown[]).length !== elements.length;
  if (elements.length === 0 || isWithHoles) return [];
  if (elements.length === 1) return ["[]"];
  const without = withoutEach(
    elements,
    () => elements.length <= MOST_ELEMENTS,
    (rest) => `[${rest.map(textOf).join(", ")}]`,
  );
  return ["[]", ...without];
}

function withoutEach<T>(all: readonly T[], isLeftOut: (each: T) => boolean, print: (rest: T[]) => string): string[] {
  return all.flatMap((each) => (isLeftOut(each) ? [print(all.filter((other) => other !== each))] : []));
}

function callChanges(node: SourceNode, textOf: (part: SourceNode | undefined) => string): string[] {
  const callee = child(node, "callee");
  const object = callee && child(callee, "object");
  const method = callee && nameOf(child(callee, "property"));
  if (callee?.type !== "MemberExpression" || object === undefined || method === undefined) return [];
  if (LEFT_OUT.has(method)) return [textOf(object)];
  const other = EXCHANGED.get(method);
  if (other === undefined) return [];
  const dot = member(callee, "optional") === true ? "?." : ".";
  return [`${textOf(object)}${dot}${other}(${list(node, "arguments").map(textOf).join(", ")})`];
}

/** Whether `node` is a spread without a condition, which would have mutants itself. */
function isWholeSpread(node: SourceNode): boolean {
  const spread = node.type === "SpreadElement" ? child(node, "argument") : undefined;
  return spread !== undefined && !/^(?:Conditional|Logical)Expression$/.test(bare(spread).type);
}

/** Whether the mutants of `node` itself are enough. */
function isPlain(node: SourceNode): boolean {
  const it = bare(node);
  return it.type === "Literal" || it.type === "ConditionalExpression" || nameOf(it) === "undefined";
}

/** Whether the value of `node` looks like a boolean. */
function isCondition(node: SourceNode): boolean {
  const it = bare(node);
  const operator = String(member(it, "operator"));
  if (it.type === "BinaryExpression") return COMPARISONS.has(operator);
  if (it.type === "LogicalExpression") return operator !== "??";
  return it.type === "UnaryExpression" && operator === "!";
}

function isText(node: SourceNode): boolean {
  return node.type === "TemplateLiteral" || typeof member(node, "value") === "string";
}
