/** Base chains of one hook and priority: the kernel enters them in the order that is said. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome, type Packet } from "../../compiler/evaluate/packet.ts";
import { type Address, parseAddress, printAddress } from "../../compiler/net/address.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { findDisagreements, openTestNode } from "../support/differential.ts";
import { orderedFile } from "../support/hook-orders.ts";
import { judgedText } from "../support/judged-texts.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadNft } from "../support/read.ts";

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const ENVIRONMENT = environmentOf(NODE_IPS.map(address));

const PACKETS: readonly Packet[] = [6, 17].flatMap((protocol) =>
  [["10.180.0.7", "cni0"] as const, ["203.0.113.5", "eth0"] as const].flatMap(([source, inInterface]) =>
    ["192.168.0.2", "198.51.100.7"].flatMap((destination) =>
      [53, 80].map((destinationPort) => ({
        ...{ protocol, destinationPort, inInterface, sourcePort: 40000, mark: 0 },
        source: address(source),
        destination: address(destination),
      })),
    ),
  ),
);

function outcomesOf(text: string, packet: Packet): readonly Outcome[] {
  return new Evaluator(mustReadNft(text)).evaluateWhole(packet, ENVIRONMENT);
}

const DROP = "udp dport 53 drop";
const REJECT = "udp dport 53 reject";

function chain(name: string, rules: string, type = "filter hook forward priority 0"): string {
  return `chain ${name} { type ${type}; policy accept; ${rules}; }\n`;
}

const NAT = "nat hook prerouting priority -100";

/** Texts with what becomes of a UDP packet to port 53 that is forwarded. */
const FILES: readonly (readonly [string, string, string])[] = [
  ["in one table", `table inet t {\n${chain("a", DROP)}${chain("b", REJECT)}}\n`, "reject"],
  [
    "of two tables",
    `add table ip t\ntable ip t {\n${chain("a", DROP)}}\ntable ip u {\n${chain("b", REJECT)}}\n`,
    "reject",
  ],
  [
    "of two families",
    `add table ip t\ntable inet t {\n${chain("a", REJECT)}}\ntable ip u {\n${chain("b", DROP)}}\n`,
    "drop",
  ],
  [
    "in a table that is opened again",
    `add table ip t\ntable ip t {\n${chain("a", REJECT)}}\ntable ip u {\n${chain("b", REJECT)}}\ntable ip t {\n${chain("c", DROP)}}\n`,
    "drop",
  ],
  [
    "by commands",
    `add table ip t
add chain ip t a { type filter hook forward priority 0; }
add table ip u
add chain ip u b { type filter hook forward priority 0; }
add rule ip u b ${REJECT}
add rule ip t a ${DROP}
`,
    "reject",
  ],
  [
    "of which one is made anew",
    `table ip t {\n${chain("a", DROP)}${chain("b", REJECT)}}\ndelete chain ip t a\ntable ip t {\n${chain("a", DROP)}}\n`,
    "drop",
  ],
  [
    "of which one is named again",
    `add table ip t\ntable ip t {\n${chain("a", DROP)}}\ntable ip u {\n${chain("b", REJECT)}}\ntable ip t {\n${chain("a", "counter")}}\n`,
    "reject",
  ],
  [
    "of a table that wakes up",
    `table ip t {\nflags dormant;\n${chain("a", DROP)}}\nadd table ip u\ntable ip u {\n${chain("b", REJECT)}}\ntable ip t {\n}\n`,
    "drop",
  ],
  [
    "of a table that a command wakes up",
    `table ip t {\nflags dormant;\n${chain("a", DROP)}}\nadd table ip u\ntable ip u {\n${chain("b", REJECT)}}\nadd table ip t\n`,
    "drop",
  ],
  [
    "of NAT",
    `add table ip t\ntable ip t {\n${chain("a", "dnat to 10.180.0.8", NAT)}}\ntable ip u {\n${chain("b", "dnat to 10.180.0.9", NAT)}}\n`,
    "dnat 10.180.0.9",
  ],
  [
    "of NAT, and a filter at its place",
    `add table ip t\ntable ip t {\n${chain("a", "udp dport 53 dnat to 10.180.0.8:54", NAT)}}\ntable ip u {\n${chain("b", "udp dport 54 drop", "filter hook prerouting priority -100")}}\n`,
    "dnat 10.180.0.8",
  ],
  [
    "of a filter, and NAT at its place",
    `add table ip u\ntable ip u {\n${chain("b", "udp dport 54 drop", "filter hook prerouting priority -100")}}\ntable ip t {\n${chain("a", "udp dport 53 dnat to 10.180.0.8:54", NAT)}}\n`,
    "drop",
  ],
  [
    "of a filter at the place of NAT that some other hook has had registered",
    `add table ip v\ntable ip v {\n${chain("z", "counter", "nat hook postrouting priority 100")}}\ntable ip u {\n${chain("b", "udp dport 54 drop", "filter hook prerouting priority -100")}}\ntable ip t {\n${chain("a", "udp dport 53 dnat to 10.180.0.8:54", NAT)}}\n`,
    "dnat 10.180.0.8",
  ],
];

