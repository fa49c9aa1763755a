/** Rules that kpc does not understand, on the way of a packet. */
import { expect, test } from "vitest";
import { assumptionsOf } from "../../../compiler/evaluate/unknown/assumptions-of.ts";
import type { PodNetworkName } from "../../../compiler/specs/network-types.ts";
import { describeShop, flowOf } from "../../support/walks.ts";

/** A packet that comes through these rules of n1; `rt` is a match that kpc does not follow. */
function branchesBehind(
  rules: readonly string[],
  {
    hook = "forward",
    pods = "routed",
    isBroken = false,
  }: { readonly hook?: string; readonly pods?: PodNetworkName; readonly isBroken?: boolean } = {},
): ReturnType<ReturnType<typeof describeShop>["walker"]["walk"]>["branches"] {
  const chain = [`type filter hook ${hook} priority 0; policy accept;`, ...rules]
    .map((line) => `\t\t${line}`)
    .join("\n");
  const text = `table ip t {\n\tchain c {\n${chain}\n\t}\n}\n`;
  return describeShop({ pods }, undefined, { n1: text }, isBroken ? () => undefined : undefined).walker.walk(
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

test("a packet and the one that carries it are asked for apart, as they come to one host", () => {
  const ways = branchesBehind(["rt ip nexthop 10.9.9.9 drop"], { hook: "postrouting", pods: "flannel-vxlan" }).map(
    ({ there, back, condition }) => {
      const asked = assumptionsOf(condition).assumptions.map(({ text, holds }) => `${holds}: ${text}`);
      return `${there.end.kind} ${back?.end.kind ?? ""} if ${asked.sort().join(", ")}`;
    },
  );
  const rule = "rt ip nexthop 10.9.9.9 on node/n1";
  const [inner, outer, answer] = [rule, `${rule}, visit 2`, `${rule}, for the answer, visit 2`];
  expect(ways.sort()).toEqual([
    `delivered delivered if false: ${inner}, false: ${answer}, false: ${outer}`,
    `delivered dropped if false: ${inner}, false: ${outer}, true: ${answer}`,
    `dropped  if false: ${inner}, true: ${outer}`,
    `dropped  if true: ${inner}`,
  ]);
});

test("a rule that is not understood may be the packet's end: nothing is claimed of what comes behind", () => {
  const ways = branchesBehind(["ip saddr 10.244.1 drop"], { isBroken: true }).map(({ there, back }) => [
    there.end.kind,
    back?.end.kind,
  ]);
  expect(ways.sort()).toEqual([
    ["delivered", "delivered"],
    ["delivered", "undecided"],
    ["undecided", undefined],
  ]);
});

test("too many of them end it, and nothing is claimed of what comes behind", () => {
  const rules = Array.from({ length: 2000 }, (_, i) => `rt ip nexthop 10.9.${i >> 8}.${i & 255} accept`);
  const ends = branchesBehind([...rules, "drop"]).map(({ there }) => there.end);
  expect(ends).toEqual([{ kind: "undecided", host: "node/n1", hook: "forward", by: undefined }]);
});
