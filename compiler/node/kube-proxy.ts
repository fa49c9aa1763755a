/** kube-proxy's own settings as ours. */
import type { Report } from "../diagnostics.ts";
import { type Address, printAddress } from "../net/address.ts";
import { type Prefix, printPrefix } from "../net/prefix.ts";
import type { KubeProxySpec, Specs } from "../specs/types.ts";
import type { Config } from "./config.ts";
import type { Mode } from "./settings.ts";

/** The settings with those of kube-proxy's own settings file beneath them: the file that was given as settings, else the one
 *  among the manifests. Says what was taken from it, and what of it has no meaning here. Reports `unsupported-mode`. */
export function withKubeProxy(
  { kubeProxy, ...config }: Config,
  specs: Pick<Specs, "kubeProxies">,
  report: Report,
): Config {
  const [file, ...others] = [...(kubeProxy === undefined ? [] : [kubeProxy]), ...specs.kubeProxies];
  if (file === undefined) return config;
  for (const { field: node } of others)
    report({
      severity: "warning",
      code: "duplicate-object",
      message: "KubeProxyConfiguration is in the input twice: the first one counts",
      origin: node,
      notes: [{ message: "the first one", origin: file.field }],
    });
  const mode = config.mode ?? modeOf(file, report);
  const taken = settingsOf(file, mode);
  const known = new Set(Object.entries(config).flatMap(([name, value]) => (value === undefined ? [] : [name])));
  const news = Object.entries(taken).filter(
    ([name, value]) => value !== undefined && !known.has(name) && (name !== "mode" || file.mode !== "ipvs"),
  );
  reportTaken(file, news, report);
  reportOthers(file, report);
  return {
    ...Object.fromEntries(news),
    ...definedOf(config),
    origins: { ...originsOf(file, known), ...config.origins },
  };
}

function definedOf(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/** kube-proxy's default is iptables. ipvs forwards without rules. */
function modeOf({ mode, field: node }: KubeProxySpec, report: Report): Mode {
  if (mode !== "ipvs") return mode ?? "iptables";
  report({
    severity: "error",
    code: "unsupported-mode",
    message:
      "mode ipvs is not supported: the kernel's IPVS balances Services, not rules; --mode iptables shows what iptables mode would do",
    origin: node.member("mode"),
  });
  return "iptables";
}

/** In kube-proxy, masqueradeAll is taken from the section of the mode, and NodeCIDR does not look at clusterCIDR. */
function settingsOf(file: KubeProxySpec, mode: Mode): Config {
  const { detectLocalMode, clusterCidrs, nodePortAddresses, bindAddress } = file;
  const byInterface = { BridgeInterface: file.bridgeInterface, InterfaceNamePrefix: file.interfaceNamePrefix };
  const isByInterface = detectLocalMode === "BridgeInterface" || detectLocalMode === "InterfaceNamePrefix";
  const isByCluster = detectLocalMode === undefined || detectLocalMode === "ClusterCIDR";
  return {
    nodeName: file.hostnameOverride,
    mode,
    nodeIp: bindAddress === undefined ? undefined : [bindAddress],
    detectLocalMode,
    detectLocalInterface: isByInterface ? byInterface[detectLocalMode] : undefined,
    clusterCidr: isByCluster && clusterCidrs.length > 0 ? clusterCidrs.map(({ value }) => value) : undefined,
    nodePortAddresses: nodePortAddresses.length > 0 ? nodePortAddresses : undefined,
    localhostNodePorts: file.localhostNodePorts,
    masqueradeAll: file.masqueradeAll[mode] || undefined,
    tcpBeLiberal: file.tcpBeLiberal || undefined,
  };
}

function originsOf({ field: node }: KubeProxySpec, known: ReadonlySet<string>): NonNullable<Config["origins"]> {
  const places = {
    detectLocalMode: node.member("detectLocalMode"),
    detectLocalInterface: node.member("detectLocal"),
    clusterCidr: node.member("clusterCIDR"),
  };
  return Object.fromEntries(Object.entries(places).filter(([name]) => !known.has(name)));
}

/** kube-proxy's names of settings that have another one here. */
const NAMES: Readonly<Record<string, string>> = {
  nodeName: "hostnameOverride",
  nodeIp: "bindAddress",
  detectLocalInterface: "detectLocal",
  clusterCidr: "clusterCIDR",
  tcpBeLiberal: "conntrack.tcpBeLiberal",
};

function reportTaken(
  { field: node }: KubeProxySpec,
  news: readonly (readonly [string, unknown])[],
  report: Report,
): void {
  if (news.length === 0) return;
  const words = news.map(([name, value]) => `${NAMES[name] ?? name} ${printValue(value)}`).join(", ");
  report({
    severity: "note",
    code: "settings-taken",
    message: `taken from KubeProxyConfiguration: ${words}`,
    origin: node,
  });
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(printValue).join(",");
  if (typeof value === "bigint") return printAddress(value as Address);
  if (typeof value === "object" && value !== null) return printPrefix(value as Prefix);
  return String(value);
}

/** Settings that change packets, and that kpc does not follow. */
const FOR_PACKETS: ReadonlySet<string> = new Set([
  "featureGates",
  "iptables.masqueradeBit",
  "iptables.snatNodeInternalIP",
  "nftables.masqueradeBit",
]);

function reportOthers({ others }: KubeProxySpec, report: Report): void {
  for (const isForPackets of [true, false]) {
    const found = others.filter(({ value }) => FOR_PACKETS.has(value) === isForPackets);
    const [first] = found;
    if (first === undefined) continue;
    const names = found.map(({ value }) => value).join(", ");
    report({
      severity: isForPackets ? "note" : "info",
      code: "ignored-field",
      message: `settings of KubeProxyConfiguration that ${isForPackets ? "kpc does not follow" : "decide no rule"}: ${names}`,
      origin: first.field,
    });
  }
}
