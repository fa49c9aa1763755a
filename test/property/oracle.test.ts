import fc from "fast-check";
import { expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome, type Packet } from "../../compiler/evaluate/packet.ts";
import { printAddress, printAddressPort } from "../../compiler/net/address.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS } from "../../compiler/net/protocol.ts";
import { cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import { type OraclePacket, type OraclePrediction, predict } from "../support/oracle/oracle.ts";
import { packetsAtServices, packetsFor } from "../support/packets.ts";
import { runs } from "../support/runs.ts";

/** What the compiler's program does, in the oracle's words. */
function toPrediction(outcomes: readonly Outcome[]): OraclePrediction {
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1) throw new Error("one outcome is expected");
  const named = outcome.endpoints.map(({ address, port, masquerade }) => ({
    name: printAddressPort(address, port),
    masquerade,
  }));
  const leaves = outcome.results.some(
    ({ disposition }) => disposition.kind === "pass" && disposition.source.kind !== "kept",
  );
  return {
    verdict: outcome.verdict === "mixed" ? "dnat" : outcome.verdict,
    endpoints: named.map(({ name }) => name).sort(),
    masquerade: named
      .filter(({ masquerade }) => masquerade)
      .map(({ name }) => name)
      .sort(),
    ...(leaves ? { leaves } : {}),
    ...(outcome.sticky === undefined ? {} : { stickySeconds: outcome.sticky.timeoutSeconds }),
  };
}

function toOraclePacket(packet: Packet): OraclePacket {
  const protocol = PROTOCOLS.find((name) => PROTOCOL_NUMBERS[name] === packet.protocol);
  if (protocol === undefined) throw new Error("packets are TCP, UDP or SCTP");
  return {
    protocol,
    from: printAddress(packet.source),
    to: printAddress(packet.destination),
    sourcePort: packet.sourcePort,
    port: packet.destinationPort,
    inInterface: packet.inInterface,
  };
}

test("every packet meets the fate that an independent reading of the rules predicts", () => {
  fc.assert(
    fc.property(cluster, fc.nat({ max: 16 }), (world, start) => {
      const { program, node } = mustCompile(world);
      const evaluator = new Evaluator(program);
      const environment = environmentOf(node.addresses);
      for (const packet of [...packetsAtServices(world, start, 7), ...packetsFor(world, start, 170)]) {
        if (packet.destinationPort === 0) continue; // a ping: the oracle knows Service protocols only
        const asked = toOraclePacket(packet);
        const { lost: _, ...wanted } = predict(world.objects, world.proxy, world.mode, asked);
        expect({ ...asked, ...toPrediction(evaluator.evaluateWhole(packet, environment)) }).toEqual({
          ...asked,
          ...wanted,
        });
      }
    }),
    { numRuns: runs(80) },
  );
});
