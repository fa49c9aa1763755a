/** A text that is edited, and read with what is remembered of it, gives what it gives when it is read for the first time. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Source } from "../../compiler/diagnostics.ts";
import { Field } from "../../compiler/documents/field.ts";
import { loadSpecs, SpecsMemory } from "../../compiler/specs/load.ts";
import type { Specs } from "../../compiler/specs/types.ts";
import { cluster, type Manifest } from "../support/arbitraries.ts";
import { manifestsAsWritten } from "../support/arbitrary-manifests.ts";
import { WHOLE_CLUSTER } from "../support/cluster-document.ts";
import { exampleManifests } from "../support/examples.ts";
import { printYaml } from "../support/kubectl-yaml.ts";
import { runs } from "../support/runs.ts";
import { printFinding } from "../unit/specs/findings.ts";

/** Everything that reading gives, with the places of all that has one. */
function read(sources: readonly Source[], memory?: SpecsMemory): { readonly shown: string; readonly specs: Specs } {
  const findings: string[] = [];
  const specs = loadSpecs(sources, (finding) => void findings.push(printFinding(finding)), memory);
  const shown = JSON.stringify({ specs, findings }, (_, value: unknown) => {
    if (value instanceof Field) return placeOf(value);
    if (value instanceof Map) return [...value];
    return typeof value === "bigint" ? String(value) : value;
  });
  return { shown, specs };
}

function placeOf(field: Field): string {
  const { source, start, end } = field.span();
  return `${source.name} ${start}-${end} ${source.text.slice(start, end)}`;
}

const SHOP = exampleManifests()
  .map(({ text }) => text)
  .join("---\n");

const OWN_SETTINGS = `apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    mode: nftables
    nodePortAddresses: [10.0.0.0/8]
`;

const objects: fc.Arbitrary<readonly Manifest[]> = fc.oneof(
  manifestsAsWritten,
  cluster.map((input) => input.objects as readonly Manifest[]),
);

const listOf = (items: readonly Manifest[]): object => ({ apiVersion: "v1", items, kind: "List" });

/** Texts of each kind that can be taken apart, and of some that cannot. */
const firstText: fc.Arbitrary<string> = fc.oneof(
  objects.map((items) => items.map((item) => printYaml(item)).join("---\n")),
  objects.map((items) => printYaml(listOf(items))),
  objects.map((items) => JSON.stringify(listOf(items))),
  objects.map((items) => JSON.stringify(listOf(items), null, 2)),
  objects.map((items) => items.map((item) => JSON.stringify(item)).join("\n")),
  objects.map((items) => `# c\n--- # d\n${items.map((item) => JSON.stringify(item)).join("\n...\n---\n")}`),
  fc.constant([SHOP, OWN_SETTINGS, WHOLE_CLUSTER].join("---\n")),
);

/** What is put into a text, where, and instead of how many characters. `from`: a piece of the text itself. */
interface Edit {
  readonly at: number;
  readonly length: number;
  readonly text: string | { readonly from: number; readonly length: number };
}

const SNIPPETS = [
  "",
  " ",
  "\n",
  "---\n",
  "\n---\n",
  "\n...\n",
  "x",
  "1",
  '"',
  ",",
  "{",
  "}",
  "[",
  "- ",
  ": ",
  "&a ",
  "*a",
];

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 3 }) }, fc.nat({ max: 300 })),
  text: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Edit["text"]>(...SNIPPETS) },
    fc.record({ from: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat({ max: 300 }) }),
  ),
});

function edited(before: string, { at, length, text }: Edit): string {
  const start = Math.floor(at * before.length);
  const from = typeof text === "string" ? 0 : Math.floor(text.from * before.length);
  const put = typeof text === "string" ? text : before.slice(from, from + text.length);
  return before.slice(0, start) + put + before.slice(start + length);
}

test("what is remembered of a text changes nothing of what is read", () => {
  fc.assert(
    fc.property(firstText, firstText, fc.array(edit, { minLength: 1, maxLength: 6 }), (first, second, edits) => {
      const memory = new SpecsMemory();
      let texts = [first, second];
      for (const [i, each] of [undefined, ...edits].entries()) {
        if (each !== undefined) texts = texts.map((text, which) => (which === i % 3 ? edited(text, each) : text));
        // Files may have equal names, come and go.
        const sources = texts.slice(0, i % 4 === 3 ? 1 : 2).map((text) => ({ name: "a.yaml", text }));
        expect(read(sources, memory).shown).toBe(read(sources).shown);
      }
    }),
    { numRuns: runs(400) },
  );
});

test("an edit that is undone while the text could not be read leaves what is remembered", () => {
  const memory = new SpecsMemory();
  const text = JSON.stringify(listOf([service("a"), service("b")]));
  const sources = (content: string): Source[] => [{ name: "a.json", text: content }];
  const before = read(sources(text), memory).specs;
  read(sources(`${text.slice(0, -1)},`), memory);
  const after = read(sources(text), memory).specs;
  expect(before.services.map((each, i) => each === after.services[i])).toEqual([true, true]);
});

function service(name: string): Manifest {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }] } };
}

describe("objects that have not changed are not read again", () => {
  const COUNT = 30;
  const services = Array.from({ length: COUNT }, (_, i) => service(`s${i}`));

  test.each([
    ["YAML documents", services.map((each) => printYaml(each)).join("---\n")],
    ["a YAML List", printYaml(listOf(services))],
    ["JSON", JSON.stringify(listOf(services))],
    ["indented JSON", JSON.stringify(listOf(services), null, 4)],
  ])("%s", (_, text) => {
    const memory = new SpecsMemory();
    const change = (content: string): readonly number[] => {
      const before = read([{ name: "a", text: content }], memory).specs.services;
      const now = read([{ name: "a", text: content.replace("s17", "t17") }], memory).specs.services;
      return now.flatMap((each, i) => (each === before[i] ? [] : [i]));
    };
    expect(change(text)).toEqual([17]);
    // Also with a line more at the beginning, which moves everything.
    expect(change(`\n${text}`)).toEqual([17]);
  });

  test("documents in another order", () => {
    const memory = new SpecsMemory();
    const texts = services.map((each) => printYaml(each));
    const before = new Set(read([{ name: "a", text: texts.join("---\n") }], memory).specs.services);
    const turned = texts.toReversed().map((each) => `---\n${each}`);
    const after = read([{ name: "a", text: turned.join("") }], memory).specs.services;
    // The first one had no marker in front of it, and two are read before others are looked for.
    expect(after.filter((each) => before.has(each)).length).toBe(COUNT - 3);
  });
});
