/** YAML that is read without the library is what the library makes of it; what the library refuses is never read without it. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { PlainWords } from "../../compiler/documents/one-line-scalars.ts";
import { expectLibraryPlaces, expectLibraryReading } from "../support/both-yaml-readings.ts";
import { WHOLE_CLUSTER } from "../support/cluster-document.ts";
import { exampleManifests } from "../support/examples.ts";
import { EVERYTHING, runs, some } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";

const CASES = new URL("../golden/cases/", import.meta.url).pathname;

const GOLDEN = readdirSync(CASES, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .sort()
  .map((name) => readFileSync(`${CASES}${name}`, "utf8"));

/** As `kubectl get -o yaml` prints it, and people write it. */
const OTHERS = `apiVersion: v1
items:
- apiVersion: v1
  kind: Service
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","kind":"Service","metadata":{"name":"web"}}
      note: |-
        two

        lines
    creationTimestamp: "2025-03-14T09:26:53Z"
    labels: {app: web, "on": 'it''s', tier: "a\\tb"}
    name: web
    uid: 8286120b-2116-96c1-7715-496272d22a73
  spec:
    clusterIP: 10.0.0.1
    clusterIPs:
    - 10.0.0.1
    - fd00::1
    ports:
      - name: http # the first
        port: 80
        targetPort: 8080
      # the second
      -   name: 'metrics'
          port: 9090
    selector: {}
    externalIPs: [192.0.2.1, "192.0.2.2"]
  status:
    loadBalancer: {}
kind: List
metadata:
  resourceVersion: ""
---
# a comment
- - a
  - b: 1
    c:
- -1
-
  d: ~
- null
`;

const TEXTS = [...new Set([OTHERS, WHOLE_CLUSTER, ...exampleManifests().map(({ text }) => text), ...GOLDEN])];

/** In the quick set no long ones. */
const READ = EVERYTHING ? TEXTS : TEXTS.filter(({ length }) => length < 8000);

/** What is damaged: documents that are not too long to meet a change often. */
const DOCUMENTS = [OTHERS, ...TEXTS.flatMap((text) => text.split(/^(?=---\n)/m))].filter(({ length }) => length < 1500);

/** What stands for something, or would be read wrongly by who takes lines for more than they are. */
const PIECES = [
  ..."1e3 0o17 0x1F 010 00 1_000 1_0_0 -1 +1 -0 .5 5. - .inf .nan -.inf 2025-03-14 12:30 1.2.3 1-2 1-2-3 0x1-2-3 1e-3 1e-3-4".split(
    " ",
  ),
  ..."yes no on off y n Yes NO true True FALSE null Null ~ = << key:value a#b a,b {} [] {a [a, '' \"".split(" "),
  ...[
    "__proto__: 1\n",
    "constructor: 1\n",
    "<<: {a: 1}\n",
    "null: 1\n",
    "1: 1\n",
    "yes: 1\n",
    "? a\n",
    "- - a\n",
    "- a: 1\n",
  ],
  ...[
    "[a, b]",
    "[a,b]",
    "[a, ]",
    "{a: b}",
    "{a: [b, {c: 1}]}",
    "{a: ~}",
    "{a}",
    "[a: b]",
    '{"a":1}',
    "[a:b, -1, .5]",
    "[#a]",
  ],
  ...[
    '"a\\nb"',
    '"\\u00e9\\ud83d"',
    '"\\x41"',
    '"\\q"',
    '"a',
    "'it''s'",
    "'a",
    '"a" ',
    '"a"b',
    '"a" # b',
    "'a'#b",
    '"a": b',
  ],
  ...["|\n", "|-\n", "|+\n", "|2\n", "| # c\n", ">\n", "|\n\n", "! ", "!!str ", "&a ", "*a", "@a", "`a", "%a"],
  ...[
    "#",
    " # x",
    "# x\n",
    "\n# x\n",
    "\n   # x\n",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n  \n",
    "\t",
    "\r\n",
    "\ufeff",
    "\u2028",
    "\u0085",
    "é",
  ],
  ...[
    "---\n",
    "\n---\n",
    "--- a\n",
    "--- # a\n",
    "...\n",
    "\n...\n",
    "%YAML 1.2\n---\n",
    ": ",
    ":",
    "- ",
    "-\n",
    ",",
    "a b c",
  ],
  `${"x".repeat(200)}: `,
  `${"x".repeat(1100)}: `,
];

