/** On which lists and buckets of a program it depends what becomes of packets, and what they are called. */
import { describe, expect, test } from "vitest";
import { type ListUse, listUseOf, onlyFills } from "../../../compiler/evaluate/list-use.ts";
import { type Entered, enter, enteredInto, Lists, recall } from "../../../compiler/evaluate/memory.ts";
import type { AskedSet, Program, Step, Table } from "../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const SETS = `map m { type ipv4_addr : mark; flags dynamic,timeout; timeout 20s; }
  set d { type ipv4_addr; flags dynamic; }
  set e { type ipv4_addr; flags dynamic,timeout; timeout 30s; }`;

const table = (name: string, rules: string, chain = "c"): string =>
  `table ip ${name} { ${SETS}\n chain ${chain} { type filter hook forward priority 0; ${rules.replaceAll("; ", "\n")}\n } }\n`;

const testedIn = ({ ruleset }: Program): string[] => [...new Lists(ruleset.tables).tested].sort();

test.each<[rules: string, tested: string[]]>([
  ["add @d { ip saddr }", []],
  ["ip saddr @d drop", []],
  ["add @d { ip saddr }; ip saddr @e drop", []],
  ["add @d { ip saddr }; ip saddr @d drop", ["@d"]],
  ["ip saddr @d drop; add @d { ip saddr }", ["@d"]],
  ["delete @d { ip saddr }; ip saddr @d drop", ["@d"]],
  ["update @e { ip saddr }; ip saddr @e accept", ["@e (30 s)"]],
  ["add @d { ip saddr }; ip saddr @d", []],
  ["add @d { ip saddr }; meta mark set 1 ip saddr @d", []], // it has done so before it asks
  ["meta mark set 1 limit rate 1/second", []],
  ["meta mark set 1 limit rate 1/second drop", ["limit rate 1/second"]],
  ["add @d { ip saddr }; ip saddr @d counter", []],
  ["add @d { ip saddr }; ip saddr @d tcp dport 80", []],
  ["add @d { ip saddr }; ip saddr @d iifname eth*", []],
  ["add @d { ip saddr }; ip saddr @d ip daddr { 10.0.0.1, 10.0.0.9 }", []],
  ["add @d { ip saddr }; ip saddr @d meta mark set 1", ["@d"]],
  ["add @d { ip saddr }; ip saddr @d reject", ["@d"]],
  ["add @d { ip saddr }; ip saddr @d add @e { ip saddr }", ["@d"]],
  ["add @d { ip saddr }; ip saddr != @d tcp dport 80 drop", ["@d"]],
])("%s: %j", (rules, tested) => {
  expect(testedIn(mustReadNft(table("t", rules)))).toEqual(tested);
});

test("a list of a second table is called by that", () => {
  const rules = "add @d { ip saddr }; ip saddr @d drop";
  expect(testedIn(mustReadNft(table("t", rules) + table("u", rules)))).toEqual(["@d", "@d of table ip u"]);
});

test.each(["kpc", "kube-proxy"])("session affinity of %s is none", (name) => {
  expect(testedIn(mustReadNft(table(name, "add @d { ip saddr }; ip saddr @d drop")))).toEqual([]);
});

describe("buckets", () => {
  const LIMIT = "-m limit --limit 5/sec";
  const iptables = (...rules: readonly string[]): Program =>
    mustReadIptables(["*filter", ":A - [0:0]", ...rules, "COMMIT", ""].join("\n"), "ip");

  test.each<[what: string, rules: string[], tested: string[]]>([
    ["one that decides", [`-A FORWARD ${LIMIT} -j DROP`], [LIMIT]],
    ["one that decides nothing", [`-A FORWARD ${LIMIT}`], []],
    [
      "two of one text in one chain",
      [`-A FORWARD ${LIMIT} -j DROP`, `-A FORWARD -p tcp ${LIMIT} -j ACCEPT`],
      [LIMIT, `${LIMIT} (in FORWARD)`],
    ],
    [
      "of rules of one shape each has its own",
      [1, 2, 3, 4].map((n) => `-A FORWARD -s 10.0.0.${n}/32 ${LIMIT} -j DROP`),
      [LIMIT, ...[1, 2, 3].map((n) => `${LIMIT} (in FORWARD${n === 1 ? "" : `, ${n}`})`)],
    ],
    [
      "of two chains the first by name has the text",
      [`-A FORWARD ${LIMIT} -j DROP`, `-A A ${LIMIT} -j DROP`],
      [LIMIT, `${LIMIT} (in FORWARD)`],
    ],
  ])("%s", (_, rules, tested) => {
    expect(testedIn(iptables(...rules))).toEqual(tested);
  });
});

test.each<[text: string, use: ListUse | undefined]>([
  ["add @d { ip saddr limit rate 1/second }", { list: "@d", tests: true, fills: true }],
  ["update @d { ip saddr counter }", { list: "@d", tests: true, fills: true }],
  ["add @d", undefined],
  ["-m recent --set --name R --rsource", { list: "list R", tests: false, fills: true }],
  ["-m recent --rcheck --seconds 60", { list: "list DEFAULT", tests: true, fills: false }],
  ["-m recent --update --name R", { list: "list R", tests: true, fills: true }],
  ["-m recent ! --remove --name R", { list: "list R", tests: true, fills: true }],
  ["-m recent --settle --name R", { list: "list R", tests: false, fills: false }],
  ["-m set --match-set s src", { list: "ipset s", tests: true, fills: false }],
  ["-m set ! --match-set s src,dst", { list: "ipset s", tests: true, fills: false }],
  ["-m set --match-set", undefined],
  ["-j SET --add-set s src", { list: "ipset s", tests: false, fills: true }],
  ["-j SET --exist --del-set s src", { list: "ipset s", tests: false, fills: true }],
  ["-j SET --map-set s src", { list: "ipset s", tests: false, fills: true }],
  ["-j SET --other s", undefined],
  ["-m limit --limit 5/sec", undefined],
])("%s uses the list %j", (text, use) => {
  expect(listUseOf({ kind: "opaque", text, negated: false })).toEqual(use);
  const fillsOnly = use?.fills === true && !use.tests;
  expect(onlyFills({ kind: "opaque", text, negated: false })).toBe(fillsOnly);
  const statement = { kind: "opaque-statement", text, terminal: false, writes: [] } as const;
  const asStatement = text.includes(" @d {") ? { list: "@d", tests: false, fills: true } : use;
  expect(listUseOf(statement)).toEqual(asStatement);
  expect(onlyFills(statement)).toBe(false);
});

/** Steps that are not understood, each a rule of its own, in front of a verdict. */
function opaque(name: string, ...chains: readonly (readonly string[])[]): Table {
  const { ruleset } = mustReadNft(`table ip ${name} { ${SETS} }\n`);
  const own = ruleset.tables[0] as Table;
  const verdict: Step = { kind: "verdict", verdict: { kind: "drop" } };
  const step = (text: string): Step =>
    text.startsWith("=") ? statement(text.slice(1)) : { kind: "opaque", text, negated: false };
  const ruleOf = (text: string) => ({
    steps: text.endsWith(" go on") ? [step(text.slice(0, -" go on".length))] : [step(text), verdict],
  });
  return {
    ...own,
    chains: chains.map((rules, i) => ({ kind: "regular", name: `c${i}`, rules: rules.map(ruleOf) }) as const),
  };
}

const statement = (text: string): Step => ({ kind: "opaque-statement", text, terminal: false, writes: [] });

describe("what the names of lists are, and what is done to them", () => {
  test.each<[tested: readonly string[], tables: readonly Table[]]>([
    [["limit x"], [opaque("t", ["limit name x"], ["limit name x over"])]],
    [
      ["limit x", "limit x of table ip u"],
      [opaque("t", ["limit name x"]), opaque("u", ["limit name x"])],
    ],
    [
      ["hashlimit x"],
      [opaque("t", ["-m hashlimit --hashlimit-name x"]), opaque("u", ["-m hashlimit --hashlimit-name x"])],
    ],
    // Chains by name, whichever table they are of.
    [
      ["quota over 1 bytes", "quota over 1 bytes (in c1)"],
      [opaque("t", [], ["quota over 1 bytes"]), opaque("u", ["quota over 1 bytes"])],
    ],
    [[], [opaque("t", ["limit rate 1/second go on"])]],
    [["limit x"], [opaque("t", ["limit name x go on"])]],
    [["list R"], [opaque("t", ["-m recent --set --name R go on", "-m recent --rcheck --name R"])]],
    [[], [opaque("t", ["-m recent --set --name R go on", "-m recent --rcheck --name R go on"])]],
    [["list R"], [opaque("t", ["-m recent --update --name R go on"])]],
    [[], [opaque("t", ["-m recent --rcheck --name R"])]],
    [["ipset s"], [opaque("t", ["-m set --match-set s src", "=-j SET --add-set s src go on"])]],
    [["@d"], [opaque("t", ["add @d { ip saddr counter }"])]],
    [["@e (30 s)"], [opaque("t", ["add @e { ip saddr counter }"])]],
    [["@m (20 s)"], [opaque("t", ["add @m { ip saddr : 1 }"])]],
    [["@other"], [opaque("t", ["add @other { ip saddr : 1 }"])]],
    [
      ["@d", "@d of table ip u"],
      [opaque("t", ["add @d { ip saddr counter }"]), opaque("u", ["add @d { ip saddr counter }"])],
    ],
    [[], [opaque("kpc", ["=add @d { ip saddr counter }"])]],
  ])("%j", (tested, tables) => {
    expect([...new Lists(tables).tested].sort()).toEqual(tested);
  });

  test.each<[list: string | undefined, fills: boolean | undefined, text: string]>([
    ["list R", true, "-m recent --set --name R"],
    ["list R", false, "-m recent --rcheck --name R"],
    [undefined, undefined, "-m recent --rcheck --name S"],
    ["@d", true, "add @d { ip daddr }"],
    [undefined, undefined, "add @e { ip daddr }"],
  ])("%s, filled %s, by %s", (list, fills, text) => {
    const table = opaque("t", ["-m recent --set --name R", "add @d { ip saddr }"]);
    const use = new Lists([table]).filledBy({ kind: "opaque", text, negated: false }, table);
    expect([use?.list, use?.fills]).toEqual([list, fills]);
  });

  test("a set that is not declared, and one of kpc's own", () => {
    const filled = (name: string, set: string): string | undefined => {
      const own = opaque(name, [`add @${set} { ip saddr counter }`]);
      return new Lists([own]).filledSet(set, own);
    };
    expect(filled("t", "d")).toBe("@d");
    expect(filled("t", "other")).toBe("@other");
    expect(filled("kpc", "d")).toBeUndefined();
  });

  test("rules of two tables that have one text each ask a bucket of their own", () => {
    const text = "quota over 1 bytes";
    const bucketsOf = (...tables: readonly Table[]): (string | undefined)[] => {
      const lists = new Lists(tables);
      return tables.map(({ chains }) => lists.bucketAskedBy(chains[0]?.rules[0]?.steps[0] as Step));
    };
    const [one, other] = [opaque("t", [text]), opaque("u", [text])];
    expect(bucketsOf(one, other)).toEqual([text, `${text} (in c0)`]);
    expect(bucketsOf(one, { ...other, family: "ip6" })).toEqual([text, text]);
  });

  test.each<[isAsked: boolean, last: Partial<Extract<Step, { kind: "opaque-statement" }>>]>([
    [false, {}],
    [true, { terminal: true }],
    [true, { writes: [{ kind: "meta", key: "mark" }] }],
    [true, { text: "-j SET --add-set s src" }],
    [false, { text: "-j SET --other s" }],
  ])("it is %s that a list is asked for by a rule with the statement %j", (isAsked, last) => {
    const table = opaque("t", ["-m recent --set --name R go on"]);
    const steps: Step[] = [{ kind: "opaque", text: "-m recent --rcheck --name R", negated: false }];
    const rules = [...(table.chains[0]?.rules ?? []), { steps: [...steps, { ...statement("-j X"), ...last } as Step] }];
    const lists = new Lists([{ ...table, chains: [{ kind: "regular", name: "c", rules }] }]);
    expect(lists.tested.has("list R")).toBe(isAsked);
  });

  test.each<[list: string | undefined, isEmptied: boolean, set: AskedSet, rules: string]>([
    ["@d", false, "d", "add @d { ip saddr }"],
    ["@d", true, "d", "delete @d { ip saddr }"],
    ["@d", true, "d", "add @d { ip saddr limit rate 1/second }"],
    ["@e (30 s)", false, "e", "update @e { ip saddr }"],
    [undefined, false, "e", "add @d { ip saddr }"],
    [undefined, false, "KUBE-x", "add @d { ip saddr }"],
    ["@m (20 s)", true, "m", "add @m { ip saddr : 1 }"],
    [undefined, false, { key: ["ipv4_addr"], elements: [] }, "add @d { ip saddr }"],
  ])("%s, emptied %s, is the set %j where the rule is %s", (list, isEmptied, set, rules) => {
    const [own] = mustReadNft(table("t", rules)).ruleset.tables;
    const lists = new Lists([own as Table]);
    expect(lists.filledSet(set, own as Table)).toBe(list);
    expect(lists.isEmptied(list ?? "")).toBe(isEmptied);
  });
});

/** `list key there`, as `@d a yes`; `?`: not known. */
function enteredOf(text: string): Entered {
  const [list = "", key = "", there = ""] = text.split(" ");
  return {
    list,
    key: key === "?" ? undefined : key,
    isThere: there === "?" ? undefined : there === "yes",
    text: `${there === "no" ? "delete" : "add"} ${key}`,
  };
}

describe("what was done to lists on the way", () => {
  const EARLIER = "remembered earlier: A in @d";
  test.each<[what: boolean | string, entered: readonly string[], listed?: "listed" | "listed, emptied"]>([
    [true, [], "listed"],
    [true, ["@d b no"], "listed"],
    ["not forgotten: A in @d", [], "listed, emptied"],
    [EARLIER, []],
    [EARLIER, ["@e a yes"]],
    [true, ["@d a yes"]],
    [false, ["@d a no"]],
    [true, ["@d a no", "@d a yes"]],
    [false, ["@d a yes", "@d a no"]],
    [true, ["@d a yes", "@e b no"]],
    // What was done since to another key may have been done to this one.
    [true, ["@d a yes", "@d b yes"]],
    [`${EARLIER} (after add a, delete b)`, ["@d a yes", "@d b no"]],
    [`${EARLIER} (after add a, delete b, add c)`, ["@d a yes", "@d b no", "@d c yes"]],
    [`${EARLIER} (after delete a, add b)`, ["@d a no", "@d b yes"]],
    [`${EARLIER} (after add a, add ?)`, ["@d a yes", "@d ? ?"]],
    [`${EARLIER} (after add a)`, ["@d a ?"]],
    [`${EARLIER} (after delete a, delete b, add a)`, ["@d a no", "@d b no", "@d a ?"]],
    [false, ["@d a no", "@d b no"], "listed, emptied"],
  ])("says %s of a key: %j %s", (what, entered, listed) => {
    expect(recall("@d", "a", "A", listed !== undefined, listed === "listed, emptied", entered.map(enteredOf))).toBe(
      what,
    );
  });

  test.each<[after: readonly string[], before: readonly string[], next: string]>([
    [["@d a yes"], [], "@d a yes"],
    [["@d a yes"], ["@d a yes"], "@d a yes"],
    [["@d a yes", "@d a no"], ["@d a yes"], "@d a no"],
    [["@d a yes", "@d a no", "@d a yes"], ["@d a yes", "@d a no"], "@d a yes"],
    [["@d a yes", "@e a yes"], ["@d a yes"], "@e a yes"],
    [["@d a yes", "@e a no"], ["@d a yes", "@e a no"], "@d a yes"],
  ])("is %j: behind %j %s", (after, before, next) => {
    expect(enter(before.map(enteredOf), enteredOf(next))).toEqual(after.map(enteredOf));
  });

  test.each<[texts: readonly string[], lists: readonly string[]]>([
    [[], []],
    [["add b", "delete a"], ["@d"]],
    [
      ["add b", "delete a", "add a"],
      ["@e", "@d"],
    ],
    [
      ["add b", "delete a", "add a", "add c"],
      ["@f", "@e", "@d"],
    ],
  ])("is told as %j of the lists %j", (texts, lists) => {
    const entered = ["@e a yes", "@d b yes", "@f c yes", "@d a no"].map(enteredOf);
    expect(enteredInto(new Set(lists), entered)).toEqual(texts);
  });
});
