/** What follows a random table, held against the whole table without lookups. */
import { printRule } from "../../compiler/formats/nft/print.ts";
import { ChainGraph } from "../../compiler/ir/chain-graph.ts";
import { isSame } from "../../compiler/ir/same-data.ts";
import { keyTextOf } from "../../compiler/ir/table-change.ts";
import type { Chain, MapElement, Rule, SetDeclaration, SetElement, Table } from "../../compiler/ir/types.ts";
import { getOrMake } from "../../compiler/memo.ts";
import type { OwnedElements } from "../../compiler/passes/lookups/owned-elements.ts";
import { unfoldLookups } from "../../compiler/passes/lookups/unfold.ts";
import { UnfoldedTable } from "../../compiler/passes/lookups/unfolded-table.ts";
import { ipv4 } from "./ir.ts";
import { type KeyRow, OWNERS, PARSED, ROWS, TARGETS, type TableEvent, type TableHistory } from "./table-histories.ts";

// --- the table -----------------------------------------------------------------------------------------------------------

/** What a history has led to. */
class Wanted {
  readonly chains = new Map<string, readonly number[]>();
  readonly rows = new Map<number, KeyRow>();
  readonly shared = new Map<string, Extract<TableEvent, { kind: "shared" }>>();
  own: Extract<TableEvent, { kind: "own" }> = { kind: "own", rows: [], blocks: 0 };
  timeoutSeconds = 60;
  isThere = false;

  /** The table without elements of owners. */
  empty(): Table | undefined {
    if (!this.isThere) return undefined;
    const { family, name, sets, maps } = PARSED.table;
    const { rows, blocks } = this.own;
    const ownRows = rows.map(
      (n): MapElement => ({
        key: serviceKey(ROWS + n),
        value: { kind: "jump", chain: TARGETS[n % TARGETS.length] ?? "" },
      }),
    );
    const ownBlocks = Array.from({ length: blocks }, (_, i): SetElement => ({ key: [blockAt(i, 0)] }));
    const elements = new Map<string, readonly SetElement[]>([
      ["services", ownRows],
      ["blocks", ownBlocks],
    ]);
    const withOwn = <Declared extends SetDeclaration>(declared: Declared): Declared => ({
      ...declared,
      ...(declared.dynamic && { timeoutSeconds: this.timeoutSeconds }),
      elements: elements.get(declared.name) ?? [],
    });
    const chains = [...this.chains].map(([chain, rules]) => chainOf(chain, PARSED.rulesOf(chain, rules)));
    return { family, name, sets: sets.map(withOwn), maps: maps.map(withOwn), chains };
  }

  /** What an owner has. */
  elementsOf(owner: number): OwnedElements {
    const maps = new Map<string, MapElement[]>();
    const sets = new Map<string, SetElement[]>();
    const wantedBy = new Map<string, Map<number, SetElement>>();
    const add = <Element>(to: Map<string, Element[]>, name: string, ...elements: readonly Element[]): void => {
      if (elements.length > 0) to.set(name, [...(to.get(name) ?? []), ...elements]);
    };
    for (const [n, each] of [...this.rows].sort(([a], [b]) => a - b)) {
      if (n % OWNERS !== owner) continue;
      const comment = each.hasComment ? { comment: `row ${n}` } : {};
      const key = serviceKey(n);
      const [address, , port] = key;
      add(maps, each.map, { key: each.map === "node-ports" ? nodePortKey(n) : key, value: each.verdict, ...comment });
      const numbers = Array.from({ length: each.endpoints }, (_, i) => i);
      add(
        maps,
        "endpoints",
        ...numbers.map((i): MapElement => ({ key: [address, port, i], value: [endpoint(n + i), 8080] })),
      );
      if (n % 2 === 0) {
        const slots = numbers.filter((i) => i < 2);
        add(maps, "slots", ...slots.map((i): MapElement => ({ key: [address, i], value: [2 * n + i] })));
        add(maps, "sticky", ...slots.map((i): MapElement => ({ key: [2 * n + i], value: [endpoint(n + i), 8080] })));
      }
      const [first, count] = each.sources;
      add(
        sets,
        "sources",
        ...Array.from({ length: count }, (_, i): SetElement => ({ key: [...key, blockAt(first + i, 1)], ...comment })),
      );
    }
    for (const { set, first, count } of [...this.shared.values()].filter((one) => one.owner === owner))
      for (let i = first; i < first + count; i++)
        getOrMake(wantedBy, set, () => new Map()).set(i, {
          key: set === "addresses" ? [address(i)] : [endpoint(i), endpoint(i)],
          comment: `of ${owner}`,
        });
    return { maps, sets, shared: wantedBy };
  }

