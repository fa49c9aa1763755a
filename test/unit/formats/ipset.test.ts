import { describe, expect, test } from "vitest";
import { type Diagnostic, lineAndColumn } from "../../../compiler/diagnostics.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { isIpset, readIpset } from "../../../compiler/formats/ipset/read.ts";
import { readIptables } from "../../../compiler/formats/iptables/read.ts";
import { type Address, parseAddress } from "../../../compiler/net/address.ts";

function findingsIn(text: string): string[] {
  const findings: string[] = [];
  readIpset({ name: "sets", text }, ({ code, message, origin }: Diagnostic) => {
    const place = origin === undefined ? undefined : lineAndColumn(origin.span());
    findings.push(`${place?.line}:${place?.column} ${code} ${message}`);
  });
  return findings;
}

function packet(text: string): Packet {
  const [protocol = "", source = "", , destination = "", inInterface] = text.split(" ");
  const end = (word: string): readonly [Address, number] => {
    const [, address = "", port = "0"] =
      /^\[?(.*?)\]?(?::(\d+))?$/.exec(word.includes("[") ? word : word.replace(/^([^:]*)$/, "$1:0")) ?? [];
    return [parseAddress(address) as Address, Number(port)];
  };
  const [from, sourcePort] = end(source);
  const [to, destinationPort] = end(destination);
  const numbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1 };
  return {
    protocol: numbers[protocol] ?? 0,
    source: from,
    sourcePort,
    destination: to,
    destinationPort,
    inInterface: inInterface ?? "eth0",
    mark: 0,
  };
}

/** `in`, `out`, or `in or out` where it is not known. */
function ask(sets: string, match: string, packetText: string): string {
  const findings: Diagnostic[] = [];
  const ipsets = readIpset({ name: "sets", text: sets }, (finding) => findings.push(finding));
  const family = packetText.includes("[") ? "ip6" : "ip";
  const text = `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${match} -j DROP\nCOMMIT\n`;
  const program = readIptables({ name: "rules", text }, (finding) => findings.push(finding), { family, ipsets });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  const outcomes = new Evaluator(program).evaluateWhole(packet(packetText), environmentOf([]));
  const words = outcomes.map(({ verdict }) => (verdict === "drop" ? "in" : "out"));
  return [...new Set(words)].sort().join(" or ");
}

const SETS = `create a hash:ip family inet hashsize 1024 maxelem 65536 timeout 300
add a 10.0.0.1 timeout 299
create n hash:net family inet
add n 10.0.0.0/8
add n 10.1.0.0/16 nomatch
add n 10.1.2.0/24
create m hash:ip family inet netmask 24
add m 10.2.0.0
create p hash:ip,port family inet counters comment
add p 10.0.0.1,tcp:80 packets 0 bytes 0 comment "a b, c"
add p 10.0.0.1,udp:53 packets 0 bytes 0
create i hash:ip,port,ip family inet
add i 10.0.0.1,tcp:80,10.0.0.2
create x hash:ip,port,net family inet
add x 10.0.0.1,tcp:80,10.0.0.0/8
add x 10.0.0.1,tcp:80,10.5.0.0/16 nomatch
create f hash:net,iface family inet
add f 10.0.0.0/8,eth0
add f 10.0.0.0/8,veth wildcard
create b bitmap:port range 80-90
add b 80
create r bitmap:ip range 10.0.0.0-10.0.255.255 netmask 24
add r 10.0.3.0
create six hash:net family inet6
add six fd00::/64
create o hash:ip,port family inet
add o 10.0.0.1,icmp:echo-request
add o 10.0.0.1,tcp:80
create l list:set size 8
add l a
add l n
create e hash:ip family inet
`;

