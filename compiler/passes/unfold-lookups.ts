/** Rewrites a program so that it asks one thing at a time: for formats without maps, concatenated keys and random keys. */
import type { Diagnostic } from "../diagnostics.ts";
import { invariant, unreachable } from "../invariant.ts";
import { equal, L4PROTO, verdict } from "../ir/build.ts";
import { ChainGraph } from "../ir/chain-graph.ts";
import { typeOf } from "../ir/expression-type.ts";
import type {
  Chain,
  DataType,
  Expression,
  FieldExpression,
  Interval,
  KeyPart,
  MapElement,
  Match,
  NatTarget,
  Program,
  Rule,
  SetDeclaration,
  SetElement,
  Statement,
  Step,
  Table,
  Value,
} from "../ir/types.ts";
import { unsupported } from "../ir/unsupported.ts";
import { asField } from "../ir/walk.ts";
import { planDispatch, type TreeBranch, type TreeKey } from "./dispatch-tree.ts";
import { KeyIndex } from "./key-index.ts";
import {
  fieldName,
  impliedProtocol,
  type KnownFields,
  knownText,
  learn,
  NOTHING_KNOWN,
  printKnown,
  ReadFields,
} from "./known.ts";
import { staticTest } from "./static-test.ts";

export interface Unfolded {
  /** Maps and sets are gone, but for sets that rules fill at packet time: one for each value of the key's parts that the
   *  rules know, named `set/value`, with the other parts as its key. */
  readonly program: Program;
  /** Rules that have no counterpart without lookups. */
  readonly unsupported: readonly Diagnostic[];
}

/**
 * Partial evaluation. A lookup becomes a tree of chains that narrows the key down, first by address; the chain behind
 * the verdict is copied for the key that led there, with all that is then known filled in. What remains of
 * `dnat to ip daddr . tcp dport . numgen random mod 3 map @m` is a row of three translations with falling chances.
 *
 * Rules that only serve packets during a replacement are left out: formats without maps replace chains as a whole.
 */
export function unfoldLookups(program: Program): Unfolded {
  const lacking: Diagnostic[] = [];
  const tables = program.ruleset.tables.map((table) => new Unfolder(table, lacking).unfold());
  return { program: { ...program, ruleset: { ...program.ruleset, tables } }, unsupported: lacking };
}

/** A place in the table from which rules can go on. */
interface Place {
  readonly chain: string;
  readonly index: number;
  /** What is known before the rule at `index`. */
  readonly known: KnownFields;
}

/** What became of the steps of a rule. */
interface Residue {
  readonly rules: readonly Rule[];
  /** What is known behind them, for packets that go on to the next rule. */
  readonly known: KnownFields;
  /** No packet goes on to the next rule. */
  readonly ended: boolean;
}

/** Steps of a rule up to here: what they test, and what they taught. */
interface Progress {
  readonly matches: readonly Match[];
  readonly known: KnownFields;
}

class Unfolder {
  private readonly table: Table;
  private readonly lacking: Diagnostic[];
  private readonly chains: ReadonlyMap<string, Chain>;
  private readonly readFields: ReadFields;
  private readonly mapIndices = new Map<string, KeyIndex<MapElement>>();
  private readonly setIndices = new Map<string, KeyIndex<SetElement>>();
  private readonly sets: ReadonlyMap<string, SetDeclaration>;
  private readonly done = new Map<string, Chain | undefined>();
  private readonly dynamicSets = new Map<string, SetDeclaration>();

  constructor(table: Table, lacking: Diagnostic[]) {
    this.table = table;
    this.lacking = lacking;
    this.chains = new Map(table.chains.map((chain) => [chain.name, chain]));
    this.sets = new Map(table.sets.map((set) => [set.name, set]));
    this.readFields = new ReadFields(new ChainGraph(table));
    for (const map of table.maps) this.mapIndices.set(map.name, new KeyIndex(map.elements));
    for (const set of table.sets) this.setIndices.set(set.name, new KeyIndex(set.elements));
  }

