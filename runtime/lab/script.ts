/** A described network as a shell script of the plain tools that make it. */
import type { Program } from "../../compiler/ir/types.ts";
import { familyOf } from "../../compiler/net/address.ts";
import type { Host, HostInterface, Network } from "../../compiler/network/network.ts";
import { printNft } from "../../compiler/print.ts";
import { hostCommands } from "./host-commands.ts";
import { LabTrouble } from "./lab-helper.ts";

/** For sh as root in `unshare -n -m`: a named network namespace for each host. Throws LabTrouble where rules cannot be printed. */
export function labScript(network: Network, programOf: (host: Host) => Program | undefined): string {
  const hosts = [...network.hosts.values()];
  return `${[
    "#!/bin/sh",
    "# Run it as root in namespaces of its own, which end with the shell: unshare -n -m sh -c '. ./lab.sh; exec sh'",
    "set -e",
    "mount -t tmpfs tmpfs /run && mkdir /run/netns",
    ...hosts.map(({ name }) => `ip netns add ${namespaceOf(name)}`),
    ...linkCommands(network),
    ...hosts.flatMap((host, i) => [
      "",
      `# ${host.name}`,
      `ip netns exec ${namespaceOf(host.name)} sh -e <<'END'`,
      "ip link set lo up",
      // Addresses of links are given below.
      "echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode",
      ...hostCommands(host).filter(
        (command) => host.interfaces.some(({ kind }) => kind === "bridge") || !/\/bridge\//.test(command),
      ),
      ...bridgeCommands(host),
      ...linkLocalCommands(host, i + 1),
      "END",
      ...ruleCommands(host, programOf(host)),
    ]),
  ].join("\n")}\n`;
}

/** `pod/shop/web-1` as the name of a namespace. */
function namespaceOf(host: string): string {
  return host.replaceAll("/", ".");
}

/** Both ends of a wire at once; an interface without one has its other end in its own namespace. */
function linkCommands({ hosts, links }: Network): string[] {
  const joined = new Set(links.flatMap(({ ends }) => ends.map((end) => `${end.host} ${end.interface}`)));
  const wires = links.map(({ ends: [a, b] }) => {
    const other = `peer name ${b.interface} netns ${namespaceOf(b.host)}`;
    return `ip -n ${namespaceOf(a.host)} link add ${a.interface} type veth ${other}`;
  });
  const loose = [...hosts.values()].flatMap(({ name: host, interfaces }) =>
    interfaces
      .filter(({ kind, name }) => kind === "ethernet" && !joined.has(`${host} ${name}`))
      .map(({ name }) => `ip -n ${namespaceOf(host)} link add ${name} type veth`),
  );
  return [...wires, ...loose];
}

function bridgeCommands({ interfaces }: Host): string[] {
  const bridges = interfaces.filter(({ kind }) => kind === "bridge");
  const proxies = interfaces.filter(({ proxyArp }) => proxyArp);
  return [
    ...bridges.map(({ name }) => `ip link set ${name} type bridge mcast_snooping 0`),
    ...proxies.map(({ name }) => `echo 0 > /proc/sys/net/ipv4/neigh/${name}/proxy_delay`),
  ];
}

/** Linux asks for IPv6 neighbours from such an address only, where it forwards packets. */
function linkLocalCommands({ interfaces }: Host, number: number): string[] {
  const isV6 = ({ addresses }: HostInterface, scope: string): boolean =>
    addresses.some((each) => familyOf(each.address) === "IPv6" && each.scope === scope);
  return interfaces.flatMap((own, i) => {
    const isAsking = own.isUp && own.kind !== "loopback" && own.tunnel === undefined && own.port === undefined;
    if (!isAsking || !isV6(own, "global") || isV6(own, "link")) return [];
    return [`ip -6 addr add fe80::${number.toString(16)}:${(i + 1).toString(16)}/64 dev ${own.name} nodad`];
  });
}

function ruleCommands({ name }: Host, program: Program | undefined): string[] {
  if (program === undefined) return [];
  const { text, unsupported } = printNft(program);
  const [first] = unsupported;
  if (first !== undefined) throw new LabTrouble(`rules of ${name}: ${first.message}`);
  return [`ip netns exec ${namespaceOf(name)} nft -f - <<'END'`, text.trimEnd(), "END"];
}
