/** The branches of a state, put together again that fare alike. */
import { describe, expect, test } from "vitest";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import { Partition, Split } from "../../../compiler/evaluate/partition.ts";
import { type Branch, changeShared, narrow, type State, startState, TINY } from "../../../compiler/evaluate/state.ts";
import { having } from "../../../compiler/packets/packet-set.ts";
import { Ranges } from "../../../compiler/packets/ranges.ts";
import { PACKET } from "../../support/ir.ts";

const { shared, branches } = startState(alone(PACKET), environmentOf([]), true);
const [ONE = expect.unreachable()] = branches;
const OTHER = changeShared(shared, { mark: 1 });

/** Packets to some ports. */
const to = (...ports: readonly [number, ...number[]]) =>
  having(ONE.region, "dport", new Ranges([ports[0], (ports.at(-1) ?? ports[0]) + 1])) ?? expect.unreachable();
const branchTo = (port: number): Branch => ({ ...ONE, region: to(port) });

const [A, B, C] = [1, 2, 3].map(branchTo) as [Branch, Branch, Branch];
const WHOLE: State = { shared, branches: [A, B, C] };

type Flow = "continue" | "next" | "done";

function textOf({ state, flow }: { readonly state: State; readonly flow: Flow }): string {
  const ports = state.branches.map(
    ({ region, probability }) => `${region.dport.single}${probability === 1 ? "" : `*${probability}`}`,
  );
  return `${flow} ${ports.join(" ")}${state.shared === shared ? "" : " other"}${state === WHOLE ? " whole" : ""}`;
}

describe("parts of a state", () => {
  test.each<[what: string, parts: readonly (readonly [Branch, Flow, typeof shared?])[], progress: readonly string[]]>([
    ["none", [], []],
    [
      "all",
      [
        [A, "next"],
        [B, "next"],
        [C, "next"],
      ],
      ["next 1 2 3 whole"],
    ],
    [
      "some",
      [
        [A, "next"],
        [B, "next"],
      ],
      ["next 1 2"],
    ],
    [
      "all, one of them another one",
      [
        [A, "next"],
        [B, "next"],
        [branchTo(3), "next"],
      ],
      ["next 1 2 3"],
    ],
    [
      "all in another order",
      [
        [B, "next"],
        [A, "next"],
        [C, "next"],
      ],
      ["next 2 1 3"],
    ],
    [
      "all, and one twice",
      [
        [A, "next"],
        [B, "next"],
        [C, "next"],
        [A, "next"],
      ],
      ["next 1 2 3 1"],
    ],
    [
      "all of another kind",
      [
        [A, "next", OTHER],
        [B, "next", OTHER],
        [C, "next", OTHER],
      ],
      ["next 1 2 3 other"],
    ],
    [
      "two ways",
      [
        [A, "next"],
        [B, "done"],
        [C, "next"],
      ],
      ["next 1 3", "done 2"],
    ],
    [
      "two kinds",
      [
        [A, "next"],
        [B, "next", OTHER],
        [C, "next", OTHER],
      ],
      ["next 1", "next 2 3 other"],
    ],
    [
      "two kinds two ways",
      [
        [A, "next", OTHER],
        [B, "next"],
        [C, "done", OTHER],
      ],
      ["next 1 other", "next 2", "done 3 other"],
    ],
  ])("%s", (_, parts, progress) => {
    const partition = new Partition<Flow>(WHOLE);
    for (const [branch, flow, kind] of parts) partition.add(branch, flow, kind);
    expect(partition.progress.map(textOf)).toEqual(progress);
  });
});

describe("parts of a branch", () => {
  const WIDE: Branch = { ...ONE, region: to(1, 2, 3), probability: 0.5 };

  test.each<
    [
      what: string,
      parts: readonly (readonly [region: typeof ONE.region, probability: number, Flow])[],
      progress: readonly string[],
    ]
  >([
    ["none", [], []],
    ["all of it", [[WIDE.region, 1, "next"]], ["next undefined*0.5"]],
    [
      "all of it, by chance",
      [
        [WIDE.region, 0.25, "next"],
        [WIDE.region, 0.5, "done"],
        [WIDE.region, 0.25, "next"],
      ],
      ["next undefined*0.25", "done undefined*0.25"],
    ],
    [
      "all of it, never",
      [
        [WIDE.region, 1, "next"],
        [WIDE.region, 0, "done"],
      ],
      ["next undefined*0.5"],
    ],
    [
      "all of it, by rounding",
      [
        [WIDE.region, 1, "next"],
        [WIDE.region, TINY, "done"],
      ],
      ["next undefined*0.5"],
    ],
    [
      "some packets",
      [
        [to(1), 1, "next"],
        [to(2), 1, "done"],
      ],
      ["next 1*0.5", "done 2*0.5"],
    ],
    [
      "some packets by chance",
      [
        [to(1), 0.5, "next"],
        [to(1), 0.5, "done"],
      ],
      ["next 1*0.25", "done 1*0.25"],
    ],
    [
      "some packets, and all of them by chance",
      [
        [WIDE.region, 0.5, "next"],
        [to(1), 0.5, "next"],
      ],
      ["next 1*0.25 undefined*0.25"],
    ],
  ])("%s", (_, parts, progress) => {
    const partition = new Partition<Flow>({ shared, branches: [WIDE] });
    const split = new Split(partition, WIDE);
    for (const [region, probability, flow] of parts) split.add(region, probability, flow);
    split.end();
    expect(partition.progress.map(textOf)).toEqual(progress);
  });

  test("what becomes of all of it is the branch itself", () => {
    const state = { shared, branches: [WIDE] };
    const partition = new Partition<Flow>(state);
    const split = new Split(partition, WIDE);
    for (const probability of [0.25, 0.75]) split.add(WIDE.region, probability, "next");
    split.end();
    expect(partition.progress).toEqual([{ state, flow: "next" }]);
    expect(partition.progress[0]?.state).toBe(state);
  });
});

test.each<[what: string, region: typeof ONE.region, probability: number, becomes: number]>([
  ["all packets, for certain", ONE.region, 1, 0.5],
  ["all packets, nearly for certain", ONE.region, 1 + TINY / 2, 0.5],
  ["some packets, nearly for certain", to(1), 1 - TINY / 2, 0.5],
  ["all packets, by chance", ONE.region, 0.5, 0.25],
  ["some packets, by chance", to(1), 0.5, 0.25],
  ["all packets, by a chance that is no rounding", ONE.region, 1 - 1e-9, 0.5 * (1 - 1e-9)],
])("a branch for %s", (_, region, probability, becomes) => {
  const branch = { ...ONE, probability: 0.5 };
  const after = narrow(branch, region, probability);
  expect(after).toEqual({ ...branch, region, probability: becomes });
  expect(after === branch).toBe(region === branch.region && becomes === 0.5);
});
