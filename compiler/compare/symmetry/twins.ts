/** Tables of both sides most of which is the same: what is, is one row for both. README.md says why that is right. */
import { isSame } from "../../ir/same-data.ts";
import { SameRows } from "../../ir/same-rows.ts";
import type { Chain, MapDeclaration, SetDeclaration, Table } from "../../ir/types.ts";
import { affinityTextsOf } from "./declarations.ts";

type Declared = SetDeclaration | MapDeclaration;

/** A table of the right side that declares what one of the left side does, in the same order. */
export interface Twin {
  readonly table: Table;
  /** By chain of the left side: that of the same name. */
  readonly chains: ReadonlyMap<Chain, Chain>;
  /** Chains of the left side that have other rules than those of the same name. */
  readonly changed: ReadonlySet<Chain>;
  /** By set or map of the left side. */
  readonly declared: ReadonlyMap<Declared, Declared>;
  /** Sets and maps of the left side that have other elements than those of the same name. */
  readonly refilled: ReadonlySet<Declared>;
  /** What the right side has in their places. */
  readonly onlyThere: Pick<Table, "chains" | "sets" | "maps">;
}

/** Finds the twin of `table` among those of the other side. */
export function twinOf(table: Table, others: readonly Table[]): Twin | undefined {
  const other = others.find(({ family, name }) => family === table.family && name === table.name);
  if (other === undefined || !declareTheSame(table, other)) return undefined;
  const rows = new SameRows();
  const chains = new Map(table.chains.map((chain, i) => [chain, other.chains[i] as Chain]));
  const declaredIn = ({ sets, maps }: Table): Declared[] => [...sets, ...maps];
  const theirs = declaredIn(other);
  const declared = new Map(declaredIn(table).map((set, i) => [set, theirs[i] as Declared]));
  const changed = new Set([...chains].flatMap(([own, twin]) => (rows.haveSameRules(own, twin) ? [] : [own])));
  const refilled = new Set([...declared].flatMap(([own, twin]) => (rows.haveSameElements(own, twin) ? [] : [own])));
  const onlyThere = {
    chains: [...changed].map((chain) => chains.get(chain) as Chain),
    sets: other.sets.filter((_, i) => refilled.has(table.sets[i] as Declared)),
    maps: other.maps.filter((_, i) => refilled.has(table.maps[i] as Declared)),
  };
  return { table: other, chains, changed, declared, refilled, onlyThere };
}

function declareTheSame(table: Table, other: Table): boolean {
  const { chains, sets, maps } = table;
  if (chains.length !== other.chains.length) return false;
  if (sets.length !== other.sets.length || maps.length !== other.maps.length) return false;
  const [textOf, otherTextOf] = [affinityTextsOf(table), affinityTextsOf(other)];
  const isTwin = (set: Declared, twin: Declared): boolean =>
    isSame(propertiesOf(set), propertiesOf(twin)) && textOf(set) === otherTextOf(twin);
  return (
    chains.every(({ kind, name }, i) => kind === other.chains[i]?.kind && name === other.chains[i].name) &&
    sets.every((set, i) => isTwin(set, other.sets[i] as SetDeclaration)) &&
    maps.every((map, i) => isTwin(map, other.maps[i] as MapDeclaration))
  );
}

/** All of `set` but its elements, of which none is made, and its comment. */
function propertiesOf(set: Declared): readonly (readonly [string, unknown])[] {
  return Object.keys(set).flatMap((key): [string, unknown][] =>
    key === "elements" || key === "comment" ? [] : [[key, (set as unknown as Record<string, unknown>)[key]]],
  );
}
