/** Matches that are not understood, where they cannot hold. */
import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import { printSave } from "../../../compiler/formats/iptables/print-save.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { type Address, FAMILIES } from "../../../compiler/net/address.ts";
import { askRule, LOCAL } from "../../support/certain.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const iptables = (match: string): Program =>
  mustReadIptables(
    `*mangle\n${["PREROUTING", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]\n-A ${chain} ${match} -j DROP\n`).join("")}COMMIT\n`,
  );
const nftChain = (hook: string, match: string): string =>
  `chain ${hook} {\n type filter hook ${hook} priority mangle;\n ${match} drop\n}\n`;
const nft = (match: string, family = "ip"): Program =>
  mustReadNft(`table ${family} t {\n${["prerouting", "postrouting"].map((hook) => nftChain(hook, match)).join("")}}\n`);

const late = (match: string): Program =>
  mustReadIptables(`*mangle\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING ${match} -j DROP\nCOMMIT\n`);
const early = (match: string): Program =>
  mustReadIptables(`*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING ${match} -j DROP\nCOMMIT\n`);
const nftEarly = (match: string): Program => mustReadNft(`table ip t {\n${nftChain("prerouting", match)}}\n`);
const nftLate = (match: string): Program => mustReadNft(`table ip t {\n${nftChain("postrouting", match)}}\n`);

const OWN = {};
const PASSING = { inInterface: "eth0" };

const TO_ALL = { ...PASSING, destination: 0xffffffff as Address };
const UNTRACKED = { ...PASSING, ctState: "untracked" } as const;
const CLUSTER = "-m cluster --cluster-total-nodes 2 --cluster-hash-seed 1";

describe("a match that is not understood", () => {
  test.each([
    ["no", iptables("-m physdev --physdev-is-bridged"), OWN],
    ["no or yes", iptables("-m physdev --physdev-is-bridged"), PASSING],
    ["yes", iptables("-m physdev ! --physdev-is-bridged"), OWN],
    ["no or yes", iptables("-m physdev ! --physdev-is-bridged"), PASSING],
    ["no", iptables("-m physdev --physdev-in eth1 ! --physdev-is-out"), OWN],
    ["no", early("-m socket"), { ...PASSING, protocol: 47 }],
    ["no or yes", early("-m socket --transparent"), PASSING],
    ["no", early("-m mac --mac-source 02:00:00:00:00:01"), OWN],
    ["no", early("-m mac ! --mac-source 02:00:00:00:00:01"), OWN],
    ["no or yes", early("-m mac --mac-source 02:00:00:00:00:01"), PASSING],
    ["no", nft("ether saddr != 02:00:00:00:00:01"), OWN],
    ["no", early("-m addrtype --dst-type LOCAL --limit-iface-in"), PASSING],
    ["no or yes", early("-m addrtype --dst-type LOCAL --limit-iface-in"), { ...PASSING, destination: LOCAL }],
    ["no", nftEarly("fib daddr . iif type local"), PASSING],
    ["no or yes", nftEarly("fib daddr . iif type local"), { ...PASSING, destination: LOCAL }],
    ["yes", early("-m addrtype ! --dst-type LOCAL --limit-iface-in"), PASSING],
    ["no or yes", early("-m addrtype ! --dst-type LOCAL --limit-iface-in"), { ...PASSING, destination: LOCAL }],
    ["yes", early("-m addrtype --dst-type UNICAST --limit-iface-in"), PASSING],
    ["no", early("-m addrtype ! --dst-type UNICAST --limit-iface-in"), PASSING],
    ["no or yes", early("-m addrtype --dst-type UNICAST --limit-iface-in"), { ...PASSING, destination: LOCAL }],
    ["no", early("-m addrtype --dst-type UNICAST --limit-iface-in"), TO_ALL],
    ["yes", early("-m addrtype ! --dst-type UNICAST --limit-iface-in"), TO_ALL],
    ["no", nftEarly("fib daddr . iif type unicast"), TO_ALL],
    ["yes", nftEarly("fib daddr . iif type != unicast"), TO_ALL],
    ["no", early("-m addrtype --dst-type MULTICAST --limit-iface-in"), PASSING],
    ["yes", early("-m addrtype ! --dst-type MULTICAST --limit-iface-in"), PASSING],
    ["no", late("-m owner --uid-owner 0"), PASSING],
    ["no or yes", late("-m owner --uid-owner 0"), OWN],
    ["yes", late("-m owner ! --uid-owner 0"), PASSING],
    ["no or yes", late("-m owner ! --uid-owner 0"), OWN],
    ["no", late("-m owner --socket-exists"), PASSING],
    ["yes", late("-m owner ! --socket-exists"), PASSING],
    ["no", late("-m owner ! --uid-owner 0 --gid-owner 0"), PASSING],
    ["no", nftLate("meta skuid 0"), PASSING],
    ["no", nftLate("meta skgid != 0"), PASSING],
    ["no or yes", nftLate("meta skuid != 0"), OWN],
    ["no", late("-m cgroup --cgroup 5"), PASSING],
    ["no", late("-m cgroup ! --cgroup 5"), PASSING],
    ["no or yes", late("-m cgroup --cgroup 5"), OWN],
    ["no", iptables("-m helper --helper ftp"), PASSING],
    ["yes", iptables("-m helper ! --helper ftp"), PASSING],
    ["no or yes", iptables("-m helper --helper ftp"), { ...PASSING, ctState: "established" }],
    ["no", nft('ct helper "ftp"'), PASSING],
    ["no", nft('ct helper != "ftp"'), PASSING],
    ["no or yes", nft('ct helper "ftp"'), { ...PASSING, ctState: "established" }],
    ["no", iptables(`${CLUSTER} --cluster-local-node 1`), UNTRACKED],
    ["no", iptables(`${CLUSTER} ! --cluster-local-node 1`), { ...PASSING, ctState: "invalid" }],
    ["no or yes", iptables(`${CLUSTER} --cluster-local-node 1`), PASSING],
    ["no", iptables("-m connbytes ! --connbytes 5 --connbytes-mode packets --connbytes-dir both"), UNTRACKED],
    ["no or yes", iptables("-m connbytes --connbytes 5 --connbytes-mode packets --connbytes-dir both"), PASSING],
    ["no", iptables("-m connlabel --label 1"), UNTRACKED],
    ["yes", iptables("-m connlabel ! --label 1"), UNTRACKED],
    ["no or yes", late("-m realm --realm 1"), PASSING],
    ["no or yes", late("-m realm ! --realm 1"), PASSING],
    ["no or yes", early("-m devgroup --src-group 0"), PASSING],
    ["no or yes", late("-m devgroup ! --dst-group 0"), OWN],
    ["no or yes", early("-m policy --dir in --pol none"), PASSING],
    ["no or yes", iptables("-m nfacct --nfacct-name x"), PASSING],
    ["yes", early("-m rpfilter"), { inInterface: "lo" }],
    ["no", early("-m rpfilter --invert"), { inInterface: "lo" }],
    ["no or yes", early("-m rpfilter --invert"), PASSING],
    ["no or yes", early("-m rpfilter --loose"), PASSING],
    ["no", nftEarly("fib saddr . iif oif missing"), { inInterface: "lo" }],
    ["no or yes", nftEarly("fib saddr . iif oif missing"), PASSING],
    ["yes", late("-m pkttype --pkt-type unicast"), OWN],
    ["no", nftLate("meta pkttype broadcast"), OWN],
    ["yes", nftLate("meta pkttype != multicast"), PASSING],
    ["no or yes", nft("meta pkttype broadcast"), PASSING],
    ["no", nftLate("meta iifgroup 1"), OWN],
    ["no", nftLate("meta iifgroup != 1"), OWN],
    ["no or yes", nftLate("meta iifgroup 1"), PASSING],
    ["no", nftLate('meta iifkind "veth"'), OWN],
    ["no or yes", nftLate("meta iiftype != ether"), OWN],
    ["no", nft("tcp option sack-perm exists"), { ...PASSING, protocol: 17 }],
    ["no", nft("tcp option maxseg size != 1000"), { ...PASSING, protocol: 17 }],
    ["no or yes", nft("tcp option maxseg size 1000"), PASSING],
    ["no or yes", nft("tcp option sack-perm missing"), PASSING],
    ["yes", nft("tcp option sack-perm missing"), { ...PASSING, protocol: 17 }],
    ["yes", nft("sctp chunk data missing"), PASSING],
    ["yes", nftEarly("fib saddr . iif oif exists"), { inInterface: "lo" }],
    ["no or yes", nftEarly("fib saddr . mark . iif oif exists"), PASSING],
    ["yes", nftEarly("fib daddr . iif type != local"), PASSING],
    ["yes", nftEarly("fib daddr . iif type unicast"), PASSING],
    ["no", nft("meta cgroup 5"), PASSING],
    ["no", nft("meta cgroup != 5"), PASSING],
    ["no or yes", nft("meta cgroup 5"), { ...PASSING, destination: LOCAL }],
    ["no", nftEarly("socket transparent 1"), { ...PASSING, protocol: 47 }],
    ["no or yes", nftEarly("socket transparent 1"), PASSING],
    ["no", nft("sctp chunk data exists"), PASSING],
    ["no", nft("tcp window 5"), { ...PASSING, protocol: 17 }],
    ["no", nft("udp length != 5"), PASSING],
    ["no", nft("dccp type request"), PASSING],
    ["no", nft("ah spi 1"), PASSING],
    ["no", nft("esp spi != 1"), PASSING],
    ["no or yes", nft("esp spi 1"), { ...PASSING, protocol: 50 }],
    ["no", nft("comp cpi 1"), PASSING],
    ["no", nftEarly('osf name "Linux"'), { ...PASSING, protocol: 17 }],
    ...[
      "exthdr hbh exists",
      "exthdr frag missing",
      "hbh nexthdr 6",
      "rt type 0",
      "frag more-fragments 1",
      "dst nexthdr 6",
    ]
      .concat(["mh type 1", "srh tag 1", "ip6 flowlabel 5", "rt ip6 nexthop ::1"])
      .map((match) => ["no", nft(match, "inet"), PASSING] as const),
    ["no or yes", nft("ip option lsrr exists"), PASSING],
  ] as const)("%s: %#", (wanted, program, packet) => {
    expect(askRule(program, packet)).toBe(wanted);
  });

  test("is told in words that say on what it depends", () => {
    const program = early("-m nfacct --nfacct-name web");
    expect(JSON.stringify(program)).toContain('"text":"the nfacct object web has no quota left"');
    expect(printSave(program.ruleset, "ip").text).toContain("-A PREROUTING -m nfacct --nfacct-name web -j DROP");
  });

  test.each([
    ["", "local"],
    ["! ", "local"],
    ["", "unicast"],
    ["! ", "unicast"],
  ])("of one interface's addresses is one fact in both dialects (%s%s)", (not, type) => {
    const left = early(`-m addrtype ${not}--dst-type ${type.toUpperCase()} --limit-iface-in`);
    const right = nftEarly(`fib daddr . iif type ${not === "" ? "" : "!= "}${type}`);
    const { differing } = compare(left, right, { budget: 1_000_000, families: FAMILIES, addresses: [LOCAL] });
    expect(differing).toBe(0);
  });
});
