/** Which of several Services has what all of them claim. */
import { expect, test } from "vitest";
import { ClaimIndex, type ClaimingService } from "../../../compiler/updates/claim-index.ts";

const by = (service: string, created?: number): ClaimingService => ({ service: `shop/${service}`, created });

test("the oldest Service has a claim; of those of one age, or of none, the first by name", () => {
  const claims = new ClaimIndex();
  const come = (service: string, created?: number): string | undefined => {
    claims.move([], ["port"], by(service, created));
    return claims.ownerOf("port");
  };
  expect(claims.ownerOf("port")).toBeUndefined();
  expect(come("z")).toBe("shop/z");
  expect(come("y")).toBe("shop/y");
  expect(come("b", 2)).toBe("shop/b");
  expect(come("0")).toBe("shop/b");
  expect(come("c", 2)).toBe("shop/b");
  expect(come("a", 2)).toBe("shop/a");
  expect(come("x", 1)).toBe("shop/x");
});

test("whoever claims the same is concerned, when a claim comes and when it goes", () => {
  const claims = new ClaimIndex();
  expect([...claims.move([], ["a", "b"], by("one", 1))]).toEqual([]);
  expect([...claims.move([], ["b", "c"], by("two", 2))]).toEqual(["shop/one"]);
  expect([...claims.move([], ["b"], by("three", 3))].sort()).toEqual(["shop/one", "shop/two"]);
  expect(claims.lostBy("shop/two", ["b", "c"])).toEqual(["b"]);
  expect([...claims.move(["a", "b"], ["a"], by("one", 1))].sort()).toEqual(["shop/three", "shop/two"]);
  expect([claims.ownerOf("a"), claims.ownerOf("b")]).toEqual(["shop/one", "shop/two"]);
  expect([...claims.move(["b", "c"], [], by("two", 2))]).toEqual(["shop/three"]);
  expect([claims.ownerOf("b"), claims.ownerOf("c")]).toEqual(["shop/three", undefined]);
  expect([...claims.move(["b"], [], by("three", 3))]).toEqual([]);
  expect(claims.lostBy("shop/one", ["a"])).toEqual([]);
});

test("a Service whose age is known newly claims as that", () => {
  const claims = new ClaimIndex();
  claims.move([], ["a"], by("one", 1));
  claims.move([], ["a"], by("two", 2));
  claims.move(["a"], ["a"], by("two", 0));
  expect(claims.ownerOf("a")).toBe("shop/two");
});
