/** Rules of others, printed again, are text that nft takes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printTable } from "../../compiler/formats/nft/print.ts";
import { foreignNft } from "../support/arbitrary-rules.ts";
import { kernelMissing } from "../support/kernel.ts";
import { refusedByNft } from "../support/nft-check.ts";
import { mustReadNft } from "../support/read.ts";
import { runs } from "../support/runs.ts";

const table = (family: string, body: string): string => `table ${family} t {\n${body}\n}\n`;
const chain = (rule: string): string => `chain c {\n${rule}\n}`;

const TEXTS = [
  table("inet", chain("icmp type 0-255 drop")),
  table("inet", chain("icmp type { echo-request, 20-254 } drop")),
  table("inet", chain("meta l4proto { 6, 50-60 } drop")),
  table("inet", "set s {\ntype inet_proto\nflags interval\nelements = { 50-60 }\n}"),
  table("ip", chain("meta protocol ip6 drop")),
  table("ip", chain("meta protocol != ip drop")),
  table("ip6", chain("meta protocol { ip, ip6 } drop")),
  table("ip", chain("meta protocol vmap { ip : drop, arp : accept }")),
  table("inet", chain("ip version 4 drop")),
  table("inet", `set s {\ntype ipv4_addr\nflags dynamic,timeout\n}\n${chain("update @s { ip saddr timeout 30s }")}`),
  table(
    "ip",
    `set s {\ntype ipv4_addr\npolicy memory\nsize 9\nflags interval,timeout\nlimit rate 5/second counter\nauto-merge
timeout 1h500ms\ngc-interval 10s\ncomment "hi"\nelements = { 10.0.0.1 timeout 1s500ms comment "x" }\n}`,
  ),
  table("ip", "set s {\ntype ipv4_addr\nflags constant\nelements = { 10.0.0.1 }\n}"),
  table("netdev", 'chain c {\ntype filter hook ingress devices = { lo, "eth9" } priority 0; policy drop;\n}'),
  table("inet", "chain c {\ntype filter hook input priority 0; policy drop;\n}"),
  table("ip", chain("dnat to jhash ip saddr mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }")),
  table("ip", chain("dnat to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }")),
  table("ip", chain("dnat to symhash mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }")),
  table("ip", chain("meta mark set jhash ip saddr . tcp sport mod 4")),
  table("ip", chain("tcp flags & (fin|syn|rst|ack) == syn drop")),
  table("ip", chain("ct state new,established limit rate 5/second burst 9 packets accept")),
];

describe.skipIf(kernelMissing !== undefined)("nft takes what is printed of rules that it takes", () => {
  test("of every form", async () => {
    expect(await refusedByNft(TEXTS)).toEqual([]);
    const printed = TEXTS.map((text) =>
      mustReadNft(text)
        .ruleset.tables.map((table) => printTable(table))
        .join(""),
    );
    expect(await refusedByNft(printed)).toEqual([]);
  });

  test("of random rules", async () => {
    const texts = fc.sample(foreignNft, runs(200));
    const printed = texts.map((text) =>
      mustReadNft(text)
        .ruleset.tables.map((table) => printTable(table))
        .join(""),
    );
    expect(await refusedByNft(printed)).toEqual([]);
  });
});
