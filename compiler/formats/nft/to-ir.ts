/** From the syntax of a rule to steps. What is not understood is kept as opaque, in nft's words.
 *  Long because a rule has one translator: what a statement means hangs on all that stands before it. */

import { IIFNAME, within } from "../../ir/build.ts";
import { CT_STATE } from "../../ir/constants.ts";
import { HEADER_TYPES, typeOf } from "../../ir/expression-type.ts";
import { mergeIntervals, partHolds, prefixOfNames } from "../../ir/interval.ts";
import { stringify } from "../../ir/normal-form.ts";
import { familyRead, familyTested, NFPROTO } from "../../ir/packet-family.ts";
import type {
  DataType,
  Expression,
  HeaderField,
  InlineMap,
  InlineSet,
  Interval,
  MapDeclaration,
  Match,
  NatRandom,
  NatTarget,
  RejectWith,
  Rule,
  SetDeclaration,
  Statement,
  Step,
  TableFamily,
  Value,
  WritableField,
} from "../../ir/types.ts";
import { componentsOf } from "../../ir/walk.ts";
import { meaningOf } from "../../words.ts";
import { TARGETS } from "../iptables/extensions/targets.ts";
import { allKnown, dataTypes, toElement, toMapElement, toVerdict } from "./elements.ts";
import { toField } from "./fields.ts";
import { asMatch, flagList, isFlags, toFlagMatch } from "./flag-matches.ts";
import { REJECT_TYPES } from "./keywords.ts";
import { certainly } from "./necessary.ts";
import { canonicalText, EVERYTHING, opaqueMatch, opaqueStatement, plainStep } from "./opaque-steps.ts";
import { printValue } from "./print-values.ts";
import { type ElementNode, type StatementNode, type SyntaxNode, textOf } from "./syntax.ts";
import { parseDuration } from "./times.ts";
import { toInterval, toValue } from "./to-values.ts";
import { withVersionAsFamily } from "./version.ts";

/** What the words of a rule refer to. */
export interface TableScope {
  readonly family: TableFamily;
  readonly sets: ReadonlyMap<string, SetDeclaration>;
  readonly maps: ReadonlyMap<string, MapDeclaration>;
  /** Sets and maps whose types the IR does not have, and which are kept as text. */
  readonly opaque: ReadonlySet<string>;
  /** Reports a reference to something that is not there. */
  readonly missing: (what: string, statement: StatementNode) => void;
  /** How a statement is named that nft may have listed wrongly; undefined: it is what it says. `others`: those of its rule. */
  readonly doubtful: (statement: StatementNode, others: readonly StatementNode[]) => string | undefined;
  /** Reports what nft refuses. */
  readonly refuse: (message: string, statement: StatementNode) => void;
}

/** The rules that `statements` are: one, or several of which one at most applies to a packet. */
export function toRules(statements: readonly StatementNode[], scope: TableScope): Rule[] {
  return new RuleTranslator(scope).translate(statements);
}

/** Steps that do nothing, or the same when they are done again. */
const REPEATABLE: ReadonlySet<Step["kind"]> = new Set([
  "compare",
  "within",
  "name-prefix",
  "member",
  "chance",
  "opaque",
  "counter",
]);

class RuleTranslator {
  private readonly scope: TableScope;
  private readonly steps: Step[] = [];
  /** Texts of the first `told` steps. */
  private readonly said = new Set<string>();
  private told = 0;
  /** Of each of these one list of matches holds, or none, before the step `at`. */
  private readonly choices: { readonly at: number; readonly either: readonly Match[][] }[] = [];
  private comment: string | undefined;

  constructor(scope: TableScope) {
    this.scope = scope;
  }

  translate(statements: readonly StatementNode[]): Rule[] {
    for (const [i, statement] of statements.entries()) {
      const doubtful = this.scope.doubtful(statement, statements);
      if (doubtful !== undefined) this.steps.push(this.toDoubtful(statement, doubtful));
      else this.take(withVersionAsFamily(statement, this.scope.family), i === statements.length - 1);
    }
    const comment = this.comment === undefined ? {} : { comment: this.comment };
    // From the last on: the places of those before are still right then.
    const lists = this.choices.reduceRight<Step[][]>(
      (all, { at, either }) =>
        either.flatMap((chosen) => all.map((steps) => [...steps.slice(0, at), ...chosen, ...steps.slice(at)])),
      [this.steps],
    );
    return lists.map((steps) => ({ steps, ...comment }));
  }

