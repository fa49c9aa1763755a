import { expect, test } from "vitest";
import { chanceOfEqual } from "../../support/chi-square.ts";

/** From tables of the chi-square distribution: degrees of freedom, statistic, upper tail. */
test.each([
  [1, 3.841, 0.05],
  [1, 10.828, 0.001],
  [2, 5.991, 0.05],
  [2, 13.816, 0.001],
  [4, 9.488, 0.05],
  [9, 16.919, 0.05],
  [9, 27.877, 0.001],
  [9, 8.343, 0.5],
])("%i degrees of freedom, %f", (degrees, statistic, tail) => {
  // Two counts that differ from the mean give the statistic; the others are the mean.
  const mean = 10_000;
  const off = Math.sqrt((statistic * mean) / 2);
  const counts = [mean + off, mean - off, ...new Array<number>(degrees - 1).fill(mean)];
  expect(chanceOfEqual(counts)).toBeCloseTo(tail, 3);
});
