import { type Address, parseAddress } from "../net/address.ts";
import { isInterfaceName } from "../net/interface-name.ts";
import { type Prefix, parsePrefix, printPrefix } from "../net/prefix.ts";
import {
  asArray,
  asBoolean,
  asOneOf,
  asString,
  asStringOrArray,
  type Context,
  reportInvalid,
} from "../specs/decode.ts";
import { blocksNamed } from "../specs/kube-proxy-config.ts";
import type { Node } from "../specs/node.ts";
import { checkMembers } from "../specs/unknown-fields.ts";
import { type Config, DETECT_LOCAL_MODES } from "./config.ts";
import { MODES } from "./settings.ts";

/** The members that a config has; a config file has apiVersion and kind besides. */
const MEMBERS: ReadonlySet<string> = new Set([
  "nodeName",
  "mode",
  "nodeIP",
  "nodeIPs",
  "detectLocalMode",
  "detectLocalInterface",
  "clusterCIDR",
  "serviceCIDRs",
  "nodePortAddresses",
  "localhostNodePorts",
  "masqueradeAll",
  "tcpBeLiberal",
  "ingressController",
  "zone",
]);

/** The settings at `node`: a config file's document (`file`), or the `proxy:` block of a case. */
export function decodeConfig(context: Context, node: Node, file: boolean): Config {
  checkMembers(context, node, file ? new Set([...MEMBERS, "apiVersion", "kind"]) : MEMBERS);
  if (file) {
    asOneOf(context, node.get("apiVersion"), ["kpc.dev/v1alpha1"]);
    asOneOf(context, node.get("kind"), ["Config"]);
  }
  const zone = Object.hasOwn(node.value as object, "zone") ? (asString(context, node.get("zone")) ?? null) : undefined;
  return {
    nodeName: asString(context, node.get("nodeName")),
    mode: asOneOf(context, node.get("mode"), MODES),
    nodeIp: optional(node.get("nodeIP"), (value) =>
      asStringOrArray(context, value).flatMap((item) => decodeAddress(context, item)),
    ),
    nodeIps: optional(node.get("nodeIPs"), (value) =>
      asArray(context, value).flatMap((item) => decodeAddress(context, item)),
    ),
    detectLocalMode: asOneOf(context, node.get("detectLocalMode"), DETECT_LOCAL_MODES),
    detectLocalInterface: optional(node.get("detectLocalInterface"), (value) => decodeInterfaceName(context, value)),
    clusterCidr: optional(node.get("clusterCIDR"), (value) =>
      asStringOrArray(context, value).flatMap((item) => decodePrefix(context, item)),
    ),
    serviceCidrs: optional(node.get("serviceCIDRs"), (value) =>
      asArray(context, value).flatMap((item) => decodePrefix(context, item)),
    ),
    nodePortAddresses: optional(node.get("nodePortAddresses"), (value) => decodeNodePortAddresses(context, value)),
    localhostNodePorts: asBoolean(context, node.get("localhostNodePorts")),
    masqueradeAll: asBoolean(context, node.get("masqueradeAll")),
    tcpBeLiberal: asBoolean(context, node.get("tcpBeLiberal")),
    ingressController: asString(context, node.get("ingressController")),
    zone,
    origins: definedOf({
      nodeName: node.get("nodeName"),
      nodeIp: node.get("nodeIP"),
      nodeIps: node.get("nodeIPs"),
      zone: node.get("zone"),
      detectLocalMode: node.get("detectLocalMode"),
      detectLocalInterface: node.get("detectLocalInterface"),
      clusterCidr: node.get("clusterCIDR"),
    }),
  };
}

function definedOf<K extends string, T>(record: Readonly<Record<K, T | undefined>>): Partial<Record<K, T>> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<Record<K, T>>;
}

function optional<T>(node: Node | undefined, decode: (node: Node) => T): T | undefined {
  return node === undefined ? undefined : decode(node);
}

function decodeNodePortAddresses(context: Context, node: Node): readonly (Prefix | "primary")[] | undefined {
  if (node.value === "default") return undefined;
  return asArray(context, node).flatMap((item): readonly (Prefix | "primary")[] => {
    if (item.value === "primary") return ["primary"];
    const named = typeof item.value === "string" ? blocksNamed(item.value) : undefined;
    return named ?? decodePrefix(context, item);
  });
}

function decodeAddress(context: Context, node: Node): Address[] {
  const text = asString(context, node);
  const address = text === undefined ? undefined : parseAddress(text);
  if (address === undefined && text !== undefined)
    reportInvalid(context, node, "must be an IP address, such as 192.168.0.2 or fd00::2");
  return address === undefined ? [] : [address];
}

function decodePrefix(context: Context, node: Node): Prefix[] {
  const text = asString(context, node);
  if (text === undefined) return [];
  const prefix = parsePrefix(text);
  if (!("kind" in prefix)) return [prefix];
  const hint =
    prefix.kind === "host-bits"
      ? `must not have bits set beyond the prefix length, such as ${printPrefix(prefix.masked)}`
      : "must be a CIDR, such as 10.244.0.0/16";
  reportInvalid(context, node, hint);
  return [];
}

function decodeInterfaceName(context: Context, node: Node): string | undefined {
  const name = asString(context, node);
  if (name === undefined || isInterfaceName(name)) return name;
  reportInvalid(
    context,
    node,
    "must be an interface name: at most 15 characters, no spaces, slashes, colons or quotes",
  );
  return undefined;
}
