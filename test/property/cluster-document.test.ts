/** Whatever stands in a Cluster: each finding has its place, and what gives none is right by the schema too. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { lineAndColumn } from "../../compiler/diagnostics.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { WHOLE_CLUSTER } from "../support/cluster-document.ts";
import { accepts, type JsonSchema } from "../support/json-schema.ts";
import { runs } from "../support/runs.ts";

const SCHEMA = JSON.parse(
  readFileSync(new URL("../../schemas/cluster.schema.json", import.meta.url), "utf8"),
) as JsonSchema;

type Path = readonly (string | number)[];

/** The ways to all values in `value`, its own apart. */
function* pathsIn(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) yield* pathsIn(member, [...path, key]);
}

const DOCUMENT: unknown = parse(WHOLE_CLUSTER);

const PATHS = [...pathsIn(DOCUMENT)].filter(([first]) => first !== "apiVersion" && first !== "kind");

/** A copy of `value` with `next` at `path`; undefined: without it. */
function replaced(value: unknown, [step, ...rest]: Path, next: unknown): unknown {
  if (step === undefined) return next;
  if (Array.isArray(value)) return value.map((item, i) => (String(i) === step ? replaced(item, rest, next) : item));
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [step]: replaced(record[step], rest, next) };
}

/** Values that stand somewhere in a Cluster, so that they are often of the right type and in the wrong place. */
const OWN = PATHS.map((path) => path.reduce((at, step) => (at as Record<string, unknown>)[step], DOCUMENT));

const anything = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...OWN) },
  fc.constantFrom(
    undefined,
    "",
    "0",
    0,
    -1,
    1.5,
    65536,
    true,
    "10.0.0.0/8",
    "fd00::1",
    "::ffff:1.2.3.4",
    "eth0",
    "a:80",
    [],
  ),
  fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("null")), // null is as good as nothing
);

test("findings have places, and what gives none is right by the schema", () => {
  let sound = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...PATHS), anything), { minLength: 1, maxLength: 2 }), (changes) => {
      let document = DOCUMENT;
      // The longer way first: what it leads to may be gone after the other one.
      for (const [path, value] of [...changes].sort(([a], [b]) => b.length - a.length))
        document = replaced(document, path, value);
      const text = JSON.stringify(document, null, 1);
      let isSound = true;
      const specs = loadSpecs([{ name: "cluster.json", text }], ({ code, message, origin }) => {
        isSound = false;
        expect({ code, hasPlace: origin !== undefined, message }).toMatchObject({ hasPlace: true });
        if (origin !== undefined) expect(lineAndColumn(origin.span()).line).toBeGreaterThan(0);
      });
      if (!isSound) return;
      sound++;
      expect(specs.network).toBeDefined();
      expect({ text, isAccepted: accepts(SCHEMA, JSON.parse(text)) }).toMatchObject({ isAccepted: true });
    }),
    { numRuns: runs(6_000) },
  );
  expect(sound).toBeGreaterThan(5);
});