  private take(statement: StatementNode, isLast: boolean): void {
    if (statement.kind === "comment") this.comment = statement.text;
    else this.steps.push(...this.toSteps(statement, isLast));
  }

  /** What only its place tells from others. */
  private toDoubtful(statement: StatementNode, text: string): Step {
    if (statement.kind === "set") {
      const left = this.toExpression(statement.left);
      const field = left === undefined ? undefined : asWritable(left);
      return field === undefined
        ? { kind: "opaque-statement", text, terminal: false }
        : { kind: "set", field, value: { kind: "opaque", text } };
    }
    if (statement.kind !== "plain" || statement.name !== "xt target") return { kind: "opaque", text, negated: false };
    const passing = meaningOf(TARGETS, (statement.tokens[2]?.image ?? "").replaceAll('"', ""))?.passing;
    const writes = EVERYTHING.filter(
      ({ kind }) => passing === undefined || passing.includes(kind === "ct" ? "ct mark" : "mark"),
    );
    return {
      kind: "opaque-statement",
      text,
      terminal: passing === undefined,
      ...(writes.length === 0 ? {} : { writes }),
    };
  }

  private toSteps(statement: Exclude<StatementNode, { kind: "comment" }>, isLast: boolean): Step[] {
    switch (statement.kind) {
      case "match":
        return this.toMatches(statement);
      case "vmap":
        return [this.toVmap(statement) ?? opaqueStatement(statement.tokens, true, EVERYTHING)];
      case "verdict":
        return [{ kind: "verdict", verdict: toVerdict(statement) }];
      case "set":
        return [this.toSet(statement)];
      case "nat":
        if (statement.ports !== undefined && !namesProtocol(statement.to) && !namesProtocol(statement.ports))
          this.requireProtocol(statement);
        return this.toNat(statement) ?? [opaqueStatement(statement.tokens, true)];
      case "masquerade":
        if (statement.ports !== undefined && !namesProtocol(statement.ports)) this.requireProtocol(statement);
        return [this.toMasquerade(statement) ?? opaqueStatement(statement.tokens, true)];
      case "reject":
        return this.toReject(statement) ?? [opaqueStatement(statement.tokens, true)];
      case "update":
        return [this.toRemember(statement)];
      case "counter":
        return [statement.isNamed ? opaqueStatement(statement.tokens, false) : { kind: "counter" }];
      case "notrack":
        return [{ kind: "set", field: { kind: "ct", key: "state" }, value: UNTRACKED }];
      case "plain":
        return [plainStep(statement, isLast)];
      default:
        return statement satisfies never;
    }
  }

  // --- expressions -------------------------------------------------------------------------------------------------------

  /** The expression that `node` is; undefined when it is a value or something that has no place in the IR. */
  private toExpression(node: SyntaxNode): Expression | undefined {
    switch (node.kind) {
      case "field":
        return toField(node.words, this.scope.family);
      case "numgen":
        return node;
      case "text":
        return { kind: "opaque", text: node.text };
      case "concat": {
        const parts = node.parts.map((part) => this.toExpression(part));
        const known = parts.flatMap((part) => part ?? []);
        return known.length === parts.length ? { kind: "concat", parts: known } : undefined;
      }
      case "binary":
        return this.toBitwise(node);
      case "map":
        return this.toLookup(node);
      default:
        // Others are values, not expressions.
        return undefined;
    }
  }

  /** `x & m`, `x | m` and `x ^ m` one after another are one mask and one xor, as nft folds them. */
  private toBitwise({ operator, left, right }: Extract<SyntaxNode, { kind: "binary" }>): Expression | undefined {
    const operand = this.toExpression(left);
    if (operand === undefined || operand.kind === "opaque") return undefined;
    const type = typeOf(operand, this.scope.family);
    if (operator === "<<" || operator === ">>") return toShift(operator, operand, right, type);
    const value = right.kind === "list" ? flagList(right, type) : toValue(right, type);
    if (value === undefined) {
      const other = this.toExpression(right);
      return other === undefined || other.kind === "opaque" || type === "ipv6_addr"
        ? undefined
        : { kind: "combine", operator: COMBINED[operator], left: operand, right: other };
    }
    const all = type === "ipv6_addr" ? (1n << 128n) - 1n : 0xffffffff;
    if (value === undefined || typeof value !== typeof all) return undefined;
    const inner = operand.kind === "bitwise" ? operand : { operand, mask: all, xor: typeof all === "bigint" ? 0n : 0 };
    const folded = fold(operator, inner.mask, inner.xor, value);
    return folded === undefined ? undefined : { kind: "bitwise", operand: inner.operand, ...folded };
  }

