import { describe, expect, test } from "vitest";
import { concat, goto, jump, member, verdict, vmap, within } from "../../../compiler/ir/build.ts";
import { checkProgram } from "../../../compiler/ir/check.ts";
import { OTHER_KEYS } from "../../../compiler/ir/sets.ts";
import type {
  InlineMap,
  MapDeclaration,
  MapElement,
  Program,
  SetDeclaration,
  Step,
} from "../../../compiler/ir/types.ts";
import { baseChain, block, DADDR, ipv4, programOf, regularChain, ruleOf, SADDR } from "../../support/ir.ts";

const ADDRESS = { type: "ipv4_addr", sample: SADDR } as const;

function set(parts: Partial<SetDeclaration>): SetDeclaration {
  return { name: "s", key: [ADDRESS], interval: false, elements: [], ...parts };
}

function map(parts: Partial<MapDeclaration>): MapDeclaration {
  return { name: "m", key: [ADDRESS], interval: false, data: "verdict", elements: [], ...parts };
}

function verdicts(element: MapElement): InlineMap {
  return { key: ["ipv4_addr"], data: "verdict", elements: [element] };
}

function inRule(step: Step): Program {
  return programOf({ chains: [regularChain("a", ruleOf(step))] });
}

function findings(program: Program): string[] {
  return checkProgram(program).map(({ where, message }) => `${where.replace("table ip t, ", "")} ${message}`);
}

/** A chain that jumps to the next one, `length` times. */
function ladder(length: number): Program {
  const chains = Array.from({ length }, (_, i) =>
    regularChain(`c${i}`, ...(i + 1 < length ? [ruleOf(jump(`c${i + 1}`))] : [])),
  );
  return programOf({ chains });
}

const drop = verdict({ kind: "drop" });

describe("sound programs", () => {
  test.each<readonly [string, Program]>([
    ["empty", programOf({})],
    [
      "jumps and sets",
      programOf({
        sets: [set({})],
        chains: [baseChain("input", "filter", [ruleOf(member(SADDR, "s"), jump("a"))]), regularChain("a")],
      }),
    ],
    [
      "intervals",
      programOf({
        sets: [set({ interval: true, elements: [{ key: [block("10.0.0.0/8")] }, { key: [ipv4("9.9.9.9")] }] })],
      }),
    ],
    [
      "verdict maps",
      programOf({
        maps: [map({ elements: [{ key: [1], value: { kind: "jump", chain: "a" } }] })],
        chains: [regularChain("a")],
      }),
    ],
    ["16 chains deep", ladder(16)],
    [
      "a foreign ruleset",
      programOf({
        chains: [
          { ...baseChain("output", "route", [], -150), policy: "drop" },
          regularChain("x", ruleOf({ kind: "opaque", text: "osf name Linux", negated: true }, drop)),
        ],
      }),
    ],
  ])("%s", (_, program) => {
    expect(findings(program)).toEqual([]);
  });
});

