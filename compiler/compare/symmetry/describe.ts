/** Steps and elements as templates: all that they are, but for the parameters in them. Long because they are made of the same parts, and what
 *  is found in one of these is noted in one place. */
import { unreachable } from "../../invariant.ts";
import { stringify } from "../../ir/normal-form.ts";
import { ruleAt } from "../../ir/rule-rows.ts";
import { countMembers } from "../../ir/same-data.ts";
import { dataTypesOf, isForOthers, isMap, keyTypesOf, partsOfKey } from "../../ir/sets.ts";
import type {
  AskedMap,
  AskedSet,
  Chain,
  DataType,
  ElementKey,
  Expression,
  Interval,
  KeyPart,
  MapElement,
  NatTarget,
  Rule,
  SetElement,
  Step,
  Value,
  Verdict,
} from "../../ir/types.ts";
import { componentsOf, fieldsWritten, isInert } from "../../ir/walk.ts";
import { ValueTable } from "./columns.ts";
import type { DataTypes, Declarations } from "./declarations.ts";
import { fieldOf, guardIn, isNamed, isPure, type Named, ONE_OF, type Sort, sortOf } from "./fields.ts";
import { type DescribedRow, FormTemplates } from "./form-templates.ts";
import { bySort, Intervals } from "./intervals.ts";
import { OpenSearches } from "./open-searches.ts";
import type { Parameter, RowGuard, RowTemplate } from "./row-template.ts";
import { type Naming, RuleShapes } from "./rule-shapes.ts";
import { NoSymmetry, type Token, Tokens } from "./tokens.ts";

/** An element that was described. */
export interface DescribedElement extends DescribedRow {
  /** That of its key. */
  readonly keyToken: Token;
  /** How many of its parameters are in its key. */
  readonly keyEnd: number;
}

/** Makes templates for both sides: equal ones have one number. */
export class Describer {
  readonly tokens = new Tokens();
  /** Intervals that something asks for. */
  readonly tests = bySort(() => new Intervals());
  /** Intervals of values that packets may get, whoever they are. */
  readonly gifts = bySort(() => new Intervals());
  /** All values that have been met and may be parameters: a `Parameter` each. */
  readonly values = bySort(() => new ValueTable());
  /** Ports that rules name and that are none of them. */
  readonly otherPorts = new Set<Named>();
  /** Sorts of which all values are left as they are, each with the reason. */
  readonly fixedSorts = new Map<Sort, string>();
  readonly openSearches = new OpenSearches();
  private readonly texts = new Map<object, Token>();
  private readonly parameterOf: () => Parameter;
  private readonly ports: ReadonlySet<Named>;
  private readonly here = this.tokens.ofText("parameter");
  /** By the number of a part of a key. */
  private readonly partFields: Token[] = [];
  private found: Parameter[] = [];
  /** Of an element: how many parameters were found up to each of its parts. */
  private ends: number[] = [];
  private declared: Declarations = { where: [], family: "inet", sets: new Map(), chains: new Map() };
  /** Those of the table. */
  private shapes: RuleShapes;

  /** `parameterOf` makes a new one. `ports`: those that may be parameters. */
  constructor(parameterOf: () => Parameter, ports: ReadonlySet<Named> = new Set()) {
    this.parameterOf = parameterOf;
    this.ports = ports;
    this.shapes = new RuleShapes(this.naming());
  }

  /** What is described next stands in this table. */
  enter(declared: Declarations): void {
    this.declared = declared;
    this.shapes = new RuleShapes(this.naming());
  }

  private naming(): Naming {
    const { chains, sets } = this.declared;
    return {
      ofValue: (sort, value) => this.parameterFor(sort, value),
      ofChain: (name) => chains.get(name),
      ofSet: (name) => sets.get(name)?.alike ?? `@${name}`,
    };
  }

  /** For rules or elements of the table: those of one set, which have one type. */
  newForms(): FormTemplates {
    return new FormTemplates(this.tokens, this.naming());
  }

  /** What `rule` is, which is number `at` of `chain`, from where it is taken to be kept. */
  rule(rule: Rule, chain: Chain, at: number): RowTemplate {
    return this.shapes.describe(rule) ?? this.ruleAnew(ruleAt(chain, at));
  }

