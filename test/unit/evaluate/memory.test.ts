/** What rules remember themselves. */
import { describe, expect, test } from "vitest";
import { answerOf, opinionOf } from "../../../compiler/compare/answer.ts";
import { compare } from "../../../compiler/compare/compare.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { ipv4 } from "../../support/ir.ts";
import { forwardIptables, forwardNft, mustReadNft } from "../../support/read.ts";

function packet(destinationPort: number, source = "10.0.0.1"): Packet {
  return {
    ...{ protocol: 6, sourcePort: 40000, destinationPort, inInterface: "eth0", mark: 0 },
    source: ipv4(source) as Address,
    destination: ipv4("10.0.0.2") as Address,
  };
}

function outcomes(program: Program, asked = packet(22)): string[] {
  return new Evaluator(program)
    .evaluateWhole(asked, environmentOf([]))
    .map(({ verdict, assumptions }) => {
      const texts = assumptions.map(({ text, holds }) => (holds ? text : `not ${text}`));
      return texts.length === 0 ? verdict : `${verdict} if ${texts.join(", ")}`;
    })
    .sort();
}

const SETS = `set d { type ipv4_addr; flags dynamic; elements = { 10.0.0.7 }; }
  set e { type ipv4_addr; flags dynamic,timeout; timeout 30s; }
  map m { type ipv4_addr : mark; flags dynamic; }`;

function nft(rules: string, sets = SETS): Program {
  return forwardNft(rules.split("; "), sets);
}

function verdictOf(left: Program, right: Program): string {
  return opinionOf(answerOf([compare(left, right, { addresses: [], families: ["IPv4"] })], { gaps: [], given: [] }));
}

const EARLIER = "remembered earlier: ip saddr in @d";

describe("a key in a set that rules fill", () => {
  test.each([
    ["was entered by the packet itself", "add @d { ip saddr }; ip saddr @d drop", ["drop"]],
    ["was updated by the packet itself", "update @d { ip saddr }; ip saddr @d drop", ["drop"]],
    ["was taken out by the packet itself", "delete @d { ip saddr }; ip saddr @d drop", ["pass"]],
    ["was taken out and entered again", "delete @d { ip saddr }; add @d { ip saddr }; ip saddr @d drop", ["drop"]],
    [
      "may have been entered by an earlier packet",
      "ip saddr @d drop; add @d { ip saddr }",
      [`drop if ${EARLIER}`, `pass if not ${EARLIER}`],
    ],
    [
      "may be there already, or be the one that was entered",
      "add @d { ip daddr }; ip saddr @d drop",
      [
        "drop if remembered earlier: ip saddr in @d (after add ip daddr in @d)",
        "pass if not remembered earlier: ip saddr in @d (after add ip daddr in @d)",
      ],
    ],
    [
      "is asked for twice",
      "ip saddr @d accept; tcp dport 22 drop; add @d { ip saddr }; ip saddr != @d drop",
      [`accept if ${EARLIER}`, `drop if not ${EARLIER}`],
    ],
    [
      "of a map may hold any mark",
      "add @m { ip saddr : 0x4d2 }; meta mark set ip saddr map @m; meta mark 0x4d2 drop",
      ["drop if remembered earlier: ip saddr in @m (after add @m { ip saddr : 1234 }), meta mark == 1234", "pass"],
    ],
    ["is known where no rule fills the set", "ip saddr @d drop", ["pass"]],
    [
      "may have been entered by a statement that also counts",
      "add @d { ip saddr limit rate 1/second } accept; ip saddr @d drop",
      [
        "accept if add @d { ip saddr limit rate 1/second }",
        "drop if not add @d { ip saddr limit rate 1/second }, remembered earlier: ip saddr in @d (after add @d { ip saddr limit rate 1/second })",
        "pass if not add @d { ip saddr limit rate 1/second }, not remembered earlier: ip saddr in @d (after add @d { ip saddr limit rate 1/second })",
      ],
    ],
  ])("%s", (_, rules, wanted) => {
    expect(outcomes(nft(rules))).toEqual(wanted);
  });

  test("is there where it is listed, unless rules take keys out", () => {
    const listed = packet(22, "10.0.0.7");
    expect(outcomes(nft("ip saddr @d drop; add @d { ip saddr }"), listed)).toEqual(["drop"]);
    expect(outcomes(nft("ip saddr @d drop; delete @d { ip saddr }"), listed)).toEqual([
      "drop if not forgotten: ip saddr in @d",
      "pass if not not forgotten: ip saddr in @d",
    ]);
  });

  test("has no value in packets without it: the rule ends there", () => {
    expect(outcomes(nft("add @d { ip saddr } drop"))).toEqual(["drop"]);
    const ports = "set d { type inet_service; flags dynamic; }";
    const udp = { ...packet(22), protocol: 17 };
    expect(outcomes(nft("add @d { tcp dport } drop; tcp dport @d drop", ports), udp)).toEqual(["pass"]);
  });
});