  unfold(): Table {
    for (const chain of this.table.chains) {
      if (chain.kind !== "base") continue;
      this.done.set(chain.name, {
        ...chain,
        rules: this.rulesFrom({ chain: chain.name, index: 0, known: NOTHING_KNOWN }),
      });
    }
    const chains = [...this.done.values()].filter((chain) => chain !== undefined);
    const used = new ChainGraph({ chains, maps: [] }).reachableFrom(chains.filter(({ kind }) => kind === "base"));
    const { retired: _, ...table } = this.table;
    return { ...table, maps: [], sets: [...this.dynamicSets.values()], chains: [...used] };
  }

  // --- chains ----------------------------------------------------------------------------------------------------------

  /** The name of `chain` for packets of which `known` is known; undefined when it does nothing to them. */
  private chainFor(chain: string, known: KnownFields): string | undefined {
    return this.placeFor({ chain, index: 0, known });
  }

  /** How a rule of `place` leaves for the one behind it. */
  private leaveFor(place: Place): Statement {
    const rest = this.placeFor({ ...place, index: place.index + 1 });
    return rest === undefined ? verdict({ kind: "return" }) : goTo(rest);
  }

  /** The name of a chain that goes on from `place`; undefined when there is nothing left to do. */
  private placeFor(place: Place): string | undefined {
    const { chain, index } = place;
    const fields = this.readFields.of(chain);
    const known: KnownFields = new Map([...place.known].filter(([field]) => fields.has(field)));
    const text = knownText(known);
    const name = `${chain}${index === 0 ? "" : `+${index}`}${text === "" ? "" : ` (${text})`}`;
    if (!this.done.has(name)) {
      this.done.set(name, undefined);
      const rules = this.rulesFrom({ chain, index, known });
      if (rules.length > 0) this.addChain(name, rules, index === 0 ? this.chains.get(chain)?.comment : undefined);
    }
    return this.done.get(name) === undefined ? undefined : name;
  }

  private addChain(wanted: string, rules: readonly Rule[], comment?: string): string {
    let name = wanted;
    for (let n = 2; this.done.get(name) !== undefined; n++) name = `${wanted} #${n}`;
    this.done.set(name, { kind: "regular", name, rules, ...(comment === undefined ? {} : { comment }) });
    return name;
  }

  private rulesFrom(place: Place): Rule[] {
    const rules: Rule[] = [];
    let { known } = place;
    const all = this.chains.get(place.chain)?.rules ?? [];
    for (let index = place.index; index < all.length; index++) {
      const rule = all[index] as Rule;
      if (rule.whileReplacing) continue;
      const residue = this.steps(rule, 0, { matches: [], known }, { chain: place.chain, index, known });
      rules.push(...residue.rules);
      known = residue.known;
      if (residue.ended) break;
    }
    return rules;
  }

  /** The steps of `rule` from `at` on; `place` is the rule's. */
  private steps(rule: Rule, at: number, progress: Progress, place: Place): Residue {
    const step = rule.steps[at];
    if (step === undefined) return { rules: [], known: place.known, ended: false };
    switch (step.kind) {
      case "compare":
      case "within":
      case "name-prefix":
        return this.fieldMatch(step, rule, at, progress, place);
      case "member":
        return this.membership(step, rule, at, progress, place);
      case "chance":
      case "opaque":
        return this.steps(rule, at + 1, { ...progress, matches: [...progress.matches, step] }, place);
      default:
        // All statements: `statement` takes no match.
        return this.statement(step, rule, at, progress, place);
    }
  }

  // --- matches ---------------------------------------------------------------------------------------------------------

