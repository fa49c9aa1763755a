import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { NewFlow } from "../../runtime/packet.ts";
import type { ClusterInput } from "../support/arbitraries.ts";
import type { Judge } from "../support/differential.ts";
import { dress, type Standing } from "../support/dressing.ts";
import { kernelMissing } from "../support/kernel.ts";
import { OddNode } from "../support/odd-packets.ts";
import {
  authentication,
  EXTENSION,
  fragment,
  ipv4Packet,
  ipv6Packet,
  type Layer,
  options,
  routing,
  transportOf,
  UDP_LITE,
} from "../support/raw-packets.ts";
import { numbersFrom } from "../support/slots.ts";

const IPS = ["172.30.0.41", "fd00:10:96::41"];
const EMPTY_IPS = ["172.30.0.42", "fd00:10:96::42"];
const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;

function world(mode: ClusterInput["mode"]): ClusterInput {
  const service = (name: string, clusterIPs: readonly string[], nodePort: number) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: {
      type: "NodePort",
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
      ports: PROTOCOLS.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, nodePort })),
    },
  });
  const slice = (addressType: string, address: string) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `web-${addressType.toLowerCase()}`,
      namespace: "shop",
      labels: { "kubernetes.io/service-name": "web" },
    },
    addressType,
    endpoints: [{ addresses: [address] }],
    ports: PROTOCOLS.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 8080 })),
  });
  return {
    mode,
    proxy: {
      nodeName: "node-a",
      nodeIP: "192.168.0.2",
      nodeIPs: ["192.168.0.2", "2001:db8::1"],
      detectLocalMode: "ClusterCIDR",
      clusterCIDR: ["10.180.0.0/16", "fd00:10:180::/48"],
      serviceCIDRs: ["172.30.0.0/16", "fd00:10:96::/112"],
      nodePortAddresses: "default",
      localhostNodePorts: false,
      masqueradeAll: false,
    },
    objects: [
      service("web", IPS, 30001),
      service("empty", EMPTY_IPS, 30002),
      slice("IPv4", "10.180.2.1"),
      slice("IPv6", "fd00:10:180:2::1"),
    ],
  };
}

/** Where packets go: what is translated, rejected, dropped and left alone, on its way through the node and to itself. */
const TARGETS = {
  4: [
    ["172.30.0.41", 80],
    ["192.168.0.2", 30001],
    ["172.30.0.42", 80],
    ["172.30.0.41", 81],
    ["172.30.77.77", 80],
    ["198.51.100.1", 80],
    ["192.168.0.2", 9],
  ],
  6: [
    ["fd00:10:96::41", 80],
    ["2001:db8::1", 30001],
    ["fd00:10:96::42", 80],
    ["fd00:10:96::41", 81],
    ["fd00:10:96::7777", 80],
    ["2001:db8:f::99", 80],
    ["2001:db8::1", 9],
  ],
} as const;

const CLIENTS = { 4: "203.0.113.5", 6: "2001:db8:c::5" } as const;

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

function flowTo(family: 4 | 6, [to, port]: (typeof TARGETS)[4 | 6][number], protocol: number): NewFlow {
  const source = address(CLIENTS[family]);
  return { protocol, source, destination: address(to), sourcePort: SOURCE_PORT, destinationPort: port };
}

/** As the beginning of a GRE header it is of no version that has its own rules. */
const SOURCE_PORT = 40000;

const [TCP, UDP, SCTP, ICMP, ICMPV6, GRE, DCCP, EXPERIMENT] = [6, 17, 132, 1, 58, 47, 33, 253] as const;
const IDENTIFICATION = 77;

// --- packets that are odd in one way ---------------------------------------------------------------------------------------

/** A packet to a cluster IP, where it is translated if it is new, and what it is to the rules. */
type OddPacket = readonly [name: string, standing: Standing, bytes: Uint8Array];

function oddPackets4(): OddPacket[] {
  const flow = flowTo(4, TARGETS[4][0], TCP);
  const tcp = transportOf(flow);
  const plain = ipv4Packet(flow, tcp);
  const icmp: NewFlow = { ...flow, protocol: ICMPV6 };
  return [
    ["nothing odd", "new", plain],
    ["another version", "malformed", ipv4Packet(flow, tcp, { first: 0x55 })],
    ["a header of 16 bytes", "malformed", ipv4Packet(flow, tcp, { first: 0x44 })],
    ["a header longer than the packet", "malformed", ipv4Packet(flow, tcp.subarray(0, 4), { first: 0x4f })],
    ["a total length of 19", "malformed", ipv4Packet(flow, tcp, { totalLength: 19 })],
    ["a total length of one too many", "malformed", ipv4Packet(flow, tcp, { totalLength: plain.length + 1 })],
    ["19 bytes", "malformed", plain.subarray(0, 19)],
    ["bytes behind its end", "new", Uint8Array.of(...plain, 1, 2, 3)],
    ["no bytes behind its header", "invalid", ipv4Packet(flow, tcp, { totalLength: 20 })],
    ["the reserved flag", "new", ipv4Packet(flow, tcp, { fragment: 0x8000 })],
    ["a fragment without bytes", "fragment", ipv4Packet(flow, new Uint8Array(), { fragment: 0x2000 })],
    ["ICMPv6 in IPv4", "invalid", ipv4Packet(icmp, transportOf(icmp))],
  ];
}

