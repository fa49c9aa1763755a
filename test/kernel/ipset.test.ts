import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../compiler/evaluate/packet.ts";
import { readIpset } from "../../compiler/formats/ipset/read.ts";
import { readIptables } from "../../compiler/formats/iptables/read.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";

const missing = kernelMissing ?? ipsetMissing();

function ipsetMissing(): string | undefined {
  if (spawnSync("ipset", ["version"]).error === undefined) return undefined;
  const reason = "ipset is not installed (apt-get install ipset)";
  process.stderr.write(`tests of ipset are left out: ${reason}\n`);
  return reason;
}

const SETS = `create a hash:ip
add a 10.0.0.1
create n hash:net
add n 10.0.0.0/8
add n 10.1.0.0/16 nomatch
add n 10.1.2.0/24
create m hash:ip netmask 24
add m 10.1.2.0
create p hash:ip,port
add p 10.0.0.1,udp:53
add p 10.1.2.9,udp:80-82
create i hash:ip,port,ip
add i 10.0.0.1,udp:53,10.7.0.1
create x hash:ip,port,net
add x 10.0.0.1,udp:53,10.0.0.0/8
add x 10.0.0.1,udp:53,10.7.0.0/24 nomatch
create q hash:net,port
add q 10.0.0.0/8,udp:53
add q 10.1.0.0/16,udp:53 nomatch
create b bitmap:port range 50-90
add b 80-82
create r bitmap:ip range 10.1.0.0/16 netmask 24
add r 10.1.2.0
create t hash:ip timeout 600
add t 10.0.0.1 timeout 300
create l list:set
add l m
add l a
`;

const MATCHES = [
  "a src",
  "a dst",
  "a dst,dst",
  "n dst",
  "m dst",
  "p dst",
  "p dst,dst",
  "p dst,src",
  "i dst,dst,src",
  "i dst,dst",
  "x dst,dst,src",
  "q dst,dst",
  "b dst",
  "b src",
  "r dst",
  "t dst",
  "l dst",
].flatMap((match) => [`--match-set ${match}`, `! --match-set ${match}`]);

/** From, to and port of datagrams. */
const DATAGRAMS = [
  ["10.7.0.1", 4000, "10.0.0.1", 53],
  ["10.7.0.1", 53, "10.0.0.1", 80],
  ["10.7.1.1", 4000, "10.0.0.1", 53],
  ["10.7.0.1", 81, "10.1.2.9", 81],
  ["10.7.0.1", 4000, "10.1.9.9", 53],
  ["10.7.1.1", 4000, "172.16.0.1", 53],
] as const;

const RULES = `*mangle\n:OUTPUT ACCEPT [0:0]\n${MATCHES.map((match) => `-A OUTPUT -m set ${match}\n`).join("")}COMMIT\n`;

/** Sends each datagram past rules that are counted anew for it. */
const SCRIPT = `ip link set lo up
ip link add veth0 type veth peer name other && ip link set other up && ip addr add 10.7.0.1/32 dev veth0 && ip addr add 10.7.1.1/32 dev veth0 && ip link set veth0 up
ip route add default dev veth0
for to in 10.0.0.1 10.1.2.9 10.1.9.9 172.16.0.1; do ip neigh replace $to lladdr 02:00:00:00:00:09 dev veth0 nud permanent; done
ipset restore < "$1" || exit 1
ipset save > "$3"
iptables-nft-restore < "$2" || exit 1
${DATAGRAMS.map(
  ([from, sport, to, dport]) => `iptables-nft -t mangle -Z
perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Proto => "udp", LocalAddr => "${from}", LocalPort => ${sport}, PeerAddr => "${to}", PeerPort => ${dport})->send("x")' || exit 1
iptables-nft-save -c -t mangle | sed -n 's/^\\[\\([0-9]*\\):.* -m set .*/\\1/p' | tr '\\n' ' '; echo`,
).join("\n")}`;

describe.skipIf(missing !== undefined)(`sets of ipset${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  test("are asked as the kernel asks them", async () => {
    await withFiles([SETS, RULES, "", SCRIPT], async ([sets, rules, saved, script]) => {
      const { status, output } = await inNamespace(`sh ${script} ${sets} ${rules} ${saved} && cat ${saved}`);
      expect(`${status} ${output}`).toMatch(/^0 /);
      const lines = output.trim().split("\n");
      const counted = lines.slice(0, DATAGRAMS.length).map((line) => line.trim().split(" ").map(Number));
      const text = lines.slice(DATAGRAMS.length).join("\n");
      for (const source of [SETS, text]) {
        const ipsets = readIpset({ name: "sets", text: source }, ({ message }) => expect.unreachable(message));
        const foretold = DATAGRAMS.map(([from, sourcePort, to, destinationPort]) =>
          MATCHES.map((match) => {
            const rule = `*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -m set ${match} -j DROP\nCOMMIT\n`;
            const program = readIptables({ name: "rule", text: rule }, ({ message }) => expect.unreachable(message), {
              ipsets,
            });
            const outcomes = new Evaluator(program).evaluateWhole(
              {
                protocol: 17,
                source: parseAddress(from) as Address,
                sourcePort,
                destination: parseAddress(to) as Address,
                destinationPort,
                inInterface: undefined,
                mark: 0,
              },
              environmentOf([]),
            );
            expect(outcomes).toHaveLength(1);
            return outcomes[0]?.verdict === "drop" ? 1 : 0;
          }),
        );
        expect(foretold).toEqual(counted);
      }
    });
  });
});