  private fieldMatch(
    match: Extract<Match, { kind: "compare" | "within" | "name-prefix" }>,
    rule: Rule,
    at: number,
    progress: Progress,
    place: Place,
  ): Residue {
    const ready = this.withProtocolOf(match.left, progress);
    if (ready === undefined) return next(place);
    const answer = staticTest(match, ready.known);
    if (answer === false) return next(place);
    const listed = answer === undefined && match.kind === "within" ? asField(match.left) : undefined;
    if (listed !== undefined && match.kind === "within" && match.intervals.length > 1 && !isOneMatch(listed, match)) {
      const open: OpenField = { field: listed, position: 0, type: typeOf(listed, this.table.family) };
      const key: Key = { values: [undefined], unknown: [open], random: undefined };
      const elements = match.intervals.map((interval): SetElement => ({ key: [asPart(interval)] }));
      return this.amongElements(elements, key, match.negated, rule, at, ready, place);
    }
    const taught = match.kind === "compare" && match.operator === "==" ? asField(match.left) : undefined;
    const known =
      taught === undefined || match.kind !== "compare"
        ? ready.known
        : learn(ready.known, fieldName(taught), match.right);
    const matches = answer === true ? ready.matches : [...ready.matches, match];
    return this.steps(rule, at + 1, { matches, known }, place);
  }

  /** A field of a transport header is read only in packets of that protocol. Undefined: this packet has another one. */
  private withProtocolOf(expression: Expression, { matches, known }: Progress): Progress | undefined {
    const parts = expression.kind === "concat" ? expression.parts : [expression];
    const protocol = parts.map(impliedProtocol).find((implied) => implied !== undefined);
    if (protocol === undefined || known.get("l4proto") === protocol) return { matches, known };
    if (known.has("l4proto")) return undefined;
    return { matches: [...matches, equal(L4PROTO, protocol)], known: learn(known, "l4proto", protocol) };
  }

  private membership(
    match: Extract<Match, { kind: "member" }>,
    rule: Rule,
    at: number,
    progress: Progress,
    place: Place,
  ): Residue {
    const ready = this.withProtocolOf(match.key, progress);
    const key = ready === undefined ? undefined : this.readKey(match.key, ready.known);
    if (ready === undefined) return next(place);
    if (key === undefined || key.random !== undefined)
      return this.give(rule, place, "a set is asked with a key that rules cannot spell out");
    const declaration = this.sets.get(match.set);
    if (declaration?.dynamic !== undefined) {
      const set = this.dynamicSet(declaration, key);
      const left = concatOf(key.unknown.map(({ field }) => field));
      const matches = [...ready.matches, { ...match, key: left, set }];
      return this.steps(rule, at + 1, { ...ready, matches }, place);
    }
    const elements = this.setIndices.get(match.set)?.matching(key.values) ?? [];
    return this.amongElements(elements, key, match.negated, rule, at, ready, place);
  }

  /** The steps behind `at` for packets whose key is one of `elements`, or for the others. */
  private amongElements(
    elements: readonly SetElement[],
    key: Key,
    negated: boolean,
    rule: Rule,
    at: number,
    ready: Progress,
    place: Place,
  ): Residue {
    const then = (element: SetElement, found: Progress): Residue =>
      this.steps(withSource(rule, element), at + 1, found, place);
    if (!negated) return this.dispatch(elements, key, ready, place, then);
    // Members go on behind the rule; the others take it.
    const others = this.steps(rule, at + 1, ready, place);
    if (elements.length === 0) return others;
    const leave = this.leaveFor(place);
    const members = elements.flatMap((element) => {
      const parts = key.unknown.map(({ position }) => element.key[position] as KeyPart);
      const { matches } = this.narrowTo({ element, parts }, key.unknown, ready);
      return [{ steps: [...matches, leave] }];
    });
    return { ...others, rules: [...members, ...others.rules] };
  }

  private dynamicSet(declaration: SetDeclaration, key: Key): string {
    const values = key.values.filter((value) => value !== undefined);
    const name = [
      declaration.name,
      ...values.map((value) => (typeof value === "number" ? value.toString(16) : value)),
    ].join("/");
    if (!this.dynamicSets.has(name)) {
      const rest = declaration.key.filter((_, i) => key.values[i] === undefined);
      this.dynamicSets.set(name, { ...declaration, name, key: rest });
    }
    return name;
  }

  // --- statements ------------------------------------------------------------------------------------------------------

