import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { deepIptables, deepNft, WAYS_DOWN } from "../../support/deep-chains.ts";
import { type RulesReading, readIptablesText, readNftText } from "../../support/read.ts";

const HERE = 0x0a000005 as Address;
const PACKET: Packet = {
  protocol: 6,
  source: 0x01020304 as Address,
  sourcePort: 40000,
  destination: HERE,
  destinationPort: 80,
  inInterface: "eth0",
  mark: 0,
};

/** What happens to a packet to the node, and what is wrong. */
function follow({ program, findings }: RulesReading): {
  readonly ends: readonly string[];
  readonly findings: readonly string[];
} {
  const outcomes = new Evaluator(program).evaluateWhole(PACKET, environmentOf([HERE]));
  return { ends: outcomes.flatMap(({ results }) => results.map(({ disposition }) => disposition.kind)), findings };
}

describe("chains behind one another", () => {
  test.each(Object.entries(WAYS_DOWN))("of nft, by %s: as many as the kernel follows", (_, way) => {
    expect(follow(readNftText(deepNft(15, way)))).toEqual({ ends: ["drop"], findings: [] });
    for (const count of [16, 17, 40]) {
      const { ends, findings } = follow(readNftText(deepNft(count, way)));
      expect(findings).toEqual([
        expect.stringMatching(/^\d+:1 error too-deep chain r16 is more than 15 jumps away from a base chain$/),
      ]);
      expect(ends).not.toEqual(["drop"]);
    }
  });

  test("that nothing leads to are as many as there are", () => {
    expect(readNftText(deepNft(40, (target) => `jump ${target}`, "accept")).findings).toEqual([]);
  });

  test("of iptables", () => {
    expect(follow(readIptablesText(deepIptables(16)))).toEqual({ ends: ["drop"], findings: [] });
    const { findings } = follow(readIptablesText(deepIptables(17)));
    expect(findings).toEqual([
      expect.stringMatching(/^\d+:1 error too-deep chain r17 is more than 16 jumps away from a base chain$/),
    ]);
  });

  test("a loop by a map with a statement behind it has an end", () => {
    const { findings } = follow(readNftText(deepNft(3, () => "ip saddr vmap { 1.2.3.4 : jump r1 } accept")));
    expect(findings.some((each) => each.includes("chain-loop"))).toBe(true);
  });
});