  private toLookup(node: Extract<SyntaxNode, { kind: "map" }>): Expression | undefined {
    const key = this.toExpression(node.key);
    if (key === undefined) return undefined;
    if (node.map.kind === "reference") {
      const known = this.scope.maps.has(node.map.name);
      return known ? { kind: "lookup", key, map: node.map.name } : undefined;
    }
    return undefined;
  }

  // --- matches -----------------------------------------------------------------------------------------------------------

  /** What is not understood has what is certain of it before it, unless the rule has that already. Where it is certain also
   *  that it holds, the rule is one for those packets and one for the others, if what is before may be done twice. */
  private toMatches(statement: Extract<StatementNode, { kind: "match" }>): Match[] {
    const found = this.toMatch(statement);
    if (found !== undefined) return [...this.familyOfConnection(statement.left), found];
    const unknown = opaqueMatch(statement);
    const either = certainly(unknown, statement, this.scope.family === "ip").map((list) =>
      list.filter((match) => match === unknown || !this.impliesProtocol(match)),
    );
    const [only = [unknown], ...more] = either;
    // Rules that were printed have it before them.
    const isSaid = either.some((list) => list.every((match) => match === unknown || this.says(match)));
    if (more.length > 0) {
      if (isSaid || !this.steps.every(({ kind }) => REPEATABLE.has(kind))) return [unknown];
      this.choices.push({ at: this.steps.length, either: [only, ...more] });
      return [];
    }
    return only.filter((match) => match === unknown || !this.says(match));
  }

  /** Connections of the other family have no address of this one (nft_ct_get_eval). */
  private familyOfConnection(node: SyntaxNode): Match[] {
    const words = node.kind === "field" ? node.words : [];
    const family = words[0] === "ct" ? words.find((word) => word === "ip" || word === "ip6") : undefined;
    if (family !== "ip" && family !== "ip6") return [];
    return this.ensureFamily(family).filter((step): step is Match => step.kind === "compare");
  }

  /** Whether the rule has `match` already. */
  private says(match: Match): boolean {
    for (; this.told < this.steps.length; this.told++) this.said.add(stringify(this.steps[this.told]));
    return this.said.has(stringify(match));
  }

  /** Whether an earlier test of one protocol says what `match` says of several: nft takes no second test of it. */
  private impliesProtocol(match: Match): boolean {
    if (match.kind !== "within" || match.negated || !isL4Protocol(match.left)) return false;
    return this.steps.some(
      (step) =>
        step.kind === "compare" &&
        step.operator === "==" &&
        isL4Protocol(step.left) &&
        match.intervals.some((interval) => partHolds(interval, step.right)),
    );
  }

  private toMatch(statement: Extract<StatementNode, { kind: "match" }>): Match | undefined {
    const chance = toChance(statement);
    if (chance !== undefined) return chance;
    const left = this.toExpression(statement.left);
    if (isConstant(statement.left))
      this.scope.refuse("expected a property of the packet, such as ip saddr or tcp dport", statement);
    if (left === undefined || left.kind === "opaque") return undefined;
    const { operator, right } = statement;
    if (right.kind === "reference") return this.toMembership(left, right.name, operator, statement);
    if (right.kind === "set") return this.toSetMatch(left, right.elements, operator);
    const type = typeOf(left, this.scope.family);
    if (left.kind === "concat") return undefined;
    if (isFlags(type)) {
      const flags = toFlagMatch(left, type, operator, right);
      if (flags !== "other") return flags;
    }
    if (right.kind === "list" || operator === "!") return undefined;
    const interval = toInterval(right, type);
    return interval === undefined ? undefined : toComparison(left, operator, interval);
  }

