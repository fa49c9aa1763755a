import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Diagnostic, lineAndColumn } from "../../../compiler/diagnostics.ts";
import { readNftJson } from "../../../compiler/formats/nft/json.ts";
import { readNft } from "../../../compiler/formats/nft/read.ts";
import { stepsIn } from "../../../compiler/ir/steps.ts";
import { sameProgram } from "../../support/nft-json.ts";

const textOf = (name: string): string => readFileSync(new URL(`nft-json/${name}`, import.meta.url), "utf8");

function read(text: string): { readonly program: ReturnType<typeof readNft>; readonly findings: readonly string[] } {
  const findings: string[] = [];
  const program = readNftJson({ name: "dump", text }, ({ code, message, origin }: Diagnostic) => {
    const place = origin === undefined ? undefined : lineAndColumn(origin.span());
    findings.push(`${place?.line}:${place?.column} ${code} ${message}`);
  });
  return { program, findings };
}

describe("nft -j", () => {
  test("is read as nft's listing of the same ruleset is", () => {
    const listed = readNft({ name: "all.nft", text: textOf("all.nft") }, () => undefined);
    expect(sameProgram(read(textOf("all.json")).program)).toEqual(sameProgram(listed));
  });

  test("has rules at their own places", () => {
    const text = textOf("all.json");
    const { program } = read(text);
    const [table] = program.ruleset.tables;
    const rule = table?.chains.find(({ name }) => name === "p")?.rules[1];
    const { source, start, end } = rule?.origin?.span() ?? { source: { text: "" }, start: 0, end: 0 };
    expect(JSON.parse(source.text.slice(start, end))).toMatchObject({ rule: { chain: "p", expr: [{}, { snat: {} }] } });
  });

  const rule = (...expr: unknown[]): string =>
    JSON.stringify({
      nftables: [
        { table: { family: "ip", name: "t" } },
        { chain: { family: "ip", table: "t", name: "c", type: "filter", hook: "input", prio: 0, policy: "accept" } },
        { rule: { family: "ip", table: "t", chain: "c", expr } },
      ],
    });

  test("a statement without words makes its rule one that may do anything, which is told", () => {
    const { program, findings } = read(rule({ somewhat: { new: 1 } }, { drop: null }));
    expect(findings).toEqual([expect.stringMatching(/^1:\d+ rules-refused /)]);
    expect([...stepsIn(program.ruleset.tables)]).toMatchObject([{ kind: "opaque-statement", terminal: true }]);
  });

  test("names with a plus, flags of logs, and chains within rules are read", () => {
    const iifname = { match: { op: "==", left: { meta: { key: "iifname" } }, right: { set: ["lo", "wg+"] } } };
    const flags = { log: { prefix: "x", flags: ["tcp sequence", "tcp options", "ip options", "skuid"] } };
    const chain = "jump {\n\t\tmeta mark vmap { 1 : drop, 2 : accept }\n\t\ttcp dport {\n\t\t1,\n\t\t2 } drop\n\t}";
    const { program, findings } = read(rule(iifname, flags, chain));
    expect(findings).toEqual([]);
    const [own, inside] = program.ruleset.tables.flatMap(({ chains }) => chains);
    expect(own?.rules[0]?.steps[1]).toMatchObject({
      text: expect.stringMatching(/flags tcp sequence ?, ?options flags ip options flags skuid/),
    });
    expect(inside?.rules.length).toBe(2);
  });

  test("what elements of a set count or limit", () => {
    const stmt = [{ counter: null }, { limit: { rate: 5, burst: 5, per: "second" } }];
    const set = { family: "ip", name: "s", table: "t", type: "ipv4_addr", policy: "memory", timeout: 5, stmt };
    const text = JSON.stringify({ nftables: [{ table: { family: "ip", name: "t" } }, { set }] });
    const { ruleset } = readNftJson({ name: "list.json", text }, ({ message }) => {
      throw new Error(message);
    });
    expect(ruleset.tables[0]?.sets).toMatchObject([
      { policy: "memory", timeoutSeconds: 5, statements: ["counter", "limit rate 5/second"] },
    ]);
  });

  test("a mapping of addresses has its flag in `prefix`", () => {
    const addr = { prefix: { addr: "10.1.0.0", len: 24 } };
    const text = rule({ snat: { addr, flags: "netmap", type_flags: "prefix" } });
    const { program, findings } = read(
      text.replace('"type":"filter","hook":"input"', '"type":"nat","hook":"postrouting"'),
    );
    expect(findings).toEqual([]);
    expect([...stepsIn(program.ruleset.tables)]).toMatchObject([{ kind: "snat", to: { netmap: true } }]);
  });

  test("a rule that the kernel refuses behind its hook is a finding at its object", () => {
    const text = rule({ masquerade: null });
    const [finding = "", ...more] = read(text).findings;
    expect(finding).toMatch(/^1:\d+ rules-refused expected masquerade in chains of type nat only$/);
    expect(text.slice(Number(/^1:(\d+)/.exec(finding)?.[1]) - 1)).toMatch(/^\{"rule":/);
    expect(more).toEqual([]);
  });

  test.each([
    ['{"nftables": [', /^1:\d+ json-syntax expected JSON, as nft -j list ruleset prints it/],
    ['{"nftables": 5}', /^1:1 json-syntax expected a list of objects in nftables/],
    [
      JSON.stringify({ nftables: [{ chain: { family: "ip", table: "t", name: "c" } }] }),
      /^1:\d+ rules-syntax there is no table ip t before this/,
    ],
  ])("%s is told", (text, wanted) => {
    expect(read(text).findings[0]).toMatch(wanted);
  });
});
