/** Random tables whose rules and elements come and go: small ones, in which each kind of lookup is likely, and each kind of thing that may happen to a
 *  packet where one leads, or behind it.
 *  Long because known histories are told in the numbers of the rules that random ones take. */
import fc from "fast-check";
import type { Rule, Verdict } from "../../compiler/ir/types.ts";
import { mustReadNft } from "./read.ts";

// --- rules ---------------------------------------------------------------------------------------------------------------

const SETS = `
map services { type ipv4_addr . inet_proto . inet_service : verdict; }
map local { type ipv4_addr . inet_proto . inet_service : verdict; }
map node-ports { type inet_proto . inet_service : verdict; }
map endpoints { typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport; }
map slots { typeof ip daddr . numgen random mod 65536 : meta priority; }
map sticky { type classid : ipv4_addr . inet_service; }
set addresses { type ipv4_addr; }
set hairpin { type ipv4_addr . ipv4_addr; }
set sources { type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval; }
set blocks { type ipv4_addr; flags interval; }
set seen { type ipv4_addr . inet_service; flags dynamic; timeout 60s; }
`;

const KEY = "ip daddr . meta l4proto . th dport";

/** What a rule of a chain that packets come to first may be. */
const ENTRY_RULES: readonly string[] = [
  `${KEY} vmap @services`,
  `${KEY} vmap @local`,
  "meta l4proto . th dport vmap @node-ports",
  'fib daddr type local meta l4proto . th dport vmap @node-ports comment "node"',
  "ip daddr @addresses jump t0",
  "ip daddr != @addresses jump t1",
  "ip saddr . ip daddr @hairpin masquerade",
  `${KEY} . ip saddr @sources goto t0`,
  `${KEY} . ip saddr @sources ${KEY} vmap @local`,
  "ip saddr @blocks jump t2",
  `ip saddr { ${Array.from({ length: 18 }, (_, i) => `10.${2 * i + 1}.0.0/16`).join(", ")} } jump t2`,
  "ip saddr != { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } jump t2",
  "tcp dport vmap { 80 : jump t1, 443 : accept }",
  'iifname "eth0" jump t0',
  "jump t0",
  "goto t1",
  "accept",
];

/** Those that lead to them. */
const BASE_RULES: readonly string[] = [
  ...ENTRY_RULES,
  "jump entry",
  "goto entry",
  'iifname "eth0" jump entry',
  "meta l4proto tcp jump entry",
  "ip daddr 10.96.0.3 jump entry",
  "ip daddr . tcp dport @seen jump entry",
];

/** What a rule of a chain may be that elements lead to; `next`: the chain behind it. */
const targetRules = (next: string | undefined): readonly string[] => [
  "return",
  "accept",
  "masquerade",
  "ip saddr 10.0.0.0/8 masquerade",
  'iifname "eth0" return',
  "ip daddr 10.96.0.3 accept",
  "tcp dport 80 drop",
  "ip daddr @addresses drop",
  "update @seen { ip daddr . tcp dport }",
  "ip daddr . tcp dport @seen accept",
  "meta l4proto tcp dnat to 10.1.1.1:80",
  "meta priority set ip daddr . numgen random mod 2 map @slots",
  "meta priority set ip daddr . numgen random mod 1 map @slots",
  "dnat ip to meta priority map @sticky",
  // Rules behind know no source that a block may be asked for.
  ...(next === "t1" || next === "t2" ? ["ip saddr @blocks accept"] : []),
  ...(next === undefined
    ? []
    : [`jump ${next}`, `goto ${next}`, `iifname "eth0" goto ${next}`, `ip daddr @addresses jump ${next}`]),
];

export const TARGETS: readonly string[] = ["t0", "t1", "t2", "t3"];

/** What may stand in a chain that picks one of so many endpoints. All ways there know the protocol. */
const pickRules = (count: number): readonly string[] => [
  `dnat ip to ip daddr . tcp dport . numgen random mod ${count} map @endpoints`,
  `dnat ip to ip daddr . tcp dport . numgen random mod ${count} offset 1 map @endpoints`,
  `dnat ip to ip daddr . tcp dport . numgen inc mod ${count} map @endpoints`,
  "ip saddr 10.0.0.0/8 masquerade",
  "jump t2",
];

const PICKS: readonly number[] = [1, 2, 9, 17];