/** `text` with some of its lines and characters changed. */
function damaged(text: string, pick: (below: number) => number): string {
  let result = text;
  for (let changes = 1 + pick(4); changes > 0; changes--) {
    const piece = PIECES[pick(PIECES.length)] as string;
    const lines = result.split("\n");
    const i = pick(lines.length);
    const line = lines[i] as string;
    const change = pick(7);
    if (change === 0) lines[i] = " ".repeat(pick(7)) + line.trimStart();
    else if (change === 1) lines[i] = line + piece;
    else if (change === 2) lines.splice(i, 0, lines[pick(lines.length)] as string);
    else if (change === 3)
      lines[i] = line.replace(/(^ *(?:- )?[^:]*: ?|^ *- ).*/, (_, before: string) => before + piece);
    else if (change === 4)
      lines[i] = line.replace(/^( *)(.*)/, (_, indent: string, rest: string) => `${indent}- ${rest}`);
    else {
      const at = pick(line.length + 1);
      lines[i] = line.slice(0, at) + (change === 5 ? piece : "") + line.slice(at + pick(3));
    }
    result = lines.join("\n");
  }
  return result;
}

/** What may stand behind a piece. */
const ENDS = ["\n", "", " ", " # x\n", "\nb: 1\n", "\n  b: 1\n", "\n  c\n"];

const TOKENS =
  "a|b|c:|a: |b: |- |- |-| |  |\n|\n|\n  |\n    |\n - |\n- |1|~|'x'|\"y\"|>|#|# z|{}|[]|[a]|{a: 1}|x y|\n\n|\n   | \n|---\n";

/** A few tokens in any order. */
function tiny(pick: (below: number) => number): string {
  const tokens = [...TOKENS.split("|"), "|", "|-"];
  return Array.from({ length: 1 + pick(14) }, () => tokens[pick(tokens.length)]).join("");
}

describe("YAML that is read without the library is what the library makes of it", () => {
  test("golden texts, and nearly all of them are read so", () => {
    let [parts, regular] = [0, 0];
    for (const text of READ) {
      const counts = expectLibraryReading(text);
      parts += counts.parts;
      regular += counts.regular;
    }
    expect(regular / parts).toBeGreaterThan(0.95);
  });

  test("each piece, as a value, an item, a member of flow collections, and on a line of its own", () => {
    for (const piece of PIECES)
      for (const text of [
        `a: ${piece}`,
        `a:${piece}`,
        `- ${piece}`,
        `a: [${piece}]`,
        `a: {b: ${piece}}`,
        `a:\n  ${piece}`,
        `a: b\n${piece}\nc: d\n`,
      ])
        for (const end of some(ENDS, 3)) expectLibraryReading(text + end);
  });

  it("also with lines and characters changed", () => {
    const words = new PlainWords();
    for (let seed = 1; seed <= runs(40_000); seed++) {
      const pick = numbersFrom(seed);
      expectLibraryReading(damaged(DOCUMENTS[pick(DOCUMENTS.length)] as string, pick), words);
    }
  });

  it("also where tokens stand in any order", () => {
    const words = new PlainWords();
    for (let seed = 1; seed <= runs(240_000); seed++) expectLibraryReading(tiny(numbersFrom(seed)), words);
  });
});

test("values and places are those in the library's trees of the whole text", () => {
  let places = 0;
  for (const text of READ) if (!/^kind: \w*List$/m.test(text)) places += expectLibraryPlaces(text);
  expect(places).toBeGreaterThan(1000);
});

describe("the library reads", () => {
  test.each([
    ["tabs", "a:\tb\n"],
    ["carriage returns", "a: b\r\n"],
    ["other characters than ASCII", "a: é\n"],
    ["anchors and tags", "a: &x 1\nb: !!str 2\n"],
    ["scalars of several lines", "a: b\n  c\n"],
    ["folded blocks", "a: >\n  b\n"],
    ["several documents", "a: 1\n...\nb: 1\n"],
    ["keys that are there twice", "a: 1\nb: 1\na: 1\n"],
    ["keys of the prototype", "constructor: 1\n"],
    ["keys that are no texts", "yes: 1\n"],
    ["scalars alone", "a\n"],
    ["keys at another column", "a:\n    b: 1\n  c: 1\n"],
    ["a list behind a scalar", "a: b\n- c\n"],
    ["what is nested deeply", `a: ${"[".repeat(70)}${"]".repeat(70)}\n`],
  ])("%s", (_, text) => {
    expect(expectLibraryReading(text).regular).toBe(0);
  });
});

test("words that return are one value", () => {
  const words = new PlainWords();
  const read = (text: string): unknown => words.valueOf(text, 0, text.length, 7);
  expect([read("80"), read("web"), read("80"), read("yes"), read("- a")]).toEqual([80, "web", 80, true, undefined]);
});