  private toMembership(key: Expression, set: string, operator: string, statement: StatementNode): Match | undefined {
    if (operator !== "" && operator !== "==" && operator !== "!=") return undefined;
    if (this.scope.sets.has(set) || this.scope.maps.has(set) || this.scope.opaque.has(set))
      return this.scope.sets.has(set) ? { kind: "member", key, negated: operator === "!=", set } : undefined;
    this.scope.missing(`set ${set}`, statement);
    return undefined;
  }

  /** A set of one element is that element; else it is compared as a whole, also where the values are flags. */
  private toSetMatch(left: Expression, elements: readonly ElementNode[], operator: string): Match | undefined {
    const [only, ...more] = elements;
    if (only === undefined || (operator !== "" && operator !== "==" && operator !== "!=" && operator !== "!"))
      return undefined;
    const type = typeOf(left, this.scope.family);
    const negated = operator === "!=";
    if (left.kind !== "concat") {
      if (more.length === 0 && isFlags(type)) return asMatch(toFlagMatch(left, type, operator, only.key));
      const intervals = elements.map(({ key, timeout, statements }) =>
        timeout === undefined && statements.length === 0 ? toInterval(key, type) : undefined,
      );
      const known = intervals.flatMap((interval) => interval ?? []);
      if (known.length < intervals.length || operator === "!") return undefined;
      const merged = mergeIntervals(known);
      const [first] = merged;
      return merged.length === 1 && first !== undefined
        ? toComparison(left, operator, first)
        : within(left, merged, negated);
    }
    const set = this.inlineSet(left, elements);
    return set === undefined || operator === "!" ? undefined : { kind: "member", key: left, negated, set };
  }

  private inlineSet(asked: Expression, nodes: readonly ElementNode[]): InlineSet | undefined {
    const key = this.typesOf(asked);
    const elements = allKnown(nodes, (node) => toElement(node, key));
    return elements === undefined ? undefined : { key, elements };
  }

  private typesOf(key: Expression): readonly DataType[] {
    return componentsOf(key).map((part) => typeOf(part, this.scope.family));
  }

  // --- maps --------------------------------------------------------------------------------------------------------------

  private toVmap({ key: keyNode, map }: Extract<StatementNode, { kind: "vmap" }>): Statement | undefined {
    const key = this.toExpression(keyNode);
    if (key === undefined) return undefined;
    if (map.kind === "reference")
      return this.scope.maps.get(map.name)?.data === "verdict" ? { kind: "vmap", key, map: map.name } : undefined;
    if (map.kind !== "set") return undefined;
    const inline = this.inlineMap(key, map.elements, "verdict");
    return inline === undefined ? undefined : { kind: "vmap", key, map: inline };
  }

  /** A map that stands in the rule; unless given, what it holds is told by its values. */
  private inlineMap(
    asked: Expression,
    nodes: readonly ElementNode[],
    data: InlineMap["data"] | undefined = dataTypes(nodes[0]?.value),
  ): InlineMap | undefined {
    const key = this.typesOf(asked);
    const elements = data === undefined ? undefined : allKnown(nodes, (node) => toMapElement(node, key, data));
    return data === undefined || elements === undefined ? undefined : { key, data, elements };
  }

  // --- translation -------------------------------------------------------------------------------------------------------

  /** Ports can be translated where something said that the packet has ports. */
  private requireProtocol(statement: StatementNode): void {
    if (!testProtocol(this.steps))
      this.scope.refuse("expected a test of the protocol before a translation of ports", statement);
  }

  /** The kernel translates packets of the addresses' family only (nft_nat_inet_eval, Linux 6.18): others go on as if the
   *  statement were not there. */
  private toNat(statement: Extract<StatementNode, { kind: "nat" }>): Step[] | undefined {
    const { name, flags } = statement;
    const target = this.toNatTarget(statement);
    if (target === undefined) return undefined;
    const family = this.familyOfNat(target);
    const isKnown = family === undefined || (target.kind === "map" && familyRead(target.key) === family);
    const test = isKnown ? [] : this.ensureFamily(family);
    return [...test, { kind: name, to: target, ...natOptions(flags) }];
  }

  private familyOfNat(target: NatTarget): "ip" | "ip6" | undefined {
    if (target.kind === "map") return target.family ?? "ip";
    if (target.addresses === undefined) return undefined; // ports of both families
    return typeof target.addresses.from === "bigint" ? "ip6" : "ip";
  }

