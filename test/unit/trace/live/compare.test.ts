import { describe, expect, test } from "vitest";
import { Evaluator, knownOutcomes } from "../../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../../compiler/evaluate/packet.ts";
import { parseAddress, printAddressPort } from "../../../../compiler/net/address.ts";
import { compareLive, type LiveComparison } from "../../../../compiler/trace/live/compare.ts";
import { readHostRules } from "../../../../compiler/trace/live/host-rules.ts";
import { readTraceLine } from "../../../../compiler/trace/live/monitor.ts";

/** As `nft -a list ruleset` prints it. */
const LISTING = `table ip t { # handle 1
	map m { # handle 1
		type ipv4_addr . inet_service : verdict
		elements = { 10.96.0.10 . 80 : goto svc }
	}

	chain svc { # handle 2
		counter packets 0 bytes 0 # handle 6
		meta l4proto tcp dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.7 } # handle 8
	}

	chain out { # handle 3
		type nat hook output priority dstnat; policy accept;
		ip daddr 10.9.9.9 drop # handle 9
		ip daddr . tcp dport vmap @m # handle 10
	}

	chain f { # handle 4
		type filter hook output priority filter; policy drop;
		ip daddr 10.0.0.7 accept # handle 12
	}
}
`;

const HEAD = "ip dscp cs0 ip ecn not-ect ip ttl 64 ip id 1 ip protocol tcp ip length 60";
const packetLine = (chain: string, to: string): string =>
  `trace id 3f ip t ${chain} packet: oif "v0" ip saddr 10.0.0.1 ip daddr ${to} ${HEAD} tcp sport 40716 tcp dport 80 tcp flags == syn tcp window 64240 `;
const SERVICE = [
  packetLine("out", "10.96.0.10"),
  "trace id 3f ip t out rule ip daddr . tcp dport vmap @m # handle 10 (verdict goto svc)",
  "trace id 3f ip t svc rule counter packets 0 bytes 0 # handle 6 (verdict continue)",
  "trace id 3f ip t svc rule meta l4proto tcp dnat to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.7 } # handle 8 (verdict accept)",
];

async function compareWith(lines: readonly string[]): Promise<LiveComparison> {
  const events = lines.map((line) => readTraceLine(line) ?? expect.unreachable(line));
  const packet = events.flatMap((event) => (event.kind === "packet" ? [event.packet] : []))[0];
  const listings = { nft: LISTING, saved: [], ipsets: [] };
  const { program, handleOf } = await readHostRules(listings, ({ message }) => expect.unreachable(message));
  const evaluator = new Evaluator(program);
  const own = environmentOf([parseAddress("10.0.0.1") ?? expect.unreachable()]);
  return compareLive(knownOutcomes(evaluator.evaluate(packet ?? expect.unreachable(), own)), events, handleOf);
}

function rowsOf({ rows }: LiveComparison): string[] {
  return rows.map(({ predicted, observed }) => {
    const mark = predicted === undefined ? "+" : observed === undefined ? "-" : "=";
    const step = predicted ?? observed;
    return `${mark} ${step?.chain} ${step?.handle ?? step?.rule}`;
  });
}

describe("what the kernel told beside what was predicted", () => {
  test.each([
    ["10.0.0.7", ["trace id 3f ip t f rule ip daddr 10.0.0.7 accept # handle 12 (verdict accept)"], "= ip t f 12"],
    ["10.0.0.1", ["trace id 3f ip t f policy drop "], "= ip t f policy drop"],
  ])("the endpoint that was chosen is a branch: %s", async (to, end, last) => {
    const compared = await compareWith([...SERVICE, packetLine("f", to), ...end]);
    expect(rowsOf(compared)).toEqual(["= ip t out 10", "= ip t svc 8", last]);
    expect(compared.isAsPredicted).toBe(true);
    expect(
      [compared.predictedTo, compared.observedTo].map((each) => each && printAddressPort(each.address, each.port)),
    ).toEqual([`${to}:80`, `${to}:80`]);
  });

  test("an endpoint that is none of the branches", async () => {
    const compared = await compareWith([...SERVICE, packetLine("f", "10.0.0.8"), "trace id 3f ip t f policy drop "]);
    expect(compared.isAsPredicted).toBe(false);
  });

  test("a rule that dropped the packet before, and what it did not come to", async () => {
    const compared = await compareWith([
      packetLine("out", "10.96.0.10"),
      "trace id 3f ip t out rule ip daddr 10.9.9.9 drop # handle 9 (verdict drop)",
    ]);
    expect(rowsOf(compared)).toEqual(["+ ip t out 9", "- ip t out 10", "- ip t svc 8", "- ip t f policy drop"]);
    expect(compared.isAsPredicted).toBe(false);
  });
});

describe("lines of nft monitor trace", () => {
  test("packets of both families, with and without ports", () => {
    const packets = [
      'trace id 1 inet x p packet: iif "eth0" ether saddr 02:00:00:00:00:01 ip6 saddr fd00::7 ip6 daddr fd00::8 ip6 nexthdr udp udp sport 53 udp dport 5353 udp length 12 ',
      'trace id 1 inet x p packet: iif "cni0" ip saddr 10.0.0.1 ip daddr 10.0.0.2 ip ttl 64 ip protocol icmp ip length 84 icmp type echo-request icmp code 0 icmp id 7 ',
    ].map((line) => readTraceLine(line));
    expect(packets).toMatchObject([
      { family: "inet", packet: { protocol: 17, inInterface: "eth0", sourcePort: 53, destinationPort: 5353 } },
      { packet: { protocol: 1, inInterface: "cni0", sourcePort: 0, destinationPort: 0 } },
    ]);
  });

  test.each(["", "add table ip x", "trace id 1 inet x", "trace id 1 arp x p packet: arp operation request"])(
    "%j is no event",
    (line) => expect(readTraceLine(line)).toBeUndefined(),
  );
});
