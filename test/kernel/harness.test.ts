/** What holds predictions against the kernel: texts in every form are loaded, and what cannot be seen of a packet is no error. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import { required } from "../../compiler/invariant.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { clearRules, type KernelBackend, type KernelRules } from "../../runtime/kernel/rules.ts";
import { NODE_IPS } from "../support/arbitraries.ts";
import { openTestNode } from "../support/differential.ts";
import { kernelMissing } from "../support/kernel.ts";
import { findMisjudged, foretell, type Misjudged, type Site } from "../support/kernel-words.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

const SITE: Site = { environment: environmentOf(NODE_IPS.map(address)), outer: "eth0" };

const PACKETS = ["198.51.100.7", "198.51.100.8"].map(
  (destination): Packet => ({
    protocol: 17,
    source: address("203.0.113.5"),
    destination: address(destination),
    sourcePort: 40000,
    destinationPort: 53,
    inInterface: "cni0",
    mark: 0,
  }),
);

const table = (name: string, ...rules: string[]): string => [`*${name}`, ...rules, "COMMIT", ""].join("\n");

const DROP = table("filter", "-A FORWARD -p udp -j DROP");

/** Each is foretold rightly, and looks like something else to who sees packets only. */
const TEXTS = {
  "rules with counters, and no policy that drops": table("filter", "[12:34] -A FORWARD -p udp -j DROP"),
  "a policy": table("filter", ":FORWARD DROP [0:0]"),
  "a new source that is the old one": table(
    "nat",
    "-A POSTROUTING -d 198.51.100.7 -j SNAT --to-source 203.0.113.5",
    "-A POSTROUTING -d 198.51.100.8 -j SNAT --to-source 203.0.113.77",
  ),
  "one of several destinations": table("nat", "-A PREROUTING -p udp -j DNAT --to-destination 10.180.0.5-10.180.0.8"),
  "an address of the node": table("nat", "-A PREROUTING -p udp -j REDIRECT --to-ports 5353"),
} as const;

describe.skipIf(kernelMissing !== undefined)("predictions before the kernel", () => {
  let prober: Prober;
  beforeAll(async () => {
    prober = await openTestNode();
    await prober.run(`ip addr add ${NODE_IPS[0]} dev cni0`); // a packet is redirected to an address of the interface it came by
  });
  afterAll(() => prober?.close());

  /** What the kernel does under `loaded` otherwise than is foretold of `read`. */
  async function misjudged(read: string, loaded: string, backend: KernelBackend): Promise<Misjudged[]> {
    const program = mustReadIptables(read, "ip");
    const rules: KernelRules = { kind: "iptables", backend, ip: loaded, ip6: "" };
    const foretold = PACKETS.flatMap((packet) => foretell(program, packet, SITE) ?? []);
    expect(foretold).toHaveLength(PACKETS.length);
    const found = await findMisjudged(prober, rules, foretold);
    await clearRules(prober, rules);
    return found;
  }

  const cases = Object.entries(TEXTS).flatMap(([name, text]) =>
    (["nft", "legacy"] as const).map((backend) => ({ name, text, backend })),
  );

  test.each(cases)("$name, $backend: as foretold", async ({ text, backend }) => {
    expect(await misjudged(text, text, backend)).toEqual([]);
  });

  test.each(cases)("$name, $backend: not as is foretold of other rules", async ({ text, backend }) => {
    const other = text.includes("DROP") ? "" : DROP;
    expect(await misjudged(text, other, backend)).toHaveLength(PACKETS.length);
    if (text.includes("DNAT")) {
      const elsewhere = text.replace("10.180.0.5-10.180.0.8", "10.180.0.9");
      expect(await misjudged(text, elsewhere, backend)).toHaveLength(PACKETS.length);
    }
    if (text.includes("REDIRECT")) {
      const elsewhere = text.replace("REDIRECT --to-ports 5353", "DNAT --to-destination 10.180.0.9:5353");
      expect(await misjudged(text, elsewhere, backend)).toHaveLength(PACKETS.length);
    }
  });

  test.each([
    ["ip", "203.0.113.5", "198.51.100.7", NODE_IPS.slice(0, 2)],
    ["ip6", "2001:db8:77::9", "2001:db8:55::7", NODE_IPS.slice(2)],
  ])("packets of %s are redirected to the node's first address, not to another", async (family, source, to, own) => {
    const [udp] = PACKETS as [Packet];
    const packet: Packet = { ...udp, source: address(source), destination: address(to), inInterface: "eth0" };
    const verdicts: string[] = [];
    for (const dropped of own) {
      const text = `table ${family} t {
        chain p { type nat hook prerouting priority -100; udp dport 53 redirect to :5353; }
        chain i { type filter hook input priority 0; ${family} daddr ${dropped} drop; }
      }
      `;
      const foretold = required(foretell(mustReadNft(text), packet, SITE), "nothing is unknown");
      verdicts.push(foretold.outcome.verdict);
      const rules: KernelRules = { kind: "nft", text };
      expect(await findMisjudged(prober, rules, [foretold])).toEqual([]);
      await clearRules(prober, rules);
    }
    expect(verdicts).toEqual(["drop", "dnat"]);
  });
});
