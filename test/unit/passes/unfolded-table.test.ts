/** A table told in its text whose elements come and go: its chains without lookups are those of the whole table at each moment, and those alone are
 *  made again that have to be. */
import { describe, expect, test } from "vitest";
import type { MapElement, Rule, SetElement, Table, Verdict } from "../../../compiler/ir/types.ts";
import { NO_ELEMENTS, type OwnedElements } from "../../../compiler/passes/lookups/owned-elements.ts";
import { UnfoldedTable } from "../../../compiler/passes/lookups/unfolded-table.ts";
import { differenceOf, FollowingChains, withElements } from "../../support/followed-tables.ts";
import { ipv4, ipv6 } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";

/** A table that follows what a test says. */
class Scene {
  private readonly followed: FollowingChains;
  private readonly owners = new Map<string, OwnedElements>();
  private empty: Table | undefined;

  constructor(text: string) {
    const table = tableOf(text);
    this.followed = new FollowingChains(UnfoldedTable, table.family);
    this.set(table);
    this.settle();
  }

  get table(): UnfoldedTable {
    return this.followed.table;
  }

  rulesOf(chain: string): readonly Rule[] {
    return this.followed.chains.get(chain) ?? [];
  }

  /** The table without elements of owners is another one. */
  set(table: Table | undefined): void {
    this.empty = table;
    this.table.setTable(table);
  }

  put(owner: string, elements: OwnedElements): void {
    if (elements === NO_ELEMENTS) this.owners.delete(owner);
    else this.owners.set(owner, elements);
    this.table.put(owner, elements);
  }

  /** All owners are forgotten. */
  reset(): void {
    this.owners.clear();
    this.table.reset();
  }

  /** The names of the chains that were made or went, after it is clear that those that are there are right. */
  settle(): string {
    const { followed, empty } = this;
    this.table.settle();
    const owners = [...this.owners].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, elements]) => elements);
    expect(differenceOf(empty && withElements(empty, owners), followed)).toBeUndefined();
    const told = followed.told.sort().join(", ");
    followed.told.length = 0;
    return told;
  }
}

function tableOf(text: string): Table {
  const [table] = mustReadNft(text).ruleset.tables;
  if (table === undefined) throw new Error("there is one");
  // Where a rule stands in the text is not what the test is about.
  const chains = table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(({ origin: _, ...rule }) => rule) }));
  return { ...table, chains };
}

const MAP = "ip daddr . meta l4proto . th dport vmap";

/** Packets of two interfaces come to a chain whose map leads on. What of `rules` reads the interface decides whether there is one chain for both. */
const byInterface = ({
  chains = 'chain reading { iifname "eth0" accept; } chain plain { ip saddr 10.0.0.1 accept; }',
  elements = "",
}: {
  readonly chains?: string;
  readonly elements?: string;
} = {}): string => `table ip t {
  chain pre {
    type nat hook prerouting priority -100; policy accept;
    iifname "eth0" jump asked
    iifname "eth1" jump asked
  }
  map services { type ipv4_addr . inet_proto . inet_service : verdict; ${elements} }
  map others { type ipv4_addr . inet_proto . inet_service : verdict; }
  ${chains}
  chain asked { ${MAP} @services; ${MAP} @others; }
}`;

/** The map's key number `n`, and its verdict. */
function row(n: number, verdict: Verdict | string): MapElement {
  const value = typeof verdict === "string" ? ({ kind: "jump", chain: verdict } as const) : verdict;
  return { key: [ipv4("10.96.0.0") + n, 6, 80], value };
}

const inMap = (...elements: readonly MapElement[]): OwnedElements => inMaps({ services: elements });

function inMaps(maps: Readonly<Record<string, readonly MapElement[]>>): OwnedElements {
  return { ...NO_ELEMENTS, maps: new Map(Object.entries(maps)) };
}

const inSet = (name: string, ...elements: readonly SetElement[]): OwnedElements => ({
  ...NO_ELEMENTS,
  sets: new Map([[name, elements]]),
});

