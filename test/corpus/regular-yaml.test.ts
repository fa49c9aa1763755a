/** Other people's manifests: what is read without the library is what the library makes of it, with all places. */
import { describe, expect, test } from "vitest";
import { expectLibraryPlaces, expectLibraryReading } from "../support/both-yaml-readings.ts";
import { readFolder } from "../support/shared.ts";

const manifests = readFolder("corpus/k8s", ".yaml");
const missing = manifests.length === 0 ? " (skipped: the manifests are not beside the project)" : "";

describe.skipIf(manifests.length === 0)(`real manifests are read as the library reads them${missing}`, () => {
  let [parts, regular] = [0, 0];

  test.each(manifests)("$name", ({ text }) => {
    const counts = expectLibraryReading(text);
    parts += counts.parts;
    regular += counts.regular;
    if (!/^kind: \w*List$/m.test(text)) expectLibraryPlaces(text);
  });

  test("most of their documents need no library", () => {
    expect(regular / parts).toBeGreaterThan(0.8);
  });
});
