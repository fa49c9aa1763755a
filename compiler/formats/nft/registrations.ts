/** When the kernel registers base chains. */
import { placeOf } from "../../ir/place.ts";
import type { Chain, Table } from "../../ir/types.ts";

/** `tables`, which say when each chain is registered only where that matters and the text tells (`isOrdered`). */
export function withRegistrations(tables: readonly Table[], isOrdered: boolean): readonly Table[] {
  return isOrdered && haveTies(tables) ? tables : tables.map(withoutRegistrations);
}

/** Whether chains of several tables have one hook and place, so that it matters in which order they are registered. */
function haveTies(tables: readonly Table[]): boolean {
  const places = tables.map(({ family, chains }) => ({
    family,
    taken: new Set(
      chains.flatMap((chain) => (chain.kind === "base" ? [`${chain.hook} ${placeOf(chain)} ${chain.device}`] : [])),
    ),
  }));
  return places.some(({ family, taken }, i) =>
    places
      .slice(i + 1)
      .some(
        (other) =>
          (family === other.family || family === "inet" || other.family === "inet") &&
          [...taken].some((place) => other.taken.has(place)),
      ),
  );
}

function withoutRegistrations(table: Table): Table {
  const chains = table.chains.map((chain): Chain => {
    if (chain.kind === "regular") return chain;
    const { registered: _, ...rest } = chain;
    return rest;
  });
  return { ...table, chains };
}