const POOLS: Readonly<Record<string, readonly string[]>> = {
  pre: BASE_RULES,
  out: BASE_RULES,
  entry: ENTRY_RULES,
  ...Object.fromEntries(TARGETS.map((name, i) => [name, targetRules(TARGETS[i + 1])])),
  ...Object.fromEntries(PICKS.map((count) => [`pick-${count}`, pickRules(count)])),
};

const CHAINS: readonly string[] = Object.keys(POOLS);

/** The rules of each pool, and the sets and maps without elements. */
export const PARSED = (() => {
  const chains = Object.entries(POOLS).flatMap(([name, rules]) => [
    `chain ${name} {}`,
    ...rules.map((rule, i) => `chain ${name}-${i} { ${rule}; }`),
  ]);
  const [table] = mustReadNft(`table ip t {\n${SETS}\n${chains.join("\n")}\n}\n`).ruleset.tables;
  if (table === undefined) throw new Error("there is one");
  const rules = new Map(table.chains.map((chain) => [chain.name, withoutOrigin(chain.rules)]));
  return {
    table,
    rulesOf: (name: string, numbers: readonly number[]) => numbers.flatMap((i) => rules.get(`${name}-${i}`) ?? []),
  };
})();

function withoutOrigin(rules: readonly Rule[]): Rule[] {
  return rules.map(({ origin: _, ...rule }) => rule);
}

// --- histories -----------------------------------------------------------------------------------------------------------

/** What becomes of packets to one key. */
export interface KeyRow {
  readonly map: "services" | "local" | "node-ports";
  readonly verdict: Verdict;
  readonly hasComment: boolean;
  readonly endpoints: number;
  /** The first of the blocks of sources that it is for, and how many more there are. */
  readonly sources: readonly [first: number, count: number];
}

export type TableEvent =
  /** The rules of a chain, as numbers of its pool; undefined: there is no such chain. */
  | { readonly kind: "chain"; readonly name: string; readonly rules: readonly number[] | undefined }
  /** Elements that have no owner. */
  | { readonly kind: "own"; readonly rows: readonly number[]; readonly blocks: number }
  | { readonly kind: "timeout"; readonly seconds: number }
  /** Whether there is a table. */
  | { readonly kind: "table"; readonly isThere: boolean }
  | { readonly kind: "reset" }
  | { readonly kind: "row"; readonly number: number; readonly row: KeyRow | undefined }
  /** What an owner wants besides: so many elements from one on. */
  | {
      readonly kind: "shared";
      readonly owner: number;
      readonly set: "addresses" | "hairpin";
      readonly first: number;
      readonly count: number;
    }
  | { readonly kind: "settle" };

export type TableHistory = readonly TableEvent[];

export const ROWS = 44;
export const OWNERS = 3;

const row: fc.Arbitrary<KeyRow> = fc.record({
  map: fc.constantFrom("services" as const, "services" as const, "local" as const, "node-ports" as const),
  verdict: fc.oneof(
    fc.constantFrom<Verdict>({ kind: "accept" }, { kind: "drop" }, { kind: "return" }),
    ...(["jump", "jump", "goto"] as const).map((kind) =>
      fc.constantFrom(...TARGETS, ...PICKS.map((count) => `pick-${count}`)).map((chain): Verdict => ({ kind, chain })),
    ),
  ),
  hasComment: fc.boolean(),
  endpoints: fc.constantFrom(0, 1, 2, 2, 9, 17),
  sources: fc.oneof(
    { weight: 6, arbitrary: fc.constant([0, 0] as const) },
    { weight: 1, arbitrary: fc.tuple(fc.nat({ max: 20 }), fc.constantFrom(1, 3, 17, 18)) },
  ),
});

/** Rules that read nothing of a packet: others change the names of all chains that lead there. */
function plainRules(name: string): fc.Arbitrary<number[]> {
  const plain = [...(POOLS[name] ?? []).entries()].filter(([, rule]) => PLAIN.test(rule)).map(([i]) => i);
  return fc.uniqueArray(fc.constantFrom(...plain), { maxLength: 2 });
}

const PLAIN = /^(?:return|accept|masquerade|jump t\d|goto t\d)$/;