  private toNatTarget({
    to,
    ports,
    family,
    isPrefix,
    flags,
  }: Extract<StatementNode, { kind: "nat" }>): NatTarget | undefined {
    // nft 1.0.6 forgets `prefix` where there are flags.
    if (isPrefix && (to?.kind === "map" || ports !== undefined || flags.length > 0)) return undefined;
    if (to?.kind === "map") {
      const target = ports === undefined ? this.toNatMap(to) : undefined;
      if (target === undefined || this.scope.family === "ip6") return target;
      // Where the statement has no word for it, the matches before do.
      const isIpv6 = (family ?? familyTested(this.steps)) === "ip6";
      return isIpv6 ? { ...target, family: "ip6" } : target;
    }
    const addresses = to === undefined ? undefined : (toInterval(to, "ipv4_addr") ?? toInterval(to, "ipv6_addr"));
    const portInterval = ports === undefined ? undefined : toInterval(ports, "inet_service");
    if ((to !== undefined && addresses === undefined) || (ports !== undefined && portInterval === undefined))
      return undefined;
    if (addresses === undefined && portInterval === undefined) return undefined;
    return {
      kind: "literal",
      ...(addresses === undefined ? {} : { addresses }),
      ...(isPrefix && addresses?.from !== addresses?.to ? { netmap: true } : {}),
      ...(portInterval === undefined ? {} : { ports: portInterval }),
    };
  }

  private toNatMap({
    key: keyNode,
    map,
  }: Extract<SyntaxNode, { kind: "map" }>): Extract<NatTarget, { kind: "map" }> | undefined {
    const key = this.toExpression(keyNode);
    if (key === undefined) return undefined;
    if (map.kind === "set") {
      const inline = this.inlineMap(key, map.elements);
      return inline === undefined ? undefined : { kind: "map", key, map: inline };
    }
    if (map.kind !== "reference") return undefined;
    const declared = this.scope.maps.get(map.name);
    return declared === undefined || declared.data === "verdict" ? undefined : { kind: "map", key, map: map.name };
  }

  private toMasquerade({ name, ports, flags }: Extract<StatementNode, { kind: "masquerade" }>): Statement | undefined {
    const interval = ports === undefined ? undefined : toInterval(ports, "inet_service");
    if (ports !== undefined && interval === undefined) return undefined;
    return { kind: name, ...(interval === undefined ? {} : { ports: interval }), ...natOptions(flags) };
  }

  /** The answer's protocol says which packets are meant, in a table of both families. */
  private toReject({ words: [protocol, type] }: Extract<StatementNode, { kind: "reject" }>): Step[] | undefined {
    if (protocol === undefined) return [{ kind: "reject", with: "port-unreachable" }];
    if (protocol === "tcp") return [...this.ensureTcp(), { kind: "reject", with: "tcp-reset" }];
    if (protocol !== "icmp" && protocol !== "icmpv6" && protocol !== "icmpx") return undefined;
    const names = Object.entries(REJECT_TYPES[protocol]) as [RejectWith, string][];
    const found =
      names.find(([, name]) => name === type)?.[0] ??
      (type === "host-unreachable" && protocol === "icmpx" ? "host-unreachable" : undefined);
    if (found === undefined) return undefined;
    const family = protocol === "icmp" ? "ip" : protocol === "icmpv6" ? "ip6" : undefined;
    const test = family === undefined ? [] : this.ensureFamily(family);
    return [...test, { kind: "reject", with: found }];
  }

  /** A test of the family in a table of both, unless the rule has it already. */
  private ensureFamily(family: "ip" | "ip6"): Step[] {
    if (this.scope.family === "ip" || this.scope.family === "ip6" || familyTested(this.steps) === family) return [];
    return [{ kind: "compare", left: { kind: "meta", key: "nfproto" }, operator: "==", right: NFPROTO[family] }];
  }

  /** A test of TCP, unless the rule has it already. */
  private ensureTcp(): Step[] {
    const isThere = this.steps.some((step) => {
      if (step.kind !== "compare" && step.kind !== "within") return false;
      const { left: tested } = step;
      if (impliesTcp(tested)) return true;
      const isProtocol = tested.kind === "meta" && tested.key === "l4proto";
      return isProtocol && step.kind === "compare" && step.operator === "==" && step.right === 6;
    });
    return isThere ? [] : [{ kind: "compare", left: { kind: "meta", key: "l4proto" }, operator: "==", right: 6 }];
  }

