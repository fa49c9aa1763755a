/** What NAT rules of others give packets, as comparisons see it. */
import { describe, expect, test } from "vitest";
import { type CompareOptions, type Comparison, compare } from "../../../compiler/compare/compare.ts";
import { printDisposition } from "../../../compiler/evaluate/disposition.ts";
import type { Outcome } from "../../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { ipv4 } from "../../support/ir.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const OPTIONS: CompareOptions = { addresses: [ipv4("192.168.0.2") as Address], families: ["IPv4"] };

function iptables(...rules: string[]): string {
  return `*nat\n${rules.join("\n")}\nCOMMIT\n`;
}

function compareIptables(left: string, right: string): Comparison {
  const [a, b] = [mustReadIptables(left, "ip"), mustReadIptables(right, "ip")];
  const comparison = compare(a, b, OPTIONS);
  expect(comparison.open).toEqual([]);
  return comparison;
}

function nft(hook: "prerouting" | "postrouting", ...rules: string[]): string {
  return `table ip t {\n chain c {\n  type nat hook ${hook} priority 0;\n  ${rules.join("\n  ")}\n }\n}\n`;
}

function compareNft(left: string, right: string): Comparison {
  const comparison = compare(mustReadNft(left), mustReadNft(right), OPTIONS);
  expect(comparison.open).toEqual([]);
  return comparison;
}

function fates(outcomes: Outcome): string[] {
  return outcomes.results.map(
    ({ disposition, probability }) => `${printDisposition(disposition)} ${probability.toFixed(2)}`,
  );
}

const FROM_POD = "-A POSTROUTING -s 10.0.0.0/8 -j";
const TO_VIP = "-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j";

describe("rules that give packets different things are different", () => {
  test.each([
    [`${FROM_POD} SNAT --to-source 1.1.1.1`, `${FROM_POD} SNAT --to-source 2.2.2.2`],
    [`${FROM_POD} SNAT --to-source 1.1.1.1`, `${FROM_POD} SNAT --to-source 1.1.1.1-1.1.1.9`],
    [`${FROM_POD} SNAT --to-source 1.1.1.1`, `${FROM_POD} MASQUERADE`],
    [`${TO_VIP} DNAT --to-destination 10.0.0.1`, `${TO_VIP} DNAT --to-destination 10.0.0.1-10.0.0.5`],
    [`${TO_VIP} DNAT --to-destination 10.0.0.1-10.0.0.5`, `${TO_VIP} DNAT --to-destination 10.0.0.1-10.0.0.9`],
    [`${TO_VIP} DNAT --to-destination 10.0.0.1-10.0.9.5`, `${TO_VIP} DNAT --to-destination 10.0.0.1-10.0.9.6`],
    [`${TO_VIP} DNAT --to-destination 10.0.0.1:81-85`, `${TO_VIP} DNAT --to-destination 10.0.0.1:82-85`],
    ["-A PREROUTING -p udp -j REDIRECT --to-ports 8080-8090", "-A PREROUTING -p udp -j REDIRECT --to-ports 8080"],
    [`${TO_VIP} NETMAP --to 10.1.0.0/24`, `${TO_VIP} NETMAP --to 10.2.0.0/24`],
    [`${TO_VIP} NETMAP --to 10.1.0.0/24`, ""],
  ])("%s and %s", (left, right) => {
    expect(compareIptables(iptables(left), iptables(right)).differing).toBeGreaterThan(0);
  });

  test("in nft, too", () => {
    const [one, other] = ["snat to 1.1.1.1", "snat to 2.2.2.2"].map((rule) => nft("postrouting", rule));
    const { regions } = compareNft(one as string, other as string);
    expect(regions.map(({ left, right }) => [...fates(left), ...fates(right)])[0]).toEqual([
      "pass, from 1.1.1.1 1.00",
      "pass, from 2.2.2.2 1.00",
    ]);
  });
});

describe("rules that give packets the same are equal", () => {
  // Packets to a port of the range keep it.
  test.each([
    [`${TO_VIP} DNAT --to-destination 10.0.0.1:80-85`, `${TO_VIP} DNAT --to-destination 10.0.0.1:80`],
    [`${TO_VIP} DNAT --to-destination 10.0.0.1:79-85`, `${TO_VIP} DNAT --to-destination 10.0.0.1`],
    [`${TO_VIP} NETMAP --to 10.1.0.0/24`, `${TO_VIP} NETMAP --to 10.1.0.0/24`],
    [`${FROM_POD} SNAT --to-source 1.1.1.1-1.1.1.9`, `${FROM_POD} SNAT --to-source 1.1.1.1-1.1.1.9`],
    [
      `${TO_VIP} DNAT --to-destination 10.0.0.1-10.0.0.2`,
      `${TO_VIP.replace(" -j", "")} -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.1\n${TO_VIP} DNAT --to-destination 10.0.0.2`,
    ],
  ])("%s and %s", (left, right) => {
    expect(compareIptables(iptables(left), iptables(right)).differing).toBe(0);
  });

  test("what is chosen by chance before something that is not understood", () => {
    const text = `${iptables(
      `${TO_VIP.replace(" -j", "")} -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.1.0.1:53`,
      `${TO_VIP} DNAT --to-destination 10.1.0.2:53`,
    )}*filter
-A FORWARD -d 10.1.0.1/32 -m set --match-set a src -j DROP
-A FORWARD -m set --match-set b dst -j ACCEPT
-A FORWARD -d 10.1.0.2/32 -m set --match-set a src -j DROP
COMMIT
`;
    expect(compareIptables(text, text).differing).toBe(0);
  });
});

describe("conntrack's status", () => {
  test("is that of no translation where a packet was on its way there", () => {
    const nat =
      "table ip n {\n chain p {\n  type nat hook prerouting priority -100;\n  ip daddr 10.0.0.0/24 tcp dport 80 dnat to 10.0.0.1:80\n }\n}\n";
    const filter = (...rules: string[]): string =>
      `${nat}table ip f {\n chain c {\n  type filter hook forward priority 0;\n  ${rules.join("\n  ")}\n }\n}\n`;
    const { regions, differing } = compareNft(filter("ct status dnat accept", "ip daddr 10.0.0.1 drop"), filter());
    expect(differing).toBeGreaterThan(0);
    // Whoever was on its way to the endpoint is dropped, and whose connection leads there without a translation.
    const first = regions.filter(({ packet }) => packet.ctStatus === undefined);
    expect(new Set(first.map(({ packet }) => packet.destination))).toEqual(new Set([ipv4("10.0.0.1")]));
    const later = regions.filter(({ packet }) => packet.ctStatus !== undefined);
    const isTranslated = ({ packet }: (typeof regions)[number]) => ((packet.ctStatus ?? 0) & CT_STATUS.dnat) !== 0;
    expect(later.length).toBeGreaterThan(0);
    expect(later.filter(isTranslated)).toEqual([]);
  });
});
