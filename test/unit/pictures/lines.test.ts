import { describe, expect, test } from "vitest";
import { arrowCorners, keptRight } from "../../../compiler/pictures/lines.ts";

describe("a line is moved to the right of its direction", () => {
  test.each([
    [
      "down",
      [
        [10, 0],
        [10, 100],
      ],
      [
        [2, 0],
        [2, 100],
      ],
    ],
    [
      "up",
      [
        [10, 100],
        [10, 0],
      ],
      [
        [18, 100],
        [18, 0],
      ],
    ],
    [
      "to the right",
      [
        [0, 10],
        [100, 10],
      ],
      [
        [0, 18],
        [100, 18],
      ],
    ],
    [
      "down, then to the right",
      [
        [0, 0],
        [0, 50],
        [90, 50],
      ],
      [
        [-8, 0],
        [-8, 58],
        [90, 58],
      ],
    ],
    [
      "down, then on",
      [
        [0, 0],
        [0, 50],
        [0, 90],
      ],
      [
        [-8, 0],
        [-8, 50],
        [-8, 90],
      ],
    ],
    ["nowhere", [[5, 5]], [[5, 5]]],
  ] as const)("%s", (_, points, moved) => {
    expect(keptRight(points, 8)).toEqual(moved);
  });

  test("there and back share no point", () => {
    const way = [
      [40, 0],
      [40, 60],
      [400, 60],
      [400, 0],
    ] as const;
    const there = keptRight(way, 8).map(String);
    const back = keptRight([...way].reverse(), 8).map(String);
    expect(there.filter((point) => back.includes(point))).toEqual([]);
  });
});

test("the head of an arrow to the right", () => {
  expect(arrowCorners([0, 0], [20, 0], 10)).toEqual([
    [20, 0],
    [7, -7],
    [7, 7],
  ]);
});