  /** The table with all elements. */
  whole(): Table | undefined {
    const empty = this.empty();
    if (empty === undefined) return undefined;
    return withElements(
      empty,
      OWNER_NAMES.map((_, owner) => this.elementsOf(owner)),
    );
  }
}

/** `table` with what its owners have, in their order. */
export function withElements(table: Table, owners: readonly OwnedElements[]): Table {
  const withAll = <Declared extends SetDeclaration>(declared: Declared, kind: "maps" | "sets"): Declared => {
    const all: SetElement[] = [...declared.elements, ...owners.flatMap((each) => each[kind].get(declared.name) ?? [])];
    const names = new Set<string>();
    const wanted = owners.flatMap((each) => [...(each.shared.get(declared.name)?.values() ?? [])]);
    const firsts = wanted.filter(({ key }) => !names.has(keyTextOf(key)) && names.add(keyTextOf(key)));
    return { ...declared, elements: [...all, ...firsts] };
  };
  return {
    ...table,
    sets: table.sets.map((set) => withAll(set, "sets")),
    maps: table.maps.map((map) => withAll(map, "maps")),
  };
}

const OWNER_NAMES: readonly string[] = ["a", "b", "c"];

function chainOf(name: string, rules: readonly Rule[]): Chain {
  if (name !== "pre" && name !== "out") return { kind: "regular", name, rules };
  const hook = name === "pre" ? "prerouting" : "output";
  return { kind: "base", name, type: "nat", hook, priority: -100, policy: "accept", rules };
}

const address = (n: number): number => ipv4("10.96.0.0") + n;
const endpoint = (n: number): number => ipv4("10.180.0.0") + 7 * n;

/** Two of them are at one address. */
const serviceKey = (n: number): [number, number, number] => [
  address(n >> 1),
  n % 5 === 0 ? 17 : 6,
  n % 2 === 0 ? 80 : 443,
];
const nodePortKey = (n: number): [number, number] => [n % 5 === 0 ? 17 : 6, 30000 + n];

/** Blocks of several sizes that do not overlap; `bits`: of the smallest ones. */
function blockAt(n: number, bits: number): { readonly from: number; readonly to: number } {
  const from = ipv4("10.0.0.0") + n * 4096;
  return { from, to: from + 2 ** (bits + 3 * (n % 4)) - 1 };
}

// --- what follows --------------------------------------------------------------------------------------------------------

/** The chains that follow a table. */
export class FollowingChains {
  readonly chains = new Map<string, readonly Rule[]>();
  /** Those of which something has been told. */
  readonly told: string[] = [];
  readonly table: UnfoldedTable;

  constructor(Followed: typeof UnfoldedTable, family: Table["family"] = "ip") {
    this.table = new Followed(family, {
      made: (name, rules) => {
        this.told.push(name);
        this.chains.set(name, rules);
      },
      gone: (name) => {
        if (this.chains.delete(name)) this.told.push(name);
      },
    });
  }

  /** One that has never followed another table. */
  static of(wanted: Wanted, Followed: typeof UnfoldedTable): FollowingChains {
    const made = new FollowingChains(Followed);
    for (const [owner, name] of OWNER_NAMES.entries()) made.table.put(name, wanted.elementsOf(owner));
    made.table.setTable(wanted.empty());
    made.table.settle();
    return made;
  }
}

/** How the chains that follow a history differ from those of the whole table, and at the end from those of one that has followed nothing else;
 *  undefined: not at all. */
export function tableDisagreement(events: TableHistory, Followed = UnfoldedTable): string | undefined {
  try {
    return disagreement(events, Followed);
  } catch (error) {
    return String(error);
  }
}