  private statement(statement: Statement, rule: Rule, at: number, progress: Progress, place: Place): Residue {
    const { matches, known } = progress;
    const last = (step: Step, from: Progress = progress): Residue => {
      const rules = [{ ...carry(rule), steps: [...from.matches, step] }];
      return from.matches.length === 0 ? ended(rules) : { rules, known: place.known, ended: false };
    };
    switch (statement.kind) {
      case "verdict": {
        const { verdict: given } = statement;
        if (given.kind === "continue") return next(place);
        if (given.kind !== "jump" && given.kind !== "goto") return last(statement);
        const chain = this.chainFor(given.chain, known);
        if (given.kind === "goto") return last(chain === undefined ? verdict({ kind: "return" }) : goTo(chain));
        if (chain === undefined) return next(place);
        const step = verdict({ kind: "jump", chain });
        return { rules: [{ ...carry(rule), steps: [...matches, step] }], known: place.known, ended: false };
      }
      case "vmap":
        return this.verdictMap(statement, rule, progress, place);
      case "dnat":
      case "snat": {
        const ready = statement.to.kind === "map" ? this.withProtocolOf(statement.to.key, progress) : progress;
        if (ready === undefined) return next(place);
        if (statement.to.kind === "literal") return last(statement, protocolSpelled(ready));
        return this.translation(statement, statement.to, rule, ready, place);
      }
      case "set":
        return this.assignment(statement, rule, at, progress, place);
      case "remember": {
        const key = this.readKey(statement.key, known);
        const declaration = this.sets.get(statement.set);
        if (key === undefined || key.random !== undefined || declaration?.dynamic === undefined) {
          return this.give(rule, place, "a set is filled with a key that rules cannot spell out");
        }
        const left = concatOf(key.unknown.map(({ field }) => field));
        const step: Statement = { ...statement, set: this.dynamicSet(declaration, key), key: left };
        const after = this.steps(rule, at + 1, { matches: [], known }, place);
        return { ...after, rules: [{ ...carry(rule), steps: [...matches, step] }, ...after.rules] };
      }
      case "counter":
        return this.steps(rule, at + 1, progress, place);
      case "masquerade":
      case "redirect":
      case "reject":
      case "opaque-statement":
        return last(statement);
      default:
        return unreachable(statement);
    }
  }

  private verdictMap(
    { key: expression, map }: Extract<Statement, { kind: "vmap" }>,
    rule: Rule,
    progress: Progress,
    place: Place,
  ): Residue {
    const ready = this.withProtocolOf(expression, progress);
    if (ready === undefined) return next(place);
    const key = this.readKey(expression, ready.known);
    if (key === undefined || key.random !== undefined)
      return this.give(rule, place, "a verdict map is asked with a key that rules cannot spell out");
    const index = typeof map === "string" ? this.mapIndices.get(map) : new KeyIndex(map);
    return this.dispatch(index?.matching(key.values) ?? [], key, ready, place, (element, found): Residue => {
      invariant(!isData(element.value), "a verdict map holds verdicts");
      return this.statement(verdict(element.value), withSource(rule, element), 0, found, place);
    });
  }

