/** Mistakes in the code that keeps rules of iptables up with events: what histories must notice. Each replaces a text that is once in a file of
 *  compiler/. */
import type { Mistake } from "./mistakes.ts";

const LOOKUPS = "passes/lookups";

/** By what is wrong. */
export const FOLLOWED_IPTABLES_MUTANTS: Readonly<Record<string, Mistake>> = {
  "a chain does not note what its lookups found": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "plain.enter(current.reader);",
    to: "void plain;",
  },
  "a chain does not note which chains it asked": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "chain.users.add(current);",
    to: "void chain;",
  },
  "who asked a chain is not made anew where its answer is another one": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "if (stringify(before) !== stringify(chain.facts)) for (const user of chain.users) this.touch(user);",
    to: "void before;",
  },
  "other rules of a chain are not seen": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "for (const each of this.byPlace.get(chain) ?? []) this.touch(each);",
    to: "void chain;",
  },
  "a chain that asks for a dirty one takes it as it was": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "} else if (found.isDirty && found.place !== undefined) this.make(found);",
    to: "} else if (found.isDirty && found.place !== undefined) found.isDirty = false;",
  },
  "a part of a tree is kept where its keys are others": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "old.branches === branches && ",
    to: "",
  },
  "a tree is not planned again where a key comes": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "    if (key.parts.some(isRange)) this.rangedKeys++;\n    this.hasMoved = true;",
    to: "    if (key.parts.some(isRange)) this.rangedKeys++;",
  },
  "a tree is not planned again where a key goes": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "    if (key.parts.some(isRange)) this.rangedKeys--;\n    this.hasMoved = true;",
    to: "    if (key.parts.some(isRange)) this.rangedKeys--;",
  },
  "a group of a plan before is taken for one of other keys": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "stands: differing === undefined && isOn(group, wanted.below, wanted.bounds),",
    to: "stands: isOn(group, wanted.below, wanted.bounds),",
  },
  "an element that goes stays in lists": {
    file: `${LOOKUPS}/live-elements.ts`,
    from: "      this.lists.get(name)?.remove(element);",
    to: "      void element;",
  },
  "elements stand in the order in which they came": {
    file: `${LOOKUPS}/live-elements.ts`,
    from: "for (const item of waiting) list.splice(this.placeOf(item), 0, item);",
    to: "for (const item of waiting) list.push(item);",
  },
  "of many elements that come at once the order does not count": {
    file: `${LOOKUPS}/live-elements.ts`,
    from: "this.list = [...list, ...waiting].sort(this.compare);",
    to: "this.list = [...list, ...waiting];",
  },
  "a shared element goes with its first owner": {
    file: `${LOOKUPS}/owned-elements.ts`,
    from: "before.filter((other) => other !== element),",
    to: "before.filter((other) => other !== element && other.owner === element.owner),",
  },
  "a chain that another rule leads to goes": {
    file: "followed-iptables.ts",
    from: "if (known === undefined || --known.count > 0) return;",
    to: "if (known === undefined) return;",
  },
  "a chain that nothing leads to stays": {
    file: "followed-iptables.ts",
    from: "for (const target of before) if (!targets.includes(target)) this.leave(table, section, target);",
    to: "void before;",
  },
  "a chain that is new where it leads is not entered": {
    file: "followed-iptables.ts",
    from: "for (const target of targets) if (!before.includes(target)) this.enter(table, section, target);",
    to: "",
  },
  "a change is told as the last one, not the first": {
    file: "followed-iptables.ts",
    from: "if (!changed.has(name)) changed.set(name, before);",
    to: "changed.set(name, before);",
  },
};
