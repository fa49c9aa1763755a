/** A comparison that is given up says what it has found, and what it has not compared. */
import { describe, expect, test } from "vitest";
import { answerOf, opinionOf } from "../../../compiler/compare/answer.ts";
import { type Comparison, compare, type Progress } from "../../../compiler/compare/compare.ts";
import { mustReadIptables } from "../../support/read.ts";

/** `count` rules; `last` stands behind them. */
function rules(count: number, last: string) {
  const lines = Array.from({ length: count }, (_, i) => `-A FORWARD -s 10.${i}.0.0/16 -p tcp --dport ${i + 1} -j DROP`);
  return mustReadIptables(["*filter", ":FORWARD ACCEPT [0:0]", ...lines, last, "COMMIT", ""].join("\n"), "ip");
}

const [LEFT, RIGHT] = [rules(100, "-A FORWARD -p udp -j DROP"), rules(100, "-A FORWARD -p udp -j ACCEPT")];
const OPTIONS = { addresses: [], families: ["IPv4"] } as const;

/** Given up when it is asked for the `calls`th time. */
function compareUpTo(calls: number): Comparison {
  let asked = 0;
  return compare(LEFT, RIGHT, { ...OPTIONS, giveUp: () => (++asked >= calls ? "after a while" : undefined) });
}

const opinion = (comparison: Comparison): string => opinionOf(answerOf([comparison], { gaps: [], given: [] }));

describe("a comparison that is given up", () => {
  test("at once has compared nothing, and claims nothing", () => {
    const found = compareUpTo(1);
    expect(found).toMatchObject({ differing: 0, boxes: 0, regions: [] });
    expect(found.open.length).toBeGreaterThan(0);
    expect(new Set(found.open.map(({ reason }) => reason))).toEqual(new Set(["after a while"]));
    expect(opinion(found)).toBe("no difference found");
  });

  test("later keeps what it has found", () => {
    const whole = compareUpTo(Number.POSITIVE_INFINITY);
    expect({ open: whole.open, opinion: opinion(whole) }).toEqual({ open: [], opinion: "different" });
    const found = Array.from({ length: 10 }, (_, i) => compareUpTo(2 ** i));
    const part = found.find(({ differing, open }) => differing > 0 && open.length > 0);
    expect(part && opinion(part)).toBe("different");
    expect(part?.open[0]?.reason).toBe("after a while");
  });
});

test("a comparison tells how far it is, never less than before", () => {
  const told: Progress[] = [];
  compare(LEFT, RIGHT, { ...OPTIONS, progress: (now) => told.push(now) });
  expect(told.length).toBeGreaterThan(1);
  for (const [i, { done, of, steps }] of told.entries()) {
    expect(done).toBeLessThan(of);
    expect(done).toBeGreaterThanOrEqual(told[i - 1]?.done ?? 0);
    expect(steps).toBeGreaterThanOrEqual(told[i - 1]?.steps ?? 0);
  }
});
