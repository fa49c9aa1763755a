/** Settings of a host that decided a packet's way: the place to change, and the command that changes them. */
import type { Diagnostic, Fix, Origin } from "../diagnostics.ts";
import type { Family } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import { interfaceSetting } from "../network/setting-names.ts";

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

/** IPv6 has one switch for all interfaces. */
export function forwardingOf(host: Host, name: string | undefined, family: Family): FoundSetting {
  if (family === "IPv6") return findSetting(host, "net.ipv6.conf.all.forwarding");
  return findSetting(host, ...namesOf(name, "forwarding"), "net.ipv4.ip_forward");
}

export function netfilterOf(host: Host, family: Family): FoundSetting {
  return findSetting(host, `net.bridge.bridge-nf-call-${family === "IPv4" ? "iptables" : "ip6tables"}`);
}

/** `value`: where several are said, the one with that value decided. */
export function ipv4SettingOf(host: Host, name: string | undefined, setting: string, value?: number): FoundSetting {
  const names = namesOf(name, setting);
  const deciding = names.find((each) => value !== undefined && host.settings[each]?.value === String(value));
  return findSetting(host, ...(deciding === undefined ? names : [deciding]));
}

/** The interface's own, that of new interfaces, that of all. */
function namesOf(name: string | undefined, setting: string): readonly string[] {
  const whose = name === undefined ? ["default", "all"] : [name, "default", "all"];
  return whose.map((each) => interfaceSetting("ipv4", each, setting));
}

/** Sets it. What stands under `default` counts for new interfaces only: `all` reaches those that are there. */
export function sysctl(host: string, name: string, value: number): Fix {
  return { host, command: `sysctl -w ${name.replace(".conf.default.", ".conf.all.")}=${value}` };
}

/** Members of a finding that may be unknown. */
export function placed(origin: Origin | undefined, fix?: Fix): Pick<Diagnostic, "origin" | "fix"> {
  return { ...(origin === undefined ? {} : { origin }), ...(fix === undefined ? {} : { fix }) };
}
