/** Settings of a host that decided a packet's way: the place to change, and the command that changes them. */
import type { Diagnostic, Fix, Origin } from "../diagnostics.ts";
import type { Family } from "../net/address.ts";
import type { Host } from "../network/network.ts";

/** A setting as it stands in the input, or, where nothing is said of it, by the name that is best changed. */
export interface FoundSetting {
  readonly name: string;
  readonly origin: Origin | undefined;
}

/** The first of `names` that the input says something of; else the last one, with the place of the host. */
export function findSetting(host: Host, ...names: readonly string[]): FoundSetting {
  const said = names.find((name) => host.settings[name]?.origin !== undefined);
  const name = said ?? names.at(-1) ?? "";
  return { name, origin: host.settings[name]?.origin ?? host.provenance.origin };
}

export function forwardingOf(host: Host, name: string | undefined, family: Family): FoundSetting {
  const conf = (whose: string): string => `net.${family === "IPv4" ? "ipv4" : "ipv6"}.conf.${whose}.forwarding`;
  const own = name === undefined ? [] : [conf(name)];
  const all = family === "IPv4" ? [conf("all"), "net.ipv4.ip_forward"] : [conf("all")];
  return findSetting(host, ...own, conf("default"), ...all);
}

export function netfilterOf(host: Host, family: Family): FoundSetting {
  return findSetting(host, `net.bridge.bridge-nf-call-${family === "IPv4" ? "iptables" : "ip6tables"}`);
}

export function ipv4SettingOf(host: Host, name: string | undefined, setting: string): FoundSetting {
  const own = name === undefined ? [] : [`net.ipv4.conf.${name}.${setting}`];
  return findSetting(host, ...own, `net.ipv4.conf.default.${setting}`, `net.ipv4.conf.all.${setting}`);
}

/** Sets it. What stands under `default` counts for new interfaces only: `all` reaches those that are there. */
export function sysctl(host: string, name: string, value: number): Fix {
  return { host, command: `sysctl -w ${name.replace(".conf.default.", ".conf.all.")}=${value}` };
}

/** Members of a finding that may be unknown. */
export function placed(origin: Origin | undefined, fix?: Fix): Pick<Diagnostic, "origin" | "fix"> {
  return { ...(origin === undefined ? {} : { origin }), ...(fix === undefined ? {} : { fix }) };
}
