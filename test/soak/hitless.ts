/**
 * New connections to a Service, as fast as a sender makes them, while its endpoints change, other Services come and go, and agents follow each
 * other: each is translated.
 *
 *   npm run soak:hitless -- [--transactions 10000] [--seconds 600] [--seed 1]
 *
 * It needs root, nft, perl and unshare. The rules are those of an agent with an API server of its own, in a network namespace. A counter behind the
 * rules counts packets that still have the address of the Service.
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import type { Manifest } from "../support/arbitraries.ts";
import { PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { ENVIRONMENT } from "../support/kernel.ts";
import { LiveAgent } from "../support/live-agent.ts";

const { values } = parseArgs({
  options: {
    transactions: { type: "string", default: "10000" },
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: "1" },
  },
});

const ADDRESS = "172.30.0.41";
const CONFIG = { ...toConfig(PROXY), mode: "nftables" } as const;

/** Transactions after which another agent takes over. */
const OF_ONE_AGENT = 500;

/** Each change is a transaction of its own. */
const TIMES = { settleMs: 0, longestMs: 0, lookMs: 1000 } as const;

/** Packets that open connections from ports and addresses of their own, written to a socket that takes whole packets. It ends with its standard
 *  input, and then tells how many it has sent. */
const SENDER = `
use strict; use Socket;
socket(my $raw, AF_INET, SOCK_RAW, 255) or die $!;
my $to = pack_sockaddr_in(0, inet_aton('${ADDRESS}'));
my $rest = inet_aton('${ADDRESS}');
my ($sent, $refused, $bits) = (0, 0, '');
vec($bits, fileno(STDIN), 1) = 1;
while (1) {
  for (1 .. 500) {
    my $source = pack 'CCn', 172, 16, int($sent / 60000) % 65536;
    my $packet = pack('CCnnnCCn', 0x45, 0, 40, 0, 0, 64, 6, 0) . $source . $rest
      . pack('nnNNCCnnn', 1024 + $sent % 60000, 80, $sent, 0, 0x50, 2, 1000, 0, 0);
    defined send $raw, $packet, 0, $to or $refused++;
    $sent++;
  }
  last if select my $ready = $bits, undef, undef, 0;
}
print "$sent packets sent, $refused refused";
`;

/** What stands behind the rules: nothing to the Service's address is left. */
const WATCH = `
set -e
ip link add d0 type veth peer name d1
ip link set d0 arp off up; ip link set d1 arp off up # who is at the other end drops all packets
ip addr add 192.168.0.2/24 dev d0; ip route add default dev d0
sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_syn_sent=1
nft -f - <<'END'
table ip watch {
  chain behind {
    type filter hook output priority -50;
    ip daddr ${ADDRESS} counter comment "untranslated"
    ip daddr 10.180.0.0/16 counter comment "translated"
  }
}
END
`;

let state = Number(values.seed);
function pick(count: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * count);
}

function service(name: string, address: string, more: object = {}): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP: address, clusterIPs: [address], ipFamilies: ["IPv4"], ports: [{ port: 80 }], ...more },
  };
}

function slice(name: string, numbers: readonly number[]): Manifest {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: numbers.map((number) => ({ addresses: [`10.180.${number >> 8}.${number & 255}`] })),
    ports: [{ name: "", port: 8080 }],
  };
}

/** One to nine of twelve endpoints. */
function someEndpoints(): number[] {
  const all = Array.from({ length: 12 }, (_, number) => number + 1).filter(() => pick(2) === 0);
  return all.length === 0 ? [1] : all;
}

const STICKY = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };

/** Something that changes rules: mostly the endpoints of the Service that is asked for. */
function change(live: LiveAgent): void {
  const other = `other-${pick(5)}`;
  const address = `172.30.1.${10 + Number(other.at(-1))}`;
  switch (pick(12)) {
    case 0:
      live.put(service(other, address));
      break;
    case 1:
      live.put(slice(other, someEndpoints()));
      break;
    case 2:
      live.delete(service(other, address));
      break;
    case 3:
      live.put(service("web", ADDRESS, pick(2) === 0 ? STICKY : {}));
      break;
    default:
      live.put(slice("web", someEndpoints()));
      break;
  }
}

const live = await LiveAgent.start(CONFIG, [service("web", ADDRESS), slice("web", [1, 2, 3])], { times: TIMES });
const { status, output } = live.namespace.run(WATCH);
if (status !== 0) throw new Error(output);
await live.agreed();
const [program = "", ...args] = [...live.namespace.wrapper, "perl", "-e", SENDER];
const sender = spawn(program, args, { env: ENVIRONMENT, stdio: ["pipe", "pipe", "inherit"] });
let sent = "";
sender.stdout.setEncoding("utf8").on("data", (text: string) => {
  sent += text;
});
const ended = new Promise((resolve) => sender.once("close", resolve));

const begun = performance.now();
const end = begun + 1000 * Number(values.seconds);
const wanted = Number(values.transactions);
let agents = 1;
for (let last = 0; live.transactions.length < wanted && performance.now() < end; ) {
  change(live);
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (live.transactions.length - last < OF_ONE_AGENT) continue;
  last = live.transactions.length;
  await live.agent.stop();
  await live.startAgain();
  agents++;
}
const seconds = (performance.now() - begun) / 1000;
sender.stdin.end();
await ended;
await live.agreed();
const counted = live.namespace.run("nft list table ip watch").output;
const packets = (what: string): number =>
  Number(new RegExp(`packets (\\d+) bytes \\d+ comment "${what}"`).exec(counted)?.[1] ?? Number.NaN);
const [untranslated, translated] = [packets("untranslated"), packets("translated")];
const refused = live.log.filter((line) => line.includes("refused"));
await live.close();
process.stdout.write(
  `${live.transactions.length} transactions of ${agents} agents in ${seconds.toFixed(0)} s, ${sent}: ` +
    `${translated} translated, ${untranslated} not; ${refused.length} transactions refused${refused.slice(0, 3).join("\n")}\n`,
);
process.exitCode = untranslated === 0 && translated > 0 && refused.length === 0 ? 0 : 1;
