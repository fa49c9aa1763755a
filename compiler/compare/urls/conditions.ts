/**
 * Two lists of rules for the same paths, over all requests: which rule of the one and which of the other can take the same request. What conditions ask
 * about is the method, the first header of a name and the first parameter of a name; each has one of the values that rules ask for, or none of them, and they do not
 * depend on each other. So lists are compared value by value of one of these at a time, until the first rule of each list needs nothing more.
 */
import type { NamedText, RequestConditions, RequestRule } from "../../ir/routes.ts";

/** A rule, and a text for what becomes of its requests. */
export interface JudgedRule {
  readonly rule: RequestRule;
  readonly outcome: string;
}

/** What a request has besides host and path. */
export interface AskedConditions {
  readonly method: string;
  readonly headers: readonly NamedText[];
  readonly parameters: readonly NamedText[];
}

/** Two rules with different outcomes that take the same requests (undefined: no rule does), and what one of the shortest of these has. */
export interface DifferingRules {
  readonly left: RequestRule | undefined;
  readonly right: RequestRule | undefined;
  readonly asked: AskedConditions;
}

/** How many pairs of lists are looked at before comparing is given up. */
export const MOST_STEPS = 50_000;

/** All pairs of rules that differ for some request; `none`: the outcome where no rule takes it. Undefined: there are too many cases. */
export function differingRules(
  left: readonly JudgedRule[],
  right: readonly JudgedRule[],
  none: string,
  most: number = MOST_STEPS,
): DifferingRules[] | undefined {
  return new Comparison(left, right, none, most).run();
}

interface Variable {
  readonly kind: "method" | "header" | "parameter";
  readonly name: string;
  /** The values that rules ask for. */
  readonly values: string[];
}

/** A variable and the number of its value. */
type Atom = readonly [variable: number, value: number];

/** What is left of a rule, once some variables are known. */
interface OpenRule {
  readonly index: number;
  readonly outcome: string;
  readonly atoms: readonly Atom[];
}

/** The values chosen on the way, the last one first. */
interface Choice {
  readonly atom: Atom;
  readonly before: Choice | undefined;
}

interface FoundPair {
  readonly left: number | undefined;
  readonly right: number | undefined;
  readonly cost: number;
  readonly choice: Choice | undefined;
}

type FoundPairs = ReadonlyMap<string, FoundPair>;

const NOTHING: FoundPairs = new Map();

class TooMany extends Error {}

