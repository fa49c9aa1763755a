import { type Address, type Family, familyOf, parseAddress, parseIpv4 } from "../../../compiler/net/address.ts";
import { hostPrefix, type Prefix, parsePrefix, prefixContains, prefixFamily } from "../../../compiler/net/prefix.ts";
import { type ProxySettings, readNodes } from "./manifests.ts";

/** The kube-proxy mode. */
export type OracleMode = "nftables" | "iptables";

/** Blocks of pods, and nodes, of one family. */
interface PodNetwork {
  readonly cidrs: readonly Prefix[];
  readonly nodes: readonly Address[];
}

/** The node, as one family of one kube-proxy sees it (section 1.3: nothing is shared between families). */
export interface Node {
  readonly mode: OracleMode;
  readonly family: Family;
  /** Undefined: no endpoint is local, and no node hint names this node. */
  readonly name: string | undefined;
  /** Undefined when the label is absent or empty (section 3). */
  readonly zone: string | undefined;
  /** Addresses of type LOCAL besides loopback. */
  readonly addresses: readonly Address[];
  readonly primary: Address | undefined;
  readonly detector: Detector | undefined;
  readonly masqueradeAll: boolean;
  readonly servicePrefixes: readonly Prefix[];
  /** Section 8. `all`: every LOCAL address; else the interface addresses inside the prefixes. */
  readonly nodePortAddresses: "all" | readonly Prefix[];
  /** Whether iptables' node ports on 127.0.0.0/8 are in effect, with the anti-martian drop they bring (section 8). */
  readonly localhostNodePorts: boolean;
  /** Section 12; undefined: what pods send elsewhere is left alone. */
  readonly podNetwork: PodNetwork | undefined;
}

/** Section 4.3: whether a packet comes from a pod of this node. */
type Detector = (source: Address, inInterface: string | undefined) => boolean;

/** The one address that interface lo holds; the rest of 127.0.0.0/8 is LOCAL without being an interface address. */
const LOOPBACK_ADDRESS = parseIpv4("127.0.0.1") as Address;

/** The node for packets of `family`. */
export function readNode(objects: readonly unknown[], proxy: ProxySettings, mode: OracleMode, family: Family): Node {
  const addresses = readAddresses(proxy.nodeIPs, family);
  const primary = readAddresses([proxy.nodeIP ?? ""], family)[0] ?? addresses[0];
  const nodePortAddresses = readNodePortAddresses(proxy, mode, family, primary);
  return {
    mode,
    family,
    name: proxy.nodeName || undefined,
    zone: proxy.zone || undefined,
    addresses,
    primary,
    detector: readDetector(proxy, family),
    masqueradeAll: proxy.masqueradeAll,
    servicePrefixes: readPrefixes(proxy.serviceCIDRs, family),
    nodePortAddresses,
    localhostNodePorts:
      mode === "iptables" &&
      family === "IPv4" &&
      proxy.localhostNodePorts &&
      (nodePortAddresses === "all" || nodePortAddresses.some(overlapsLoopback)),
    podNetwork: readPodNetwork(objects, proxy, family),
  };
}

/** The addresses of `family` among `texts`, in normal form; others are left out in silence (section 1.3). */
export function readAddresses(texts: readonly string[], family: Family): Address[] {
  return texts.flatMap((text) => {
    const address = parseAddress(text.trim());
    return address !== undefined && familyOf(address) === family ? [address] : [];
  });
}

/** The prefixes of `family` among `texts`; white space is trimmed (section 1.2), host bits are masked away. */
export function readPrefixes(texts: readonly string[], family: Family): Prefix[] {
  return texts.flatMap((text) => {
    const parsed = parsePrefix(text.trim());
    if ("kind" in parsed && parsed.kind === "not-a-prefix") return [];
    const prefix = "kind" in parsed ? parsed.masked : parsed;
    return prefixFamily(prefix) === family ? [prefix] : [];
  });
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(address: Address): boolean {
  return typeof address === "number" ? address >>> 24 === 127 : address === 1n;
}

/** Whether `address` has type LOCAL at this node. */
export function isLocalAddress(node: Node, address: Address): boolean {
  return isLoopback(address) || node.addresses.includes(address);
}

/** Section 12: whether what `source` sends to `destination` leaves the pod network through this node. */
export function leavesPodNetwork(node: Node, source: Address, destination: Address): boolean {
  if (node.podNetwork === undefined || isLocalAddress(node, source) || isMulticast(destination)) return false;
  const { cidrs, nodes } = node.podNetwork;
  const isPod = (address: Address): boolean => cidrs.some((cidr) => prefixContains(cidr, address));
  return isPod(source) && !isPod(destination) && !nodes.includes(destination);
}

function isMulticast(address: Address): boolean {
  return typeof address === "number" ? address >>> 28 === 14 : address >> 120n === 255n;
}

function readPodNetwork(
  objects: readonly unknown[],
  { masquerade, clusterCIDR }: ProxySettings,
  family: Family,
): PodNetwork | undefined {
  if (masquerade !== "kpc") return undefined;
  const { addresses, podCidrs } = readNodes(objects);
  const configured = readPrefixes(clusterCIDR, family);
  const cidrs = configured.length > 0 ? configured : readPrefixes(podCidrs, family);
  return cidrs.length === 0 ? undefined : { cidrs, nodes: readAddresses(addresses, family) };
}

/** Section 8: whether `address` is one that node ports are served on. */
export function isNodePortAddress(node: Node, address: Address): boolean {
  // Loopback: never in nftables mode, never for IPv6, and only where localhost node ports are in effect.
  if (isLoopback(address) && !node.localhostNodePorts) return false;
  if (node.nodePortAddresses === "all") return isLocalAddress(node, address);
  const isOnInterface = node.addresses.includes(address) || address === LOOPBACK_ADDRESS;
  return isOnInterface && node.nodePortAddresses.some((prefix) => prefixContains(prefix, address));
}

/** Section 8: the defaults of the two modes; no prefix of this family, or one that holds everything, is everything. */
function readNodePortAddresses(
  { nodePortAddresses }: ProxySettings,
  mode: OracleMode,
  family: Family,
  primary: Address | undefined,
): Node["nodePortAddresses"] {
  const byDefault = mode === "nftables" ? ["primary"] : [];
  const texts = nodePortAddresses === "default" ? byDefault : nodePortAddresses;
  const prefixes = readPrefixes(texts, family);
  if (texts.includes("primary") && primary !== undefined) prefixes.push(hostPrefix(primary));
  return prefixes.length === 0 || prefixes.some(({ length }) => length === 0) ? "all" : prefixes;
}

function overlapsLoopback(prefix: Prefix): boolean {
  return isLoopback(prefix.address) || prefixContains(prefix, LOOPBACK_ADDRESS);
}

/** Section 4.3: a mode without a usable setting is no detector, which is not the same as one that says no. */
function readDetector(proxy: ProxySettings, family: Family): Detector | undefined {
  const name = proxy.detectLocalInterface || undefined;
  const prefixes = readPrefixes(proxy.clusterCIDR, family);
  switch (proxy.detectLocalMode) {
    case "ClusterCIDR":
    case "NodeCIDR":
      return prefixes.length === 0 ? undefined : (source) => prefixes.some((prefix) => prefixContains(prefix, source));
    case "BridgeInterface":
      return name === undefined ? undefined : (_, inInterface) => inInterface === name;
    case "InterfaceNamePrefix":
      return name === undefined ? undefined : (_, inInterface) => inInterface?.startsWith(name) ?? false;
    case "none":
      return undefined;
  }
}
