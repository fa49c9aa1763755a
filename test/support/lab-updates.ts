/** Rules of all nodes that are replaced again and again, while pods talk to Services whose endpoints are on other nodes. */
import { setTimeout } from "node:timers/promises";
import { printAddress } from "../../compiler/net/address.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";
import { addressOf, describeShop, SHOP, service } from "./walks.ts";

/** What was seen meanwhile. */
export interface UpdatesUnderLoad {
  /** New connections to Services that were served, and that were not. */
  readonly served: number;
  readonly lost: number;
  /** Addresses of Services that packets still had behind the nodes. */
  readonly untranslated: readonly string[];
  /** Lines that went there and back over one connection, and how that ended: `open`, or what went wrong. */
  readonly lines: number;
  readonly connection: string;
}

const ECHO_SERVER = `use IO::Socket::INET; $| = 1;
my $listening = IO::Socket::INET->new(LocalAddr => "10.244.2.11", LocalPort => 8081, Listen => 5, ReuseAddr => 1) or die $!;
my $taken = $listening->accept; $taken->autoflush(1); while (<$taken>) { print $taken $_ }`;

/** It has no rest: the next line goes out as soon as the one before is back. */
const ECHO_CLIENT = `use IO::Socket::INET;
my $to = IO::Socket::INET->new(PeerAddr => "10.96.0.20", PeerPort => 80, Timeout => 5) or die "no connection: $!";
$to->autoflush(1); $SIG{ALRM} = sub { die "no line for 20 s" }; my $lines = 0;
until (-e "/run/stop") { alarm 20; print $to "line $lines\\n"; my $back = <$to> // die "closed"; $back eq "line $lines\\n" or die "got $back"; $lines++; select undef, undef, undef, 0.002 }
print "$lines open\\n";`;

/** Who makes a new connection to the Service of both nodes' pods each time that rules are replaced. */
const CLIENTS = ["pod/shop/client", "pod/shop/api", "pod/shop/web-2", "node/n1"];

/** Replaces the rules of both nodes `rounds` times, in turn by those with one Service more and those without. */
export async function updateUnderLoad(rounds: number): Promise<UpdatesUnderLoad> {
  const kind = { pods: "bridge" } as const;
  const first = describeShop(kind);
  const more = service("more", 50, "api", { type: "ClusterIP", ports: [{ port: 80, targetPort: 8081 }] });
  const second = describeShop(kind, [...SHOP, more]);
  const { network } = first.layout;
  const lab = await PacketLab.up(network, first.programOf);
  try {
    for (const [host, address] of [
      ["pod/shop/web-1", "10.244.1.11"],
      ["pod/shop/web-2", "10.244.2.10"],
    ] as const)
      await lab.serve(host, 6, addressOf(address), 8080);
    await lab.run("pod/shop/api", "cat > /run/server.pl; perl /run/server.pl > /run/server.out 2>&1 &", ECHO_SERVER);
    await lab.run("pod/shop/api", "for i in $(seq 100); do ss -ltn | grep -q :8081 && exit 0; sleep 0.1; done; exit 1");
    await lab.run("pod/shop/client", "cat > /run/client.pl; perl /run/client.pl > /run/client.out 2>&1 &", ECHO_CLIENT);
    await lab.run(
      "pod/shop/client",
      "for i in $(seq 100); do ss -tn | grep -q ESTAB && exit 0; sleep 0.1; done; exit 1",
    );
    await lab.watch(["gateway"]);
    let served = 0;
    let lost = 0;
    const untranslated = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      const { programOf } = round % 2 === 0 ? second : first;
      const loads = [...network.hosts.values()].flatMap((host) => {
        const program = host.role.kind === "node" ? programOf(host) : undefined;
        return program === undefined ? [] : [lab.load(host.name, program)];
      });
      const asked = CLIENTS.map((from) =>
        lab.ask({
          ...{ protocol: 6, from, source: undefined, sourcePort: 0, patience: 10_000 },
          ...{ destination: addressOf("10.96.0.30"), destinationPort: 80 },
        }),
      );
      const answers = await Promise.all(asked);
      await Promise.all(loads);
      for (const { kind: end } of answers) end === "served" ? served++ : lost++;
      for (const { packet } of await lab.sightings()) {
        const destination = printAddress(packet.tuple.destination);
        if (destination.startsWith("10.96.")) untranslated.add(destination);
      }
    }
    await lab.run("pod/shop/client", "touch /run/stop");
    let told = "";
    for (let i = 0; i < 300 && told === ""; i++) {
      told = (await lab.run("pod/shop/client", "cat /run/client.out")).trim();
      if (told === "") await setTimeout(100);
    }
    const [, lines = "0", open] = /^(\d+) (open)$/.exec(told) ?? [];
    return { served, lost, untranslated: [...untranslated], lines: Number(lines), connection: open ?? told };
  } finally {
    lab.close();
  }
}
