/** Which parts of what is said of packets become one. */
import { describe, expect, test } from "vitest";
import { join, type Part } from "../../../compiler/evaluate/join.ts";
import { ALWAYS, both, type Condition, not, unknownMatch } from "../../../compiler/evaluate/unknown/condition.ts";
import { type Memory, PacketSet } from "../../../compiler/packets/packet-set.ts";
import { intervalsIn, Ranges } from "../../../compiler/packets/ranges.ts";

const ZERO = Ranges.of(0);
const memoryOf = (mark: Ranges): Memory => ({
  ...{ mark, ctstate: ZERO, ctstatus: ZERO, ctmark: ZERO, toaddr: ZERO, toport: ZERO },
});
/** One object for each mark that is not 0, as rules make them, and one for all packets of none. */
const MEMORY = memoryOf(ZERO);

interface Said extends Part {
  readonly says: string;
}

const A = unknownMatch("join a");
const CONDITIONS: Readonly<Record<string, Condition>> = {
  always: ALWAYS,
  a: A,
  "not a": not(A),
  "not a, b": both(not(A), unknownMatch("join b")),
};

/** `daddr dport mark chance condition`: `1-2 80 0 50 a`. */
function partOf(text: string): Said {
  const [daddr = "", dport = "", mark = "", chance, ...rest] = text.split(" ");
  const memory = mark === "0" ? MEMORY : memoryOf(rangesOf(mark));
  const condition = CONDITIONS[rest.join(" ")] ?? expect.unreachable();
  const region = new PacketSet(rangesOf(daddr), rangesOf(dport), ZERO, ZERO, memory);
  return { region, probability: Number(chance) / 100, condition, says: "it" };
}

function rangesOf(text: string): Ranges {
  return new Ranges(
    text.split(",").flatMap((each) => {
      const [from = 0, to = from] = each.split("-").map(Number);
      return [from, to + 1];
    }),
  );
}

function textOf({ region, probability, condition }: Part): string {
  const ranges = [region.daddr, region.dport, region.mark].map((each) =>
    intervalsIn(each)
      .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
      .join(),
  );
  const name = Object.entries(CONDITIONS).find(([, each]) => each === condition)?.[0];
  return [...ranges, Math.round(probability * 100), name ?? "other"].join(" ");
}

function joined(parts: readonly string[]): string[] {
  return join(parts.map(partOf), (part, of) => ({ ...of, ...part })).map((part) => {
    expect(part.says).toBe("it");
    return textOf(part);
  });
}

/** Parts that go with nothing: with them there are too many to be held against each other one by one. */
const OTHERS = range(90, 96).map((n) => `${n} ${n} ${n} ${n} always`);

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe.each([
  ["few", []],
  ["many", OTHERS],
])("of %s parts", (_, others) => {
  test.each<[parts: readonly string[], become: readonly string[]]>([
    [[], []],
    [["1 80 0 100 always"], ["1 80 0 100 always"]],
    [["1 80 0 40 always", "1 80 0 30 always"], ["1 80 0 70 always"]],
    [["1 80 0 40 a", "1 80 0 30 a"], ["1 80 0 70 a"]],
    [
      ["1 80 0 40 a", "1 80 0 30 not a"],
      ["1 80 0 40 a", "1 80 0 30 not a"],
    ],
    [["1 80 0 40 a", "1 80 0 40 not a"], ["1 80 0 40 always"]],
    [["1 80 0 40 a", "1 80 0 40 not a, b"], ["1 80 0 40 other"]],
    [
      ["1 80 0 40 not a", "1 80 0 40 not a, b"],
      ["1 80 0 40 not a", "1 80 0 40 not a, b"],
    ], // both may hold
    [["1 80 0 40 always", "2 80 0 40 always"], ["1-2 80 0 40 always"]],
    [["2 80 0 40 always", "1 80 0 40 always"], ["1-2 80 0 40 always"]],
    [["1 80 0 40 always", "3 80 0 40 always"], ["1,3 80 0 40 always"]],
    [["1 80 0 40 always", "1 81 0 40 always"], ["1 80-81 0 40 always"]],
    [["1 80 1 40 always", "1 80 2 40 always"], ["1 80 1-2 40 always"]],
    [["1 80 1 40 always", "1 80 1 40 always"], ["1 80 1 80 always"]],
    [["1 80 1 40 always", "2 80 1 40 always"], ["1-2 80 1 40 always"]],
    [
      ["1 80 1 40 always", "2 80 2 40 always"],
      ["1 80 1 40 always", "2 80 2 40 always"],
    ],
    [
      ["1 80 0 40 always", "2 81 0 40 always"],
      ["1 80 0 40 always", "2 81 0 40 always"],
    ],
    [
      ["1 80 0 40 always", "2 80 0 30 always"],
      ["1 80 0 40 always", "2 80 0 30 always"],
    ],
    [
      ["1 80 0 40 a", "2 80 0 40 not a"],
      ["1 80 0 40 a", "2 80 0 40 not a"],
    ],
    [
      ["1-2 80 0 40 always", "2-3 80 0 40 always"],
      ["1-2 80 0 40 always", "2-3 80 0 40 always"],
    ], // 2 twice
    [["1 80 0 40 always", "2 81 0 40 always", "1 81 0 40 always", "2 80 0 40 always"], ["1-2 80-81 0 40 always"]],
    [["1 80 0 40 a", "1 80 0 40 not a", "2 80 0 40 always"], ["1-2 80 0 40 always"]],
    [["1 80 0 40 a", "2 80 0 40 a", "3 80 0 40 a"], ["1-3 80 0 40 a"]],
    [["1-2 81 0 40 always", "1 80 0 40 always", "2 80 0 40 always"], ["1-2 80-81 0 40 always"]],
    [
      ["1 80 1 40 always", "1-27 0-80 2 40 always"],
      ["1 80 1 40 always", "1-27 0-80 2 40 always"],
    ], // both by 1280
    [["1 80 0 20 always", "2 80 0 40 always", "1 80 0 20 always"], ["1-2 80 0 40 always"]],
  ])("%j become %j", (parts, become) => {
    const all = joined([...parts, ...others]);
    expect([...all].sort()).toEqual([...become, ...others].sort());
  });
});

test("many that become two, which go together", () => {
  const four = (part: string): string[] => [part, part, part, part];
  expect(joined([...four("1 80 0 10 always"), ...four("2 80 0 10 always")])).toEqual(["1-2 80 0 40 always"]);
});

test("parts that come later keep their place", () => {
  expect(joined(["1 80 0 40 a", "5 85 0 30 a", "2 80 0 40 a"])).toEqual(["5 85 0 30 a", "1-2 80 0 40 a"]);
});

test("what joins nothing stays the same list", () => {
  const one = ["1 80 0 40 always"].map(partOf);
  expect(join(one, (_part, of) => of)).toBe(one);
});
