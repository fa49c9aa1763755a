/** An interface of a node, from what all of its files say. */
import type { Report } from "../diagnostics.ts";
import type { BridgePort, HostInterface } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import { interfaceSettings } from "./effective.ts";
import type { HostFacts } from "./facts.ts";
import { kindOf } from "./kinds.ts";
import type { LinkFacts, PortFacts } from "./links.ts";
import { tunnelOf } from "./tunnels.ts";

/** The interfaces in the order of their indexes, and from where their settings are known. */
export function interfacesOf(
  facts: HostFacts,
  report: Report,
): { readonly interfaces: readonly HostInterface[]; readonly settings: Readonly<Record<string, Provenance>> } {
  const settings: Record<string, Provenance> = {};
  const bridges = new Set(
    facts.links.flatMap(({ name, master, masterKind }) =>
      master !== undefined && (masterKind === "bridge" || (masterKind === undefined && facts.ports.has(name)))
        ? [master]
        : [],
    ),
  );
  const vxlans = new Set(facts.forwarding.flatMap((each) => (each.remote === undefined ? [] : [each.interface])));
  const interfaces = facts.links.map((link): HostInterface => {
    const { name } = link;
    const { kind, inferred } = kindOf(link, { isBridge: bridges.has(name), isVxlan: vxlans.has(name) }, report);
    const { values, proxyArp, provenance } = interfaceSettings(facts.sysctls, name);
    Object.assign(settings, provenance);
    const tunnel = tunnelOf(link, kind, facts, report);
    const port =
      link.master !== undefined && bridges.has(link.master) ? portOf(link, link.master, facts, report) : undefined;
    return {
      name,
      // A tunnel whose ends are not known leads nowhere.
      kind: (kind === "vxlan" || kind === "ipip") && tunnel === undefined ? "ethernet" : kind,
      isUp: link.isUp,
      ...(link.isUp && !link.hasCarrier ? { lacksCarrier: true } : {}),
      mtu: link.mtu,
      addresses: link.addresses ?? [],
      sysctls: values,
      proxyArp,
      ...(port === undefined ? {} : { port }),
      ...(tunnel === undefined ? {} : { tunnel }),
      provenance: { origin: link.origin, ...(inferred === undefined ? {} : { inferred }) },
    };
  });
  return { interfaces, settings };
}

function portOf(link: LinkFacts, bridge: string, { ports }: HostFacts, report: Report): BridgePort {
  const listed = ports.get(link.name);
  const known: PortFacts | undefined = listed?.hairpin === undefined ? (link.port ?? listed) : listed;
  if (listed !== undefined && link.port !== undefined)
    for (const key of ["hairpin", "isolated", "state"] as const)
      if (listed[key] !== undefined && link.port[key] !== undefined && listed[key] !== link.port[key])
        report({
          severity: "error",
          code: "repeated-node-file",
          message: `port ${link.name}: ${key} is ${listed[key]} here and ${link.port[key]} in another file of the node: expected files of one moment`,
          origin: listed.origin,
          notes: [{ message: "the other file", origin: link.port.origin }],
        });
  const state = known?.state ?? listed?.state;
  return {
    bridge,
    hairpin: known?.hairpin ?? false,
    isolated: known?.isolated ?? false,
    isForwarding: state === undefined ? link.isUp && link.hasCarrier : state === "forwarding",
    provenance: {
      origin: known?.origin ?? link.origin,
      ...(known?.hairpin === undefined
        ? { inferred: "without bridge -d link neither hairpin nor isolation is printed: off" }
        : {}),
    },
  };
}
