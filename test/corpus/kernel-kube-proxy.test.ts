import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { parseAddress, printAddress } from "../../compiler/net/address.ts";
import type { Mode } from "../../compiler/node/settings.ts";
import { type JudgedOutcome, type JudgedPacket, judge } from "../../runtime/kernel/judge.ts";
import { describeObservation } from "../../runtime/kernel/observe.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { type KernelWorld, openNode } from "../../runtime/kernel/world.ts";
import { printIptables, printNft, toConfig } from "../support/compile.ts";
import { judgedText } from "../support/judged-texts.ts";
import { kernelMissing } from "../support/kernel.ts";
import { completeIptables, KUBE_PROXY, SETTINGS, sortNft } from "../support/kube-proxy.ts";

const WORLD: KernelWorld = { interfaces: ["eth0", "cni0"], addresses: SETTINGS.nodeIPs.map(address) };

function address(text: string): ReturnType<typeof parseAddress> & (number | bigint) {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const SENDERS = [
  ["10.0.0.2", "cni0"],
  ["10.180.0.3", "cni0"], // an endpoint
  ["10.180.0.5", "cni0"],
  ["203.0.113.2", "eth0"],
  ["203.0.113.130", "eth0"], // outside the source range
  ["5.6.7.8", "eth0"],
  ["192.168.1.2", undefined], // not the address that masquerading takes: it shows
] as const;

const DESTINATIONS = [
  ...[41, 42, 43, 44, 45, 46, 47].map((last) => `172.30.0.${last}`),
  ...["1.2.3.4", "5.6.7.8", "192.168.99.22", "192.168.99.33", "192.168.0.2", "192.168.1.2", "10.180.0.3", "8.8.8.8"],
];

const PORTS = [80, 81, 443, 3001, 3002, 3003, 30000];

/** Every sender to every address and port, TCP and UDP. No Service has more than two endpoints. */
function* questions(): Generator<JudgedPacket> {
  for (const [from, inInterface] of [...SENDERS, ["127.0.0.1", undefined] as const]) {
    for (const to of from === "127.0.0.1" ? ["127.0.0.1"] : DESTINATIONS) {
      for (const destinationPort of PORTS) {
        for (const protocol of [6, 17]) {
          const [source, destination] = [address(from), address(to)];
          const packet = { protocol, source, destination, sourcePort: 40000, destinationPort, inInterface, mark: 0 };
          yield { packet, choices: 2 };
        }
      }
    }
  }
}

/** What becomes of each packet under `rules`. */
async function fates(rules: KernelRules): Promise<Map<string, string>> {
  const prober = await openNode(WORLD);
  const asked = [...questions()];
  const judged = await judge(prober, judgedText(rules), asked);
  await prober.close();
  return new Map(
    asked.map(({ packet }, i) => {
      const { observations, accepted } = judged[i] as JudgedOutcome;
      const name = `${packet.protocol === 6 ? "tcp" : "udp"} ${printAddress(packet.source)} (${packet.inInterface ?? "here"}) > ${printAddress(packet.destination)}:${packet.destinationPort}`;
      return [name, `${observations.map(describeObservation).join(", or ")}${accepted ? " (accepted)" : ""}`];
    }),
  );
}

describe.skipIf(kernelMissing !== undefined || KUBE_PROXY === undefined)(
  "packets meet the fate that kube-proxy's own rules give them",
  () => {
    function ours(mode: Mode): NonNullable<ReturnType<typeof compile>["compiled"]>["program"] {
      const { compiled } = compile([KUBE_PROXY?.spec as { name: string; text: string }], {
        ...toConfig(SETTINGS),
        mode,
      });
      if (compiled === undefined) throw new Error("the specification does not compile");
      return compiled.program;
    }

    test("nftables mode", { timeout: 60_000 }, async () => {
      const [theirs, mine] = await Promise.all([
        fates({ kind: "nft", text: sortNft(KUBE_PROXY?.nft.text ?? "") }),
        fates({ kind: "nft", text: printNft(ours("nftables")) }),
      ]);
      expect(mine).toEqual(theirs);
    });

    test("iptables mode, by our iptables text and our nft text", { timeout: 60_000 }, async () => {
      const program = ours("iptables");
      const theirs = { kind: "iptables", ip: completeIptables(KUBE_PROXY?.iptables.text ?? ""), ip6: "" } as const;
      const mine = { kind: "iptables", ip: printIptables(program, "ip"), ip6: "" } as const;
      const [wanted, ...found] = await Promise.all([
        fates({ ...theirs, backend: "legacy" }),
        fates({ ...mine, backend: "legacy" }),
        fates({ ...mine, backend: "nft" }),
        fates({ kind: "nft", text: printNft(program) }),
      ]);
      for (const each of found) expect(each).toEqual(wanted);
    });
  },
);