function oddPackets6(): OddPacket[] {
  const flow = flowTo(6, TARGETS[6][0], TCP);
  const tcp = transportOf(flow);
  const plain = ipv6Packet(flow, tcp);
  const of = (protocol: number): NewFlow => ({ ...flow, protocol });
  const icmp = of(ICMP);
  // Where new packets are dropped: the kernel does not reject what is cut off.
  const experiment = flowTo(6, TARGETS[6][4], EXPERIMENT);
  const atomic = fragment(0, false, IDENTIFICATION);
  const hopByHop = (...bytes: number[]): Layer => ({ next: EXTENSION.hopByHop, bytes: Uint8Array.of(0, 0, ...bytes) });
  const behind = (layer: Layer): Uint8Array => ipv6Packet(flow, tcp, [layer]);
  const wide = (first: readonly number[]): Layer => {
    const bytes = new Uint8Array(24);
    bytes.set([0, 2, ...first]);
    return { next: EXTENSION.hopByHop, bytes };
  };
  return [
    ["nothing odd", "new", plain],
    ["another version", "malformed", ipv6Packet(flow, tcp, [], { first: 0x50 })],
    ["a length of one too many", "malformed", ipv6Packet(flow, tcp, [], { payloadLength: tcp.length + 1 })],
    ["39 bytes", "malformed", plain.subarray(0, 39)],
    ["bytes behind its end", "new", Uint8Array.of(...plain, 1, 2, 3)],
    ["no length, and no jumbogram", "invalid", ipv6Packet(flow, tcp, [], { payloadLength: 0 })],
    ["ICMP in IPv6", "invalid", ipv6Packet(icmp, transportOf(icmp))],
    ["no next header", "invalid", ipv6Packet(flow, tcp, [], { next: EXTENSION.none })],
    // Hop-by-hop options are read before any rule.
    ["hop-by-hop: padding", "new", behind(hopByHop(1, 4, 0, 0, 0, 0))],
    ["hop-by-hop: six bytes of padding, one by one", "new", behind(hopByHop(0, 0, 0, 0, 0, 0))],
    ["hop-by-hop: padding that is not zero", "malformed", behind(hopByHop(1, 4, 0, 0, 9, 0))],
    ["hop-by-hop: padding of eight bytes", "malformed", behind(wide([1, 6, 0, 0, 0, 0, 0, 0, 0x1e, 12]))],
    ["hop-by-hop: padding of seven bytes", "new", behind(wide([1, 5, 0, 0, 0, 0, 0, 0x1e, 13]))],
    ["hop-by-hop: padding of four and four bytes", "malformed", behind(wide([1, 2, 0, 0, 1, 2, 0, 0, 0x1e, 12]))],
    ["hop-by-hop: an option beyond its end", "malformed", behind(hopByHop(0x1e, 5, 0, 0, 0, 0))],
    ["hop-by-hop: an option without a length", "malformed", behind(hopByHop(1, 3, 0, 0, 0, 0x1e))],
    ["hop-by-hop: an option to be skipped", "new", behind(hopByHop(0x1e, 4, 1, 2, 3, 4))],
    ["hop-by-hop: an option to be dropped for", "malformed", behind(hopByHop(0x5e, 4, 1, 2, 3, 4))],
    ["hop-by-hop: an option to be complained about", "malformed", behind(hopByHop(0x9e, 4, 1, 2, 3, 4))],
    ["hop-by-hop: router alert", "new", behind(hopByHop(5, 2, 0, 0, 1, 0))],
    ["hop-by-hop: router alert of three bytes", "malformed", behind(hopByHop(5, 3, 0, 0, 0, 0))],
    ["hop-by-hop: a jumbogram that is none", "malformed", behind(hopByHop(0xc2, 4, 0, 1, 0, 0))],
    ["hop-by-hop: eight options", "new", behind(wide([...Array(8).fill([0x1e, 0]).flat(), 1, 4]))],
    ["hop-by-hop: nine options", "malformed", behind(wide([...Array(9).fill([0x1e, 0]).flat(), 1, 2]))],
    ["hop-by-hop: longer than the packet", "malformed", ipv6Packet(flow, tcp, [], { next: EXTENSION.hopByHop })],
    ["hop-by-hop: cut off", "malformed", ipv6Packet(flow, Uint8Array.of(6, 0, 1, 2), [], { next: EXTENSION.hopByHop })],
    // Others are not.
    ["destination options that nobody knows", "new", behind({ next: 60, bytes: hopByHop(0x9e, 4, 1, 2, 3, 4).bytes })],
    ["a routing header", "new", behind(routing(16))],
    ["destination options that are cut off", "invalid", ipv6Packet(flow, Uint8Array.of(6), [], { next: 60 })],
    [
      "destination options longer than the packet",
      "invalid",
      ipv6Packet(flow, Uint8Array.of(6, 9, 1, 4), [], { next: 60 }),
    ],
    [
      "a protocol without ports behind such options",
      "new",
      ipv6Packet(experiment, Uint8Array.of(EXPERIMENT, 9), [], { next: 60 }),
    ],
    ["options behind options, both kinds", "new", ipv6Packet(flow, tcp, [options(0, 16), options(60, 24)])],
    [
      "hop-by-hop options that are not the first",
      "new",
      ipv6Packet(flow, tcp, [options(60, 8), hopByHop(0x9e, 4, 1, 2, 3, 4)]),
    ],
    // Fragments.
    ["a fragment that is all", "new", behind(atomic)],
    ["a fragment that is all, twice", "new", ipv6Packet(flow, tcp, [atomic, fragment(0, false, IDENTIFICATION + 1)])],
    [
      "a fragment in a fragment that is all",
      "invalid",
      ipv6Packet(flow, tcp, [atomic, fragment(8, false, IDENTIFICATION)]),
    ],
    ["a fragment header that is cut off", "invalid", ipv6Packet(flow, Uint8Array.of(6, 0, 0, 1), [], { next: 44 })],
    ["a fragment without bytes", "invalid", ipv6Packet(flow, new Uint8Array(), [fragment(0, true, IDENTIFICATION)])],
    [
      "a later fragment without bytes",
      "fragment",
      ipv6Packet(flow, new Uint8Array(), [fragment(8, true, IDENTIFICATION)]),
    ],
    ["a fragment without bytes or next header", "fragment", ipv6Packet(of(EXTENSION.none), new Uint8Array(), [atomic])],
    ["a fragment without bytes of a protocol without ports", "new", ipv6Packet(experiment, new Uint8Array(), [atomic])],
    [
      "a fragment that would end behind byte 65535",
      "fragment",
      ipv6Packet(flow, tcp, [fragment(65520, false, IDENTIFICATION)]),
    ],
  ];
}

