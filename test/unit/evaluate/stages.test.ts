/** The base chains of a hook, place by place, and the orders that those of one place may run in. */
import { describe, expect, test } from "vitest";
import { Hooks, type Stage } from "../../../compiler/evaluate/hooks.ts";
import type { Hook, Program } from "../../../compiler/ir/types.ts";
import type { Family } from "../../../compiler/net/address.ts";
import { mustReadNft } from "../../support/read.ts";

/** `a: reject` in a table of its own, at forward with priority 0; `a nat prerouting -100: …`, `inet a: …`. */
function tableOf(line: string): string {
  const [, family = "ip", name = "", type = "filter", hook = "forward", priority = "0", rules = ""] =
    /^(?:(ip6?|inet) )?(\w)(?: (\w+) (\w+) (-?\d+))?: ?(.*)$/.exec(line) ?? [];
  return `table ${family} ${name} { ${chainOf(name, type, hook, priority, rules)} }`;
}

function chainOf(name: string, type: string, hook: string, priority: string, rules: string): string {
  return `chain ${name} { type ${type} hook ${hook} priority ${priority}; ${rules} }`;
}

const listing = (...lines: readonly string[]): Program => mustReadNft(lines.map(tableOf).join("\n"));
const file = (...lines: readonly string[]): Program => mustReadNft(["flush ruleset", ...lines.map(tableOf)].join("\n"));

/** `0: b a`; `0: a b if a<b | b a if not a<b`. */
function textOf({ place, orders }: Stage): string {
  const texts = orders.map(({ entries, assumed }) => {
    const names = entries === undefined ? "?" : entries.map(({ chain }) => chain.name).join(" ");
    const conditions = assumed.map(({ text, holds }) => `${holds ? "" : "not "}${short(text)}`);
    return conditions.length === 0 ? names : `${names} if ${conditions.join(", ")}`;
  });
  return `${place}: ${texts.join(" | ")}`;
}

function short(text: string): string {
  return text.replace(/chain (\w) of table \w+ \w/g, "$1").replace(" runs before ", "<");
}

const stagesOf = (program: Program, hook: Hook = "forward", family: Family = "IPv4"): string[] =>
  new Hooks(program).at(family, hook).map(textOf);

describe("chains of a hook", () => {
  const PROGRAM = listing(
    ...["a filter forward 10:", "b filter forward 9:", "c filter forward -9:", "d filter forward 100:"],
    ...["inet e filter forward 11:", "ip6 f filter forward 12:", "g filter input 0:", "h filter prerouting 0:"],
  );
  const DORMANT = mustReadNft(`table ip t { flags dormant; ${chainOf("a", "filter", "forward", "0", "drop")} }`);

  test.each<[what: string, program: Program, hook: Hook, family: Family, stages: string[]]>([
    ["run by priority", PROGRAM, "forward", "IPv4", ["-9: c", "9: b", "10: a", "11: e", "100: d"]],
    ["are those of the family", PROGRAM, "forward", "IPv6", ["11: e", "12: f"]],
    ["are those of the hook", PROGRAM, "input", "IPv4", ["0: g"]],
    ["are none", PROGRAM, "output", "IPv4", []],
    ["are none of a table that is asleep", DORMANT, "forward", "IPv4", []],
  ])("%s", (_, program, hook, family, stages) => {
    const hooks = new Hooks(program);
    expect(hooks.at(family, hook).map(textOf)).toEqual(stages);
    expect(hooks.at(family, hook)).toBe(hooks.at(family, hook));
  });

  test.each<[rules: string, has: boolean]>([
    ["", false],
    ["policy accept;", false],
    ["policy drop;", true],
    ["counter", true],
  ])("may do something to packets: '%s'", (rules, has) => {
    expect(new Hooks(listing(`a: ${rules}`)).hasRules("IPv4", "forward")).toBe(has);
    expect(new Hooks(listing(`a: ${rules}`)).hasRules("IPv4", "input")).toBe(false);
    expect(new Hooks(listing(`ip6 a: ${rules}`)).hasRules("IPv4", "forward")).toBe(false);
  });

  test("make the kernel track connections of their families", () => {
    const hooks = new Hooks(listing("a: ct state new", "ip6 b: drop"));
    expect([hooks.tracksConnections("IPv4"), hooks.tracksConnections("IPv6")]).toEqual([true, false]);
  });
});

