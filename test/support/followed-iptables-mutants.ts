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
    from: "for (const each of this.byPlace.get(chain) ?? []) {",
    to: "for (const each of [] as FollowedChain[]) {",
  },
  "a chain that asks for a dirty one takes it as it was": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "} else if (found.isDirty && found.place !== undefined) this.make(found);",
    to: "} else if (found.isDirty && found.place !== undefined) found.isDirty = false;",
  },
  "a part of a tree is kept where its keys are others": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: " && old.branches === branches",
    to: "",
  },
  "a part of a tree is kept where something in it has changed": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "!old.chain.isDirty && ",
    to: "",
  },
  "a part of a tree stays where its keys are gone": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "if (!below.has(nameBelow)) this.removeNode(node);",
    to: "void node;",
  },
  "a tree is kept where its rule is another one": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "return this.steps === steps;",
    to: "return steps !== undefined;",
  },
  "a key that is gone stays before its tree": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "    this.leaving.delete(element);\n",
    to: "",
  },
  "a key stays before its tree where it could stand in it again": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "for (const key of [...this.leaving.values()]) if (!tree.mustNotComeBack(key)) this.setLeaving(key, false);",
    to: "void tree;",
  },
  "a key stands in a tree that it must not come back from": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "if (wrong.length === 0) break;",
    to: "break;",
  },
  "keys stand before a tree in the order in which they were put there": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "      .sort((a, b) => compareRanks(a.element, b.element))\n",
    to: "",
  },
  "a tree behind other keys is not planned again where a key goes": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "private remove(element: Live<SetElement>): void {\n    this.moved();",
    to: "private remove(element: Live<SetElement>): void {",
  },
  "a tree behind other keys is not planned again where a key comes": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "added: () => this.moved(),",
    to: "added: () => undefined,",
  },
  "a tree is not planned again where a key is put before it": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "private setLeaving(key: LiveKey, isLeaving: boolean): void {\n    this.moved();",
    to: "private setLeaving(key: LiveKey, isLeaving: boolean): void {",
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
  "an element that goes stays in lists": {
    file: `${LOOKUPS}/live-elements.ts`,
    from: "this.lists.get(this.nameOf(element))?.remove(element);",
    to: "void element;",
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
  "elements of owners stand in the order in which these wanted them": {
    file: `${LOOKUPS}/owned-elements.ts`,
    from: "[...before, element].sort(compareRanks)",
    to: "[...before, element]",
  },
  "a shared element stays where its first owner is another one": {
    file: `${LOOKUPS}/owned-elements.ts`,
    from: "    if (old !== undefined) this.elements.remove(old);\n",
    to: "",
  },
  "an element that has gone behind another one of its owner stays where it was": {
    file: `${LOOKUPS}/owned-elements.ts`,
    from: "place === undefined || place <= last ? undefined",
    to: "place === undefined ? undefined",
  },
  "which element of an owner was the last is forgotten": {
    file: `${LOOKUPS}/owned-elements.ts`,
    from: "    last = place;\n",
    to: "",
  },
  "the place of an element among those of its owner stays as it was": {
    file: `${LOOKUPS}/owned-elements.ts`,
    from: "    element.position = position;\n",
    to: "",
  },
  "keys with the same address stand in the order in which they came": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "compare(a, b) || compareRanks(a.element, b.element)",
    to: "compare(a, b)",
  },
  "keys are sorted by their owners, not by their addresses": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "compare(a, b) || compareRanks(a.element, b.element)",
    to: "compareRanks(a.element, b.element)",
  },
  "ranges are planned as addresses": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "this.rangedKeys === 0",
    to: "true",
  },
  "that a key is a range is not seen": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "if (key.parts.some(isRange)) this.rangedKeys++;",
    to: "",
  },
  "keys that stand before a tree also stand in it": {
    file: `${LOOKUPS}/keyed-list.ts`,
    from: "filter(({ element }) => !others.has(element))",
    to: "filter(({ element }) => element !== undefined || !others.has(element))",
  },
  "who follows is not told that a chain is gone": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "if (!this.byName.has(chain.name)) this.listener.gone(chain.name);",
    to: "",
  },
  "a chain that nobody asks any more stays": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "if (!chain.isGone && chain.users.size === 0 && this.isOfPlace(chain)) this.remove(chain);",
    to: "void chain;",
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
  "parts of a tree stay below one that is gone": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "for (const node of below.values()) this.removeNode(node);",
    to: "void below;",
  },
  "a tree stays where its keys stand in a row": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "      this.drop();\n      const all",
    to: "      const all",
  },
  "a part of a tree without rules is led to": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "return node.chain.facts.isEmpty ? undefined : node.chain.name;",
    to: "return node.chain.name;",
  },
  "a tree without rules is led to": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "this.root.chain.facts.isEmpty ? undefined : this.root.chain.name",
    to: "this.root.chain.name",
  },
  "an element that goes before it was looked at comes": {
    file: `${LOOKUPS}/live-elements.ts`,
    from: "this.waiting.splice(waits, 1);",
    to: "void waits;",
  },
};

