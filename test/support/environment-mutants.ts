/** One thing of a described network that is otherwise than it should be, at a random host. */
import type { Program } from "../../compiler/ir/types.ts";
import {
  type Address,
  addressBits,
  FAMILIES,
  type Family,
  familyOf,
  printAddress,
} from "../../compiler/net/address.ts";
import { hostPrefix, type Prefix, printPrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface, Link, Network } from "../../compiler/network/network.ts";
import type { TableRoute } from "../../compiler/network/types.ts";
import { withInterface, withoutRoute, withPolicyRule, withRoute } from "./host-changes.ts";

export interface EnvironmentMutant {
  /** What is changed, and where: `node/n1: ip_forward off`. */
  readonly name: string;
  readonly kind: MutantKind;
  readonly host: string;
  readonly network: Network;
  /** More rules of the host, as `nft -f` reads them. */
  readonly rules?: string;
  /** Tables that the host's rules lack. */
  readonly lacks?: (table: string) => boolean;
}

export const MUTANT_KINDS = [
  "ip_forward off",
  "IPv6 forwarding off",
  "forwarding off at an interface",
  "bridge-netfilter off",
  "hairpin off",
  "port blocked",
  "port isolated",
  "port outside of the bridge",
  "proxy_arp off",
  "interface down",
  "wire cut",
  "address missing",
  "address of another host",
  "small MTU",
  "reverse path filter",
  "route missing",
  "default route missing",
  "blackhole route",
  "unreachable route",
  "prohibit route",
  "route to nobody",
  "route to another node",
  "route by another interface",
  "policy rule that refuses",
  "policy rule to an empty table",
  "end of the tunnel missing",
  "forward policy drops",
  "forward rule drops",
  "rule drops in prerouting",
  "rule drops in input",
  "no rules for Services",
  "no masquerading",
] as const;

export type MutantKind = (typeof MUTANT_KINDS)[number];