/** What is told where the names of the chains become those for two interfaces, or again the one for both. */
const RENAMED = "asked, asked (iifname eth0), asked (iifname eth1), plain, plain, pre, pre, reading (iifname eth0)";

/** What is told where an element comes or goes: who asks the map is made again. */
const ASKED = "asked";
const BOTH_ASKED = "asked (iifname eth0), asked (iifname eth1)";

describe("chains have other names where what elements lead to reads more of a packet", () => {
  const plain = inMap(row(1, "plain"));

  test("the first element that leads there comes, others come and go, the last one goes, and all that again", () => {
    const scene = new Scene(byInterface());
    scene.put("a", plain);
    scene.settle();
    for (let i = 0; i < 2; i++) {
      scene.put("b", inMap(row(2, "reading")));
      expect(scene.settle()).toBe(RENAMED);
      scene.put("c", inMap(row(3, "reading")));
      expect(scene.settle()).toBe(BOTH_ASKED);
      scene.put("b", NO_ELEMENTS);
      expect(scene.settle()).toBe(BOTH_ASKED);
      scene.put("c", NO_ELEMENTS);
      expect(scene.settle()).toBe(RENAMED);
    }
  });

  test("an element leads elsewhere, or nowhere", () => {
    const scene = new Scene(byInterface());
    scene.put("a", plain);
    scene.settle();
    for (const verdict of ["plain", { kind: "accept" }] as const) {
      scene.put("b", inMap(row(2, "reading")));
      expect(scene.settle()).toBe(RENAMED);
      scene.put("b", inMap(row(2, verdict)));
      expect(scene.settle()).toBe(RENAMED);
    }
    scene.put("b", inMap(row(2, { kind: "drop" })));
    expect(scene.settle()).toBe(ASKED);
  });

  test("each of two maps leads there", () => {
    const scene = new Scene(byInterface());
    scene.put("a", inMaps({ services: [row(1, "plain")], others: [row(1, "plain")] }));
    scene.settle();
    scene.put("b", inMaps({ services: [row(2, "reading")], others: [row(3, "reading")] }));
    expect(scene.settle()).toBe(RENAMED);
    scene.put("b", inMaps({ others: [row(3, "reading")] }));
    expect(scene.settle()).toBe(BOTH_ASKED);
    scene.put("b", NO_ELEMENTS);
    expect(scene.settle()).toBe(RENAMED);
  });

  test("an element that has no owner leads there", () => {
    const scene = new Scene(byInterface());
    scene.put("a", plain);
    scene.settle();
    scene.set(tableOf(byInterface({ elements: "elements = { 10.96.0.9 . tcp . 80 : jump reading }" })));
    expect(scene.settle()).toBe(RENAMED);
    scene.set(tableOf(byInterface()));
    expect(scene.settle()).toBe(RENAMED);
  });

  test("elements come while there is no table", () => {
    const scene = new Scene(byInterface());
    scene.set(undefined);
    scene.put("a", inMap(row(1, "plain"), row(2, "reading")));
    expect(scene.settle()).toBe("pre");
    scene.set(tableOf(byInterface()));
    expect(scene.settle()).toBe("asked (iifname eth0), asked (iifname eth1), plain, pre, reading (iifname eth0)");
  });

  test("all owners are forgotten", () => {
    const scene = new Scene(byInterface());
    scene.put("a", inMap(row(1, "plain"), row(2, "reading")));
    scene.settle();
    scene.reset();
    scene.put("a", plain);
    expect(scene.settle()).toBe(RENAMED);
    scene.put("b", inMap(row(2, "reading")));
    expect(scene.settle()).toBe(RENAMED);
  });

  test("all owners are forgotten, and nothing comes", () => {
    const scene = new Scene(byInterface({ elements: "elements = { 10.96.0.9 . tcp . 80 : accept }" }));
    scene.put("a", inMap(row(1, "plain"), row(2, "reading")));
    scene.settle();
    scene.reset();
    expect(scene.settle()).toBe(
      "asked, asked (iifname eth0), asked (iifname eth1), plain, pre, pre, reading (iifname eth0)",
    );
  });

  test("all owners are forgotten, and not the elements without owner", () => {
    const scene = new Scene(byInterface({ elements: "elements = { 10.96.0.9 . tcp . 80 : jump reading }" }));
    scene.put("a", inMap(row(1, "plain")));
    scene.settle();
    scene.reset();
    expect(scene.settle()).toBe(
      "asked (iifname eth0), asked (iifname eth0), asked (iifname eth1), plain, pre, pre, reading (iifname eth0), reading (iifname eth0)",
    );
  });

  test("a chain reads the same in another order: no name is another one", () => {
    const rules = ["ip saddr 10.0.0.1 accept;", "tcp dport 80 accept;"];
    const chains = (each: readonly string[]): string => `chain plain { ${each.join(" ")} }`;
    const scene = new Scene(byInterface({ chains: chains(rules) }));
    scene.put("a", inMap(row(1, "plain")));
    scene.settle();
    scene.set(tableOf(byInterface({ chains: chains(rules.toReversed()) })));
    expect(scene.settle()).toBe("asked, plain (dport 80, l4proto 6)");
  });

  test("its rules read it", () => {
    const scene = new Scene(byInterface());
    scene.put("a", plain);
    scene.settle();
    scene.set(tableOf(byInterface({ chains: 'chain reading { } chain plain { iifname "eth0" accept; }' })));
    expect(scene.settle()).toBe("asked, asked (iifname eth0), plain, plain (iifname eth0), pre, pre");
  });

  test("a chain that reads it comes, and none is made again where elements lead to none", () => {
    const scene = new Scene(byInterface({ chains: "" }));
    scene.put("a", inMap(row(1, "plain"), row(2, { kind: "accept" })));
    expect(scene.settle()).toBe("asked, pre");
    scene.set(tableOf(byInterface({ chains: "chain plain { ip saddr 10.0.0.1 accept; }" })));
    expect(scene.settle()).toBe("asked, asked, plain, pre, pre");
    scene.set(tableOf(byInterface()));
    expect(scene.settle()).toBe("");
  });
});

