/** What connection tracking makes of a packet: by what is said of it, and by the entry of its connection. */
import { expect, test } from "vitest";
import { type ConnectionEntry, turnedRound } from "../../../compiler/evaluate/connection.ts";
import {
  alone,
  type CtState,
  ctStateOf,
  environmentOf,
  hostOf,
  type Packet,
  packetFamily,
} from "../../../compiler/evaluate/packet.ts";
import { CT_STATE, CT_STATUS } from "../../../compiler/ir/constants.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";
import { packetText } from "../../support/flows.ts";
import { address } from "../../support/service-port.ts";

const namesOf = (bits: number, all: Readonly<Record<string, number>>): string =>
  Object.entries(all)
    .flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
    .join("+");

/** `first new`; `reply established seen-reply+confirmed`. */
function trackOf(packet: Packet): string {
  const { tracking, region } = alone(packet);
  const state = namesOf(Number(region.ctstate.single), CT_STATE);
  return `${tracking} ${state} ${namesOf(Number(region.ctstatus.single), CT_STATUS)}`.trim();
}

const TCP = packetText("eth0 tcp 10.0.0.1:1000 > 10.0.0.2:80");
const ICMP = packetText("eth0 icmp 10.0.0.1:0 > 10.0.0.2:0");

test.each<[protocol: string, packet: Packet, ctState: CtState, track: string]>([
  ["TCP", TCP, "new", "first new"],
  ["TCP", TCP, "related", "first related"],
  ["ICMP", ICMP, "related", "original related"],
  ["ICMPv6", { ...ICMP, protocol: 58 }, "related", "original related"],
  ["another protocol", { ...ICMP, protocol: 59 }, "related", "first related"],
  ["TCP", TCP, "established", "original established"],
  ["TCP", TCP, "reply", "reply established"],
  ["TCP", TCP, "related-reply", "reply related"],
  ["TCP", TCP, "invalid", "invalid invalid"],
  ["TCP", TCP, "untracked", "untracked untracked"],
])("%s %#: %s", (_, packet, ctState, track) => {
  const { ctState: __, ...others } = packet;
  const said: Packet = ctState === "new" ? others : { ...others, ctState };
  expect(trackOf(said)).toBe(track);
  const { tracking, region } = alone(said);
  expect(ctStateOf(tracking, Number(region.ctstate.single))).toBe(ctState);
});

/** The entry of a connection from `TCP`'s source, sent on to 10.0.0.9 where it says so. */
function entryOf(status: number, to = "10.0.0.2"): ConnectionEntry {
  const { source, sourcePort, destination, destinationPort } = TCP;
  const original = { source, sourcePort, destination, destinationPort };
  return { protocol: 6, original, reply: turnedRound({ ...original, destination: address(to) }), status, mark: 7 };
}

const REPLY = packetText("eth0 tcp 10.0.0.2:80 > 10.0.0.1:1000");
const REPLY_OF_9 = packetText("eth0 tcp 10.0.0.9:80 > 10.0.0.1:1000");
const { expected: EXPECTED, "seen-reply": SEEN, assured: ASSURED } = CT_STATUS;

test.each<[what: string, packet: Packet, connection: ConnectionEntry, track: string, sentTo: string]>([
  ["the first packet again", TCP, entryOf(0), "original new confirmed", "10.0.0.2:80"],
  ["a later packet", TCP, entryOf(SEEN), "original established seen-reply+confirmed", "10.0.0.2:80"],
  [
    "one of a connection that stays",
    TCP,
    entryOf(SEEN | ASSURED),
    "original established seen-reply+assured+confirmed",
    "10.0.0.2:80",
  ],
  ["the first reply", REPLY, entryOf(0), "reply established seen-reply+confirmed", "10.0.0.1:1000"],
  ["one that is sent on", TCP, entryOf(0, "10.0.0.9"), "original new confirmed+dnat", "10.0.0.9:80"],
  ["its reply", REPLY_OF_9, entryOf(0, "10.0.0.9"), "reply established seen-reply+confirmed+dnat", "10.0.0.1:1000"],
  ["one that was expected", TCP, entryOf(EXPECTED), "original related expected+confirmed", "10.0.0.2:80"],
  [
    "one that was expected, behind its reply",
    TCP,
    entryOf(EXPECTED | SEEN),
    "original established expected+seen-reply+confirmed",
    "10.0.0.2:80",
  ],
  [
    "the reply to one that was expected",
    REPLY,
    entryOf(EXPECTED),
    "reply established expected+seen-reply+confirmed",
    "10.0.0.1:1000",
  ],
  [
    "an error about its replies",
    { ...ICMP, ctState: "related" },
    entryOf(SEEN, "10.0.0.9"),
    "original related seen-reply+confirmed+dnat",
    "10.0.0.9:0",
  ],
  ["an error about it", { ...ICMP, ctState: "related-reply" }, entryOf(0), "reply related confirmed", "10.0.0.1:0"],
])("%s", (_, packet, connection, track, sentTo) => {
  const own = { ...packet, connection };
  const { region } = alone(own);
  expect(trackOf(own)).toBe(track);
  expect(printAddressPort(region.toaddr.single as Packet["source"], Number(region.toport.single))).toBe(sentTo);
  expect(region.ctmark.single).toBe(7);
  expect(alone(own).connection).toBe(connection);
  expect("connection" in alone(packet)).toBe(false);
});

test("a host of which no address is known may have any", () => {
  expect(hostOf([]).moreAddresses).toBe(true);
  expect(hostOf([address("10.0.0.1")]).moreAddresses).toBeUndefined();
  expect([TCP, { ...TCP, source: address("fd00::1") }].map(packetFamily)).toEqual(["IPv4", "IPv6"]);
});

test("a packet that is no ICMP error goes the way of its tuple, whatever state it is said to have", () => {
  const reply = { source: TCP.destination, sourcePort: TCP.destinationPort };
  const answer = { ...TCP, ...reply, destination: TCP.source, destinationPort: TCP.sourcePort };
  const { source, sourcePort, destination, destinationPort } = TCP;
  const original = { source, sourcePort, destination, destinationPort };
  const connection = { protocol: TCP.protocol, original, reply: turnedRound(original), status: 0, mark: 0 };
  expect(alone({ ...answer, ctState: "related", connection }).tracking).toBe("reply");
});

test("a host of which no address is known may have any", () => {
  expect(hostOf([])).toEqual({ ...environmentOf([]), moreAddresses: true });
  expect(hostOf([TCP.source])).toEqual(environmentOf([TCP.source]));
});