describe("a match on a set takes packets as ipset does", () => {
  test.each([
    ["in", "a src", "tcp 10.0.0.1:5 > 10.9.9.9:80"],
    ["out", "a dst", "tcp 10.0.0.1:5 > 10.9.9.9:80"],
    ["in", "a src,dst", "tcp 10.0.0.1:5 > 10.9.9.9:80"],
    ["in", "n src", "tcp 10.0.0.1:5 > 10.9.9.9:80"],
    ["out", "n src", "tcp 10.1.0.1:5 > 10.9.9.9:80"],
    ["in", "n src", "tcp 10.1.2.1:5 > 10.9.9.9:80"],
    ["out", "n src", "tcp 11.1.2.1:5 > 10.9.9.9:80"],
    ["in", "m dst", "tcp 11.1.2.1:5 > 10.2.0.200:80"],
    ["out", "m dst", "tcp 11.1.2.1:5 > 10.2.1.0:80"],
    ["in", "p dst,dst", "tcp 11.1.2.1:5 > 10.0.0.1:80"],
    ["out", "p dst,dst", "udp 11.1.2.1:5 > 10.0.0.1:80"],
    ["in", "p dst,dst", "udp 11.1.2.1:5 > 10.0.0.1:53"],
    ["in", "p dst,src", "udp 11.1.2.1:53 > 10.0.0.1:5"],
    ["out", "p dst,dst", "icmp 11.1.2.1 > 10.0.0.1"],
    ["out", "p dst", "tcp 11.1.2.1:5 > 10.0.0.1:80"],
    ["in", "i dst,dst,src", "tcp 10.0.0.2:5 > 10.0.0.1:80"],
    ["out", "i dst,dst,src", "tcp 10.0.0.3:5 > 10.0.0.1:80"],
    ["in", "x dst,dst,src", "tcp 10.0.0.3:5 > 10.0.0.1:80"],
    ["out", "x dst,dst,src", "tcp 10.5.0.3:5 > 10.0.0.1:80"],
    ["in", "f src,src", "tcp 10.5.0.3:5 > 10.0.0.1:80 eth0"],
    ["out", "f src,src", "tcp 10.5.0.3:5 > 10.0.0.1:80 eth1"],
    ["in", "f src,src", "tcp 10.5.0.3:5 > 10.0.0.1:80 veth1a"],
    ["in or out", "f src,dst", "tcp 10.5.0.3:5 > 10.0.0.1:80 veth1a"],
    ["in", "b dst", "udp 10.5.0.3:5 > 10.0.0.1:80"],
    ["in", "b dst", "tcp 10.5.0.3:5 > 10.0.0.1:80"],
    ["out", "b dst", "sctp 10.5.0.3:5 > 10.0.0.1:80"], // a bitmap of ports is for TCP and UDP
    ["out", "b dst", "icmp 10.5.0.3 > 10.0.0.1"],
    ["in", "r dst", "tcp 10.5.0.3:5 > 10.0.3.77:80"],
    ["in", "six src", "tcp [fd00::5]:5 > [fd01::1]:80"],
    ["out", "six src", "tcp 10.0.0.1:5 > 10.9.9.9:80"],
    ["in", "l src", "tcp 10.1.2.1:5 > 10.9.9.9:80"],
    ["in", "l src", "tcp 10.0.0.1:5 > 10.9.9.9:80"],
    ["out", "l src", "tcp 10.1.0.1:5 > 10.9.9.9:80"],
    ["out", "e src", "tcp 10.1.0.1:5 > 10.9.9.9:80"],
    ["in or out", "o dst,dst", "tcp 10.1.0.1:5 > 10.0.0.1:81"],
    ["in or out", "nobody dst,dst", "tcp 10.1.0.1:5 > 10.0.0.1:81"],
  ])("%s: %s of %s", (wanted, set, packetText) => {
    expect(ask(SETS, `-m set --match-set ${set}`, packetText)).toBe(wanted);
    const others: Readonly<Record<string, string>> = { in: "out", out: "in", "in or out": "in or out" };
    expect(ask(SETS, `-m set ! --match-set ${set}`, packetText)).toBe(others[wanted]);
  });

  test("of what is of another protocol than the rule nothing is unknown", () => {
    expect(ask(SETS, "-p tcp -m set --match-set o dst,dst", "tcp 10.1.0.1:5 > 10.0.0.1:80")).toBe("in");
    expect(ask(SETS, "-p tcp -m set --match-set o dst,dst", "tcp 10.1.0.1:5 > 10.0.0.1:81")).toBe("out");
  });

  test.each(["--return-nomatch", "--packets-gt 5"])("%s makes it unknown", (option) => {
    expect(ask(SETS, `-m set --match-set a src ${option}`, "tcp 10.0.0.1:5 > 10.9.9.9:80")).toBe("in or out");
  });

  test("a set that rules fill is unknown", () => {
    const rules = "-m set --match-set a src -j DROP\n-A FORWARD -j SET --add-set a src\n-A FORWARD -s 9.9.9.9";
    expect(ask(SETS, rules, "tcp 10.0.0.9:5 > 10.9.9.9:80")).toContain(" or ");
  });
});