function rulesOf(name: string): fc.Arbitrary<number[]> {
  const any = fc.uniqueArray(fc.nat({ max: (POOLS[name] ?? []).length - 1 }), { maxLength: 3 });
  return TARGETS.includes(name)
    ? fc.oneof({ weight: 1, arbitrary: any }, { weight: 2, arbitrary: plainRules(name) })
    : any;
}

const shared: fc.Arbitrary<TableEvent> = fc.oneof(
  fc.record({
    kind: fc.constant("shared" as const),
    owner: fc.nat({ max: OWNERS - 1 }),
    set: fc.constant("addresses" as const),
    first: fc.nat({ max: 30 }),
    count: fc.constantFrom(0, 2, 10, 16),
  }),
  fc.record({
    kind: fc.constant("shared" as const),
    owner: fc.nat({ max: OWNERS - 1 }),
    set: fc.constant("hairpin" as const),
    first: fc.nat({ max: 40 }),
    count: fc.constantFrom(0, 3, 40, 62),
  }),
);

const oneRow: fc.Arbitrary<TableEvent> = fc.record({
  kind: fc.constant("row" as const),
  number: fc.nat({ max: ROWS - 1 }),
  row: fc.option(row, { nil: undefined, freq: 3 }),
});

const oneChain: fc.Arbitrary<TableEvent> = fc.constantFrom(...CHAINS).chain((name) =>
  fc.record({
    kind: fc.constant("chain" as const),
    name: fc.constant(name),
    rules: fc.option(rulesOf(name), { nil: undefined, freq: 8 }),
  }),
);

const own: fc.Arbitrary<TableEvent> = fc.record({
  kind: fc.constant("own" as const),
  rows: fc.uniqueArray(fc.nat({ max: 19 }), { maxLength: 3 }),
  blocks: fc.constantFrom(0, 2, 16, 17, 20),
});

const SETTLE: TableEvent = { kind: "settle" };

const change: fc.Arbitrary<readonly TableEvent[]> = fc.oneof(
  { weight: 10, arbitrary: fc.array(oneRow, { minLength: 1, maxLength: 3 }) },
  { weight: 4, arbitrary: fc.array(oneChain, { minLength: 1, maxLength: 2 }) },
  { weight: 4, arbitrary: fc.array(shared, { minLength: 1, maxLength: 2 }) },
  { weight: 2, arbitrary: own.map((each) => [each]) },
  { weight: 1, arbitrary: fc.constantFrom(60, 90).map((seconds): TableEvent[] => [{ kind: "timeout", seconds }]) },
  { weight: 1, arbitrary: fc.boolean().map((isThere): TableEvent[] => [{ kind: "table", isThere }]) },
  { weight: 1, arbitrary: fc.tuple(oneRow, oneRow).map((rows): TableEvent[] => [{ kind: "reset" }, ...rows]) },
);

/** So many changes of a table that is there at first. */
export function tableHistory(changes: number): fc.Arbitrary<TableHistory> {
  return fc
    .record({
      chains: fc.tuple(...CHAINS.map(rulesOf)),
      // Few: which chains they lead to changes with each.
      size: fc.constantFrom(3, 10, ROWS, ROWS),
      rows: fc.array(fc.option(row, { nil: undefined, freq: 4 }), { minLength: ROWS, maxLength: ROWS }),
      wanted: fc.array(shared, { maxLength: 3 }),
      steps: fc.array(fc.tuple(change, fc.integer({ min: 0, max: 3 })), { minLength: changes, maxLength: changes }),
    })
    .map(({ chains, size, rows, wanted, steps }) => [
      ...chains.map((rules, i): TableEvent => ({ kind: "chain", name: CHAINS[i] ?? "", rules })),
      ...rows.slice(0, size).map((each, number): TableEvent => ({ kind: "row", number, row: each })),
      ...wanted,
      { kind: "table", isThere: true } as const,
      SETTLE,
      ...steps.flatMap(([events, settles]) => (settles > 0 ? [...events, SETTLE] : events)),
      SETTLE,
    ]);
}

const inEntry = (start: string): number => ENTRY_RULES.findIndex((rule) => rule.startsWith(start));

/** Rules for many keys, with or without work behind them. */
const TREE_RULES: readonly (readonly number[])[] = [
  `${KEY} vmap @services`,
  "ip daddr @addresses jump t0",
  "ip saddr . ip daddr @hairpin masquerade",
  "ip saddr @blocks jump t2",
  `${KEY} . ip saddr @sources goto t0`,
].flatMap((start) => {
  const at = inEntry(start);
  const others = ["ip daddr != @addresses", "jump t0", "ip saddr { 10.1.", "ip daddr @addresses jump t0"].map(inEntry);
  return [[at], ...others.map((other) => [at, other])];
});

