/** Steps and elements as templates: all that they are, but for the parameters in them. */
import { unreachable } from "../../invariant.ts";
import { stringify } from "../../ir/normal-form.ts";
import { dataTypesOf, isForOthers, isMap, keyTypesOf, partsOfKey } from "../../ir/sets.ts";
import type {
  AskedMap,
  AskedSet,
  DataType,
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
import { type AddressValue, addressFieldOf, guardIn, isAddressType, isAddressValue, isPure } from "./address-fields.ts";
import { NoSymmetry, type Token, Tokens } from "./tokens.ts";

/** The number of an address, or of a chain of one table of one side, that may be exchanged with others. */
export type Parameter = number;

/** What a rule or an element is. */
export interface RowTemplate {
  readonly token: Token;
  /** In the order in which they stand in it. */
  readonly parameters: readonly Parameter[];
  /** Those without which it does nothing, by their places in `parameters`, and the field that is asked for each. */
  readonly guards: readonly { readonly at: number; readonly field: Token }[];
}

/** What a table declares, for those that name it. */
export interface Declarations {
  readonly sets: ReadonlyMap<string, { readonly key: readonly DataType[]; readonly data: DataTypes | undefined }>;
  /** Parameters of its regular chains. */
  readonly chains: ReadonlyMap<string, Parameter>;
}

type DataTypes = "verdict" | readonly DataType[];

/** Makes templates for both sides: equal ones have one number. */
export class Describer {
  readonly tokens = new Tokens();
  /** Intervals of addresses that something asks for. */
  readonly tests = new Map<string, { readonly from: AddressValue; readonly to: AddressValue }>();
  /** Intervals of addresses that packets may get. */
  readonly gifts: { readonly from: AddressValue; readonly to: AddressValue }[] = [];
  private readonly addresses = new Map<AddressValue, Parameter>();
  private readonly texts = new Map<object, Token>();
  private readonly parameterOf: () => Parameter;
  private readonly here = this.tokens.ofText("parameter");
  private found: Parameter[] = [];
  private declared: Declarations = { sets: new Map(), chains: new Map() };

  /** `parameterOf` makes a new one. */
  constructor(parameterOf: () => Parameter) {
    this.parameterOf = parameterOf;
  }

  /** All addresses that have been met. */
  get addressParameters(): ReadonlyMap<AddressValue, Parameter> {
    return this.addresses;
  }

  /** What is described next stands in this table. */
  enter(declared: Declarations): void {
    this.declared = declared;
  }

  addressParameter(value: AddressValue): Parameter {
    let parameter = this.addresses.get(value);
    if (parameter === undefined) {
      parameter = this.parameterOf();
      this.addresses.set(value, parameter);
    }
    return parameter;
  }

  rule({ steps, whileReplacing }: Rule): RowTemplate {
    this.found = [];
    const guards: { at: number; field: Token }[] = [];
    let token = this.text(whileReplacing ? "rule while replacing" : "rule");
    let isInert = true;
    for (const [i, step] of steps.entries()) {
      const guard = isInert ? guardIn(step, i) : undefined;
      if (guard !== undefined && guard.from === guard.to)
        guards.push({ at: this.found.length, field: this.text(guard.field) });
      isInert &&= isPure(step);
      token = this.pair(token, this.step(step));
    }
    return { token, parameters: this.found, guards };
  }

  /** An element of a set or map of these types. Its address keys are its guards. */
  element(element: SetElement | MapElement, key: readonly DataType[], data: DataTypes | undefined): RowTemplate {
    this.found = [];
    const token = this.entry(element, key, data);
    const guards = partsOfKey(element).flatMap((part, i) => (isGuard(part, key[i]) ? [this.text(`part ${i}`)] : []));
    return { token, parameters: this.found, guards: guards.map((field, at) => ({ at, field })) };
  }

  // --- parts -----------------------------------------------------------------------------------------------------------

  private text(text: string): Token {
    return this.tokens.ofText(text);
  }

  private pair(first: Token, second: Token): Token {
    return this.tokens.pair(first, second);
  }

  /** All of `value`, which has no address and no chain in it. */
  private whole(value: object): Token {
    let token = this.texts.get(value);
    if (token === undefined) {
      token = this.text(stringify(value));
      this.texts.set(value, token);
    }
    return token;
  }

  private address(value: Value): Token {
    if (!isAddressValue(value)) throw new NoSymmetry("an address is compared with a text");
    this.found.push(this.addressParameter(value));
    return this.here;
  }

  private tested(from: Value, to: Value): void {
    if (!isAddressValue(from) || !isAddressValue(to)) throw new NoSymmetry("an address is compared with a text");
    this.tests.set(`${from} ${to} ${typeof from}`, { from, to });
  }

  /** An address, or several of them that are asked for together. */
  private addressPart(part: KeyPart): Token {
    if (typeof part !== "object") return this.address(part);
    if (part.from === part.to) return this.address(part.from);
    this.tested(part.from, part.to);
    return this.interval(part);
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

  private entry(element: SetElement | MapElement, types: readonly DataType[], data: DataTypes | undefined): Token {
    const { key, timeoutSeconds, statements } = element;
    let token = this.text("element");
    if (isForOthers(key)) token = this.pair(token, this.text("for others"));
    else
      for (const [i, part] of key.entries())
        token = this.pair(token, isAddressType(types[i]) ? this.addressPart(part) : this.part(part));
    if (timeoutSeconds !== undefined || statements !== undefined)
      token = this.pair(token, this.text(stringify([timeoutSeconds, statements])));
    return "value" in element ? this.pair(token, this.value(element.value, data)) : token;
  }

  private value(value: MapElement["value"], data: DataTypes | undefined): Token {
    if ("kind" in value) return this.chain(value);
    let token = this.text("value");
    for (const [i, each] of value.entries()) {
      const isAddress = data !== undefined && data !== "verdict" && isAddressType(data[i]);
      token = this.pair(token, isAddress ? this.address(each) : this.tokens.ofValue(each));
    }
    return token;
  }

  /** A search. Address fields are looked for among addresses, and nothing else is. `isNat`: what it finds may be an address. */
  private lookup(key: Expression, among: AskedSet | AskedMap, isNat = false): Token {
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
      const field = addressFieldOf(part);
      if ((field !== undefined) !== isAddressType(known.key[i]))
        throw new NoSymmetry("an address is looked for among other things");
      token = this.pair(token, field === undefined ? this.expression(part) : this.text(field));
    }
    if (!isNat && known.data !== undefined && known.data !== "verdict" && known.data.some(isAddressType))
      throw new NoSymmetry("an address of a map is computed with");
    if (typeof among === "string") return this.pair(token, this.text(`@${among}`));
    token = this.pair(token, this.text(stringify([known.key, known.data])));
    for (const element of among.elements) token = this.pair(token, this.entry(element, known.key, known.data));
    return token;
  }

  /** An expression that neither is an address nor is made of one, except to look something up. */
  private expression(expression: Expression): Token {
    const { kind } = expression;
    if (addressFieldOf(expression) !== undefined) throw new NoSymmetry("a rule computes with an address");
    if (kind === "constant" && isAddressType(expression.type)) throw new NoSymmetry("a rule computes with an address");
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
    if (fieldsWritten(step).some((field) => addressFieldOf(field) !== undefined))
      throw new NoSymmetry("a rule writes an address");
    switch (step.kind) {
      case "compare": {
        const token = this.text(`${step.operator}${step.orAbsent ? " or absent" : ""}`);
        const field = addressFieldOf(step.left);
        if (field === undefined)
          return this.pair(this.pair(token, this.expression(step.left)), this.tokens.ofValue(step.right));
        const left = this.pair(token, this.text(field));
        if (step.operator === "==" || step.operator === "!=") return this.pair(left, this.address(step.right));
        this.tested(typeof step.right === "bigint" ? 0n : 0, step.right);
        this.tested(step.right, step.right);
        return this.pair(left, this.tokens.ofValue(step.right));
      }
      case "within": {
        const field = addressFieldOf(step.left);
        let token = this.text(`within${step.negated ? " not" : ""}${step.orAbsent ? " or absent" : ""}`);
        token = this.pair(token, field === undefined ? this.expression(step.left) : this.text(field));
        for (const interval of step.intervals)
          token = this.pair(token, field === undefined ? this.interval(interval) : this.addressPart(interval));
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
        return this.pair(this.text(stringify(rest)), this.target(to));
      }
      case "set":
        return this.pair(this.pair(this.text(step.kind), this.whole(step.field)), this.expression(step.value));
      case "remember": {
        const { key, ...rest } = step;
        return this.pair(this.text(stringify(rest)), this.lookup(key, step.set));
      }
      case "chance":
      case "opaque":
      case "masquerade":
      case "redirect":
      case "reject":
      case "opaque-statement":
        return this.whole(step);
      default:
        return isInert(step) ? this.whole(step) : unreachable(step);
    }
  }

  private target(to: NatTarget): Token {
    if (to.kind === "map") return this.pair(this.text(`map ${to.family ?? ""}`), this.lookup(to.key, to.map, true));
    if (to.netmap) throw new NoSymmetry("a rule maps addresses by their bits");
    const { addresses, ...rest } = to;
    const token = this.text(stringify(rest));
    if (addresses === undefined) return token;
    const { from, to: last } = addresses;
    if (from === last) return this.pair(token, this.address(from));
    if (!isAddressValue(from) || !isAddressValue(last)) throw new NoSymmetry("an address is compared with a text");
    this.gifts.push({ from, to: last });
    return this.pair(token, this.interval(addresses));
  }
}

/** Whether an element without packets of this address does nothing. */
function isGuard(part: KeyPart, type: DataType | undefined): boolean {
  return isAddressType(type) && (typeof part !== "object" || part.from === part.to);
}
