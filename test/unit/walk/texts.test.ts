/** Walks are the same by the rules of both modes, and by the texts of them in both languages, read back. */
import { describe, expect, test } from "vitest";
import type { Described } from "../../../compiler/described.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import type { Program, Table } from "../../../compiler/ir/types.ts";
import type { Host } from "../../../compiler/network/network.ts";
import { PacketWalker } from "../../../compiler/walk/walk.ts";
import { printIptables, printNft } from "../../support/compile.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";
import { some } from "../../support/runs.ts";
import { type ClusterKind, describeShop, endsOf, flowOf } from "../../support/walks.ts";

const FLOWS = [
  "pod/shop/client > 127.0.0.1:9000",
  "pod/shop/client > 10.244.1.11:8080",
  "pod/shop/client > [fd00:244:0:2::10]:8080",
  "pod/shop/client > 10.96.0.30:80",
  "pod/shop/client > [fd00:96::30]:80",
  "pod/shop/web-1 > 10.96.0.30:80",
  "pod/shop/web-1 > [fd00:96::30]:80",
  "pod/shop/client > 10.96.0.31:80",
  "pod/shop/client > 198.51.100.10:443",
  "udp pod/shop/client > 10.244.2.10:5353",
  "icmp pod/shop/client > 10.244.2.10",
  "outside/client > 192.168.50.11:30123",
  "outside/client > 198.51.100.1:8080",
  "outside/client > 198.51.100.40:80",
  "outside/client > 198.51.100.41:80",
  "node/n1 > 10.96.0.30:80",
  "node/n1 > 192.168.50.12:30123",
];

/** A port that a Service does not have: kube-proxy rejects it in nftables mode only. */
const NO_PORT = "udp pod/shop/client > 10.96.0.30:80";
const NO_PORT_ENDS = { nftables: ["1 rejected on node/n1"], iptables: ["1 no-route on gateway"] } as const;

/** kpc's own tables as text, and read again. */
const TEXTS: Readonly<Record<string, (program: Program) => readonly Table[]>> = {
  nft: (program) => mustReadNft(printNft(program)).ruleset.tables,
  "iptables-save": (program) => [
    ...mustReadIptables(printIptables(program, "ip"), "ip").ruleset.tables,
    ...mustReadIptables(printIptables(program, "ip6"), "ip6").ruleset.tables,
  ],
};

/** A walker by what the texts of the nodes' rules say. */
function walkerByText({ layout, programOf }: Described, read: (program: Program) => readonly Table[]): PacketWalker {
  const evaluators = new Map<string, Evaluator | undefined>();
  const make = (host: Host): Evaluator | undefined => {
    const program = programOf(host);
    if (program === undefined) return undefined;
    const isOwn = ({ name }: Table): boolean => host.role.kind === "node" && name === "kpc";
    const own = program.ruleset.tables.filter(isOwn);
    const others = program.ruleset.tables.filter((table) => !isOwn(table));
    const again = own.length === 0 ? [] : read({ ruleset: { tables: own }, routes: [] });
    return new Evaluator({ ruleset: { tables: [...again, ...others] }, routes: program.routes });
  };
  return new PacketWalker(layout.network, (host) => {
    if (!evaluators.has(host.name)) evaluators.set(host.name, make(host));
    return evaluators.get(host.name);
  });
}

describe.each(some(["bridge", "routed"] as const, 1))("%s", (pods) => {
  const expected = describeShop({ pods }).walker;

  describe.each(["nftables", "iptables"] as const)("%s mode", (mode: NonNullable<ClusterKind["mode"]>) => {
    const described = describeShop({ pods, mode });

    test.each(Object.entries(TEXTS))("%s", (_, read) => {
      const walker = walkerByText(described, read);
      for (const flow of FLOWS)
        expect([flow, ...endsOf(walker.walk(flowOf(flow)))]).toEqual([flow, ...endsOf(expected.walk(flowOf(flow)))]);
      expect(endsOf(walker.walk(flowOf(NO_PORT)))).toEqual(NO_PORT_ENDS[mode]);
    });
  });
});
