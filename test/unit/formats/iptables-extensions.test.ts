import { describe, expect, test } from "vitest";
import { MATCHES } from "../../../compiler/formats/iptables/extensions/matches.ts";
import { TARGETS } from "../../../compiler/formats/iptables/extensions/targets.ts";
import { printSave } from "../../../compiler/formats/iptables/print-save.ts";
import { normaliseProgram } from "../../../compiler/ir/normal-form.ts";
import { type ExtensionRow, MATCH_ROWS, TARGET_ROWS, textWith } from "../../support/iptables-rows.ts";
import { mustReadIptables } from "../../support/read.ts";

describe.each([
  ["matches", MATCHES, MATCH_ROWS],
  ["targets", TARGETS, TARGET_ROWS],
])("extensions of iptables: %s", (_, extensions, rows) => {
  test("each that is understood has a row", () => {
    const understood = Object.entries(extensions).filter(([, { read }]) => read !== undefined);
    expect(Object.keys(rows).sort()).toEqual(understood.map(([name]) => name).sort());
  });

  const all = Object.values(rows).flat();

  test.each(all.map((row): [string, ExtensionRow] => [row.rule, row]))("%s is understood", (_rule, row) => {
    const program = mustReadIptables(textWith(row), row.family ?? "ip");
    expect(JSON.stringify(program, bigintAsText).includes('"opaque')).toBe(row.isUnknown ?? false);
  });

  test.each(all.map((row): [string, ExtensionRow] => [row.rule, row]))("%s is printed as it was read", (_rule, row) => {
    const family = row.family ?? "ip";
    const program = mustReadIptables(textWith(row), family);
    const { text } = printSave(program.ruleset, family);
    expect(normaliseProgram(mustReadIptables(text, family))).toEqual(normaliseProgram(program));
  });
});

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
