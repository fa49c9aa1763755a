import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineWidth, shortened, spanWidth, textBounds, wrapped } from "../../../compiler/pictures/widths.ts";

describe("spanWidth", () => {
  test.each([
    ["", 0],
    ["ijl", 3 * 0.29 * 13],
    ["web", (0.87 + 0.64 + 0.64) * 13],
    ["日本", 2 * 1.4 * 13],
  ])("of %j", (text, width) => {
    expect(spanWidth({ text }, 13)).toBeCloseTo(width);
  });

  test("addresses have one width for each character", () => {
    expect(spanWidth({ text: "10.96.0.30", isMono: true }, 13)).toBeCloseTo(
      spanWidth({ text: "WWWWWWWWWW", isMono: true }, 13),
    );
  });

  test("bold is wider", () => {
    expect(spanWidth({ text: "name", isBold: true }, 16)).toBeGreaterThan(spanWidth({ text: "name" }, 16));
  });
});

test("a line is as wide as its parts", () => {
  const parts = [{ text: "dst " }, { text: "10.96.0.30", isMono: true }];
  expect(lineWidth(parts, 13)).toBeCloseTo(
    spanWidth({ text: "dst " }, 13) + spanWidth({ text: "0123456789", isMono: true }, 13),
  );
});

test.each([
  ["start", 100, 100 + 26 * 0.64],
  ["end", 100 - 26 * 0.64, 100],
  ["middle", 100 - 13 * 0.64, 100 + 13 * 0.64],
] as const)("bounds of text at its %s", (anchor, left, right) => {
  const bounds = textBounds({ kind: "text", x: 100, y: 50, size: 13, anchor, spans: [{ text: "12" }] });
  expect(bounds.left).toBeCloseTo(left);
  expect(bounds.right).toBeCloseTo(right);
  expect(bounds.top).toBeLessThan(50 - 0.9 * 13);
  expect(bounds.bottom).toBeGreaterThan(50 + 0.2 * 13);
});

describe("wrapped", () => {
  test.each([
    ["", 100, [""]],
    ["a b", 100, ["a b"]],
    ["route 10.244.1.0/24 via 192.168.50.11", 160, ["route 10.244.1.0/24", "via 192.168.50.11"]],
    ["kubernetes.io/ingress-nginx-controller", 180, ["kubernetes.io/ingress-", "nginx-controller"]],
    ["ABCDEFGHIJ", 50, ["ABCDEF", "GHIJ"]],
  ])("%j in %d pixels", (text, width, lines) => {
    expect(wrapped(text, width, 13, { isMono: true })).toEqual(lines);
  });

  test("no line is wider than asked for, but for a single character; nothing is lost", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."mi /.:,-W日a0") }), fc.nat(200), (text, width) => {
        const lines = wrapped(text, width, 13);
        expect(lines.filter((line) => [...line].length > 1 && spanWidth({ text: line }, 13) > width)).toEqual([]);
        expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
      }),
    );
  });
});

test.each([
  ["services.yaml:12:5", 30, "services.yaml:12:5"],
  ["examples/shop/manifests/services.yaml:12:5", 30, "examples/shop/m…ices.yaml:12:5"],
  ["abcdef", 2, "a…"],
  ["abcdef", 1, "…"],
])("%j in %d characters", (text, most, short) => {
  expect(shortened(text, most)).toBe(short);
});