  // --- other statements --------------------------------------------------------------------------------------------------

  private toSet(statement: Extract<StatementNode, { kind: "set" }>): Step {
    const left = this.toExpression(statement.left);
    const field = left === undefined ? undefined : asWritable(left);
    if (left?.kind === "header") return this.toHeaderSet(statement, left.field);
    if (field === undefined) return opaqueStatement(statement.tokens, false);
    const value = this.toSetValue(statement.right, typeOf(field, this.scope.family));
    const setWord = statement.tokens.findIndex(({ image }) => image === "set");
    return {
      kind: "set",
      field,
      value: value ?? { kind: "opaque", text: textOf(statement.tokens.slice(setWord + 1)) },
    };
  }

  /** Fields of headers that rules write mean nothing to the rules behind. */
  private toHeaderSet({ right, tokens }: Extract<StatementNode, { kind: "set" }>, field: HeaderField): Step {
    const value = toValue(right, HEADER_TYPES[field]);
    if (value === undefined) return opaqueStatement(tokens, false);
    return {
      kind: "opaque-statement",
      text: `${field} set ${printValue(value, HEADER_TYPES[field])}`,
      terminal: false,
    };
  }

  private toSetValue(node: SyntaxNode, type: DataType): Expression | undefined {
    const value = toValue(node, type);
    if (value !== undefined) return { kind: "constant", type, value };
    if (node.kind === "map" && node.map.kind === "set") {
      const key = this.toExpression(node.key);
      const map = key === undefined ? undefined : this.inlineMap(key, node.map.elements, [type]);
      return key === undefined || map === undefined ? undefined : { kind: "lookup", key, map };
    }
    const expression = this.toExpression(node);
    return expression?.kind === "opaque" ? undefined : expression;
  }

  /** A set that counts or limits what it is given decides whether the rule goes on. */
  private toRemember({
    operation,
    set,
    key: keyNode,
    timeout,
    statements,
    data,
    tokens,
  }: Extract<StatementNode, { kind: "update" }>): Step {
    const key = this.toExpression(keyNode);
    if (statements.some((text) => !text.startsWith("counter")))
      return { kind: "opaque", text: canonicalText(tokens), negated: false };
    const seconds = timeout === undefined ? undefined : parseDuration(timeout);
    const declared = this.scope.sets.get(set);
    if (
      key === undefined ||
      data !== undefined ||
      statements.length > 0 ||
      declared === undefined ||
      (timeout !== undefined && seconds === undefined)
    )
      return opaqueStatement(tokens, false);
    return {
      kind: "remember",
      operation: operation as "add" | "update" | "delete",
      set,
      key,
      ...(seconds === undefined ? {} : { timeoutSeconds: seconds }),
    };
  }
}

/** Whether `steps` say of which protocols the packet is, as nft wants it before ports are translated. */
export function testProtocol(steps: readonly Step[]): boolean {
  const tests = (expression: Expression): boolean =>
    isL4Protocol(expression) ||
    (expression.kind === "transport" && expression.protocol !== "th") ||
    (expression.kind === "header" && /^(tcp|icmp|icmpv6|ip protocol|ip6 nexthdr)\b/.test(expression.field)) ||
    (expression.kind === "concat" && expression.parts.some((part) => !isL4Protocol(part) && tests(part)));
  return steps.some((step) => {
    if (step.kind === "compare") return tests(step.left) && (step.operator === "==" || !isL4Protocol(step.left));
    if (step.kind === "within") return tests(step.left) && !(step.negated && isL4Protocol(step.left));
    return step.kind === "opaque" || (step.kind === "member" && !isL4Protocol(step.key) && tests(step.key));
  });
}

function isL4Protocol(expression: Expression): boolean {
  return expression.kind === "meta" && expression.key === "l4proto";
}

// --- parts ---------------------------------------------------------------------------------------------------------------

