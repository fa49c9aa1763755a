import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerOf, opinionOf } from "../../../compiler/compare/answer.ts";
import { compare } from "../../../compiler/compare/compare.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { placeOf } from "../../../compiler/ir/place.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { cluster } from "../../support/arbitraries.ts";
import { mustCompile } from "../../support/compile.ts";
import { ipv4 } from "../../support/ir.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const PACKET: Packet = {
  ...{ protocol: 17, sourcePort: 40000, destinationPort: 53, inInterface: "eth0", mark: 0 },
  source: ipv4("10.0.0.1") as Address,
  destination: ipv4("10.0.0.2") as Address,
};

const FORWARD = "type filter hook forward priority 0";
const NAT = "type nat hook prerouting priority -100";

function table(name: string, rules: string, type = FORWARD): string {
  return `table ${name} {\n\tchain c {\n\t\t${type}; policy accept;\n\t\t${rules}\n\t}\n}\n`;
}

function outcomes(program: Program): string[] {
  return new Evaluator(program).evaluateWhole(PACKET, environmentOf([])).map(({ verdict, assumptions }) => {
    const texts = assumptions.map(({ text, holds }) => (holds ? text : `not ${text}`));
    return texts.length === 0 ? verdict : `${verdict} if ${texts.join(", ")}`;
  });
}

function both(...programs: readonly Program[]): Program {
  return { ruleset: { tables: programs.flatMap(({ ruleset }) => ruleset.tables) }, routes: [] };
}

function verdictOf(left: Program, right: Program): string {
  const answer = answerOf([compare(left, right, { addresses: [], families: ["IPv4"] })], { gaps: [], given: [] });
  return [opinionOf(answer), ...answer.given].join(", assuming ");
}

const PAIR = "chain c of table ip t runs before chain c of table ip u";
const LISTING = `${table("ip t", "drop")}${table("ip u", "reject")}`;
const TURNED = `${table("ip u", "reject")}${table("ip t", "drop")}`;

describe("chains of one hook and priority", () => {
  test("of a listing run in either order", () => {
    expect(outcomes(mustReadNft(LISTING)).sort()).toEqual([`drop if ${PAIR}`, `reject if not ${PAIR}`]);
  });

  test("of a file run last first, also where a command other than table tells that it is one", () => {
    for (const sign of ["#!/usr/sbin/nft -f\n", "flush ruleset\n", "add table ip t\n", "define x = 1\n"])
      expect(outcomes(mustReadNft(`${sign}${LISTING}`))).toEqual(["reject"]);
  });

  test("of two files, and of both dialects, run in either order", () => {
    const nft = mustReadNft(table("ip u", "reject"));
    const iptables = mustReadIptables("*filter\n-A FORWARD -j DROP\nCOMMIT\n", "ip");
    expect(
      outcomes(both(nft, iptables))
        .map((text) => text.split(" ")[0])
        .sort(),
    ).toEqual(["drop", "reject"]);
  });

  test.each([
    ["which drop, both of them", "drop", "ip saddr 10.0.0.1 drop", "drop"],
    ["of which one only accepts", "accept", "udp dport 53 reject", "reject"],
    ["which ask for other packets", "tcp dport 80 drop", "udp dport 53 reject", "reject"],
    ["of which one writes what the other does not ask for", "meta mark set 1", "udp dport 53 drop", "drop"],
  ])("say one thing where the order does not matter: those %s", (_, one, other, verdict) => {
    const program = mustReadNft(`${table("ip t", one)}${table("inet u", other)}`);
    expect(outcomes(program)).toEqual([verdict]);
  });

  test("of NAT, too", () => {
    const program = mustReadNft(
      `${table("ip t", "dnat to 10.0.0.8", NAT)}${table("ip u", "tcp dport 1 dnat to 10.0.0.9", NAT)}`,
    );
    expect(outcomes(program)).toEqual(["dnat"]);
    const second = mustReadNft(`${table("ip t", "dnat to 10.0.0.8", NAT)}${table("ip u", "dnat to 10.0.0.9", NAT)}`);
    expect(outcomes(second).length).toBe(2);
  });

  test("which are too many to follow all orders are said to run in some other one", () => {
    const marks = [1, 2, 3, 4, 5, 6].map((mark) => table(`ip t${mark}`, `meta mark set ${mark}`));
    const after = table("ip z", "meta mark 6 drop", "type filter hook forward priority 1");
    const found = new Evaluator(mustReadNft([...marks, after].join(""))).evaluateWhole(PACKET, environmentOf([]));
    const [assumption] = found[0]?.assumptions ?? [];
    expect(assumption?.text).toMatch(/^6 chains of one hook and priority run in this order: chain c of table ip t6, /);
    const taken = found.map(({ results }) => results[0]?.disposition);
    expect(taken).toMatchObject([
      { kind: "pass", takenBy: [] },
      { kind: "pass", takenBy: [`not ${assumption?.text}`] },
    ]);
  });
});

describe("a comparison", () => {
  const given = "that both sides run chain c of table ip t and chain c of table ip u in the same order";

  test("of listings says that one order was taken for both", () => {
    expect(verdictOf(mustReadNft(LISTING), mustReadNft(TURNED))).toBe(`equal, assuming ${given}`);
  });

  test("of a listing and a file differs in the order that the file does not have", () => {
    const { regions } = compare(mustReadNft(LISTING), mustReadNft(`flush ruleset\n${LISTING}`), { addresses: [] });
    // A packet to the node would not be forwarded.
    expect(regions[0]?.assumptions).toEqual(["0.0.0.0 is not an address of this node", PAIR]);
  });

  test("of files in two orders differs", () => {
    expect(verdictOf(mustReadNft(`flush ruleset\n${LISTING}`), mustReadNft(`flush ruleset\n${TURNED}`))).toBe(
      "different",
    );
  });

  test("of one table in two orders differs", () => {
    const chains = [
      "chain a { type filter hook forward priority 0; drop; }",
      "chain b { type filter hook forward priority 0; reject; }",
    ];
    const text = (some: readonly string[]): Program => mustReadNft(`table ip t {\n${some.join("\n")}\n}\n`);
    expect(verdictOf(text(chains), text([...chains].reverse()))).toBe("different");
    expect(verdictOf(text(chains), text(chains))).toBe("equal");
  });
});

test("no two chains of a compiled program have one hook and place, so that no listing of it leaves anything open", () => {
  fc.assert(
    fc.property(cluster, (world) => {
      const { tables } = mustCompile(world).program.ruleset;
      const places = tables.flatMap(({ family, chains }) =>
        chains.flatMap((chain) => (chain.kind === "base" ? [`${family} ${chain.hook} ${placeOf(chain)}`] : [])),
      );
      expect(places).toEqual([...new Set(places)]);
      expect(tables.some(({ family }) => family === "inet")).toBe(false);
    }),
    { numRuns: 5 },
  );
});
