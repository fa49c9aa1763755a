/** From what the user says and what a Node object knows to what the other stages need. */
import type { Report } from "../diagnostics.ts";
import { nearest } from "../documents/nearest.ts";
import { type Address, type Family, familyOf, isLoopbackNet, literalAddress } from "../net/address.ts";
import { type Prefix, prefixContains, prefixFamily } from "../net/prefix.ts";
import type { NodeSpec, Specs } from "../specs/types.ts";
import type { Config } from "./config.ts";
import { detectorOf, reportDetector } from "./detector.ts";
import { podNetworksOf } from "./pod-network.ts";
import { serviceCidrsOf } from "./service-cidrs.ts";
import type { FamilySettings, Mode, NodeContext, NodePortAddresses, Settings } from "./settings.ts";

/** The node that is compiled for, and how it treats packets. */
export interface Resolved {
  readonly node: NodeContext;
  readonly settings: Settings;
}

/** Settings for one node. What the config does not say comes from the Node object of the config's `nodeName`, or of the
 *  only Node in the input, and from ServiceCIDR objects; then from kube-proxy's defaults. Reports `unknown-node`, `no-node`,
 *  `no-detector` and `ignored-field`. */
export function resolveConfig(config: Config, specs: Specs, report: Report): Resolved {
  const node = chooseNode(config, specs, report);
  reportDetector(config, node, report);
  const mode: Mode = config.mode ?? "nftables";
  const addresses = unique([...(config.nodeIp ?? []), ...(config.nodeIps ?? []), ...(node?.addresses ?? [])]);
  const primary = (family: Family): Address | undefined =>
    [...(config.nodeIp ?? []), ...addresses].find((address) => familyOf(address) === family);
  const zone = config.zone === undefined ? node?.zone : (config.zone ?? undefined);
  const serviceCidrs = serviceCidrsOf(config, specs);
  const podNetworks = podNetworksOf(config, specs, report);
  const family = (name: Family): FamilySettings => {
    const localhostNodePorts =
      mode === "iptables" && name === "IPv4" && (config.localhostNodePorts ?? true) && nodePortsHoldLoopback(config);
    return {
      detector: detectorOf(name, config, node),
      serviceCidrs: serviceCidrs.filter((prefix) => prefixFamily(prefix) === name),
      nodePorts: nodePortAddresses(name, mode, config, addresses, primary(name), localhostNodePorts),
      localhostNodePorts,
      primaryAddress: primary(name),
      podNetwork: podNetworks[name],
    };
  };
  return {
    node: {
      name: config.nodeName ?? node?.meta.name,
      zone,
      addresses,
    },
    settings: {
      mode,
      masqueradeAll: config.masqueradeAll ?? false,
      tcpBeLiberal: config.tcpBeLiberal ?? false,
      families: { IPv4: family("IPv4"), IPv6: family("IPv6") },
    },
  };
}

function chooseNode(config: Config, specs: Specs, report: Report): NodeSpec | undefined {
  const { nodes } = specs;
  if (config.nodeName !== undefined) {
    const node = nodes.find(({ meta }) => meta.name === config.nodeName);
    if (node === undefined && nodes.length > 0) reportUnknownNode(config, config.nodeName, nodes, report);
    return node;
  }
  if (nodes.length === 1) return nodes[0];
  const [why, flags] =
    nodes.length === 0
      ? ["no Node and no node name are given", "--node and --node-ip name"]
      : [`${nodes.length} Nodes are given and no --node says which`, "--node names"];
  report({
    severity: "note",
    code: "no-node",
    message: `${why}: no endpoint counts as local, and every local address serves node ports (${flags} one)`,
  });
  return undefined;
}

/** Where Nodes are given, a name that none of them has is a slip: for that node no endpoint would be local. */
function reportUnknownNode({ origins }: Config, wanted: string, nodes: readonly NodeSpec[], report: Report): void {
  const names = nodes.map(({ meta }) => meta.name);
  const near = nearest(wanted, names.toSorted());
  const hint =
    near === undefined ? `: expected one of ${namesAsText(names)}` : `, did you mean ${JSON.stringify(near)}?`;
  const origin = origins?.nodeName;
  report({
    severity: "error",
    code: "unknown-node",
    message: `there is no Node ${JSON.stringify(wanted)} in the input${hint}`,
    ...(origin === undefined ? {} : { origin }),
  });
}

/** In order; of many, the first ones. */
export function namesAsText(names: readonly string[]): string {
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `${names.toSorted().slice(0, MAX_NAMES).join(", ")}${more}`;
}

/** Names that a message lists. */
const MAX_NAMES = 10;

/** Blocks of the other family do not count: with none of this family, every local address answers. */
function nodePortAddresses(
  family: Family,
  mode: Mode,
  { nodePortAddresses: given }: Config,
  addresses: readonly Address[],
  primary: Address | undefined,
  localhostNodePorts: boolean,
): NodePortAddresses {
  const wanted = given ?? (mode === "nftables" ? ["primary" as const] : []);
  const prefixes = wanted.filter((item): item is Prefix => item !== "primary" && prefixFamily(item) === family);
  const primaries = wanted.includes("primary") && primary !== undefined ? [primary] : [];
  if (prefixes.some(({ length }) => length === 0) || (prefixes.length === 0 && primaries.length === 0))
    return { kind: "every-local" };
  const own = addresses.filter((address) => familyOf(address) === family);
  if (own.length === 0) return { kind: "local-within", prefixes };
  const loopback = localhostNodePorts ? LOOPBACK.filter((address) => familyOf(address) === family) : [];
  const within = [...own, ...loopback].filter((address) => prefixes.some((prefix) => prefixContains(prefix, address)));
  return { kind: "listed", addresses: unique([...primaries, ...within]) };
}

const LOOPBACK: readonly Address[] = ["127.0.0.1", "::1"].map(literalAddress);

/** kube-proxy turns localhost node ports off when the blocks leave no loopback address. */
function nodePortsHoldLoopback({ nodePortAddresses: given }: Config): boolean {
  const prefixes = (given ?? []).filter((item): item is Prefix => item !== "primary" && prefixFamily(item) === "IPv4");
  const primaryOnly = given?.includes("primary") === true && prefixes.length === 0;
  if (primaryOnly) return false;
  return prefixes.length === 0 || prefixes.some((prefix) => prefix.length === 0 || isLoopbackNet(prefix.address));
}

function unique(addresses: readonly Address[]): Address[] {
  return [...new Set(addresses)];
}