describe("a table is followed", () => {
  test("which is the same: nothing is made again", () => {
    const scene = new Scene(byInterface({ elements: "elements = { 10.96.0.9 . tcp . 80 : jump reading }" }));
    scene.put("a", inMap(row(1, "plain")));
    scene.settle();
    scene.set(tableOf(byInterface({ elements: "elements = { 10.96.0.9 . tcp . 80 : jump reading }" })));
    expect(scene.settle()).toBe("");
  });

  test("which goes: nothing of it is left", () => {
    const scene = new Scene(byInterface());
    expect(scene.table.baseChains.map(({ name }) => name)).toEqual(["pre"]);
    expect(scene.table.chainNamed("plain")?.rules).toHaveLength(1);
    expect(scene.table.settle()).toEqual([]);
    scene.set(undefined);
    expect(scene.settle()).toBe("pre");
    expect(scene.table.settle()).toBeUndefined();
    expect(scene.table.baseChains).toEqual([]);
    expect(scene.table.chainNamed("plain")).toBeUndefined();
  });

  test("which never came: there is nothing", () => {
    const { table } = new FollowingChains(UnfoldedTable);
    expect(table.dynamicSets).toEqual(new Map());
    expect(table.settle()).toBeUndefined();
    expect(table.dynamicSets).toEqual(new Map());
  });

  test("whose elements without owner stand first", () => {
    const blocks = (elements: string): string => `table ip t {
      set blocks { type ipv4_addr; flags interval; ${elements} }
      chain pre { type nat hook prerouting priority -100; policy accept; ip saddr @blocks ip daddr 10.0.0.1 accept; }
    }`;
    const scene = new Scene(blocks("elements = { 10.1.0.0/16 }"));
    scene.put("!", inSet("blocks", { key: [ipv4("10.2.0.1")] }));
    for (const elements of ["", "elements = { 10.3.0.0/16 }"]) {
      expect(scene.settle()).toBe("pre");
      scene.set(tableOf(blocks(elements)));
    }
    expect(scene.settle()).toBe("pre");
  });

  test("whose addresses have 128 bits", () => {
    const scene = new Scene(`table ip6 t {
      map services { type ipv6_addr . inet_proto . inet_service : verdict; }
      set known { typeof ct original ip6 daddr; }
      chain plain { ip6 saddr fd00::1 accept; }
      chain pre {
        type nat hook prerouting priority -100; policy accept;
        ip6 daddr . meta l4proto . th dport vmap @services
        ct original ip6 daddr @known ip6 saddr fd00::2 accept
      }
    }`);
    const addresses = Array.from({ length: 40 }, (_, i) => ipv6("fd00:96::") + BigInt(i) * (1n << 20n));
    scene.put("a", inMap(...addresses.map((each) => ({ ...row(0, "plain"), key: [each, 6, 80] }))));
    scene.put("b", inSet("known", ...addresses.map((each) => ({ key: [each] }))));
    expect(scene.settle()).toMatch(/^plain, pre, pre\+0 .*pre\+1 \(\) fd00:96::1/);
  });

  test("whose rules have no counterpart without lookups", () => {
    const lacking = `table ip t {
      map all { type ipv4_addr : verdict; }
      chain pre { type nat hook prerouting priority -100; policy accept; ip daddr & 255.255.0.0 vmap @all; }
    }`;
    expect(new Scene(lacking).table.settle()?.map(({ message }) => message)).toEqual([
      "chain pre cannot be written for iptables: a verdict map is asked with a key that rules cannot spell out",
    ]);
  });

  test("whose set is declared in another way", () => {
    const seen = (seconds: number, rule: string): string => `table ip t {
      set seen { type ipv4_addr . inet_service; flags dynamic; timeout ${seconds}s; }
      chain other { ip saddr 10.0.0.1 accept; }
      chain pre { type nat hook prerouting priority -100; policy accept; update @seen { ip daddr . tcp dport }; ${rule}; }
    }`;
    const scene = new Scene(seen(60, "jump other"));
    scene.set(tableOf(seen(90, "jump other")));
    expect(scene.settle()).toBe("other, other, pre, pre");
    scene.set(tableOf(seen(90, "goto other")));
    expect(scene.settle()).toBe("pre");
  });
});

