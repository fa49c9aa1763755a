/** Whether bridges give packets to the rules. */
import type { Report } from "../diagnostics.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import { KERNEL_DEFAULT } from "./effective.ts";
import type { HostFacts } from "./facts.ts";

const NAMES = {
  IPv4: "net.bridge.bridge-nf-call-iptables",
  IPv6: "net.bridge.bridge-nf-call-ip6tables",
} as const satisfies Readonly<Record<Family, string>>;

/** The switch of each family, and from where it is known: that of sysctl, or one that all bridges have (Linux: br_netfilter). */
export function bridgeNetfilterOf(
  facts: HostFacts,
  report: Report,
): { readonly isOn: Host["bridgeNetfilter"]; readonly settings: Readonly<Record<string, Provenance>> } {
  const settings: Record<string, Provenance> = {};
  const isOn = { IPv4: false, IPv6: false };
  for (const family of FAMILIES) {
    const { value, provenance } = switchOf(facts, NAMES[family]);
    settings[NAMES[family]] = provenance;
    isOn[family] = value;
    if (value) continue;
    const bridges = facts.links.flatMap(({ name, bridge }) => (bridge === undefined ? [] : [{ name, bridge }]));
    const on = bridges.filter(({ bridge }) => bridge.netfilter[family]);
    const [first] = on;
    if (first === undefined) continue;
    if (on.length === bridges.length) {
      isOn[family] = true;
      settings[NAMES[family]] = { origin: first.bridge.origin };
    } else
      report({
        severity: "warning",
        code: "unsupported-network",
        message: `bridge ${first.name} gives ${family} packets to the rules, and other bridges do not: kpc has one switch for all bridges of a node, and takes it for off`,
        origin: first.bridge.origin,
      });
  }
  return { isOn, settings };
}

function switchOf({ sysctls }: HostFacts, name: string): { readonly value: boolean; readonly provenance: Provenance } {
  const known = sysctls.plain.get(name);
  if (known !== undefined) return { value: known.value > 0, provenance: { origin: known.origin } };
  return sysctls.isWhole
    ? { value: false, provenance: { inferred: "sysctl -a does not have it: br_netfilter is not loaded" } }
    : { value: true, provenance: { inferred: `${KERNEL_DEFAULT} where br_netfilter is loaded` } };
}
