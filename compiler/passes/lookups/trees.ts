/** One of many elements by the packet's key: a tree of chains that narrows the key down. */
import { goto, verdict } from "../../ir/build.ts";
import type { FieldExpression, Interval, Rule, SetElement } from "../../ir/types.ts";
import type { ChainMaker } from "./chains.ts";
import { going, leading, next, type OnElement, pastRule, type Residue, type StepCursor } from "./cursor.ts";
import { choiceOf, type Key, narrowTo, narrowToGroup, type OpenField } from "./keys.ts";
import { fieldName, knownText, printKnown } from "./known.ts";
import { planDispatch, type TreeBranch, type TreeKey } from "./plan.ts";

/** Runs `then` for the one of `elements` whose key the packet has; the next rule follows where there is none. Few
 *  elements become a rule each, many a tree of chains. */
export function byKey<Element extends SetElement>(
  elements: readonly Element[],
  { unknown: fields }: Key,
  cursor: StepCursor,
  chains: ChainMaker,
  then: OnElement<Element>,
): Residue {
  if (fields.length === 0) {
    const [only] = elements;
    return only === undefined ? next(cursor) : then(only, cursor);
  }
  const kept = chains.keptTree?.(elements, fields, cursor, then);
  if (kept !== undefined) return kept;
  const tree = new Tree(fields, cursor, chains, then);
  const choices = elements.map((element) => choiceOf(element, fields));
  const types = fields.map(({ type }) => type);
  const few = planDispatch(choices, types);
  if (few.every((branch) => branch.kind === "choice")) {
    return going(
      few.flatMap(({ choice }) => tree.rulesFor(choice, cursor)),
      cursor,
    );
  }
  // A tree is entered by a jump, and its chains follow each other by goto: a packet whose key is not there comes back
  // behind the jump. So do packets that a verdict sent on by goto, or back by return, and who must not: their keys
  // stay out of the tree when something here would still happen to them.
  const [leaving, staying] = partition(choices, (choice) => tree.mustNotComeBack(choice));
  const first = leaving.flatMap((choice) => tree.rulesFor(choice, cursor));
  const root = tree.chain(nameOfTree(cursor), planDispatch(staying, types), inTree(cursor));
  return enterTree(first, root, cursor);
}

/** What the rule says of itself stands once, where the tree is entered: a comment is 288 bytes of each rule that iptables loads. */
export function inTree({ rule: { comment: _, ...rule }, ...cursor }: StepCursor): StepCursor {
  return { ...cursor, rule, matches: [] };
}

/** The name of a tree's first chain. A chain that goes on from the rule itself has the same without `keys`; chains that begin at different rules may
 *  each have a tree for one rule. */
export function nameOfTree({ place, known, start }: StepCursor): string {
  const text = knownText(known);
  const kind = place.index > 0 && text !== "" ? " keys" : "";
  const comment = place.comment === undefined ? "" : ` ${place.comment}`;
  return `${place.chain}+${place.index}${kind}${start > 0 ? ` from ${start}` : ""} (${text})${comment}`;
}

/** The rules of keys that stay out of a tree, and the rule that enters it at `root`, where it has a chain. */
export function enterTree(first: readonly Rule[], root: string | undefined, cursor: StepCursor): Residue {
  const rest = root === undefined ? [] : [leading(verdict({ kind: "jump", chain: root }), cursor)];
  return going([...first, ...rest], cursor);
}

/** What becomes of the keys that a packet is asked for at one place. */
export class Tree<Element extends SetElement> {
  private readonly fields: readonly OpenField[];
  private readonly cursor: StepCursor;
  private readonly chains: ChainMaker;
  private readonly onFound: OnElement<Element>;

  constructor(fields: readonly OpenField[], cursor: StepCursor, chains: ChainMaker, then: OnElement<Element>) {
    this.fields = fields;
    this.cursor = cursor;
    this.chains = chains;
    this.onFound = then;
  }

  rulesFor(choice: TreeKey<Element>, cursor: StepCursor): readonly Rule[] {
    return this.onFound(choice.element, narrowTo(choice, this.fields, cursor)).rules;
  }

  /** Whether a packet with this key may come back from where it is sent, while the rules behind have work for it. */
  mustNotComeBack(choice: TreeKey<Element>): boolean {
    const found = narrowTo(choice, this.fields, this.cursor);
    return this.mayComeBack(this.onFound(choice.element, found).rules, found);
  }

  /** The same of what a key's `rules` do; `found`: where they stand. */
  private mayComeBack(rules: readonly Rule[], found: StepCursor): boolean {
    const leaves = rules.some(({ steps }) => {
      const last = steps.at(-1);
      if (last?.kind !== "verdict") return false;
      const { verdict } = last;
      return verdict.kind === "return" || (verdict.kind === "goto" && !this.chains.alwaysEnds(verdict.chain));
    });
    return leaves && this.chains.placeFor(pastRule(this.cursor, found.known)) !== undefined;
  }

  /** Makes a chain with one rule for each branch, and those below it. Returns its name; undefined where no key has a rule. */
  chain(name: string, branches: readonly TreeBranch<Element>[], cursor: StepCursor): string | undefined {
    const rules = this.rulesBelow(name, branches, cursor, (...below) => this.chain(...below));
    return rules.length === 0 ? undefined : this.chains.add(name, rules);
  }

  /** The rules of the chain `name`. `chainBelow` gives the chain of a group; `onWrong` is told of keys that must not come back. */
  rulesBelow(
    name: string,
    branches: readonly TreeBranch<Element>[],
    cursor: StepCursor,
    chainBelow: (name: string, branches: readonly TreeBranch<Element>[], cursor: StepCursor) => string | undefined,
    onWrong?: (choice: TreeKey<Element>) => void,
  ): readonly Rule[] {
    return branches.flatMap((branch): readonly Rule[] => {
      if (branch.kind === "choice") {
        const own = narrowTo(branch.choice, this.fields, cursor);
        const { rules } = this.onFound(branch.choice.element, own);
        if (onWrong !== undefined && this.mayComeBack(rules, own)) onWrong(branch.choice);
        return rules;
      }
      const { field } = this.fields[branch.part] as OpenField;
      const found = narrowToGroup(branch, this.fields, cursor);
      const below = `${name} ${printInterval(field, branch.interval)}`;
      const chain = chainBelow(below, branch.branches, { ...found, matches: [] });
      return chain === undefined ? [] : [{ steps: [...found.matches, goto(chain)] }];
    });
  }
}

function printInterval(field: FieldExpression, { from, to }: Interval): string {
  return `${printKnown(fieldName(field), from)}-${printKnown(fieldName(field), to)}`;
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
