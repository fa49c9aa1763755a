import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../../../compiler/net/hash.ts";
import { runs } from "../../support/runs.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("SHA-256 is what FIPS 180-4 says of its example", () => {
  expect(hex(sha256("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("SHA-256 is what OpenSSL makes of any text", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.nat(200).map((length) => "x".repeat(length)), // all paddings
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(hex(sha256(text))).toBe(createHash("sha256").update(text).digest("hex"));
    }),
    { numRuns: runs(300) },
  );
});
