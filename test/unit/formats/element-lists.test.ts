import { describe, expect, it } from "vitest";
import { ElementLists } from "../../../compiler/formats/nft/element-lists.ts";
import { toElement } from "../../../compiler/formats/nft/elements.ts";
import { nftLexer } from "../../../compiler/formats/nft/lexer.ts";
import { Listed, lexAside, wordsOfList } from "../../../compiler/formats/nft/set-aside.ts";
import type { SetElement } from "../../../compiler/ir/types.ts";

const listing = (list: string): string =>
  `table ip t {\n\tset s {\n\t\ttype ipv4_addr . inet_service\n\t\telements = {${list}}\n\t}\n}\n`;

const ELEMENTS = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255} . ${i + 1}`).join(",\n\t\t\t");

const places = (text: string, tokens: ReturnType<typeof lexAside>["tokens"]): string[] =>
  tokens.map(
    ({ image, startOffset, tokenType }) =>
      `${startOffset} ${tokenType.name} ${image} ${text.startsWith(image, startOffset)}`,
  );

describe("a long list of elements", () => {
  it("is one token, and its words are those of the text", () => {
    const text = listing(` ${ELEMENTS} `) + listing(ELEMENTS);
    const { tokens, errors } = lexAside(text);
    expect(errors).toEqual([]);
    expect(tokens.filter(({ tokenType }) => tokenType === Listed).length).toBe(2);
    expect(tokens.length).toBeLessThan(60);
    const words = tokens.flatMap((token) => (token.tokenType === Listed ? wordsOfList(token) : [token]));
    expect(places(text, words)).toEqual(places(text, nftLexer.tokenize(text).tokens));
  });

  it.each([
    ["a short one", "10.0.0.1 . 80"],
    ["one with a variable", `$x, ${ELEMENTS}`],
    ["one with a comment", `${ELEMENTS} # the last one\n`],
    ["one that nothing closes", `${ELEMENTS} "`],
    ["one with a set inside", `${ELEMENTS}, { 10.0.0.1 . 80 `],
    ["one with a character that no word has", `${ELEMENTS}\u0001`],
  ])("is words as they stand: %s", (_, list) => {
    const text = listing(list);
    const { tokens, errors } = lexAside(text);
    const wanted = nftLexer.tokenize(text);
    expect(places(text, tokens)).toEqual(places(text, wanted.tokens));
    expect(errors.map(({ offset }) => offset)).toEqual(wanted.errors.map(({ offset }) => offset));
  });

  it("is one token or words as they stand, whatever character is in it", () => {
    const elements = ELEMENTS.slice(0, ELEMENTS.indexOf("10.0.0.60"));
    let aside = 0;
    for (let code = 0; code < 256; code++) {
      const text = listing(`${elements}10.0.0.61 . 80, ${String.fromCharCode(code)}\n10.0.0.62 . 80`);
      const { tokens, errors } = lexAside(text);
      const wanted = nftLexer.tokenize(text);
      if (tokens.some(({ tokenType }) => tokenType === Listed)) aside++;
      const words = tokens.flatMap((token) => (token.tokenType === Listed ? wordsOfList(token) : [token]));
      expect([code, ...places(text, words)]).toEqual([code, ...places(text, wanted.tokens)]);
      expect([code, ...errors.map(({ offset }) => offset)]).toEqual([
        code,
        ...wanted.errors.map(({ offset }) => offset),
      ]);
    }
    expect(aside).toBeGreaterThan(200);
  });

  function readList(list: string): { readonly elements: readonly SetElement[] | undefined; readonly asked: number } {
    const { tokens } = lexAside(listing(list));
    const at = tokens.findIndex(({ tokenType }) => tokenType === Listed);
    let asked = 0;
    const found = new ElementLists().read(tokens.slice(at - 1, at + 2), {
      key: "set",
      read: (node) => {
        asked++;
        return toElement(node, ["ipv4_addr", "inet_service"]);
      },
    });
    const rows = found?.rows;
    return { elements: rows && Array.from({ length: rows.count }, (_, row) => rows.make(row)), asked };
  }

  it("is read by shape also with comments", () => {
    const list = Array.from({ length: 300 }, (_, i) => `10.0.0.${i & 255} . ${i} comment "team-${i}/web: a, b"`).join(
      ", ",
    );
    const { elements, asked } = readList(list);
    expect(elements?.[299]).toEqual({ key: [0x0a00002b, 299], comment: "team-299/web: a, b" });
    expect(asked).toBe(6);
  });

  it("is read by the shape of its elements, the odd ones by the grammar", () => {
    const { elements, asked } = readList(`${ELEMENTS}, 10.9.9.9 . http, ${ELEMENTS}`);
    expect(elements?.length).toBe(2001);
    expect(elements?.[1]).toEqual({ key: [0x0a000001, 2] });
    expect(elements?.[1000]).toEqual({ key: [0x0a090909, 80] });
    expect(asked).toBe(7);
  });

  it("is not read where an element is wrong, or where none is like another", () => {
    expect(readList(`${ELEMENTS}, 10.9.9.9 . 70000`).elements).toBeUndefined();
    expect(readList(`${ELEMENTS},, ${ELEMENTS}`).elements).toBeUndefined();
    const names = Array.from({ length: 500 }, (_, i) => `10.0.0.1 . 0${i}`).join(",");
    const { elements, asked } = readList(names);
    expect(elements).toBeUndefined();
    expect(asked).toBeLessThan(80);
  });
});
