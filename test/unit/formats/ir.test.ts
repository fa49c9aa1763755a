import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { readIr } from "../../../compiler/formats/ir/read.ts";
import { readRules } from "../../../compiler/formats/read-rules.ts";
import type { Program, Step } from "../../../compiler/ir/types.ts";
import { cluster } from "../../support/arbitraries.ts";
import { mustCompile } from "../../support/compile.ts";
import { COMPLETE_PROGRAM } from "../../support/complete-program.ts";
import { ipv6, MATCHES, programOf, regularChain, ruleOf, STATEMENTS } from "../../support/ir.ts";
import { withoutPlaces } from "../../support/without-places.ts";

function read(text: string): { program: Program | undefined; findings: string[] } {
  const findings: string[] = [];
  const program = readIr({ name: "ir.json", text }, ({ code, message, origin }) => {
    const { line, column } = origin === undefined ? { line: 0, column: 0 } : lineAndColumn(origin.span());
    findings.push(`${line}:${column} ${code} ${message}`);
  });
  return { program, findings };
}

describe("what is printed is read as what was printed", () => {
  test("programs of clusters", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program } = mustCompile(world);
        expect(read(printIr(program))).toEqual({ findings: [], program: withoutPlaces(program) });
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ["all members", COMPLETE_PROGRAM],
    ["nothing in it", { ruleset: { tables: [] }, routes: [] }],
  ])("a program with %s", (_, program) => {
    expect(read(printIr(program))).toEqual({ findings: [], program: withoutPlaces(program) });
  });

  test("among files of rules", async () => {
    const findings: string[] = [];
    const readAll = (...texts: readonly string[]): Promise<Program> =>
      readRules(
        texts.map((text, i) => ({ name: `${i}`, text })),
        ({ message, origin }) => findings.push(`${origin?.span().source.name} ${message}`),
      );
    const { tls, listeners, ...others } = withoutPlaces(COMPLETE_PROGRAM);
    const all = printIr(COMPLETE_PROGRAM);
    expect(await readAll(all)).toEqual({ ...others, tls, listeners });
    expect(await readAll("table ip other {\n}\n", all)).toMatchObject({ routes: others.routes, tls, listeners });
    expect(findings).toEqual([]);
    expect(await readAll(printIr(others), printIr({ ...others, ...(tls && { tls }) }), all)).not.toHaveProperty(
      "listeners",
    );
    expect(findings).toEqual([expect.stringMatching(/^2 expected one file with certificates or listeners: /)]);
  });

  const steps: readonly Step[] = [
    ...Object.values(MATCHES).flatMap((samples) => samples.map(([step]): Step => step)),
    ...Object.values(STATEMENTS).flatMap((samples) => samples.map(([step]): Step => step)),
    {
      kind: "dnat",
      to: { kind: "literal", addresses: { from: ipv6("fd00::1"), to: ipv6("fd00::2") } },
      random: "none",
    },
  ];

  test.each(steps.map((step): [string, Step] => [step.kind, step]))("a step: %s", (_, step) => {
    const text = printIr(programOf({ chains: [regularChain("x", ruleOf(step))] }));
    const { program, findings } = read(text);
    // Sets and chains that the step names are not there, which is found when all has been read.
    if (program === undefined)
      expect(findings).toEqual([expect.stringMatching(/ expected a sound program: .* which is not there/)]);
    else expect(printIr(program)).toBe(text);
  });
});

const HEAD = '{"apiVersion": "kpc.dev/v1alpha1", "kind": "Program", "routes": [], "ruleset": {"tables": [';
const table = (members: string): string =>
  `${HEAD}{"family": "ip", "name": "t", "sets": [], "maps": [], "chains": [], ${members}}]}}`;

describe("what is wrong is told", () => {
  test.each([
    ["no JSON", '{"kind": "Program",\n oops}', /^2:2 json-syntax expected JSON: /],
    [
      "another kind",
      '{"apiVersion": "kpc.dev/v1alpha1", "kind": "Config"}',
      /expected "Program" in kind, found "Config"$/,
    ],
    ["a missing member", `${HEAD}{"family": "ip"}]}}`, /expected text in ruleset\.tables\[0\]\.name, found nothing$/],
    [
      "a member that there is not",
      table('"sest": []'),
      /expected no such member in ruleset\.tables\[0\]\.sest, found \[\]$/,
    ],
    [
      "an unknown word",
      table('"chains": [{"kind": "bass"}]'),
      /expected one of base, regular in ruleset\.tables\[0\]\.chains\[0\]\.kind, found "bass"$/,
    ],
    [
      "an address that is none",
      table(
        '"chains": [{"kind": "regular", "name": "c", "rules": [{"steps": [{"kind": "compare", "left": {"kind": "ip", "field": "daddr"}, "operator": "==", "right": "10.0.0.256"}]}]}]',
      ),
      /expected an IPv4 address in ruleset\.tables\[0\]\.chains\[0\]\.rules\[0\]\.steps\[0\]\.right, found "10\.0\.0\.256"$/,
    ],
    [
      "a jump to nowhere",
      table(
        '"chains": [{"kind": "regular", "name": "c", "rules": [{"steps": [{"kind": "verdict", "verdict": {"kind": "jump", "chain": "d"}}]}]}]',
      ),
      /expected a sound program: table ip t, chain c leads to chain d, which is not there$/,
    ],
    [
      "something without an end",
      table(
        `"chains": [{"kind": "regular", "name": "c", "rules": [{"steps": [{"kind": "set", "field": {"kind": "meta", "key": "mark"}, "value": ${'{"kind": "bitwise", "mask": 1, "xor": 1, "operand": '.repeat(2000)}1${"}".repeat(2000)}}]}]}]`,
      ),
      /expected no more than 100 levels in /,
    ],
  ])("%s", (_, text, message) => {
    const { program, findings } = read(text);
    expect(program).toBeUndefined();
    expect(findings).toEqual([expect.stringMatching(message)]);
  });
});