describe("texts of ipset", () => {
  test("ipset list is read as ipset save is", () => {
    const list = `Name: n
Type: hash:net
Revision: 7
Header: family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x5c17916a
Size in memory: 600
References: 1
Number of entries: 3
Members:
10.0.0.0/8
10.1.0.0/16 nomatch timeout 5

Name: six
Type: hash:ip,port
Revision: 7
Header: family inet6 hashsize 1024 maxelem 65536
Size in memory: 383
References: 0
Number of entries: 1
Members:
fd00::1,tcp:80 packets 0 bytes 0 comment "a b, c"
`;
    expect(isIpset(list)).toBe(true);
    expect(ask(list, "-m set --match-set n src", "tcp 10.2.0.1:5 > 10.9.9.9:80")).toBe("in");
    expect(ask(list, "-m set --match-set n src", "tcp 10.1.0.1:5 > 10.9.9.9:80")).toBe("out");
    expect(ask(list, "-m set --match-set six dst,dst", "tcp [fd00::5]:5 > [fd00::1]:80")).toBe("in");
  });

  test("of several commands on a set the last one counts", () => {
    const text = `${SETS}del n 10.0.0.0/8\nflush a\nadd a 10.0.0.7 -exist\n`;
    expect(ask(text, "-m set --match-set n src", "tcp 10.2.0.1:5 > 10.9.9.9:80")).toBe("out");
    expect(ask(text, "-m set --match-set a src", "tcp 10.0.0.1:5 > 10.9.9.9:80")).toBe("out");
    expect(ask(text, "-m set --match-set a src", "tcp 10.0.0.7:5 > 10.9.9.9:80")).toBe("in");
  });

  test.each([
    [
      "a type that is none",
      "create a hash:nothing",
      "1:1 rules-syntax expected the type of a set, such as hash:ip,port",
    ],
    [
      "an entry of another type",
      "create a hash:ip\n add a 10.0.0.1,80",
      "2:2 rules-syntax expected an entry of a set of type hash:ip",
    ],
    [
      "an address of the other family",
      "create a hash:ip\nadd a fd00::1",
      "2:1 rules-syntax expected an entry of a set of type hash:ip",
    ],
    [
      "a set that nobody made",
      "create a hash:ip\nadd b 10.0.0.1",
      "2:1 unknown-set there is no set b: expected create before it",
    ],
    [
      "a line that is none",
      "create a hash:ip\nhello",
      "2:1 rules-syntax expected create, add, del, flush or destroy and a set, as ipset save prints them",
    ],
  ])("%s is told", (_, text, finding) => {
    expect(findingsIn(text)).toEqual([finding]);
  });

  test("are told from those of nft", () => {
    expect(isIpset("create table ip t\ncreate set ip t s { type ipv4_addr; }\n")).toBe(false);
    expect(isIpset("create s hash:ip family inet\n")).toBe(true);
  });
});
