/** What has to be done to a table so that it becomes another one. */
import { normaliseChain, stringify } from "./normal-form.ts";
import { isSame } from "./same-data.ts";
import { isForOthers } from "./sets.ts";
import type {
  Chain,
  ElementKey,
  KeyPart,
  MapDeclaration,
  MapElement,
  SetDeclaration,
  SetElement,
  Table,
  TableFamily,
  Verdict,
} from "./types.ts";

/** A set or map without its elements. */
export type SetHead = Omit<SetDeclaration, "elements">;
export type MapHead = Omit<MapDeclaration, "elements">;

/** One transaction on one table. Its parts are done in the order of its members, so that everything is there before it is named, and
 *  nobody names what goes. Comments of the table, and of sets, maps and chains that stay, are left as they are. */
export interface TableChange {
  readonly family: TableFamily;
  readonly name: string;
  /** `added`: it is made if it is not there, and the kernel enters its chains again if it was dormant. `remade`: all that it holds is
   *  deleted first, because something in it cannot be changed in place. `deleted`: with all that it holds; nothing else is done then. */
  readonly table: "kept" | "added" | "remade" | "deleted";
  readonly comment?: string;
  /** Sets and maps to be declared, without elements. */
  readonly sets: readonly SetHead[];
  readonly maps: readonly MapHead[];
  /** Chains that are new or have other rules, with all their rules. */
  readonly chains: readonly Chain[];
  readonly elements: readonly ElementsChange[];
  readonly retired: RetiredNames;
}

/** Elements of one set or map. First `removed` go, then `added` come: a key that is in both gets another value. */
export interface ElementsChange {
  readonly of: SetHead | MapHead;
  readonly removed: readonly SetElement[];
  readonly added: readonly SetElement[];
}

/** What is deleted, by name. */
export interface RetiredNames {
  readonly sets: readonly string[];
  readonly maps: readonly string[];
  readonly chains: readonly string[];
  /** Heads of counters, limits and the like: `counter NAME`. */
  readonly objects: readonly string[];
}

/** What makes `after` of `before`; undefined where both are the same. Either may be missing: no such table. Elements that rules add
 *  to dynamic sets stay. Sets with one name must hold each key once. */
export function differenceOf(before: Table | undefined, after: Table | undefined): TableChange | undefined {
  if (after === undefined) return before === undefined ? undefined : deletionOf(before);
  if (before === undefined) return changeOf("added", EMPTY, after);
  if (!canChangeInPlace(before, after)) return changeOf("remade", EMPTY, after);
  const change = changeOf(before.dormant && !after.dormant ? "added" : "kept", before, after);
  return isEmptyChange(change) ? undefined : change;
}

/** Whether nothing is to be done. */
export function isEmptyChange({ table, sets, maps, chains, elements, retired }: TableChange): boolean {
  return table === "kept" && [sets, maps, chains, elements, ...Object.values(retired)].every((all) => all.length === 0);
}

/** Whether all that is to be done is to remove and to add elements. */
export function isOfElements({ table, sets, maps, chains, retired }: TableChange): boolean {
  return table === "kept" && [sets, maps, chains, ...Object.values(retired)].every((all) => all.length === 0);
}

type Parts = Pick<Table, "sets" | "maps" | "chains" | "objects">;

const EMPTY: Parts = { sets: [], maps: [], chains: [] };

const NOTHING: RetiredNames = { sets: [], maps: [], chains: [], objects: [] };

function deletionOf({ family, name }: Table): TableChange {
  return { family, name, table: "deleted", sets: [], maps: [], chains: [], elements: [], retired: NOTHING };
}

function changeOf(table: TableChange["table"], before: Parts, after: Table): TableChange {
  const { family, name, comment } = after;
  const oldSets = byName(before.sets);
  const oldMaps = byName(before.maps);
  const oldChains = byName(before.chains);
  return {
    family,
    name,
    table,
    ...(comment === undefined ? {} : { comment }),
    sets: after.sets.filter((set) => !oldSets.has(set.name)).map(headOf),
    maps: after.maps.filter((map) => !oldMaps.has(map.name)).map(headOf),
    chains: after.chains.filter((chain) => {
      const old = oldChains.get(chain.name);
      return old === undefined || !hasSameRules(old, chain, family);
    }),
    elements: [
      ...after.maps.flatMap((map) => elementsChange(oldMaps.get(map.name), map)),
      ...after.sets.flatMap((set) => elementsChange(oldSets.get(set.name), set)),
    ],
    retired: {
      sets: namesWithout(before.sets, after.sets),
      maps: namesWithout(before.maps, after.maps),
      // Anonymous chains go with the rule that holds them.
      chains: namesWithout(
        before.chains.filter((chain) => chain.kind === "base" || chain.anonymous === undefined),
        after.chains,
      ),
      objects: (before.objects ?? []).map(({ head }) => head),
    },
  };
}

type Named = { readonly name: string };

function byName<Of extends Named>(all: readonly Of[]): ReadonlyMap<string, Of> {
  return new Map(all.map((one) => [one.name, one]));
}

