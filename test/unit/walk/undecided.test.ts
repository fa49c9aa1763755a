/** Rules that kpc does not understand, on the way of a packet. */
import { expect, test } from "vitest";
import { assumptionsOf } from "../../../compiler/evaluate/unknown/assumptions-of.ts";
import { describeShop, flowOf } from "../../support/walks.ts";

/** A packet that comes through these rules of n1; `rt` is a match that kpc does not follow. */
function branchesBehind(
  rules: readonly string[],
): ReturnType<ReturnType<typeof describeShop>["walker"]["walk"]>["branches"] {
  const chain = ["type filter hook forward priority 0; policy accept;", ...rules]
    .map((line) => `\t\t${line}`)
    .join("\n");
  const text = `table ip t {\n\tchain c {\n${chain}\n\t}\n}\n`;
  return describeShop({ pods: "routed" }, undefined, { n1: text }).walker.walk(
    flowOf("pod/shop/client > 10.244.2.10:8080"),
  ).branches;
}

test("a match that is not understood forks the walk, and each way says what it rests on", () => {
  const ends = branchesBehind(["rt ip nexthop 10.9.9.9 drop"]).map(({ there, back, condition }) => [
    [there.end.kind, back?.end.kind],
    assumptionsOf(condition).assumptions.map(({ text, holds }) => `${holds}: ${text}`),
  ]);
  const [request, answer] = ["rt ip nexthop 10.9.9.9 on node/n1", "rt ip nexthop 10.9.9.9 on node/n1, for the answer"];
  expect(ends).toHaveLength(3);
  expect(ends).toEqual(
    expect.arrayContaining([
      [["dropped", undefined], [`true: ${request}`]],
      [["delivered", "dropped"], expect.arrayContaining([`false: ${request}`, `true: ${answer}`])],
      [["delivered", "delivered"], expect.arrayContaining([`false: ${request}`, `false: ${answer}`])],
    ]),
  );
});

test("too many of them end it, and nothing is claimed of what comes behind", () => {
  const rules = Array.from({ length: 2000 }, (_, i) => `rt ip nexthop 10.9.${i >> 8}.${i & 255} accept`);
  const ends = branchesBehind([...rules, "drop"]).map(({ there }) => there.end);
  expect(ends).toEqual([{ kind: "undecided", host: "node/n1", hook: "forward" }]);
});
