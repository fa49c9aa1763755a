/** Which sets and maps are expected, after changes of tables. */
import { expect, test } from "vitest";
import type { ElementsChange, TableChange } from "../../../compiler/ir/table-change.ts";
import { ExpectedElements, kernelDigest } from "../../../runtime/agent/expected-elements.ts";
import { changesBetween } from "../../../runtime/table/change-tables.ts";
import { FakeTables } from "../../support/fake-tables.ts";
import { mustReadNft } from "../../support/read.ts";

const NOTHING = { sets: [], maps: [], chains: [], objects: [] };

/** A change of the table `ip t` or `ip6 t`. */
function change(family: "ip" | "ip6", more: Partial<TableChange>): TableChange {
  return { family, name: "t", table: "kept", sets: [], maps: [], chains: [], elements: [], retired: NOTHING, ...more };
}

function tablesOf(text: string) {
  return mustReadNft(text).ruleset.tables;
}

const BOTH = `table ip t {
  set a { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
  map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept } }
}
table ip6 t {
  set a { type ipv6_addr; elements = { fd00::1 } }
}
`;

function expectedOf(text: string): ExpectedElements {
  const expected = new ExpectedElements();
  for (const each of changesBetween([], tablesOf(text))) expected.apply(each);
  return expected;
}

const counts = (expected: ExpectedElements): object => Object.fromEntries(expected.counts());

test("sets and maps that go are expected no more: one by one, with their table, and when that is made anew", () => {
  expect(counts(expectedOf(BOTH))).toEqual({ "ip a": 2, "ip m": 1, "ip6 a": 1 });
  const retired = expectedOf(BOTH);
  retired.apply(change("ip", { retired: { ...NOTHING, sets: ["a"] } }));
  expect(counts(retired)).toEqual({ "ip m": 1, "ip6 a": 1 });
  retired.apply(change("ip", { retired: { ...NOTHING, maps: ["m"] } }));
  expect(counts(retired)).toEqual({ "ip6 a": 1 });
  for (const table of ["deleted", "remade"] as const) {
    const gone = expectedOf(BOTH);
    gone.apply(change("ip", { table }));
    expect(counts(gone)).toEqual({ "ip6 a": 1 });
  }
  const kept = expectedOf(BOTH);
  kept.apply(change("ip", { table: "added" }));
  expect(counts(kept)).toEqual({ "ip a": 2, "ip m": 1, "ip6 a": 1 });
});

test("of sets that packets fill, or whose keys are intervals, nothing is expected", () => {
  const text = `table ip t {
    set dynamic { type ipv4_addr; flags dynamic; }
    set ranges { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
    set plain { type ipv4_addr; elements = { 10.0.0.1 } }
  }
  `;
  const expected = expectedOf(text);
  expect(counts(expected)).toEqual({ "ip plain": 1 });
  const ranges = tablesOf(text)[0]?.sets.find(({ name }) => name === "ranges") ?? expect.unreachable("it is declared");
  const { elements, ...of } = ranges;
  const removed: ElementsChange = { of, removed: elements, added: [] };
  expected.apply(change("ip", { elements: [removed] }));
  expect(counts(expected)).toEqual({ "ip plain": 1 });
});

test("the kernel holds what is expected, also where it was interrupted while it told", async () => {
  const expected = expectedOf(BOTH);
  const there = new FakeTables();
  await there.runAsOther(changesBetween([], tablesOf(BOTH)));
  const asked: string[] = [];
  const differs = (): Promise<string | undefined> =>
    expected.firstDifference((set) => {
      asked.push(`${set.family} ${set.set}`);
      return kernelDigest(there, set);
    });
  there.interruptions = 2;
  expect(await differs()).toBeUndefined();
  expect(asked).toEqual(["ip a", "ip m", "ip6 a"]);
  await there.runAsOther([change("ip", { retired: { ...NOTHING, maps: ["m"] } })]);
  expect(await differs()).toBe("ip t m");
  // Of no set nothing is told, which is not the digest of one without elements.
  expect(await kernelDigest(there, { family: "ip", table: "t", set: "m" })).toBeUndefined();
});
