import { describe, expect, test } from "vitest";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { readIr } from "../../../compiler/formats/ir/read.ts";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import type { Program, SetProperties } from "../../../compiler/ir/types.ts";
import { mustReadNft, readNftText } from "../../support/read.ts";

type Properties = Omit<SetProperties, "name" | "key" | "interval">;

const textOf = (lines: readonly string[], kind = "set", type = "ipv4_addr"): string =>
  `table ip t {\n\t${kind} s {\n${[`type ${type}`, ...lines].map((line) => `\t\t${line}\n`).join("")}\t}\n}\n`;

const printed = ({ ruleset }: Program): string => ruleset.tables.map((table) => printTable(table)).join("");

function propertiesOf(program: Program): Properties & { readonly interval: boolean } {
  const { name: _, key: _key, elements: _elements, ...properties } = program.ruleset.tables[0]?.sets[0] ?? {};
  return properties as Properties & { readonly interval: boolean };
}

/** Each property as nft 1.0.6 lists it, and what it is in the IR. */
const LISTED: { readonly [K in keyof Required<Properties>]: readonly [line: string, properties: Properties] } = {
  dynamic: ["flags dynamic", { dynamic: true, size: 65535 }],
  constant: ["flags constant", { constant: true }],
  size: ["size 128", { size: 128 }],
  timeoutSeconds: ["timeout 1h30m", { timeoutSeconds: 5400 }],
  timeouts: ["flags timeout", { timeouts: true }],
  gcIntervalSeconds: ["gc-interval 1s500ms", { gcIntervalSeconds: 1.5 }],
  policy: ["policy memory", { policy: "memory" }],
  autoMerge: ["auto-merge", { autoMerge: true }],
  statements: ["counter", { statements: ["counter"] }],
  comment: ['comment "a b"', { comment: "a b" }],
};

describe("a property of a set", () => {
  test.each(Object.values(LISTED))("%s", (line, properties) => {
    const program = mustReadNft(textOf([line]));
    expect(propertiesOf(program)).toEqual({ interval: false, ...properties });
    expect(printed(program)).toContain(`\t\t${line}\n`);
    expect(propertiesOf(mustReadNft(printed(program)))).toEqual(propertiesOf(program));
  });

  test.each<readonly [string, Properties]>([
    ["policy performance", {}],
    ["size 0x10", { size: 16 }],
    ["timeout 90", { timeoutSeconds: 90 }],
    ["flags timeout; timeout 1m", { timeoutSeconds: 60 }],
    ["limit rate 5/second; counter packets 5 bytes 6", { statements: ["limit rate 5/second", "counter"] }],
    ["ct count over 5", { statements: ["ct count over 5"] }],
    ["flags constant; flags timeout", { timeouts: true }],
  ])("in other words: %s", (line, properties) => {
    expect(propertiesOf(mustReadNft(textOf([line])))).toEqual({ interval: false, ...properties });
  });

  test("all of them are printed in the order in which nft lists them, and stand in the IR's JSON", () => {
    const lines = [
      "policy memory",
      "size 128",
      "flags interval,timeout",
      "limit rate 5/second counter",
      "auto-merge",
      "timeout 1h",
      "gc-interval 10s",
      'comment "hi"',
      "elements = { 10.0.0.1 counter timeout 1s500ms }",
    ];
    const program = mustReadNft(textOf([...lines].reverse()));
    expect(printed(program)).toBe(textOf(lines));
    const { tables } = program.ruleset;
    const report = (): void => undefined;
    expect(readIr({ name: "ir.json", text: printIr(program) }, report)?.ruleset.tables).toEqual(tables);
  });
});

test("an element for all other keys is printed, in the IR's JSON as well", () => {
  const elements = '{ 80 : accept, * comment "x" : drop }';
  const text = (map: string, rule: string): string =>
    `table ip t {\n${map}\tchain c {\n\t\ttcp dport vmap ${rule}\n\t}\n}\n`;
  const listed = elements.replace(", ", ",\n\t\t\t     ");
  const declared = `\tmap m {\n\t\ttype inet_service : verdict\n\t\telements = ${listed}\n\t}\n\n`;
  for (const wanted of [text(declared, "@m"), text("", elements)]) {
    const program = mustReadNft(wanted);
    expect(printed(program)).toBe(wanted);
    const again = readIr({ name: "ir.json", text: printIr(program) }, () => undefined);
    expect(again && printed(again)).toBe(wanted);
  }
});

describe("what nft refuses of a set is reported", () => {
  test.each([
    ["flags often", "5:9 error rules-syntax expected flags, joined by commas: constant, dynamic, interval, timeout"],
    ["flags", "5:3 error rules-syntax expected flags, joined by commas: constant, dynamic, interval, timeout"],
    [
      "flags interval dynamic",
      "5:18 error rules-syntax expected flags, joined by commas: constant, dynamic, interval, timeout",
    ],
    [
      "flags interval,",
      "5:3 error rules-syntax expected flags, joined by commas: constant, dynamic, interval, timeout",
    ],
    ["policy fastest", "5:3 error rules-syntax expected policy memory or performance"],
    ["policy", "5:3 error rules-syntax expected policy memory or performance"],
    ["size many", "5:3 error rules-syntax expected a number of elements, such as 65536"],
    ["size", "5:3 error rules-syntax expected a number of elements, such as 65536"],
    ["timeout soon", "5:3 error rules-syntax expected a time, such as 1h30m"],
    ["timeout 5s later", "5:3 error rules-syntax expected a time, such as 1h30m"],
    ["gc-interval soon", "5:3 error rules-syntax expected a time, such as 1h30m"],
    ["auto-merge now", "5:3 error rules-syntax expected auto-merge alone"],
    ["comment", "5:3 error rules-syntax expected a text"],
    ["counter 5", '5:11 error rules-syntax found "5", which does not fit here'],
    ["colour red", "5:3 error rules-syntax expected a property of the set: type, flags, timeout, size, elements, …"],
  ])("%s", (line, finding) => {
    expect(readNftText(textOf(["size 5", line])).findings).toEqual([finding]);
  });

  test("a time of an element that is none", () => {
    const { findings } = readNftText(textOf(["elements = { 10.0.0.1 timeout soon }"]));
    expect(findings).toEqual([expect.stringContaining("1 elements of set s do not have its type")]);
  });
});