describe("of one priority", () => {
  test.each<[what: string, stage: string, lines: readonly string[]]>([
    ["one", "0: a", ["a: drop"]],
    ["of which none does anything", "0: c b a", ["a:", "b:", "c:"]],
    ["that all do the same", "0: c b a", ["a: drop", "b: drop", "c: drop"]],
    ["of which it matters", "0: b a if not a<b | a b if a<b", ["a: drop", "b: reject"]],
    ["in the listing's other order", "0: a b if a<b | b a if not a<b", ["b: reject", "a: drop"]],
    ["of tables of two families", "0: b a if not a<b | a b if a<b", ["ip a: drop", "inet b: reject"]],
    ["of which it matters for two of three", "0: b c a if not a<c | b a c if a<c", ["a: drop", "b:", "c: reject"]],
    [
      "with one that two others bear on",
      "0: c b a if not b<c, not a<b | c a b if not b<c, a<b | b c a if b<c, not a<b | a b c if a<b, b<c",
      ["a: meta mark set 1", "b: meta mark 1 meta priority set 1:1", "c: meta priority 1:1 drop"],
    ],
    [
      "of which it matters for all",
      "0: c b a if not b<c, not a<c, not a<b | c a b if not b<c, not a<c, a<b | b c a if b<c, not a<b, not a<c | b a c if b<c, not a<b, a<c | a c b if a<c, a<b, not b<c | a b c if a<c, a<b, b<c",
      ["a: meta mark set 1", "b: meta mark set 2", "c: meta mark set 3"],
    ],
  ])("in a listing, those %s", (_, stage, lines) => {
    expect(stagesOf(listing(...lines))).toEqual([stage]);
  });

  test.each<[what: string, stage: string, lines: readonly string[]]>([
    ["of two tables", "0: b a", ["a: drop", "b: reject"]],
    ["of three tables", "0: c b a", ["a: meta mark set 1", "b: meta mark set 2", "c: meta mark set 3"]],
  ])("in a file, those %s: the last one runs first", (_, stage, lines) => {
    expect(stagesOf(file(...lines))).toEqual([stage]);
  });

  test("in one table run last first, also in a listing", () => {
    const chain = (name: string, rules: string): string => chainOf(name, "filter", "forward", "0", rules);
    const table = (...chains: string[]): string => `table ip t { ${chains.join(" ")} }`;
    expect(stagesOf(mustReadNft(table(chain("a", "drop"), chain("b", "reject"))))).toEqual(["0: b a"]);
    const two = `${table(chain("a", "drop"), chain("b", "drop"))} ${tableOf("c: reject")}`;
    expect(stagesOf(mustReadNft(two))).toEqual([
      "0: c b a if not b<c, not a<c | b c a if b<c, not a<c | b a c if b<c, a<c",
    ]);
  });

  test.each([
    [4, 24, false],
    [5, 2, true],
  ])("%i of which it matters for all: %i orders are followed", (count, orders, isTooMany) => {
    const lines = [1, 2, 3, 4, 5].slice(0, count).map((mark) => `${"abcde"[mark - 1]}: meta mark set ${mark}`);
    const [stage] = new Hooks(listing(...lines)).at("IPv4", "forward");
    expect(stage?.orders.length).toBe(orders);
    expect(stage?.orders.map(({ entries }) => entries === undefined).includes(true)).toBe(isTooMany);
    if (!isTooMany) return;
    const text = "5 chains of one hook and priority";
    const names = ["e", "d", "c", "b", "a"].map((name) => `chain ${name} of table ip ${name}`).join(", ");
    const assumed = { text: `${text} run in this order: ${names}`, chains: `${text} (${names})` };
    expect(stage?.orders.map((order) => order.assumed)).toEqual([
      [{ ...assumed, holds: true }],
      [{ ...assumed, holds: false }],
    ]);
    expect(stage?.orders[0]?.entries?.map(({ chain }) => chain.name).join("")).toBe("edcba");
  });

  test("of a file and a listing run in either order", () => {
    const programs = [
      file("a: drop", "b: reject"),
      listing("c: meta mark set 1", "d: reject with icmp host-unreachable"),
    ];
    const tables = programs.flatMap(({ ruleset }) => ruleset.tables);
    const [stage] = stagesOf({ ruleset: { tables }, routes: [] });
    expect(stage?.split(" | ").map((text) => text.split(" if ")[0])).toEqual(
      // b runs before a.
      ["0: c d b a", "c b d a", "c b a d"],
    );
  });

  test("that are said to be in some order have both names", () => {
    const [stage] = new Hooks(listing("b: drop", "a: reject")).at("IPv4", "forward");
    const names = stage?.orders.flatMap(({ assumed }) => assumed.map(({ chains }) => chains));
    expect(names).toEqual(Array(2).fill("chain a of table ip a and chain b of table ip b"));
  });
});

