/** Rules of others: what was read does to packets what the kernel does with the text. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress, printAddress } from "../../compiler/net/address.ts";
import { judge } from "../../runtime/kernel/judge.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { findDisagreements, JUDGES, type Judge, openTestNode, type PredictedPacket } from "../support/differential.ts";
import { judgedText } from "../support/judged-texts.ts";
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
function predict(program: Program, packets = PACKETS): PredictedPacket[] {
  const evaluator = new Evaluator(program);
  const environment = environmentOf(NODE_IPS.map(address));
  return packets.flatMap((packet): PredictedPacket[] => {
    const [outcome, ...others] = evaluator.evaluateWhole(packet, environment);
    return outcome === undefined || others.length > 0 ? [] : [{ packet, outcome }];
  });
}

function sample(judge: Judge): fc.Arbitrary<{ readonly rules: KernelRules; readonly program: Program }> {
  if (judge === "kernel-nft")
    return foreignNft.map((text) => ({ rules: { kind: "nft", text }, program: mustReadNft(text) }));
  const backend = judge === "kernel-iptables-nft" ? "nft" : "legacy";
  return foreignIptables.map((ip) => ({
    rules: { kind: "iptables", backend, ip, ip6: "" },
    program: mustReadIptables(ip, "ip"),
  }));
}

async function disagreements(prober: Prober, judge: Judge, rules: KernelRules, program: Program): Promise<object[]> {
  return findDisagreements(prober, judge, judgedText(rules), predict(program));
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

  /** Translations that are of one family, by their words or by what they find in a map, and those of both. */
  const TRANSLATIONS = [
    "udp dport 80 dnat ip to 10.180.0.9",
    "udp dport 80 dnat ip6 to fd00:10:180::9",
    "dnat ip to udp dport map @four",
    "dnat ip6 to udp dport map { 80 : fd00:10:180::9 }",
    "dnat ip to numgen inc mod 1 map { 0 : 10.180.0.9 }",
    "dnat ip to ip daddr map { 198.51.100.7 : 10.180.0.9 }",
    "ip6 daddr 2001:db8:51::7 dnat to udp dport map { 80 : fd00:10:180::9 }",
    "ip daddr != 10.0.0.1 dnat ip to 10.180.0.9",
    "udp dport 80 dnat to :81",
  ];

  test("in a table of both families a translation is for packets of its own", async () => {
    const prober = await openTestNode();
    const packets = [
      ["203.0.113.5", "198.51.100.7"],
      ["2001:db8:113::5", "2001:db8:51::7"],
    ].map(
      ([source = "", destination = ""]): Packet => ({
        protocol: 17,
        source: address(source),
        destination: address(destination),
        sourcePort: 40000,
        destinationPort: 80,
        inInterface: "eth0",
        mark: 0,
      }),
    );
    for (const translation of TRANSLATIONS) {
      const text = `table inet t {
  map four { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.180.0.9 . 81 }; }
  chain c {
    type nat hook prerouting priority dstnat; policy accept;
    ${translation}
    meta nfproto ipv4 udp dport 80 dnat to 10.180.0.8
    meta nfproto ipv6 udp dport 80 dnat to fd00:10:180::8
  }
}
`;
      const predictions = predict(mustReadNft(text), packets);
      expect(predictions.length, translation).toBe(2);
      const rules = judgedText({ kind: "nft", text });
      expect(await findDisagreements(prober, "kernel-nft", rules, predictions), translation).toEqual([]);
    }
    await prober.close();
  });
});

function client(number: number): Address {
  return address(`203.0.113.${number + 10}`);
}

/** Of ranges packets get one address, and a port. */
const RANGES: Readonly<Record<"iptables" | "nft", string>> = {
  iptables: `*nat
-A PREROUTING -d 198.51.100.7/32 -p tcp -j DNAT --to-destination 10.180.0.9-10.180.0.13:80-90
-A PREROUTING -d 198.51.100.7/32 -p udp -j DNAT --to-destination 10.180.0.9:400-500
COMMIT
`,
  nft: `table ip ranges {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip daddr 198.51.100.7 meta l4proto tcp dnat to 10.180.0.9-10.180.0.13:80-90
    ip daddr 198.51.100.7 meta l4proto udp dnat to 10.180.0.9:400-500
  }
}
`,
};