  /** A translation by map: a tree where the key is open, then a row of chances. */
  private translation(
    statement: Extract<Statement, { kind: "dnat" | "snat" }>,
    to: Extract<NatTarget, { kind: "map" }>,
    rule: Rule,
    progress: Progress,
    place: Place,
  ): Residue {
    const key = this.readKey(to.key, progress.known);
    if (key === undefined)
      return this.give(rule, place, "a translation is looked up with a key that rules cannot spell out");
    const elements = this.mapIndices.get(to.map)?.matching(key.values) ?? [];
    const translate = (element: MapElement, { matches, known }: Progress): Residue => {
      invariant(isData(element.value), "a translation map holds addresses and ports");
      const [address, port] = element.value;
      const literal: NatTarget = {
        kind: "literal",
        ...(address === undefined ? {} : { addresses: { from: address, to: address } }),
        ...(port === undefined ? {} : { ports: { from: port, to: port } }),
      };
      const spelled = protocolSpelled({ matches, known });
      const source = withSource(rule, element);
      return ended([{ ...carry(source), steps: [...spelled.matches, { ...statement, to: literal }] }]);
    };
    if (key.random === undefined) return this.dispatch(elements, key, progress, place, translate);
    if (key.unknown.length > 0) {
      // Narrow the key down first, then come back to this rule with all of it known.
      const heads = distinctKeys(
        elements,
        key.unknown.map(({ position }) => position),
      );
      return this.dispatch(heads, key, progress, place, (_, { matches, known }) => {
        const again = this.placeFor({ ...place, known });
        return ended(again === undefined ? [] : [{ steps: [...matches, goTo(again)] }]);
      });
    }
    const { random } = key;
    const bySlot = new Map(elements.map((element) => [element.key[random.position], element]));
    const slots = Array.from({ length: random.modulus }, (_, i) => bySlot.get(random.offset + i));
    return this.chances(slots, progress, place, translate);
  }

  /** Writing a word that only later rules of ours read: what it will hold is known from here on, or known for each of
   *  the values that chance can give it. */
  private assignment(
    statement: Extract<Statement, { kind: "set" }>,
    rule: Rule,
    at: number,
    progress: Progress,
    place: Place,
  ): Residue {
    const { field, value } = statement;
    const name = fieldName(field);
    const isRegister = field.kind === "meta" && field.key === "priority";
    if (value.kind === "constant" && isRegister && progress.matches.length === 0) {
      const known = learn(progress.known, name, value.value);
      return this.steps(rule, at + 1, { ...progress, known }, { ...place, known });
    }
    if (value.kind !== "lookup") {
      if (!isRegister)
        return {
          rules: [{ ...carry(rule), steps: [...progress.matches, statement] }],
          known: place.known,
          ended: false,
        };
      return this.give(rule, place, "the packet's priority is written");
    }
    const ready = this.withProtocolOf(value.key, progress);
    if (ready === undefined) return next(place);
    const key = this.readKey(value.key, ready.known);
    const complete = key !== undefined && key.unknown.length === 0 && ready.matches.length === 0 && isRegister;
    if (!complete || at + 1 < rule.steps.length)
      return this.give(rule, place, "a value is looked up with a key that is not known");
    const elements = this.mapIndices.get(value.map)?.matching(key.values) ?? [];
    const random = key.random ?? { position: -1, modulus: 1, offset: 0 };
    const bySlot = new Map(
      elements.map((element) => [random.position < 0 ? 0 : element.key[random.position], element]),
    );
    const slots = Array.from({ length: random.modulus }, (_, i) => bySlot.get(random.offset + i));
    const [only] = slots;
    if (slots.length === 1) {
      if (only === undefined) return next(place);
      return { rules: [], known: learn(place.known, name, dataOf(only)), ended: false };
    }
    return this.chances(slots, ready, place, (element, found) => {
      const rest = this.placeFor({
        ...place,
        index: place.index + 1,
        known: learn(place.known, name, dataOf(element)),
      });
      return ended(rest === undefined ? [] : [{ steps: [...found.matches, goTo(rest)] }]);
    });
  }

  /** One of `slots` with equal chances; an empty slot leads to the next rule. */
  private chances<Element extends SetElement>(
    slots: readonly (Element | undefined)[],
    progress: Progress,
    place: Place,
    then: (element: Element, progress: Progress) => Residue,
  ): Residue {
    const rules: Rule[] = [];
    for (const [index, element] of slots.entries()) {
      const left = slots.length - index;
      const chance: Match[] = left === 1 ? [] : [{ kind: "chance", numerator: Math.round(2 ** 31 / left) }];
      const matches = [...progress.matches, ...chance];
      if (element !== undefined) {
        rules.push(...then(element, { ...progress, matches }).rules);
      } else if (left > 1) {
        rules.push({ steps: [...matches, this.leaveFor(place)] });
      }
    }
    const sure = slots.at(-1) !== undefined && progress.matches.length === 0;
    return { rules, known: place.known, ended: sure };
  }

