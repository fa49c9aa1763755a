import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import { differenceOf, isEmptyChange, isOfElements } from "../../compiler/ir/table-change.ts";
import type { Table, TableFamily } from "../../compiler/ir/types.ts";
import { applyChange } from "../support/apply-change.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { mustCompile, printNft } from "../support/compile.ts";
import { mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";
import { COUNTED } from "../support/sizes.ts";

const FAMILIES = ["ip", "ip6"] as const satisfies readonly TableFamily[];

function tableOf(world: ClusterInput, family: TableFamily): Table | undefined {
  const table = mustCompile(world).program.ruleset.tables.find((each) => each.family === family);
  if (table === undefined) return undefined;
  const { retired: _, ...there } = table;
  return there;
}

function normal(table: Table | undefined): object {
  return normaliseProgram({ ruleset: { tables: table === undefined ? [] : [table] }, routes: [] });
}

test("the difference, applied to the first table, gives the second", () => {
  let ofElements = 0;
  fc.assert(
    fc.property(cluster, cluster, fc.nat({ max: 5 }), fc.nat(), (first, other, what, index) => {
      // With the settings of the first more often only elements differ, and with its objects more often still.
      const { mode, proxy, objects } = first;
      const others = objects.filter(({ kind }) => kind !== "Node");
      const without = objects.filter((object) => object !== others[index % Math.max(others.length, 1)]);
      const second = what === 0 ? other : { ...other, mode, proxy, objects: what === 1 ? other.objects : without };
      for (const family of FAMILIES) {
        const [before, after] = [tableOf(first, family), tableOf(second, family)];
        const change = differenceOf(before, after);
        if (change !== undefined && isOfElements(change)) ofElements++;
        expect(change !== undefined && isEmptyChange(change)).toBe(false);
        expect(normal(change === undefined ? before : applyChange(before, change))).toEqual(normal(after));
        expect(differenceOf(after, after)).toBeUndefined();
        if (change === undefined || change.table === "deleted") continue;
        // The way back, too.
        const back = differenceOf(after, before);
        expect(normal(back === undefined ? after : applyChange(after, back))).toEqual(normal(before));
      }
    }),
    { numRuns: Math.max(20, runs(800)) },
  );
  expect(ofElements).toBeGreaterThan(0);
});

test("a table that is read back does not differ", () => {
  fc.assert(
    fc.property(cluster, (world) => {
      const { tables } = mustReadNft(printNft(mustCompile(world).program)).ruleset;
      for (const family of FAMILIES)
        expect(
          differenceOf(
            tables.find((table) => table.family === family),
            tableOf(world, family),
          ),
        ).toBeUndefined();
    }),
    { numRuns: runs(200) },
  );
});

describe("what others did to a table is undone", () => {
  const TABLE = "type ipv4_addr : verdict; elements = { 10.0.0.1 : goto one, 10.0.0.2 : drop }";
  const read = (body: string, head = ""): Table => {
    const [table] = mustReadNft(`table ip kpc {\n${head}\n${body}\n}`).ruleset.tables;
    return table ?? expect.fail("a table");
  };
  const want = read(`map m { ${TABLE} }
    chain one { accept; }
    chain base { type filter hook input priority 0; policy accept; ip saddr vmap @m; }`);
  const rows: Readonly<Record<string, readonly [there: Table, commands: string]>> = {
    "nothing is there": [
      { ...want, maps: [], chains: [] },
      `add map ip kpc m { type ipv4_addr : verdict; }
add chain ip kpc one
add chain ip kpc base { type filter hook input priority filter; policy accept; }
flush chain ip kpc one
flush chain ip kpc base
add rule ip kpc one accept
add rule ip kpc base ip saddr vmap @m
add element ip kpc m { 10.0.0.1 : goto one, 10.0.0.2 : drop }
`,
    ],
    "an element has another value, one is missing, one is too many": [
      read(`map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept, 10.0.0.3 : drop } }
        chain one { accept; }
        chain base { type filter hook input priority 0; policy accept; ip saddr vmap @m; }`),
      `delete element ip kpc m { 10.0.0.1, 10.0.0.3 }
add element ip kpc m { 10.0.0.1 : goto one, 10.0.0.2 : drop }
`,
    ],
    "rules, chains, sets and counters of others": [
      read(`counter c { packets 0 bytes 0 }
        ct helper h { type "ftp" protocol tcp; l3proto ip; }
        set theirs { type ipv4_addr; elements = { 10.9.9.9 } }
        map m { ${TABLE} }
        chain one { ip saddr @theirs jump two; accept; }
        chain two { drop; }
        chain base { type filter hook input priority 0; policy accept; ip saddr vmap @m; }`),
      `add chain ip kpc one
flush chain ip kpc one
add rule ip kpc one accept
flush chain ip kpc two
delete set ip kpc theirs
delete chain ip kpc two
delete counter ip kpc c
delete ct helper ip kpc h
`,
    ],
    "a rule with a chain in it": [
      read(`map m { ${TABLE} }
        chain one { jump { drop; }; accept; }
        chain base { type filter hook input priority 0; policy accept; ip saddr vmap @m; }`),
      `add chain ip kpc one
flush chain ip kpc one
add rule ip kpc one accept
`,
    ],
    "the table sleeps": [{ ...want, dormant: true }, "add table ip kpc\n"],
    "the table sleeps, and has no chains": [
      { ...want, dormant: true, maps: [], chains: [] },
      `delete table ip kpc
add table ip kpc
add map ip kpc m { type ipv4_addr : verdict; }
add chain ip kpc one
add chain ip kpc base { type filter hook input priority filter; policy accept; }
flush chain ip kpc one
flush chain ip kpc base
add rule ip kpc one accept
add rule ip kpc base ip saddr vmap @m
add element ip kpc m { 10.0.0.1 : goto one, 10.0.0.2 : drop }
`,
    ],
    "a set has other types": [
      read(`map m { type inet_service : verdict; elements = { 80 : drop } }
        chain one { accept; }
        chain base { type filter hook input priority 0; policy accept; th dport vmap @m; }`),
      `delete table ip kpc
add table ip kpc
add map ip kpc m { type ipv4_addr : verdict; }
add chain ip kpc one
add chain ip kpc base { type filter hook input priority filter; policy accept; }
flush chain ip kpc one
flush chain ip kpc base
add rule ip kpc one accept
add rule ip kpc base ip saddr vmap @m
add element ip kpc m { 10.0.0.1 : goto one, 10.0.0.2 : drop }
`,
    ],
  };

  test.each(Object.entries(rows))("%s", (_, [there, commands]) => {
    const change = differenceOf(there, want) ?? expect.fail("no difference");
    expect(printChange(change)).toBe(commands);
    expect(normal(applyChange(there, change))).toEqual(normal(want));
  });

  test("a chain has another hook, or another policy", () => {
    for (const hook of ["hook forward priority 0; policy accept;", "hook input priority 0; policy drop;"]) {
      const there = read(`map m { ${TABLE} }
        chain one { accept; }
        chain base { type filter ${hook} ip saddr vmap @m; }`);
      expect(differenceOf(there, want)?.table).toBe("remade");
    }
  });

  test("clients that are remembered stay", () => {
    const sticky = COUNTED["endpoints with session affinity"]?.(1) ?? expect.fail("nothing counts sticky endpoints");
    const table = tableOf({ ...sticky, mode: "nftables" }, "ip") ?? expect.fail("no table");
    const filled = {
      ...table,
      sets: table.sets.map((set) => (set.dynamic ? { ...set, elements: [{ key: [1, 2] }] } : set)),
    };
    expect(filled.sets.some(({ elements }) => elements.length > 0)).toBe(true);
    expect(differenceOf(filled, table)).toBeUndefined();
  });
});