describe("NAT chains", () => {
  const DNAT = (name: string, priority = -100): string =>
    `${name} nat prerouting ${priority}: dnat to 10.0.0.${name.charCodeAt(0) - 96}`;
  const FILTER = (name: string, rules = "ip daddr 10.0.0.1 drop"): string => `${name} filter prerouting -100: ${rules}`;
  const OUTPUT = (name: string): string => `${name} nat output -100: dnat to 10.0.0.9`;

  test.each<[what: string, stages: readonly string[], program: Program]>([
    [
      "run by their priorities, from one place",
      ["-100: b c a"],
      listing(DNAT("a", 5), DNAT("b", -199), DNAT("c", -90)),
    ],
    ["of one priority run in either order", ["-100: b a if not a<b | a b if a<b"], listing(DNAT("a"), DNAT("b"))],
    ["of one priority in a file: the last one runs first", ["-100: b a"], file(DNAT("a"), DNAT("b"))],
    [
      "of two priorities with two chains each",
      ["-100: b a d c if not a<b, not c<d | b a c d if not a<b, c<d | a b d c if a<b, not c<d | a b c d if a<b, c<d"],
      listing(DNAT("a"), DNAT("b"), DNAT("c", 5), DNAT("d", 5)),
    ],
    [
      "stand between filters of other priorities",
      ["-300: a", "-100: b", "-90: c"],
      listing("a filter prerouting -300: drop", DNAT("b", -99), "c filter prerouting -90: drop"),
    ],
    ["with a filter at their place", ["-100: b a if not a<b | a b if a<b"], listing(DNAT("a"), FILTER("b"))],
    ["with a filter at their place that does not see them", ["-100: b a"], listing(DNAT("a"), FILTER("b", "counter"))],
    ["with a younger filter", ["-100: b a"], file(DNAT("a"), FILTER("b"))],
    ["with an older filter", ["-100: b a"], file(FILTER("a"), DNAT("b"))],
    ["of which one is older than a filter", ["-100: b c a"], file(DNAT("a"), FILTER("b"), DNAT("c"))],
    [
      "with a filter older than them, but younger than one of another hook",
      ["-100: b c"],
      file(OUTPUT("a"), FILTER("b"), DNAT("c")),
    ],
    [
      "with an older filter, beside a NAT chain of IPv6",
      ["-100: c b"],
      file("ip6 a nat output -100:", FILTER("b"), DNAT("c")),
    ],
    [
      "with a filter younger than one of both families",
      ["-100: b c"],
      file("inet a nat output -100:", FILTER("b"), DNAT("c")),
    ],
    [
      "of both families with a filter younger than one of the packet's family",
      ["-100: b c"],
      file("ip a nat output -100:", FILTER("b"), "inet c nat prerouting -100: dnat ip to 10.0.0.3"),
    ],
    [
      "of both families with a filter younger than one of the other family",
      ["-100: c b"],
      file("ip6 a nat output -100:", FILTER("b"), "inet c nat prerouting -100: dnat ip to 10.0.0.3"),
    ],
    [
      "of which one does something, and a filter",
      ["-100: c a b if not a and b<c | a b c if a and b<c"],
      listing(DNAT("a"), "b nat prerouting 5: counter", FILTER("c")),
    ],
    [
      "around a filter",
      [
        "-100: c a b if not a<c, a and c<b | b c a if not a<c, not a and c<b | a c b if a<c, a and c<b | b a c if a<c, not a and c<b",
      ],
      listing(DNAT("a"), FILTER("b"), DNAT("c")),
    ],
    [
      "two and a filter",
      [
        "-100: c b a if not a<b, not a and b<c | b a c if not a<b, a and b<c | c a b if a<b, not a and b<c | a b c if a<b, a and b<c",
      ],
      listing(DNAT("a"), DNAT("b"), FILTER("c")),
    ],
  ])("%s", (_, stages, program) => {
    expect(stagesOf(program, "prerouting")).toEqual(stages);
  });
});

