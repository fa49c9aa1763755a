/** One of several elements by chance, or in turn: a row of rules, each for its part of the packets that are left. */

import { counting, equal, goto } from "../../ir/build.ts";
import { partsOfKey } from "../../ir/sets.ts";
import type { Match, Rule, SetElement } from "../../ir/types.ts";
import type { ChainMaker } from "./chains.ts";
import { ended, going, type OnElement, type Residue, type StepCursor } from "./cursor.ts";
import type { RandomPart } from "./keys.ts";
import { nameOfTree } from "./trees.ts";

// A test of chance costs a packet 37 ns through iptables-legacy and 60 ns through iptables-nft, a goto 10 and 23 ns. In a row of n elements a
// packet meets (n + 1) / 2 - 1 / n of them: 5.4 of 10, or 3.8 and half a goto where one test parts them into halves. That is a
// chain and a rule more.

/** So many elements stand in a row; more are parted into halves. */
const ROW = 8;

/** And those into halves again, but no further: the kernel follows 16 jumps. */
const HALVINGS = 2;

/** The element for each number that comes up; undefined where a number has none. */
export function slotsOf<Element extends SetElement>(
  elements: readonly Element[],
  { position, modulus, offset }: RandomPart,
): (Element | undefined)[] {
  const byNumber = new Map(elements.map((element) => [partsOfKey(element)[position], element]));
  return Array.from({ length: modulus }, (_, i) => byNumber.get(offset + i));
}

/** Goes on with one of `slots`, each as likely as the others or each in its turn; an empty slot leads to the next rule. */
export function byChance<Element extends SetElement>(
  mode: RandomPart["mode"],
  slots: readonly (Element | undefined)[],
  cursor: StepCursor,
  chains: ChainMaker,
  then: OnElement<Element>,
): Residue {
  const all = slots.filter((element) => element !== undefined);
  // A rule with other tests may be made for several chains, and each would want its own halves.
  if (mode === "random" && all.length === slots.length && cursor.matches.length === 0)
    return ended(inHalves(all, { first: 0, halvings: HALVINGS }, cursor, chains, then));
  const rules: Rule[] = [];
  for (const [index, element] of slots.entries()) {
    const left = slots.length - index;
    const matches = left === 1 ? cursor.matches : [...cursor.matches, oneOf(left, mode)];
    if (element !== undefined) {
      rules.push(...then(element, { ...cursor, matches }).rules);
    } else if (left > 1) {
      rules.push({ steps: [...matches, chains.leaveFor(cursor)] });
    }
  }
  const isSure = slots.at(-1) !== undefined && cursor.matches.length === 0;
  return { ...going(rules, cursor), ended: isSure };
}

/** Goes on with one of `elements`, the first of which has the number `first`. */
function inHalves<Element extends SetElement>(
  elements: readonly Element[],
  { first, halvings }: { readonly first: number; readonly halvings: number },
  cursor: StepCursor,
  chains: ChainMaker,
  then: OnElement<Element>,
): readonly Rule[] {
  const count = elements.length;
  if (count <= ROW || halvings === 0) {
    return elements.flatMap((element, index) => {
      const left = count - index;
      return then(element, left === 1 ? cursor : { ...cursor, matches: [chance(1, left)] }).rules;
    });
  }
  const half = Math.floor(count / 2);
  const left = halvings - 1;
  const rules = inHalves(elements.slice(0, half), { first, halvings: left }, cursor, chains, then);
  const name = chains.add(`${nameOfTree(cursor)} ${first}-${first + half - 1}`, rules);
  const others = inHalves(elements.slice(half), { first: first + half, halvings: left }, cursor, chains, then);
  return [{ steps: [chance(half, count), goto(name)] }, ...others];
}

/** Holds for one packet of `count`. */
function oneOf(count: number, mode: RandomPart["mode"]): Match {
  return mode === "random" ? chance(1, count) : equal(counting(count), 0);
}

/** Holds for `some` packets of `count`. */
function chance(some: number, count: number): Match {
  return { kind: "chance", numerator: Math.round((2 ** 31 * some) / count) };
}

// A comment costs each packet that meets it 50 to 70 ns through iptables-nft. All packets to an element meet the rule that leads to its chain, few
// of them the rule of one slot.

/** Whether `rules` are one that translates by chance and does nothing else: it is that which says to what element packets have come. */
export function isChance(rules: readonly Rule[]): boolean {
  const [only, other] = rules;
  const step = only?.steps[0];
  if (other !== undefined || step?.kind !== "dnat" || step.to.kind !== "map") return false;
  const { key } = step.to;
  const parts = key.kind === "concat" ? key.parts : [key];
  return parts.some((part) => part.kind === "numgen" && part.modulus > 1);
}

/** What such a rule has become, with `comment` at the first slot that stands in the chain itself. */
export function withComment(comment: string, rules: readonly Rule[]): Rule[] {
  const at = rules.findIndex(({ steps }) => steps.at(-1)?.kind === "dnat");
  return rules.map((rule, i) => (i === at ? { ...rule, comment } : rule));
}
