import { expect, test } from "vitest";
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asOneOf,
  asString,
  asStringOrArray,
  type Context,
} from "../../../compiler/documents/decode.ts";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { Field } from "../../../compiler/documents/field.ts";
import { checkMembers } from "../../../compiler/documents/unknown-members.ts";
import { printFinding } from "../specs/findings.ts";

/** What `read` gives for the value `text`, and what it reports. */
function run(
  text: string,
  read: (context: Context, node: Field) => unknown,
): readonly [value: unknown, findings: string[]] {
  const findings: string[] = [];
  const [document] = readDocuments({ name: "a.yaml", text: `a: ${text}` }, () => expect.unreachable());
  const root = Field.root(document ?? expect.unreachable());
  const context: Context = { report: (finding) => findings.push(printFinding(finding)), root, subject: "thing" };
  return [read(context, root.member("a")), findings];
}

const values = (nodes: readonly Field[]): unknown[] => nodes.map(({ value }) => value);

test.each<[unknown, string[], string, (context: Context, node: Field) => unknown]>([
  ["x", [], "x", asString],
  [
    undefined,
    ["1:4 error wrong-type a: Invalid value: expected string, found number 5 (a string needs quotes here)"],
    "5",
    asString,
  ],
  [5, [], "5", asInteger],
  [undefined, ["1:4 error wrong-type a: Invalid value: expected integer, found number 5.5"], "5.5", asInteger],
  [false, [], "false", asBoolean],
  [undefined, ['1:4 error wrong-type a: Invalid value: expected boolean, found string "x"'], "x", asBoolean],
  [[1, null], [], "[1, ~]", (context, node) => values(asArray(context, node))],
  [
    [],
    ["1:4 error wrong-type a: Invalid value: expected array, found object"],
    "{}",
    (context, node) => values(asArray(context, node)),
  ],
  [["x"], [], "x", (context, node) => values(asStringOrArray(context, node))],
  [["x", "z"], [], "[x, z]", (context, node) => values(asStringOrArray(context, node))],
  [{ b: 1 }, [], "{b: 1}", (context, node) => asObject(context, node)?.value],
  [
    undefined,
    ["1:4 error wrong-type a: Invalid value: expected object, found array"],
    "[]",
    (context, node) => asObject(context, node)?.value,
  ],
  ["b", [], "b", (context, node) => asOneOf(context, node, ["b", "c"])],
  [
    undefined,
    ['1:4 error invalid-value a: Unsupported value: "x": supported values: "b", "c"'],
    "x",
    (context, node) => asOneOf(context, node, ["b", "c"]),
  ],
  [
    undefined,
    ['1:11 error unknown-field unknown field "a.bcc", did you mean "bcd"?'],
    "{x: 1, bcc: 2}",
    (context, node) => checkMembers(context, node, new Set(["bcd", "x"])),
  ],
])("%j %j", (wanted, findings, text, read) => {
  expect(run(text, read)).toEqual([wanted, findings]);
});

test("absent values are no findings", () => {
  expect(
    run("1", (context) => [asString(context, undefined), asArray(context, undefined), asObject(context, undefined)]),
  ).toEqual([[undefined, [], undefined], []]);
});

test("of many unknown fields only the first are named", () => {
  const fields = Array.from({ length: 100 }, (_, i) => `f${i}: 1`).join(", ");
  const [, findings] = run(`{${fields}}`, (context, node) => checkMembers(context, node, new Set(["name"])));
  expect(findings).toHaveLength(21);
  expect(findings.at(-1)).toBe("1:4 error unknown-field a: 80 more unknown fields");
});
