/** What `ip -j addr`, `ip -j route show table all` and `ip -j rule` print of a host. */
import { type Address, addressBits, type Family, familyOf, parseAddress } from "../../compiler/net/address.ts";
import { type Prefix, parsePrefix } from "../../compiler/net/prefix.ts";
import type {
  Interface,
  InterfaceAddress,
  InterfaceSysctls,
  NextHop,
  PolicyRule,
  RouteKind,
  Scope,
  TableRoute,
} from "../../compiler/network/types.ts";

type Json = Readonly<Record<string, unknown>>;

export function readInterfaces(value: unknown, sysctlsOf: (name: string) => InterfaceSysctls): Interface[] {
  return listOf(value).map((link): Interface => {
    const name = textOf(link["ifname"]);
    const flags = Array.isArray(link["flags"]) ? link["flags"] : [];
    const addresses = listOf(link["addr_info"]).map(
      (info): InterfaceAddress => ({
        address: addressOf(info["local"]),
        length: Number(info["prefixlen"]),
        scope: scopeOf(info["scope"]),
        ...(info["secondary"] === true ? { isSecondary: true } : {}),
      }),
    );
    return {
      name,
      ...(flags.includes("LOOPBACK") ? { isLoopback: true } : {}),
      isUp: flags.includes("UP") && flags.includes("LOWER_UP"),
      addresses,
      sysctls: sysctlsOf(name),
    };
  });
}

export function readRoutes(value: unknown, family: Family): Readonly<Record<string, readonly TableRoute[]>> {
  const tables: Record<string, TableRoute[]> = {};
  for (const entry of listOf(value)) {
    const kind = entry["type"] ?? "unicast";
    if (!isRouteKind(kind)) continue;
    const prefix = prefixOf(entry["dst"], family);
    if (prefix === undefined) continue;
    const several = listOf(entry["nexthops"]);
    const hops = (several.length > 0 ? several : [entry]).flatMap((hop): NextHop[] => {
      if (typeof hop["dev"] !== "string") return [];
      const gateway = typeof hop["gateway"] === "string" ? { gateway: addressOf(hop["gateway"]) } : {};
      const flags = Array.isArray(hop["flags"]) ? hop["flags"] : [];
      const onLink = flags.includes("onlink") ? { isOnLink: true as const } : {};
      return [{ interface: hop["dev"], ...gateway, ...onLink, weight: Number(hop["weight"] ?? 1) }];
    });
    const table = String(entry["table"] ?? "main");
    tables[table] ??= [];
    tables[table].push({
      kind,
      prefix,
      metric: Number(entry["metric"] ?? 0),
      scope: scopeOf(entry["scope"]),
      hops,
      ...(entry["protocol"] === "kernel" ? { isAutomatic: true } : {}),
      ...(typeof entry["prefsrc"] === "string" ? { preferredSource: addressOf(entry["prefsrc"]) } : {}),
    });
  }
  return tables;
}

export function readRules(value: unknown, family: Family): PolicyRule[] {
  return listOf(value).map((entry): PolicyRule => {
    const block = (address: unknown, length: unknown): Prefix | undefined =>
      typeof address !== "string" || address === "all"
        ? undefined
        : { address: addressOf(address), length: length === undefined ? addressBits(family) : Number(length) };
    const from = block(entry["src"], entry["srclen"]);
    const to = block(entry["dst"], entry["dstlen"]);
    const mark =
      entry["fwmark"] === undefined
        ? undefined
        : { value: Number(entry["fwmark"]), mask: Number(entry["fwmask"] ?? 0xffffffff) };
    const action = entry["action"];
    return {
      priority: Number(entry["priority"]),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(mark === undefined ? {} : { mark }),
      ...(typeof entry["iif"] === "string" ? { inInterface: entry["iif"] } : {}),
      ...(entry["not"] === null || entry["not"] === true ? { isNegated: true } : {}),
      action:
        action === "blackhole" || action === "unreachable" || action === "prohibit"
          ? { kind: action }
          : { kind: "table", table: String(entry["table"]) },
    };
  });
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((each): each is Json => typeof each === "object" && each !== null) : [];
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error(`expected a text, found ${JSON.stringify(value)}`);
  return value;
}

function addressOf(value: unknown): Address {
  const address = parseAddress(textOf(value));
  if (address === undefined) throw new Error(`expected an address, found ${JSON.stringify(value)}`);
  return address;
}

function prefixOf(value: unknown, family: Family): Prefix | undefined {
  const text = textOf(value);
  if (text === "default") return { address: addressOf(family === "IPv4" ? "0.0.0.0" : "::"), length: 0 };
  const prefix = parsePrefix(text.includes("/") ? text : `${text}/${addressBits(family)}`);
  if ("kind" in prefix || familyOf(prefix.address) !== family) return undefined;
  return prefix;
}

function scopeOf(value: unknown): Scope {
  switch (value) {
    case undefined:
    case "global":
      return "global";
    case "site":
    case "link":
    case "host":
    case "nowhere":
      return value;
    default:
      throw new Error(`expected a scope, found ${JSON.stringify(value)}`);
  }
}

const KINDS: ReadonlySet<unknown> = new Set<RouteKind>([
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "throw",
  "blackhole",
  "unreachable",
  "prohibit",
]);

function isRouteKind(kind: unknown): kind is RouteKind {
  return KINDS.has(kind);
}