/** `meta random & 2147483647 < n` is what iptables-nft makes of a probability. */
function toChance({ left, operator, right }: Extract<StatementNode, { kind: "match" }>): Match | undefined {
  if (left.kind !== "binary" || left.operator !== "&" || operator !== "<") return undefined;
  const isRandom = left.left.kind === "field" && left.left.words.join(" ") === "meta random";
  const isMasked = left.right.kind === "value" && Number(left.right.text) === 0x7fffffff;
  const numerator = right.kind === "value" ? Number(right.text) : Number.NaN;
  return isRandom && isMasked && Number.isInteger(numerator) ? { kind: "chance", numerator } : undefined;
}

function toComparison(left: Expression, operator: string, interval: Interval): Match | undefined {
  const negated = operator === "!=";
  const prefix = prefixOfNames(interval);
  if (prefix !== undefined)
    return negated || operator === "" || operator === "==" ? { kind: "name-prefix", left, negated, prefix } : undefined;
  const isEqual = operator === "" || operator === "==" || negated;
  if (interval.from !== interval.to) return isEqual ? within(left, [interval], negated) : undefined;
  const sign = operator === "" ? "==" : operator;
  if (sign === "!" || (typeof interval.from === "string" && !isEqual)) return undefined;
  // The interface of number 0, which is none, is named as other interfaces are.
  const isNone = left.kind === "meta" && left.key === "iif" && interval.from === "";
  return {
    kind: "compare",
    left: isNone ? IIFNAME : left,
    operator: sign as Extract<Match, { kind: "compare" }>["operator"],
    right: interval.from,
  };
}

function impliesTcp(field: Expression): boolean {
  return (
    (field.kind === "transport" && field.protocol === "tcp") || (field.kind === "header" && field.field === "tcp flags")
  );
}

function isConstant(node: SyntaxNode): boolean {
  return node.kind === "value" || node.kind === "range" || node.kind === "slash" || node.kind === "star";
}

const COMBINED = { "&": "and", "|": "or", "^": "xor" } as const;

/** Bits of a mark; nft refuses a shift by 32 or more, which is reported. */
function toShift(
  operator: "<<" | ">>",
  operand: Expression,
  right: SyntaxNode,
  type: DataType,
): Expression | undefined {
  const bits = toValue(right, "integer");
  if (typeof bits !== "number" || bits > 31 || type === "ipv6_addr") return undefined;
  return { kind: "shift", operand, by: operator === "<<" ? bits : -bits };
}

function fold(
  operator: string,
  mask: Value,
  xor: Value,
  value: Value,
): { readonly mask: Value; readonly xor: Value } | undefined {
  if (typeof mask === "bigint" && typeof xor === "bigint" && typeof value === "bigint")
    return operator === "&" ? { mask: mask & value, xor: xor & value } : undefined;
  if (typeof mask !== "number" || typeof xor !== "number" || typeof value !== "number") return undefined;
  switch (operator) {
    case "&":
      return { mask: (mask & value) >>> 0, xor: (xor & value) >>> 0 };
    case "|":
      return { mask: (mask & ~value) >>> 0, xor: (xor | value) >>> 0 };
    case "^":
      return { mask, xor: (xor ^ value) >>> 0 };
    default:
      return undefined;
  }
}

const UNTRACKED = { kind: "constant", type: "ct_state", value: CT_STATE.untracked } as const;

function asWritable(expression: Expression): WritableField | undefined {
  const { kind } = expression;
  if (kind === "meta" && (expression.key === "mark" || expression.key === "priority"))
    return { kind, key: expression.key };
  return kind === "ct" && expression.key === "mark" ? { kind, key: "mark" } : undefined;
}

function natOptions(flags: readonly string[]): { readonly random: NatRandom; readonly persistent?: true } {
  const random = flags.includes("fully-random") ? "fully-random" : flags.includes("random") ? "random" : "none";
  return { random, ...(flags.includes("persistent") ? { persistent: true } : {}) };
}

/** Whether a map is asked by a field of the transport header, which tests the protocol first. */
function namesProtocol(node: SyntaxNode | undefined): boolean {
  if (node === undefined) return false;
  if (node.kind === "map") return namesProtocol(node.key);
  if (node.kind === "concat") return node.parts.some(namesProtocol);
  return node.kind === "field" && /^(tcp|udp|udplite|dccp|sctp)$/.test(node.words[0] ?? "");
}