  // --- lookups ---------------------------------------------------------------------------------------------------------

  /** Runs `then` for the one of `elements` whose key the packet has; the next rule follows where there is none. Few
   *  elements become a rule each, many a tree of chains. */
  private dispatch<Element extends SetElement>(
    elements: readonly Element[],
    key: Key,
    progress: Progress,
    place: Place,
    then: (element: Element, progress: Progress) => Residue,
  ): Residue {
    const fields = key.unknown;
    const choices = elements.map(
      (element): TreeKey<Element> => ({
        element,
        parts: fields.map(({ position }) => element.key[position] as KeyPart),
      }),
    );
    if (fields.length === 0) {
      const [only] = choices;
      return only === undefined ? next(place) : then(only.element, progress);
    }
    const types = fields.map(({ type }) => type);
    const few = planDispatch(choices, types);
    if (few.every(({ kind }) => kind === "choice")) {
      return going(
        few.flatMap((branch) => this.branchRules(branch, fields, progress, then)),
        place,
      );
    }
    // A tree is entered by a jump, and its chains follow each other by goto: a packet whose key is not there comes back
    // behind the jump. So do packets that a verdict sent on by goto, or back by return, and who must not: their keys
    // stay out of the tree when something here would still happen to them.
    const [leaving, staying] = partition(choices, (choice) =>
      this.mustNotComeBack(choice, fields, progress, place, then),
    );
    const first = leaving.flatMap((choice) => this.branchRules({ kind: "choice", choice }, fields, progress, then));
    const name = `${place.chain}+${place.index} (${knownText(progress.known)})`;
    const root = this.treeChain(
      name,
      planDispatch(staying, types),
      fields,
      { matches: [], known: progress.known },
      then,
    );
    return going([...first, { steps: [...progress.matches, verdict({ kind: "jump", chain: root })] }], place);
  }

  /** Whether a packet with this key may come back from where it is sent, while the rules behind have work for it. */
  private mustNotComeBack<Element extends SetElement>(
    choice: TreeKey<Element>,
    fields: readonly OpenField[],
    progress: Progress,
    place: Place,
    then: (element: Element, progress: Progress) => Residue,
  ): boolean {
    const found = this.narrowTo(choice, fields, progress);
    const leaves = then(choice.element, found).rules.some(({ steps }) => {
      const last = steps.at(-1);
      if (last?.kind !== "verdict") return false;
      return last.verdict.kind === "return" || (last.verdict.kind === "goto" && !this.alwaysEnds(last.verdict.chain));
    });
    return leaves && this.placeFor({ ...place, index: place.index + 1, known: found.known }) !== undefined;
  }

  /** Whether no packet comes back from a chain that has been made. */
  private alwaysEnds(name: string): boolean {
    const last = this.done.get(name)?.rules.at(-1);
    const [only, other] = last?.steps ?? [];
    if (only === undefined || other !== undefined) return false;
    switch (only.kind) {
      case "verdict":
        if ("chain" in only.verdict) return this.alwaysEnds(only.verdict.chain);
        return only.verdict.kind === "accept" || only.verdict.kind === "drop";
      case "reject":
      case "masquerade":
      case "redirect":
        return true;
      default:
        // Packets may come back from others.
        return false;
    }
  }

  /** A chain with one rule for each branch. */
  private treeChain<Element extends SetElement>(
    name: string,
    branches: readonly TreeBranch<Element>[],
    fields: readonly OpenField[],
    progress: Progress,
    then: (element: Element, progress: Progress) => Residue,
  ): string {
    const rules = branches.flatMap((branch): readonly Rule[] => {
      if (branch.kind === "choice") return this.branchRules(branch, fields, progress, then);
      const { field } = fields[branch.part] as OpenField;
      const below = `${name} ${printInterval(field, branch.interval)}`;
      const found = narrowToGroup(branch, fields, progress);
      const chain = this.treeChain(below, branch.branches, fields, { ...found, matches: [] }, then);
      return [{ steps: [...found.matches, goTo(chain)] }];
    });
    return this.addChain(name, rules);
  }

