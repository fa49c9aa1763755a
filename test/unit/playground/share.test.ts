/** Links of the playground: what comes back from them, and what does not. */
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromFragment, LinkError, toFragment } from "../../../runtime/playground/page/share.ts";
import type { PageState } from "../../../runtime/playground/page/state.ts";
import { VIEWS } from "../../../runtime/playground/protocol.ts";

const STATE: PageState = {
  files: [{ name: "a.yaml", text: "kind: Service\n" }],
  before: [],
  question: "tcp web-1 > svc/api:http",
  branch: 2,
  mode: "iptables",
  node: "node-1",
  view: "rules",
  open: "a.yaml",
};

function linkTo(value: unknown): string {
  return `1${deflateRawSync(JSON.stringify(value)).toString("base64url")}`;
}

describe("a link", () => {
  test("leads to the state that it was made of; what Diff compares with is the same then", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    const files = fc.array(fc.record({ name: text, text }), { maxLength: 4 });
    const view = fc.constantFrom(...VIEWS);
    await fc.assert(
      fc.asyncProperty(files, text, view, async (written, question, shown) => {
        const state = { ...STATE, files: written, question, view: shown };
        expect(await fromFragment(await toFragment(state))).toEqual({ ...state, before: written });
      }),
      { numRuns: 20 },
    );
  });

  test("has characters alone that every program leaves as they are", async () => {
    expect(await toFragment(STATE)).toMatch(/^1[A-Za-z0-9_-]+$/);
  });

  test.each([
    ["", "another version"],
    ["2abc", "another version"],
    ["1", "damaged"],
    ["1!!", "damaged"],
    [`1${"A".repeat(100)}`, "damaged"],
    [linkTo("text"), "something else"],
    [linkTo(null), "something else"],
    [linkTo({ ...STATE, files: [{ name: 1 }] }), "something else"],
    [linkTo({ ...STATE, files: [null] }), "something else"],
    [linkTo({ ...STATE, view: "constructor" }), "something else"],
    [linkTo({ ...STATE, mode: "ipvs" }), "something else"],
    [linkTo({ ...STATE, question: 5 }), "something else"],
    [linkTo({ ...STATE, question: "x".repeat(3_000_000) }), "more than 2 MB"],
  ])("that is none is refused (%#)", async (fragment, message) => {
    await expect(fromFragment(fragment)).rejects.toThrow(LinkError);
    await expect(fromFragment(fragment)).rejects.toThrow(message);
  });

  test("that was cut off is refused, wherever that was", async () => {
    const whole = await toFragment(STATE);
    for (let length = 1; length < whole.length; length++)
      await expect(fromFragment(whole.slice(0, length))).rejects.toThrow(LinkError);
  });
});
