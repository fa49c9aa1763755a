/** Rules that ask for ports of any protocol, as comparisons see them: other protocols have other bytes there, which nobody knows. */
import { expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { ipv4 } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";

function protocolsThatDiffer(left: string, right: string): number[] {
  const [one, other] = [left, right].map((rule) =>
    mustReadNft(`table ip t {\n chain c { type filter hook prerouting priority -150; ${rule}; }\n}\n`),
  );
  if (one === undefined || other === undefined) throw new Error("two rules are compared");
  const options = { addresses: [ipv4("192.168.0.2") as Address], families: ["IPv4"] } as const;
  const { regions, open } = compare(one, other, options);
  expect(open).toEqual([]);
  return [...new Set(regions.map(({ trafficKind }) => trafficKind.protocol))].sort((a, b) => a - b);
}

test.each<[left: string, right: string, protocols: readonly number[]]>([
  ["th dport 80 drop", "th dport { 80 } drop", []],
  ["th dport 80 drop", "meta l4proto { tcp, udp, sctp } th dport 80 drop", [1, 253]],
  ["th dport 80 drop", "meta l4proto { tcp, udp, sctp, dccp } th dport 80 drop", [1, 253]],
  ["meta l4proto dccp th dport 80 drop", "meta l4proto dccp th dport 81 drop", [33]],
  ["meta l4proto icmp th dport 80 drop", "meta l4proto icmp th dport 81 drop", [1]],
  ["meta l4proto . th dport { tcp . 80 } drop", "tcp dport 80 drop", []],
])("%s and %s", (left, right, protocols) => {
  const found = protocolsThatDiffer(left, right).filter((each) => protocols.length === 0 || protocols.includes(each));
  expect(found).toEqual(protocols);
});