  private branchRules<Element extends SetElement>(
    branch: TreeBranch<Element>,
    fields: readonly OpenField[],
    progress: Progress,
    then: (element: Element, progress: Progress) => Residue,
  ): readonly Rule[] {
    invariant(branch.kind === "choice", "only a choice has rules of its own");
    return then(branch.choice.element, this.narrowTo(branch.choice, fields, progress)).rules;
  }

  /** `progress` with tests for all parts of the key, and what they teach. */
  private narrowTo<Element extends SetElement>(
    choice: TreeKey<Element>,
    fields: readonly OpenField[],
    progress: Progress,
  ): Progress {
    let { matches, known } = progress;
    // The protocol first: ports are read with it.
    const order = [...fields.keys()].sort((a, b) => Number(isProtocol(fields[b])) - Number(isProtocol(fields[a])));
    for (const i of order) {
      const { field } = fields[i] as OpenField;
      const part = choice.parts[i] as KeyPart;
      const interval = typeof part === "object" ? part : { from: part, to: part };
      ({ matches, known } = narrow(field, interval, { matches, known }));
    }
    return { matches, known };
  }

  /** What a key is made of; undefined when a part is neither a field nor a random number. */
  private readKey(expression: Expression, known: KnownFields): Key | undefined {
    const parts = expression.kind === "concat" ? expression.parts : [expression];
    const values: (Value | undefined)[] = [];
    const unknown: OpenField[] = [];
    let random: Key["random"];
    for (const [position, part] of parts.entries()) {
      const field = asField(part);
      if (field !== undefined) {
        const value = known.get(fieldName(field));
        values.push(value);
        if (value === undefined) unknown.push({ field, position, type: typeOf(field, this.table.family) });
      } else if (part.kind === "numgen" && part.modulus === 1) {
        values.push(part.offset);
      } else if (part.kind === "numgen" && random === undefined) {
        values.push(undefined);
        random = { position, modulus: part.modulus, offset: part.offset };
      } else {
        return undefined;
      }
    }
    return { values, unknown, random };
  }

  private give(rule: Rule, place: Place, reason: string): Residue {
    const message = `chain ${place.chain} cannot be written for iptables: ${reason}`;
    this.lacking.push(unsupported("unsupported-iptables", message, rule.origin));
    return next(place);
  }
}

/** Ports that one `multiport` match holds; a range takes two of them. */
const MULTIPORT_LIMIT = 15;

/** Whether formats without sets have one match for the list: iptables has, for a few ports and for types of addresses. */
function isOneMatch(field: FieldExpression, { intervals }: Extract<Match, { kind: "within" }>): boolean {
  if (field.kind === "fib") return true;
  const places = intervals.reduce((sum, { from, to }) => sum + (from === to ? 1 : 2), 0);
  return field.kind === "transport" && places <= MULTIPORT_LIMIT;
}

function asPart(interval: Interval): KeyPart {
  return interval.from === interval.to ? interval.from : interval;
}

/** A key of which some parts are known: `values` has them by position. */
interface Key {
  readonly values: readonly (Value | undefined)[];
  readonly unknown: readonly OpenField[];
  readonly random: { readonly position: number; readonly modulus: number; readonly offset: number } | undefined;
}

interface OpenField {
  readonly field: FieldExpression;
  readonly position: number;
  readonly type: DataType;
}

function isProtocol(open: OpenField | undefined): boolean {
  return open !== undefined && fieldName(open.field) === "l4proto";
}

/** `progress` with a test that `field` lies in `interval`, unless that is known, and what the test teaches. Ports are
 *  tested beside the protocol, in one rule. */