/** A mutant of `kind`; undefined: no host of the network can have it. `below` gives a random number. */
export function mutantOf(
  kind: MutantKind,
  network: Network,
  programOf: (host: Host) => Program | undefined,
  below: (limit: number) => number,
): EnvironmentMutant | undefined {
  const pick = <T>(list: readonly T[]): T | undefined => list[below(Math.max(1, list.length))];
  const hosts = [...network.hosts.values()];
  const nodes = hosts.filter(({ role }) => role.kind === "node");
  const pods = hosts.filter(({ role }) => role.kind === "pod");
  const routers = hosts.filter(({ role }) => role.kind === "node" || role.kind === "gateway");
  const changed = (host: Host, what: string, change: (each: Host) => Host): EnvironmentMutant => ({
    ...{ name: `${host.name}: ${what}`, kind, host: host.name },
    network: { ...network, hosts: new Map([...network.hosts].map(([name, each]) => [name, change(each)])) },
  });
  const atInterface = (
    host: Host | undefined,
    fits: (own: HostInterface) => boolean,
    change: (own: HostInterface) => HostInterface,
  ): EnvironmentMutant | undefined => {
    const own = host && pick(host.interfaces.filter(fits));
    return host && own && changed(host, `${kind}, ${own.name}`, withInterface(host.name, own.name, change));
  };
  const node = pick(nodes);
  const family = pick(FAMILIES) ?? "IPv4";
  const forwarding = (host: Host, which: Family): EnvironmentMutant =>
    changed(host, kind, (each) =>
      host.interfaces.reduce((made, { name }) => withInterface(host.name, name, noForwarding(which))(made), each),
    );
  const refusing = (route: TableRoute["kind"]): EnvironmentMutant | undefined => {
    const host = pick(routers);
    const prefix = blockOrAddress(pick(pods), family, below);
    if (host === undefined || prefix === undefined) return undefined;
    const made: TableRoute = { kind: route, prefix, metric: 0, scope: "global", hops: [] };
    return changed(host, `${kind} ${printPrefix(prefix)}`, withRoute(host.name, made));
  };
  const leading = (
    host: Host | undefined,
    prefix: Prefix | undefined,
    interfaceName: string | undefined,
    gateway?: Address,
  ): EnvironmentMutant | undefined => {
    if (host === undefined || prefix === undefined || interfaceName === undefined) return undefined;
    const hop = { interface: interfaceName, weight: 1, ...(gateway === undefined ? {} : { gateway }) };
    const made: TableRoute = { kind: "unicast", prefix, metric: 0, scope: "global", hops: [hop] };
    const text = `${kind} ${printPrefix(prefix)} dev ${interfaceName} ${gateway === undefined ? "" : printAddress(gateway)}`;
    return changed(host, text, withRoute(host.name, made));
  };
  const dropping = (hook: string, match: string): EnvironmentMutant | undefined => {
    const policy = match === "" ? "drop" : "accept";
    const rule = match === "" ? "" : `${match} drop`;
    const keyword = family === "IPv4" ? "ip" : "ip6";
    const rules = `table ${keyword} filter {\n\tchain FORWARD {\n\t\ttype filter hook ${hook} priority filter; policy ${policy};\n\t\t${rule}\n\t}\n}\n`;
    return node && { ...changed(node, `${kind} ${family} ${match}`, (each) => each), rules };
  };
  const someAddress = (): string => {
    const host = pick(pods);
    const address = host && globalAddress(host, family);
    return `${family === "IPv4" ? "ip" : "ip6"} ${below(2) === 0 ? "saddr" : "daddr"} ${address === undefined ? "::" : printAddress(address)}`;
  };
  switch (kind) {
    case "ip_forward off": {
      const host = pick(routers);
      return host && forwarding(host, "IPv4");
    }
    case "IPv6 forwarding off": {
      const host = pick(routers);
      return host && forwarding(host, "IPv6");
    }
    case "forwarding off at an interface":
      return atInterface(node, ({ kind: own }) => own !== "loopback", noForwarding("IPv4"));
    case "bridge-netfilter off":
      return (
        node &&
        changed(node, `${kind} ${family}`, (each) =>
          each.name === node.name ? { ...each, bridgeNetfilter: { ...each.bridgeNetfilter, [family]: false } } : each,
        )
      );
    case "hairpin off":
      return atInterface(node, isPort, withPort({ hairpin: false }));
    case "port blocked":
      return atInterface(node, isPort, withPort({ isForwarding: false }));
    case "port isolated":
      return (
        node &&
        changed(node, kind, (each) =>
          node.interfaces
            .filter(isPort)
            .reduce((made, { name }) => withInterface(node.name, name, withPort({ isolated: true }))(made), each),
        )
      );
    case "port outside of the bridge":
      return atInterface(node, isPort, ({ port: _, ...own }) => own);
    case "proxy_arp off":
      return atInterface(
        pick(routers),
        ({ proxyArp }) => proxyArp,
        (own) => ({ ...own, proxyArp: false }),
      );
    case "interface down":
      return atInterface(
        pick([...routers, ...pods]),
        ({ kind: own }) => own !== "loopback",
        (own) => ({ ...own, isUp: false }),
      );
    case "wire cut": {
      const wired = network.links.filter(({ ends }) => ends.some(({ host }) => host.startsWith("node/")));
      const wire = pick(wired);
      const own = wire?.ends.find(({ host }) => host.startsWith("node/"));
      const links: readonly Link[] = network.links.filter((each) => each !== wire);
      if (own === undefined) return undefined;
      return { name: `${own.host}: ${kind}, ${own.interface}`, kind, host: own.host, network: { ...network, links } };
    }
    case "address missing":
      return atInterface(
        pick(routers),
        ({ kind: own, addresses }) => own !== "loopback" && addresses.some(({ scope }) => scope === "global"),
        (own) => ({ ...own, addresses: own.addresses.filter(({ address }) => familyOf(address) !== family) }),
      );
    case "address of another host": {
      const address = globalAddressOf(pick(pods), family);
      return address === undefined
        ? undefined
        : atInterface(
            node,
            ({ name }) => name === "eth0",
            (own) => ({
              ...own,
              addresses: [...own.addresses, { address, length: addressBits(family), scope: "global" }],
            }),
          );
    }
    case "small MTU":
      return atInterface(
        pick(nodes),
        ({ kind: own }) => own !== "loopback",
        (own) => ({ ...own, mtu: 1280 }),
      );
    case "reverse path filter":
      return atInterface(
        pick(routers),
        ({ kind: own }) => own !== "loopback",
        (own) => ({ ...own, sysctls: { ...own.sysctls, IPv4: { ...own.sysctls.IPv4, reversePathFilter: 1 } } }),
      );
    case "route missing":
    case "default route missing": {
      const isDefault = kind === "default route missing";
      const host = pick([...routers, ...pods]);
      const routes = (host?.routing[family].tables["main"] ?? []).filter(
        ({ isAutomatic, prefix }) => isAutomatic !== true && (prefix.length === 0) === isDefault,
      );
      const victim = pick(routes);
      return (
        host &&
        victim &&
        changed(host, `${kind} ${printPrefix(victim.prefix)}`, withoutRoute(host.name, printPrefix(victim.prefix)))
      );
    }
    case "blackhole route":
      return refusing("blackhole");
    case "unreachable route":
      return refusing("unreachable");
    case "prohibit route":
      return refusing("prohibit");
    case "route to nobody": {
      const prefix = blockOrAddress(pick(pods), family, below);
      const nobody = globalAddressOf(node, family);
      return leading(node, prefix, "eth0", nobody === undefined ? undefined : plus(nobody, 77));
    }
    case "route to another node": {
      const prefix = blockOrAddress(pick(pods), family, below);
      return leading(node, prefix, "eth0", globalAddressOf(pick(nodes.filter((each) => each !== node)), family));
    }
    case "route by another interface": {
      const prefix = blockOrAddress(pick(pods), family, below);
      return leading(node, prefix, pick(node?.interfaces ?? [])?.name);
    }
    case "policy rule that refuses":
    case "policy rule to an empty table": {
      const host = pick(routers);
      const address = globalAddressOf(pick(pods), family);
      if (host === undefined || address === undefined) return undefined;
      const end = below(2) === 0 ? "from" : "to";
      const rule = {
        priority: 100,
        [end]: hostPrefix(address),
        action:
          kind === "policy rule that refuses"
            ? ({ kind: "unreachable" } as const)
            : ({ kind: "table", table: "100" } as const),
      };
      return changed(host, `${kind}: ${end} ${printAddress(address)}`, withPolicyRule(host.name, family, rule));
    }
    case "end of the tunnel missing": {
      const lost = pick(nodes.filter((each) => each !== node));
      const outer = globalAddressOf(lost, "IPv4");
      return atInterface(
        node,
        ({ tunnel }) => tunnel !== undefined,
        (own) =>
          own.tunnel === undefined
            ? own
            : {
                ...own,
                tunnel: {
                  ...own.tunnel,
                  remotes: new Map([...own.tunnel.remotes].filter(([, remote]) => remote !== outer)),
                },
              },
      );
    }
    case "forward policy drops":
      return dropping("forward", "");
    case "forward rule drops":
      return dropping("forward", someAddress());
    case "rule drops in prerouting":
      return dropping("prerouting", someAddress());
    case "rule drops in input":
      return dropping("input", someAddress());
    case "no rules for Services":
      return node && { ...changed(node, kind, (each) => each), lacks: (table) => table === "kpc" };
    case "no masquerading": {
      const tables = node === undefined ? [] : (programOf(node)?.ruleset.tables ?? []);
      if (node === undefined || !tables.some(({ name }) => name !== "kpc")) return undefined;
      return { ...changed(node, kind, (each) => each), lacks: (table) => table !== "kpc" };
    }
  }
}

