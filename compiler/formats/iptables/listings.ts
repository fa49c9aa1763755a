/** `iptables -S` does not say of which table it lists the chains; their policies come first, in the order of the hooks. */
import { BUILT_IN_CHAINS, type IptablesTable } from "./hooks.ts";

/** What one call of `iptables -S` printed. */
export interface Listing {
  readonly start: number;
  /** Of its first line. */
  readonly end: number;
  /** The table, or why there is none to take. */
  readonly table: IptablesTable | { readonly reason: string };
}

/** The tables of which a listing may be, and their chains. Old kernels have no INPUT in nat; security has filter's chains,
 *  and is hardly ever meant. */
const WHOLE: ReadonlyMap<string, IptablesTable> = new Map([
  ...(["filter", "nat", "raw", "mangle"] as const).map(
    (table) => [BUILT_IN_CHAINS[table].map(({ name }) => name).join(), table] as const,
  ),
  ["PREROUTING,OUTPUT,POSTROUTING", "nat"],
]);

/** The listings in a text, by their policies; a whole one ends where another begins. */
export function listingsIn(text: string): readonly Listing[] {
  const runs: { readonly start: number; readonly end: number; readonly chains: string[] }[] = [];
  for (const { index, 0: line, 1: chain = "" } of text.matchAll(/^-P (\S+) .*/gm)) {
    const run = runs.at(-1);
    const begins = chain === "PREROUTING" || chain === "INPUT" || run?.chains.includes(chain) === true;
    if (run === undefined || (begins && WHOLE.has(run.chains.join())))
      runs.push({ start: index, end: index + line.length, chains: [chain] });
    else run.chains.push(chain);
  }
  const listed = new Set<IptablesTable>();
  return runs.map(({ chains, ...place }) => {
    const table = WHOLE.get(chains.join()) ?? (runs.length === 1 ? tableThatHas(chains) : undefined);
    if (table === undefined) return { ...place, table: { reason: `chains ${chains.join(", ")} are of no one table` } };
    if (listed.has(table)) return { ...place, table: { reason: `its chains are those of ${table}, as above` } };
    listed.add(table);
    return { ...place, table };
  });
}

function tableThatHas(chains: readonly string[]): IptablesTable {
  const fits = (name: IptablesTable): boolean => {
    const own = BUILT_IN_CHAINS[name].map((chain) => chain.name);
    return chains.every((chain) => own.some((known) => known === chain));
  };
  return (["filter", "nat", "raw", "mangle"] as const).find(fits) ?? "filter";
}
