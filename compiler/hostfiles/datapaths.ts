/** Signs that something else than the kernel's routes and rules decides where packets go. kpc says so, and guesses nothing. */
import type { Diagnostic, Origin, Report } from "../diagnostics.ts";
import type { LinkFacts } from "./links.ts";

interface Datapath {
  /** Who decides. */
  readonly name: string;
  readonly decides: string;
  readonly interfaces: RegExp;
}

const FLOWS = "flows of Open vSwitch decide where pods' packets go";

/** By the names that network plugins give to interfaces of their own. */
const DATAPATHS: readonly Datapath[] = [
  {
    name: "Cilium",
    decides: "eBPF programs decide where pods' packets go",
    interfaces: /^(?:cilium_(?:host|net|vxlan|geneve)|lxc[0-9a-f]{8,})$/,
  },
  {
    name: "Calico's eBPF data plane",
    decides: "eBPF programs decide where pods' packets go",
    interfaces: /^bpf(?:in|out)\.cali$/,
  },
  { name: "OVN-Kubernetes", decides: FLOWS, interfaces: /^ovn-k8s-(?:mp|gw)\d+$/ },
  { name: "Kube-OVN", decides: FLOWS, interfaces: /^ovn0$/ },
  { name: "Antrea", decides: FLOWS, interfaces: /^antrea-(?:gw|tun|egress)\d+$/ },
  {
    name: "Open vSwitch",
    decides: FLOWS,
    interfaces: /^(?:ovs-system|br-int|br-ex|br-tun|genev_sys_\d+|vxlan_sys_\d+)$/,
  },
  { name: "IPVS", decides: "IPVS sends packets to endpoints", interfaces: /^(?:kube-ipvs0|kube-dummy-if)$/ },
];

/** Datapaths that bring Open vSwitch along: OVN makes its bridges. */
const BRINGS_OPEN_VSWITCH: ReadonlySet<string> = new Set(["OVN-Kubernetes", "Kube-OVN", "Antrea"]);

/** By the driver, where it is not the routes of this host that lead on. */
const DRIVERS: Readonly<Record<string, string>> = {
  openvswitch: FLOWS,
  vrf: "each VRF has routes of its own",
  ipvlan: "an ipvlan passes packets by its own routes",
  ipvtap: "an ipvlan passes packets by its own routes",
};

/** Reports `unknown-datapath` once for each datapath that `links` show. */
export function reportDatapaths(links: readonly LinkFacts[], report: Report): void {
  const found = new Map<string, Diagnostic>();
  const add = (name: string, message: string, origin: Origin): void => {
    if (!found.has(name)) found.set(name, { severity: "warning", code: "unknown-datapath", message, origin });
  };
  for (const { name, kind, masterKind, origin, program } of links) {
    for (const path of DATAPATHS)
      if (path.interfaces.test(name)) add(path.name, textOf(name, `is ${path.name}'s`, path.decides), origin);
    for (const driver of [kind, masterKind]) {
      const decides = driver === undefined || !Object.hasOwn(DRIVERS, driver) ? undefined : DRIVERS[driver];
      if (decides === undefined) continue;
      const role = driver === kind ? `is of kind ${driver}` : `belongs to one of kind ${driver}`;
      add(driver === "openvswitch" ? "Open vSwitch" : (driver ?? ""), textOf(name, role, decides), origin);
    }
    if (program !== undefined)
      add("XDP", textOf(name, "has an XDP program", "it decides about packets before the kernel does"), program);
  }
  if ([...found.keys()].some((name) => BRINGS_OPEN_VSWITCH.has(name))) found.delete("Open vSwitch");
  for (const finding of found.values()) report(finding);
}

function textOf(name: string, role: string, decides: string): string {
  return `interface ${name} ${role}: ${decides}, which kpc does not follow; walks through this node may be wrong`;
}
