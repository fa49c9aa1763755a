/** Which members of two states are looked at, whether the rules ahead do the same to packets of both. */
import { expect, test } from "vitest";
import { isAlike } from "../../../compiler/evaluate/alike.ts";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import { type SharedState, startState } from "../../../compiler/evaluate/state.ts";
import { PACKET } from "../../support/ir.ts";
import { address } from "../../support/service-port.ts";

const { shared: START } = startState(alone(PACKET), environmentOf([]), true);
const [ONE, OTHER] = [address("10.1.0.1"), address("10.1.0.2")];
const entered = (text: string) => ({ list: "@d", key: "ip saddr", isThere: true, text });
const port = (text: string) => ({ of: "port", text }) as const;

/** Values of a member, each unlike the others. */
type Unlike = { readonly [K in keyof SharedState]?: readonly SharedState[K][] };

const UNLIKE: Unlike = {
  source: ["saddr", ONE, OTHER],
  sourcePort: ["sport", 1, 2],
  choices: [[], [port("a")], [port("b")], [port("a"), port("b")], [port("b"), port("b")]],
  route: [
    undefined,
    { kind: "none" },
    { kind: "local" },
    { kind: "forward", interface: "eth0" },
    { kind: "forward", interface: "eth0", masqueradeSource: ONE },
    { kind: "forward", interface: "eth0", masqueradeSource: OTHER },
    { kind: "local", masqueradeSource: ONE },
  ],
  routingMark: [0, 1, { field: "mark" }],
  mark: [
    0,
    1,
    { field: "mark" },
    { field: "ctmark" },
    { field: "mark", masked: { mask: 1, xor: 0 } },
    { field: "mark", masked: { mask: 1, xor: 2 } },
    { field: "mark", masked: { mask: 3, xor: 2 } },
  ],
  priority: [0, 1],
  inInterface: ["", "eth0"],
  outInterface: [undefined, "", "eth0"],
  ctState: ["ctstate", 1, 2],
  ctStatus: [0, 32, { field: "ctstatus" }],
  ctMark: [0, 1, { field: "ctmark" }],
  overwritten: [new Set(), new Set(["meta mark"]), new Set(["ct mark"]), new Set(["ct mark", "meta mark"])],
  destinationDecided: [false, true],
  sourceDecided: [false, true],
  translated: [false, true],
  masqueraded: [false, true],
  newSource: [undefined, { text: "a", address: ONE }, { text: "b", address: ONE }],
  takenBy: [[], ["a"], ["b"], ["a", "b"], ["b", "b"]],
  sticky: [undefined, { timeoutSeconds: 1 }, { timeoutSeconds: 2 }],
  entered: [[], [entered("a")], [entered("b")], [entered("a"), entered("b")], [entered("b"), entered("b")]],
  accepted: [false, true],
  end: [
    undefined,
    { kind: "drop" },
    { kind: "reject", with: "tcp-reset" },
    { kind: "reject", with: "port-unreachable" },
  ],
};

test.each(Object.entries(UNLIKE))(
  "states that differ in %s alone are unlike, and alike with an equal one",
  (member, values) => {
    const states = values.map((value): SharedState => ({ ...START, [member]: value }));
    const copies = values.map((value): SharedState => ({ ...START, [member]: structuredClone(value) }));
    const found = states.map((a) => copies.map((b) => isAlike(a, b)));
    expect(found).toEqual(values.map((_, i) => values.map((__, j) => i === j)));
  },
);

/** Interfaces are looked at as `outInterface`; the address is told by the text; the others are the same for packets that are merged, or
 *  are told of a single one. */
test.each<[what: string, change: Partial<SharedState>]>([
  ["the interface of the route", { route: { kind: "forward", interface: "eth1" } }],
  ["the address of a source", { newSource: { text: "a", address: OTHER } }],
  ["the element that the last rule has matched", { member: { element: { key: [1] } } }],
  ["the hook", { hook: "input" }],
])("states are alike that differ in %s", (_, change) => {
  const state: SharedState = {
    ...START,
    route: { kind: "forward", interface: "eth0" },
    newSource: { text: "a", address: ONE },
  };
  expect(isAlike(state, { ...state, ...change })).toBe(true);
  expect(isAlike(state, state)).toBe(true);
});
