/** The route tables and policy rules of a node. */
import { addressBits, type Family, familyOf, type Ipv4, type Ipv6 } from "../net/address.ts";
import { maskAddress, prefixRange } from "../net/prefix.ts";
import type { HostInterface } from "../network/network.ts";
import type { InterfaceAddress, PolicyRule, TableRoute } from "../network/types.ts";
import type { HostFacts } from "./facts.ts";

const BY_DEFAULT = { inferred: "no file has the policy rules: those that the kernel starts with" };

/** The rules that the kernel starts with. */
export const FIRST_RULES: Readonly<Record<Family, readonly PolicyRule[]>> = {
  IPv4: [ruleFor(0, "local"), ruleFor(32766, "main"), ruleFor(32767, "default")],
  IPv6: [ruleFor(0, "local"), ruleFor(32766, "main")],
};

function ruleFor(priority: number, table: string): PolicyRule {
  return { priority, action: { kind: "table", table }, provenance: BY_DEFAULT };
}

/** The tables of a family. The table `local`, and routes to connected subnets where there is no route at all, are made of the
 *  interfaces' addresses if no file has them, as the kernel makes them. */
export function tablesOf(
  { routes }: HostFacts,
  interfaces: readonly HostInterface[],
  family: Family,
): Readonly<Record<string, readonly TableRoute[]>> {
  const tables: Record<string, TableRoute[]> = {};
  const add = (table: string, route: TableRoute): void => {
    tables[table] ??= [];
    tables[table].push(route);
  };
  for (const each of routes) if (each.family === family) add(each.table, each.route);
  const { local: hasLocal, main: hasMain } = tables;
  for (const { name, isUp, addresses } of interfaces)
    for (const address of addresses) {
      if (!isUp || familyOf(address.address) !== family) continue;
      if (hasLocal === undefined) for (const route of localRoutes(name, address)) add("local", route);
      if (hasLocal === undefined && hasMain === undefined)
        for (const route of connectedRoutes(name, address)) add("main", route);
    }
  return tables;
}

const BY_ADDRESS = { inferred: "no file has it: the kernel makes it for an address of the interface" };

function localRoutes(name: string, { address, length, provenance }: InterfaceAddress): readonly TableRoute[] {
  const family = familyOf(address);
  const isLoopback = family === "IPv4" && Number(address) >>> 24 === 127;
  const own: TableRoute = {
    kind: "local",
    prefix: isLoopback ? { address: maskAddress(address, length), length } : { address, length: addressBits(family) },
    metric: 0,
    scope: family === "IPv4" ? "host" : "global",
    hops: [{ interface: name, weight: 1 }],
    ...(family === "IPv4" ? { preferredSource: address } : {}),
    isAutomatic: true,
    provenance: { ...provenance, ...BY_ADDRESS },
  };
  if (family === "IPv6" || length > 30) return [own];
  const { to } = prefixRange({ address: maskAddress(address, length), length });
  return [own, { ...own, kind: "broadcast", prefix: { address: to, length: 32 }, scope: "link" }];
}

function connectedRoutes(name: string, { address, length, peer, provenance }: InterfaceAddress): readonly TableRoute[] {
  const family = familyOf(address);
  const near = maskAddress(peer ?? address, length) as Ipv4 | Ipv6;
  const isAlone = length === addressBits(family) && peer === undefined;
  if (isAlone || (family === "IPv4" && Number(address) >>> 24 === 127)) return [];
  return [
    {
      kind: "unicast",
      prefix: { address: near, length },
      metric: family === "IPv4" ? 0 : 256,
      scope: family === "IPv4" ? "link" : "global",
      hops: [{ interface: name, weight: 1 }],
      ...(family === "IPv4" ? { preferredSource: address } : {}),
      isAutomatic: true,
      provenance: { ...provenance, ...BY_ADDRESS },
    },
  ];
}