const LISTINGS = [
  ["two tables", `table ip t {\n${chain("a", DROP)}}\ntable ip u {\n${chain("b", REJECT)}}\n`],
  [
    "two tables of NAT",
    `table ip t {\n${chain("a", "dnat to 10.180.0.8", NAT)}}\ntable ip u {\n${chain("b", "dnat to 10.180.0.9", NAT)}}\n`,
  ],
] as const;

const ASKED: Packet = {
  ...{ protocol: 17, sourcePort: 40000, destinationPort: 53, inInterface: "eth0", mark: 0 },
  source: address("203.0.113.5"),
  destination: address("198.51.100.7"),
};

describe.skipIf(kernelMissing !== undefined)("the kernel enters chains of one hook and priority", () => {
  test("in the order that is read from a file", async () => {
    const prober = await openTestNode();
    for (const [name, text] of FILES) {
      const predictions = PACKETS.map((packet) => {
        const outcomes = outcomesOf(text, packet);
        expect(outcomes.length, name).toBe(1);
        return { packet, outcome: outcomes[0] as Outcome };
      });
      expect({
        name,
        found: await findDisagreements(prober, "kernel-nft", judgedText({ kind: "nft", text }), predictions),
      }).toEqual({
        name,
        found: [],
      });
    }
    await prober.close();
  });

  test("in one of the orders that are said of a listing", async () => {
    const prober = await openTestNode();
    for (const [name, text] of LISTINGS) {
      const outcomes = outcomesOf(text, ASKED);
      expect(outcomes.length, name).toBe(2);
      const found = await Promise.all(
        [outcomes[0], outcomes[1]].map((outcome) =>
          findDisagreements(prober, "kernel-nft", judgedText({ kind: "nft", text }), [
            { packet: ASKED, outcome: outcome as Outcome },
          ]),
        ),
      );
      expect(found.filter((each) => each.length === 0).length, name).toBe(1);
    }
    await prober.close();
  });

  test("in the order that is read from files of many tables", async () => {
    const prober = await openTestNode();
    await fc.assert(
      fc.asyncProperty(orderedFile, async (text) => {
        const predictions = PACKETS.map((packet) => {
          const outcomes = outcomesOf(text, packet);
          expect(outcomes.length).toBe(1);
          return { packet, outcome: outcomes[0] as Outcome };
        });
        expect(await findDisagreements(prober, "kernel-nft", judgedText({ kind: "nft", text }), predictions)).toEqual(
          [],
        );
      }),
      { numRuns: 40 },
    );
    await prober.close();
  });
});

test.each(FILES)("what is read: chains %s", (_, text, wanted) => {
  const [outcome] = outcomesOf(text, ASKED);
  const [endpoint] = outcome?.endpoints ?? [];
  const said = endpoint === undefined ? outcome?.verdict : `dnat ${printAddress(endpoint.address)}`;
  expect(said).toBe(wanted);
});
