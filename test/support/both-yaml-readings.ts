/** YAML read twice: as kpc reads it, and by the library alone. */
import { expect } from "vitest";
import { PlainWords } from "../../compiler/documents/one-line-scalars.ts";
import { readRegularYaml } from "../../compiler/documents/regular-yaml.ts";
import type { Path } from "../../compiler/documents/types.ts";
import { readYaml } from "../../compiler/documents/yaml.ts";
import { excerptsOf, splitList, textOfRegion, type YamlRegion } from "../../compiler/documents/yaml-excerpts.ts";
import { nodeRange } from "../../compiler/documents/yaml-place.ts";
import { composeAll } from "../../compiler/documents/yaml-trees.ts";
import { toValue } from "../../compiler/documents/yaml-value.ts";

/** How many parts of a text were read, and how many of them without the library. */
export interface PartCounts {
  parts: number;
  regular: number;
}

/** Values with all that JSON does not tell. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "number" && (!Number.isFinite(each) || Object.is(each, -0)) ? `number ${1 / each}` : each,
  );
}

/** What the library makes of a text that has to be one document without a mistake. */
function byLibrary(text: string): string {
  const trees = composeAll(text) ?? [];
  const [tree] = trees;
  if (tree === undefined || trees.length > 1) return `${trees.length} documents`;
  const [error] = tree.errors;
  if (error !== undefined) return `error: ${error.message}`;
  const { value, problems } = toValue(tree);
  return problems[0]?.message ?? shown(value);
}

/** Holds that each part of `text` that is read without the library is what the library makes of it; counts them. */
export function expectLibraryReading(text: string, words = new PlainWords()): PartCounts {
  const counts: PartCounts = { parts: 0, regular: 0 };
  const compare = (region: YamlRegion): void => {
    counts.parts++;
    const regular = readRegularYaml(region, words);
    if (regular === undefined) return;
    counts.regular++;
    const part = textOfRegion(region);
    const [ours, theirs] = [shown(regular.value), byLibrary(part)];
    if (ours !== theirs) expect(ours, JSON.stringify(part)).toBe(theirs);
  };
  for (const excerpt of excerptsOf(text)) {
    compare(excerpt.region());
    const list = splitList(excerpt);
    if (list === undefined) continue;
    compare(list.head.region());
    for (const item of list.items()) compare(item.region());
  }
  return counts;
}

/** Holds that values and places of all documents in `text`, which has no mistake and is no List, are those in the library's trees of the
 *  whole text; gives the number of places. */
export function expectLibraryPlaces(text: string): number {
  const source = { name: "a.yaml", text };
  const trees = (composeAll(text) ?? []).filter((tree) => toValue(tree).value !== null);
  const documents = [...readYaml(source, ({ message }) => expect.unreachable(message))];
  expect(documents.length).toBe(trees.length);
  let places = 0;
  for (const [i, document] of documents.entries()) {
    const tree = trees[i];
    if (tree === undefined) continue;
    const { value } = toValue(tree);
    expect(shown(document.value)).toBe(shown(value));
    document.forget?.();
    expect(shown(document.value)).toBe(shown(value));
    for (const path of pathsIn(value))
      for (const what of ["key", "value"] as const) {
        const { start, end } = document.locate(path, what);
        const [from, to] = nodeRange(tree, path, what);
        if (start !== from || end !== Math.max(to, from + 1))
          expect([path, what, start, end]).toEqual([path, what, from, to]);
        places++;
      }
  }
  return places;
}

/** Every value in `value`, and one that is not there. */
function* pathsIn(value: unknown, path: Path = []): Generator<Path> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  yield [...path, "is not there"];
  const steps = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const step of steps)
    yield* pathsIn((value as Readonly<Record<string | number, unknown>>)[step], [...path, step]);
}
