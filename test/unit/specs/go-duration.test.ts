import { expect, test } from "vitest";
import { parseGoDuration } from "../../../compiler/specs/go-duration.ts";

test.each<[text: string, milliseconds: number | undefined]>([
  ["0", 0],
  ["0s", 0],
  ["1s", 1000],
  ["1h30m", 5_400_000],
  ["24h0m0s", 86_400_000],
  ["1.5s", 1500],
  [".5m", 30_000],
  ["1.s", 1000],
  ["250ms", 250],
  ["2us", 0.002],
  ["2µs", 0.002],
  ["-3s", -3000],
  ["+3s", 3000],
  ["", undefined],
  ["-", undefined],
  ["1", undefined],
  ["s", undefined],
  ["1d", undefined],
  ["1s ", undefined],
  ["1s2", undefined],
  [".s", undefined],
  ["1e3s", undefined],
])("%j is %s ms", (text, milliseconds) => {
  expect(parseGoDuration(text)).toBe(milliseconds);
});
