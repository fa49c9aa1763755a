import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import { isReplayable, presented, printWitness } from "../../../compiler/compare/witness.ts";
import { areSame, distributionOf } from "../../../compiler/evaluate/distribution.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { parsePacket } from "../../../compiler/trace/parse.ts";
import { resolvePacket } from "../../../compiler/trace/resolve.ts";
import { mustCompile } from "../../support/compile.ts";
import { mustReadNft } from "../../support/read.ts";
import { webCluster } from "../../support/tables.ts";

const v4 = mustCompile(webCluster(["10.244.1.7", "10.244.1.8"], { type: "NodePort", sessionAffinity: "ClientIP" }));
const v6 = mustCompile(webCluster(["fd00:10:244::7"], { type: "NodePort" }));
const table = (family: string, ...rules: string[]) =>
  mustReadNft(
    `table ${family} t {\n\tchain c {\n\t\ttype nat hook prerouting priority -100; policy accept;\n\t\t${rules.join("\n\t\t")}\n\t}\n}\n`,
  );

describe("the packet that stands for a region", () => {
  test.each([
    ["other endpoints", v4.program, mustCompile(webCluster(["10.244.1.7"])).program],
    ["no Services, IPv6", v6.program, table("ip6")],
    ["a prefix of interfaces", table("ip"), table("ip", 'iifname "veth*" ip daddr 10.0.0.0/8 dnat to 10.9.9.9')],
    ["a port only", table("ip"), table("ip", "tcp dport 1-99 dnat to :0-0", "udp dport 9 dnat to :99")],
    ["a protocol without ports", table("ip"), table("ip", "ip protocol icmp dnat to 10.9.9.9")],
  ])("fares like all others, and can be sent: %s", (_, left, right) => {
    const { addresses } = v4.node;
    const { regions } = compare(left, right, { addresses });
    expect(regions.length).toBeGreaterThan(0);
    const environment = environmentOf(addresses);
    const evaluators = [new Evaluator(left), new Evaluator(right)] as const;
    for (const region of regions.map((each) => presented(each, addresses))) {
      const { packet } = region;
      const [a, b] = evaluators.map((each) => each.evaluateWhole(packet, environment)[0]);
      expect(a !== undefined && areSame(distributionOf(a), distributionOf(region.left))).toBe(true);
      expect(b !== undefined && areSame(distributionOf(b), distributionOf(region.right))).toBe(true);
      const { saddr, daddr, sport, dport } = region.box;
      expect([packet.source >= saddr.from, packet.source <= saddr.to]).toEqual([true, true]);
      expect([packet.destination >= daddr.from, packet.destination <= daddr.to]).toEqual([true, true]);
      if (sport.to > 0) expect(packet.sourcePort).toBeGreaterThan(0);
      if (dport.to > 0) expect(packet.destinationPort).toBeGreaterThan(0);
    }
  });

  test("is what kpc trace takes, where it is said", () => {
    const { node } = v4;
    const { regions } = compare(v4.program, table("ip"), { addresses: node.addresses });
    const specs = loadSpecs([], () => undefined);
    const replayable = regions
      .map((region) => presented(region, node.addresses))
      .filter((region) => isReplayable(region, node.addresses));
    expect(replayable.length).toBeGreaterThan(0);
    for (const region of replayable) {
      const { packet, trafficKind } = region;
      const inInterface = trafficKind.isAnyInterface ? "other0" : packet.inInterface;
      const fail = ({ message }: { message: string }): never => {
        throw new Error(message);
      };
      const text = parsePacket({ name: "packet", text: printWitness(region) }, fail);
      const resolved = text && resolvePacket(text, { ...v4, specs }, fail);
      expect(resolved?.packet).toEqual({ ...packet, inInterface });
    }
  });
});
