/** Damaged files of a node: kpc says so, or reads the same host, and never fails. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Diagnostic, Source } from "../../compiler/diagnostics.ts";
import { readHostFiles } from "../../compiler/hostfiles/host.ts";
import { hostText } from "../support/host-text.ts";
import { runs } from "../support/runs.ts";

const FOLDER = new URL("../golden/hosts/node-1", import.meta.url).pathname;

const FILES: readonly Source[] = readdirSync(FOLDER)
  .sort()
  .map((name) => ({ name, text: readFileSync(join(FOLDER, name), "utf8") }));

const JSONS = FILES.flatMap(({ text }, index) => (text.startsWith("[") ? [index] : []));

function read(sources: readonly Source[]): {
  readonly text: string | undefined;
  readonly findings: readonly Diagnostic[];
} {
  const findings: Diagnostic[] = [];
  const { host } = readHostFiles("node-1", sources, (finding) => void findings.push(finding));
  for (const { origin } of findings) origin?.span();
  // Places differ where the text is longer or shorter.
  return { text: host && hostText(host).replaceAll(/ {3}\S+:\d+:\d+/g, ""), findings };
}

const replaced = (index: number, text: string): readonly Source[] =>
  FILES.map((source, i) => (i === index ? { ...source, text } : source));

const WHOLE = read(FILES);

test("a file that is cut off is an error", () => {
  const law = fc.property(fc.constantFrom(...JSONS), fc.double({ min: 0, max: 1, noNaN: true }), (index, part) => {
    const text = FILES[index]?.text.trimEnd() ?? "";
    const { text: host, findings } = read(replaced(index, text.slice(0, 1 + Math.floor(part * (text.length - 2)))));
    expect(host).toBeUndefined();
    expect(findings.map(({ code }) => code)).toContain("json-syntax");
  });
  fc.assert(law, { numRuns: runs(360) });
});

/** All ways to a value below `value`. */
function* pathsIn(value: unknown, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value))
    yield* pathsIn(member, [...path, Array.isArray(value) ? Number(key) : key]);
}

function withValue(value: unknown, [step, ...rest]: readonly (string | number)[], other: unknown): unknown {
  if (step === undefined) return other;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[step] = withValue(copy[step], rest, other);
  return copy;
}

const PLACES = JSONS.flatMap((index) =>
  [...pathsIn(JSON.parse(FILES[index]?.text ?? ""))].map((path) => ({ index, path })),
);

test("a value of a wrong kind is reported, or decides nothing", () => {
  const other = fc.constantFrom<unknown>(-1, 1.5, [7]);
  const law = fc.property(fc.constantFrom(...PLACES), other, ({ index, path }, value) => {
    const text = JSON.stringify(withValue(JSON.parse(FILES[index]?.text ?? ""), path, value));
    const { text: host, findings } = read(replaced(index, text));
    const added = findings.filter(({ message }) => WHOLE.findings.every((each) => each.message !== message));
    if (host !== WHOLE.text) expect(added).not.toEqual([]);
  });
  fc.assert(law, { numRuns: runs(600) });
});

function withoutMember(value: unknown, path: readonly (string | number)[]): unknown {
  const copy = structuredClone(value);
  const holder = path.slice(0, -1).reduce((at, step) => (at as Record<string | number, unknown>)[step], copy);
  if (Array.isArray(holder)) holder.splice(Number(path.at(-1)), 1);
  else delete (holder as Record<string, unknown>)[String(path.at(-1))];
  return copy;
}

test("members that a version of iproute2 lacks: there is a host, or an error says why not", () => {
  const places = fc.array(fc.constantFrom(...PLACES), { minLength: 1, maxLength: 3 });
  const law = fc.property(places, (removed) => {
    const sources = removed.reduce<readonly Source[]>((files, { index, path }) => {
      const value: unknown = JSON.parse(files[index]?.text ?? "");
      const isThere = [...pathsIn(value)].some((each) => each.join() === path.join());
      const text = JSON.stringify(isThere ? withoutMember(value, path) : value);
      return files.map((source, i) => (i === index ? { ...source, text } : source));
    }, FILES);
    const { text: host, findings } = read(sources);
    expect(host === undefined).toBe(findings.some(({ severity }) => severity === "error"));
  });
  fc.assert(law, { numRuns: runs(600) });
});
