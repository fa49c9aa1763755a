import { describe, expect, it } from "vitest";
import { ShapeBook } from "../../../compiler/formats/shapes/book.ts";
import { HOLES, type HoleKind, type HoleValue } from "../../../compiler/formats/shapes/holes.ts";
import { Rows } from "../../../compiler/formats/shapes/rows.ts";
import { Shape } from "../../../compiler/formats/shapes/shape.ts";
import { learn, type ShapeTemplate } from "../../../compiler/formats/shapes/template.ts";

const LINE = new Shape(["to ", " port ", ""], ["ipv4", "port"]);

/** Reads `to ADDRESS port PORT`, with something made of both. */
function reader(make: (address: number, port: number) => unknown): (text: string) => unknown {
  return (text) => {
    const values: HoleValue[] = [];
    return LINE.match(text, 0, values, () => undefined) === text.length
      ? make(values[0] as number, values[1] as number)
      : undefined;
  };
}

describe("words in holes", () => {
  it.each<[HoleKind, string, HoleValue[]]>([
    ["ipv4", "10.0.0.1", [0x0a000001]],
    ["ipv4", "255.255.255.255|/32", [0xffffffff]],
    ["ipv4-prefix", "10.1.2.3/8", [0x0a000000, 0x0affffff]],
    ["ipv4-range", "10.0.0.1-10.0.0.3", [0x0a000001, 0x0a000003]],
    ["ipv6", "fd00::1", [0xfdn * 2n ** 120n + 1n]],
    ["ipv6-prefix", "8000::/1", [2n ** 127n, 2n ** 128n - 1n]],
    ["number", "0", [0]],
    ["port", "65535", [65535]],
    ["word", "a-b_9| x", ["a-b_9"]],
    ["quoted", 'a b|" c', ["a b"]],
    ["classid", "e3b5:0F| :", [0xe3b5000f]],
    ["classid", "ffff:ffff", [0xffffffff]],
    ["list", "KUBE-SEP|.", ["kube-sep"]],
    ["name", "KUBE-SVC", ["kube-svc"]],
  ])("%s: %s", (kind, text, wanted) => {
    const values: HoleValue[] = [];
    const [word = "", rest = ""] = text.split("|");
    const end = HOLES[kind].scan(`"${word}${rest}`, 1, values, 0, (name) => name.toLowerCase());
    expect(values).toEqual(wanted);
    expect(end).toBe(1 + word.length);
  });

  it.each<[HoleKind, string]>([
    ["ipv4", "10.0.0"],
    ["ipv4", "10.0.0.256"],
    ["ipv4", "10.0.0.01"],
    ["ipv4", ""],
    ["ipv4-prefix", "10.0.0.0/32"],
    ["ipv4-prefix", "10.0.0.0/0"],
    ["ipv4-prefix", "10.0.0.0"],
    ["ipv4-range", "10.0.0.1-10.0.0.1"],
    ["ipv6", "fd00::1::2"],
    ["ipv6", "fd00:1"],
    ["ipv6-prefix", "fd00::/128"],
    ["number", "007"],
    ["number", "65536"],
    ["port", "0"],
    ["word", "-j"],
    ["name", "unknown"],
    ["list", "unknown"],
    ["classid", "e3b5"],
    ["classid", "e3b5:"],
    ["classid", ":1"],
    ["classid", "1e3b5:1"],
    ["classid", "1:1e3b5"],
    ["classid", "root"],
    ["quoted", "=a"],
    ["quoted", "a\\"],
  ])("none of %s: %s", (kind, text) => {
    expect(HOLES[kind].scan(`"${text}"`, 1, [], 0, () => undefined)).toBe(-1);
  });

  it("each has its probes", () => {
    for (const [kind, { probes }] of Object.entries(HOLES)) {
      const shape = new Shape(['x "', '" y'], [kind as HoleKind]);
      expect(shape.probes().length, kind).toBe(4);
      expect(new Set([0, 1, 2].flatMap((n) => probes(n).slice(0, 2))).size, kind).toBe(6);
    }
  });
});

describe("what is made of texts of one shape", () => {
  it("is filled in, and what no hole changes is shared", () => {
    const shared = { kind: "tcp" };
    const template = learn(
      LINE,
      reader((address, port) => ({ shared, list: [port, { address }], end: address })),
    );
    const [one, other] = [template?.fill([1, 2]), template?.fill([3, 4])] as [
      Record<string, unknown>,
      Record<string, unknown>,
    ];
    expect(one).toEqual({ shared: { kind: "tcp" }, list: [2, { address: 1 }], end: 1 });
    expect(other).toEqual({ shared: { kind: "tcp" }, list: [4, { address: 3 }], end: 3 });
    expect(other["shared"]).toBe(one["shared"]);
    expect(Object.keys(one)).toEqual(["shared", "list", "end"]);
  });

  it.each<[string, (address: number, port: number) => unknown]>([
    ["a text with the value inside of it", (address, port) => ({ text: `-m ${address}`, port })],
    ["something computed", (address, port) => [address + 1, port]],
    ["a hole that means nothing", (address) => [address]],
    ["other parts for the least value", (address, port) => (port === 1 ? [port, address] : [address, port])],
    ["nothing for the greatest value", (address, port) => (port === 65535 ? undefined : [address, port])],
    ["other members", (address, port) => (address % 256 === 17 ? { address, port } : { port, address })],
    ["a list that grows", (address, port) => (port > 20000 ? [address, port, 1] : [address, port])],
  ])("is not learned: %s", (_, make) => {
    expect(learn(LINE, reader(make))).toBeUndefined();
  });
});

