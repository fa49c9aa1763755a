/** The rules in the kernel's tables, compared with those that should be there without nft, which reads all elements to list a rule. */
import { printTable } from "../../compiler/formats/nft/print.ts";
import type { Chain, MapDeclaration, SetDeclaration, Table } from "../../compiler/ir/types.ts";
import type { TransactionAnswer } from "./answers.ts";
import { withoutElements } from "./change-tables.ts";
import { LIVE_FAMILIES, type LiveFamily } from "./live-tables.ts";
import type { NetlinkPort } from "./netfilter.ts";
import { hasObjects, headsOf, ruleDigests, setHeadsOf } from "./nf-tables.ts";

/** The name of kpc's tables, and of those that are made for a moment to see what the kernel makes of rules. They sleep: no packet enters them. */
const TABLE = "kpc";
const REFERENCE = "kpc-reference";

export interface LiveSkeleton {
  /** The tables that are there, without elements: parts that are as they should be are those of the wanted tables. Undefined: it takes nft to tell. */
  readonly tables: Table[] | undefined;
  /** Commits that were made. */
  readonly transactions: number;
}

/** `run`: one transaction by nft. Throws `NetfilterTrouble`. */
export async function liveSkeleton(
  netfilter: NetlinkPort,
  run: (text: string) => Promise<TransactionAnswer>,
  wanted: readonly Table[],
): Promise<LiveSkeleton> {
  const remove = LIVE_FAMILIES.map(
    (family) => `add table ${family} ${REFERENCE}\ndelete table ${family} ${REFERENCE}\n`,
  ).join("");
  const references = withoutElements(wanted).map((table): Table => ({ ...table, name: REFERENCE, dormant: true }));
  const made = await run(remove + references.map((table) => printTable(table)).join(""));
  if (made.kind !== "done") return { tables: undefined, transactions: 0 };
  const tables: Table[] = [];
  let isKnown = true;
  for (const family of LIVE_FAMILIES) {
    const table = await liveTable(
      netfilter,
      family,
      wanted.find((each) => each.family === family),
    );
    if (table === "unknown") isKnown = false;
    else if (table !== undefined) tables.push(table);
  }
  const gone = await run(remove);
  return { tables: isKnown ? tables : undefined, transactions: gone.kind === "done" ? 2 : 1 };
}

async function liveTable(
  netfilter: NetlinkPort,
  family: LiveFamily,
  wanted: Table | undefined,
): Promise<Table | "unknown" | undefined> {
  const there = await headsOf(netfilter, family, TABLE);
  if (there === undefined) return undefined;
  const reference = await headsOf(netfilter, family, REFERENCE);
  if (wanted === undefined || reference === undefined || (await hasObjects(netfilter, family, TABLE))) return "unknown";
  const [rules, right] = [await ruleDigests(netfilter, family, TABLE), await ruleDigests(netfilter, family, REFERENCE)];
  const chains: Chain[] = [];
  for (const [name, head] of there.chains) {
    const chain = wanted.chains.find((each) => each.name === name);
    if (chain === undefined) chains.push({ kind: "regular", name, rules: [] });
    else if (head !== reference.chains.get(name)) return "unknown";
    else chains.push(rules.get(name) === right.get(name) ? chain : otherThan(chain));
  }
  const [live, wantedHeads] = [
    await setHeadsOf(netfilter, family, TABLE),
    await setHeadsOf(netfilter, family, REFERENCE),
  ];
  const sets: SetDeclaration[] = [];
  const maps: MapDeclaration[] = [];
  for (const [name, { head, isMap }] of live) {
    const map = wanted.maps.find((each) => each.name === name);
    const set = wanted.sets.find((each) => each.name === name);
    if ((map ?? set) !== undefined && head !== wantedHeads.get(name)?.head) return "unknown";
    if (map !== undefined) maps.push({ ...map, elements: [] });
    else if (set !== undefined) sets.push({ ...set, elements: [] });
    // It goes, whatever it is.
    else if (isMap) maps.push({ name, key: [], data: "verdict", interval: false, elements: [] });
    else sets.push({ name, key: [], interval: false, elements: [] });
  }
  const { comment } = wanted;
  return {
    family,
    name: TABLE,
    ...(comment === undefined ? {} : { comment }),
    sets,
    maps,
    chains,
    ...(there.isDormant ? { dormant: true } : {}),
  };
}

/** A chain with other rules: which ones nobody has to know. */
function otherThan<Of extends Chain>(chain: Of): Of {
  return { ...chain, rules: [...chain.rules, { steps: [] }] };
}
