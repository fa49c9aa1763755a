/** Keys of which something is not known: by the parts that are known elements can match or cannot. */

import { describe } from "../ir/describe.ts";
import { partHolds } from "../ir/interval.ts";
import { partsOfKey } from "../ir/sets.ts";
import type { Expression, KeyPart, SetElement, Value } from "../ir/types.ts";
import { Diagram } from "../packets/diagram.ts";
import { hasFewValues, type PacketSet, within } from "../packets/packet-set.ts";
import { applySpread, type Spread, valuesBehind } from "../packets/preimage.ts";
import { Ranges, valuesIn } from "../packets/ranges.ts";
import { evaluateExpression } from "./expression.ts";
import { keyText, rangesOf } from "./lookup.ts";
import { type Branch, narrow, type State } from "./state.ts";
import type { TableIndex } from "./table-index.ts";
import type { About } from "./unknown/assumption.ts";
import { isUnknown } from "./unknown-expression.ts";

/** Packets, and the elements that their key may be one of. */
export interface KeyChoice<Element> {
  readonly state: State;
  readonly candidates: readonly Element[];
}

export interface Choices<Element> {
  readonly choices: readonly KeyChoice<Element>[];
  /** Packets of which a part of the key has no value. */
  readonly absent: State | undefined;
  /** That the key is one of `candidates`: equal for equal ones, in whatever order the text has them. */
  readonly test: (candidates: readonly Element[]) => About | string;
}

/** For what is known of `key`; that some element counts for all other keys is not looked at. */
export function choicesOf<Element extends SetElement>(
  key: Expression,
  elements: readonly Element[],
  state: State,
  table: TableIndex,
): Choices<Element> {
  const { shared, branches } = state;
  const parts = key.kind === "concat" ? key.parts : [key];
  const at = parts.flatMap((part, i) => (isUnknown(part, shared) ? [i] : []));
  const known = parts.flatMap((part, i) => (at.includes(i) ? [] : [{ part, i }]));
  const index = indexOf(
    elements,
    parts.length,
    known.map(({ i }) => i),
  );
  const byCandidates = new Map<string, { readonly candidates: readonly Element[]; readonly branches: Branch[] }>();
  const absent: Branch[] = [];
  const operands: Expression = { kind: "concat", parts: known.map(({ part }) => part) };
  for (const branch of branches) {
    for (const { region, probability, value } of evaluateExpression(operands, shared, branch, table)) {
      if (value === undefined) {
        absent.push(narrow(branch, region, probability));
        continue;
      }
      for (const { region: own, found } of index.split(value, region)) {
        const some = byCandidates.get(found.join()) ?? { candidates: index.elementsAt(found), branches: [] };
        byCandidates.set(found.join(), some);
        some.branches.push(narrow(branch, own, probability));
      }
    }
  }
  const stateOf = (some: readonly Branch[]): State => {
    const isWhole = some.length === branches.length && some.every((branch, i) => branch === branches[i]);
    return isWhole ? state : { shared, branches: some };
  };
  return {
    choices: [...byCandidates.values()].map((each) => ({
      state: stateOf(each.branches),
      candidates: each.candidates,
    })),
    absent: absent.length === 0 ? undefined : stateOf(absent),
    test: (candidates) =>
      testOf(
        at.map((i) => parts[i] as Expression),
        candidates.map((each) => at.map((i) => partsOfKey(each)[i] as KeyPart)),
      ),
  };
}

function testOf(unknown: readonly Expression[], keys: readonly (readonly KeyPart[])[]): About | string {
  const subject = unknown.map(describe).join(" . ");
  if (unknown.length > 1) return `${subject} ${sortedTexts(keys.map((key) => key.map(partText).join(" . "))).join()}`;
  const byText = new Map(keys.flatMap(([part]) => (part === undefined ? [] : [[partText(part), part] as const])));
  return { subject, values: sortedTexts([...byText.keys()]).map((text) => byText.get(text) as KeyPart) };
}

function sortedTexts(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort((a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0));
}

function partText(part: KeyPart): string {
  return typeof part === "object" ? `${part.from}-${part.to}` : String(part);
}