// --- the tests -------------------------------------------------------------------------------------------------------------

/** Whose rules see the packets, and whose outcomes they are for. */
const JUDGED: readonly (readonly [Judge, ClusterInput["mode"]])[] = [
  ["kernel-nft", "nftables"],
  ["kernel-nft", "iptables"],
  ["kernel-iptables-nft", "iptables"],
  ["kernel-iptables-legacy", "iptables"],
];

describe.skipIf(kernelMissing !== undefined).each(JUDGED)(
  "the kernel and the classifier agree about bytes: %s, %s mode",
  (judge, mode) => {
    let node: OddNode;

    beforeAll(async () => {
      node = await OddNode.open(world(mode), judge);
    });

    afterAll(() => node.close());

    /** Asks both about a packet that rules see as `standing`. */
    async function compare(name: string, family: 4 | 6, standing: Standing, bytes: Uint8Array): Promise<void> {
      const { standing: seen, endpointTreatment } = await node.ask(family, bytes);
      expect({ name, standing: seen, endpointTreatment }).toEqual({
        name,
        standing,
        endpointTreatment: node.say(bytes),
      });
    }

    test.each([...oddPackets4()])("IPv4: %s", (name, standing, bytes) => compare(name, 4, standing, bytes));

    test.each([...oddPackets6()])("IPv6: %s", (name, standing, bytes) => compare(name, 6, standing, bytes));

    test.each([4, 6] as const)("packets of IPv%d in every dress", async (family) => {
      const pick = numbersFrom(family);
      const protocols = [TCP, UDP, SCTP, family === 4 ? ICMP : ICMPV6, UDP_LITE, GRE, DCCP, EXPERIMENT];
      const all = TARGETS[family].flatMap((target) =>
        protocols.flatMap((protocol) => {
          const flow = flowTo(family, target, protocol);
          return dress(flow, pick)
            .filter(
              ({ dress: name, whole, bytes }) => !(name === "first fragment" && whole === "new") && bytes.length > 0,
            )
            .filter((each) => each.protocol !== EXTENSION.authentication || judge !== "kernel-iptables-legacy")
            .map(({ dress: name, whole, bytes }) => ({
              name: `${name} of ${protocol} to ${target.join()}`,
              whole,
              bytes,
            }));
        }),
      );
      // All of them once; other texts of the same rules get every sixteenth.
      const asked = all.filter((_, i) => (judge === "kernel-nft" && mode === "nftables") || i % 16 === 0);
      await Promise.all(asked.map(({ name, whole, bytes }) => compare(name, family, whole, bytes)));
      expect(asked.length).toBeGreaterThan(30);
    });

    test("IPv6: only rules of iptables-legacy look behind an authentication header", async () => {
      const flow = flowTo(6, TARGETS[6][0], TCP);
      const plain = ipv6Packet(flow, transportOf(flow));
      const authenticated = ipv6Packet(flow, transportOf(flow), [authentication(24)]);
      expect(node.say(authenticated)).not.toBe(node.say(plain));
      const wanted = node.say(judge === "kernel-iptables-legacy" ? plain : authenticated);
      expect(await node.ask(6, authenticated)).toEqual({ standing: "new", endpointTreatment: wanted });
    });

    describe.each([4, 6] as const)("fragments of IPv%d", (family) => {
      const halves = (
        protocol: number,
        target: (typeof TARGETS)[4 | 6][number],
        id: number,
      ): [Uint8Array, Uint8Array, Uint8Array] => {
        const flow = flowTo(family, target, protocol);
        const body = transportOf(flow, 40);
        const [start, rest] = [body.subarray(0, 32), body.subarray(32)];
        if (family === 4)
          return [
            ipv4Packet(flow, body),
            ipv4Packet(flow, start, { fragment: 0x2000, identification: id }),
            ipv4Packet(flow, rest, { fragment: 32 / 8, identification: id }),
          ];
        return [
          ipv6Packet(flow, body),
          ipv6Packet(flow, start, [fragment(0, true, id)]),
          ipv6Packet(flow, rest, [fragment(32, false, id)]),
        ];
      };

      test.each([TCP, UDP, SCTP, family === 4 ? ICMP : ICMPV6])(
        "of protocol %d become what the whole packet does",
        async (protocol) => {
          for (const [i, target] of TARGETS[family].entries()) {
            const [whole, first, second] = halves(protocol, target, protocol * 256 + i);
            const endpointTreatment = node.say(whole);
            expect((await node.ask(family, whole)).endpointTreatment).toBe(endpointTreatment);
            expect((await node.ask(family, first)).standing).toBe("fragment");
            // The first one has what decides; the other says nothing.
            expect([node.say(first), node.say(second)]).toEqual([endpointTreatment, "nothing"]);
            expect((await node.ask(family, second, whole)).endpointTreatment).toBe(endpointTreatment);
            const [, again, before] = halves(protocol, target, protocol * 256 + i + 128);
            expect(await node.ask(family, before)).toEqual({ standing: "fragment", endpointTreatment: "nothing" });
            expect((await node.ask(family, again, whole)).endpointTreatment).toBe(endpointTreatment);
          }
        },
      );
    });

    test.each([
      ["from a multicast address", "ff02::1", "fd00:10:96::41"],
      ["from loopback", "::1", "fd00:10:96::41"],
      ["to loopback", "2001:db8:c::5", "::1"],
      ["to a multicast address of scope 0", "2001:db8:c::5", "ff00::1"],
    ])("IPv6: whether a packet can come in %s is not for the classifier to say", async (_, source, destination) => {
      const flow = { ...flowTo(6, TARGETS[6][0], TCP), source: address(source), destination: address(destination) };
      const bytes = ipv6Packet(flow, transportOf(flow));
      expect((await node.ask(6, bytes)).standing).toBe("malformed");
      expect(node.say(bytes)).not.toBe("nothing");
    });

    test("IPv4 options are looked at when the rules have seen the packet", async () => {
      const flow = flowTo(4, TARGETS[4][0], TCP);
      const bytes = ipv4Packet(flow, transportOf(flow), { options: Uint8Array.of(7, 40, 4, 0) }); // longer than they are
      expect(await node.ask(4, bytes)).toEqual({ standing: "new", endpointTreatment: "nothing" });
      expect(node.say(bytes)).toMatch(/^dnat to /);
    });
  },
);
