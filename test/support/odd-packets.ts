/** The kernel and the classifier, asked about the same bytes: packets that no program would send. */
import { parseAddress, printAddressPort } from "../../compiler/net/address.ts";
import { createClassifier } from "../../runtime/classifier/inline.ts";
import type { Prober, Sighting } from "../../runtime/kernel/prober.ts";
import { loadRules } from "../../runtime/kernel/rules.ts";
import { openNode } from "../../runtime/kernel/world.ts";
import { readAddress } from "../../runtime/packet.ts";
import { type ClusterInput, NODE_IPS } from "./arbitraries.ts";
import { mustCompile } from "./compile.ts";
import { type Judge, rulesFor } from "./differential.ts";
import type { Standing } from "./dressing.ts";
import { mustPrintTable } from "./tables.ts";

/** What is seen of a packet: `passes`, `dnat to ENDPOINT`, `reject with REASON`, `nothing`. */
export type Fate = string;

/** How far a packet got into the kernel, and what becomes of it. */
export interface Asked {
  readonly standing: Standing;
  readonly endpointTreatment: Fate;
}

/** Counts packets before connection tracking gathers fragments, behind it by what it makes of them, and those that have come
 *  through all rules to the node itself. */
const COUNTERS = `
table inet odd {
	counter arrived { }
	counter new { }
	counter invalid { }
	counter untracked { }
	counter delivered { }
	chain before { type filter hook prerouting priority -450; counter name arrived; }
	chain behind {
		type filter hook prerouting priority -150;
		ct state new counter name new
		ct state invalid counter name invalid
		ct state untracked counter name untracked
	}
	chain delivered { type filter hook input priority 400; counter name delivered; }
}
`;

/** A node with the rules of a cluster. Close it. */
export class OddNode {
  private readonly prober: Prober;
  private readonly classifier: Awaited<ReturnType<typeof createClassifier>>;

  private constructor(prober: Prober, classifier: Awaited<ReturnType<typeof createClassifier>>) {
    this.prober = prober;
    this.classifier = classifier;
  }

  /** `judge` names the text that its rules are loaded from. */
  static async open(cluster: ClusterInput, judge: Judge): Promise<OddNode> {
    const addresses = NODE_IPS.map((text) => parseAddress(text)).filter((address) => address !== undefined);
    // Where bytes come in as IPv4 or IPv6 packets even if their first ones say something else.
    const typed = { "in-4": 0x0800, "in-6": 0x86dd };
    const prober = await openNode({ interfaces: ["eth0"], typed, addresses });
    await loadRules(prober, rulesFor(judge, mustCompile(cluster).program));
    await prober.run("nft -f /dev/stdin", COUNTERS);
    await prober.run(PATIENCE);
    return new OddNode(prober, await createClassifier(mustPrintTable(cluster)));
  }

  close(): Promise<void> {
    return this.prober.close();
  }

