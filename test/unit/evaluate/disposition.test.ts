/** What can happen to a packet, in each of its texts. `property/disposition.test.ts` reads what is printed of any. */
import { describe, expect, test } from "vitest";
import {
  type Disposition,
  destinationOf,
  dispositionKey,
  isRefused,
  isUntouched,
  parseDisposition,
  printAction,
  printClause,
  printDisposition,
  sourceOf,
  withDestination,
} from "../../../compiler/evaluate/disposition.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";

const read = (text: string): Disposition => parseDisposition(text) ?? expect.unreachable(text);

describe("in sentences", () => {
  test.each<[text: string, does: string, should: string, action: string]>([
    ["drop", "is dropped", "be dropped", "drops it"],
    ["drop, add 10.0.0.1 to @d", "is dropped, add 10.0.0.1 to @d", "be dropped, add 10.0.0.1 to @d", "drops it"],
    ["reject with tcp-reset", "is rejected with tcp-reset", "be rejected with tcp-reset", "rejects it with tcp-reset"],
    [
      "reject with icmp 3/13, count 10.0.0.1 in @d",
      "is rejected with icmp 3/13, count 10.0.0.1 in @d",
      "be rejected with icmp 3/13, count 10.0.0.1 in @d",
      "rejects it with icmp 3/13",
    ],
    ["pass", "passes untranslated", "pass untranslated", "passes it untranslated"],
    [
      "pass, masqueraded",
      "passes untranslated, masqueraded",
      "pass untranslated, masqueraded",
      "passes it untranslated",
    ],
    ["to 10.0.0.1:80", "goes to 10.0.0.1:80", "go to 10.0.0.1:80", "sends it to 10.0.0.1:80"],
    [
      "to [fd00::1]:80, from fd00::9, remembered for 30 s",
      "goes to [fd00::1]:80, from fd00::9, remembered for 30 s",
      "go to [fd00::1]:80, from fd00::9, remembered for 30 s",
      "sends it to [fd00::1]:80, from fd00::9, remembered for 30 s",
    ],
  ])("%s", (text, does, should, action) => {
    const it = read(text);
    expect([printDisposition(it), printClause(it, "does"), printClause(it, "should"), printAction(it)]).toEqual([
      text,
      does,
      should,
      action,
    ]);
  });
});

/** Each differs from one before it in one thing. */
const ALL: readonly (readonly [text: string, is: string, source: string, destination: string])[] = [
  ["drop", "refused", "kept", ""],
  ["drop, add 10.0.0.1 to @d", "refused", "kept", ""],
  ["drop, add 10.0.0.1 to @d, add 10.0.0.2 to @d", "refused", "kept", ""],
  ["reject with tcp-reset", "refused", "kept", ""],
  ["reject with tcp-reset, add 10.0.0.1 to @d", "refused", "kept", ""],
  ["reject with port-unreachable", "refused", "kept", ""],
  ["reject with icmp 3/13", "refused", "kept", ""],
  ["pass", "untouched", "kept", ""],
  ["pass, add 10.0.0.1 to @d", "", "kept", ""],
  ["pass, masqueraded", "", "masqueraded", ""],
  ["pass, from 10.0.0.9", "", "from 10.0.0.9", ""],
  ["pass, from kept", "", "from kept", ""],
  ['pass, taken by "queue"', "", "kept", ""],
  ['pass, taken by "queue", taken by "tproxy"', "", "kept", ""],
  ["to 10.0.0.1:80", "", "kept", "10.0.0.1:80"],
  ["to 10.0.0.1:81", "", "kept", "10.0.0.1:81"],
  ["to 10.0.0.1:0", "", "kept", "10.0.0.1:0"],
  ["to 10.0.0.2:80", "", "kept", "10.0.0.2:80"],
  ["to [::a00:1]:80", "", "kept", "[::a00:1]:80"],
  ["to 10.0.0.1:80, remembered for 30 s", "", "kept", "10.0.0.1:80"],
  ["to 10.0.0.1:80, remembered for 0.5 s", "", "kept", "10.0.0.1:80"],
  ["to 10.0.0.1:80, masqueraded", "", "masqueraded", "10.0.0.1:80"],
  ["to 10.0.0.1:80, from 10.0.0.9:1024-2000", "", "from 10.0.0.9:1024-2000", "10.0.0.1:80"],
  ['to 10.0.0.1:80, taken by "queue"', "", "kept", "10.0.0.1:80"],
  ["to 10.0.0.1:80, -A d", "", "kept", "10.0.0.1:80"],
];

test.each(ALL)("%s", (text, is, source, destination) => {
  const it = read(text);
  const from = sourceOf(it);
  const to = destinationOf(it);
  expect([isRefused(it), isUntouched(it)]).toEqual([is === "refused", is === "untouched"]);
  expect(from.kind === "given" ? `from ${from.text}` : from.kind).toBe(source);
  expect(to === undefined ? "" : printAddressPort(to.address, to.port)).toBe(destination);
  expect(destinationOf(withDestination(it, () => "there"))).toBe(destination === "" ? undefined : "there");
});

test("has a key of its own", () => {
  const keys = ALL.map(([text]) => dispositionKey(read(text)));
  expect(new Set(keys).size).toBe(ALL.length);
  expect(ALL.map(([text]) => dispositionKey(read(text)))).toEqual(keys);
});

test.each([
  "",
  "dropped",
  "drop masqueraded",
  "drop, masqueraded",
  "drop, remembered for 30 s",
  "drop, listed",
  "reject",
  "reject with",
  "reject with nothing",
  "reject with icmp 3/",
  "reject with icmp /3",
  "reject with icmp 3/13 x",
  "reject with an icmp 3/13",
  "passes",
  "pass, from",
  "pass, from ",
  "pass, taken by queue",
  "pass, remembered for 30 s",
  "pass, masqueraded, masqueraded",
  "pass, masqueraded, from 10.0.0.9",
  'pass, add 10.0.0.1 to @d, taken by "queue"',
  "pass, escaped queue",
  "to 10.0.0.1",
  "to 10.0.0.1:",
  "to 10.0.0.1:x",
  "to 10.0.0.1:00",
  "to 10.0.0.1:65536",
  "to 10.0.0:80",
  "to :80",
  "to fd00::1:80",
  "to [fd00::1:80",
  "to 10.0.0.1:80, remembered for 30",
  "to 10.0.0.1:80, remembered for . s",
  "to 10.0.0.1:80, remembered for 30 s, masqueraded",
])("is not '%s'", (text) => {
  expect(parseDisposition(text)).toBeUndefined();
});

/** Texts of rules that cannot stand as they are. */
test.each([
  ["a comma", 'pass, from escaped "a, b"', "a, b"],
  ["a quote", 'pass, from escaped "a\\"b"', 'a"b'],
  ["blanks at its end", 'pass, from escaped "a "', "a "],
  ["a character that nobody sees", 'pass, from escaped "a\\u2028b"', "a\u2028b"],
  ["half of a character", 'pass, from escaped "a\\ud800b"', "a\ud800b"],
  ["a line's end", 'pass, from escaped "a\\nb"', "a\nb"],
  ["the control character with a short number", 'pass, from escaped "\\u007f"', "\u007f"],
])("a source with %s is escaped", (_, text, source) => {
  const it: Disposition = { kind: "pass", source: { kind: "given", text: source }, takenBy: [], lists: [] };
  expect(printDisposition(it)).toBe(text);
  expect(parseDisposition(text)).toEqual(it);
});
