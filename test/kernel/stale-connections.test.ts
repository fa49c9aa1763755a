/** UDP clients that go on sending while the endpoints of their Service change: proved with real packets. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { UNTIL_ROUTED } from "../../runtime/kernel/world.ts";
import { deleteConnections, dumpConnections } from "../../runtime/table/connections.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { changedFrontends, staleConnections, type UdpFrontend } from "../../runtime/table/stale-connections.ts";
import { TableWriter } from "../../runtime/table/writer.ts";
import { type HeldNamespace, holdNamespace } from "../support/held-namespace.ts";
import { ENVIRONMENT, kernelMissing } from "../support/kernel.ts";

/** `send COUNT`: a client with one socket sends to the Service, and a last packet of another socket goes to each endpoint, behind which nothing is on
 *  its way. The answer: how many packets of the client came to each endpoint. */
const PACKETS = `
use strict; use warnings; use Socket qw(:all); $| = 1;
my ($service, @endpoints) = map { my ($family, $address, $port) = split / /; $family == 4 ? pack_sockaddr_in($port, inet_pton(AF_INET, $address)) : pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)) } @ARGV;
my $family = sockaddr_family($service);
sub open_socket { socket(my $s, $family, SOCK_DGRAM, 0) or die "socket: $!"; return $s }
my @servers = map { my $s = open_socket(); bind $s, $_ or die "bind: $!"; $s } @endpoints;
my ($client, $other) = (open_socket(), open_socket());
while (my $line = <STDIN>) {
  for (1 .. ($line + 0)) { send $client, 'client', 0, $service }
  my @heard;
  for my $i (0 .. $#servers) {
    send $other, 'last', 0, $endpoints[$i] or die "send: $!"; my $count = 0;
    while (1) { recv $servers[$i], my $text, 99, 0; last if $text eq 'last'; $count++ }
    push @heard, $count;
  }
  print join(' ', @heard), "\\n";
}
`;

const FAMILIES = [
  { family: "IPv4", table: "ip", service: "10.96.0.53", a: "10.244.1.5", b: "10.244.2.7" },
  { family: "IPv6", table: "ip6", service: "fd00:96::53", a: "fd00:244:1::5", b: "fd00:244:2::7" },
] as const;

describe.skipIf(kernelMissing !== undefined).each(FAMILIES)("$family", ({ family, table, service, a, b }) => {
  let namespace: HeldNamespace;
  let writer: TableWriter;
  let netfilter: Netfilter;
  let packets: ChildProcessWithoutNullStreams;

  beforeEach(async () => {
    namespace = await holdNamespace();
    const addresses = [a, b].map((each) => `ip addr add ${each} dev lo`).join("; ");
    // What is not translated leaves by a device, and is for nobody.
    const own = family === "IPv4" ? "10.0.0.1/24" : "fd00:1::1/64 nodad";
    const device = `ip link add out type veth peer name in; ip link set out up; ip link set in up; ip addr add ${own} dev out`;
    const way = `ip route add ${service} dev out; ip neigh add ${service} lladdr 02:00:00:00:00:01 dev out nud permanent`;
    expect(namespace.run(`set -e; ${addresses}; ${device}; ${way}; ${UNTIL_ROUTED}`)).toEqual({
      status: 0,
      output: "",
    });
    writer = new TableWriter({ wrapper: namespace.wrapper });
    netfilter = new Netfilter(namespace.wrapper);
    const number = family === "IPv4" ? 4 : 6;
    const ends = [`${number} ${service} 53`, `${number} ${a} 53`, `${number} ${b} 53`];
    const [program = "", ...args] = [...namespace.wrapper, "perl", "-e", PACKETS, ...ends];
    packets = spawn(program, args, { env: ENVIRONMENT });
    packets.stdout.setEncoding("utf8");
  });

  afterEach(async () => {
    packets.kill("SIGKILL");
    await writer.close();
    netfilter.close();
    namespace.close();
  });

  /** How many packets came to the one endpoint and to the other. */
  const send = (count: number): Promise<string> =>
    new Promise((resolve) => {
      packets.stdout.once("data", (text: string) => resolve(text.trim()));
      packets.stdin.write(`${count}\n`);
    });

  /** Rules that translate to these endpoints, beside one for something else: conntrack sleeps until there is one that translates. */
  const translateTo = async (...endpoints: readonly string[]): Promise<void> => {
    const endOf = (each: string): string => (family === "IPv4" ? `${each}:53` : `[${each}]:53`);
    const ruleFor = (port: number, each: string): string =>
      `add rule ${table} t output ${table} daddr ${service} udp dport ${port} dnat to ${endOf(each)}\n`;
    const rule = [ruleFor(54, a), ...endpoints.map((each) => ruleFor(53, each))].join("");
    const text = `add table ${table} t\nadd chain ${table} t output { type nat hook output priority -100; }\nflush chain ${table} t output\n${rule}`;
    expect(await writer.transact(text)).toEqual({ kind: "done" });
  };

  const frontendTo = (...endpoints: readonly string[]): UdpFrontend => ({
    family,
    address: parseAddress(service) as Address,
    port: 53,
    endpoints: endpoints.map((each) => ({ address: parseAddress(each) as Address, port: 53 })),
  });

  const deleteStale = async (before: readonly UdpFrontend[], after: readonly UdpFrontend[]): Promise<number> => {
    const connections = await dumpConnections(netfilter, family);
    return await deleteConnections(netfilter, staleConnections(changedFrontends(before, after), connections, []));
  };

  test("without rules for it, a client stays at the endpoint that has gone, until its entry does", async () => {
    await translateTo(a);
    expect(await send(5)).toBe("5 0");
    await translateTo(b);
    expect(await send(5)).toBe("5 0");
    expect(await deleteStale([frontendTo(a)], [frontendTo(b)])).toBe(1);
    expect(await send(5)).toBe("0 5");
    expect(await deleteStale([frontendTo(a)], [frontendTo(b)])).toBe(0);
  });

  test("packets sent before there are rules leave an entry that leads nowhere", async () => {
    await translateTo();
    expect(await send(5)).toBe("0 0");
    await translateTo(b);
    expect(await send(5)).toBe("0 0");
    expect(await deleteStale([], [frontendTo(b)])).toBe(1);
    expect(await send(5)).toBe("0 5");
  });

  test("a Service without endpoints, and one that is gone, lets go of its clients", async () => {
    await translateTo(a);
    expect(await send(5)).toBe("5 0");
    expect(await deleteStale([frontendTo(a)], [frontendTo()])).toBe(1);
    expect(await send(5)).toBe("5 0"); // the rule is still there
    expect(await deleteStale([frontendTo(a)], [])).toBe(1);
  });

  test("the kernel gives the entries of one destination; others stay", async () => {
    await translateTo(a);
    await send(3);
    const address = parseAddress(service) as Address;
    const all = await dumpConnections(netfilter, family);
    const [only, ...more] = await dumpConnections(netfilter, family, { address, port: 53 });
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      destination: { address, port: 53 },
      answering: { address: parseAddress(a), port: 53 },
    });
    expect(await dumpConnections(netfilter, family, { address, port: 54 })).toEqual([]);
    const ofPort = await dumpConnections(netfilter, family, { port: 53 });
    expect(ofPort.length).toBe(all.filter(({ destination }) => destination.port === 53).length);
    expect(ofPort.length).toBeGreaterThan(1);
    expect(only && (await deleteConnections(netfilter, [only, only]))).toBe(1);
    expect((await dumpConnections(netfilter, family)).length).toBe(all.length - 1);
  });
});
