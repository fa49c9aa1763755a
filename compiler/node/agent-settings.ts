/** What `kpc agent` takes from kube-proxy's own settings besides what decides rules. */
import type { Report } from "../diagnostics.ts";
import { type Context, reportField, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { parseGoDuration } from "../specs/go-duration.ts";
import type { KubeProxySpec } from "../specs/types.ts";
import type { Mode } from "./settings.ts";

/** Where a server listens. */
export interface BindAddress {
  /** As it was written. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

/** Sysctls of connection tracking. Zero, of times and counts: it is left as it is. */
export interface ConntrackSettings {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedSeconds: number;
  readonly tcpCloseWaitSeconds: number;
  readonly udpSeconds: number;
  readonly udpStreamSeconds: number;
  readonly tcpBeLiberal: boolean;
}

/** Undefined members: nothing is said. */
export interface AgentSettings {
  readonly kubeconfig: string | undefined;
  readonly healthz: BindAddress | undefined;
  readonly metrics: BindAddress | undefined;
  /** Whether the agent ends where it cannot listen. */
  readonly bindAddressHardFail: boolean;
  /** Milliseconds between two rows of transactions, and after which all elements are compared anyway. */
  readonly minSyncMs: number | undefined;
  readonly syncMs: number | undefined;
  readonly oomScoreAdj: number | undefined;
  readonly conntrack: ConntrackSettings;
}

/** The settings in `file`, of the section of `mode`. Reports `invalid-value`, and each setting that the agent does not follow as
 *  `ignored-field`. */
export function agentSettingsOf(file: KubeProxySpec, mode: Mode, report: Report): AgentSettings {
  const root = file.field;
  const context: Context = { report, root, subject: "KubeProxyConfiguration" };
  const section = root.get(mode);
  const periods = [section?.get("minSyncPeriod"), section?.get("syncPeriod")] as const;
  const settings = {
    kubeconfig: textAt(context, root.get("clientConnection")?.get("kubeconfig")),
    healthz: bindAt(context, root.get("healthzBindAddress")),
    metrics: bindAt(context, root.get("metricsBindAddress")),
    bindAddressHardFail: root.get("bindAddressHardFail")?.value === true,
    minSyncMs: durationAt(context, periods[0]) || undefined,
    syncMs: durationAt(context, periods[1]) || undefined,
    oomScoreAdj: integerAt(context, root.get("oomScoreAdj"), [-1000, 1000]),
    conntrack: conntrackOf(context, root.get("conntrack"), file.tcpBeLiberal),
  };
  checkPeriods(context, periods, settings);
  // kube-proxy looks at that of iptables in each mode.
  for (const name of new Set([mode, "iptables"] as const))
    integerAt(context, root.get(name)?.get("masqueradeBit"), [0, 31]);
  reportUnfollowed(context, file, mode);
  return settings;
}

/** kube-proxy refuses a minSyncPeriod longer than syncPeriod, where both have its defaults instead of zero. */
function checkPeriods(
  context: Context,
  [least, period]: readonly [least: Field | undefined, period: Field | undefined],
  { minSyncMs = 1000, syncMs = 30_000 }: Pick<AgentSettings, "minSyncMs" | "syncMs">,
): void {
  if (minSyncMs <= syncMs) return;
  if (least !== undefined && minSyncMs > 1000)
    reportInvalid(context, least, `must be ${syncMs / 1000}s or less, which is syncPeriod`);
  else if (period !== undefined)
    reportInvalid(context, period, `must be ${minSyncMs / 1000}s or more, which is minSyncPeriod`);
}

/** kube-proxy has defaults for what is absent or null; zero leaves the host's value. */
function conntrackOf(context: Context, field: Field | undefined, tcpBeLiberal: boolean): ConntrackSettings {
  const seconds = (key: string, otherwise: number): number => {
    const milliseconds = durationAt(context, field?.get(key));
    return milliseconds === undefined ? otherwise : Math.floor(milliseconds / 1000);
  };
  const count = (key: string, otherwise: number): number =>
    integerAt(context, field?.get(key), [0, 2 ** 31 - 1]) ?? otherwise;
  return {
    maxPerCore: count("maxPerCore", 32_768),
    min: count("min", 131_072),
    tcpEstablishedSeconds: seconds("tcpEstablishedTimeout", 86_400),
    tcpCloseWaitSeconds: seconds("tcpCloseWaitTimeout", 3600),
    udpSeconds: seconds("udpTimeout", 0),
    udpStreamSeconds: seconds("udpStreamTimeout", 0),
    tcpBeLiberal,
  };
}

// --- values ----------------------------------------------------------------------------------------------------------------

function textAt(context: Context, field: Field | undefined): string | undefined {
  if (field === undefined || field.value === "") return undefined;
  if (typeof field.value === "string") return field.value;
  reportInvalid(context, field, "must be a string");
  return undefined;
}

function durationAt(context: Context, field: Field | undefined): number | undefined {
  if (field === undefined) return undefined;
  const milliseconds = typeof field.value === "string" ? parseGoDuration(field.value) : undefined;
  if (milliseconds !== undefined && milliseconds >= 0) return milliseconds;
  reportInvalid(context, field, "must be a duration of zero or more, like 1s or 1h30m");
  return undefined;
}

function integerAt(
  context: Context,
  field: Field | undefined,
  [least, most]: readonly [least: number, most: number],
): number | undefined {
  if (field === undefined) return undefined;
  const { value } = field;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  reportInvalid(context, field, `must be an integer from ${least} to ${most}`);
  return undefined;
}

function bindAt(context: Context, field: Field | undefined): BindAddress | undefined {
  const text = textAt(context, field);
  if (field === undefined || text === undefined) return undefined;
  const found = parseBindAddress(text);
  if (found === undefined) reportInvalid(context, field, "must be ADDRESS:PORT, an IPv6 address in brackets");
  return found;
}

/** `ADDRESS:PORT`, IPv6 in brackets; undefined where `text` is none. */
export function parseBindAddress(text: string): BindAddress | undefined {
  const [, ipv6, ipv4, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? ipv4;
  return host === undefined || Number(port) > 65_535 ? undefined : { text, host, port: Number(port) };
}

// --- what is not followed --------------------------------------------------------------------------------------------------

/** Fields that the agent follows, here or in the rules. */
const FOLLOWED: ReadonlySet<string> = new Set([
  "bindAddressHardFail",
  "conntrack.maxPerCore",
  "conntrack.min",
  "conntrack.tcpCloseWaitTimeout",
  "conntrack.tcpEstablishedTimeout",
  "conntrack.udpStreamTimeout",
  "conntrack.udpTimeout",
  "healthzBindAddress",
  "metricsBindAddress",
  "oomScoreAdj",
]);

/** Why others mean nothing here. */
const REASONS: Readonly<Record<string, string>> = {
  "clientConnection.acceptContentTypes": "kpc agent asks the API server for JSON",
  "clientConnection.burst": "kpc agent has four requests that stay open",
  "clientConnection.contentType": "kpc agent asks the API server for JSON",
  "clientConnection.qps": "kpc agent has four requests that stay open",
  "iptables.masqueradeBit": "kpc's rules need no packet mark",
  "nftables.masqueradeBit": "kpc's rules need no packet mark",
  configSyncPeriod: "kpc agent lists anew when the API server asks for it",
  enableProfiling: "kpc agent has no profiler",
  portRange: "kube-proxy does not follow it either",
};

const CLIENT_DEFAULTS: Readonly<Record<string, readonly unknown[]>> = {
  acceptContentTypes: [""],
  burst: [0, 10],
  contentType: ["", "application/json", "application/vnd.kubernetes.protobuf"],
  qps: [0, 5],
};

function reportUnfollowed(context: Context, { others, field }: KubeProxySpec, mode: Mode): void {
  const client = field.get("clientConnection");
  const ofClient = Object.entries(CLIENT_DEFAULTS).flatMap(([key, defaults]) => {
    const member = client?.get(key);
    return member === undefined || defaults.includes(member.value)
      ? []
      : [{ value: `clientConnection.${key}`, field: member }];
  });
  const otherMode = mode === "nftables" ? "iptables." : "nftables.";
  for (const { value: name, field: at } of [...others, ...ofClient]) {
    const isPeriod = name.endsWith("SyncPeriod") || name.endsWith(".syncPeriod");
    const isOfOther = name.startsWith(otherMode) || name.startsWith("ipvs") || name.startsWith("winkernel");
    if (FOLLOWED.has(name) || name === "clientConnection" || isOfOther) continue;
    if (isPeriod && name.startsWith(mode)) continue;
    const reason = REASONS[name];
    const because = reason === undefined ? "" : `: ${reason}`;
    reportField(context, at, "ignored-field", `kpc agent does not follow this setting${because}`, "warning");
  }
}
