import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { type Address, parseAddress } from "../../../compiler/net/address.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const PACKET: Packet = {
  protocol: 6,
  source: parseAddress("192.0.2.7") as Address,
  destination: parseAddress("203.0.113.9") as Address,
  sourcePort: 4000,
  destinationPort: 443,
  inInterface: "eth0",
  mark: 0,
};

const iptables = (mangle: readonly string[], test: string): string =>
  [
    "*mangle",
    ...mangle.map((rule) => `-A PREROUTING ${rule}`),
    "COMMIT",
    "*filter",
    `-A FORWARD ${test} -j DROP`,
    "COMMIT",
    "",
  ].join("\n");

/** A new connection has no mark; nobody marked the packet. */
test.each([
  ["pass", ["-j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80"], "-m mark --mark 0x4000/0x4000"],
  [
    "drop",
    ["-j CONNMARK --set-xmark 0x80/0x80", "-j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80"],
    "-m mark --mark 0x80/0x80",
  ],
  ["drop", ["-j MARK --set-mark 0x4003", "-j CONNMARK --restore-mark --mask 0xff"], "-m mark --mark 0x4000"],
  ["drop", ["-j MARK --set-mark 0xf3", "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0"], "-m connmark --mark 0x3"],
  [
    "drop",
    ["-j MARK --set-mark 0xf3", "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0 --left-shift-mark 8"],
    "-m connmark --mark 0x300",
  ],
  ["drop", ["-j CONNMARK --set-mark 0x300 --right-shift-mark 8"], "-m connmark --mark 3"],
] as const)("%s: %j %s", (verdict, mangle, match) => {
  const program = mustReadIptables(iptables(mangle, match), "ip");
  const outcomes = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  expect(outcomes.map((outcome) => [outcome.verdict, outcome.assumptions])).toEqual([[verdict, []]]);
});

/** Two marks in one value: nft 1.1 and later take it. */
test.each([
  [
    "drop",
    "meta mark set 0x4003 ct mark set 0x30 meta mark set meta mark & 0xffffff00 | ct mark & 0xff",
    "meta mark == 0x4030",
  ],
  ["drop", "meta mark set 0x5 ct mark set 0x3 meta mark set meta mark & ct mark", "meta mark == 0x1"],
  ["drop", "meta mark set 0x5 ct mark set 0x3 meta mark set meta mark | ct mark", "meta mark == 0x7"],
  ["drop", "meta mark set 0x5 ct mark set 0x3 meta mark set meta mark ^ ct mark", "meta mark == 0x6"],
  ["drop", "meta mark set 0x12 ct mark set (meta mark & 0xf) << 28", "ct mark == 0x20000000"],
  ["drop", "meta mark set 0x12 meta mark set meta mark >> 4 & 0xff | 0x100", "meta mark == 0x101"],
  ["drop", "meta mark set 0x1 << 4", "meta mark 0x10"],
  // As nft lists masks of the first bits.
  ["drop", "meta mark set 0x00041234", "meta mark 0x00040000/16"],
  ["pass", "meta mark set 0x00051234", "meta mark 0x00040000/16"],
  ["drop", "ct mark set 0x80000001", "ct mark != 0x00000000/1"],
  ["drop", "ct mark set 0x80000001", "ct mark { 0x80000000/8, 0x3 }"],
])("%s: %s %s", (verdict, statement, match) => {
  const program = mustReadNft(
    `table ip t { chain c { type filter hook forward priority 0; ${statement}; ${match} drop; } }\n`,
  );
  const outcomes = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  expect(outcomes.map((outcome) => [outcome.verdict, outcome.assumptions])).toEqual([[verdict, []]]);
});