function namesWithout(all: readonly Named[], others: readonly Named[]): string[] {
  const names = new Set(others.map(({ name }) => name));
  return all.map(({ name }) => name).filter((name) => !names.has(name));
}

function headOf<Of extends SetDeclaration>({ elements: _, ...head }: Of): Omit<Of, "elements"> {
  return head;
}

// --- what cannot be changed ----------------------------------------------------------------------------------------------

/** nft changes neither the types of a set that is there, nor the hook of a chain; and the kernel takes no base chain in a transaction that
 *  wakes their table. */
function canChangeInPlace(before: Table, after: Table): boolean {
  if (before.dormant && !after.dormant && !hasAllBaseChains(before, after)) return false;
  const oldSets = byName<SetDeclaration>([...before.sets, ...before.maps]);
  const oldChains = byName(before.chains);
  return (
    [...after.sets, ...after.maps].every((set) => {
      const old = oldSets.get(set.name);
      return old === undefined || isSame(headOf(old), headOf(set)) || textOfHead(old) === textOfHead(set);
    }) &&
    after.chains.every((chain) => {
      const old = oldChains.get(chain.name);
      return old === undefined || placeOf(old) === placeOf(chain);
    })
  );
}

function hasAllBaseChains(before: Table, after: Table): boolean {
  const names = new Set(before.chains.map(({ name }) => name));
  return after.chains.every(({ kind, name }) => kind === "regular" || names.has(name));
}

/** Equal for declarations that the kernel takes for the same. */
function textOfHead(set: SetDeclaration | MapDeclaration): string {
  const types = set.key.map(({ type }) => type);
  const data = "data" in set && set.data !== "verdict" ? set.data.map(({ type }) => type) : "data" in set && set.data;
  return stringify({ ...headOf(set), key: types, data, comment: undefined });
}

function placeOf(chain: Chain): string {
  if (chain.kind === "regular") return chain.anonymous ? "anonymous" : "regular";
  const { type, hook, priority, policy, device } = chain;
  return stringify([type, hook, priority, policy, device]);
}

function hasSameRules(before: Chain, after: Chain, family: TableFamily): boolean {
  // Mostly they are the same data, which is known sooner than their normal forms are made.
  return isSame(before.rules, after.rules) || textOfRules(before, family) === textOfRules(after, family);
}

const rulesTexts = new WeakMap<Chain, string>();

function textOfRules(chain: Chain, family: TableFamily): string {
  let text = rulesTexts.get(chain);
  if (text === undefined) {
    text = stringify(normaliseChain(chain, family).rules);
    rulesTexts.set(chain, text);
  }
  return text;
}

// --- elements --------------------------------------------------------------------------------------------------------------

/** Nothing where the elements are the same. */
function elementsChange(
  before: SetDeclaration | MapDeclaration | undefined,
  after: SetDeclaration | MapDeclaration,
): ElementsChange[] {
  if (after.dynamic) return [];
  const { removed, added } = differenceOfElements(before?.elements ?? [], after.elements);
  return removed.length === 0 && added.length === 0 ? [] : [{ of: headOf(after), removed, added }];
}

/** The elements of `before` that `after` has not, and the other way round. One that has changed is in both. */
export function differenceOfElements(
  before: readonly SetElement[],
  after: readonly SetElement[],
): Pick<ElementsChange, "removed" | "added"> {
  if (before.length === 0 || after.length === 0) return { removed: before, added: after };
  const old = new Map(before.map((element) => [keyTextOf(element.key), element]));
  const added: SetElement[] = [];
  for (const element of after) {
    const key = keyTextOf(element.key);
    const same = old.get(key);
    if (same !== undefined && contentOf(same) === contentOf(element)) old.delete(key);
    else added.push(element);
  }
  return { removed: [...old.values()], added };
}

/** Equal for equal keys of one set. */
export function keyTextOf(key: ElementKey): string {
  if (isForOthers(key)) return "*";
  let text = "";
  for (const part of key) text += `${textOfPart(part)} `;
  return text;
}

function textOfPart(part: KeyPart): string {
  if (typeof part !== "object") return typeof part === "string" ? JSON.stringify(part) : String(part);
  return part.from === part.to ? textOfPart(part.from) : `${textOfPart(part.from)}-${textOfPart(part.to)}`;
}

/** All of an element but its key and its place. */
function contentOf(element: SetElement | MapElement): string {
  const { timeoutSeconds, statements, comment } = element;
  const value = "value" in element ? textOfValue(element.value) : "";
  return `${value}\n${comment ?? "\n"}\n${timeoutSeconds ?? ""}\n${statements?.join(" ") ?? ""}`;
}

function textOfValue(value: MapElement["value"]): string {
  if (isData(value)) return keyTextOf(value);
  return "chain" in value ? `${value.kind} ${value.chain}` : value.kind;
}

function isData(value: Verdict | readonly KeyPart[]): value is readonly KeyPart[] {
  return Array.isArray(value);
}
