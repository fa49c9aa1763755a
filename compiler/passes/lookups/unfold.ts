/** Rewrites a program so that it asks one thing at a time: for formats without maps, concatenated keys and random keys.
 *
 * This is partial evaluation. A lookup becomes a tree of chains that narrows the key down, first by address; the chain
 * behind the verdict is copied for the key that led there, with all that is then known filled in. For example, with two
 * elements `10.96.0.1 . tcp . 80 : jump pick-2-tcp` and `10.96.0.2 . tcp . 80 : jump pick-2-tcp`:
 *
 *     chain services              ip daddr . meta l4proto . th dport vmap @services
 *     chain pick-2-tcp            dnat to ip daddr . tcp dport . numgen random mod 2 map @endpoints-tcp
 *
 * becomes a rule for each key, which leads to a copy of the chain where the key is known:
 *
 *     chain services              l4proto tcp ip daddr 10.96.0.1 th dport 80 jump "pick-2-tcp (daddr 10.96.0.1, …)"
 *                                 l4proto tcp ip daddr 10.96.0.2 th dport 80 jump "pick-2-tcp (daddr 10.96.0.2, …)"
 *     chain pick-2-tcp (daddr 10.96.0.1, …)    chance 1/2 l4proto tcp dnat to 10.1.1.1:8080
 *                                              l4proto tcp dnat to 10.1.1.2:8080
 *
 * `cursor.ts` says how far a rule has come, `known.ts` what is known there; `keys.ts` reads keys, `trees.ts` and
 * `chances.ts` choose among elements, `chains.ts` keeps what is made.
 *
 * Rules that only serve packets during a replacement are left out: formats without maps replace chains as a whole. */
import type { Diagnostic } from "../../diagnostics.ts";
import { invariant, unreachable } from "../../invariant.ts";
import { goto, verdict } from "../../ir/build.ts";
import type {
  AskedMap,
  MapElement,
  Match,
  NatTarget,
  Program,
  Rule,
  SetDeclaration,
  SetElement,
  Statement,
  Table,
} from "../../ir/types.ts";
import { unsupported } from "../../ir/unsupported.ts";
import { asField, isInert } from "../../ir/walk.ts";
import { type ChainMaker, endingByGoto, MadeChains } from "./chains.ts";
import { byChance, isChance, slotsOf, withComment } from "./chances.ts";
import {
  ended,
  forElement,
  going,
  last,
  leading,
  next,
  type Position,
  pastRule,
  pastStep,
  protocolSpelled,
  type Residue,
  residual,
  type StepCursor,
  withProtocolOf,
} from "./cursor.ts";
import { dataOf, isData, literalOf } from "./element-values.ts";
import { choiceOf, distinctOpenParts, type Key, narrowTo, openPartOf, readKey } from "./keys.ts";
import { fieldName, learn, NOTHING_KNOWN, staticTest } from "./known.ts";
import { asksChance, isList } from "./several-rules.ts";
import { byKey } from "./trees.ts";
import { matchingElements, sourceOf, type UnfoldSource } from "./unfold-source.ts";

export interface Unfolded {
  /** Maps and sets are gone, but for sets that rules fill at packet time: one for each value of the key's parts that the
   *  rules know, named `set/value`, with the other parts as its key. */
  readonly program: Program;
  /** Rules that have no counterpart without lookups. */
  readonly unsupported: readonly Diagnostic[];
}

export function unfoldLookups(program: Program): Unfolded {
  const lacking: Diagnostic[] = [];
  const tables = program.ruleset.tables.map((table) => unfoldTable(table, lacking));
  return { program: { ...program, ruleset: { ...program.ruleset, tables } }, unsupported: lacking };
}

function unfoldTable(table: Table, lacking: Diagnostic[]): Table {
  const source = sourceOf(table);
  const unfolder = new Unfolder(table.family, source, lacking, (rulesFrom) => new MadeChains(table, rulesFrom));
  const { chains } = unfolder;
  for (const chain of table.chains) {
    if (chain.kind !== "base") continue;
    const rules = unfolder.rulesFrom({ chain: chain.name, index: 0, known: NOTHING_KNOWN });
    chains.keep({ ...chain, rules });
  }
  const { retired: _, ...rest } = table;
  return { ...rest, maps: [], sets: [...unfolder.dynamicSets.values()], chains: chains.used() };
}

export class Unfolder<Chains extends ChainMaker = ChainMaker> {
  /** What it makes. */
  readonly chains: Chains;
  /** Sets that rules fill at packet time, as they are asked for. */
  readonly dynamicSets = new Map<string, SetDeclaration>();
  private readonly family: Table["family"];
  private readonly source: UnfoldSource;
  private readonly lacking: Diagnostic[];