test("keys of a tree from whose chains packets come back stand before it, one or more, as long as they do", () => {
  const scene = new Scene(`table ip t {
    map services { type ipv4_addr . inet_proto . inet_service : verdict; }
    chain plain { ip saddr 10.0.0.1 accept; }
    chain pre { type nat hook prerouting priority -100; policy accept; ${MAP} @services; ip saddr 10.0.0.2 drop; }
  }`);
  const staying = Array.from({ length: 30 }, (_, n) => row(n, "plain"));
  const before = (...places: readonly number[]): OwnedElements =>
    inMap(...staying.map((each, n) => (places.includes(n) ? row(n, { kind: "goto", chain: "plain" }) : each)));
  for (const places of [[], [7], [], [7], [7, 20], [20], [4], []]) {
    scene.put("a", before(...places));
    scene.settle();
    expect(scene.rulesOf("pre")).toHaveLength(places.length + 2);
  }
});

test.each([
  ["marks", "set s { type mark; }", "meta mark @s accept", 20],
  ["names of interfaces", "set s { type ifname; }", "iifname @s accept", 20],
  ["protocols", "set s { type inet_proto; }", "meta l4proto @s accept", 20],
  ["ports", "set s { type inet_service; }", "tcp dport @s accept", 16],
])(
  "%s, of which one alone is behind each test, stand in a row where the table stays the same",
  (_, set, rule, count) => {
    const scene = new Scene(`table ip t {
    ${set}
    chain pre { type nat hook prerouting priority -100; policy accept; ${rule}; ip saddr 10.0.0.2 drop; }
  }`);
    for (const many of [count, 3, count, 0, count]) {
      const keys = Array.from({ length: many }, (_, i) => (set.includes("ifname") ? `eth${i}` : i + 1));
      scene.put("a", inSet("s", ...keys.map((each) => ({ key: [each] }))));
      scene.settle();
      expect(scene.rulesOf("pre")).toHaveLength(many + 1);
    }
  },
);