describe.skipIf(kernelMissing !== undefined)("the kernel chooses from ranges as it is said", () => {
  test.each(JUDGES)("%s", async (name) => {
    const prober = await openTestNode();
    const backend = name === "kernel-iptables-nft" ? "nft" : "legacy";
    const isNft = name === "kernel-nft";
    const rules: KernelRules = isNft
      ? { kind: "nft", text: RANGES.nft }
      : { kind: "iptables", backend, ip: RANGES.iptables, ip6: "" };
    const program = isNft ? mustReadNft(RANGES.nft) : mustReadIptables(RANGES.iptables, "ip");
    const clients = Array.from({ length: 40 }, (_, i) =>
      PACKETS.map((packet) => ({ ...packet, source: client(i) })),
    ).flat();
    const predictions = predict(program, clients).filter(({ outcome }) => outcome.endpoints.length > 0);
    const fates = await judge(
      prober,
      judgedText(rules),
      predictions.map(({ packet }) => ({ packet, choices: 1 })),
    );
    const seen = new Set<string>();
    for (const [i, { packet, outcome }] of predictions.entries()) {
      const [observation] = fates[i]?.observations ?? [];
      if (observation?.kind !== "arrived") throw new Error(`${JSON.stringify(observation)} for a translated packet`);
      const { address, port } = observation;
      seen.add(`${printAddress(packet.destination)} ${packet.protocol} ${printAddress(address)}:${port}`);
      expect(outcome.endpoints).toContainEqual(expect.objectContaining({ address, port }));
    }
    // All that is said to be possible has been seen.
    const possible = predictions.flatMap(({ packet: { destination, protocol }, outcome }) =>
      outcome.endpoints.map(
        ({ address, port }) => `${printAddress(destination)} ${protocol} ${printAddress(address)}:${port}`,
      ),
    );
    expect([...seen].sort()).toEqual([...new Set(possible)].sort());
    await prober.close();
  });
});

/** Rules at 0 and 50, between which NAT would come by its own priorities. */
const LATE_NAT = `table ip late {
  chain nat {
    type nat hook prerouting priority 10
    ip daddr 198.51.100.7 dnat to 10.180.0.9
  }
  chain filter {
    type filter hook prerouting priority 0
    ip daddr 10.180.0.9 tcp dport 53 drop
    ip daddr 198.51.100.7 tcp dport 80 drop
  }
  chain source {
    type nat hook postrouting priority 10
    ip daddr 10.180.0.9 masquerade
  }
  chain mangle {
    type filter hook postrouting priority 50
    ip saddr 203.0.113.5 tcp dport 443 drop
  }
}
`;

/** What rules see of connections before tracking has looked at packets. */
const EARLY = `table ip early {
  chain first {
    type filter hook prerouting priority -310
    ct state new tcp dport 53 drop
    ct state invalid tcp dport 80 drop
    meta l4proto tcp ct original proto-dst 443 drop
  }
  chain kept {
    type filter hook prerouting priority raw
    udp dport 53 notrack
  }
  chain then {
    type filter hook prerouting priority -290
    ct state untracked drop
  }
  chain later {
    type filter hook prerouting priority mangle
    ct state new tcp dport 443 drop
    ct state invalid udp dport 80 drop
  }
}
`;

/** What replies to first packets will have, before and behind the translation of their destination. */
const REPLIES = `table ip replies {
  chain before {
    type filter hook prerouting priority -150
    ct reply saddr 10.180.0.9 drop
    udp dport 53 ct reply saddr 198.51.100.7 ct reply proto-src 53 drop
  }
  chain nat {
    type nat hook prerouting priority -100
    ip daddr 198.51.100.7 meta l4proto { tcp, udp } th dport 80 dnat to 10.180.0.9:81
  }
  chain behind {
    type filter hook forward priority 0
    meta l4proto tcp ct reply saddr 10.180.0.9 ct reply proto-src 81 drop
    meta l4proto tcp ct reply saddr 198.51.100.7 ct reply daddr 203.0.113.5 ct reply proto-src 443 drop
    meta l4proto udp ct reply proto-src 80 drop
  }
  chain source {
    type nat hook postrouting priority 100
    ip saddr 203.0.113.5 snat to 192.168.0.2
  }
}
`;

test.skipIf(kernelMissing !== undefined).each([
  [
    "replies have the addresses to which the first packet goes",
    REPLIES,
    ["6 80 drop", "17 80 dnat", "6 443 drop", "17 53 drop", "6 53 pass"],
  ],
  [
    "NAT has one place at a hook, whatever the priorities of its chains",
    LATE_NAT,
    ["6 53 drop", "6 80 dnat", "6 443 drop"],
  ],
  [
    "before connection tracking packets belong to nothing",
    EARLY,
    ["6 53 pass", "6 80 drop", "6 443 drop", "17 53 drop", "17 80 pass"],
  ],
])("%s", async (_, text, examples) => {
  const prober = await openTestNode();
  const predictions = predict(mustReadNft(text));
  const verdicts = predictions.map(
    ({ packet, outcome }) => `${packet.protocol} ${packet.destinationPort} ${outcome.verdict}`,
  );
  expect(verdicts).toEqual(expect.arrayContaining(examples));
  const fates = await judge(
    prober,
    judgedText({ kind: "nft", text }),
    predictions.map(({ packet }) => ({ packet, choices: 1 })),
  );
  const seen = fates.map(({ observations: [each] }) =>
    each?.kind === "arrived" ? (each.translated ? "dnat" : "pass") : each?.kind,
  );
  expect(seen).toEqual(predictions.map(({ outcome }) => outcome.verdict));
  await prober.close();
});