// --- the known parts -----------------------------------------------------------------------------------------------------

/** The elements that have certain values in some parts of their keys. */
class PartIndex<Element extends SetElement> {
  private readonly elements: readonly Element[];
  private readonly at: readonly number[];
  private readonly diagrams = new Map<string, Diagram<readonly number[]>>();
  /** By known part: what elements have there. */
  private readonly parts = new Map<
    number,
    { readonly values: ReadonlySet<KeyPart>; readonly ranges: readonly KeyPart[] }
  >();

  constructor(elements: readonly Element[], length: number, at: readonly number[]) {
    this.elements = elements.filter((each) => partsOfKey(each).length === length);
    this.at = at;
  }

  /** Whether some element may have `value` in the known part `i`: most packets have a protocol that no element is for. */
  private mayHold(i: number, value: Value): boolean {
    let parts = this.parts.get(i);
    if (parts === undefined) {
      const all = this.elements.map((element) => partsOfKey(element)[this.at[i] as number] as KeyPart);
      parts = { values: new Set(all), ranges: all.filter((part) => typeof part === "object") };
      this.parts.set(i, parts);
    }
    return parts.values.has(value) || parts.ranges.some((part) => partHolds(part, value));
  }

  elementsAt(numbers: readonly number[]): readonly Element[] {
    return numbers.map((i) => this.elements[i] as Element);
  }

  /** The numbers of those that have `value` there, for the packets of `region`. */
  split(
    value: readonly (Value | Spread)[],
    region: PacketSet,
  ): { readonly region: PacketSet; readonly found: readonly number[] }[] {
    const few = value.find(
      (each): each is Spread => typeof each === "object" && each.masked !== undefined && hasFewValues(each.field),
    );
    if (few !== undefined) {
      return valuesIn(region[few.field]).flatMap((own) => {
        const part = within(region, few.field, Ranges.of(own));
        const chosen = value.map((each) =>
          typeof each === "object" && each.field === few.field ? (applySpread(each, own) as Value) : each,
        );
        return part === undefined ? [] : this.split(chosen, part);
      });
    }
    const spreads = value.flatMap((each, i) => (typeof each === "object" ? [{ spread: each, i }] : []));
    const constants = value.map((each) =>
      typeof each === "object" ? `${each.field} ${each.masked?.mask} ${each.masked?.xor}` : each,
    );
    const name = keyText(constants);
    const numbers = (): number[] =>
      this.elements.flatMap((element, n) => {
        const key = partsOfKey(element);
        const holds = value.every(
          (each, i) => typeof each === "object" || partHolds(key[this.at[i] as number] as KeyPart, each),
        );
        return holds ? [n] : [];
      });
    if (value.some((each, i) => typeof each !== "object" && !this.mayHold(i, each))) return [{ region, found: [] }];
    if (spreads.length === 0) return [{ region, found: numbers() }];
    let diagram = this.diagrams.get(name);
    if (diagram === undefined) {
      const some = numbers();
      const entries = some.map((n) => ({
        parts: spreads.map(({ spread, i }) =>
          valuesBehind(spread, rangesOf(partsOfKey(this.elements[n] as Element)[this.at[i] as number] as KeyPart)),
        ),
      }));
      diagram = new Diagram(spreads.length, entries, {
        find: (met): readonly number[] => met.map((i) => some[i] as number),
        key: (found) => found.join(),
      });
      this.diagrams.set(name, diagram);
    }
    return diagram.split(
      region,
      spreads.map(({ spread }) => spread.field),
    );
  }
}

const INDICES = new WeakMap<readonly SetElement[], Map<string, PartIndex<SetElement>>>();

function indexOf<Element extends SetElement>(
  elements: readonly Element[],
  length: number,
  at: readonly number[],
): PartIndex<Element> {
  const all = INDICES.get(elements) ?? new Map<string, PartIndex<SetElement>>();
  INDICES.set(elements, all);
  const key = `${length} ${at.join()}`;
  const known = all.get(key) ?? new PartIndex<SetElement>(elements, length, at);
  all.set(key, known);
  return known as PartIndex<Element>;
}
