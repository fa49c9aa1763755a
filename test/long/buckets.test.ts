/** Rules that share buckets, or have their own of the same text: what the kernel does is among what is said to be possible. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { type KernelRules, loadRules } from "../../runtime/kernel/rules.ts";
import { buildPacket, PROTOCOL, readPacket } from "../../runtime/packet.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { JUDGES, openTestNode } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

const address = (text: string): Address => parseAddress(text) as Address;
const ENVIRONMENT = environmentOf(NODE_IPS.map(address));

const PACKETS = [53, 80].map(
  (destinationPort): Packet => ({
    ...{ protocol: PROTOCOL.udp, destinationPort, sourcePort: 40000, inInterface: "eth0", mark: 0 },
    source: address("203.0.113.5"),
    destination: address("198.51.100.7"),
  }),
);

const NFT_MATCHES = [
  ...[
    "limit rate 1/minute burst 1 packets",
    'limit name "x"',
    'quota name "q"',
    "quota over 40 bytes",
    "ct count over 1",
  ],
];
const IPTABLES_MATCHES = [
  "-m limit --limit 1/min --limit-burst 1",
  "-m quota --quota 40",
  "-m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-name h",
];

function rulesOf(ports: readonly string[], matches: readonly string[], verdicts: readonly string[]) {
  const rule = fc.tuple(...[ports, matches, verdicts].map((texts) => fc.constantFrom(...texts)));
  return fc.array(rule, { minLength: 2, maxLength: 5 }).map((rules) => rules.map((parts) => parts.join(" ").trim()));
}

const nftText = rulesOf(["", "udp dport 53"], NFT_MATCHES, ["drop", "accept", "counter"]).map(
  (rules) => `table ip t {
  limit x { rate 1/minute burst 1 packets; }
  quota q { over 40 bytes; }
  chain c {
    type filter hook forward priority 0; policy accept;
    ${rules.join("\n    ")}
  }
}
`,
);
const iptablesText = rulesOf(["", "-p udp --dport 53"], IPTABLES_MATCHES, ["-j DROP", "-j ACCEPT", ""]).map((rules) =>
  ["*filter", ":FORWARD ACCEPT [0:0]", ...rules.map((rule) => `-A FORWARD ${rule}`), "COMMIT", ""].join("\n"),
);

async function isDropped(prober: Prober, { inInterface = "", ...packet }: Packet): Promise<boolean> {
  const [seen = []] = await prober.sendBytes(inInterface, [buildPacket({ ...packet, protocol: PROTOCOL.udp })]);
  return !seen.some(({ packet: bytes }) => readPacket(bytes)?.protocol === PROTOCOL.udp);
}

/** How many of the packets were dropped. */
async function follow(prober: Prober, rules: KernelRules, program: Program): Promise<number> {
  await loadRules(prober, rules);
  const evaluator = new Evaluator(program);
  let dropped = 0;
  for (const packet of [...PACKETS, ...PACKETS, ...PACKETS]) {
    const said = evaluator.evaluateWhole(packet, ENVIRONMENT).map(({ verdict }) => verdict === "drop");
    const seen = await isDropped(prober, packet);
    expect({ rules, said }).toEqual({ rules, said: expect.arrayContaining([seen]) });
    if (seen) dropped++;
  }
  return dropped;
}

describe.skipIf(kernelMissing !== undefined)("the kernel's buckets", () => {
  test.each(JUDGES)("%s", async (judge) => {
    const prober = await openTestNode();
    const isNft = judge === "kernel-nft";
    const backend = judge === "kernel-iptables-nft" ? "nft" : "legacy";
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(isNft ? nftText : iptablesText, async (text) => {
        const rules: KernelRules = isNft ? { kind: "nft", text } : { kind: "iptables", backend, ip: text, ip6: "" };
        dropped += await follow(prober, rules, isNft ? mustReadNft(text) : mustReadIptables(text, "ip"));
      }),
      { numRuns: 20 },
    );
    expect(dropped).toBeGreaterThan(10);
    await prober.close();
  });
});
