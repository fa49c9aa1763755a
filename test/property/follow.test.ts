/** Evaluating all packets of a kind of traffic at once says of each of them what evaluating it alone says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PacketSpace } from "../../compiler/compare/packet-space.ts";
import type { TrafficKind } from "../../compiler/compare/traffic-kinds.ts";
import { sourceOf } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { Packets } from "../../compiler/evaluate/packet.ts";
import type { RegionResult } from "../../compiler/evaluate/result.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { cluster } from "../support/arbitraries.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { mustCompile, unfold } from "../support/compile.ts";
import { checkFollow, follow } from "../support/follow.ts";
import { orderedFile } from "../support/hook-orders.ts";
import { rememberingNft } from "../support/memories.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { runs, some } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";

const NESTED = "ip daddr . ip saddr { 10.0.0.0/25 . 10.1.0.0/16, 10.0.0.0/24 . 10.3.0.0/16 }";

/** By source, but the first way leads past the others. */
const OVERLAP = [
  "ip saddr 10.2.0.0/24 goto a",
  ...[1, 2, 3, 4, 5, 6].map((i) => `ip saddr 10.2.0.0/${15 + i} ip daddr 10.0.0.9 drop`),
];

/** By source; the last two lead where something is done for one destination only. */
const DISPATCH = [
  ...[1, 2, 3, 4, 5, 6].map((i) => `ip saddr 10.${i}.0.0/16 ip daddr 10.0.0.${i} drop`),
  ...[7, 8].map((i) => `ip saddr 10.${i}.0.0/16 goto a`),
];

const ADDRESSES = ["192.168.0.2", "2001:db8::1"].map((text) => parseAddress(text) as Address);

describe("all packets at once", () => {
  test("of clusters, in lookups", () => {
    fc.assert(
      fc.property(cluster, fc.nat(), (world, seed) => {
        const { program, node } = mustCompile(world);
        checkFollow(program, node.addresses, numbersFrom(seed), 8);
      }),
      { numRuns: runs(8) },
    );
  });

  test("of clusters, in rules", () => {
    fc.assert(
      fc.property(cluster, fc.nat(), (world, seed) => {
        const { program, node } = mustCompile(world);
        checkFollow(unfold(program), node.addresses, numbersFrom(seed), 8);
      }),
      { numRuns: runs(8) },
    );
  });

  test("of rules that others write for nft", () => {
    fc.assert(
      fc.property(foreignNft, fc.nat(), (text, seed) => {
        checkFollow(readNftText(text).program, ADDRESSES, numbersFrom(seed), 8);
      }),
      { numRuns: runs(20) },
    );
  });

  test("of chains that have their hooks and priorities in common, whose order is not known", () => {
    fc.assert(
      fc.property(orderedFile, fc.nat(), (text, seed) => {
        const listing = text.replace("add table ip one\n", "");
        checkFollow(readNftText(listing).program, ADDRESSES, numbersFrom(seed), 4);
      }),
      { numRuns: runs(60) },
    );
  });

  test("of rules that fill sets and ask them", () => {
    fc.assert(
      fc.property(rememberingNft, fc.nat(), (text, seed) => {
        checkFollow(readNftText(text).program, ADDRESSES, numbersFrom(seed), 8);
      }),
      { numRuns: runs(60) },
    );
  });

  test("of rules that others write for iptables", () => {
    fc.assert(
      fc.property(foreignIptables, fc.nat(), (text, seed) => {
        checkFollow(readIptablesText(text).program, ADDRESSES, numbersFrom(seed), 8);
      }),
      { numRuns: runs(20) },
    );
  });

  const ways = [
    ["ways that meet again by chance", "numgen random mod 2 0 jump a; tcp dport 80 drop", "ip daddr 10.0.0.0/24 drop"],
    [
      "a way that leads past other rules",
      "ip saddr 10.1.0.0/16 goto a; ip daddr 10.0.0.7 drop",
      "ip daddr 10.0.0.9 accept",
    ],
    ["a way back", "jump a; ip daddr 10.0.0.7 drop", "ip saddr 10.1.0.0/16 return; ip daddr 10.0.0.9 drop"],
    [
      "two ways that ask for one field",
      "ip daddr 10.0.0.0/24 jump a; drop",
      "ip daddr 10.0.0.128/25 accept; tcp sport 1-9 accept",
    ],
    [
      "a mask",
      "ip daddr & 0.0.255.3 == 0.0.5.1 drop; ip saddr & 255.255.0.0 != 10.1.0.0 jump a",
      "ip daddr 10.0.0.7 drop",
    ],
    [
      "a key that is there twice",
      "ip daddr . tcp dport vmap { 10.0.0.7 . 80 : drop, 10.0.0.7 . 80 : accept }",
      "accept",
    ],
    ["keys that meet in one part", `${NESTED} drop`, "accept"],
    ["rules for one field that lead past each other", OVERLAP.join("; "), "ip daddr 10.0.0.5 accept"],
    ["a dispatch by one field of what asks for another", DISPATCH.join("; "), "ip daddr 10.0.0.9 accept"],
  ] as const;
  test.each(some(ways, 4))("of %s", (_, rules, inside) => {
    const { program, findings } = readNftText(`table inet t {
      chain a { ${inside} }
      chain c { type filter hook forward priority 0; ${rules} }
      chain n { type nat hook prerouting priority -100; ip saddr 10.2.0.0/16 meta l4proto tcp dnat ip to 10.0.0.9:80 }
      chain p { type nat hook postrouting priority 100; ct status dnat ip daddr 10.0.0.0/24 masquerade }
    }`);
    expect(findings).toEqual([]);
    expect(checkFollow(program, ADDRESSES, numbersFrom(3), 60)).toBeGreaterThan(0);
  });

  test("of those that are sent where they went anyway: only the others are translated", () => {
    const { program } = readNftText(`table ip t {
      chain n { type nat hook prerouting priority -100; ip daddr 10.0.0.0/30 dnat to 10.0.0.2 }
      chain p { type nat hook postrouting priority 100; ct status dnat masquerade }
    }`);
    const space = new PacketSpace([program], { families: ["IPv4"] });
    const [trafficKind] = space.trafficKinds.filter(
      ({ inInterface, protocol }) => inInterface !== undefined && protocol === 6,
    );
    const [packets] = space.packetsBy(trafficKind as TrafficKind);
    const fates = follow(new Evaluator(program), packets as Packets, []) ?? [];
    const sent = fates.filter(({ disposition }) => disposition.kind === "dnat");
    const at = (part: readonly RegionResult[]) => part.map(({ region }) => region.daddr.key).sort();
    const isMasqueraded = ({ disposition }: RegionResult) => sourceOf(disposition).kind === "masqueraded";
    expect(at(sent.filter(isMasqueraded))).toEqual(["167772160,167772162,167772163,167772164"]);
    expect(at(sent.filter((each) => !isMasqueraded(each)))).toEqual(["167772162,167772163"]);
  });
});
