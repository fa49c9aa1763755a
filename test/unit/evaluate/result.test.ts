/** What is told of packets that are through all hooks. */
import { expect, test } from "vitest";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import { toRegionResult } from "../../../compiler/evaluate/result.ts";
import { type SharedState, startState } from "../../../compiler/evaluate/state.ts";
import { PACKET } from "../../support/ir.ts";

const ENVIRONMENT = environmentOf([]);
const { shared, branches } = startState(alone(PACKET), ENVIRONMENT, true);
const [branch = expect.unreachable()] = branches;
const resultOf = (change: Partial<SharedState>) => toRegionResult({ shared: { ...shared, ...change }, branch });

const newSource = { text: "an address", address: undefined, by: "Plug" };

test.each<[designer: string | undefined, change: Partial<SharedState>]>([
  [undefined, {}],
  ["Plug", { newSource }],
  [undefined, { newSource: { text: "an address", address: undefined } }],
  [undefined, { newSource, end: { kind: "drop" } }],
  [undefined, { newSource, end: { kind: "reject", with: "port-unreachable" } }],
])("%s has designed what becomes of them: %j", (designer, change) => {
  expect(resultOf(change).designer).toBe(designer);
});

test.each<[lists: readonly string[], watched: readonly string[] | undefined]>([
  [
    ["adds 1 to @a", "adds 2 to @b"],
    ["@b", "@a"],
  ],
  [["adds 2 to @b"], ["@b", "@c"]],
  [[], []],
  [[], undefined],
])("%j is told of what rules enter, where %j are watched", (lists, watched) => {
  const entered = [
    { list: "@b", key: undefined, isThere: undefined, text: "adds 2 to @b" },
    { list: "@a", key: undefined, isThere: undefined, text: "adds 1 to @a" },
  ];
  const environment = watched === undefined ? ENVIRONMENT : { ...ENVIRONMENT, watched: new Set(watched) };
  for (const end of [undefined, { kind: "drop" }] as const)
    expect(resultOf({ entered, environment, end }).disposition.lists).toEqual(lists);
});
