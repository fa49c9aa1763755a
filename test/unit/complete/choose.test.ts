import { describe, expect, test } from "vitest";
import { chooseNumbers, numberOf } from "../../../compiler/complete/choose.ts";
import { hashText } from "../../../compiler/net/hash.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `default/service-${i}`);
const NONE = (): boolean => false;

describe("numbers for names", () => {
  test("are those that a name tries first, until two want the same: then the first by name has it", () => {
    const chosen = chooseNumbers(names(200), 256, NONE);
    const sorted = names(200).sort();
    for (const name of sorted) {
      const wanted = numberOf(name, 0, 256);
      const winner = sorted.find((other) => numberOf(other, 0, 256) === wanted);
      if (winner === name) expect(chosen.get(name)).toBe(wanted);
    }
    expect(new Set(chosen.values()).size).toBe(200);
  });

  test("are all given when there are just enough; of more names than numbers some get none", () => {
    expect([...chooseNumbers(names(256), 256, NONE).values()].sort((a, b) => a - b)).toEqual([...Array(256).keys()]);
    expect(chooseNumbers(names(300), 256, NONE).size).toBe(256);
    expect(chooseNumbers(names(3), 0, NONE).size).toBe(0);
    expect(chooseNumbers(names(3), 5, (number) => number !== 4).size).toBe(1);
  });

  test("are never taken ones", () => {
    expect([...chooseNumbers(names(100), 256, (number) => number % 2 === 0).values()].every((n) => n % 2 === 1)).toBe(
      true,
    );
  });
});

describe("hashes", () => {
  test("are pinned: another function would move every assumed address", () => {
    expect(["", "a", "default/web", "default/wéb"].map(hashText)).toEqual([
      2872998923, 444641715, 1611262052, 4289323334,
    ]);
  });

  test("of similar names fill a range evenly", () => {
    const counts = new Map<number, number>();
    for (const name of names(16_000)) counts.set(hashText(name) % 16, (counts.get(hashText(name) % 16) ?? 0) + 1);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150); // 5 standard deviations
  });
});
