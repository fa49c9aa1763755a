/** Rules of others: what was read does to packets what the kernel does with the text. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import type { Rules } from "../../runtime/kernel/rules.ts";
import { foreignIptables, foreignNft, NODE_IPS } from "../support/arbitraries.ts";
import { findDisagreements, JUDGES, type Judge, openTestNode, type Prediction } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const PACKETS: readonly Packet[] = [6, 17].flatMap((protocol) =>
  [["10.180.0.7", "cni0"] as const, ["203.0.113.5", "eth0"] as const].flatMap(([source, inInterface]) =>
    ["192.168.0.2", "198.51.100.7"].flatMap((destination) =>
      [53, 80, 443].map((destinationPort) => ({
        protocol,
        source: address(source),
        destination: address(destination),
        sourcePort: 40000,
        destinationPort,
        inInterface,
        mark: 0,
      })),
    ),
  ),
);

/** What the reference says; packets about which it knows not enough are left out. */
function predict(program: Program): Prediction[] {
  const evaluator = new Evaluator(program);
  const environment = environmentOf(NODE_IPS.map(address));
  return PACKETS.flatMap((packet): Prediction[] => {
    const [outcome, ...others] = evaluator.evaluate(packet, environment);
    return outcome === undefined || others.length > 0 ? [] : [{ packet, outcome }];
  });
}

function sample(judge: Judge): fc.Arbitrary<{ readonly rules: Rules; readonly program: Program }> {
  if (judge === "kernel-nft")
    return foreignNft.map((text) => ({ rules: { kind: "nft", text }, program: mustReadNft(text) }));
  const backend = judge === "kernel-iptables-nft" ? "nft" : "legacy";
  return foreignIptables.map((ip) => ({
    rules: { kind: "iptables", backend, ip, ip6: "" },
    program: mustReadIptables(ip, "ip"),
  }));
}

async function disagreements(prober: Prober, judge: Judge, rules: Rules, program: Program): Promise<object[]> {
  return findDisagreements(prober, judge, rules, predict(program));
}

describe.skipIf(kernelMissing !== undefined)("the kernel does with a text what was read from it", () => {
  test.concurrent.each(JUDGES)("%s", async (judge) => {
    const prober = await openTestNode();
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(sample(judge), async ({ rules, program }) => {
        asked += predict(program).length;
        expect(await disagreements(prober, judge, rules, program)).toEqual([]);
      }),
      { numRuns: 40 },
    );
    // Not everything may have been left out.
    expect(asked).toBeGreaterThan(500);
    await prober.close();
  });
});