function noForwarding(family: Family): (own: HostInterface) => HostInterface {
  return (own) => ({ ...own, sysctls: { ...own.sysctls, [family]: { ...own.sysctls[family], forwarding: false } } });
}

function isPort({ port }: HostInterface): boolean {
  return port !== undefined;
}

function withPort(change: Partial<NonNullable<HostInterface["port"]>>): (own: HostInterface) => HostInterface {
  return (own) => (own.port === undefined ? own : { ...own, port: { ...own.port, ...change } });
}

function globalAddressOf(host: Host | undefined, family: Family): Address | undefined {
  return host && globalAddress(host, family);
}

function globalAddress({ interfaces }: Host, family: Family): Address | undefined {
  return interfaces
    .filter(({ kind }) => kind === "ethernet")
    .flatMap(({ addresses }) => addresses)
    .find(({ address, scope }) => scope === "global" && familyOf(address) === family)?.address;
}

/** That of the pod, or the block around it. */
function blockOrAddress(host: Host | undefined, family: Family, below: (limit: number) => number): Prefix | undefined {
  const address = globalAddressOf(host, family);
  if (address === undefined) return undefined;
  if (below(2) === 0) return hostPrefix(address);
  return typeof address === "number"
    ? { address: ((address >>> 8) * 256) as Address, length: 24 }
    : { address: ((address >> 64n) << 64n) as Address, length: 64 };
}

function plus(address: Address, n: number): Address {
  return (typeof address === "number" ? address + n : address + BigInt(n)) as Address;
}