const plainRow: fc.Arbitrary<KeyRow> = fc.record({
  map: fc.constant("services" as const),
  verdict: fc
    .tuple(fc.constantFrom("jump" as const, "goto" as const), fc.constantFrom(...TARGETS))
    .map(([kind, chain]): Verdict => ({ kind, chain })),
  hasComment: fc.boolean(),
  endpoints: fc.constant(0),
  sources: fc.constantFrom([0, 0] as const, [0, 0] as const, [0, 0] as const, [3, 18] as const),
});

/** So many changes of a table in which trees stay, while what they lead to changes, and some keys come and go. What chains read of a packet stays
 *  the same: those that are made again have the same names. */
export function treeHistory(changes: number): fc.Arbitrary<TableHistory> {
  const chain = (name: string, rules: readonly number[]): TableEvent => ({ kind: "chain", name, rules });
  const target = fc.constantFrom(...TARGETS).chain((name) => fc.tuple(fc.constant(name), plainRules(name)));
  const key = fc.record({
    kind: fc.constant("row" as const),
    number: fc.nat({ max: ROWS - 1 }),
    row: fc.option(plainRow, { nil: undefined, freq: 2 }),
  });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("target" as const), target }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("order" as const), of: fc.nat({ max: 3 }) }) },
    { weight: 2, arbitrary: key },
    { weight: 2, arbitrary: shared },
    { weight: 1, arbitrary: own },
  );
  return fc
    .record({
      rules: fc.constantFrom(...TREE_RULES),
      holder: fc.constantFrom("pre" as const, "entry" as const),
      targets: fc.tuple(...TARGETS.map(plainRules)),
      // One that all targets have before their own: there is a chain for each key then.
      reading: fc.constantFrom(...[[], [inTarget("ip daddr 10.96.0.3")], [inTarget('iifname "eth0" return')]]),
      rows: fc.array(plainRow, { minLength: ROWS, maxLength: ROWS }),
      steps: fc.array(step, { minLength: changes, maxLength: changes }),
    })
    .map(({ rules, holder, targets, reading, rows, steps }) => {
      const never = inEntry("accept");
      const orders = [rules, rules.toReversed(), [never, ...rules], [...rules, never]];
      return [
        chain(holder, rules),
        ...(holder === "pre" ? [] : [chain("pre", [BASE_RULES.indexOf("jump entry")])]),
        ...targets.map((each, i) => chain(TARGETS[i] ?? "", [...reading, ...each])),
        ...rows.map((each, number): TableEvent => ({ kind: "row", number, row: each })),
        { kind: "shared", owner: 0, set: "addresses", first: 0, count: 16 } as const,
        { kind: "shared", owner: 1, set: "addresses", first: 12, count: 16 } as const,
        { kind: "shared", owner: 2, set: "hairpin", first: 0, count: 66 } as const,
        { kind: "own", rows: [], blocks: 18 } as const,
        { kind: "table", isThere: true } as const,
        SETTLE,
        ...steps.flatMap((each): TableEvent[] => {
          if (each.kind === "target") return [chain(each.target[0], [...reading, ...each.target[1]]), SETTLE];
          if (each.kind === "order") return [chain(holder, orders[each.of] ?? []), SETTLE];
          return [each, SETTLE];
        }),
      ];
    });
}

const inTarget = (start: string): number => targetRules(undefined).findIndex((rule) => rule.startsWith(start));

/** A chain without rules becomes a choice by chance and is none again: where it is one, elements lead to one of their own. */
export const TURNING_CHOICE: TableHistory = [
  { kind: "chain", name: "pre", rules: [0, 17] },
  {
    kind: "row",
    number: 16,
    row: {
      map: "services",
      verdict: { kind: "goto", chain: "pick-17" },
      hasComment: true,
      endpoints: 0,
      sources: [0, 0],
    },
  },
  { kind: "table", isThere: true },
  SETTLE,
  { kind: "chain", name: "pick-17", rules: [2] },
  SETTLE,
  { kind: "chain", name: "pick-17", rules: [2, 3] },
  SETTLE,
];

