/** Each line of the rules that a Service causes leads to its manifest, in every language. */
import { expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import { required } from "../../../compiler/invariant.ts";
import { printIptables } from "../../../compiler/print.ts";
import type { LinePlace, RuleText } from "../../../runtime/playground/protocol.ts";
import { ruleLines } from "../../../runtime/playground/rule-lines.ts";
import { programTexts } from "../../../runtime/playground/worker/program-lines.ts";
import { toConfig } from "../../support/compile.ts";
import { exampleManifests, exampleSettings } from "../../support/examples.ts";

const MANIFESTS = exampleManifests();
const { program } = required(compile(MANIFESTS, toConfig(exampleSettings())).compiled, "the shop compiles");
const TEXTS = programTexts(program).map((text) => ({ ...text, lines: ruleLines(text) }));

test("lines are those that are printed", () => {
  const printed: Record<RuleText["language"], string> = {
    nft: program.ruleset.tables.map((table) => printTable(table)).join(""),
    iptables: printIptables(program, "ip").text.trimStart(),
    ip6tables: printIptables(program, "ip6").text.trimStart(),
    ir: printIr(program),
  };
  expect(TEXTS.map(({ language }) => language)).toEqual(Object.keys(printed));
  for (const { language, lines } of TEXTS)
    expect(lines.map(({ text }) => `${text}\n`).join("")).toBe(printed[language].replaceAll("\t", "  "));
});

test.each(TEXTS)("$language: lines that name a port of a Service lead to it", ({ lines }) => {
  const named = lines.flatMap(({ text, place }) => {
    const [, service = ""] = /comment"?:? \\?"shop\/([a-z-]+):[a-z-]+"/.exec(text) ?? [];
    return service === "" ? [] : [{ text, place, service }];
  });
  expect(new Set(named.map(({ service }) => service)).size).toBeGreaterThan(1);
  for (const { text, place, service } of named)
    expect(objectAt(required(place, `a place of ${text}`))).toMatch(new RegExp(`name: ${service}\\b`));
});

test.each(TEXTS)("$language: lines of endpoints lead to their pods", ({ language, lines }) => {
  const address = language === "ip6tables" ? "fd00:10:244:1::20" : "10.244.1.20";
  const own = lines.filter(({ text, place }) => text.includes(address) && place?.file.endsWith("pods.yaml"));
  expect(own.length).toBeGreaterThan(0);
  for (const { place } of own) expect(objectAt(required(place, "filtered"))).toContain(address);
});

/** The text of the object that `place` is in, from its first line. */
function objectAt({ file, line }: LinePlace): string {
  const { text } = required(
    MANIFESTS.find(({ name }) => name === file),
    file,
  );
  let end = 0;
  for (const object of text.split(/^---$/m)) {
    end += object.split("\n").length - 1;
    if (line <= end) return object;
  }
  throw new Error(`${file} has no line ${line}`);
}
