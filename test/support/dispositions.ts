/** What can happen to packets, with texts of rules that look like something else. */
import fc from "fast-check";
import type { Disposition, NewSource, Rejection } from "../../compiler/evaluate/disposition.ts";
import type { Address } from "../../compiler/net/address.ts";

/** Pieces of which the texts of rules are made that are read as something else where they are not told apart. */
const PIECES = [
  ...['"', '\\"', "\\", "'", ", ", ", or ", "; ", "\n", "\t", " ", " %", "%)", "(", ")", " (50 %)", " (50.00 %)", "]"],
  ...['", ', '", or ', '"; ', '" (50 %)', '"\n', ', taken by "', '", taken by "', ", taken by escaped ", 'escaped "'],
  ...[", masqueraded", ", from ", "remembered for 5 s", "drop", "pass", "to 10.0.0.1:80", "reject with "],
  ...[
    "add ",
    "update ",
    "delete ",
    ", add 10.0.0.1 in @s",
    "-j X",
    "-m recent --name ",
    "escaped ",
    "not ",
    "x",
    "é",
    "\u2028",
  ],
  ...[
    "\u0000",
    "\u0085",
    "\ud800",
    "#",
    ": ",
    "- ",
    "|",
    ">",
    "{",
    "}",
    "&",
    "*",
    "!",
    "@",
    "`",
    "~",
    "null",
    "true",
    "1",
  ],
];

export const hostileText = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }).map((pieces) => pieces.join("")),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const texts = fc.array(hostileText, { maxLength: 3 });

const address = fc.oneof(
  fc.nat({ max: 2 ** 32 - 1 }).map((value) => value as Address),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => value as Address),
);

const source: fc.Arbitrary<NewSource> = fc.oneof(
  fc.constantFrom<NewSource>({ kind: "kept" }, { kind: "masqueraded" }),
  fc
    .oneof(
      fc.constantFrom("10.0.0.1-10.0.0.9:1024-2000", "[fd00::1]:80", "an address that portmap (host ports) chooses"),
      hostileText,
    )
    .map((text) => ({ kind: "given", text }) as const),
);

const rejection = fc.constantFrom<Rejection>("port-unreachable", "tcp-reset", "admin-prohibited", "icmp 3/10");

export const disposition: fc.Arbitrary<Disposition> = fc.oneof(
  fc.record({ kind: fc.constant("drop" as const), lists: texts }),
  fc.record({ kind: fc.constant("reject" as const), with: rejection, lists: texts }),
  fc.record({ kind: fc.constant("pass" as const), source, takenBy: texts, lists: texts }),
  fc.record({
    kind: fc.constant("dnat" as const),
    to: fc.record({ address, port: fc.nat({ max: 65535 }) }),
    source,
    stickySeconds: fc.option(fc.nat(), { nil: undefined }),
    takenBy: texts,
    lists: texts,
  }),
);
