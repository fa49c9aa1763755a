/** What chains that others may have changed make of what was there. */
import { describe, expect, test } from "vitest";
import { type OwnRules, type OwnTables, readOwnTables } from "../../../compiler/formats/iptables/own-rules.ts";
import { compareSuspects, rulesThere, type There, withFound } from "../../../runtime/agent/rules-there.ts";

const A = ["-A KPC-a -p tcp -j KPC-b"];
const B = ["-A KPC-b -j ACCEPT"];
const JUMP = "PREROUTING -j KPC-a";

function nat(chains: Readonly<Record<string, readonly string[]>>, jumps: Readonly<Record<string, number>>): OwnTables {
  const rules: OwnRules = { chains: new Map(Object.entries(chains)), jumps: new Map(Object.entries(jumps)) };
  return new Map([["nat", rules]]);
}

const WANTED = nat({ "KPC-a": A, "KPC-b": B }, { [JUMP]: 1 });

const THERE: readonly There[] = [
  { kind: "read", tables: WANTED },
  { kind: "written", jumps: new Map([["nat", new Map([[JUMP, 1]])]]), since: new Map() },
];

describe.each(THERE)("what was $kind", (there) => {
  test.each<{
    readonly what: string;
    readonly suspects: readonly string[];
    readonly text: string;
    readonly differing: readonly string[];
    readonly now?: OwnTables;
  }>([
    { what: "the same", suspects: ["KPC-b"], text: ":KPC-b - [0:0]\n-A KPC-b -j ACCEPT", differing: [] },
    {
      what: "the same in other words",
      suspects: ["KPC-a"],
      text: ":KPC-a - [0:0]\n:KPC-b - [0:0]\n-A KPC-a -p 6 -j KPC-b",
      differing: [],
    },
    {
      what: "a rule more",
      suspects: ["KPC-b"],
      text: ":KPC-b - [0:0]\n-A KPC-b -j DROP\n-A KPC-b -j ACCEPT",
      differing: ["nat KPC-b"],
      now: nat({ "KPC-a": A, "KPC-b": ["-A KPC-b -j DROP", ...B] }, { [JUMP]: 1 }),
    },
    {
      what: "a chain less",
      suspects: ["KPC-b"],
      text: "",
      differing: ["nat KPC-b"],
      now: nat({ "KPC-a": A }, { [JUMP]: 1 }),
    },
    {
      what: "a chain more",
      suspects: ["KPC-c"],
      text: ":KPC-c - [0:0]",
      differing: ["nat KPC-c"],
      now: nat({ "KPC-a": A, "KPC-b": B, "KPC-c": [] }, { [JUMP]: 1 }),
    },
    { what: "a chain that came and went", suspects: ["KPC-c"], text: "", differing: [] },
    { what: "the same jump", suspects: ["PREROUTING"], text: `-A ${JUMP}\n-A PREROUTING -j ACCEPT`, differing: [] },
    {
      what: "no jump",
      suspects: ["PREROUTING"],
      text: "",
      differing: ["nat PREROUTING"],
      now: nat({ "KPC-a": A, "KPC-b": B }, {}),
    },
    {
      what: "the jump twice",
      suspects: ["PREROUTING"],
      text: `-A ${JUMP}\n-A ${JUMP}`,
      differing: ["nat PREROUTING"],
      now: nat({ "KPC-a": A, "KPC-b": B }, { [JUMP]: 2 }),
    },
    {
      what: "a jump of others",
      suspects: ["OUTPUT"],
      text: "-A OUTPUT -j KPC-b",
      differing: ["nat OUTPUT"],
      now: nat({ "KPC-a": A, "KPC-b": B }, { [JUMP]: 1, "OUTPUT -j KPC-b": 1 }),
    },
  ])("$what", ({ suspects, text, differing, now }) => {
    const read = readOwnTables(`*nat\n${text}\n`);
    const compared = compareSuspects("ip", new Map([["nat", new Set(suspects)]]), read, { there, wanted: WANTED });
    expect(compared.differing).toEqual(differing);
    expect(compared.found && rulesThere(withFound(there, compared.found), WANTED)).toEqual(now);
    expect(rulesThere(there, WANTED)).toEqual(WANTED);
  });
});

test("what is wanted otherwise since it was written is compared with what was written", () => {
  const since = new Map([
    [
      "nat",
      new Map([
        ["KPC-b", ["-A KPC-b -j DROP"]],
        ["KPC-old", undefined],
      ]),
    ],
  ]);
  const there: There = { kind: "written", jumps: new Map(), since };
  const suspects = new Map([["nat", new Set(["KPC-b", "KPC-old"])]]);
  const compare = (text: string): readonly string[] =>
    compareSuspects("ip", suspects, readOwnTables(`*nat\n${text}\n`), { there, wanted: WANTED }).differing;
  expect(compare(":KPC-b - [0:0]\n-A KPC-b -j DROP")).toEqual([]);
  expect(compare(":KPC-b - [0:0]\n-A KPC-b -j ACCEPT")).toEqual(["nat KPC-b"]);
});

describe("what was found", () => {
  const compared = (there: There, suspects: Readonly<Record<string, readonly string[]>>, text: string) =>
    compareSuspects(
      "ip",
      new Map(Object.entries(suspects).map(([table, names]) => [table, new Set(names)])),
      readOwnTables(text),
      {
        there,
        wanted: WANTED,
      },
    );
  const written: There = { kind: "written", jumps: new Map([["nat", new Map([[JUMP, 1]])]]), since: new Map() };

  test("of a whole family stands for all that was known", () => {
    const all = nat({ "KPC-z": [] }, {});
    for (const there of THERE)
      expect(withFound(there, { kind: "all", tables: all })).toEqual({ kind: "read", tables: all });
  });

  test("comes to what was found before", () => {
    const first = compared(written, { nat: ["KPC-a"] }, "*nat").found ?? expect.unreachable("a chain is gone");
    const once = withFound(written, first);
    const then = compared(once, { nat: ["KPC-b"] }, "*nat").found ?? expect.unreachable("a chain is gone");
    const twice = withFound(once, then);
    expect(twice.kind).toBe("written");
    expect(rulesThere(twice, WANTED)).toEqual(nat({}, { [JUMP]: 1 }));
    // Both are known now.
    expect(compared(twice, { nat: ["KPC-a", "KPC-b"] }, "*nat").found).toBeUndefined();
  });

  test("may be of a table that had nothing", () => {
    for (const there of THERE) {
      const { found, differing } = compared(there, { filter: ["KPC-c"] }, "*filter\n:KPC-c - [0:0]\n");
      expect(differing).toEqual(["filter KPC-c"]);
      const now = found && rulesThere(withFound(there, found), WANTED);
      expect(now?.get("filter")).toEqual({ chains: new Map([["KPC-c", []]]), jumps: new Map() });
    }
  });

  test("is of rules of others where a chain of others has them, and of a chain of kpc's where that has", () => {
    const jumps = new Map([["nat", new Map([["KPC-a -j KPC-b", 1]])]]);
    const there: There = { kind: "written", jumps, since: new Map() };
    expect(compared(there, { nat: ["KPC-a"] }, `*nat\n:KPC-a - [0:0]\n${A}`).differing).toEqual([]);
  });
});