test("a translation by a map that rules fill may lead anywhere", () => {
  const program = mustReadNft(`table ip t {
  map a { type ipv4_addr : ipv4_addr; flags dynamic; elements = { 10.0.0.1 : 10.0.0.9 }; }
  chain n {
    type nat hook prerouting priority -100; policy accept;
    update @a { ip saddr : 10.0.0.8 }
    dnat to ip saddr map @a
  }
}
`);
  const fact = "remembered earlier: ip saddr in @a (after update @a { ip saddr : 10.0.0.8 })";
  expect(outcomes(program)).toEqual([`dnat if not ${fact}`, `pass if ${fact}`]);
});

describe("a list of xt_recent", () => {
  test.each([
    [
      "was entered by the packet itself",
      ["-m recent --set --name R --rsource", "-m recent --rcheck --name R --rsource -j DROP"],
      ["drop"],
    ],
    [
      "may have been entered by an earlier one",
      ["-m recent --rcheck --seconds 30 --name R -j DROP", "-m recent --set --name R"],
      ["drop if remembered earlier: ip saddr in @R (30 s)", "pass if not remembered earlier: ip saddr in @R (30 s)"],
    ],
    [
      "is asked for a number of packets",
      ["-m recent --set --name R", "-m recent --update --hitcount 4 --name R -j DROP"],
      [
        "drop if -m recent --update --hitcount 4 --name R --mask 255.255.255.255 --rsource (after -m recent --set --name R --mask 255.255.255.255 --rsource)",
        "pass if not -m recent --update --hitcount 4 --name R --mask 255.255.255.255 --rsource (after -m recent --set --name R --mask 255.255.255.255 --rsource)",
      ],
    ],
  ])("%s", (_, rules, wanted) => {
    expect(outcomes(forwardIptables(...rules))).toEqual(wanted);
  });

  test("of which a rule enters each packet holds for each packet", () => {
    expect(
      outcomes(
        forwardIptables(
          "-m recent --set --name R --rdest -j DROP",
          "-m recent --rcheck --hitcount 2 --name R -j ACCEPT",
        ),
      ),
    ).toEqual(["drop"]);
  });
});

const KNOCK = "tcp dport 22 ip saddr @d accept; tcp dport 22 drop; tcp dport 7000 add @d { ip saddr }";

describe("a comparison holds what rules remember against each other", () => {
  test("port knocking is a drop in none of its forms", () => {
    expect(verdictOf(nft(KNOCK), nft("tcp dport 22 drop"))).toBe("different");
    expect(verdictOf(nft(KNOCK), nft(`${KNOCK}; counter`))).toBe("equal");
    const knock = (seconds: number, port: number): Program =>
      forwardIptables(
        `-p tcp --dport 22 -m recent --rcheck --seconds ${seconds} --name K -j ACCEPT`,
        "-p tcp --dport 22 -j DROP",
        `-p tcp --dport ${port} -m recent --set --name K`,
      );
    expect(verdictOf(knock(30, 7000), forwardIptables("-p tcp --dport 22 -j DROP"))).toBe("different");
    expect(verdictOf(knock(30, 7000), knock(30, 7000))).toBe("equal");
    expect(verdictOf(knock(30, 7000), knock(60, 7000))).toBe("different");
    expect(verdictOf(knock(30, 7000), knock(30, 7001))).toBe("different");
  });

  test.each([
    ["at another port", KNOCK.replace("7000", "7001")],
    ["by another key", KNOCK.replace("{ ip saddr }", "{ ip daddr }")],
    ["for another time", KNOCK.replace("{ ip saddr }", "{ ip saddr timeout 5s }")],
    ["by taking out", KNOCK.replace("add @d", "delete @d")],
  ])("that differ in what they remember: %s", (_, other) => {
    const { regions } = compare(nft(KNOCK), nft(other), { addresses: [], families: ["IPv4"] });
    expect(regions.length).toBeGreaterThan(0);
    expect(verdictOf(nft(KNOCK), nft(other))).toBe("different");
  });

  test("that remember what no rule asks for are equal", () => {
    expect(verdictOf(nft("tcp dport 7000 add @d { ip saddr }; tcp dport 22 drop"), nft("tcp dport 22 drop"))).toBe(
      "equal",
    );
    expect(verdictOf(nft("add @d { ip saddr }; ip saddr @d counter"), nft("counter"))).toBe("equal");
  });

  test("that drop what they have entered differ from those that do not", () => {
    expect(verdictOf(nft("add @d { ip saddr }; ip saddr @d drop"), nft(""))).toBe("different");
    expect(verdictOf(nft("add @d { ip saddr }; ip saddr @d drop"), nft("drop"))).toBe("equal");
  });

  test("that fill an ipset are not those that do not", () => {
    const rules = ["-m set --match-set s src -j DROP", "-p tcp --dport 7000 -j SET --add-set s src"];
    expect(verdictOf(forwardIptables(...rules), forwardIptables(...rules))).toBe("equal");
    const other = ["-m set --match-set s src -j DROP", "-p tcp --dport 7001 -j SET --add-set s src"];
    expect(verdictOf(forwardIptables(...rules), forwardIptables(...other))).toBe("different");
  });
});
