/** Which packets are for the node itself, and how its own come back by loopback: what rules behind that see. */
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { type Environment, environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { unknownsIn } from "../../../compiler/evaluate/unknown/condition.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { packetText, tupleText } from "../../support/flows.ts";
import { fatesAlone, fatesTogether, type ManyPackets, packetsOf } from "../../support/many-packets.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";
import { NODE } from "../../support/routes.ts";
import { address } from "../../support/service-port.ts";

const programOf = (chains: string, family = "ip"): Program => mustReadNft(`table ${family} t {\n${chains}\n}`);
const base = (type: string, hook: string, priority: number, rules: string): string =>
  `chain ${hook}_${type} { type ${type} hook ${hook} priority ${priority}; ${rules}; }\n`;

function fatesBy(program: Program, packets: ManyPackets): string[] {
  const fates = fatesTogether(program, packets);
  expect(fatesAlone(program, packets)).toEqual(fates);
  return fates;
}

const WITH_MORE: Environment = { ...environmentOf([address("192.0.2.1")]), moreAddresses: true };
const NEAR = "daddr 192.0.2.0-192.0.2.2";

describe("packets to the node are rejected, all others are dropped", () => {
  const HERE = "reject with port-unreachable";
  const either = (subject: string): string => `drop if not ${subject} | ${HERE} if ${subject}`;
  const ORIGINAL = either("the destination is an address of this node");
  const NEW = either("the new destination is an address of this node");
  const RULES = `${base("filter", "input", 0, "reject")}${base("filter", "forward", 0, "drop")}`;
  const to = (rule: string): string => base("nat", "prerouting", -100, rule);
  const TRANSLATED: Partial<Packet> = {
    ctState: "established",
    ctStatus: CT_STATUS.dnat,
    sentTo: { address: address("10.1.0.1"), port: 80 },
  };

  test.each<[chains: string, packets: ManyPackets, fates: readonly string[]]>([
    ["", { fields: NEAR }, ["192.0.2.0: drop", `192.0.2.1: ${HERE}`, "192.0.2.2: drop"]],
    ["", { fields: "daddr 127.0.0.1-127.0.0.2" }, [`127.0.0.1-127.0.0.2: ${HERE}`]],
    ["", { fields: "daddr 10.0.0.1-10.0.0.2" }, ["10.0.0.1-10.0.0.2: drop"]],
    [
      "",
      { fields: NEAR, environment: WITH_MORE },
      [`192.0.2.0: ${ORIGINAL}`, `192.0.2.1: ${HERE}`, `192.0.2.2: ${ORIGINAL}`],
    ],
    [
      "",
      { fields: "daddr 223.255.255.255-224.0.0.1", environment: WITH_MORE },
      [`223.255.255.255: ${ORIGINAL}`, "224.0.0.0-224.0.0.1: drop"],
    ],
    [to("dnat to 10.1.0.1"), { fields: NEAR }, ["192.0.2.0-192.0.2.2: drop"]],
    [to("dnat to 10.1.0.1"), { fields: NEAR, environment: WITH_MORE }, [`192.0.2.0-192.0.2.2: ${NEW}`]],
    [to("dnat to 192.0.2.1"), { fields: NEAR, environment: WITH_MORE }, [`192.0.2.0-192.0.2.2: ${HERE}`]],
    [
      to("ip daddr 192.0.2.2 dnat to 10.1.0.1"),
      { fields: NEAR, environment: WITH_MORE },
      [`192.0.2.0: ${ORIGINAL}`, `192.0.2.1: ${HERE}`, `192.0.2.2: ${NEW}`],
    ],
    [
      to("dnat to numgen random mod 3 map { 0 : 192.0.2.1, 1 : 10.1.0.1, 2 : 10.1.0.2 }"),
      { fields: NEAR, environment: WITH_MORE },
      [
        `192.0.2.0-192.0.2.2: drop (67 %), or ${HERE} (33 %) if not the new destination is an address of this node | ${HERE} if the new destination is an address of this node`,
      ],
    ],
    [
      to("ip daddr 10.96.0.0/24 dnat prefix to 192.0.2.0/24"),
      { fields: "daddr 10.96.0.0-10.96.0.1" },
      ["10.96.0.0: drop", `10.96.0.1: ${HERE}`],
    ],
    [
      to("ip daddr 10.96.0.0/24 dnat prefix to 192.0.2.0/24"),
      { fields: "daddr 10.96.0.0-10.96.0.1", environment: WITH_MORE },
      [`10.96.0.0: ${NEW}`, `10.96.0.1: ${HERE}`],
    ],
    [to("redirect"), { fields: NEAR, environment: WITH_MORE }, [`192.0.2.0-192.0.2.2: ${HERE}`]],
    ["", { fields: NEAR, members: TRANSLATED }, ["192.0.2.0-192.0.2.2: drop"]],
    [
      "",
      { fields: "daddr 192.0.2.0-192.0.2.1", environment: WITH_MORE, members: TRANSLATED },
      [`192.0.2.0-192.0.2.1: ${either("the destination of the connection is an address of this node")}`],
    ],
  ])("%s %o", (chains, packets, fates) => {
    expect(fatesBy(programOf(chains + RULES), packets)).toEqual(fates);
  });

  test.each([
    ["original", "the destination", ""],
    ["new", "the new destination", to("dnat to 10.1.0.1")],
    ["original", "the destination of the connection", ""],
  ])("what is assumed says that it is of the %s destination: %s", (of, subject, chains) => {
    const members = subject.endsWith("connection") ? TRANSLATED : {};
    const results = new Evaluator(programOf(chains + RULES)).follow(packetsOf({ fields: NEAR, members }), WITH_MORE);
    const facts = new Set(results.flatMap(({ condition }) => [...unknownsIn(condition)]));
    expect([...facts].map(({ locality }) => locality)).toEqual([{ of, subject }]);
  });

  test("the route decides, where it is known", () => {
    const routes: Environment = { ...NODE, route: () => ({ kind: "local" }) };
    const [verdict] = new Evaluator(programOf(RULES)).evaluateWhole(
      packetText("eth0 tcp 203.0.113.5:40000 > 10.1.0.9:80"),
      routes,
    );
    expect(verdict?.verdict).toBe("reject");
  });
});

const OWN = { inInterface: undefined, source: address("192.0.2.1") };
const OWN_IPV6 = { inInterface: undefined, source: address("2001:db8::1"), destination: address("2001:db8::1") };

/** Rules of nat at output and postrouting, and a match that drops at input. */
function loop(match: string, post = "accept", out = "accept"): Program {
  const chains = [base("nat", "output", -100, out), base("nat", "postrouting", 100, post)];
  const drop = base("filter", "input", 0, `${match} drop`);
  return programOf(`${chains.join("")}${drop}`, match.startsWith("ip6") ? "ip6" : "ip");
}

describe("a packet of the node's own to one of its addresses comes in by lo, where rules see it", () => {
  const TO_LOOPBACK = "daddr 127.0.0.1-127.0.0.2";
  const nodeOf = (...own: readonly string[]): Environment => environmentOf(own.map(address));
  const TWO_IPV6 = { members: OWN_IPV6, environment: nodeOf("192.0.2.7", "2001:db8::1", "2001:db8::2") };

  test.each<[program: Program, packets: ManyPackets, fates: readonly string[]]>([
    [loop("iifname lo"), { fields: NEAR }, ["192.0.2.0: pass", "192.0.2.1: drop", "192.0.2.2: pass"]],
    [loop('iifname ""'), { fields: NEAR }, ["192.0.2.0-192.0.2.2: pass"]],
    [loop("ip saddr 192.0.2.1"), { fields: "daddr 192.0.2.1" }, ["192.0.2.1: drop"]],
    // With the source that a rule gave.
    [loop("ip saddr 5.5.5.5", "snat to 5.5.5.5"), { fields: "daddr 192.0.2.1" }, ["192.0.2.1: drop"]],
    [loop("ip saddr 192.0.2.1", "snat to 5.5.5.5"), { fields: "daddr 192.0.2.1" }, ["192.0.2.1: pass, from 5.5.5.5"]],
    [
      loop("ip saddr 5.5.5.5", "snat to 5.5.5.5-5.5.5.6"),
      { fields: "daddr 192.0.2.1" },
      ["192.0.2.1: drop if ip saddr == 84215045 | pass, from 5.5.5.5-5.5.5.6 if not ip saddr == 84215045"],
    ],
    [
      loop("tcp sport 40000", "masquerade random"),
      { fields: "daddr 192.0.2.1" },
      ["192.0.2.1: drop if tcp sport == 40000 | pass, masqueraded if not tcp sport == 40000"],
    ],
    // Masquerading gives the first IPv4 address of the node that is not loopback's; where there is none, and with IPv6, the destination.
    [
      loop("ip saddr 192.0.2.7", "masquerade"),
      { fields: TO_LOOPBACK, environment: nodeOf("::1", "192.0.2.7", "192.0.2.8") },
      ["127.0.0.1-127.0.0.2: drop"],
    ],
    [
      loop("iifname lo ip saddr 192.0.2.7", "masquerade"),
      { fields: TO_LOOPBACK, environment: nodeOf("192.0.2.7") },
      ["127.0.0.1-127.0.0.2: drop"],
    ],
    [
      loop("ip saddr 127.0.0.1", "masquerade"),
      { fields: TO_LOOPBACK, environment: nodeOf() },
      ["127.0.0.1: drop", "127.0.0.2: pass, masqueraded"],
    ],
    [
      loop("iifname lo ip saddr 127.0.0.1", "masquerade"),
      { fields: TO_LOOPBACK, environment: nodeOf("::1") },
      ["127.0.0.1: drop", "127.0.0.2: pass, masqueraded"],
    ],
    [
      loop("ip6 saddr 2001:db8::2", "masquerade"),
      { fields: "daddr 2001:db8::1-2001:db8::2", ...TWO_IPV6 },
      ["2001:db8::1: pass, masqueraded", "2001:db8::2: drop"],
    ],
    [
      loop(
        "ip6 saddr 2001:db8::1",
        "masquerade",
        "dnat to numgen random mod 2 map { 0 : 2001:db8::1, 1 : 2001:db8::2 }",
      ),
      { fields: "daddr 2001:db9::1", ...TWO_IPV6 },
      ["2001:db9::1: drop (50 %), or to [2001:db8::2]:80, masqueraded (50 %)"],
    ],
    [
      loop(
        "ip6 saddr 2001:db8::1 tcp dport 81",
        "masquerade",
        "dnat to tcp dport map { 80 : 2001:db8::1 . 80, 90 : 2001:db8::1 . 81, 91 : 2001:db8::2 . 81 }",
      ),
      { fields: "dport 80 90-91", ...TWO_IPV6, members: { ...OWN_IPV6, destination: address("2001:db9::1") } },
      ["80: to [2001:db8::1]:80, masqueraded", "90: drop", "91: to [2001:db8::2]:81, masqueraded"],
    ],
    [
      mustReadIptables(
        "*nat\n-A POSTROUTING -p tcp -j SNAT --to-source 5.5.5.5-5.5.5.6:7000-7999/5000\nCOMMIT\n*filter\n-A INPUT -s 5.5.5.5 -j DROP\nCOMMIT\n",
      ),
      { fields: "daddr 192.0.2.1" },
      ["192.0.2.1: drop if ip saddr == 84215045 | pass, from 5.5.5.5-5.5.5.6:7000-7999/0 if not ip saddr == 84215045"],
    ],
    // There it has no interface to go out by.
    [loop('oifname ""'), { fields: "daddr 192.0.2.1" }, ["192.0.2.1: drop"]],
  ])("%o, %o", (program, packets, fates) => {
    expect(fatesBy(program, { members: OWN, ...packets })).toEqual(fates);
  });
});

describe("the interface that packets go out by", () => {
  const own = "own udp 192.168.0.2:5000 > 192.168.0.2:53";
  const sent = "own udp 192.168.0.2:5000 > 203.0.113.5:53";
  const came = "eth0 udp 203.0.113.5:5000 > 192.168.0.2:53";
  test.each([
    [true, "output", "oifname lo", own],
    [true, "output", "oifname eth0", sent],
    [false, "output", "oifname lo", sent],
    [false, "prerouting", "oifname lo", own], // back from loopback
    [false, "input", "oifname lo", came],
    [true, "input", 'oifname ""', came],
    [true, "input", 'oifname ""', own],
  ])("it is %s that at %s %s, of %s", (holds, hook, match, packet) => {
    const program = programOf(base("filter", hook, 0, `${match} drop`));
    const outcomes = new Evaluator(program).evaluateWhole(packetText(packet), NODE);
    expect(outcomes.map(({ verdict }) => verdict)).toEqual([holds ? "drop" : "pass"]);
  });

  test("a mark that filters set behind NAT does not count for the route", () => {
    const program = programOf(
      base("nat", "output", -100, "udp dport 53 dnat to 10.1.0.9") + base("filter", "output", 0, "meta mark set 9"),
    );
    const asked: string[] = [];
    const route: Environment["route"] = ({ at, tuple, mark }) => {
      asked.push(`${at} ${tupleText(tuple)} ${mark}`);
      return { kind: "forward", interface: "eth0" };
    };
    new Evaluator(program).evaluateWhole(packetText(sent), { ...NODE, route });
    expect(asked).toEqual(["sending 192.168.0.2:5000 > 203.0.113.5:53 0", "output 192.168.0.2:5000 > 10.1.0.9:53 0"]);
  });
});