  /** What `rule` is, which is kept. Its parts are its steps. */
  ruleAnew(rule: Rule): DescribedRow {
    const { steps, whileReplacing } = rule;
    this.found = [];
    const guards: RowGuard[] = [];
    const ends: number[] = [];
    let token = this.text(whileReplacing ? "rule while replacing" : "rule");
    let isInert = true;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const guard = isInert ? guardIn(step, i) : undefined;
      if (guard !== undefined && guard.from === guard.to && this.mayBe(guard.field.sort, guard.from))
        guards.push({ at: this.found.length, field: this.text(guard.field.name) });
      isInert &&= isPure(step);
      token = this.pair(token, this.step(step));
      ends.push(this.found.length);
    }
    const described = { token, parameters: this.found, guards, ends };
    this.shapes.learn(rule, described, ends);
    return described;
  }

  /** An element of a set or map of these types. Values in its key are its guards. Its parts are those of its key, and then its verdict or
   *  those of its value. */
  element(element: SetElement | MapElement, key: readonly DataType[], data: DataTypes | undefined): DescribedElement {
    this.found = [];
    this.ends = [];
    const keyToken = this.keyOf(element.key, key);
    const keyEnd = this.found.length;
    const token = this.entry(element, keyToken, data);
    const guards: RowGuard[] = [];
    const parts = partsOfKey(element);
    for (let i = 0; i < parts.length; i++)
      if (this.isGuard(parts[i] as KeyPart, key[i])) guards.push({ at: guards.length, field: this.partField(i) });
    return { token, parameters: this.found, guards, ends: this.ends, keyToken, keyEnd };
  }

  private partField(i: number): Token {
    this.partFields[i] ??= this.text(`part ${i}`);
    return this.partFields[i] as Token;
  }

  // --- parts -----------------------------------------------------------------------------------------------------------

  private text(text: string): Token {
    return this.tokens.ofText(text);
  }

  private pair(first: Token, second: Token): Token {
    return this.tokens.pair(first, second);
  }

  /** All of `value`, which has no value of a sort and no chain in it. */
  private whole(value: object): Token {
    let token = this.texts.get(value);
    if (token === undefined) {
      token = this.text(stringify(value));
      this.texts.set(value, token);
    }
    return token;
  }

  /** Values of `sort` are left as they are. Without addresses there is no reduction. */
  private fix(sort: Sort, reason: string): void {
    if (sort === "address") throw new NoSymmetry(reason);
    if (!this.fixedSorts.has(sort)) this.fixedSorts.set(sort, reason);
  }

  private mayBe(sort: Sort, value: Named): boolean {
    return sort !== "port" || this.ports.has(value);
  }

  private point(sort: Sort, value: Value): Token {
    if (!isNamed(value)) {
      this.fix(sort, `${ONE_OF[sort]} is compared with a text`);
      return this.tokens.ofValue(value);
    }
    const parameter = this.parameterFor(sort, value);
    if (parameter === undefined) {
      this.otherPorts.add(value);
      return this.tokens.ofNumber(value);
    }
    this.found.push(parameter);
    return this.here;
  }

  /** Undefined: it is none. */
  private parameterFor(sort: Sort, value: Named): Parameter | undefined {
    if (!this.mayBe(sort, value)) return undefined;
    const known = this.values[sort].get(value);
    if (known >= 0) return known;
    const parameter = this.parameterOf();
    this.values[sort].set(value, parameter);
    return parameter;
  }

  private tested(sort: Sort, from: Value, to: Value): void {
    if (isNamed(from) && isNamed(to)) this.tests[sort].add(from, to);
    else this.fix(sort, `${ONE_OF[sort]} is compared with a text`);
  }

  /** A value, or several of them that are asked for together. */
  private namedPart(sort: Sort, part: KeyPart): Token {
    if (typeof part !== "object") return this.point(sort, part);
    if (part.from === part.to) return this.point(sort, part.from);
    this.tested(sort, part.from, part.to);
    return this.interval(part);
  }

  /** Values that packets may get: all of them, or one. */
  private given(sort: Sort, interval: Interval): Token {
    const { from, to } = interval;
    if (from === to) return this.point(sort, from);
    if (isNamed(from) && isNamed(to)) this.gifts[sort].add(from, to);
    else this.fix(sort, `${ONE_OF[sort]} is compared with a text`);
    return this.interval(interval);
  }

  private interval({ from, to }: Interval): Token {
    return this.pair(this.pair(this.text("interval"), this.tokens.ofValue(from)), this.tokens.ofValue(to));
  }

  private part(part: KeyPart): Token {
    return typeof part === "object" ? this.interval(part) : this.tokens.ofValue(part);
  }

  private chain(verdict: Verdict): Token {
    if (!("chain" in verdict)) return this.text(verdict.kind);
    const parameter = this.declared.chains.get(verdict.chain);
    if (parameter === undefined) return this.pair(this.text(verdict.kind), this.text(`chain ${verdict.chain}`));
    this.found.push(parameter);
    return this.pair(this.text(verdict.kind), this.here);
  }

  // --- elements --------------------------------------------------------------------------------------------------------

  private keyOf(key: ElementKey, types: readonly DataType[]): Token {
    let token = this.text("element");
    if (isForOthers(key)) return this.pair(token, this.text("for others"));
    for (let i = 0; i < key.length; i++) {
      token = this.pair(token, this.keyPart(sortOf(types[i]), key[i] as KeyPart));
      this.ends.push(this.found.length);
    }
    return token;
  }

  private entry(element: SetElement | MapElement, key: Token, data: DataTypes | undefined): Token {
    const { timeoutSeconds, statements } = element;
    let token = key;
    if (timeoutSeconds !== undefined || statements !== undefined)
      token = this.pair(token, this.text(stringify([timeoutSeconds, statements])));
    return "value" in element ? this.pair(token, this.value(element.value, data)) : token;
  }

  private keyPart(sort: Sort | undefined, part: KeyPart): Token {
    return sort === undefined ? this.part(part) : this.namedPart(sort, part);
  }

  /** Whether an element does nothing to packets without this value. */
  private isGuard(part: KeyPart, type: DataType | undefined): boolean {
    const sort = sortOf(type);
    const value = typeof part === "object" ? (part.from === part.to ? part.from : undefined) : part;
    return sort !== undefined && value !== undefined && isNamed(value) && this.mayBe(sort, value);
  }

  private value(value: MapElement["value"], data: DataTypes | undefined): Token {
    if ("kind" in value) {
      const verdict = this.chain(value);
      this.ends.push(this.found.length);
      return verdict;
    }
    let token = this.text("value");
    for (let i = 0; i < value.length; i++) {
      const each = value[i] as Value;
      const sort = data === undefined || data === "verdict" ? undefined : sortOf(data[i]);
      token = this.pair(token, sort === undefined ? this.tokens.ofValue(each) : this.point(sort, each));
      this.ends.push(this.found.length);
    }
    return token;
  }

  /** A search. Fields of a sort are looked for among values of it, and nothing else is. `taken`: sorts of what it finds that are
   *  used as such. */
  private lookup(key: Expression, among: AskedSet | AskedMap, taken: readonly Sort[] = []): Token {
    const { declared } = this;
    const known =
      typeof among === "string"
        ? declared.sets.get(among)
        : { key: keyTypesOf(among), data: isMap(among) ? dataTypesOf(among) : undefined };
    if (known === undefined) throw new NoSymmetry(`nothing declares @${String(among)}`);
    const parts = componentsOf(key);
    if (parts.length !== known.key.length) throw new NoSymmetry("a key has another number of parts than its set");
    let token = this.text("search");
    for (const [i, part] of parts.entries()) {
      const field = fieldOf(part);
      const sort = sortOf(known.key[i]);
      if (field?.sort !== sort) {
        if (field !== undefined) this.fix(field.sort, `${ONE_OF[field.sort]} is looked for among other things`);
        if (sort !== undefined) this.fix(sort, `${ONE_OF[sort]} is looked for among other things`);
      }
      token = this.pair(token, field === undefined ? this.expression(part) : this.text(field.name));
    }
    if (known.data !== undefined && known.data !== "verdict")
      for (const type of known.data) {
        const sort = sortOf(type);
        if (sort !== undefined && !taken.includes(sort)) this.fix(sort, `${ONE_OF[sort]} of a map is computed with`);
      }
    if (typeof among === "string") {
      if ("alike" in known && known.alike !== undefined) return this.pair(token, this.text(known.alike));
      token = this.pair(token, this.text(`@${among}`));
    } else {
      token = this.pair(token, this.text(stringify([known.key, known.data])));
      for (const element of among.elements)
        token = this.pair(token, this.entry(element, this.keyOf(element.key, known.key), known.data));
    }
    for (const where of declared.where)
      this.openSearches.note(parts, declared.family, () => this.pair(token, this.text(where)));
    return token;
  }

  /** An expression that is no value of a sort, nor made of one, except to look something up. */
  private expression(expression: Expression): Token {
    const { kind } = expression;
    const sort = fieldOf(expression)?.sort ?? (kind === "constant" ? sortOf(expression.type) : undefined);
    if (sort !== undefined) this.fix(sort, `a rule computes with ${ONE_OF[sort]}`);
    switch (kind) {
      case "bitwise": {
        const rest = stringify([expression.mask, expression.xor]);
        return this.pair(this.pair(this.text(kind), this.expression(expression.operand)), this.text(rest));
      }
      case "shift":
        return this.pair(this.pair(this.text(kind), this.expression(expression.operand)), this.part(expression.by));
      case "combine": {
        const left = this.pair(this.text(`${kind} ${expression.operator}`), this.expression(expression.left));
        return this.pair(left, this.expression(expression.right));
      }
      case "concat":
        return expression.parts.reduce((token, each) => this.pair(token, this.expression(each)), this.text(kind));
      case "lookup":
        return this.pair(this.text(kind), this.lookup(expression.key, expression.map));
      default:
        // The others are made of nothing.
        return this.whole(expression);
    }
  }

  // --- steps -----------------------------------------------------------------------------------------------------------

  private step(step: Step): Token {
    for (const written of fieldsWritten(step)) {
      const sort = fieldOf(written)?.sort;
      if (sort !== undefined && step.kind !== "set") this.fix(sort, "a rule that is not understood writes an identity");
    }
    switch (step.kind) {
      case "compare": {
        const token = this.text(`${step.operator}${step.orAbsent ? " or absent" : ""}`);
        const field = fieldOf(step.left);
        if (field === undefined)
          return this.pair(this.pair(token, this.expression(step.left)), this.tokens.ofValue(step.right));
        const left = this.pair(token, this.text(field.name));
        const { sort } = field;
        if (step.operator === "==" || step.operator === "!=") return this.pair(left, this.point(sort, step.right));
        this.tested(sort, typeof step.right === "bigint" ? 0n : 0, step.right);
        this.tested(sort, step.right, step.right);
        return this.pair(left, this.tokens.ofValue(step.right));
      }
      case "within": {
        const field = fieldOf(step.left);
        let token = this.text(`within${step.negated ? " not" : ""}${step.orAbsent ? " or absent" : ""}`);
        token = this.pair(token, field === undefined ? this.expression(step.left) : this.text(field.name));
        for (const interval of step.intervals)
          token = this.pair(
            token,
            field === undefined ? this.interval(interval) : this.namedPart(field.sort, interval),
          );
        return token;
      }
      case "name-prefix": {
        const token = this.text(stringify([step.kind, step.negated, step.prefix]));
        return this.pair(token, this.expression(step.left));
      }
      case "member": {
        const token = this.text(stringify([step.kind, step.negated, step.orAbsent]));
        return this.pair(token, this.lookup(step.key, step.set));
      }
      case "verdict":
        return this.chain(step.verdict);
      case "vmap":
        return this.pair(this.text(step.kind), this.lookup(step.key, step.map));
      case "dnat":
      case "snat": {
        const { to, ...rest } = step;
        const text = countMembers(rest) === 2 ? `${rest.kind} ${rest.random}` : stringify(rest);
        return this.pair(this.text(text), this.target(to));
      }
      case "set":
        return this.pair(this.pair(this.text(step.kind), this.whole(step.field)), this.written(step.field, step.value));
      case "remember": {
        const { key, set, ...rest } = step;
        return this.pair(this.text(stringify(rest)), this.lookup(key, set));
      }
      case "masquerade":
      case "redirect": {
        const { ports, ...rest } = step;
        const token = this.text(stringify(rest));
        return ports === undefined ? token : this.pair(token, this.given("port", ports));
      }
      case "chance":
      case "opaque":
      case "reject":
      case "opaque-statement":
        return this.whole(step);
      default:
        return isInert(step) ? this.whole(step) : unreachable(step);
    }
  }

  /** What becomes of `field`. */
  private written(field: Expression, value: Expression): Token {
    const sort = fieldOf(field)?.sort;
    if (sort === undefined) return this.expression(value);
    if (value.kind === "constant") return this.pair(this.text(value.type), this.point(sort, value.value));
    if (value.kind === "lookup") return this.pair(this.text(value.kind), this.lookup(value.key, value.map, [sort]));
    this.fix(sort, `a rule computes ${ONE_OF[sort]}`);
    return this.expression(value);
  }

  private target(to: NatTarget): Token {
    if (to.kind === "map")
      return this.pair(this.text(`map ${to.family ?? ""}`), this.lookup(to.key, to.map, ["address", "port"]));
    if (to.netmap) throw new NoSymmetry("a rule maps addresses by their bits");
    if (to.base !== undefined) this.fix("port", "a rule counts ports");
    const { addresses, ports, ...rest } = to;
    let token = this.text(countMembers(rest) === 1 ? rest.kind : stringify(rest));
    if (addresses !== undefined) token = this.pair(token, this.given("address", addresses));
    return ports === undefined ? token : this.pair(token, this.pair(this.text("port"), this.given("port", ports)));
  }
}
