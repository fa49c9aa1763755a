/** Things that can happen to a packet, as one outcome and as a distribution. */
import { describe, expect, test } from "vitest";
import { type Disposition, parseDisposition, printDisposition } from "../../../compiler/evaluate/disposition.ts";
import {
  areSame,
  type Chance,
  distributionOf,
  parseDistribution,
  printChances,
  printDistribution,
  TOLERANCE,
} from "../../../compiler/evaluate/distribution.ts";
import { assuming, outcomeOf } from "../../../compiler/evaluate/outcome.ts";
import type { Result } from "../../../compiler/evaluate/packet.ts";
import { ALWAYS, both, not, unknownMatch } from "../../../compiler/evaluate/unknown/condition.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";

/** `50 to 10.0.0.1:80`, `50 accepted pass`: chances in percent. */
type Said = string;

const dispositionOf = (text: string): Disposition => parseDisposition(text) ?? expect.unreachable();

function chanceOf(said: Said): Chance & Pick<Result, "isAccepted"> {
  const [, percent, accepted, text = ""] = /^(\d+) (accepted )?(.*)$/.exec(said) ?? [];
  const disposition = dispositionOf(text);
  return { probability: Number(percent) / 100, disposition, isAccepted: accepted !== undefined };
}

const resultsOf = (all: readonly Said[]): Result[] => all.map((said) => ({ ...chanceOf(said), reasons: [], path: [] }));

describe("an outcome", () => {
  test.each<[verdict: string, said: readonly Said[]]>([
    ["pass", ["100 pass"]],
    ["accept", ["100 accepted pass"]],
    ["accept", ["50 accepted pass", "50 accepted pass, masqueraded"]],
    ["mixed", ["50 accepted pass", "50 pass"]],
    ["mixed", ["50 pass", "50 drop"]],
    ["drop", ["100 drop"]],
    ["drop", ["100 accepted drop"]],
    ["dnat", ["50 to 10.0.0.1:80", "50 accepted to 10.0.0.2:80"]],
    ["reject", ["100 reject with tcp-reset"]],
    ["mixed", []],
  ])("is %s where these can happen: %j", (verdict, said) => {
    expect(outcomeOf(resultsOf(said)).verdict).toBe(verdict);
  });

  test.each<[rejectWith: string | undefined, said: readonly Said[]]>([
    ["tcp-reset", ["100 reject with tcp-reset"]],
    [undefined, ["50 reject with tcp-reset", "50 drop"]],
    [undefined, ["100 drop"]],
  ])("is refused with %s where these can happen: %j", (rejectWith, said) => {
    expect(outcomeOf(resultsOf(said)).rejectWith).toBe(rejectWith);
  });

  test.each<[endpoints: readonly string[], said: readonly Said[]]>([
    [[], ["100 pass, masqueraded"]],
    [["10.0.0.1:80 100 %"], ["100 to 10.0.0.1:80"]],
    [
      ["10.0.0.1:80 75 %", "10.0.0.2:80 25 %"],
      ["50 to 10.0.0.1:80", "25 to 10.0.0.2:80", "25 to 10.0.0.1:80"],
    ],
    [
      ["10.0.0.1:80 25 %", "10.0.0.2:80 75 %"],
      ["75 to 10.0.0.2:80", "25 to 10.0.0.1:80"],
    ],
    [
      ["10.0.0.1:80 50 %", "10.0.0.1:81 50 %"],
      ["50 to 10.0.0.1:81", "50 to 10.0.0.1:80"],
    ],
    [
      ["10.0.0.1:80 40 %", "10.0.0.1:80 20 % masqueraded", "10.0.0.1:80 30 % masqueraded as 10.9.0.1"],
      ["40 to 10.0.0.1:80", "30 to 10.0.0.1:80, from 10.9.0.1", "20 to 10.0.0.1:80, masqueraded", "10 drop"],
    ],
  ])("sends to %j where these can happen: %j", (endpoints, said) => {
    const found = outcomeOf(resultsOf(said)).endpoints.map(({ address, port, probability, masquerade, source }) =>
      [
        printAddressPort(address, port),
        `${Math.round(probability * 100)} %`,
        ...(masquerade ? ["masqueraded"] : []),
        ...(source === undefined ? [] : [`as ${source}`]),
      ].join(" "),
    );
    expect(found).toEqual(endpoints);
    const named = outcomeOf(resultsOf(said)).endpoints.filter((each) => "source" in each);
    expect(named).toHaveLength(endpoints.filter((each) => each.includes(" as ")).length);
  });

  test.each<[seconds: number | undefined, said: readonly Said[]]>([
    [30, ["100 to 10.0.0.1:80, remembered for 30 s"]],
    [30, ["50 to 10.0.0.1:80, remembered for 30 s", "50 to 10.0.0.2:80, remembered for 60 s"]],
    [30, ["50 drop", "50 to 10.0.0.1:80, remembered for 30 s"]],
    [undefined, ["50 to 10.0.0.1:80, remembered for 30 s", "50 to 10.0.0.2:80"]],
    [undefined, ["50 to 10.0.0.1:80", "50 to 10.0.0.2:80, remembered for 30 s"]],
    [undefined, ["100 drop"]],
  ])("is remembered for %s s where these can happen: %j", (seconds, said) => {
    expect(outcomeOf(resultsOf(said)).sticky).toEqual(seconds === undefined ? undefined : { timeoutSeconds: seconds });
    expect("sticky" in outcomeOf(resultsOf(said))).toBe(seconds !== undefined);
  });

  test("says what it assumes, and what is assumed as well", () => {
    const results = resultsOf(["100 drop"]);
    const [a, b, c] = ["oa", "ob", "oc"].map((text) => unknownMatch(text)) as [
      typeof ALWAYS,
      typeof ALWAYS,
      typeof ALWAYS,
    ];
    expect(outcomeOf(results)).toMatchObject({ condition: ALWAYS, assumptions: [], choices: [], results });
    const own = outcomeOf(results, a);
    expect(own).toMatchObject({ condition: a, assumptions: [{ text: "oa", holds: true }], choices: [] });
    const more = assuming(own, [
      { text: "ob", holds: true },
      { text: "oc", holds: false },
    ]);
    expect(more.condition).toBe(both(a, both(b, not(c))));
    expect(more.assumptions).toEqual([
      { text: "oa", holds: true },
      { text: "ob", holds: true },
      { text: "oc", holds: false },
    ]);
    expect(more.results).toBe(results);
    expect(assuming(own, [])).toEqual(own);
  });
});