class Comparison {
  private readonly variables: Variable[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly known = new Map<string, FoundPairs>();
  private readonly left: readonly JudgedRule[];
  private readonly right: readonly JudgedRule[];
  private readonly none: string;
  private readonly most: number;

  constructor(left: readonly JudgedRule[], right: readonly JudgedRule[], none: string, most: number) {
    this.left = left;
    this.right = right;
    this.none = none;
    this.most = most;
  }

  run(): DifferingRules[] | undefined {
    try {
      const found = this.compare(this.openRules(this.left), this.openRules(this.right));
      return [...found.values()]
        .sort((a, b) => a.cost - b.cost)
        .map(({ left, right, choice }) => ({
          left: left === undefined ? undefined : this.left[left]?.rule,
          right: right === undefined ? undefined : this.right[right]?.rule,
          asked: this.askedFor(choice),
        }));
    } catch (error) {
      if (error instanceof TooMany) return undefined;
      throw error;
    }
  }

  private openRules(rules: readonly JudgedRule[]): OpenRule[] {
    return upToFirst(
      rules.flatMap(({ rule: { conditions = {} }, outcome }, index) => {
        const atoms = this.atomsOf(conditions);
        return atoms === undefined ? [] : [{ index, outcome, atoms }];
      }),
    );
  }

  /** Undefined: no request meets the conditions. */
  private atomsOf({ method, headers = [], parameters = [] }: RequestConditions): Atom[] | undefined {
    const asked: readonly (readonly [Variable["kind"], string, string])[] = [
      ...(method === undefined ? [] : [["method", "", method] as const]),
      ...headers.map(({ name, value }) => ["header", name, value] as const),
      ...parameters.map(({ name, value }) => ["parameter", name, value] as const),
    ];
    const atoms = new Map<number, number>();
    for (const [kind, name, value] of asked) {
      if (!CAN_BE[kind](name, value)) return undefined;
      const [variable, number] = this.atomOf(kind, name, value);
      if ((atoms.get(variable) ?? number) !== number) return undefined;
      atoms.set(variable, number);
    }
    return [...atoms];
  }

  private atomOf(kind: Variable["kind"], name: string, value: string): Atom {
    const key = `${kind} ${name}`;
    const number = this.numbers.get(key) ?? this.variables.push({ kind, name, values: [] }) - 1;
    this.numbers.set(key, number);
    const { values } = this.variables[number] as Variable;
    const at = values.indexOf(value);
    return [number, at < 0 ? values.push(value) - 1 : at];
  }

  private compare(left: readonly OpenRule[], right: readonly OpenRule[]): FoundPairs {
    if (this.isOneOutcome(left, right)) return NOTHING;
    const key = `${listKey(left)}|${listKey(right)}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (this.known.size >= this.most) throw new TooMany();
    // In the first place, so that the number of cases bounds the depth, too.
    this.known.set(key, NOTHING);
    const found = this.compareOpen(left, right);
    this.known.set(key, found);
    return found;
  }

  private compareOpen(left: readonly OpenRule[], right: readonly OpenRule[]): FoundPairs {
    const [atom] = [...(left[0]?.atoms ?? []), ...(right[0]?.atoms ?? [])];
    if (atom === undefined) {
      const pair = { left: left[0]?.index, right: right[0]?.index, cost: 0, choice: undefined };
      return new Map([[`${pair.left} ${pair.right}`, pair]]);
    }
    const [variable] = atom;
    const values = new Set([...left, ...right].flatMap(({ atoms }) => valuesIn(atoms, variable)));
    const found = new Map<string, FoundPair>();
    // None of them, in the first place.
    for (const value of [NONE, ...values]) {
      const cost = this.costOf([variable, value]);
      for (const [key, pair] of this.compare(given(left, variable, value), given(right, variable, value))) {
        const best = found.get(key);
        if (best !== undefined && best.cost <= pair.cost + cost) continue;
        found.set(key, {
          ...pair,
          cost: pair.cost + cost,
          choice: { atom: [variable, value], before: pair.choice },
        });
      }
    }
    return found;
  }

  /** Whether all requests have the same outcome, whichever rules take them. */
  private isOneOutcome(left: readonly OpenRule[], right: readonly OpenRule[]): boolean {
    const first = left[0]?.outcome ?? this.none;
    const isAll = (rules: readonly OpenRule[]): boolean =>
      rules.every(({ outcome }) => outcome === first) && (rules.at(-1)?.atoms.length === 0 || first === this.none);
    return isAll(left) && isAll(right);
  }

  /** How many characters a request needs for it. */
  private costOf([variable, value]: Atom): number {
    const { kind, name } = this.variables[variable] as Variable;
    const text = this.textOf([variable, value]);
    if (text === undefined) return 0;
    if (kind === "method") return text === "GET" ? 0 : text.length + 4;
    return name.length + text.length + (kind === "header" ? 8 : 2);
  }

  /** The value that a request has; undefined: it has no header or parameter of the name. */
  private textOf([variable, value]: Atom): string | undefined {
    const { kind, values } = this.variables[variable] as Variable;
    if (value !== NONE) return values[value];
    return kind === "method" ? otherMethod(values) : undefined;
  }

  private askedFor(choice: Choice | undefined): AskedConditions {
    let method = "GET";
    const headers: NamedText[] = [];
    const parameters: NamedText[] = [];
    for (let at = choice; at !== undefined; at = at.before) {
      const { kind, name } = this.variables[at.atom[0]] as Variable;
      const value = this.textOf(at.atom);
      if (value === undefined) continue;
      if (kind === "method") method = value;
      else (kind === "header" ? headers : parameters).push({ name, value });
    }
    return { method, headers, parameters };
  }
}

/** The number of no value that rules ask for. */
const NONE = -1;

function valuesIn(atoms: readonly Atom[], variable: number): number[] {
  return atoms.flatMap(([each, value]) => (each === variable ? [value] : []));
}

/** What is left of rules where a variable has a value. */
function given(rules: readonly OpenRule[], variable: number, value: number): OpenRule[] {
  return upToFirst(
    rules.flatMap((rule) => {
      const at = rule.atoms.findIndex(([each]) => each === variable);
      if (at < 0) return [rule];
      if (rule.atoms[at]?.[1] !== value) return [];
      return [{ ...rule, atoms: rule.atoms.filter((_, i) => i !== at) }];
    }),
  );
}

/** No rule behind the first one that takes all requests is ever asked. */
function upToFirst(rules: OpenRule[]): OpenRule[] {
  const last = rules.findIndex(({ atoms }) => atoms.length === 0);
  return last < 0 ? rules : rules.slice(0, last + 1);
}

function listKey(rules: readonly OpenRule[]): string {
  return rules.map(({ index, atoms }) => `${index}:${atoms.map(([variable]) => variable).join(",")}`).join(";");
}

/** A method that is none of `methods`. */
function otherMethod(methods: readonly string[]): string {
  const usual = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"].find((each) => !methods.includes(each));
  if (usual !== undefined) return usual;
  let made = "X";
  while (methods.includes(made)) made += "X";
  return made;
}

/** Whether some request has this: HTTP has no other signs in these places. */
const CAN_BE: Readonly<Record<Variable["kind"], (name: string, value: string) => boolean>> = {
  method: (_, value) => /^[A-Z]+$/.test(value),
  header: (name, value) => IS_TOKEN.test(name) && /^(?:[!-~](?:[\t -~]*[!-~])?)?$/.test(value),
  parameter: (name, value) => /^[!-~]*$/.test(name + value) && !/[&=#]/.test(name) && !/[&#]/.test(value),
};

const IS_TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
