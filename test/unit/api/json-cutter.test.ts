import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ListCutter,
  MAX_NESTING,
  MAX_OBJECT_BYTES,
  ObjectCutter,
  parseObject,
} from "../../../runtime/api/json-cutter.ts";
import { ApiTrouble } from "../../../runtime/api/trouble.ts";
import { runs } from "../../support/runs.ts";

/** `bytes` in pieces that end at `cuts`. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, i) => bytes.subarray(start, ends[i] ?? bytes.length));
}

function cutAll(parts: readonly Buffer[]): unknown[] {
  const cutter = new ObjectCutter();
  return parts.flatMap((part) => [...cutter.cut(part)].map(parseObject));
}

function readList(parts: readonly Buffer[]): { head: unknown; items: unknown[]; rest: unknown } {
  let head: unknown;
  const items: unknown[] = [];
  const cutter = new ListCutter((found) => {
    head ??= found;
  });
  for (const part of parts) for (const item of cutter.cut(part)) items.push(parseObject(item));
  return { head, items, rest: cutter.end() };
}

function reasonOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof ApiTrouble ? error.reason : `not a trouble: ${error}`;
  }
}

const object = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ stringUnit: "binary" }), { maxKeys: 4 });
const cuts = fc.array(fc.nat(), { maxLength: 20 });
const PARAMETERS = { numRuns: runs(4000) };

describe("objects one after the other", () => {
  test("come out as they are, wherever the text is cut", () => {
    fc.assert(
      fc.property(
        fc.array(object, { maxLength: 4 }),
        cuts,
        fc.constantFrom("\n", "", " \r\n\t"),
        (objects, at, gap) => {
          const text = objects.map((each) => `${JSON.stringify(each)}${gap}`).join("");
          expect(cutAll(pieces(Buffer.from(text), at))).toEqual(JSON.parse(JSON.stringify(objects)));
        },
      ),
      PARAMETERS,
    );
  });

  test("each comes out with its last byte", () => {
    const cutter = new ObjectCutter();
    const heard = [...'{"a":"}\\"{"}{"b":[{}]}'].map((byte) => [...cutter.cut(Buffer.from(byte))].map(String));
    expect(heard.flatMap((found, at) => found.map((text) => [at, text]))).toEqual([
      [11, '{"a":"}\\"{"}'],
      [21, '{"b":[{}]}'],
    ]);
  });

  test.each(["x", "]", '"text"', "1", "null", "{},{}", "<html>"])("%j is no such text", (text) => {
    expect(reasonOf(() => cutAll([Buffer.from(text)]))).toBe("malformed");
  });

  test.each(["{x}", '{"a":}', "{]"])("%j has braces only", (text) => {
    expect(reasonOf(() => cutAll([Buffer.from(text)]))).toBe("malformed");
  });

  test("an object without an end is given up", () => {
    const cutter = new ObjectCutter();
    const piece = Buffer.alloc(1024 * 1024, "a");
    let count = 0;
    const reason = reasonOf(() => {
      for (const _ of cutter.cut(Buffer.from('{"a":"'))) expect.unreachable();
      for (; count < 1000; count++) for (const _ of cutter.cut(piece)) expect.unreachable();
    });
    expect(reason).toBe("too-large");
    expect(count).toBeLessThanOrEqual(MAX_OBJECT_BYTES / piece.length);
  });

  test("nesting ends where what reads the object still has a stack", () => {
    const nested = (depth: number): Buffer => Buffer.from(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    expect(cutAll([nested(MAX_NESTING - 1)])[0]).toHaveProperty("a");
    expect(reasonOf(() => cutAll([nested(MAX_NESTING)]))).toBe("malformed");
  });
});

describe("a list", () => {
  const around = fc.record({ metadata: object, kind: fc.string(), apiVersion: fc.string() });

  test("gives its items and what stands around them, wherever it is cut and in whatever order its members come", () => {
    fc.assert(
      fc.property(
        around,
        fc.array(object, { maxLength: 5 }),
        fc.nat(3),
        cuts,
        fc.boolean(),
        (rest, items, at, where, wide) => {
          const members = Object.entries(rest);
          const whole = Object.fromEntries([...members.slice(0, at), ["items", items], ...members.slice(at)]);
          const text = Buffer.from(JSON.stringify(whole, null, wide ? 2 : 0));
          const found = readList(pieces(text, where));
          expect(found.items).toEqual(JSON.parse(JSON.stringify(items)));
          expect(found.rest).toEqual({ ...JSON.parse(JSON.stringify(rest)), items: [] });
          expect(found.head).toEqual({
            ...JSON.parse(JSON.stringify(Object.fromEntries(members.slice(0, at)))),
            items: [],
          });
        },
      ),
      PARAMETERS,
    );
  });

  test("a Status is what stands around no items", () => {
    const status = { kind: "Status", metadata: { items: [1] }, details: { items: ["x"] }, items: null };
    expect(readList([Buffer.from(JSON.stringify(status))])).toEqual({ head: undefined, items: [], rest: status });
  });

  test("that ends within an item, or before its own end, is cut off", () => {
    const text = '{"kind":"ServiceList","metadata":{"resourceVersion":"1"},"items":[{"a":"b"},{"c":1}]}';
    for (let end = 0; end < text.length; end++)
      expect([end, reasonOf(() => readList([Buffer.from(text.slice(0, end))]))]).toEqual([end, "cut-off"]);
    expect(reasonOf(() => readList([Buffer.from(text)]))).toBeUndefined();
  });

  test.each(['{"items":[1]}', '{"items":[{},"x"]}', "[]", "[{}]", "text", "{}}", '{"items":[]]}', '{"items":[{}}]}'])(
    "%j is none",
    (text) => {
      expect(reasonOf(() => readList([Buffer.from(text)]))).toMatch(/^(?:malformed|cut-off)$/);
    },
  );

  test("any bytes end with an answer or a trouble", () => {
    const byte = fc.constantFrom(...'{}[]",:\\ items"\n').map((character) => character.charCodeAt(0));
    const bytes = fc.array(fc.oneof({ weight: 9, arbitrary: byte }, fc.nat(255)), { maxLength: 60 });
    fc.assert(
      fc.property(bytes, cuts, fc.boolean(), (codes, where, isList) => {
        const text = Buffer.concat([Buffer.from(isList ? '{"items":[' : ""), Buffer.from(codes)]);
        expect(reasonOf(() => readList(pieces(text, where))) ?? "").not.toMatch(/^not/);
        expect(reasonOf(() => cutAll(pieces(text, where))) ?? "").not.toMatch(/^not/);
      }),
      PARAMETERS,
    );
  });

  test("what stands around the items is bounded", () => {
    const cutter = new ListCutter(() => {});
    const piece = Buffer.from(`"${"a".repeat(64 * 1024)}",`);
    const reason = reasonOf(() => {
      for (let i = 0; i < 100; i++) for (const _ of cutter.cut(piece)) expect.unreachable();
    });
    expect(reason).toBe("too-large");
  });
});
