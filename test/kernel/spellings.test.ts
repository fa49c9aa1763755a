/** One rule in several spellings: what the tools list of it is read as what was written. */
import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

const NFT: readonly string[] = [
  "meta l4proto tcp tproxy to :12345",
  "tcp dport 80 tproxy to 127.0.0.1:12345 meta mark set 1 accept",
  "tcp dport 80 tproxy ip to 127.0.0.1",
  "udp dport 53 tproxy ip to 127.0.0.1:53 accept",
  'meta hour "16:00" drop',
  'meta hour "16:00"-"17:30:05" drop',
  'meta hour >= "09:00" meta hour < "17:00" drop',
  'hour < "09:00:00" drop',
  'meta day "Monday" drop',
  'meta day { "Monday", "Sunday" } drop',
  "meta day 1 drop",
  'day != "Saturday" drop',
  'meta time > "2025-01-02" drop',
  'meta time "2025-01-02"-"2025-02-02 10:00" drop',
  'time < "2025-01-02 03:04" drop',
  'oifname { "b", "a" } drop',
  'ether saddr . oifname { 00:00:00:00:00:02 . "b", 00:00:00:00:00:01 . "a" } drop',
  'oifname vmap { "b" : drop, "a" : accept }',
  "meta skuid { 7, 3 } drop",
  "ip saddr . meta mark { 10.0.0.2 . 2, 10.0.0.1 . 1 } drop",
  "limit rate 5/minute burst 5 packets drop",
  "limit rate over 10 mbytes/second drop",
  "ct state { new, established } drop",
  "tcp flags & (fin | syn) == syn drop",
  "icmp type { echo-request, 0 } drop",
  "tcp dport { 443, 80, 8000-8010 } drop",
  "meta mark and 0xff == 0x10 drop",
  "ct mark set meta mark and 0xff",
  "ip dscp cs1 drop",
  "fib saddr type { local, unicast } drop",
  "ip frag-off & 0x1fff != 0 drop",
  "add @d { ip saddr timeout 30s } drop",
  "ip saddr @d drop",
];

const IPTABLES: readonly string[] = [
  "-p tcp -j TPROXY --on-port 12345",
  "-p tcp -j TPROXY --on-port 12345 --on-ip 127.0.0.1 --tproxy-mark 1",
  "-p udp -j TPROXY --tproxy-mark 0x1/1 --on-ip 127.0.0.1 --on-port 53",
  "-p tcp -j TPROXY --on-port 12345 --tproxy-mark 0x0",
  "-m time --timestart 09:00 --timestop 17:30 -j DROP",
  "-m time --weekdays Mon,Fri,Sun -j DROP",
  "-m time --weekdays 1,5,7 -j DROP",
  "-m time ! --weekdays Sa,Su -j DROP",
  "-m time --datestart 2025-01-02 --datestop 2025-02-03T10:00 -j DROP",
  "-m time --monthdays 1,15,31 -j DROP",
  "-m time --timestart 8:0 --kerneltz -j DROP",
  "-m limit --limit 5/m -j DROP",
  "-m recent --set --name K",
  "-m recent --rcheck --seconds 30 --hitcount 4 --name L --rsource -j DROP",
  "-m recent --update --name L --rdest -j DROP",
  "-m hashlimit --hashlimit-above 5/sec --hashlimit-mode srcip --hashlimit-name h -j DROP",
  "-m hashlimit --hashlimit-upto 10/min --hashlimit-burst 3 --hashlimit-mode dstip,srcip --hashlimit-name g -j DROP",
  "-m connlimit --connlimit-above 3 -j DROP",
  "-m connlimit --connlimit-upto 3 --connlimit-mask 24 --connlimit-daddr -j DROP",
  "-m quota --quota 1000 -j DROP",
  "-m mark --mark 16/0xff -j DROP",
  "-j MARK --or-mark 0x10",
  "-m string --algo bm --string evil -j DROP",
  "-m u32 --u32 6&0xFF=1 -j DROP",
  "-p tcp -m tcpmss --mss 100:200 -j DROP",
  "-m statistic --mode nth --every 3 --packet 0 -j DROP",
  "-m length --length 100 -j DROP",
  "-m set ! --match-set s src -j DROP",
  "-p tcp -m multiport --dports 80,443,8000:8010 -j DROP",
  "-m comment --comment x -j DROP",
  "-p icmp --icmp-type ping -j DROP",
  "-m dscp --dscp-class CS1 -j DROP",
  "-j DSCP --set-dscp 8",
  "-p tcp --syn -j TCPMSS --set-mss 1400",
];

/** One chain a rule: packets come to the one that is asked about. */
function nftText(rules: readonly string[]): string {
  const chains = rules.map(
    (rule, i) => `  chain r${i} {\n    type filter hook prerouting priority ${i - 190};\n    ${rule}\n  }\n`,
  );
  return `table ip t {\n  set d { type ipv4_addr; flags dynamic,timeout; timeout 1m; }\n${chains.join("")}}\n`;
}

function iptablesText(rules: readonly string[]): string {
  const chains = rules.map((_, i) => `:r${i} - [0:0]\n`).join("");
  const lines = rules.map((rule, i) => `-A r${i} ${rule}\n-A PREROUTING -j r${i}\n`).join("");
  return `*mangle\n${chains}${lines}COMMIT\n`;
}

async function listed(text: string, command: string): Promise<string> {
  return withFiles([text], async ([path = ""]) => {
    const { status, output } = await inNamespace(command.replace("FILE", path));
    if (status !== 0) throw new Error(output);
    return output;
  });
}

/** `program` with one of its rules only. */
function only({ ruleset, routes }: Program, name: string): Program {
  const tables = ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) =>
      chain.name === name || !/^r[0-9]+$/.test(chain.name) ? chain : { ...chain, rules: [] },
    ),
  }));
  return { ruleset: { tables }, routes };
}

function different(rules: readonly string[], own: Program, listing: Program): string[] {
  return rules.flatMap((rule, i) => {
    const options = { addresses: [], families: ["IPv4"] as const, firstOnly: true };
    const { differing, open, regions } = compare(only(own, `r${i}`), only(listing, `r${i}`), options);
    if (differing === 0 && open.length === 0) return [];
    return [`${rule}: ${regions[0]?.assumptions.join(", ") ?? open[0]?.reason}`];
  });
}

describe.skipIf(kernelMissing !== undefined)("a rule and its listing are equal", () => {
  test("in nft", async () => {
    const text = nftText(NFT);
    const listing = await listed(text, "nft -f FILE && nft -s list ruleset");
    expect(different(NFT, mustReadNft(text), mustReadNft(listing))).toEqual([]);
  });

  test.each(["nft", "legacy"])("in iptables-%s", async (backend) => {
    const known = IPTABLES.filter((rule) => !/match-set/.test(rule));
    const text = iptablesText(known);
    const listing = await listed(text, `iptables-${backend}-restore FILE && iptables-${backend}-save -t mangle`);
    expect(different(known, mustReadIptables(text, "ip"), mustReadIptables(listing, "ip"))).toEqual([]);
  });
});
