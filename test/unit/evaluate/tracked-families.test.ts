/** For which families rules make the kernel track connections. */
import { expect, test } from "vitest";
import { trackedFamilies } from "../../../compiler/evaluate/tracked-families.ts";
import { mustReadNft } from "../../support/read.ts";

const table = (family: string, rules: string, type = "filter", hook = "prerouting"): string =>
  `table ${family} t { chain c { type ${type} hook ${hook} priority 0; ${rules}; } }\n`;

test.each<[what: string, text: string, families: string[]]>([
  ["no rule", "table ip t { }", []],
  ["a rule that asks nothing of connections", table("ip", "ip saddr 10.0.0.1 drop"), []],
  ["one that asks for a state", table("ip", "ct state new accept"), ["IPv4"]],
  ["of IPv6", table("ip6", "ct state new accept"), ["IPv6"]],
  ["of both", table("inet", "ct state new accept"), ["IPv4", "IPv6"]],
  ["one after another that asks nothing", table("ip", "drop; ct state new accept"), ["IPv4"]],
  ["one that asks for a part of a mark", table("ip", "ct mark & 1 == 1 accept"), ["IPv4"]],
  ["one that looks a mark up", table("ip", "ip saddr . ct mark { 10.0.0.1 . 1 } accept"), ["IPv4"]],
  ["one that writes the mark of a connection", table("ip", "ct mark set 1"), ["IPv4"]],
  ["one that writes the mark of packets", table("ip", "meta mark set 1"), []],
  ["one that copies it from the connection", table("ip", "meta mark set ct mark"), ["IPv4"]],
  ["one that keeps packets out", table("ip", "notrack"), []],
  ["one that sends packets on", table("ip", "dnat to 10.0.0.1", "nat"), ["IPv4"]],
  ["one that redirects", table("ip6", "redirect", "nat"), ["IPv6"]],
  ["one that masquerades", table("ip", "masquerade", "nat", "postrouting"), ["IPv4"]],
  ["a NAT chain without translations", table("ip", "accept", "nat"), []],
  ["a table of each family", table("ip", "drop") + table("ip6", "ct state new accept"), ["IPv6"]],
  ["a table of bridges", table("bridge", "ct state new accept") + table("ip6", "ct state new accept"), ["IPv6"]],
  ["both tables", table("ip", "notrack; ct mark 1 drop") + table("ip6", "ct state new accept"), ["IPv4", "IPv6"]],
  ["a table of both behind one of them", table("ip", "ct state new") + table("inet", "ct state new"), ["IPv4", "IPv6"]],
  ["a table of both that asks nothing", table("ip", "ct state new") + table("inet", "drop"), ["IPv4"]],
  [
    "a table of IPv6 behind one of IPv4",
    table("ip", "ct state new") + table("ip6", "masquerade", "nat", "postrouting"),
    ["IPv4", "IPv6"],
  ],
])("%s", (_, text, families) => {
  expect([...trackedFamilies(mustReadNft(text).ruleset.tables)].sort()).toEqual(families);
});
