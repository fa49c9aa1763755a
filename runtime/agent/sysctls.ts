/** Sysctls that kube-proxy sets on its node, set as it does. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { ConntrackSettings } from "../../compiler/node/agent-settings.ts";

/** The files of a host, and how many processors it has. */
export interface SysctlHost {
  /** Throws where there is no such file. */
  read(path: string): string;
  write(path: string, text: string): void;
  readonly processors: number;
}

export const THIS_HOST: SysctlHost = {
  read: (path) => readFileSync(path, "utf8"),
  write: (path, text) => writeFileSync(path, text),
  get processors() {
    // Of the node, not of the container.
    return cpus().length;
  },
};

export interface WantedSysctl {
  /** Of /proc/sys, or the whole path. */
  readonly file: string;
  readonly value: number;
  /** Whether a larger value is as good. */
  readonly isLeast: boolean;
}

/** kube-proxy does not ask for more connections, however many processors there are. */
const MOST_CONNECTIONS = 1_048_576;

/** Connections for each bucket of the kernel's table. */
const PER_BUCKET = 4;

/** What `settings` come to; undefined: connection tracking is left alone. `routesLocalnet`: node ports answer on 127.0.0.1. */
export function wantedSysctls(
  settings: ConntrackSettings | undefined,
  { processors }: Pick<SysctlHost, "processors">,
  routesLocalnet: boolean,
): WantedSysctl[] {
  const wanted: WantedSysctl[] = [];
  const want = (file: string, value: number, isLeast = false): void => {
    if (value > 0) wanted.push({ file, value, isLeast });
  };
  if (routesLocalnet) want("net/ipv4/conf/all/route_localnet", 1);
  if (settings === undefined) return wanted;
  const most = connectionsOf(settings, processors);
  want("net/netfilter/nf_conntrack_max", most, true);
  want("/sys/module/nf_conntrack/parameters/hashsize", Math.floor(most / PER_BUCKET), true);
  want("net/netfilter/nf_conntrack_tcp_timeout_established", settings.tcpEstablishedSeconds);
  want("net/netfilter/nf_conntrack_tcp_timeout_close_wait", settings.tcpCloseWaitSeconds);
  want("net/netfilter/nf_conntrack_tcp_be_liberal", Number(settings.tcpBeLiberal));
  want("net/netfilter/nf_conntrack_udp_timeout", settings.udpSeconds);
  want("net/netfilter/nf_conntrack_udp_timeout_stream", settings.udpStreamSeconds);
  return wanted;
}

/** How many connections there may be at least; 0: nothing is said. The limit is one of the product, and none of the minimum. */
function connectionsOf({ maxPerCore, min }: ConntrackSettings, processors: number): number {
  const scaled = maxPerCore * processors;
  if (scaled === 0) return 0;
  return scaled > MOST_CONNECTIONS ? MOST_CONNECTIONS : Math.max(scaled, min);
}

/** What was done, a line each. */
export interface SetSysctls {
  readonly changed: readonly string[];
  readonly failed: readonly string[];
}

/** Sets what differs. */
export function setSysctls(wanted: readonly WantedSysctl[], host: SysctlHost): SetSysctls {
  const changed: string[] = [];
  const failed: string[] = [];
  for (const { file, value, isLeast } of wanted) {
    const path = file.startsWith("/") ? file : `/proc/sys/${file}`;
    const name = file.startsWith("/") ? file : file.replaceAll("/", ".");
    let before: number | undefined;
    try {
      before = Number(host.read(path).trim());
      if (isLeast ? before >= value : before === value) continue;
      host.write(path, String(value));
      changed.push(`${name} = ${value} (was ${before})`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const is = before === undefined ? "cannot be read" : `is ${before}`;
      failed.push(`${name} ${is}, and cannot be set to ${value}: ${why}`);
    }
  }
  return { changed, failed };
}
