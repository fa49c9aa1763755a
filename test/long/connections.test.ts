/** Packets that come with a mark, and those of connections that are there: rules of others do to them what was read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome, type Packet } from "../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../compiler/ir/constants.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { buildPacket, type PacketHead, PROTOCOL, readPacket } from "../../runtime/packet.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { foreignNft } from "../support/arbitrary-rules.ts";
import { findDisagreements, openTestNode } from "../support/differential.ts";
import { judgedText } from "../support/judged-texts.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadNft } from "../support/read.ts";

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const ENVIRONMENT = environmentOf(NODE_IPS.map(address));

/** The one outcome that is foreseen; undefined: not enough is known of the packet. */
function predict(program: Program, packet: Packet): Outcome | undefined {
  const [outcome, ...others] = new Evaluator(program).evaluateWhole(packet, ENVIRONMENT);
  return others.length > 0 ? undefined : outcome;
}

const PACKETS = [PROTOCOL.tcp, PROTOCOL.udp].flatMap((protocol) =>
  [53, 80].flatMap((destinationPort) =>
    ["192.168.0.2", "198.51.100.7"].map((destination) => ({
      ...{ protocol, destinationPort, sourcePort: 40000, inInterface: "eth0" },
      source: address("203.0.113.5"),
      destination: address(destination),
    })),
  ),
);

interface Way {
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly by: string;
  /** Where replies come in. */
  readonly back: string;
  readonly status: number;
}

const SETUP = `table ip setup {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip daddr 198.51.100.7 udp dport 80 dnat to 10.180.0.9:53
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr 10.180.0.0/16 ip daddr != 10.180.0.0/16 masquerade
    ip saddr 203.0.113.6 masquerade
  }
}
`;

const { dnat, snat, confirmed } = CT_STATUS;
const WAYS: readonly Way[] = [
  { source: "203.0.113.5", destination: "10.180.0.8", port: 53, by: "eth0", back: "cni0", status: 0 },
  { source: "203.0.113.5", destination: "198.51.100.7", port: 80, by: "eth0", back: "cni0", status: dnat },
  { source: "203.0.113.6", destination: "198.51.100.7", port: 80, by: "eth0", back: "cni0", status: dnat | snat },
  { source: "10.180.0.7", destination: "198.51.100.8", port: 53, by: "cni0", back: "eth0", status: snat },
];

/** A packet of a connection, by the fields that its sender gives it. */
interface Sent {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

async function send(prober: Prober, by: string, ends: Sent): Promise<PacketHead | undefined> {
  const [seen = []] = await prober.sendBytes(by, [buildPacket({ ...ends, protocol: PROTOCOL.udp })]);
  const heads = seen.flatMap(({ packet }) => readPacket(packet) ?? []);
  // The kernel's own chatter aside: an answer to the packet, or itself.
  return heads.find(({ protocol, icmp }) => protocol === PROTOCOL.udp || icmp?.type === 3);
}

function backwards({ source, destination, sourcePort, destinationPort }: Sent): Sent {
  return { source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort };
}

function endsOf({ source, destination, sourcePort, destinationPort }: PacketHead): Sent {
  if (sourcePort === undefined || destinationPort === undefined) throw new Error("a UDP packet has ports");
  return { source, destination, sourcePort, destinationPort };
}

describe.skipIf(kernelMissing !== undefined)("the kernel does what was read from rules of others", () => {
  test("to packets that come with a mark", async () => {
    const prober = await openTestNode();
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(foreignNft, fc.constantFrom(1, 2, 3, 0x4003), async (text, mark) => {
        const program = mustReadNft(text);
        const predictions = PACKETS.flatMap((each) => {
          const packet = { ...each, mark };
          const outcome = predict(program, packet);
          return outcome === undefined ? [] : [{ packet, outcome }];
        });
        asked += predictions.length;
        const first = `table ip marks { chain c { type filter hook prerouting priority -400; meta mark set ${mark}; }; }\n`;
        const rules = judgedText({ kind: "nft", text: `${first}${text}` });
        expect(await findDisagreements(prober, "kernel-nft", rules, predictions)).toEqual([]);
      }),
      { numRuns: 30 },
    );
    expect(asked).toBeGreaterThan(100);
    await prober.close();
  });

  test("to packets of connections that are there", async () => {
    const prober = await openTestNode();
    const kinds = new Set<string>();
    let port = 20000;
    await fc.assert(
      fc.asyncProperty(foreignNft, async (foreign) => {
        // What a connection is marked with depends on packets before.
        const text = foreign.replace(/^.*ct mark set.*\n/gm, "");
        const program = mustReadNft(`${SETUP}${text}`);
        await prober.forget();
        await prober.run("nft -f /dev/stdin", `flush ruleset\n${SETUP}`);
        const ways = WAYS.map((way) => ({
          way,
          there: {
            ...{ source: address(way.source), destination: address(way.destination) },
            ...{ sourcePort: port++, destinationPort: way.port },
          },
        }));
        const established = [];
        for (const { way, there } of ways) {
          const out = await send(prober, way.by, there);
          if (out === undefined) throw new Error(`nothing came of ${JSON.stringify(way)}`);
          const back = backwards(endsOf(out));
          const reply = await send(prober, way.back, back);
          if (reply === undefined) throw new Error(`no reply came through for ${JSON.stringify(way)}`);
          expect(endsOf(reply)).toEqual(backwards(there));
          established.push({ way, there, back, out: endsOf(out) });
        }
        await prober.run("nft -f /dev/stdin", text);
        for (const { way, there, back, out } of established) {
          const common = {
            protocol: PROTOCOL.udp,
            mark: 0,
            ctStatus: way.status | confirmed | CT_STATUS["seen-reply"],
          };
          const to = ({ destination, destinationPort }: Sent) => ({ address: destination, port: destinationPort });
          const packets: [Packet, string][] = [
            [{ ...common, ...there, inInterface: way.by, ctState: "established", sentTo: to(out) }, way.by],
            [{ ...common, ...back, inInterface: way.back, ctState: "reply", sentTo: to(backwards(there)) }, way.back],
          ];
          for (const [packet, by] of packets) {
            const outcome = predict(program, packet);
            if (outcome === undefined) continue;
            const seen = await send(prober, by, packet);
            const observed = seen === undefined ? "drop" : seen.protocol === PROTOCOL.udp ? "on" : "reject";
            const { verdict } = outcome;
            const predicted = verdict === "drop" || verdict === "reject" ? verdict : "on";
            expect({ packet, observed }).toEqual({ packet, observed: predicted });
            kinds.add(`${packet.ctState} ${way.status} ${predicted}`);
          }
        }
      }),
      { numRuns: 40 },
    );
    // Both directions of all ways, let through and dropped.
    expect([...kinds].filter((kind) => kind.endsWith(" on"))).toHaveLength(2 * WAYS.length);
    expect([...kinds].filter((kind) => kind.endsWith(" drop")).length).toBeGreaterThan(WAYS.length);
    await prober.close();
  });
});
