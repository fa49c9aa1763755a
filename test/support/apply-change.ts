/** What a change of a table makes of it, done in memory. */
import { keyTextOf, type TableChange } from "../../compiler/ir/table-change.ts";
import type { Chain, MapDeclaration, SetDeclaration, SetElement, Table } from "../../compiler/ir/types.ts";

/** `table` after `change`. Throws where the kernel would refuse the change. */
export function applyChange(table: Table | undefined, change: TableChange): Table | undefined {
  if (change.table === "deleted") {
    must(table !== undefined, "the table to be deleted is there");
    return undefined;
  }
  const { family, name, comment } = change;
  const made: Table = { family, name, ...(comment === undefined ? {} : { comment }), sets: [], maps: [], chains: [] };
  if (change.table === "kept") must(table !== undefined, "the table is there");
  const before = change.table === "remade" || table === undefined ? made : table;
  const { dormant: _, objects = [], ...rest } = before;
  const { retired } = change;
  return {
    ...rest,
    sets: without(declare(before.sets, change.sets, change), retired.sets),
    maps: without(declare(before.maps, change.maps, change), retired.maps),
    chains: withoutLost(without(replace(before.chains, change.chains), retired.chains)),
    ...(objects.length === 0 ? {} : { objects: objects.filter(({ head }) => !retired.objects.includes(head)) }),
  };
}

function declare<Of extends SetDeclaration | MapDeclaration>(
  there: readonly Of[],
  added: readonly Omit<Of, "elements">[],
  { elements }: TableChange,
): Of[] {
  const all = replace(
    there,
    added.map((head) => ({ ...head, elements: [] }) as unknown as Of),
  );
  for (const each of added)
    must(!there.some((set) => set.name === each.name), `${each.name} is not declared a second time`);
  return all.map((set) => {
    const change = elements.find(({ of }) => of.name === set.name);
    if (change === undefined) return set;
    const held = new Map<string, SetElement>(set.elements.map((element) => [keyTextOf(element.key), element]));
    for (const { key } of change.removed) must(held.delete(keyTextOf(key)), `${set.name} holds ${keyTextOf(key)}`);
    for (const element of change.added) {
      must(!held.has(keyTextOf(element.key)), `${set.name} does not hold ${keyTextOf(element.key)} yet`);
      held.set(keyTextOf(element.key), element);
    }
    return { ...set, elements: [...held.values()] };
  });
}

function replace<Of extends { readonly name: string }>(there: readonly Of[], others: readonly Of[]): Of[] {
  return [...new Map([...there, ...others].map((one) => [one.name, one])).values()];
}

/** Without the anonymous chains that no rule holds any more. */
function withoutLost(chains: readonly Chain[]): Chain[] {
  const named = new Set(
    chains.flatMap(({ rules }) =>
      rules.flatMap(({ steps }) =>
        steps.map((step) => (step.kind === "verdict" && "chain" in step.verdict ? step.verdict.chain : "")),
      ),
    ),
  );
  return chains.filter((chain) => chain.kind === "base" || !chain.anonymous || named.has(chain.name));
}

function without<Of extends { readonly name: string }>(there: readonly Of[], names: readonly string[]): Of[] {
  for (const name of names)
    must(
      there.some((one) => one.name === name),
      `${name} is there to be deleted`,
    );
  return there.filter(({ name }) => !names.includes(name));
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected that ${what}`);
}
