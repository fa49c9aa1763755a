/** The kinds of interfaces that a program tells apart. */
import { prefixOfNames } from "../ir/interval.ts";
import { keyTypesOf, partsOfKey, setsOf } from "../ir/sets.ts";
import { stepsIn } from "../ir/steps.ts";
import type { Expression, KeyPart, Program } from "../ir/types.ts";
import { valuesTested } from "../ir/walk.ts";
import { canNameInterface } from "../net/interface-name.ts";
import type { Interfaces } from "./types.ts";

/** A kind with the name of an interface of it; undefined stands for none: packets of the node's own. */
export interface InterfaceClass {
  readonly example: string | undefined;
}

/** All kinds, the node's own packets first, and one that no rule names second. */
export function findInterfaces(program: Program): {
  readonly interfaces: Interfaces;
  readonly kinds: InterfaceClass[];
} {
  const patterns = [...patternsIn(program)];
  const kinds: InterfaceClass[] = [{ example: undefined }];
  const matches = [-1];
  // Names that no rule can mean: the longest name of an interface has 15 characters.
  const candidates = [NOBODY, ...patterns.map(({ name, isPrefix }) => (isPrefix ? `${name}${NOBODY}` : name))];
  for (const example of candidates) {
    const bits = matchesOf(patterns, example);
    if (matches.includes(bits)) continue;
    matches.push(bits);
    kinds.push({ example });
  }
  return { interfaces: { patterns, matches }, kinds };
}

/** A character that no name has. */
const NOBODY = "\u0001";

/** The prefix for which the example of a kind stands; undefined: the example is a name, or stands for any. */
export function prefixOfExample(example: string): string | undefined {
  return example.length > 1 && example.endsWith(NOBODY) ? example.slice(0, -1) : undefined;
}

/** A bit for each of `patterns` that `name` matches. */
export function matchesOf(patterns: Interfaces["patterns"], name: string): number {
  return patterns.reduce(
    (bits, pattern, i) =>
      (pattern.isPrefix ? name.startsWith(pattern.name) : name === pattern.name) ? bits | (1 << i) : bits,
    0,
  );
}

/** The number of the kind that an interface is of; undefined: the node's own packets. */
export function interfaceClassOf({ patterns, matches }: Interfaces, name: string | undefined): number {
  return name === undefined ? 0 : matches.indexOf(matchesOf(patterns, name), 1);
}

function patternsIn({ ruleset }: Program): Set<Interfaces["patterns"][number]> {
  const found = new Map<string, Interfaces["patterns"][number]>();
  const add = (name: string, isPrefix: boolean): void => {
    // A rule about a name that no interface can have matches no packet; the empty one: those that came by none.
    if (canNameInterface(name) || (isPrefix && name === ""))
      found.set(`${name}${isPrefix ? "*" : ""}`, { name, isPrefix });
  };
  const addNames = (parts: Iterable<KeyPart>): void => {
    for (const part of parts) {
      const prefix = typeof part === "object" ? prefixOfNames(part) : undefined;
      const name = typeof part === "object" ? part.from : part;
      if (prefix !== undefined) add(prefix, true);
      else if (typeof name === "string") add(name, false);
    }
  };
  for (const step of stepsIn(ruleset.tables)) addNames(valuesTested(step, isInterface));
  for (const table of ruleset.tables) {
    for (const set of setsOf(table))
      if (keyTypesOf(set).some((type) => type === "ifname" || type === "iface_index"))
        for (const element of set.elements) addNames(partsOfKey(element));
  }
  return new Set(found.values());
}

function isInterface(expression: Expression): boolean {
  return expression.kind === "meta" && (expression.key === "iifname" || expression.key === "iif");
}
