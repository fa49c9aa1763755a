/** Packets that rules send on: which of them went there anyway, and what a field holds by then. */
import { expect, test } from "vitest";
import { alone, environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import {
  hasConnection,
  isChosen,
  mappedTo,
  type Now,
  narrow,
  nowKey,
  numberNow,
  type SharedState,
  startState,
  symbolicKey,
  symbolicNow,
  translate,
  valueNow,
  where,
  withBits,
} from "../../../compiler/evaluate/state.ts";
import { ALWAYS, unknownMatch } from "../../../compiler/evaluate/unknown/condition.ts";
import { describe } from "../../../compiler/ir/describe.ts";
import type { Expression } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { having } from "../../../compiler/packets/packet-set.ts";
import { Ranges, valuesIn } from "../../../compiler/packets/ranges.ts";
import { PACKET } from "../../support/ir.ts";

const [BRANCH = expect.unreachable()] = startState(alone(PACKET), environmentOf([]), true).branches;
/** To the addresses 1 to 4, with port 80. */
const TO_FOUR = having(BRANCH.region, "daddr", new Ranges([1, 5])) ?? expect.unreachable();
const FOUR = { ...BRANCH, probability: 0.5, region: TO_FOUR };

const EVEN = mappedTo("daddr", 0xfffffffe, 0);
const FLIPPED = mappedTo("daddr", 0xffffffff, 1);
const at = (value: number): Address => value as Address;

test.each<[what: string, now: Now<Address>, next: Now<Address>, same: readonly number[] | undefined]>([
  ["one of them", "daddr", at(2), [2]],
  ["none of them", "daddr", at(9), undefined],
  ["where each goes", "daddr", "daddr", [1, 2, 3, 4]],
  ["where each is sent", "daddr", "toaddr", undefined],
  ["to one, as before", at(2), at(2), [1, 2, 3, 4]],
  ["to one, but to another before", at(3), at(2), undefined],
  ["to one, by a mask before", EVEN, at(2), [2, 3]],
  ["by a mask", "daddr", EVEN, [2, 4]],
  ["by a mask, as before", EVEN, EVEN, [1, 2, 3, 4]],
  ["by a mask that changes all", "daddr", FLIPPED, undefined],
  ["by a mask, to one before", at(2), EVEN, undefined],
  ["where each goes, by a mask before", EVEN, "daddr", undefined],
])("packets that went there anyway, sent %s", (_, now, next, same) => {
  const found = translate({ ...FOUR, destination: now }, next, "dport");
  const addresses = [found.same, ...found.others].map((each) => each && valuesIn(each.region.daddr));
  const moved = [1, 2, 3, 4].filter((each) => same?.includes(each) !== true);
  expect([addresses[0], addresses.slice(1).flat().sort()]).toEqual([same, moved]);
  for (const each of [...(found.same === undefined ? [] : [found.same]), ...found.others])
    expect([each.destination, each.destinationPort, each.probability]).toEqual([next, "dport", 0.5]);
});

test.each<[port: Now<number>, same: boolean]>([
  ["dport", true],
  [80, true],
  [81, false],
])("packets to port 80, sent to port %s, went there anyway: %s", (port, isSame) => {
  const found = translate(FOUR, "daddr", port);
  expect([found.same !== undefined, found.others.length]).toEqual([isSame, isSame ? 0 : 1]);
  expect((found.same ?? found.others[0])?.destinationPort).toBe(port);
});

test("what masks make of a field is one value where it is equal, and has a key of its own", () => {
  expect(mappedTo("daddr", 0xfffffffe, 0)).toBe(EVEN);
  const all: readonly Now<Address>[] = [
    EVEN,
    FLIPPED,
    mappedTo("daddr", 0xfffffffe, 1),
    mappedTo("saddr", 0xfffffffe, 0),
    "daddr",
    at(2),
  ];
  expect(new Set(all.map(nowKey)).size).toBe(all.length);
  expect(valueNow(EVEN, BRANCH.region)).toBe(Number(PACKET.destination) & ~1);
  expect(valueNow(EVEN, TO_FOUR)).toBe(EVEN);
  expect(valueNow("daddr", TO_FOUR)).toEqual({ field: "daddr" });
  expect(valueNow("daddr", BRANCH.region)).toBe(PACKET.destination);
});

test("what a field of bits holds has a key, and takes bits", () => {
  const held = [
    5,
    6,
    { field: "mark" },
    { field: "ctmark" },
    { field: "mark", masked: { mask: 1, xor: 0 } },
    { field: "mark", masked: { mask: 1, xor: 2 } },
  ] as const;
  expect(new Set(held.map(symbolicKey)).size).toBe(held.length);
  expect(withBits(5, 2)).toBe(7);
  expect(withBits({ field: "mark" }, 2)).toEqual({ field: "mark", masked: { mask: 0xfffffffd, xor: 2 } });
});

const HOST = environmentOf([]);

test.each<[what: string, packet: Partial<Packet>, state: Partial<SharedState>]>([
  ["that came in by an interface", { inInterface: "eth0" }, { inInterface: "eth0", hook: "prerouting" }],
  ["of the node", { inInterface: undefined }, { inInterface: "", hook: "output" }],
  ["of a connection", { ctState: "established", ctStatus: 32, ctMark: 7 }, { ctState: 2, ctStatus: 32, ctMark: 7 }],
  ["with a mark", { mark: 5 }, { mark: 5, routingMark: 5 }],
])("nothing has been done to a packet %s", (_, packet, state) => {
  const { shared, branches } = startState(alone({ ...PACKET, ...packet }), HOST, true);
  const no = {
    destinationDecided: false,
    sourceDecided: false,
    translated: false,
    masqueraded: false,
    accepted: false,
  };
  expect(shared).toMatchObject({ ...no, isSingle: true, priority: 0, choices: [], takenBy: [], entered: [], ...state });
  expect(branches).toMatchObject([
    { probability: 1, condition: ALWAYS, destination: "daddr", destinationPort: "dport" },
  ]);
});

test.each<[has: boolean, ctState: NonNullable<Packet["ctState"]> | undefined]>([
  [true, undefined],
  [true, "established"],
  [false, "invalid"],
  [false, "untracked"],
])("it is %s that packets that are %s have a connection", (has, ctState) => {
  const packet = ctState === undefined ? PACKET : { ...PACKET, ctState };
  expect(hasConnection(startState(alone(packet), HOST, true).shared)).toBe(has);
});

test("the interface by which packets leave is not known where routes are not", () => {
  const routed = { ...HOST, route: () => ({ kind: "none" }) as const };
  const [unknown, none] = [HOST, routed].map((host) => startState(alone(PACKET), host, true).shared.outInterface);
  expect([unknown, none]).toEqual([undefined, ""]);
});

test("what packets differ in is held by the name of the field", () => {
  const one = alone(PACKET);
  const several = (["ctstate", "mark"] as const).reduce(
    (region, field) => having(region, field, new Ranges([1, 3])) ?? expect.unreachable(),
    one.region,
  );
  const { shared } = startState({ ...one, region: several }, HOST, true);
  expect(shared).toMatchObject({ ctState: "ctstate", mark: { field: "mark" }, isSingle: false });
  expect(symbolicNow(shared.mark, several)).toBe(shared.mark);
  expect(symbolicNow(shared.mark, one.region)).toBe(0);
  expect(symbolicNow(7, several)).toBe(7);
  expect(numberNow("mark", shared, several)).toBeUndefined();
  expect(numberNow("mark", shared, one.region)).toBe(0);
});

test.each<[field: "mark" | "ctMark" | "ctStatus", expression: Expression]>([
  ["mark", { kind: "meta", key: "mark" }],
  ["ctMark", { kind: "ct", key: "mark" }],
  ["ctStatus", { kind: "ct", key: "status" }],
])("what may have been written to %s is no number", (field, expression) => {
  const { shared } = startState(alone(PACKET), HOST, true);
  expect(numberNow(field, { ...shared, [field]: 7 }, BRANCH.region)).toBe(7);
  const overwritten = new Set([describe(expression)]);
  expect(numberNow(field, { ...shared, [field]: 7, overwritten }, BRANCH.region)).toBeUndefined();
});

test("the kernel chooses the address of a source, or its port", () => {
  const { shared } = startState(alone(PACKET), HOST, true);
  const chosen = (of: "address" | "port"): SharedState => ({ ...shared, choices: [{ of, text: "a" }] });
  const answers = [shared, chosen("address"), chosen("port")].map((state) =>
    (["address", "port"] as const).map((of) => isChosen(of, state)),
  );
  expect(answers).toEqual([
    [false, false],
    [true, false],
    [false, true],
  ]);
});

test("a branch stays itself where nothing changes", () => {
  expect(narrow(BRANCH, BRANCH.region)).toBe(BRANCH);
  expect(where(BRANCH, BRANCH.condition)).toBe(BRANCH);
  const condition = unknownMatch("x");
  expect(where(BRANCH, condition)).toEqual({ ...BRANCH, condition });
  expect(narrow(FOUR, BRANCH.region)).toEqual({ ...FOUR, region: BRANCH.region });
  expect(narrow(FOUR, FOUR.region, 0.5)).toEqual({ ...FOUR, probability: 0.25 });
  // What rounding leaves of a certainty changes no chance.
  expect(narrow(FOUR, BRANCH.region, 1 + 1e-13).probability).toBe(0.5);
});
