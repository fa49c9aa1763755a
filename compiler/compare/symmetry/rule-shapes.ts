/**
 * Rules that differ from one before them in values and chains alone: what was made of that one says what becomes of them.
 *
 * A matter of speed alone: `Describer.rule` makes the same of each rule without it.
 */
import { unreachable } from "../../invariant.ts";
import { countMembers } from "../../ir/same-data.ts";
import type { NatRandom, NatTarget, Rule, Step } from "../../ir/types.ts";
import { fieldOf, isNamed, type Named, type Sort, type SortedField } from "./fields.ts";
import type { Parameter, RowGuard, RowTemplate } from "./row-template.ts";
import type { Token } from "./tokens.ts";

/** What a value or a chain of the table that is described stands for. */
export interface Naming {
  /** Undefined: a value of this sort is left as it is. */
  readonly ofValue: (sort: Sort, value: Named) => Parameter | undefined;
  /** Undefined: the table has no such chain. */
  readonly ofChain: (name: string) => Parameter | undefined;
  /** A text: sets of one are asked and filled as one. */
  readonly ofSet: (name: string) => string;
}

/** A rule that was described. */
interface RuleShape {
  readonly steps: readonly StepShape[];
  readonly whileReplacing: boolean;
  readonly token: Token;
  readonly guards: readonly RowGuard[];
  /** The shape of the rule that came next the last time. */
  next: RuleShape | undefined;
}

/** What a step of other rules may be, where it is not the very same one. */
type Varying =
  /** A comparison of this field with any value that is a parameter, or with this value. */
  | {
      readonly kind: "value";
      readonly field: SortedField;
      readonly operator: "==" | "!=";
      readonly orAbsent: boolean;
      readonly value: "any" | Named;
    }
  /** A jump or goto to any chain of the table. */
  | { readonly kind: "jump" | "goto" }
  /** A translation to any address, and to a port that is a parameter, to this one, or to none. */
  | { readonly kind: "dnat" | "snat"; readonly random: NatRandom; readonly port: "any" | Named | undefined };

interface StepShape {
  readonly step: Step;
  /** Its parameters. */
  readonly found: readonly Parameter[];
  readonly varying: Varying | undefined;
}

/** Shapes that are tried: most rules have that which followed the last time. */
const MOST_TRIED = 16;

export class RuleShapes {
  private readonly naming: Naming;
  /** The last one first. */
  private readonly recent: RuleShape[] = [];
  private last: RuleShape | undefined;

  constructor(naming: Naming) {
    this.naming = naming;
  }

  /** What `rule` is, where it has the shape of one that came lately. */
  describe(rule: Rule): RowTemplate | undefined {
    const expected = this.last?.next;
    if (expected !== undefined) {
      const parameters = this.parametersIn(rule, expected);
      if (parameters !== undefined) return this.come(expected, parameters);
    }
    const { recent } = this;
    for (let i = 0; i < recent.length; i++) {
      const shape = recent[i] as RuleShape;
      const parameters = shape === expected ? undefined : this.parametersIn(rule, shape);
      if (parameters === undefined) continue;
      recent.splice(i, 1);
      recent.unshift(shape);
      return this.come(shape, parameters);
    }
    return undefined;
  }

  /** Takes what was made of `rule`. `ends`: how many parameters it has up to each of its steps, and with it. */
  learn({ steps, whileReplacing }: Rule, { token, parameters, guards }: RowTemplate, ends: readonly number[]): void {
    const foundIn = (i: number): readonly Parameter[] => parameters.slice(ends[i - 1] ?? 0, ends[i]);
    const shape: RuleShape = {
      steps: steps.map((step, i) => ({ step, found: foundIn(i), varying: this.varyingIn(step) })),
      whileReplacing: whileReplacing === true,
      ...{ token, guards, next: undefined },
    };
    if (this.last !== undefined) this.last.next = shape;
    this.last = shape;
    if (this.recent.unshift(shape) > MOST_TRIED) this.recent.pop();
  }