function disagreement(events: TableHistory, Followed: typeof UnfoldedTable): string | undefined {
  const wanted = new Wanted();
  const followed = new FollowingChains(Followed);
  const { table, told, chains } = followed;
  const waiting = new Set<number>();
  for (const [at, event] of events.entries()) {
    if (event.kind !== "row") {
      for (const owner of waiting) table.put(OWNER_NAMES[owner] ?? "", wanted.elementsOf(owner));
      waiting.clear();
    }
    switch (event.kind) {
      case "settle": {
        table.settle();
        const found =
          differenceOf(wanted.whole(), followed) ?? differenceOfAll(FollowingChains.of(wanted, Followed), followed);
        if (found !== undefined) return `event ${at}: ${found}`;
        told.length = 0;
        table.settle();
        if (told.length > 0) return `event ${at}: made again without a change: ${told.join()}`;
        break;
      }
      case "row":
        if (event.row === undefined) wanted.rows.delete(event.number);
        else wanted.rows.set(event.number, event.row);
        waiting.add(event.number % OWNERS);
        break;
      case "shared":
        wanted.shared.set(`${event.owner} ${event.set}`, event);
        waiting.add(event.owner);
        break;
      case "reset":
        wanted.rows.clear();
        wanted.shared.clear();
        table.reset();
        break;
      default:
        if (event.kind === "own") wanted.own = event;
        else if (event.kind === "timeout") wanted.timeoutSeconds = event.seconds;
        else if (event.kind === "table") wanted.isThere = event.isThere;
        else if (event.rules === undefined) wanted.chains.delete(event.name);
        else wanted.chains.set(event.name, event.rules);
        table.setTable(wanted.empty());
    }
  }
  table.setTable(undefined);
  table.settle();
  return chains.size === 0 ? undefined : `without a table there is ${[...chains.keys()].join()}`;
}

/** Chains that nothing leads to are there too: what they do was asked for. */
function differenceOfAll({ chains: right }: FollowingChains, { chains: found }: FollowingChains): string | undefined {
  const more = [...found.keys()].filter((name) => !right.has(name));
  // Of a key that stands before a tree it is asked what is behind, the last time where it may stand in the tree again: that stays for a while.
  if (!more.some((name) => BEHIND_A_RULE.test(name))) return firstDifference(right, found);
  return firstDifference(right, new Map([...found].filter(([name]) => right.has(name))));
}

/** The name of a chain that goes on behind a rule, or of a tree in one. */
const BEHIND_A_RULE = /^[\w-]+\+[1-9]\d*(?:| \([^)]+\)| .*from [1-9].*)$/;

/** How the chains that follow a table differ from those of the whole one; undefined: not at all. */
export function differenceOf(whole: Table | undefined, { table, chains }: FollowingChains): string | undefined {
  const { program } = unfoldLookups({ ruleset: { tables: whole === undefined ? [] : [whole] }, routes: [] });
  const [right] = program.ruleset.tables;
  const all = [...chains].map(([name, rules]): Chain => ({ kind: "regular", name, rules }));
  const bases = all.filter(({ name }) => table.baseChains.some((base) => base.name === name));
  const used = [...new ChainGraph({ chains: all, maps: [] }).reachableFrom(bases)];
  const rulesOf = (list: readonly Chain[]): ReadonlyMap<string, readonly Rule[]> =>
    new Map(list.map(({ name, rules }) => [name, rules]));
  for (const set of right?.sets ?? [])
    if (!isSame(table.dynamicSets.get(set.name), set)) return `set ${set.name} is another one`;
  return firstDifference(rulesOf(right?.chains ?? []), rulesOf(used));
}

function firstDifference(
  wanted: ReadonlyMap<string, readonly Rule[]>,
  found: ReadonlyMap<string, readonly Rule[]>,
): string | undefined {
  for (const name of new Set([...wanted.keys(), ...found.keys()]))
    if (!isSame(wanted.get(name), found.get(name)))
      return `chain ${name}\nwanted ${textOf(wanted.get(name))}\nfound ${textOf(found.get(name))}`;
  return undefined;
}

function textOf(rules: readonly Rule[] | undefined): string {
  return rules === undefined ? "nothing" : rules.map((rule) => printRule(rule, "ip")).join("\n");
}
