/** Settings of hosts in a lab, by the names that people have for them. */
import { nearest } from "../documents/nearest.ts";
import type { Host } from "../network/network.ts";

/** A file below /proc/sys/net, and what to write there. */
export interface LabSetting {
  readonly path: string;
  readonly value: string;
}

/** Settings that a host has once. */
const OF_HOST: Readonly<Record<string, string>> = {
  "bridge-nf": "bridge/bridge-nf-call-iptables",
  "bridge-nf6": "bridge/bridge-nf-call-ip6tables",
  forwarding: "ipv4/ip_forward",
  forwarding6: "ipv6/conf/all/forwarding",
};

/** Settings of IPv4 that each interface has, and all of them together. */
const OF_INTERFACES: readonly string[] = [
  "rp_filter",
  "accept_local",
  "route_localnet",
  "proxy_arp",
  "send_redirects",
  "arp_ignore",
];

/** For messages and help. */
export const SETTING_NAMES: readonly string[] = [...Object.keys(OF_HOST), ...OF_INTERFACES];

/** What `set HOST NAME VALUE` writes; a text: what is wrong with it. */
export function settingsFor({ interfaces }: Host, name: string, value: string): readonly LabSetting[] | string {
  if (!/^-?\d+$/.test(value)) return `expected a number behind ${name}, found ${value}`;
  const path = OF_HOST[name];
  if (path !== undefined) return [{ path, value }];
  if (OF_INTERFACES.includes(name))
    return ["all", "default", ...interfaces.map((each) => each.name)].map((each) => ({
      path: `ipv4/conf/${each}/${name}`,
      value,
    }));
  const whole = /^(?:net[./])([\w./@-]+)$/.exec(name)?.[1];
  if (whole !== undefined && !whole.includes("..")) return [{ path: pathOf(whole), value }];
  const near = nearest(name, SETTING_NAMES);
  const hint = near === undefined ? "" : `, did you mean ${near}?`;
  return `no setting ${name}${hint} Expected ${SETTING_NAMES.join(", ")}, or the name of a sysctl such as net.ipv4.conf.eth0.rp_filter`;
}

/** As sysctl takes names: of dots and slashes, the one that comes first separates. */
function pathOf(name: string): string {
  if (!name.includes(".") || (name.includes("/") && name.indexOf("/") < name.indexOf("."))) return name;
  return name.replaceAll(/[./]/g, (sign) => (sign === "." ? "/" : "."));
}
