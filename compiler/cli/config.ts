/** Settings from a config file and from flags; flags win. */

import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import type { Config } from "../node/config.ts";
import { decodeConfig } from "../node/decode.ts";
import { readConfigFile } from "../node/read-config.ts";
import { TIMEOUT_NAMES } from "../proxy-settings.ts";
import { readSource } from "./inputs.ts";
import { Trouble } from "./trouble.ts";

/** The flags that settings have. Each is a list where the config has one. */
export interface ConfigFlags {
  readonly config?: string;
  readonly node?: string;
  readonly mode?: string;
  readonly nodeIp?: string;
  readonly clusterCidr?: string;
  readonly serviceCidr?: string;
  readonly nodeportAddresses?: string;
  readonly detectLocalMode?: string;
  readonly detectLocalInterface?: string;
  readonly localhostNodeports?: boolean;
  readonly masqueradeAll?: boolean;
  readonly masquerade?: string;
  readonly zone?: string;
  readonly defaultCertificate?: string;
  readonly allowExternalNames?: boolean;
}

/** The flags of the HTTP proxy. */
export interface ProxyFlags {
  readonly pathSafety?: string;
  readonly httpsRedirect?: boolean;
  readonly http2?: boolean;
  readonly proxyProtocol?: boolean;
  readonly accessLog?: boolean;
  readonly metrics?: string;
  readonly spareBackends?: string;
  /** `NAME=TIME` each. */
  readonly timeout?: readonly string[];
}

/** The config that a file and flags give together. Reports what is wrong with the file; throws `Trouble` for flags. */
export function readConfig(flags: ConfigFlags & ProxyFlags, report: Report): Config {
  const fromFile = flags.config === undefined ? {} : readConfigFile(readSource(flags.config), report);
  const fromFlags = readFlags(flags);
  const origins = Object.entries(fromFile.origins ?? {}).filter(([name]) => !Object.hasOwn(fromFlags, name));
  const timeouts = { ...fromFile.haproxy?.timeouts, ...fromFlags.haproxy?.timeouts };
  const haproxy = {
    ...fromFile.haproxy,
    ...fromFlags.haproxy,
    ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
  };
  return {
    ...fromFile,
    ...fromFlags,
    ...(Object.keys(haproxy).length === 0 ? {} : { haproxy }),
    origins: Object.fromEntries(origins),
  };
}

/** Flags are checked by the same rules as files: they are decoded from an object of the same shape. */
function readFlags(flags: ConfigFlags & ProxyFlags): Config {
  const list = (text: string | undefined): string[] | undefined => text?.split(",").map((item) => item.trim());
  const value = {
    nodeName: flags.node,
    mode: flags.mode,
    nodeIPs: list(flags.nodeIp),
    clusterCIDR: list(flags.clusterCidr),
    serviceCIDRs: list(flags.serviceCidr),
    nodePortAddresses: list(flags.nodeportAddresses),
    detectLocalMode: flags.detectLocalMode,
    detectLocalInterface: flags.detectLocalInterface,
    localhostNodePorts: flags.localhostNodeports,
    masqueradeAll: flags.masqueradeAll,
    masquerade: flags.masquerade,
    zone: flags.zone,
    defaultCertificate: flags.defaultCertificate,
    allowExternalNames: flags.allowExternalNames,
    haproxy: proxyMembers(flags),
  };
  const given = Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
  const findings: Diagnostic[] = [];
  const source: Source = { name: "flags", text: JSON.stringify(given) };
  const [document] = readDocuments(source, (diagnostic) => findings.push(diagnostic));
  if (document === undefined) return {};
  const root = Field.root(document);
  const { origins: _, ...config } = decodeConfig(
    { report: (diagnostic) => findings.push(diagnostic), root, subject: "flags" },
    root,
    false,
  );
  const [first] = findings;
  if (first !== undefined)
    throw new Trouble(first.message.replace(/^(?:haproxy\.)?[A-Za-z0-9]+/, (name) => FLAG_NAMES[name] ?? name));
  return Object.fromEntries(Object.entries(config).filter(([, item]) => item !== undefined));
}

/** The flags as members of `haproxy`; undefined: there are none. Throws `Trouble` for what is no NAME=TIME. */
function proxyMembers(flags: ProxyFlags): object | undefined {
  const { pathSafety, httpsRedirect, http2, proxyProtocol, accessLog, metrics, spareBackends, timeout } = flags;
  const timeouts = timeout?.map((text): readonly [string, string] => {
    const [, name, time] = /^([a-z-]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined || time === undefined)
      throw new Trouble(`--timeout ${text}: expected NAME=TIME, such as client=30s`);
    if (!TIMEOUT_NAMES.some((known) => known === name))
      throw new Trouble(`--timeout ${text}: expected one of ${TIMEOUT_NAMES.join(", ")}`);
    return [name, time];
  });
  const members = {
    pathSafety,
    httpsRedirect,
    http2,
    proxyProtocol,
    accessLog,
    metrics,
    spareBackends:
      spareBackends === undefined ? undefined : /^\d+$/.test(spareBackends) ? Number(spareBackends) : spareBackends,
    timeouts: timeouts && Object.fromEntries(timeouts),
  };
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

const FLAG_NAMES: Readonly<Record<string, string>> = {
  nodeName: "--node",
  mode: "--mode",
  nodeIPs: "--node-ip",
  clusterCIDR: "--cluster-cidr",
  serviceCIDRs: "--service-cidr",
  nodePortAddresses: "--nodeport-addresses",
  detectLocalMode: "--detect-local-mode",
  detectLocalInterface: "--detect-local-interface",
  masquerade: "--masquerade",
  zone: "--zone",
  defaultCertificate: "--default-certificate",
  "haproxy.metrics": "--metrics",
  "haproxy.spareBackends": "--spare-backends",
  "haproxy.timeouts": "--timeout",
};