  /** `chainsFor`: of what makes rules from a place. */
  constructor(
    family: Table["family"],
    source: UnfoldSource,
    lacking: Diagnostic[],
    chainsFor: (rulesFrom: (place: Position) => Rule[]) => Chains,
  ) {
    this.family = family;
    this.source = source;
    this.lacking = lacking;
    this.chains = chainsFor((place) => this.rulesFrom(place));
  }

  /** What the rules of a chain from `place` on become. */
  rulesFrom(place: Position): Rule[] {
    const rules: Rule[] = [];
    let { known } = place;
    const all = this.source.rulesOf(place.chain);
    for (let index = place.index; index < all.length; index++) {
      const rule = all[index] as Rule;
      if (rule.whileReplacing) continue;
      const own = { ...place, index, known };
      const residue = this.steps({ rule, at: 0, matches: [], known, place: own, start: place.index });
      rules.push(...residue.rules);
      known = residue.known;
      if (residue.ended) break;
    }
    return endingByGoto(place.comment === undefined ? rules : withComment(place.comment, rules));
  }

  private steps(cursor: StepCursor): Residue {
    const step = cursor.rule.steps[cursor.at];
    if (step === undefined) return next(cursor);
    switch (step.kind) {
      case "compare":
      case "within":
      case "name-prefix":
        return this.fieldMatch(step, cursor);
      case "member":
        return this.membership(step, cursor);
      case "chance":
      case "opaque":
        return this.steps({ ...pastStep(cursor), matches: [...cursor.matches, step] });
      default:
        // All statements: `statement` takes no match.
        return this.statement(step, cursor);
    }
  }

  // --- matches ---------------------------------------------------------------------------------------------------------

  private fieldMatch(
    match: Extract<Match, { kind: "compare" | "within" | "name-prefix" }>,
    cursor: StepCursor,
  ): Residue {
    const ready = withProtocolOf(match.left, cursor);
    if (ready === undefined) return next(cursor);
    const answer = staticTest(match, ready.known);
    if (answer === false) return next(cursor);
    const field = asField(match.left);
    if (answer === undefined && match.kind === "within" && field !== undefined && isList(field, match)) {
      const key = this.readKey(field, ready);
      invariant(key !== undefined, "a field is a key");
      const elements = match.intervals.map((interval): SetElement => ({ key: [interval] }));
      return this.amongElements(elements, key, match.negated, ready);
    }
    const isTaught = match.kind === "compare" && match.operator === "==" && field !== undefined;
    const known = isTaught ? learn(ready.known, fieldName(field), match.right) : ready.known;
    const matches = answer === true ? ready.matches : [...ready.matches, match];
    return this.steps({ ...pastStep(ready), matches, known });
  }

  private membership(match: Extract<Match, { kind: "member" }>, cursor: StepCursor): Residue {
    const ready = withProtocolOf(match.key, cursor);
    if (ready === undefined) return next(cursor);
    const key = this.readKey(match.key, ready);
    if (key === undefined || key.random !== undefined)
      return this.give(cursor, "a set is asked with a key that rules cannot spell out");
    const { set, negated } = match;
    if (typeof set !== "string")
      return this.amongElements(matchingElements(set.elements, key.values), key, negated, ready);
    const declaration = this.source.setNamed(set);
    if (declaration?.dynamic === undefined)
      return this.amongElements(this.source.setElements(set, key.values), key, negated, ready);
    const asked = { ...match, key: openPartOf(key), set: this.dynamicSet(declaration, key) };
    return this.steps({ ...pastStep(ready), matches: [...ready.matches, asked] });
  }

  /** The steps behind the match for packets whose key is one of `elements`, or for the others; undefined: rules cannot say which. */
  private amongElements(
    elements: readonly SetElement[] | undefined,
    key: Key,
    negated: boolean,
    cursor: StepCursor,
  ): Residue {
    if (elements === undefined) return this.give(cursor, OTHER_KEYS_ASKED);
    if (!negated) {
      return byKey(elements, key, cursor, this.chains, (element, found) =>
        this.steps(pastStep(forElement(found, element))),
      );
    }
    // Members go on behind the rule; the others take it.
    if (elements.length === 0) return this.steps(pastStep(cursor));
    if (key.unknown.length === 0) return next(cursor);
    if (asksChance(cursor.matches)) return this.give(cursor, CHANCE_ASKED);
    const others = this.steps(pastStep(cursor));
    const members = elements.map((element): Rule => {
      const { matches } = narrowTo(choiceOf(element, key.unknown), key.unknown, cursor);
      return { steps: [...matches, this.chains.leaveFor(cursor)] };
    });
    return { ...others, rules: [...members, ...others.rules] };
  }

