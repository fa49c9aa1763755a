/** Rates, quotas and counts of connections: what a packet's own passing changes, and which rules share it. */
import { describe, expect, test } from "vitest";
import { answerOf, opinionOf } from "../../../compiler/compare/answer.ts";
import { compare } from "../../../compiler/compare/compare.ts";
import { type BucketUse, bucketOf } from "../../../compiler/evaluate/buckets.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { ipv4 } from "../../support/ir.ts";
import { forwardIptables, forwardNft } from "../../support/read.ts";

const PACKET: Packet = {
  ...{ protocol: 17, sourcePort: 40000, destinationPort: 53, inInterface: "eth0", mark: 0 },
  source: ipv4("10.0.0.1") as Address,
  destination: ipv4("10.0.0.2") as Address,
};

function verdicts(program: Program): string[] {
  const found = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  return [...new Set(found.map(({ verdict }) => verdict))].sort();
}

const DECLARED = `limit x { rate 1/minute burst 1 packets; }
  quota q { over 40 bytes; }
  chain twice { limit rate 2/minute drop
  }`;

function nft(...rules: readonly string[]): Program {
  return forwardNft(rules, DECLARED);
}

/** Two matches of one text each, the first of which ends the way of the packets that it takes. */
const PAIRS: readonly (readonly [string, Program])[] = [
  ["limit of nft", nft("limit rate 1/minute accept", "limit rate 1/minute drop")],
  ["limit of nft that is an object", nft('limit name "x" accept', 'limit name "x" drop')],
  ["quota of nft that is an object", nft('quota name "q" accept', 'quota name "q" drop')],
  ["ct count of nft", nft("ct count over 3 accept", "ct count over 3 drop")],
  ...["limit --limit 1/min", "quota --quota 40", "connlimit --connlimit-above 3"].map(
    (match) =>
      [`-m ${match}`, forwardIptables(`-m ${match} -j ACCEPT`, `-m ${match} -j DROP`)] as const satisfies readonly [
        string,
        Program,
      ],
  ),
  [
    "-m hashlimit",
    forwardIptables(
      "-m hashlimit --hashlimit-upto 1/min --hashlimit-name h -j ACCEPT",
      "-m hashlimit --hashlimit-upto 1/min --hashlimit-name h -j DROP",
    ),
  ],
];

test.each(PAIRS)("%s: what one match finds says nothing about the next one of the same text", (_, program) => {
  expect(verdicts(program)).toEqual(["accept", "drop", "pass"]);
});

test("a chain that is entered twice asks its limit twice", () => {
  expect(verdicts(nft("jump twice", "jump twice", "accept"))).toEqual(["accept", "drop"]);
  const outcomes = new Evaluator(nft("jump twice", "jump twice")).evaluateWhole(PACKET, environmentOf([]));
  const texts = new Set(outcomes.flatMap(({ assumptions }) => assumptions.map(({ text }) => text)));
  expect([...texts].sort()).toEqual([
    "limit rate 2/minute",
    "limit rate 2/minute (after count in limit rate 2/minute)",
  ]);
});

test("what is assumed names the match, and what was counted before", () => {
  const program = nft('limit name "x" accept', 'limit name "x" drop');
  const outcomes = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  const texts = new Set(outcomes.flatMap(({ assumptions }) => assumptions.map(({ text }) => text)));
  expect([...texts].sort()).toEqual(['limit name "x"', 'limit name "x" (after count in limit x)']);
});

test.each<[text: string, use: BucketUse | undefined]>([
  ['limit name "x"', { shared: "limit x", isOfTable: true }],
  ["limit name x over", { shared: "limit x", isOfTable: true }],
  ['quota name "q"', { shared: "quota q", isOfTable: true }],
  ["meter m { ip saddr limit rate 1/second }", { shared: "meter m", isOfTable: true }],
  ["-m hashlimit --hashlimit-name h", { shared: "hashlimit h", isOfTable: false }],
  [
    "-m hashlimit --hashlimit-upto 1/min --hashlimit-name h --hashlimit-mode srcip",
    { shared: "hashlimit h", isOfTable: false },
  ],
  ["limit rate 1/minute", { isOfTable: true }],
  ["limit", { isOfTable: true }],
  ["quota over 40 bytes", { isOfTable: true }],
  ["ct count over 3", { isOfTable: true }],
  ["-m limit --limit 1/min", { isOfTable: true }],
  ["-m quota --quota 40", { isOfTable: true }],
  ["-m connlimit --connlimit-above 3", { isOfTable: true }],
  ['xt match "connlimit"', { isOfTable: true }],
  ["xt match limit", { isOfTable: true }],
  ["-m limits", undefined],
  ["ct counter", undefined],
  ["-m set --match-set limit src", undefined],
  ["unlimited limit name x", undefined],
  ["parameter meter m", undefined],
  ["-m set -m hashlimit --hashlimit-name h", undefined],
])("%s asks a bucket: %j", (text, use) => {
  expect(bucketOf({ kind: "opaque", text, negated: false })).toEqual(use);
  expect(bucketOf({ kind: "opaque-statement", text, terminal: false, writes: [] })).toBeUndefined();
});

describe("comparisons", () => {
  const opinion = (left: Program, right: Program): string =>
    opinionOf(answerOf([compare(left, right, { addresses: [], families: ["IPv4"] })], { gaps: [], given: [] }));

  const DNS = 'udp dport 53 limit name "x" accept';
  const LIMITED = "-p udp -m limit --limit 1/min -j ACCEPT";
  const HASHED = "-p udp -m hashlimit --hashlimit-upto 1/min --hashlimit-name h -j ACCEPT";

  test.each([
    ["rules that do not share a limit", nft(DNS, "udp dport 53 drop"), nft(DNS, 'udp dport 53 limit name "x" drop')],
    [
      "a limit that other packets drain as well",
      nft(DNS, "udp dport 53 drop"),
      nft('udp dport { 53, 54 } limit name "x" accept', "udp dport 53 drop"),
    ],
    [
      "a second limit of the same text",
      forwardIptables(LIMITED),
      forwardIptables(LIMITED, "-p udp -m limit --limit 1/min -j DROP"),
    ],
    [
      "a match before the limit or behind it",
      nft("limit rate 1/minute udp dport 53 drop"),
      nft("udp dport 53 limit rate 1/minute drop"),
    ],
    [
      "a hashlimit that more packets fill",
      forwardIptables(HASHED, "-j DROP"),
      forwardIptables(HASHED.replace("-p udp ", ""), "-j DROP"),
    ],
  ])("tell apart %s", (_, left, right) => {
    expect(opinion(left, right)).toBe("different");
  });

  test("prove equal what has the same buckets, in other words", () => {
    expect(
      opinion(
        forwardIptables(LIMITED, HASHED, "-j DROP"),
        forwardIptables(LIMITED, HASHED, "-p udp -j DROP", "-j DROP"),
      ),
    ).toBe("equal");
    expect(opinion(nft(DNS, "udp dport 53-54 drop"), nft(DNS, "udp dport 54 drop", "udp dport 53 drop"))).toBe("equal");
  });
});