  private come(shape: RuleShape, parameters: readonly Parameter[]): RowTemplate {
    if (this.last !== undefined) this.last.next = shape;
    this.last = shape;
    return { token: shape.token, parameters, guards: shape.guards };
  }

  /** Undefined: `rule` is not of this shape. */
  private parametersIn({ steps, whileReplacing }: Rule, shape: RuleShape): Parameter[] | undefined {
    if (steps.length !== shape.steps.length || (whileReplacing === true) !== shape.whileReplacing) return undefined;
    const parameters: Parameter[] = [];
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const known = shape.steps[i] as StepShape;
      if (step === known.step)
        for (let k = 0; k < known.found.length; k++) parameters.push(known.found[k] as Parameter);
      else if (known.varying === undefined || !this.take(step, known.varying, parameters)) return undefined;
    }
    return parameters;
  }

  // --- steps -----------------------------------------------------------------------------------------------------------

  private varyingIn(step: Step): Varying | undefined {
    switch (step.kind) {
      case "compare": {
        const { left, operator, right, orAbsent = false } = step;
        const field = fieldOf(left);
        if (field === undefined || (operator !== "==" && operator !== "!=") || !isNamed(right)) return undefined;
        const value = this.naming.ofValue(field.sort, right) === undefined ? right : "any";
        return { kind: "value", field, operator, orAbsent, value };
      }
      case "verdict": {
        const { verdict } = step;
        if (!("chain" in verdict) || this.naming.ofChain(verdict.chain) === undefined) return undefined;
        return { kind: verdict.kind };
      }
      case "dnat":
      case "snat": {
        const { kind, to, random } = step;
        const point = countMembers(step) === 3 ? pointIn(to) : undefined;
        if (point === undefined) return undefined;
        const { port } = point;
        const isAny = port !== undefined && this.naming.ofValue("port", port) !== undefined;
        return { kind, random, port: isAny ? "any" : port };
      }
      default:
        // Others have to be the very same step.
        return undefined;
    }
  }

  /** Whether `step` is what `varying` says: then its parameters are added to `into`. */
  private take(step: Step, varying: Varying, into: Parameter[]): boolean {
    switch (varying.kind) {
      case "value": {
        if (step.kind !== "compare" || step.operator !== varying.operator) return false;
        const { left, right, orAbsent = false } = step;
        if (orAbsent !== varying.orAbsent || !isNamed(right) || fieldOf(left) !== varying.field) return false;
        if (varying.value !== "any") return right === varying.value;
        return addTo(into, this.naming.ofValue(varying.field.sort, right));
      }
      case "jump":
      case "goto":
        if (step.kind !== "verdict" || step.verdict.kind !== varying.kind) return false;
        return addTo(into, this.naming.ofChain(step.verdict.chain));
      case "dnat":
      case "snat": {
        if (step.kind !== varying.kind || step.random !== varying.random || countMembers(step) !== 3) return false;
        const point = pointIn(step.to);
        if (point === undefined || !addTo(into, this.naming.ofValue("address", point.address))) return false;
        const { port } = point;
        if (varying.port !== "any") return port === varying.port;
        return port !== undefined && addTo(into, this.naming.ofValue("port", port));
      }
      default:
        return unreachable(varying);
    }
  }
}

function addTo(into: Parameter[], parameter: Parameter | undefined): boolean {
  if (parameter === undefined) return false;
  into.push(parameter);
  return true;
}

/** The address that a target is, and perhaps the port; undefined: it is more, or less, or one of several. */
function pointIn(to: NatTarget): { readonly address: Named; readonly port: Named | undefined } | undefined {
  if (to.kind !== "literal") return undefined;
  const { addresses, ports } = to;
  if (addresses === undefined || countMembers(to) !== (ports === undefined ? 2 : 3)) return undefined;
  const address = addresses.from;
  if (!isNamed(address) || address !== addresses.to) return undefined;
  if (ports === undefined) return { address, port: undefined };
  return isNamed(ports.from) && ports.from === ports.to ? { address, port: ports.from } : undefined;
}