  private dynamicSet(declaration: SetDeclaration, key: Key): string {
    const values = key.values.filter((value) => value !== undefined);
    const texts = values.map((value) => (typeof value === "number" ? value.toString(16) : value));
    const name = [declaration.name, ...texts].join("/");
    const rest = declaration.key.filter((_, i) => key.values[i] === undefined);
    this.dynamicSets.set(name, { ...declaration, name, key: rest });
    return name;
  }

  /** The elements of a map that may have a key; undefined: rules cannot say which. */
  private elementsOf(map: AskedMap, { values }: Key): readonly MapElement[] | undefined {
    return typeof map === "string" ? this.source.mapElements(map, values) : matchingElements(map.elements, values);
  }

  // --- statements ------------------------------------------------------------------------------------------------------

  private statement(statement: Statement, cursor: StepCursor): Residue {
    if (isInert(statement)) return this.steps(pastStep(cursor));
    switch (statement.kind) {
      case "verdict":
        return this.verdict(statement, cursor);
      case "vmap":
        return this.verdictMap(statement, cursor);
      case "dnat":
      case "snat":
        return this.translation(statement, cursor);
      case "set":
        return this.assignment(statement, cursor);
      case "remember":
        return this.remember(statement, cursor);
      case "masquerade":
      case "redirect":
        return last(statement, statement.ports === undefined ? cursor : protocolSpelled(cursor));
      case "reject":
        return last(statement, cursor);
      case "opaque-statement":
        return this.passing(statement, cursor);
      default:
        return unreachable(statement);
    }
  }

  /** What packets go on behind in the same rule: as if the rest of that stood in a rule of its own. */
  private passing(statement: Statement, cursor: StepCursor): Residue {
    const isMore = cursor.rule.steps.slice(cursor.at + 1).some((step) => !isInert(step));
    if (isMore && cursor.matches.length > 0) return this.give(cursor, "a rule with tests does more than one thing");
    const after = this.steps({ ...pastStep(cursor), matches: [] });
    return { ...after, rules: [residual(statement, cursor), ...after.rules] };
  }

  /** `comment`: of the element that has the verdict. */
  private verdict(
    statement: Extract<Statement, { kind: "verdict" }>,
    cursor: StepCursor,
    comment?: string | undefined,
  ): Residue {
    const { verdict: given } = statement;
    if (given.kind === "continue") return next(cursor);
    if (given.kind !== "jump" && given.kind !== "goto") return last(statement, cursor);
    if (comment !== undefined && isChance(this.source.rulesOf(given.chain))) {
      const { comment: _, ...rule } = cursor.rule;
      const chain = this.chains.chainFor(given.chain, cursor.known, comment);
      if (chain !== undefined) return this.lead(given.kind, chain, { ...cursor, rule });
    }
    const chain = this.chains.chainFor(given.chain, cursor.known);
    const only = chain === undefined ? undefined : this.chains.onlyStatement(chain);
    if (only !== undefined) return last(only, cursor);
    if (chain === undefined) return given.kind === "goto" ? last(verdict({ kind: "return" }), cursor) : next(cursor);
    return this.lead(given.kind, chain, cursor);
  }

  private lead(kind: "jump" | "goto", chain: string, cursor: StepCursor): Residue {
    const rules = [leading(verdict({ kind, chain }), cursor)];
    return kind === "goto" && cursor.matches.length === 0 ? ended(rules) : going(rules, cursor);
  }

  private verdictMap({ key: expression, map }: Extract<Statement, { kind: "vmap" }>, cursor: StepCursor): Residue {
    const ready = withProtocolOf(expression, cursor);
    if (ready === undefined) return next(cursor);
    const key = this.readKey(expression, ready);
    if (key === undefined || key.random !== undefined)
      return this.give(cursor, "a verdict map is asked with a key that rules cannot spell out");
    const elements = this.elementsOf(map, key);
    if (elements === undefined) return this.give(cursor, OTHER_KEYS_ASKED);
    return byKey(elements, key, ready, this.chains, (element, found): Residue => {
      invariant(!isData(element.value), "a verdict map holds verdicts");
      return this.verdict({ kind: "verdict", verdict: element.value }, forElement(found, element), element.comment);
    });
  }

  private translation(statement: Extract<Statement, { kind: "dnat" | "snat" }>, cursor: StepCursor): Residue {
    if (statement.to.kind === "literal") return last(statement, protocolSpelled(cursor));
    const ready = withProtocolOf(statement.to.key, cursor);
    return ready === undefined ? next(cursor) : this.mappedTranslation(statement, statement.to, ready);
  }