describe("NAT chains in too many orders", () => {
  const FIVE = ["a", "b", "c", "d", "e"].map(
    (name) => `${name} nat prerouting 0: dnat to 10.0.0.${name.charCodeAt(0)}`,
  );
  const NAMES =
    "chain e of table ip e, chain d of table ip d, chain c of table ip c, chain b of table ip b, chain a of table ip a";
  const SOME = `5 chains of one hook and priority run in this order: ${NAMES}`;

  test.each<[what: string, stage: string, lines: readonly string[]]>([
    ["alone", `-100: edcba if ${SOME} | ? if not ${SOME}`, FIVE],
    ["before another one", `-100: edcbaf if ${SOME} | ? if not ${SOME}`, [...FIVE, "f nat prerouting 1: accept"]],
    ["behind another one", `-100: fedcba if ${SOME} | ? if not ${SOME}`, [...FIVE, "f nat prerouting -1: accept"]],
    [
      "with a filter at their place",
      `-100: fedcba if ${SOME}, not NAT<f | edcbaf if ${SOME}, NAT<f | ? if not ${SOME}`,
      [...FIVE, "f filter prerouting -100: ip daddr 10.0.0.1 drop"],
    ],
  ])("%s", (_, wanted, lines) => {
    const [stage = expect.unreachable()] = new Hooks(listing(...lines)).at("IPv4", "prerouting");
    const texts = stage.orders.map(({ entries, assumed }) => {
      const names = entries?.map(({ chain }) => chain.name).join("") ?? "?";
      const said = assumed.map(
        ({ text, holds }) => `${holds ? "" : "not "}${text.replace(/^.* (?=runs before chain f)/, "NAT ")}`,
      );
      return `${names} if ${said.join(", ").replace(/NAT runs before chain f of table ip f/g, "NAT<f")}`;
    });
    expect(`-100: ${texts.join(" | ")}`).toBe(wanted);
  });
});

describe("chains behind a place", () => {
  const PROGRAM = listing(
    ...["a filter prerouting -300: drop", "b nat prerouting -100: dnat to 10.0.0.1", "c filter prerouting 0: drop"],
    ...[
      "d filter forward 0: drop",
      "e filter forward 0: reject",
      "f filter postrouting 0: drop",
      "g filter output 0: drop",
    ],
  );

  test.each<[stage: number, names: string]>([
    [0, "b c e d f"],
    [1, "c e d f"],
    [2, "e d f"],
  ])("%i of prerouting", (i, names) => {
    const hooks = new Hooks(PROGRAM);
    const forwarded = {
      kind: "hook",
      hook: "forward",
      next: { kind: "hook", hook: "postrouting", next: { kind: "end" } },
    } as const;
    const stage = hooks.at("IPv4", "prerouting")[i] ?? expect.unreachable();
    const behind = hooks.chainsBehind("IPv4", "prerouting", stage, forwarded);
    expect(behind.map(({ chain }) => chain.name).join(" ")).toBe(names);
    expect(hooks.chainsBehind("IPv4", "prerouting", stage, forwarded)).toBe(behind);
  });
});