/** Keys that stand before a tree, since packets came back from where they lead, until that ends for all: who asked was a chain of the tree. */
export const ENDING_LATER: TableHistory = [
  { kind: "chain", name: "pre", rules: [inEntry(`${KEY} . ip saddr @sources goto`), inEntry("jump t0")] },
  { kind: "chain", name: "t0", rules: [inTarget('iifname "eth0" return'), (POOLS["t0"] ?? []).indexOf("jump t1")] },
  { kind: "chain", name: "t1", rules: [inTarget('iifname "eth0" return'), (POOLS["t1"] ?? []).indexOf("goto t2")] },
  { kind: "chain", name: "t2", rules: [inTarget('iifname "eth0" return')] },
  ...[3, 5, 9, 15].map((number): TableEvent => {
    const verdict: Verdict = { kind: "accept" };
    const row: KeyRow = { map: "services", verdict, hasComment: false, endpoints: 0, sources: [3, 18] };
    return { kind: "row", number, row };
  }),
  { kind: "table", isThere: true },
  SETTLE,
  {
    kind: "chain",
    name: "t2",
    rules: [inTarget('iifname "eth0" return'), (POOLS["t2"] ?? []).indexOf("jump t3"), inTarget("accept")],
  },
  SETTLE,
];

/** A tree whose keys become so few that they stand in a row, and many again. */
export const SHRINKING_TREE: TableHistory = [
  { kind: "chain", name: "pre", rules: [inEntry("ip daddr @addresses jump t0")] },
  { kind: "chain", name: "t0", rules: [inTarget("masquerade")] },
  { kind: "table", isThere: true },
  ...[28, 16, 17, 40, 0, 20].flatMap((count): TableEvent[] => [
    { kind: "shared", owner: 0, set: "addresses", first: 0, count },
    SETTLE,
  ]),
];

/** Trees of two rules change places; a tree of a set becomes one of a list in the rule, which has the same name; a chain goes that has trees. */
export const CHANGING_TREES: TableHistory = (() => {
  const [blocks, list, addresses] = ["ip saddr @blocks", "ip saddr { 10.1.", "ip daddr @addresses jump"].map(inEntry);
  const orders = [
    [blocks, addresses],
    [addresses, blocks],
    [blocks, addresses],
    [list, addresses],
    [blocks, addresses],
  ];
  return [
    { kind: "chain", name: "pre", rules: [BASE_RULES.indexOf("jump entry")] },
    { kind: "chain", name: "t0", rules: [inTarget("accept")] },
    { kind: "chain", name: "t2", rules: [inTarget("masquerade")] },
    { kind: "own", rows: [], blocks: 20 },
    { kind: "shared", owner: 0, set: "addresses", first: 0, count: 20 },
    { kind: "table", isThere: true },
    ...orders.flatMap((rules): TableEvent[] => [
      { kind: "chain", name: "entry", rules: rules.map((number) => number ?? 0) },
      SETTLE,
    ]),
    { kind: "chain", name: "pre", rules: [inEntry("accept"), BASE_RULES.indexOf("jump entry")] },
    SETTLE,
  ];
})();

/** Elements are the first and the last ones to lead to a chain that reads the interface, which decides what the chain is called that asks for them. */
export const FIRST_AND_LAST: TableHistory = (() => {
  const row = (number: number, chain: string | undefined): TableEvent => {
    const verdict: Verdict = { kind: "jump", chain: chain ?? "" };
    const row: KeyRow = { map: "services", verdict, hasComment: false, endpoints: 0, sources: [0, 0] };
    return { kind: "row", number, row: chain === undefined ? undefined : row };
  };
  return [
    { kind: "chain", name: "pre", rules: [BASE_RULES.indexOf('iifname "eth0" jump entry')] },
    { kind: "chain", name: "entry", rules: [inEntry(`${KEY} vmap @services`)] },
    { kind: "chain", name: "t0", rules: [inTarget('iifname "eth0" return'), inTarget("masquerade")] },
    { kind: "chain", name: "t1", rules: [inTarget("accept")] },
    { kind: "table", isThere: true },
    ...[row(1, "t1"), row(2, "t0"), row(3, "t0"), row(2, undefined), row(3, undefined), row(2, "t0")].flatMap(
      (each): TableEvent[] => [each, SETTLE],
    ),
  ];
})();
