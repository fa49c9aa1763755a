/** Random keys that come and go, and the plans that tell them apart. */
import fc from "fast-check";
import type { DataType, KeyPart, SetElement } from "../../compiler/ir/types.ts";
import { comparedFirst, planDispatch, type TreeBranch, type TreeKey } from "../../compiler/passes/lookups/plan.ts";
import type { planAgain } from "../../compiler/passes/lookups/plan-again.ts";

type Key = TreeKey<SetElement>;

/** Keys of fields of these types, and which of them are there at each step, by their places. */
export interface KeyHistory {
  readonly types: readonly DataType[];
  readonly keys: readonly (readonly KeyPart[])[];
  readonly steps: readonly (readonly number[])[];
}

export function planOf(
  keys: readonly (readonly KeyPart[])[],
  types: readonly DataType[],
): readonly TreeBranch<SetElement>[] {
  return planDispatch(
    keys.map((key) => ({ element: { key }, parts: key })),
    types,
  );
}

/** All keys that branches lead to. */
export function keysIn(branches: readonly TreeBranch<SetElement>[]): Key[] {
  return branches.flatMap((branch) => (branch.kind === "choice" ? [branch.choice] : keysIn(branch.branches)));
}

const SHAPES: readonly (readonly DataType[])[] = [
  ["ipv4_addr", "ipv4_addr"],
  ["ipv4_addr", "inet_proto", "inet_service"],
  ["ipv4_addr", "ipv4_addr", "inet_service"],
  ["inet_proto", "inet_service"],
];

/** An address among the usual ones of its field, or far away. */
const strange = fc
  .tuple(fc.constantFrom(0, 1, 2, 255), fc.nat({ max: 40 }))
  .map(([a, b]) => 0x0a000000 + a * 0x10000 + b);

const block = fc
  .tuple(strange, fc.constantFrom(1, 2, 4, 256))
  .map(([at, size]) => ({ from: Math.floor(at / size) * size, to: Math.floor(at / size) * size + size - 1 }));

/** Most keys lie close together in all their fields, and a few do not: what becomes of these moves the bounds of groups that stay otherwise.
 *  `most`: how many keys there may be. */
export function keyHistory(most: number): fc.Arbitrary<KeyHistory> {
  const place = fc.nat({ max: most - 1 });
  return fc
    .record({
      types: fc.constantFrom(...SHAPES),
      withRanges: fc.boolean(),
      spread: fc.constantFrom(1, 3, 256),
      strangers: fc.array(fc.tuple(place, strange, block), { minLength: 2, maxLength: 12 }),
      changes: fc.array(
        fc.record({
          turned: fc.array(place, { maxLength: 3 }),
          strangers: fc.array(fc.nat({ max: 11 }), { maxLength: 2 }),
        }),
        { minLength: 4, maxLength: 8 },
      ),
    })
    .map(({ types, withRanges, spread, strangers, changes }) => {
      const keys = Array.from({ length: most }, (_, i) => types.map((type, at) => usualPart(type, at, i, spread)));
      const last = types.lastIndexOf("ipv4_addr");
      for (const [i, single, range] of strangers)
        if (last >= 0) (keys[i] as KeyPart[])[last] = withRanges ? range : single;
      const now = new Set(keys.keys());
      for (let i = 0; i < most; i += 9) now.delete(i);
      const steps = [[...now]];
      for (const change of changes) {
        for (const i of [...change.turned, ...change.strangers.map((n) => strangers[n]?.[0] ?? 0)])
          if (!now.delete(i)) now.add(i);
        steps.push([...now]);
      }
      return { types, keys, steps };
    });
}

function usualPart(type: DataType, at: number, i: number, spread: number): number {
  switch (type) {
    case "ipv4_addr":
      return at === 0 ? 0x0a400000 + i * spread : 0x0a010000 + (i % 7);
    case "inet_proto":
      return i % 5 === 0 ? 17 : 6;
    default:
      return 80 + ((i * 7) % 50);
  }
}

/** How a plan that is made again after each step differs from one that is made anew, or which group is made again that stands as it was; undefined:
 *  neither. */
export function planDisagreement(again: typeof planAgain, { types, keys, steps }: KeyHistory): string | undefined {
  const all = keys.map((parts): Key => ({ element: { key: parts }, parts }));
  const places = new Map(all.map((key, i) => [key, i]));
  const compare = comparedFirst<SetElement>(types);
  const inOrder = (a: Key, b: Key): number => compare(a, b) || (places.get(a) ?? 0) - (places.get(b) ?? 0);
  let before: readonly TreeBranch<SetElement>[] = [];
  for (const [step, wanted] of steps.entries()) {
    const choices = wanted.map((i) => all[i] as Key).sort(inOrder);
    const arePoints = choices.every(({ parts }) => parts.every((part) => typeof part !== "object"));
    const earlier = groupsOf(before, places);
    before = again(choices, types, arePoints, before);
    const found = textOf(before, places);
    const right = textOf(planDispatch(choices, types), places);
    if (found !== right) return `step ${step}\n${right}\n${found}`;
    for (const [text, group] of groupsOf(before, places))
      if ((earlier.get(text) ?? group) !== group) return `step ${step}: made again\n${text}`;
  }
  return undefined;
}

/** All groups of a plan, by the way to them and their text. */
function groupsOf(
  branches: readonly TreeBranch<SetElement>[],
  places: ReadonlyMap<Key, number>,
  way = "",
): Map<string, TreeBranch<SetElement>> {
  const found = new Map<string, TreeBranch<SetElement>>();
  for (const branch of branches) {
    if (branch.kind === "choice") continue;
    found.set(`${way} ${textOf([branch], places)}`, branch);
    for (const [text, group] of groupsOf(branch.branches, places, `${way} ${boundsText(branch)}`))
      found.set(text, group);
  }
  return found;
}

function textOf(branches: readonly TreeBranch<SetElement>[], places: ReadonlyMap<Key, number>): string {
  return branches
    .map((branch) => {
      if (branch.kind === "choice") return String(places.get(branch.choice));
      return `(${boundsText(branch)} ${textOf(branch.branches, places)})`;
    })
    .join(" ");
}

function boundsText({ part, interval, others }: Extract<TreeBranch<SetElement>, { kind: "group" }>): string {
  return [{ part, interval }, ...others]
    .map((each) => `${each.part}:${each.interval.from}-${each.interval.to}`)
    .join(" ");
}
