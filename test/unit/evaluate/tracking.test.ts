/** What connection tracking knows of a packet at each place, and when NAT is asked. */
import { expect, test } from "vitest";
import type { Packet } from "../../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import { fateOf, IPV6 } from "../../support/one-packet.ts";
import { address } from "../../support/service-port.ts";

const LOCAL = { inInterface: undefined, source: address("192.0.2.1") };
const TRANSLATED: Partial<Packet> = {
  ctState: "established",
  ctStatus: CT_STATUS.dnat,
  sentTo: { address: address("10.244.1.5"), port: 8080 },
};

const REPLY: Partial<Packet> = { ctState: "reply", ctStatus: CT_STATUS.dnat };

const filter = (hook: string, priority: number, rules: string): string =>
  `chain f${priority + 500}-${hook} { type filter hook ${hook} priority ${priority}; ${rules} }`;
const nat = (hook: string, priority: number, rules: string): string =>
  `chain n${priority + 500}-${hook} { type nat hook ${hook} priority ${priority}; ${rules} }`;

test.each<[what: string, chains: string[], packet: Partial<Packet>, becomes: string]>([
  ["a packet belongs to nothing before tracking", [filter("prerouting", -300, "ct state invalid drop")], {}, "drop"],
  ["it is not new there", [filter("prerouting", -300, "ct state new drop")], {}, "kept"],
  ["it is new behind tracking", [filter("prerouting", -199, "ct state new drop")], {}, "drop"],
  ["so is the node's own", [filter("output", -199, "ct state new drop")], LOCAL, "drop"],
  ["which belongs to nothing before", [filter("output", -300, "ct state new drop")], LOCAL, "kept"],
  ["at other hooks tracking is behind", [filter("forward", -300, "ct state invalid drop")], {}, "kept"],
  [
    "so it is for what comes back by loopback",
    [filter("prerouting", -300, "ct state invalid drop")],
    { ...LOCAL, destination: address("192.0.2.1") },
    "kept",
  ],
  [
    "behind tracking it is new, whatever stands before",
    [filter("prerouting", -300, "counter"), filter("prerouting", 0, "ct state new drop")],
    {},
    "drop",
  ],
  [
    "so is the node's own",
    [filter("output", -300, "counter"), filter("output", 0, "ct state new drop")],
    LOCAL,
    "drop",
  ],
  [
    "a rule keeps a packet out of tracking",
    [filter("prerouting", -300, "notrack"), filter("prerouting", 0, "ct state untracked drop")],
    {},
    "drop",
  ],
  [
    "NAT is not asked for what is kept out",
    [filter("prerouting", -300, "notrack"), nat("prerouting", -100, "dnat to 10.244.1.5")],
    {},
    "kept",
  ],
  ["NAT is asked for the first packet", [nat("prerouting", -100, "dnat to 10.244.1.5")], {}, "10.244.1.5:80"],
  ["not for later ones", [nat("prerouting", -100, "dnat to 10.244.1.5")], { ctState: "established" }, "kept"],
  ["nor for replies", [nat("prerouting", -100, "dnat to 10.244.1.5")], { ctState: "reply" }, "kept"],
  ["nor for invalid ones", [nat("prerouting", -100, "dnat to 10.244.1.5")], { ctState: "invalid" }, "kept"],
  ["nor for untracked ones", [nat("prerouting", -100, "dnat to 10.244.1.5")], { ctState: "untracked" }, "kept"],
  [
    "the first chain that decides has decided",
    [nat("prerouting", -100, "dnat to 10.244.1.5"), nat("prerouting", -90, "dnat to 10.244.1.6")],
    {},
    "10.244.1.5:80",
  ],
  [
    "a chain that decides nothing leaves it to the next one",
    [nat("prerouting", -100, "tcp dport 81 dnat to 10.244.1.5"), nat("prerouting", -90, "dnat to 10.244.1.6")],
    {},
    "10.244.1.6:80",
  ],
  [
    "an accept of one chain does not keep the next one from deciding",
    [nat("prerouting", -100, "accept"), nat("prerouting", -90, "dnat to 10.244.1.6")],
    {},
    "10.244.1.6:80",
  ],
  [
    "a later packet goes where its connection says: rules behind see it there",
    [filter("forward", 0, "ip daddr 10.244.1.5 tcp dport 8080 drop")],
    TRANSLATED,
    "drop",
  ],
  ["rules before that see it as it came", [filter("prerouting", -150, "ip daddr 10.96.0.10 drop")], TRANSLATED, "drop"],
  [
    "a rule of NAT's priority sees it there where its chain is older",
    [filter("prerouting", -100, "ip daddr 10.244.1.5 drop"), nat("prerouting", -100, "counter")],
    TRANSLATED,
    "drop",
  ],
  [
    "tracking remembers where the connection was opened to",
    [nat("prerouting", -100, "dnat to 10.244.1.5"), filter("forward", 0, "ct original ip daddr 10.96.0.10 drop")],
    {},
    "drop",
  ],
  [
    "the status says that it was translated",
    [nat("prerouting", -100, "dnat to 10.244.1.5"), filter("forward", 0, "ct status dnat drop")],
    {},
    "drop",
  ],
  [
    "a rule may keep out what a rule before has kept out",
    [filter("prerouting", -310, "notrack"), filter("prerouting", -300, "ct state untracked drop")],
    {},
    "drop",
  ],
  [
    "no rule keeps packets out behind tracking",
    [filter("prerouting", -150, "notrack"), filter("prerouting", 0, "ct state untracked drop")],
    {},
    "kept",
  ],
  [
    "what came untracked belongs to nothing before tracking",
    [filter("prerouting", -300, "ct state untracked drop")],
    { ctState: "untracked" },
    "kept",
  ],
  [
    "a reply that is translated goes where its connection says",
    [filter("forward", 0, "ip daddr 10.244.1.5 drop")],
    { ...TRANSLATED, ctState: "reply", ctStatus: CT_STATUS.snat },
    "drop",
  ],
  [
    "a reply to what was sent on has its source translated: rules at forward do not see it",
    [filter("forward", 0, "ip daddr 10.96.0.10 ip saddr 10.244.0.5 drop")],
    REPLY,
    "drop",
  ],
  [
    "behind that its source is not known without the connection",
    [filter("postrouting", 200, "ip saddr 10.244.0.5 drop")],
    REPLY,
    "drop or kept",
  ],
  ["nor its port", [filter("postrouting", 200, "tcp sport 40000 drop")], REPLY, "drop or kept"],
  ["nor as a field of any protocol", [filter("postrouting", 200, "th sport 40000 drop")], REPLY, "drop or kept"],
  [
    "of SCTP neither",
    [filter("postrouting", 200, "sctp sport 40000 drop")],
    { ...REPLY, protocol: 132 },
    "drop or kept",
  ],
  [
    "of IPv6 neither",
    [filter("postrouting", 200, "ip6 saddr fd00:10:244::5 drop")],
    { ...IPV6, ...REPLY },
    "drop or kept",
  ],
  ["nor whether it is the node's", [filter("postrouting", 200, "fib saddr type local drop")], REPLY, "drop or kept"],
  [
    "what was not known before still is not",
    [filter("forward", 0, "meta mark set jhash ip saddr mod 3"), filter("postrouting", 200, "meta mark 1 drop")],
    REPLY,
    "drop or kept",
  ],
  [
    "what is kept out of tracking goes where it went",
    [filter("prerouting", -300, "notrack"), filter("forward", 0, "ip daddr 10.244.1.5 drop")],
    TRANSLATED,
    "kept",
  ],
  ["of UDP neither", [filter("postrouting", 200, "udp sport 40000 drop")], { ...REPLY, protocol: 17 }, "drop or kept"],
  [
    "where nothing was translated it is known",
    [filter("postrouting", 200, "ip saddr 10.244.0.5 drop")],
    { ctState: "reply" },
    "drop",
  ],
])("%s", (_, chains, packet, becomes) => {
  expect(fateOf(chains.join("\n"), packet).split(" or ").sort().join(" or ")).toBe(becomes);
});
