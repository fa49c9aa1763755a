/** Cluster IPs and node ports of Services that come without. */
import type { DiagnosticCode, Report } from "../diagnostics.ts";
import { type Address, type Family, familyOf, printAddress } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import { prefixContains, printPrefix } from "../net/prefix.ts";
import { ignoredLabel } from "../specs/labels.ts";
import type { Located } from "../specs/located.ts";
import type { IpFamilyPolicy, ServicePortSpec, ServiceSpec } from "../specs/types.ts";
import { type Assume, nameOf } from "./assumption.ts";
import type { Blocks } from "./blocks.ts";
import { chooseAddresses, chooseNodePorts, servicePools } from "./pools.ts";

/** The same Services with what the API server would have given them. Those that it has written, that kube-proxy ignores,
 *  and that are complete are left as they are; those for which nothing is left are reported and left out. `taken`: addresses
 *  that are in the input; chosen ones are added. */
export function completeServices(
  services: readonly ServiceSpec[],
  blocks: Blocks,
  taken: Set<Address>,
  assume: Assume,
  report: Report,
): readonly ServiceSpec[] {
  const open = services.filter(isOpenService);
  if (open.length === 0) return services;
  const broken = new Set<ServiceSpec>();
  const refuse: Refuse = (service, code, message) => {
    broken.add(service);
    report({ severity: "error", code, message, origin: nameOf(service.meta.field) });
  };
  const clusterIps = chooseClusterIps(open, blocks, taken, refuse);
  const nodePorts = chooseNodePorts(open.flatMap(portNamesOf), new Set(services.flatMap(portsTaken)));
  const completed = new Map(
    open.map((service) => {
      const addressed = completeAddresses(service, clusterIps, blocks, assume);
      return [service, completePorts(addressed, nodePorts, assume, (...found) => refuse(service, ...found))];
    }),
  );
  return services.flatMap((service) => (broken.has(service) ? [] : (completed.get(service) ?? service)));
}

/** Takes the reason why a Service cannot be completed. */
type Refuse = (service: ServiceSpec, code: DiagnosticCode, message: string) => void;

/** Whether the API server would look for something that the manifest leaves out. */
export function isOpenService(service: ServiceSpec): boolean {
  const { meta, type, headless, clusterIps, ipFamilies, ipFamilyPolicy, ports } = service;
  if (meta.fromServer || type === "ExternalName" || headless || ignoredLabel(meta) !== undefined) return false;
  const mayNeedAddress = clusterIps.length < Math.max(1, ipFamilies.length, MAY_HAVE[ipFamilyPolicy ?? "SingleStack"]);
  const needsPort = hasNodePorts(service) && ports.some(({ nodePort }) => nodePort === undefined);
  return mayNeedAddress || needsPort || needsHealthCheckPort(service);
}

/** Addresses that a Service may have, by its policy. */
const MAY_HAVE: Readonly<Record<IpFamilyPolicy, number>> = { PreferDualStack: 2, RequireDualStack: 2, SingleStack: 1 };

function keyOf({ meta }: ServiceSpec): string {
  return `${meta.namespace}/${meta.name}`;
}

// --- cluster IPs -----------------------------------------------------------------------------------------------------------

/** For each family, an address for each Service that needs one, by its name and the family. */
type ClusterIps = Readonly<Record<Family, ReadonlyMap<string, Address>>>;

function chooseClusterIps(
  open: readonly ServiceSpec[],
  blocks: Blocks,
  taken: Set<Address>,
  refuse: Refuse,
): ClusterIps {
  const cidrs = [...blocks.services.IPv4, ...blocks.services.IPv6].map(printPrefix).join(", ");
  const choose = (family: Family): ReadonlyMap<string, Address> => {
    const needing = open.filter((service) => missingFamilies(service, blocks).includes(family));
    const familyKeyOf = (service: ServiceSpec): string => `${keyOf(service)} ${family}`;
    const pools = servicePools(blocks.services[family]);
    const chosen = chooseAddresses(needing.map(familyKeyOf), pools, taken);
    for (const service of needing.filter((each) => !chosen.has(familyKeyOf(each)))) {
      const why = pools.length === 0 ? `not configured on this cluster` : "used up";
      const message = `Service ${keyOf(service)} gets no cluster IP: ${family} is ${why} (Service CIDRs ${cidrs})`;
      refuse(service, "no-cluster-ip", message);
    }
    return chosen;
  };
  return { IPv4: choose("IPv4"), IPv6: choose("IPv6") };
}

/** The families that the Service is to have, in the order of its addresses. */
function wantedFamilies({ ipFamilies, ipFamilyPolicy }: ServiceSpec, { families }: Blocks): readonly Family[] {
  const [primary = "IPv4"] = families;
  const wanted = ipFamilies.length > 0 ? ipFamilies : [primary];
  const [first] = wanted;
  const second = first === "IPv4" ? "IPv6" : "IPv4";
  const takesSecond =
    ipFamilyPolicy === "RequireDualStack" || (ipFamilyPolicy === "PreferDualStack" && families.includes(second));
  return wanted.length === 1 && takesSecond ? [...wanted, second] : wanted;
}

