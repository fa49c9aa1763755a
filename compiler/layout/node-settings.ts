/** The sysctls of a node: those of a node that kubeadm has set up, and what a Cluster document says instead. */
import type { ClusterNode } from "../model/hosts.ts";
import type { Family } from "../net/address.ts";
import type { HostInterface, HostSetting } from "../network/network.ts";
import { interfaceSetting, normalSetting } from "../network/setting-names.ts";
import type { InterfaceSysctls } from "../network/types.ts";
import { bothFamilies, FORWARDING } from "./draft.ts";
import type { LayoutPlan } from "./plan.ts";

export interface NodeSysctls {
  sysctlsOf(name: string): HostInterface["sysctls"];
  /** Whether an interface answers ARP for others; `otherwise`: what the pod network sets. */
  proxyArpOf(name: string, otherwise: boolean): boolean;
  readonly bridgeNetfilter: Readonly<Record<Family, boolean>>;
  /** By the names of sysctls, and of members of a Cluster document. */
  readonly provenance: Readonly<Record<string, HostSetting>>;
}

export function settingsOf(node: ClusterNode, { input }: LayoutPlan): NodeSysctls {
  const spec = input.network?.nodes.find(({ name }) => name.value === node.name);
  const values = new Map(
    (spec?.sysctls ?? []).map(({ value, field }) => [normalSetting(value.name), { text: value.value, field }]),
  );
  const get = (...names: readonly string[]): string | undefined =>
    names.map((name) => values.get(name)?.text).find((text) => text !== undefined);
  const isOn = (text: string | undefined, otherwise: boolean): boolean =>
    text === undefined ? otherwise : text !== "0";
  const makeSysctls = (name: string): HostInterface["sysctls"] => {
    const common = bothFamilies(FORWARDING);
    const own = (setting: string, all: string | undefined): string | undefined =>
      get(interfaceSetting("ipv4", name, setting), `net.ipv4.conf.default.${setting}`) ?? all;
    const all = (setting: string): string | undefined => get(`net.ipv4.conf.all.${setting}`);
    const filter = Math.max(Number(all("rp_filter") ?? 0), Number(own("rp_filter", undefined) ?? 0));
    const ipv4: InterfaceSysctls = {
      forwarding: isOn(own("forwarding", all("forwarding") ?? get("net.ipv4.ip_forward")), true),
      reversePathFilter: filter === 1 || filter === 2 ? filter : 0,
      acceptLocal: isOn(all("accept_local"), false) || isOn(own("accept_local", undefined), false),
      routeLocalnet:
        isOn(all("route_localnet"), input.localhostNodePorts) || isOn(own("route_localnet", undefined), false),
      sendRedirects: isOn(all("send_redirects"), true) || isOn(own("send_redirects", undefined), true),
    };
    // Linux asks all, or what is forced; an interface's own forwarding says only whether it is a router for others.
    const forwarding6 =
      isOn(get("net.ipv6.conf.all.forwarding"), true) ||
      isOn(get(interfaceSetting("ipv6", name, "force_forwarding")), false);
    return { ...common, IPv4: ipv4, IPv6: { ...common.IPv6, forwarding: forwarding6 } };
  };
  // All interfaces are alike where no setting names one.
  const namesAny = [...values.keys()].some((name) => /^net\.ipv[46]\.conf\.(?!(?:all|default)\.)/.test(name));
  const common = namesAny ? undefined : makeSysctls("");
  const sysctlsOf = (name: string): HostInterface["sysctls"] => common ?? makeSysctls(name);
  const provenance: Record<string, HostSetting> = {};
  for (const [name, { field, text }] of values) provenance[name] = { origin: field, value: text };
  for (const [name, value] of Object.entries(EXPECTED))
    provenance[name] ??= { inferred: `${name} = ${value}, as kubeadm asks of a node` };
  const proxyArpOf = (name: string, otherwise: boolean): boolean =>
    isOn(get("net.ipv4.conf.all.proxy_arp"), false) ||
    isOn(get(interfaceSetting("ipv4", name, "proxy_arp")), otherwise);
  const { pods, underlay } = input.network ?? {};
  const said = {
    "pods.hairpin": pods?.hairpin,
    "pods.masquerade": pods?.masquerade,
    "pods.mtu": pods?.mtu,
    "underlay.mtu": underlay?.mtu,
  };
  for (const [name, given] of Object.entries(said)) if (given !== undefined) provenance[name] = { origin: given.field };
  return {
    sysctlsOf,
    proxyArpOf,
    bridgeNetfilter: {
      IPv4: isOn(get("net.bridge.bridge-nf-call-iptables"), true),
      IPv6: isOn(get("net.bridge.bridge-nf-call-ip6tables"), true),
    },
    provenance,
  };
}

const EXPECTED: Readonly<Record<string, string>> = {
  "net.ipv4.ip_forward": "1",
  "net.ipv6.conf.all.forwarding": "1",
  "net.bridge.bridge-nf-call-iptables": "1",
  "net.bridge.bridge-nf-call-ip6tables": "1",
};