describe("a book of shapes", () => {
  function asking(book: ShapeBook<unknown>): (text: string) => unknown {
    return (text) => (book.expect(text, 0, text.length) ?? book.read(text, 0, text.length))?.fill(book.values);
  }

  function open(make: (address: number, port: number) => unknown) {
    const read = reader(make);
    const asked: string[] = [];
    const book = new ShapeBook<unknown>({
      shapeOf: (text) => (text.startsWith("to ") ? LINE : undefined),
      read: (text) => {
        asked.push(text);
        return read(text);
      },
      mayEnd: (_, at, end) => at === end,
      nameOf: () => undefined,
    });
    return { asked, ask: asking(book) };
  }

  it("asks the grammar for a few texts of a shape, and no more", () => {
    const { asked, ask } = open((address, port) => [address, port]);
    const found = Array.from({ length: 1000 }, (_, i) => ask(`to 10.0.0.${i % 256} port ${i + 1}`));
    expect(found.slice(0, 2)).toEqual([undefined, [0x0a000001, 2]]);
    expect(found.slice(2).every((each) => Array.isArray(each))).toBe(true);
    expect(asked.length).toBe(5);
    expect(ask("to 10.0.0.1 port 0")).toBeUndefined();
    expect(ask("to 10.0.0.1 port 80 ")).toBeUndefined();
    expect(ask("from 10.0.0.1 port 80")).toBeUndefined();
  });

  it("learns shapes that come again, however many came once", () => {
    const read = reader((address, port) => [address, port]);
    let asked = 0;
    const book = new ShapeBook<unknown>({
      shapeOf: (text) => new Shape([`${text.split(" at ")[0]} at `, ""], ["ipv4"]),
      read: (text) => {
        asked++;
        return read(text.replace(/^.* at /, "to ").concat(" port 1"));
      },
      mayEnd: (_, at, end) => at === end,
      nameOf: () => undefined,
    });
    const ask = asking(book);
    for (let i = 0; i < 5000; i++) expect(ask(`once ${i} at 10.0.0.1`)).toBeUndefined();
    expect(asked).toBe(0);
    expect(ask("often at 10.0.0.1")).toBeUndefined();
    expect(ask("often at 10.0.0.2")).toEqual([0x0a000002, 1]);
  });

  it("does not trust a shape whose second text is read otherwise", () => {
    const { asked, ask } = open((address, port) => (port === 443 ? "https" : [address, port]));
    for (let i = 0; i < 100; i++) expect(ask("to 10.0.0.1 port 443")).toBeUndefined();
    expect(asked.length).toBe(5);
  });
});

describe("rows", () => {
  const NAMED = new Shape(["at ", " is ", " of ", ""], ["ipv6", "word", "number"]);
  const kinds = { kind: "named" };
  const template = learn<object>(NAMED, (text) => {
    const values: HoleValue[] = [];
    const [address, name, number] = NAMED.match(text, 0, values, () => undefined) === text.length ? values : [];
    return { kinds, key: [address, number], value: { chain: name, deep: [[number]] } };
  }) as ShapeTemplate<object>;
  const other = learn<object>(
    LINE,
    reader((address, port) => [port, { address }]) as (text: string) => object,
  ) as ShapeTemplate<object>;

  /** The rows, and what they are. */
  function some(): { readonly rows: Rows<object>; readonly wanted: unknown[] } {
    const rows = new Rows<object>();
    const wanted: unknown[] = [];
    for (let i = 0; i < 300; i++) {
      // An address of IPv4 may be no whole number of 31 bits.
      const values = i % 3 === 0 ? [2 ** 32 - 1 - i, i] : [(1n << 127n) + BigInt(i), `chain-${i}`, i];
      rows.add(i % 3 === 0 ? other : template, [...values, "what stood there before"]);
      wanted.push((i % 3 === 0 ? other : template).fill(values));
      if (i % 50 !== 0) continue;
      rows.addMade({ made: i });
      wanted.push({ made: i });
    }
    return { rows, wanted };
  }

  it("are made of values, each by itself", () => {
    const { rows, wanted } = some();
    expect(rows.count).toBe(wanted.length);
    expect(wanted.map((_, row) => rows.make(row))).toEqual(wanted);
    expect(rows.make(2)).not.toBe(rows.make(2));
  });

  it("are visited without an object for each", () => {
    const { rows, wanted } = some();
    const objects = new Set<object>();
    const seen: unknown[] = [];
    rows.forEach((row, number) => {
      objects.add(row);
      seen[number] = structuredClone(row);
    });
    expect(seen).toEqual(wanted);
    // One of each template, and those that were made.
    expect(objects.size).toBe(2 + 6);
  });
});