function missingFamilies(service: ServiceSpec, blocks: Blocks): readonly Family[] {
  const given = service.clusterIps.map(({ value }) => familyOf(value));
  return wantedFamilies(service, blocks).filter((family) => !given.includes(family));
}

function completeAddresses(service: ServiceSpec, clusterIps: ClusterIps, blocks: Blocks, assume: Assume): ServiceSpec {
  const missing = missingFamilies(service, blocks);
  if (missing.length === 0) return service;
  const { meta } = service;
  const located = wantedFamilies(service, blocks).flatMap((family): readonly Located<Address>[] => {
    const given = service.clusterIps.find(({ value }) => familyOf(value) === family);
    if (given !== undefined) return [given];
    const value = clusterIps[family].get(`${keyOf(service)} ${family}`);
    if (value === undefined) return [];
    const block = blocks.services[family].find((each) => prefixContains(each, value));
    assume({
      what: ["cluster IP"],
      text: `Service ${keyOf(service)}: cluster IP ${printAddress(value)}`,
      subject: keyOf(service),
      origin: nameOf(meta.field),
      from: block === undefined ? [] : [printPrefix(block)],
    });
    return [{ value, field: meta.field, assumed: true }];
  });
  return { ...service, clusterIps: located, ipFamilies: located.map(({ value }) => familyOf(value)) };
}

// --- node ports ------------------------------------------------------------------------------------------------------------

function hasNodePorts({ type, allocatesNodePorts }: ServiceSpec): boolean {
  return type === "NodePort" || (type === "LoadBalancer" && allocatesNodePorts);
}

function needsHealthCheckPort({ type, externalTrafficPolicy, healthCheckNodePort }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local" && healthCheckNodePort === undefined;
}

/** What node ports are chosen for. Ports of one number, of other protocols, have one node port, as the API server gives them. */
function portNamesOf(service: ServiceSpec): string[] {
  const names = service.ports
    .filter(
      (port) => hasNodePorts(service) && port.nodePort === undefined && givenNodePort(service, port) === undefined,
    )
    .map((port) => portNameOf(service, port));
  return needsHealthCheckPort(service) ? [...names, healthCheckNameOf(service)] : names;
}

function portNameOf(service: ServiceSpec, { port }: ServicePortSpec): string {
  return `${keyOf(service)}:${port}`;
}

function healthCheckNameOf(service: ServiceSpec): string {
  return `${keyOf(service)} health check`;
}

/** The node port that another port of the same number has, unless it has the protocol of `port`. */
function givenNodePort({ ports }: ServiceSpec, { port, protocol }: ServicePortSpec): Port | undefined {
  const same = ports.filter((other) => other.port === port && other.protocol !== protocol);
  return same.find(({ nodePort }) => nodePort !== undefined)?.nodePort?.value;
}

function portsTaken({ ports, healthCheckNodePort }: ServiceSpec): Port[] {
  const given = [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort];
  return given.flatMap((located) => located?.value ?? []);
}

function completePorts(
  service: ServiceSpec,
  chosen: ReadonlyMap<string, Port>,
  assume: Assume,
  refuse: (code: DiagnosticCode, message: string) => void,
): ServiceSpec {
  const subject = keyOf(service);
  const ports = hasNodePorts(service)
    ? service.ports.map((port): ServicePortSpec => {
        const value = givenNodePort(service, port) ?? chosen.get(portNameOf(service, port));
        if (port.nodePort !== undefined) return port;
        if (value === undefined) {
          refuse("node-port-range", `Service ${subject} gets no node port for port ${port.port}: all are used up`);
          return port;
        }
        const which = port.name === "" ? `port ${port.port}` : `port ${port.name}`;
        const text = `Service ${subject}, ${which}: node port ${value}/${port.protocol.toUpperCase()}`;
        const key = `${subject}:${port.port}/${port.protocol}`;
        assume({ what: ["node port"], text, subject: key, origin: port.field, from: [] });
        return { ...port, nodePort: { value, field: port.field, assumed: true } };
      })
    : service.ports;
  const healthCheck = needsHealthCheckPort(service) ? chosen.get(healthCheckNameOf(service)) : undefined;
  if (healthCheck === undefined) return ports === service.ports ? service : { ...service, ports };
  const origin = service.meta.field;
  const text = `Service ${subject}: health-check node port ${healthCheck}`;
  assume({ what: ["health-check node port"], text, subject, origin: nameOf(origin), from: [] });
  return { ...service, ports, healthCheckNodePort: { value: healthCheck, field: origin, assumed: true } };
}
