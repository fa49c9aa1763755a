/** A node as its own commands describe it. */
import type { Report, Source } from "../diagnostics.ts";
import type { Address, Family } from "../net/address.ts";
import { printPrefix } from "../net/prefix.ts";
import type { Host, HostInterface } from "../network/network.ts";
import type { Interface, RoutingTables } from "../network/types.ts";
import { interfacesBehind } from "./behind.ts";
import { bridgeNetfilterOf } from "./bridge-netfilter.ts";
import { reportDatapaths } from "./datapaths.ts";
import { generalSettings } from "./effective.ts";
import { type HostFacts, readHostFacts } from "./facts.ts";
import { interfacesOf } from "./interfaces.ts";
import { reportMissingFiles } from "./missing.ts";
import { policyRulesOf, tablesOf } from "./tables.ts";
import { reportUnfollowed } from "./unfollowed.ts";

/** What the files of a node are. */
export interface HostFiles {
  /** Undefined: no file says which interfaces the node has, or a file has an error. */
  readonly host: Host | undefined;
  /** Dumps of its rules, for the readers of rules. */
  readonly rules: readonly Source[];
  /** By which interface the node reaches single addresses. */
  readonly behind: ReadonlyMap<Address, string>;
}

/** The host that the outputs of a node's commands describe; the files may have any names. Reports files that are something else
 *  (`other-input`) or broken (`json-syntax`, `wrong-type`, `invalid-value`), that contradict each other (`repeated-node-file`), what
 *  is missing and what kpc takes instead (`missing-node-file`), interfaces that no file has (`unknown-interface`), and what
 *  kpc does not follow (`unsupported-network`, `unknown-datapath`). */
export function readHostFiles(node: string, sources: readonly Source[], report: Report): HostFiles {
  let hasFailed = false;
  const noticing: Report = (finding) => {
    hasFailed ||= finding.severity === "error";
    report(finding);
  };
  const facts = readHostFacts(sources, noticing);
  if (facts.links.length > 0 || !hasFailed) reportMissingFiles(node, facts, noticing);
  const host = facts.links.length === 0 ? undefined : hostOf(node, facts, noticing);
  return { host: hasFailed ? undefined : host, rules: facts.rules, behind: interfacesBehind(facts) };
}

function hostOf(node: string, facts: HostFacts, report: Report): Host {
  const { interfaces, settings } = interfacesOf(facts, report);
  const netfilter = bridgeNetfilterOf(facts, report);
  reportDatapaths(facts.links, report);
  reportUnfollowed(facts, report);
  reportUnknownInterfaces(facts, interfaces, report);
  const [first] = facts.links;
  const routing = (family: Family): RoutingTables => ({
    family,
    interfaces: interfaces.map((each) => ofFamily(each, family)),
    rules: policyRulesOf(facts, family),
    tables: tablesOf(facts, interfaces, family),
  });
  return {
    name: `node/${node}`,
    role: { kind: "node", node },
    interfaces,
    routing: { IPv4: routing("IPv4"), IPv6: routing("IPv6") },
    bridgeNetfilter: netfilter.isOn,
    listeners: undefined,
    proxies: [],
    provenance: first === undefined ? {} : { origin: first.origin },
    settings: { ...generalSettings(facts.sysctls), ...netfilter.settings, ...settings },
  };
}

function ofFamily({ name, kind, isUp, addresses, sysctls }: HostInterface, family: Family): Interface {
  return {
    name,
    ...(kind === "loopback" ? { isLoopback: true } : {}),
    isUp,
    addresses,
    sysctls: sysctls[family],
  };
}

/** Files are not of one moment: pods come and go between two commands. */
function reportUnknownInterfaces(
  { routes, links }: HostFacts,
  interfaces: readonly HostInterface[],
  report: Report,
): void {
  const told = new Set<string>();
  const tell = (name: string, message: string, origin: HostInterface["provenance"]["origin"]): void => {
    if (told.has(name) || interfaces.some((each) => each.name === name)) return;
    told.add(name);
    report({ severity: "warning", code: "unknown-interface", message, ...(origin === undefined ? {} : { origin }) });
  };
  for (const { route } of routes)
    for (const { interface: name } of route.hops)
      tell(
        name,
        `the route to ${printPrefix(route.prefix)} leaves by ${name}: expected an interface that ip -j -d addr prints; kpc does not take the route`,
        route.provenance?.origin,
      );
  for (const { name, master, origin } of links)
    if (master !== undefined)
      tell(master, `interface ${name} belongs to ${master}: expected an interface that ip -j -d addr prints`, origin);
}