describe("a distribution", () => {
  const of = (...said: readonly Said[]) => distributionOf({ results: said.map(chanceOf) });

  test.each<[text: string, said: readonly Said[]]>([
    ["pass", ["100 pass"]],
    ["pass", ["40 pass", "60 accepted pass"]],
    ["drop (25.00 %), or pass (75.00 %)", ["25 drop", "75 pass"]],
    ["drop (75.00 %), or pass (25.00 %)", ["50 drop", "25 pass", "25 drop"]],
    ["", []],
  ])("is printed as '%s': %j", (text, said) => {
    expect(printDistribution(of(...said))).toBe(text);
  });

  test("is printed with as many digits as are asked for, in other words", () => {
    expect(printChances(of("33 drop", "67 pass"), 0, ({ kind }) => kind.toUpperCase())).toEqual([
      "DROP (33 %)",
      "PASS (67 %)",
    ]);
    expect(printDistribution(of("100 drop"), ({ kind }) => kind.toUpperCase())).toBe("DROP");
  });

  test.each<[isSame: boolean, left: readonly Said[], right: readonly Said[]]>([
    [true, [], []],
    [true, ["100 drop"], ["50 drop", "50 drop"]],
    [true, ["50 drop", "50 pass"], ["50 pass", "50 drop"]],
    [false, ["100 drop"], ["100 pass"]],
    [false, ["49 drop", "51 pass"], ["50 drop", "50 pass"]],
    [false, ["50 drop"], ["50 drop", "50 pass"]],
    [false, ["50 drop", "50 pass"], ["50 drop"]],
    [true, ["100 drop"], ["100 drop", "0 pass"]],
  ])("is the same (%s): %j, %j", (isSame, left, right) => {
    expect(areSame(of(...left), of(...right))).toBe(isSame);
  });

  test.each<[isSame: boolean, less: number]>([
    [true, 0.9e-6],
    [false, 1.1e-6],
  ])("is the same (%s) where a chance is less by %f", (isSame, less) => {
    const disposition = dispositionOf("drop");
    const [one, other] = [0.5, 0.5 - less].map((probability) =>
      distributionOf({ results: [{ disposition, probability }] }),
    );
    if (one === undefined || other === undefined) return expect.unreachable();
    expect([areSame(one, other), areSame(other, one)]).toEqual([isSame, isSame]);
  });

  test("is the same where a chance is less by as much as may be", () => {
    const none = distributionOf({ results: [] });
    const some = distributionOf({ results: [{ disposition: dispositionOf("drop"), probability: TOLERANCE }] });
    expect([areSame(none, some), areSame(some, none)]).toEqual([true, true]);
  });

  test.each<[text: string, parts: readonly string[] | undefined]>([
    ["pass", ["pass"]],
    [" \n pass \t", ["pass"]],
    ["drop (25.00 %), or pass (75 %)", ["drop 25.00", "pass 75"]],
    ["drop (25%),\n or  pass", ["drop 25", "pass"]],
    ["drop (25.5  %)", undefined],
    ["drop (.5 %)", undefined],
    ["drop (5. %)", undefined],
    ["drop(5 %)", undefined],
    ["drop, pass", undefined],
    ["drop, or ", undefined],
    ["drop or pass", undefined],
    ["dropped", undefined],
    ["drop (5 %) x", undefined],
    ["", undefined],
  ])("is read from '%s'", (text, parts) => {
    const found = parseDistribution(text)?.map(({ disposition, percent }) =>
      [printDisposition(disposition), ...(percent === undefined ? [] : [percent])].join(" "),
    );
    expect(found).toEqual(parts);
  });
});