  /** A translation by map: a tree where the key is open, then a row of chances. */
  private mappedTranslation(
    statement: Extract<Statement, { kind: "dnat" | "snat" }>,
    to: Extract<NatTarget, { kind: "map" }>,
    cursor: StepCursor,
  ): Residue {
    const key = this.readKey(to.key, cursor);
    if (key === undefined)
      return this.give(cursor, "a translation is looked up with a key that rules cannot spell out");
    const elements = this.elementsOf(to.map, key);
    if (elements === undefined) return this.give(cursor, OTHER_KEYS_ASKED);
    const translate = (element: MapElement, found: StepCursor): Residue => {
      const spelled = protocolSpelled(forElement(found, element));
      return ended([residual({ ...statement, to: literalOf(element) }, spelled)]);
    };
    if (key.random === undefined) return byKey(elements, key, cursor, this.chains, translate);
    if (asksChance(cursor.matches)) return this.give(cursor, CHANCE_ASKED);
    if (key.unknown.length > 0) {
      // Narrow the key down first, then come back to this rule with all of it known.
      return byKey(distinctOpenParts(elements, key), key, cursor, this.chains, (_, { matches, known }) => {
        const again = this.chains.placeFor({ ...cursor.place, known });
        return ended(again === undefined ? [] : [{ steps: [...matches, goto(again)] }]);
      });
    }
    return byChance(key.random.mode, slotsOf(elements, key.random), cursor, this.chains, translate);
  }

  /** Writing a word that only later rules of ours read: what it will hold is known from here on, or known for each of
   *  the values that chance can give it. */
  private assignment(statement: Extract<Statement, { kind: "set" }>, cursor: StepCursor): Residue {
    const { field, value } = statement;
    const name = fieldName(field);
    const { matches, place } = cursor;
    const isRegister = field.kind === "meta" && field.key === "priority";
    if (value.kind === "constant" && isRegister && matches.length === 0) {
      const known = learn(cursor.known, name, value.value);
      return this.steps({ ...pastStep(cursor), known, place: { ...place, known } });
    }
    if (value.kind !== "lookup") {
      return isRegister ? this.give(cursor, "the packet's priority is written") : this.passing(statement, cursor);
    }
    const ready = withProtocolOf(value.key, cursor);
    if (ready === undefined) return next(cursor);
    const key = this.readKey(value.key, ready);
    const isComplete = key !== undefined && key.unknown.length === 0 && ready.matches.length === 0 && isRegister;
    if (!isComplete || cursor.at + 1 < cursor.rule.steps.length)
      return this.give(cursor, "a value is looked up with a key that is not known");
    const elements = this.elementsOf(value.map, key);
    if (elements === undefined) return this.give(cursor, OTHER_KEYS_ASKED);
    if (key.random === undefined) {
      const [only] = elements;
      return only === undefined ? next(cursor) : { ...next(cursor), known: learn(place.known, name, dataOf(only)) };
    }
    return byChance(key.random.mode, slotsOf(elements, key.random), ready, this.chains, (element, found) => {
      const rest = this.chains.placeFor(pastRule(cursor, learn(place.known, name, dataOf(element))));
      return ended(rest === undefined ? [] : [{ steps: [...found.matches, goto(rest)] }]);
    });
  }

  private remember(statement: Extract<Statement, { kind: "remember" }>, cursor: StepCursor): Residue {
    const ready = withProtocolOf(statement.key, cursor);
    if (ready === undefined) return next(cursor);
    const key = this.readKey(statement.key, ready);
    const declaration = this.source.setNamed(statement.set);
    if (key === undefined || key.random !== undefined || declaration?.dynamic === undefined)
      return this.give(cursor, "a set is filled with a key that rules cannot spell out");
    return this.passing({ ...statement, set: this.dynamicSet(declaration, key), key: openPartOf(key) }, ready);
  }

  private readKey(expression: Parameters<typeof readKey>[0], { known }: StepCursor): Key | undefined {
    return readKey(expression, known, this.family);
  }

  /** Says that the rule cannot be written. */
  private give(cursor: StepCursor, reason: string): Residue {
    const message = `chain ${cursor.place.chain} cannot be written for iptables: ${reason}`;
    this.lacking.push(unsupported("unsupported-iptables", message, cursor.rule.origin));
    return next(cursor);
  }
}

/** A row of rules for such a set would have to skip what the rules of its other elements come back from. */
const OTHER_KEYS_ASKED = "a set or map has an element for all other keys";

/** Each of several rules would ask anew. */
const CHANCE_ASKED = "what follows a test of chance takes several rules";
