/** What leaves a node, its connection's entry, the reply and the next packet: as the kernel sends and keeps them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ConnectionEntry, type Tuple, turnedRound } from "../../compiler/evaluate/connection.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { Departure, Packet } from "../../compiler/evaluate/packet.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { buildPacket, PROTOCOL, readPacket } from "../../runtime/packet.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { openTestNode } from "../support/differential.ts";
import { packetText, tupleText } from "../support/flows.ts";
import { kernelMissing } from "../support/kernel.ts";
import { icmpError } from "../support/raw-packets.ts";
import { mustReadNft } from "../support/read.ts";
import { nodeWith, ROUTES_SCRIPT } from "../support/routes.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { translatingNft } from "../support/translating.ts";

const ENVIRONMENT = nodeWith(NODE_IPS.map((text) => parseAddress(text) as Address));

const FLOWS = [
  "cni0 udp 10.180.0.7:0 > 203.0.113.5:53",
  "cni0 udp 10.180.0.7:0 > 198.51.100.7:80",
  "cni0 udp 10.180.0.7:0 > 10.180.0.9:80",
  "cni0 udp 10.180.0.7:0 > 192.168.0.2:53",
  "eth0 udp 203.0.113.5:0 > 10.180.0.9:53",
  "eth0 udp 203.0.113.5:0 > 198.51.100.7:80",
  "eth0 udp 203.0.113.5:0 > 192.168.0.2:53",
  "own udp 192.168.0.2:0 > 203.0.113.5:53",
  "own udp 192.168.0.2:0 > 10.180.0.9:80",
  "own udp 192.168.0.2:0 > 192.168.1.2:53",
] as const;

/** What leaves, or is delivered: where, and as what. */
const NOTHING = "nothing";

/** The one thing that can become of a packet; undefined: there are several, or the kernel chooses. */
function predict(
  evaluator: Evaluator,
  packet: Packet,
): { readonly text: string; readonly sent?: Departure } | undefined {
  const [outcome, ...others] = evaluator.evaluateWhole(packet, ENVIRONMENT);
  const [result, ...more] = outcome?.results ?? [];
  if (result === undefined || others.length + more.length > 0) return undefined;
  const { sent } = result;
  if (sent === undefined) return { text: NOTHING };
  if (sent.choices.length > 0) return undefined;
  return { text: `${sent.route.kind === "local" ? "local" : "out"} ${tupleText(sent.tuple)}`, sent };
}

async function send(
  prober: Prober,
  { inInterface, protocol, ...tuple }: Packet,
  bytes = buildPacket({ protocol, ...tuple }),
): Promise<string> {
  const [seen = []] = await prober.sendBytes(inInterface ?? "local", [bytes]);
  for (const { kind, packet } of seen) {
    const head = readPacket(packet);
    if (head?.protocol === protocol && head.sourcePort !== undefined && head.destinationPort !== undefined)
      return `${kind} ${tupleText({ ...head, sourcePort: head.sourcePort, destinationPort: head.destinationPort })}`;
  }
  return NOTHING;
}

/** The entry of the connection whose first packet had this tuple, as the kernel lists it. */
async function entryOf(prober: Prober, original: Tuple, isMarked: boolean): Promise<string | undefined> {
  const listing = await prober.run("cat /proc/net/nf_conntrack");
  const entries = listing.split("\n").map((line) => {
    const tuples = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)].map(
      ([, source, destination, sport, dport]) => `${source}:${sport} > ${destination}:${dport}`,
    );
    return isMarked ? [...tuples, / mark=(\d+)/.exec(line)?.[1]] : tuples;
  });
  return entries.find(([first]) => first === tupleText(original))?.join(" | ");
}

function entryText({ original, reply, mark }: ConnectionEntry, isMarked: boolean): string {
  return [tupleText(original), tupleText(reply), ...(isMarked ? [mark] : [])].join(" | ");
}

/** What becomes of an error that a router sends about a packet that has left the node. */
async function checkError(
  prober: Prober,
  evaluator: Evaluator,
  { route, tuple, protocol, connection }: Departure,
  told: { errors: number },
): Promise<void> {
  if (route.kind !== "forward" || connection === undefined) return;
  const ends = {
    protocol: PROTOCOL.icmp,
    source: parseAddress(route.interface === "cni0" ? "10.180.0.99" : "203.0.113.99") as Address,
    destination: tuple.source,
  };
  const packet: Packet = {
    ...ends,
    ...{ sourcePort: 0, destinationPort: 0, inInterface: route.interface, mark: 0 },
    ...{ ctState: "related-reply", connection },
  };
  const error = predict(evaluator, packet);
  // Programs of the node are not told of errors.
  if (error === undefined || error.text.startsWith("local")) return;
  const about = buildPacket({ protocol, ...tuple });
  const seen = await send(prober, packet, icmpError(ends, about));
  expect({ packet, seen }).toEqual({ packet, seen: error.text });
  if (error.text !== NOTHING) told.errors++;
}

describe.skipIf(kernelMissing !== undefined)("the kernel does at hooks what is said", () => {
  test("to first packets, replies and next packets of connections", async () => {
    const prober = await openTestNode();
    await prober.run("sh", ROUTES_SCRIPT);
    const told = { sent: 0, translated: 0, replies: 0, errors: 0 };
    let port = 20000;
    await fc.assert(
      fc.asyncProperty(translatingNft, async (text) => {
        const evaluator = new Evaluator(mustReadNft(text));
        await prober.run("nft -f /dev/stdin", `flush ruleset\n${text}`);
        for (const flow of FLOWS) {
          const packet: Packet = { ...packetText(flow), sourcePort: port++ };
          const first = predict(evaluator, packet);
          if (first === undefined) continue;
          await prober.forget(); // two connections that get one tuple are in each other's way
          expect({ packet, seen: await send(prober, packet) }).toEqual({ packet, seen: first.text });
          const { sent } = first;
          if (sent?.connection === undefined) continue;
          told.sent++;
          // A node without a program at the port answers with an ICMP error, by which rules may mark the connection.
          const isMarked = sent.route.kind === "forward";
          const entry = entryText(sent.connection, isMarked);
          expect({ packet, entry: await entryOf(prober, packet, isMarked) }).toEqual({ packet, entry });
          if (tupleText(sent.tuple) !== tupleText(packet)) told.translated++;
          const inInterface = sent.route.kind === "forward" ? sent.route.interface : undefined;
          const answer: Packet = {
            ...{ protocol: packet.protocol, inInterface, mark: 0, connection: sent.connection },
            ...turnedRound(sent.tuple),
          };
          await checkError(prober, evaluator, sent, told);
          const reply = predict(evaluator, answer);
          if (reply === undefined) continue;
          expect({ answer, seen: await send(prober, answer) }).toEqual({ answer, seen: reply.text });
          if (reply.sent?.connection === undefined) continue;
          told.replies++;
          const next: Packet = { ...packet, connection: reply.sent.connection };
          const again = predict(evaluator, next);
          if (again !== undefined) expect({ next, seen: await send(prober, next) }).toEqual({ next, seen: again.text });
        }
      }),
      { numRuns: EVERYTHING ? 80 : 7 },
    );
    expect(Math.min(...Object.values(told))).toBeGreaterThan(runs(30));
    await prober.close();
  });
});