  /** What the kernel does with a packet; `whole` is what it is a fragment of. Several questions may be asked at a time: they are
   *  answered in their order. */
  async ask(family: 4 | 6, packet: Uint8Array, whole: Uint8Array = packet): Promise<Asked> {
    const [, [sightings = []], after] = await Promise.all([
      this.prober.forget(),
      this.prober.sendBytes(`in-${family}`, [packet]),
      this.prober.run(RESET),
    ]);
    const counts = new Map(
      [...after.matchAll(/counter (\w+) \{\s*packets (\d+)/g)].map(([, name = "", count]): [string, number] => [
        name,
        Number(count),
      ]),
    );
    const isDelivered = (counts.get("delivered") ?? 0) > 0;
    return {
      standing: standingOf(counts),
      endpointTreatment: isDelivered ? "passes" : endpointTreatmentOf(whole, sightings),
    };
  }

  /** The fate of a packet by the classifier. */
  say(packet: Uint8Array): Fate {
    const { verdict, rejectWith, endpoint, masquerade } = this.classifier.classify(packet, { inInterface: "in-4" });
    switch (verdict) {
      case "dnat": {
        const address = parseAddress(endpoint?.address ?? "");
        if (address === undefined || endpoint === undefined) throw new Error("a translated packet has an endpoint");
        const source = masquerade ? " masqueraded" : "";
        return `dnat to ${printAddressPort(address, endpoint.port)}${source}`;
      }
      case "reject":
        return `reject with ${rejectWith}`;
      case "pass":
      case "accept":
        return "passes";
      case "drop":
      case "malformed":
      case "fragment":
        return "nothing";
      case "unseen":
        throw new Error("the whole packet was given");
    }
  }
}

/** Fragments wait for others longer than any test takes: their time-outs would send errors in the midst of something else. */
const PATIENCE = "echo 3600 | tee /proc/sys/net/ipv4/ipfrag_time /proc/sys/net/netfilter/nf_conntrack_frag6_timeout";

const RESET = "nft reset counters table inet odd";

function standingOf(counts: ReadonlyMap<string, number>): Standing {
  const seen = (["new", "invalid", "untracked"] as const).filter((name) => (counts.get(name) ?? 0) > 0);
  if (seen[0] !== undefined && seen.length === 1) return seen[0];
  if (seen.length > 1) throw new Error(`counted as ${seen.join(" and ")}`);
  return (counts.get("arrived") ?? 0) > 0 ? "fragment" : "malformed";
}

/** What came out of the packet `sent`. */
function endpointTreatmentOf(sent: Uint8Array, sightings: readonly Sighting[]): Fate {
  const wanted = headOf(sent);
  const heads = sightings.map(({ kind, packet }) => ({ kind, ...headOf(packet) })).filter((head) => !isChatter(head));
  const forward = heads.find(({ kind, destination }) => kind === "local" || destination !== wanted.source);
  if (forward !== undefined) {
    const { source, destination, destinationPort } = forward;
    if (destination === wanted.destination && destinationPort === wanted.destinationPort) return "passes";
    const masqueraded = source === wanted.source ? "" : " masqueraded";
    return `dnat to ${printAddressPort(destination, destinationPort)}${masqueraded}`;
  }
  for (const { protocol, body } of heads) {
    if (protocol === 6 && ((body[13] ?? 0) & 4) !== 0) return "reject with tcp-reset";
    const reason = REASONS.get(`${protocol} ${body[0]}/${body[1]}`);
    if (reason !== undefined) return reason;
  }
  return "nothing";
}

/** What errors say. The node itself refuses protocols that it does not know: such a packet has got through. */
const REASONS: ReadonlyMap<string, Fate> = new Map([
  ["1 3/3", "reject with port-unreachable"],
  ["58 1/4", "reject with port-unreachable"],
  ["1 3/2", "passes"],
  ["58 4/1", "passes"],
]);

interface Head {
  readonly protocol: number;
  readonly source: ReturnType<typeof readAddress>;
  readonly destination: ReturnType<typeof readAddress>;
  readonly destinationPort: number;
  readonly body: Uint8Array;
}

/** The kernel's own messages to neighbours. */
function isChatter({ destination }: Head): boolean {
  return typeof destination === "bigint" && destination >> 120n === 0xffn;
}

function headOf(bytes: Uint8Array): Head {
  const isV6 = bytes.length >= 40 && (bytes[0] as number) >> 4 === 6;
  const [high = 0, low = 0] = bytes.subarray(isV6 ? 4 : 2);
  const packet = bytes.subarray(0, (isV6 ? 40 : 0) + (high << 8) + low);
  let [at, protocol] = isV6 ? [40, packet[6] ?? 0] : [((packet[0] ?? 0) & 15) * 4, packet[9] ?? 0];
  while (isV6 && EXTENSIONS.has(protocol) && at + 2 <= packet.length) {
    const next = packet[at] as number;
    const length = packet[at + 1] as number;
    at += protocol === 44 ? 8 : protocol === 51 ? (length + 2) * 4 : (length + 1) * 8;
    protocol = next;
  }
  const body = packet.subarray(at);
  const hasPorts = PORTED.has(protocol) && body.length >= 4;
  return {
    protocol,
    source: addressIn(packet, isV6 ? 8 : 12, isV6),
    destination: addressIn(packet, isV6 ? 24 : 16, isV6),
    destinationPort: hasPorts ? ((body[2] as number) << 8) | (body[3] as number) : 0,
    body,
  };
}

function addressIn(packet: Uint8Array, at: number, isV6: boolean): Head["source"] {
  const length = isV6 ? 16 : 4;
  return readAddress(packet.length < at + length ? new Uint8Array(length) : packet.subarray(at), 0, length);
}

const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60]);
const PORTED: ReadonlySet<number> = new Set([6, 17, 132]);