describe("each broken promise is found", () => {
  test.each<readonly [string, Program]>([
    ["chain a is there twice", programOf({ chains: [regularChain("a"), regularChain("a")] })],
    ["set or map s is there twice", programOf({ sets: [set({})], maps: [map({ name: "s" })] })],
    ['chain "a\\"b" has a name that cannot be printed', programOf({ chains: [regularChain('a"b')] })],
    [
      "chain a has a comment that cannot be printed",
      programOf({ chains: [{ ...regularChain("a"), comment: "x\ny" }] }),
    ],
    ["chain a leads to chain b, which is not there", programOf({ chains: [regularChain("a", ruleOf(jump("b")))] })],
    [
      "chain a leads to base chain filter-input",
      programOf({ chains: [regularChain("a", ruleOf(goto("filter-input"))), baseChain("input", "filter", [])] }),
    ],
    [
      "chain a leads back to itself",
      programOf({ chains: [regularChain("a", ruleOf(jump("b"))), regularChain("b", ruleOf(goto("a")))] }),
    ],
    ["chain c0 leads through more than 16 chains", ladder(17)],
    ["chain a has steps behind verdict", programOf({ chains: [regularChain("a", ruleOf(drop, { kind: "counter" }))] })],
    [
      "chain nat-forward is of type nat, which hook forward does not have",
      programOf({ chains: [baseChain("forward", "nat", [])] }),
    ],
    [
      "chain filter-input leads to masquerade in chain a, which is not allowed here",
      programOf({
        chains: [
          baseChain("input", "filter", [ruleOf(jump("a"))]),
          regularChain("a", ruleOf({ kind: "masquerade", random: "none" })),
        ],
      }),
    ],
    ["chain a asks set s, which is not there", programOf({ chains: [regularChain("a", ruleOf(member(SADDR, "s")))] })],
    [
      "chain a asks set s for ipv4_addr . ipv4_addr, its keys are ipv4_addr",
      programOf({ sets: [set({})], chains: [regularChain("a", ruleOf(member(concat(SADDR, DADDR), "s")))] }),
    ],
    [
      "chain a fills set s, which is not declared for it",
      programOf({
        sets: [set({})],
        chains: [regularChain("a", ruleOf({ kind: "remember", operation: "add", set: "s", key: SADDR }))],
      }),
    ],
    [
      "chain a takes verdicts from map m, which holds data",
      programOf({ maps: [map({ data: [ADDRESS] })], chains: [regularChain("a", ruleOf(vmap(SADDR, "m")))] }),
    ],
    [
      "chain a asks a set in the rule for ipv4_addr . ipv4_addr, its keys are ipv4_addr",
      inRule(member(concat(SADDR, DADDR), { key: ["ipv4_addr"], elements: [] })),
    ],
    [
      "chain a has 4294967296, which is no ipv4_addr",
      inRule(member(SADDR, { key: ["ipv4_addr"], elements: [{ key: [2 ** 32] }] })),
    ],
    [
      "chain a has the key 1 twice",
      inRule(member(SADDR, { key: ["ipv4_addr"], elements: [{ key: [1] }, { key: [1] }] })),
    ],
    [
      "chain a takes verdicts from a map in the rule, which holds data",
      inRule(vmap(SADDR, { key: ["ipv4_addr"], data: ["mark"], elements: [{ key: [1], value: [1] }] })),
    ],
    [
      "chain a leads to chain b, which is not there",
      inRule(vmap(SADDR, verdicts({ key: [1], value: { kind: "jump", chain: "b" } }))),
    ],
    ["chain a holds data instead of verdicts", inRule(vmap(SADDR, verdicts({ key: [1], value: [1] })))],
    ["map m holds data instead of verdicts", programOf({ maps: [map({ elements: [{ key: [1], value: [2] }] })] })],
    [
      "map m holds verdicts instead of data",
      programOf({ maps: [map({ data: [ADDRESS], elements: [{ key: [1], value: { kind: "drop" } }] })] }),
    ],
    [
      "set s has two elements for all other keys",
      programOf({ sets: [set({ elements: [{ key: OTHER_KEYS }, { key: [1] }, { key: OTHER_KEYS }] })] }),
    ],
    ["set s has the key 1 twice", programOf({ sets: [set({ elements: [{ key: [1] }, { key: [1] }] })] })],
    [
      "set s has an element of 2 parts where 1 are declared",
      programOf({ sets: [set({ elements: [{ key: [1, 2] }] })] }),
    ],
    ["set s has 4294967296, which is no ipv4_addr", programOf({ sets: [set({ elements: [{ key: [2 ** 32] }] })] })],
    [
      "set s has an interval and is not declared so",
      programOf({ sets: [set({ elements: [{ key: [{ from: 1, to: 2 }] }] })] }),
    ],
    [
      "set s has an interval that ends before it begins",
      programOf({ sets: [set({ interval: true, elements: [{ key: [{ from: 2, to: 1 }] }] })] }),
    ],
    [
      "set s has intervals that overlap",
      programOf({
        sets: [set({ interval: true, elements: [{ key: [{ from: 1, to: 5 }] }, { key: [{ from: 5, to: 9 }] }] })],
      }),
    ],
    [
      "chain a has a match that nothing is within",
      programOf({ chains: [regularChain("a", ruleOf(within(SADDR, [])))] }),
    ],
    [
      "chain a has fd00, which is no ipv4_addr",
      programOf({
        chains: [regularChain("a", ruleOf({ kind: "compare", left: SADDR, operator: "==", right: "fd00" }))],
      }),
    ],
  ])("%s", (finding, program) => {
    expect(findings(program)).toContain(finding);
  });
});
