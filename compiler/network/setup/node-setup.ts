/** What a node needs besides rules, as a script for a root shell: sysctls, the bridge or tunnel of its pods, routes to other nodes' pods. */
import { lineAndColumn } from "../../diagnostics.ts";
import { type Address, FAMILIES, type Family, familyOf, printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import type { Host, HostInterface, Network } from "../network.ts";
import type { Provenance } from "../provenance.ts";
import type { NextHop, TableRoute } from "../types.ts";
import { sysctlsOf } from "./sysctls.ts";

/** A command, and why it is needed. */
interface SetupLine {
  readonly command: string;
  readonly provenance: Provenance;
}

/** The script for `host`, a node of `network`. It may run again: each command replaces what is there. `title`: lines of comment above. */
export function nodeSetup(network: Network, host: Host, title: readonly string[]): string {
  const pods = interfacesToPods(network, host);
  const kept = host.interfaces.filter(({ name }) => !pods.has(name));
  const made = kept.filter(({ kind }) => kind === "bridge" || kind === "vxlan" || kind === "ipip");
  const sysctls = sysctlsOf(host, kept);
  const bridged = sysctls.filter(({ name }) => name.startsWith("net.bridge."));
  const [first] = bridged;
  const modules =
    first === undefined
      ? []
      : [{ command: "[ -d /proc/sys/net/bridge ] || modprobe br_netfilter", provenance: NETFILTER_MODULE }];
  const devices = made.flatMap((each) => making(each));
  const settings = sysctls.map(({ name, value, provenance }) => ({
    command: `sysctl -q -w ${name}=${value}`,
    provenance,
  }));
  const batch = (family: Family): SetupLine[] => [
    ...made.flatMap((each) => addressing(each, family)),
    ...made.flatMap((each) => neighboursOf(each, family)),
    ...routesOf(host, family, pods),
  ];
  const parts = [
    ["#!/bin/sh", ...title.map((line) => (line === "" ? "#" : `# ${line}`)), "set -e"],
    [...modules, ...devices, ...settings].map(printLine),
    ...FAMILIES.map((family) => printBatch(family, batch(family))),
    made.flatMap(forwardingEntries).map(printLine),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const NETFILTER_MODULE: Provenance = { inferred: "has the sysctls of bridges" };

/** The first name of an interface that a shell or `ip -batch` might read as something else. */
export function unwritableName({ interfaces }: Host): string | undefined {
  return interfaces.map(({ name }) => name).find((name) => !/^[\w.@:~][\w.@:~-]*$/.test(name));
}

function interfacesToPods({ hosts, links }: Network, { name }: Host): ReadonlySet<string> {
  return new Set(
    links.flatMap(({ ends: [a, b] }) => {
      const [own, other] = a.host === name ? [a, b] : [b, a];
      return own.host === name && hosts.get(other.host)?.role.kind === "pod" ? [own.interface] : [];
    }),
  );
}

function printBatch(family: Family, lines: readonly SetupLine[]): string[] {
  return lines.length === 0
    ? []
    : [`ip ${family === "IPv4" ? "-4" : "-6"} -batch - <<'END'`, ...lines.map(printLine), "END"];
}

function printLine({ command, provenance: { origin, inferred } }: SetupLine): string {
  const span = origin?.span();
  const place = span === undefined ? undefined : `${span.source.name}:${lineAndColumn(span).line}`;
  const why = [inferred, place].filter((part) => part !== undefined).join(", ");
  // A name may hold anything; a comment ends with its line.
  return why === "" ? command : `${command}  # ${why.replace(/\p{Cc}/gu, "?")}`;
}

// --- interfaces ----------------------------------------------------------------------------------------------------------

function making({ name, kind, mtu, tunnel, provenance }: HostInterface): SetupLine[] {
  const make = `ip link show ${name} > /dev/null 2>&1 || ip link add ${name}`;
  const up = { command: `ip link set ${name} mtu ${mtu} up`, provenance };
  if (tunnel === undefined) return [{ command: `${make} type ${kind}`, provenance }, up];
  const local = `local ${printAddress(tunnel.local)}`;
  if (kind === "ipip") return [{ command: `${make} type ipip ${local}`, provenance }, up];
  const mac = `address ${macOf(tunnel.local)}`;
  return [
    { command: `${make} ${mac} type vxlan id 1 ${local} dstport ${tunnel.port ?? 4789} nolearning`, provenance },
    up,
  ];
}

/** The link-layer address of a VXLAN device, by which the other nodes' scripts know it. */
function macOf(outer: Address): string {
  const hex = outer.toString(16).padStart(8, "0").slice(-8);
  return `02:00:${[0, 2, 4, 6].map((at) => hex.slice(at, at + 2)).join(":")}`;
}

function addressing({ name, addresses, provenance }: HostInterface, family: Family): SetupLine[] {
  return addresses
    .filter(({ address }) => familyOf(address) === family)
    .map(({ address, length }) => ({
      command: `address replace ${printAddress(address)}/${length} dev ${name}${family === "IPv6" ? " nodad" : ""}`,
      provenance,
    }));
}

/** Who in the tunnel has the next hop's address: fixed, since nobody answers for it. */
function neighboursOf({ name, kind, tunnel }: HostInterface, family: Family): SetupLine[] {
  if (tunnel === undefined || kind !== "vxlan") return [];
  return [...tunnel.remotes]
    .filter(([hop]) => familyOf(hop) === family)
    .map(([hop, outer]) => ({
      command: `neighbour replace ${printAddress(hop)} lladdr ${macOf(outer)} dev ${name} nud permanent`,
      provenance: { inferred: `the tunnel's end on ${printAddress(outer)}` },
    }));
}

function forwardingEntries({ name, kind, tunnel }: HostInterface): SetupLine[] {
  if (tunnel === undefined || kind !== "vxlan") return [];
  return [...new Set(tunnel.remotes.values())].map((outer) => ({
    command: `bridge fdb replace ${macOf(outer)} dev ${name} dst ${printAddress(outer)}`,
    provenance: { inferred: `packets to the tunnel's end on ${printAddress(outer)}` },
  }));
}

// --- routes --------------------------------------------------------------------------------------------------------------

/** Routes that are neither made by the kernel, nor to the node's own pods, nor the default route, which a node has before it joins. */
function routesOf(host: Host, family: Family, pods: ReadonlySet<string>): SetupLine[] {
  const seen = new Set<string>();
  const isNeeded = (route: TableRoute): boolean => {
    if (route.isAutomatic === true || route.hops.some((hop) => pods.has(hop.interface))) return false;
    if (route.prefix.length === 0 && route.provenance?.inferred !== undefined) return false;
    // Of equal routes the first counts.
    const key = `${printPrefix(route.prefix)} ${route.metric}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  };
  const { interfaces, routing } = host;
  const isCarried = ({ hops }: TableRoute): boolean =>
    family === "IPv4" || !hops.some((hop) => interfaces.find(({ name }) => name === hop.interface)?.kind === "ipip");
  return (routing[family].tables["main"] ?? []).filter(isNeeded).map((route) => ({
    command: isCarried(route)
      ? routeCommand(route, interfaces)
      : `# no route to ${printPrefix(route.prefix)}: IPIP carries no IPv6`,
    provenance: route.provenance ?? {},
  }));
}

function routeCommand(
  { kind, prefix, hops, metric, preferredSource }: TableRoute,
  interfaces: readonly HostInterface[],
): string {
  const [first, second] = hops;
  const words = [
    `route replace ${kind} ${printPrefix(prefix)}`,
    first !== undefined && second === undefined ? hopText(first, interfaces) : "",
    metric === 0 ? "" : `metric ${metric}`,
    preferredSource === undefined ? "" : `src ${printAddress(preferredSource)}`,
    ...(second === undefined ? [] : hops.map((hop) => `nexthop ${hopText(hop, interfaces)} weight ${hop.weight}`)),
  ];
  return words.filter((word) => word !== "").join(" ");
}

/** A route into IPIP names the outer address: there is no link layer that could find it. */
function hopText({ interface: name, gateway, isOnLink }: NextHop, interfaces: readonly HostInterface[]): string {
  const out = interfaces.find((each) => each.name === name);
  const outer = gateway !== undefined && out?.kind === "ipip" ? out.tunnel?.remotes.get(gateway) : undefined;
  const hop = outer ?? gateway;
  return `${hop === undefined ? "" : `via ${printAddress(hop)} `}dev ${name}${isOnLink === true ? " onlink" : ""}`;
}