/** The same for `planAgain`, of which `planDisagreement` has to tell. */
export const PLAN_AGAIN_MUTANTS: Readonly<Record<string, Mistake>> = {
  "a group is kept whatever its keys are": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "stands: differing === undefined && ",
    to: "stands: ",
  },
  "a group is kept whatever the way to it has tested": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: " && hasBounds(group, wanted.bounds)",
    to: "",
  },
  "keys that are more than before are no other keys": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "if (start === own.length && start === members.length) return undefined;",
    to: "if (start === Math.min(own.length, members.length)) return undefined;",
  },
  "where addresses lie stays where a key at its end goes": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "if (gone.some((key) => from(key, part) === low || to(key, part) === high)) return undefined;",
    to: "void gone;",
  },
  "where addresses begin stays where the first key goes": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "from(key, part) === low || to(key, part) === high",
    to: "to(key, part) === high",
  },
  "where addresses end stays where the last key goes": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "from(key, part) === low || to(key, part) === high",
    to: "from(key, part) === low",
  },
  "where addresses begin stays where a key comes before it": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "if (from(key, part) < wider.low) wider.low = from(key, part);",
    to: "void from;",
  },
  "where addresses end stays where a key comes behind it": {
    file: `${LOOKUPS}/plan-again.ts`,
    from: "if (to(key, part) > wider.high) wider.high = to(key, part);",
    to: "void to;",
  },
};

/** The same for tables whose rules change too, of which `tableDisagreement` has to tell. */
export const UNFOLDED_TABLE_MUTANTS: Readonly<Record<string, Mistake>> = {
  "that chains read other fields is not seen": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "    if (isSame) return;\n",
    to: "    if (isSame || !isSame) return;\n",
  },
  "another head of a set is not seen": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "headText(known) !== headText(set)",
    to: "headText(known) === undefined",
  },
  "other rules of a table are not seen": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "this.made?.chains.rulesChanged(name);",
    to: "",
  },
  "where other rules lead is not seen": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "      this.haveTargetsMoved = true;\n      this.made",
    to: "      this.made",
  },
  "a chain that an element is the first to lead to is not seen": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "if (count === 0 || (count === 1 && by === 1))",
    to: "if (count === 0)",
  },
  "a chain that no element leads to any more is not seen": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "if (count === 0 || (count === 1 && by === 1))",
    to: "if (count === 1 && by === 1)",
  },
  "how many elements lead to a chain is not counted": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "const count = (targets.get(value.chain) ?? 0) + by;",
    to: "const count = Math.max(by, 0);",
  },
  "who leads to a chain that is a choice no more is not made anew": {
    file: `${LOOKUPS}/followed-chains.ts`,
    from: "for (const user of each.users) this.touch(user);",
    to: "",
  },
  "elements without an owner stay as they were": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "    this.sets = sets;\n    this.putOwn(table);",
    to: "    this.sets = sets;",
  },
  "elements without an owner are gone after all are forgotten": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "if (this.table !== undefined) this.putOwn(this.table);",
    to: "",
  },
  "elements stay where all are forgotten": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "    this.restart();\n    this.elements = this.noElements();",
    to: "    this.restart();",
  },
  "chains stay where there is no table": {
    file: `${LOOKUPS}/unfolded-table.ts`,
    from: "      this.chains = new Map();\n      this.restart();",
    to: "      this.chains = new Map();",
  },
  "where a key that stands before a tree leads is not asked for its owner": {
    file: `${LOOKUPS}/kept-tree.ts`,
    from: "this.setLeaving(key, tree.mustNotComeBack(key));",
    to: "this.setLeaving(key, true);",
  },
};