function narrow(field: FieldExpression, interval: Interval, progress: Progress): Progress {
  const { from, to } = interval;
  const name = fieldName(field);
  if (isEveryAddress(interval) || (from === to && progress.known.get(name) === from)) return progress;
  const { matches, known } = field.kind === "transport" ? protocolSpelled(progress) : progress;
  if (from === to) return { matches: [...matches, equal(field, from)], known: learn(known, name, from) };
  return { matches: [...matches, { kind: "within", left: field, negated: false, intervals: [interval] }], known };
}

/** The same for what the keys of a group share: the group's interval and, where that is one of ports, their protocol. */
function narrowToGroup<Element extends SetElement>(
  group: Extract<TreeBranch<Element>, { kind: "group" }>,
  fields: readonly OpenField[],
  progress: Progress,
): Progress {
  const { field } = fields[group.part] as OpenField;
  const protocolAt = field.kind === "transport" ? fields.findIndex(isProtocol) : -1;
  const protocol = protocolAt < 0 ? undefined : firstChoice(group).parts[protocolAt];
  // All keys of a group that is made by ports have one protocol: the plan sees to it.
  const known =
    protocol === undefined || typeof protocol === "object"
      ? progress
      : narrow(L4PROTO, { from: protocol, to: protocol }, progress);
  return narrow(field, group.interval, known);
}

function firstChoice<Element extends SetElement>(branch: TreeBranch<Element>): TreeKey<Element> {
  if (branch.kind === "choice") return branch.choice;
  const [first] = branch.branches;
  invariant(first !== undefined, "a group has branches");
  return firstChoice(first);
}

/** Whether an interval of addresses leaves none out. Other fields have no such elements. */
function isEveryAddress({ from, to }: Interval): boolean {
  return typeof from === "bigint" ? from === 0n && to === 2n ** 128n - 1n : from === 0 && to === 2 ** 32 - 1;
}

/** `progress` with the protocol, where it is known, as a match of this rule: iptables wants it beside ports. */
function protocolSpelled(progress: Progress): Progress {
  const protocol = progress.known.get("l4proto");
  const spelled = progress.matches.some(
    (match) => match.kind === "compare" && match.left.kind === "meta" && match.left.key === "l4proto",
  );
  if (protocol === undefined || spelled) return progress;
  return { ...progress, matches: [...progress.matches, equal(L4PROTO, protocol)] };
}

/** `rules`, behind which packets go on. */
function going(rules: readonly Rule[], { known }: Place): Residue {
  return { rules, known, ended: false };
}

function next({ known }: Place): Residue {
  return { rules: [], known, ended: false };
}

function ended(rules: readonly Rule[]): Residue {
  return { rules, known: NOTHING_KNOWN, ended: true };
}

function goTo(chain: string): Statement {
  return verdict({ kind: "goto", chain });
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}

function printInterval(field: FieldExpression, { from, to }: Interval): string {
  return `${printKnown(fieldName(field), from)}-${printKnown(fieldName(field), to)}`;
}

/** What a residual rule keeps of the one that it came from. */
function carry({ comment, origin }: Rule): Omit<Rule, "steps"> {
  return { ...(comment === undefined ? {} : { comment }), ...(origin === undefined ? {} : { origin }) };
}

/** `rule` as if written for `element` alone. */
function withSource(rule: Rule, element: SetElement): Rule {
  const comment = element.comment ?? rule.comment;
  const origin = element.origin ?? rule.origin;
  return {
    steps: rule.steps,
    ...(comment === undefined ? {} : { comment }),
    ...(origin === undefined ? {} : { origin }),
  };
}

function concatOf(parts: readonly Expression[]): Expression {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: "concat", parts };
}

function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

function dataOf(element: SetElement): Value {
  const { value } = element as MapElement;
  invariant(isData(value) && value[0] !== undefined, "a data map holds values");
  return value[0];
}

/** The first element for each combination of the key's parts at `positions`. */
function distinctKeys(elements: readonly MapElement[], positions: readonly number[]): MapElement[] {
  const first = new Map<string, MapElement>();
  for (const element of elements) {
    const name = positions.map((i) => element.key[i]).join(" ");
    if (!first.has(name)) first.set(name, element);
  }
  return [...first.values()];
}
