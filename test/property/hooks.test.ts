/** Hooks entered one at a time, by both runners of rules, do what the whole evaluation says; and a reply gets the packet's first addresses back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PLAIN } from "../../compiler/evaluate/chain.ts";
import { turnedRound } from "../../compiler/evaluate/connection.ts";
import { dispositionKey } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { Departure, Outcome, Packet } from "../../compiler/evaluate/packet.ts";
import { both, isPossible } from "../../compiler/evaluate/unknown/condition.ts";
import { CT_STATUS } from "../../compiler/ir/constants.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { cluster } from "../support/arbitraries.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { mustCompile, unfold } from "../support/compile.ts";
import { packetText, tupleText } from "../support/flows.ts";
import { throughHooks } from "../support/hooks.ts";
import { packetsFor } from "../support/packets.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";
import { NODE, nodeWith } from "../support/routes.ts";
import { runs } from "../support/runs.ts";
import { translatingNft } from "../support/translating.ts";

/** The chances of all that an outcome tells. */
function chancesOf({ results }: Outcome): Map<string, number> {
  const chances = new Map<string, number>();
  for (const { disposition, probability, sent } of results) {
    const key = `${dispositionKey(disposition)} ${sent === undefined ? "" : sentText(sent)}`;
    chances.set(key, (chances.get(key) ?? 0) + probability);
  }
  return chances;
}

function sentText({ route, tuple, mark, connection, choices }: Departure): string {
  const to = route.kind === "forward" ? route.interface : route.kind;
  const entry = connection && [
    tupleText(connection.original),
    tupleText(connection.reply),
    connection.status,
    connection.mark,
  ];
  return [to, tupleText(tuple), mark, entry, choices.map(({ text }) => text).join()].join("; ");
}

/** The first outcomes that can be met together and tell different things. */
function differenceOf(left: readonly Outcome[], right: readonly Outcome[]): unknown {
  for (const a of left)
    for (const b of right) {
      if (!isPossible(both(a.condition, b.condition))) continue;
      const [one, other] = [chancesOf(a), chancesOf(b)];
      const isSame = [...new Set([...one.keys(), ...other.keys()])].every(
        (key) => Math.abs((one.get(key) ?? 0) - (other.get(key) ?? 0)) < 1e-9,
      );
      if (!isSame) return { whole: [...one], hooks: [...other] };
    }
  return undefined;
}

/** The answer to a packet, as it comes to the node that has sent that; undefined: nothing will answer, or nobody knows it. */
function answerTo({ protocol, tuple, route, connection }: Departure): Packet | undefined {
  if (connection === undefined || (connection.status & CT_STATUS.confirmed) === 0) return undefined;
  const inInterface = route.kind === "forward" ? route.interface : undefined;
  return { protocol, ...turnedRound(tuple), inInterface, mark: 0, connection };
}

interface Told {
  /** Outcomes of packets, replies that came back. */
  outcomes: number;
  replies: number;
  translated: number;
}

const told: Told = { outcomes: 0, replies: 0, translated: 0 };

function check(program: Program, packets: Iterable<Packet>, environment = NODE): void {
  const evaluator = new Evaluator(program);
  const plain = new Evaluator(program, PLAIN);
  for (const packet of packets) {
    const whole = evaluator.evaluateWhole(packet, environment);
    for (const each of [evaluator, plain]) {
      const hooks = each.outcomesOf(throughHooks(each, packet, environment));
      expect({ packet, difference: differenceOf(whole, hooks) }).toEqual({ packet, difference: undefined });
    }
    told.outcomes += whole.length;
    for (const { sent } of whole.flatMap(({ results }) => results)) {
      const answer = sent && answerTo(sent);
      if (answer !== undefined) checkReply(evaluator, packet, answer, environment);
    }
  }
}

function checkReply(evaluator: Evaluator, packet: Packet, answer: Packet, environment: typeof NODE): void {
  const whole = evaluator.evaluateWhole(answer, environment);
  const hooks = evaluator.outcomesOf(throughHooks(evaluator, answer, environment));
  expect({ answer, difference: differenceOf(whole, hooks) }).toEqual({ answer, difference: undefined });
  for (const { sent } of whole.flatMap(({ results }) => results)) {
    // What rules take out of connection tracking is not translated back.
    if (sent?.connection === undefined || sent.route.kind === "none") continue;
    expect({ packet, answer, reply: tupleText(sent.tuple) }).toEqual({
      packet,
      answer,
      reply: tupleText(turnedRound(packet)),
    });
    told.replies++;
    if (tupleText(turnedRound(packet)) !== tupleText(answer)) told.translated++;
  }
}

const ENDS = ["10.180.0.7", "10.180.0.9", "192.168.0.2", "198.51.100.7", "203.0.113.5"] as const;

/** Packets between all of them that can come by an interface, or that the node sends. */
const PACKETS: readonly Packet[] = ENDS.flatMap((from) =>
  ENDS.filter((to) => to !== from).flatMap((to) => {
    const by = from === "192.168.0.2" ? "own" : from.startsWith("10.") ? "cni0" : "eth0";
    return ["tcp 80", "tcp 443", "udp 53"].map((text) => {
      const [protocol, port] = text.split(" ");
      return packetText(`${by} ${protocol} ${from}:40000 > ${to}:${port}`);
    });
  }),
);

describe("hooks one at a time", () => {
  test("through rules that translate at all hooks", () => {
    const before = { ...told };
    fc.assert(
      fc.property(translatingNft, (text) => check(mustReadNft(text), PACKETS)),
      { numRuns: runs(120) },
    );
    expect(told.translated).toBeGreaterThan(before.translated);
  });

  test("through rules of clusters, in lookups and in rules", () => {
    fc.assert(
      fc.property(cluster, fc.nat({ max: 148 }), (world, start) => {
        const { program, node } = mustCompile(world);
        const environment = nodeWith(node.addresses);
        for (const each of [program, unfold(program)]) check(each, packetsFor(world, start, 149), environment);
      }),
      { numRuns: runs(12) },
    );
  });

  test("through rules that others write", () => {
    fc.assert(
      fc.property(foreignNft, foreignIptables, (nft, iptables) => {
        for (const program of [mustReadNft(nft), mustReadIptables(iptables, "ip")]) check(program, PACKETS);
      }),
      { numRuns: runs(40) },
    );
  });
});
