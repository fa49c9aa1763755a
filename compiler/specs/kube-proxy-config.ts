import { type Context, wordOrEmpty } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";
import type { Address } from "../net/address.ts";
import { type Prefix, parsePrefix } from "../net/prefix.ts";
import { decodeAddress, decodePrefix } from "./address.ts";
import type { Located } from "./located.ts";
import { pattern, readShape } from "./shape.ts";
import type { KubeProxySpec } from "./types.ts";

const DETECT_LOCAL = { bridgeInterface: "string", interfaceNamePrefix: "string" } as const;

const IPTABLES = {
  localhostNodePorts: "boolean",
  masqueradeAll: "boolean",
  masqueradeBit: "any",
  minSyncPeriod: "any",
  snatNodeInternalIP: "any",
  syncPeriod: "any",
} as const;

const NFTABLES = { masqueradeAll: "boolean", masqueradeBit: "any", minSyncPeriod: "any", syncPeriod: "any" } as const;

const CONNTRACK = {
  max: "any",
  maxPerCore: "any",
  min: "any",
  tcpBeLiberal: "boolean",
  tcpCloseWaitTimeout: "any",
  tcpEstablishedTimeout: "any",
  udpStreamTimeout: "any",
  udpTimeout: "any",
} as const;

const CONFIGURATION = {
  apiVersion: "string",
  bindAddress: "string",
  bindAddressHardFail: "any",
  clientConnection: "any",
  clusterCIDR: "string",
  configSyncPeriod: "any",
  conntrack: CONNTRACK,
  detectLocal: DETECT_LOCAL,
  detectLocalMode: "string",
  enableProfiling: "any",
  featureGates: "any",
  healthzBindAddress: "any",
  hostnameOverride: "string",
  iptables: IPTABLES,
  ipvs: "any",
  kind: "string",
  logging: "any",
  metricsBindAddress: "any",
  mode: "string",
  nftables: NFTABLES,
  nodePortAddresses: ["string"],
  oomScoreAdj: "any",
  portRange: "any",
  showHiddenMetricsForVersion: "any",
  udpIdleTimeout: "any",
  windowsRunAsService: "any",
  winkernel: "any",
} as const;

export const KUBE_PROXY = pattern(CONFIGURATION);

const MODES = ["iptables", "ipvs", "nftables"] as const;
const DETECT_LOCAL_MODES = ["BridgeInterface", "ClusterCIDR", "InterfaceNamePrefix", "NodeCIDR"] as const;

/** Words that nodePortAddresses may have for blocks of both families. */
const BLOCKS_OF = { all: ["0.0.0.0/0", "::/0"], localhost: ["127.0.0.0/8", "::1/128"] } as const;

/** The blocks that `word` stands for in nodePortAddresses; undefined for anything else. */
export function blocksNamed(word: string): readonly Prefix[] | undefined {
  if (word !== "all" && word !== "localhost") return undefined;
  return BLOCKS_OF[word].flatMap((text) => {
    const prefix = parsePrefix(text);
    return "kind" in prefix ? [] : [prefix];
  });
}

/** kube-proxy's own settings, a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1): what decides rules, and the names
 *  of what else is set. Empty texts count as absent. */
export function decodeKubeProxy(context: Context, root: Field): KubeProxySpec | undefined {
  const fields = readShape(context, root, KUBE_PROXY);
  if (fields === undefined) return undefined;
  const { conntrack, detectLocal, iptables, nftables } = fields;
  const bindAddress = fields.bindAddress || undefined;
  return {
    hostnameOverride: fields.hostnameOverride || undefined,
    bindAddress:
      bindAddress === undefined
        ? undefined
        : specified(decodeAddress(context, bindAddress, () => root.member("bindAddress"))),
    mode: wordOrEmpty(context, root, "mode", fields.mode, MODES),
    masqueradeAll: { iptables: iptables?.masqueradeAll ?? false, nftables: nftables?.masqueradeAll ?? false },
    localhostNodePorts: iptables?.localhostNodePorts ?? undefined,
    detectLocalMode: wordOrEmpty(context, root, "detectLocalMode", fields.detectLocalMode, DETECT_LOCAL_MODES),
    bridgeInterface: detectLocal?.bridgeInterface || undefined,
    interfaceNamePrefix: detectLocal?.interfaceNamePrefix || undefined,
    clusterCidrs: decodeClusterCidrs(context, root, fields.clusterCIDR ?? ""),
    nodePortAddresses: decodeNodePortAddresses(context, root, fields.nodePortAddresses ?? []),
    tcpBeLiberal: conntrack?.tcpBeLiberal ?? false,
    others: [...othersIn(root, "", CONFIGURATION)],
    field: root,
  };
}

/** 0.0.0.0 and :: stand for the addresses of the Node. */
function specified(address: Address | undefined): Address | undefined {
  return address === 0 || address === 0n ? undefined : address;
}

/** Blocks by commas. */
function decodeClusterCidrs(context: Context, root: Field, text: string): readonly Located<Prefix>[] {
  if (text === "") return [];
  const field = root.member("clusterCIDR");
  return text.split(",").flatMap((item) => {
    const value = decodePrefix(context, item, () => field);
    return value === undefined ? [] : [{ value, field }];
  });
}

function decodeNodePortAddresses(
  context: Context,
  root: Field,
  texts: readonly string[],
): readonly (Prefix | "primary")[] {
  const list = root.member("nodePortAddresses");
  return texts.flatMap((text, index): readonly (Prefix | "primary")[] => {
    if (text === "primary") return [text];
    const named = blocksNamed(text);
    if (named !== undefined) return named;
    const prefix = decodePrefix(context, text, () => list.item(index));
    return prefix === undefined ? [] : [prefix];
  });
}

// --- what is not followed ------------------------------------------------------------------------------------------------

/** What kube-proxy has where nothing is said, beside nothing, false and zero. */
const DEFAULTS: Readonly<Record<string, readonly unknown[]>> = {
  configSyncPeriod: ["15m0s", "15m"],
  "conntrack.maxPerCore": [32768],
  "conntrack.min": [131072],
  "conntrack.tcpCloseWaitTimeout": ["1h0m0s", "1h"],
  "conntrack.tcpEstablishedTimeout": ["24h0m0s", "24h"],
  healthzBindAddress: ["0.0.0.0:10256", "[::]:10256"],
  "iptables.masqueradeBit": [14],
  "iptables.minSyncPeriod": ["1s"],
  "iptables.syncPeriod": ["30s"],
  metricsBindAddress: ["127.0.0.1:10249", "[::1]:10249"],
  "nftables.masqueradeBit": [14],
  "nftables.minSyncPeriod": ["1s"],
  "nftables.syncPeriod": ["30s"],
  oomScoreAdj: [-999],
};

/** Names of fields that have a value other than the default and that nothing here looks at. */
function* othersIn(field: Field, path: string, shape: Readonly<Record<string, unknown>>): Generator<Located<string>> {
  for (const [key, wanted] of Object.entries(shape)) {
    const member = field.get(key);
    if (member === undefined) continue;
    const name = path === "" ? key : `${path}.${key}`;
    if (typeof wanted === "object" && !Array.isArray(wanted))
      yield* othersIn(member, name, wanted as Readonly<Record<string, unknown>>);
    else if (wanted === "any" && !isNothing(member.value) && !(DEFAULTS[name] ?? []).includes(member.value))
      yield { value: name, field: member };
  }
}

/** Null, false, zero (also of time), an empty text, list or map, or a map of nothing else. */
function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.values(value).every(isNothing);
  return value === null || value === false || value === 0 || value === "" || value === "0s" || value === "0";
}
