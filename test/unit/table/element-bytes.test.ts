/** Elements in the bytes that nf_tables has for them. */
import { describe, expect, test } from "vitest";
import type { MapDeclaration, MapElement, SetDeclaration, SetElement, Verdict } from "../../../compiler/ir/types.ts";
import { bytesOfElement, bytesOfRaw, hasKnownBytes, readElement } from "../../../runtime/table/element-bytes.ts";
import type { RawElement } from "../../../runtime/table/nf-tables.ts";
import { mustReadNft } from "../../support/read.ts";

type Declared = SetDeclaration | MapDeclaration;

/** What `text` declares, with its elements. */
function declared(text: string): Declared {
  const [table] = mustReadNft(`table ip t {\n${text}\n}\n`).ruleset.tables;
  const [only] = [...(table?.sets ?? []), ...(table?.maps ?? [])];
  if (only === undefined) throw new Error("there is one");
  return only;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The parts of the bytes of its one element. */
function parts(text: string): readonly string[] {
  const set = declared(text);
  const [element] = set.elements as [SetElement | MapElement];
  const { key, end, value, comment } = bytesOfElement(set, element);
  return [
    hex(key),
    hex(end),
    value.length > 0 && isVerdict(set) ? Buffer.from(value).toString() : hex(value),
    Buffer.from(comment).toString(),
  ];
}

const isVerdict = (set: Declared): boolean => "data" in set && set.data === "verdict";

// Addresses, ports and protocols in the order of the network, numbers of a host in that of its processor; each fills whole words where there are several.
test.each<[what: string, text: string, ...want: string[]]>([
  ["an address", "set s { type ipv4_addr; elements = { 10.96.0.1 } }", "0a600001", "", "", ""],
  [
    "an address of IPv6",
    "set s { type ipv6_addr; elements = { fd00:1::ab:2 } }",
    "fd0000010000000000000000" + "00ab0002",
    "",
    "",
    "",
  ],
  ["a port alone", "set s { type inet_service; elements = { 443 } }", "01bb", "", "", ""],
  ["a protocol alone", "set s { type inet_proto; elements = { 17 } }", "11", "", "", ""],
  ["a mark", "set s { type mark; elements = { 0x01020304 } }", "04030201", "", "", ""],
  ["a class", "set s { type classid; elements = { 1:2 } }", "02000100", "", "", ""],
  [
    "several parts",
    "set s { type ipv4_addr . inet_proto . inet_service; elements = { 10.96.0.1 . tcp . 80 } }",
    "0a600001" + "06000000" + "00500000",
    "",
    "",
    "",
  ],
  [
    "a block among them",
    "set s { type ipv4_addr . inet_service . ipv4_addr; flags interval; elements = { 10.96.0.1 . 80 . 10.1.0.0/16 } }",
    "0a60000100500000" + "0a010000",
    "0a60000100500000" + "0a01ffff",
    "",
    "",
  ],
  [
    "a number by chance",
    "map m { typeof ip daddr . numgen random mod 65536 : meta priority; elements = { 10.96.0.1 . 258 : 1:203 } }",
    "0a600001" + "02010000",
    "",
    "03020100",
    "",
  ],
  [
    "data of two parts",
    "map m { type mark : ipv4_addr . inet_service; elements = { 1 : 10.1.2.3 . 8080 } }",
    "01000000",
    "",
    "0a010203" + "1f900000",
    "",
  ],
  [
    "data of one part",
    "map m { type ipv4_addr : inet_service; elements = { 10.0.0.1 : 8080 } }",
    "0a000001",
    "",
    "1f90",
    "",
  ],
  ["a comment", 'set s { type ipv4_addr; elements = { 10.0.0.1 comment "shop/web" } }', "0a000001", "", "", "shop/web"],
  ["drop", "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : drop } }", "0a000001", "", "0 ", ""],
  ["accept", "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept } }", "0a000001", "", "1 ", ""],
  ["continue", "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : continue } }", "0a000001", "", "-1 ", ""],
  ["return", "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : return } }", "0a000001", "", "-5 ", ""],
  ["a jump", "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : jump c } }", "0a000001", "", "-3 c", ""],
  ["a goto", "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : goto c } }", "0a000001", "", "-4 c", ""],
])("%s", (_, text, ...want) => {
  const own = text.includes(": jump") || text.includes(": goto") ? `${text} chain c { }` : text;
  expect(hasKnownBytes(declared(own))).toBe(true);
  expect(parts(own)).toEqual(want);
});

test("neighbours with other comments and verdicts have their own bytes", () => {
  const set = declared(
    `map m { type ipv4_addr : verdict; elements = { 10.0.0.1 comment "a" : drop, 10.0.0.2 comment "b" : accept, 10.0.0.3 : accept } }`,
  );
  const said = set.elements.map((element) => {
    const { value, comment } = bytesOfElement(set, element);
    return `${Buffer.from(value)}${Buffer.from(comment)}`;
  });
  expect(said).toEqual(["0 a", "1 b", "1 "]);
});

test.each([
  ["a set that packets fill", "set s { type ipv4_addr . inet_service; flags dynamic; timeout 60s; }", false],
  ["blocks of one part", "set s { type ipv4_addr; flags interval; }", false],
  ["blocks among several parts", "set s { type ipv4_addr . inet_service; flags interval; }", true],
  ["names of interfaces", "set s { type ifname; }", false],
  ["a key with one", "set s { type ipv4_addr . ifname; }", false],
  ["data with one", "map m { type ipv4_addr : ifname; }", false],
  ["a key with one, and data without", "map m { type ifname : ipv4_addr; }", false],
  ["verdicts", "map m { type ipv4_addr : verdict; }", true],
  ["verdicts by names of interfaces", "map m { type ifname : verdict; }", false],
])("whether bytes are known of %s", (_, text, isKnown) => {
  expect(hasKnownBytes(declared(text))).toBe(isKnown);
});

describe("what the kernel tells", () => {
  const raw = (each: Partial<RawElement>): RawElement => ({
    key: Buffer.from("0a000001", "hex"),
    keyEnd: undefined,
    value: undefined,
    verdict: undefined,
    isEnd: false,
    comment: undefined,
    ...each,
  });
  const verdicts = declared("map m { type ipv4_addr : verdict; }");

  test.each<[number, string | undefined, Verdict]>([
    [0, undefined, { kind: "drop" }],
    [1, undefined, { kind: "accept" }],
    [-1, undefined, { kind: "continue" }],
    [-5, undefined, { kind: "return" }],
    [-3, "c", { kind: "jump", chain: "c" }],
    [-4, "c", { kind: "goto", chain: "c" }],
  ])("the verdict %i is read, and has the same bytes", (code, chain, verdict) => {
    const told = raw({ verdict: { code, chain } });
    const element = readElement(verdicts, told);
    expect(element).toEqual({ key: [0x0a000001], value: verdict });
    const made = bytesOfElement(verdicts, element);
    expect(Buffer.from(bytesOfRaw(told).value).toString()).toBe(Buffer.from(made.value).toString());
  });

  test("blocks, data and comments are read, and have the same bytes", () => {
    const text =
      'map m { type ipv4_addr . ipv6_addr : ipv4_addr . inet_service; flags interval; elements = { 10.1.0.0/16 . fd00::1:2 comment "x" : 10.2.3.4 . 80 } }';
    const map = declared(text);
    const [element] = map.elements as [MapElement];
    const { key, end, value, comment } = bytesOfElement(map, element);
    const told = raw({
      key: Buffer.from(key),
      keyEnd: Buffer.from(end),
      value: Buffer.from(value),
      comment: Buffer.from(comment).toString(),
    });
    expect(readElement(map, told)).toMatchObject({ key: element.key, value: element.value, comment: "x" });
    expect(Object.values(bytesOfRaw(told)).map(hex)).toEqual([key, end, value, comment].map(hex));
  });

  test("an element of a set has neither data nor end", () => {
    const set = declared("set s { type ipv4_addr; }");
    expect(readElement(set, raw({}))).toStrictEqual({ key: [0x0a000001] });
    expect(Object.values(bytesOfRaw(raw({}))).map(hex)).toEqual(["0a000001", "", "", ""]);
  });

  test("an element of a map without data has none", () => {
    const map = declared("map m { type ipv4_addr : inet_service; }");
    expect(readElement(map, raw({}))).toStrictEqual({ key: [0x0a000001] });
    expect(readElement(verdicts, raw({ value: Buffer.from([1]) }))).toStrictEqual({ key: [0x0a000001] });
    const nowhere = raw({ verdict: { code: -3, chain: undefined } });
    expect(readElement(verdicts, nowhere)).toMatchObject({ value: { kind: "jump", chain: "" } });
  });

  test("what others have named or said in other letters has its own bytes", () => {
    const named = bytesOfRaw(raw({ verdict: { code: -4, chain: "caf\xe9" }, comment: "\xe9t\xe9" }));
    expect(hex(named.value)).toBe(hex(Buffer.from("-4 caf\xe9", "latin1")));
    expect(hex(named.comment)).toBe("e974e9");
  });

  test("numbers of a host are read in the order of its processor", () => {
    const set = declared("set s { type mark . inet_service; }");
    expect(readElement(set, raw({ key: Buffer.from("04030201" + "00500000", "hex") }))).toEqual({
      key: [0x01020304, 80],
    });
  });

  test("a verdict that nf_tables does not have is a bug", () => {
    expect(() => readElement(verdicts, raw({ verdict: { code: -9, chain: undefined } }))).toThrow();
  });
});
