/** Load balancers of Services: which nodes they choose from, and how connections get there. */
import type { ServicePort } from "../model/types.ts";
import { type Address, familyOf } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { ProxyFrontend, ProxyTarget } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import type { LoadBalancerSpec } from "../specs/network-types.ts";
import type { ServiceSpec } from "../specs/types.ts";
import { balancerRules } from "./balancer-rules.ts";
import type { LayoutRules } from "./host-rules.ts";
import { findIngressProxy } from "./ingress-proxy.ts";
import { type LayoutPlan, nodeAddress } from "./plan.ts";
import { plus } from "./underlay.ts";

export interface PlannedBalancer {
  /** `lb/NAMESPACE/NAME`. */
  readonly host: string;
  /** `namespace/name`. */
  readonly service: string;
  readonly kind: "proxy" | "nat" | "routed";
  /** Of the Service. */
  readonly addresses: readonly Address[];
  /** Its own ones in the underlay; none where it is no host (`routed`). */
  readonly own: readonly Address[];
  /** Next hops to its addresses. */
  readonly via: readonly Address[];
  readonly frontends: readonly ProxyFrontend[];
  readonly rules: LayoutRules | undefined;
  readonly provenance: Provenance;
}

export function balancersOf(plan: LayoutPlan): PlannedBalancer[] {
  const { services, network, proxyProtocol = false } = plan.input;
  const told = proxyProtocol ? findIngressProxy(plan.input).proxy?.service : undefined;
  const taken: Address[] = [
    ...plan.input.nodes.flatMap(({ addresses }) => addresses),
    ...Object.values(plan.underlays).map(({ gateway }) => gateway),
  ];
  return services
    .filter(({ loadBalancerIngress }) => loadBalancerIngress.length > 0)
    .map((service) => {
      const name = `${service.meta.namespace}/${service.meta.name}`;
      const spec = network?.loadBalancers.find((each) => each.service.value === name);
      const planned = balancerOf(service, { name, spec, plan, taken, tellsClient: service === told });
      taken.push(...planned.own);
      return planned;
    });
}

interface BalancerInput {
  /** `namespace/name`. */
  readonly name: string;
  readonly spec: LoadBalancerSpec | undefined;
  readonly plan: LayoutPlan;
  readonly taken: readonly Address[];
  readonly tellsClient: boolean;
}

function balancerOf(service: ServiceSpec, { name, spec, plan, taken, tellsClient }: BalancerInput): PlannedBalancer {
  const isProxy = service.loadBalancerIngress.some(({ ipMode }) => ipMode === "Proxy");
  const kind = spec?.kind ?? (isProxy ? "proxy" : "routed");
  const addresses = service.loadBalancerIngress.map(({ address }) => address);
  const ports = plan.input.servicePorts.filter(
    (port) => port.namespace === service.meta.namespace && port.name === service.meta.name,
  );
  const chooses = spec?.nodes ?? "healthy";
  const inferred =
    spec === undefined
      ? `a load balancer with ipMode ${isProxy ? "Proxy makes connections of its own" : "VIP sends packets to nodes as they are"}`
      : undefined;
  const provenance: Provenance = {
    ...{ origin: spec?.field ?? service.meta.field },
    ...(inferred === undefined ? {} : { inferred }),
  };
  const own =
    kind === "routed"
      ? []
      : spec !== undefined && spec.addresses.length > 0
        ? spec.addresses.map(({ value }) => value)
        : freeAddresses(plan, taken);
  const targetsOf = (address: Address, port: ServicePort): ProxyTarget[] =>
    plan.input.nodes.flatMap((node) => {
      const at = nodeAddress(node, familyOf(address));
      if (at === undefined || (chooses === "healthy" && !isHealthy(port, node.name))) return [];
      return [{ host: `node/${node.name}`, address: at, port: port.nodePort ?? port.port }];
    });
  const frontends = addresses.flatMap((address) =>
    ports
      .filter((port) => familyOf(port.clusterIp) === familyOf(address))
      .map(
        (port): ProxyFrontend => ({
          address,
          protocol: PROTOCOL_NUMBERS[port.protocol],
          port: port.port,
          targets: targetsOf(address, port),
          ...(tellsClient && { tellsClient }),
        }),
      ),
  );
  const nodes = [...new Set(frontends.flatMap(({ targets }) => targets.map(({ address }) => address)))];
  return {
    host: `lb/${name}`,
    service: name,
    kind,
    addresses,
    own,
    via: kind === "routed" ? nodes : own,
    // One that translates has no rule for what no node serves.
    frontends: kind === "routed" ? [] : frontends.filter(({ targets }) => kind === "proxy" || targets.length === 0),
    rules: kind === "nat" ? balancerRules(name, frontends, spec?.keepsClient ?? false) : undefined,
    provenance,
  };
}

/** What the health check of a Service with policy Local says of a node; others are always healthy. */
function isHealthy({ externalTrafficPolicy, candidates }: ServicePort, node: string): boolean {
  return externalTrafficPolicy !== "Local" || candidates.some((each) => each.nodeName === node && each.ready);
}

/** An address of each family in the underlay that nobody has, from the fifth on. */
function freeAddresses({ underlays }: LayoutPlan, taken: readonly Address[]): Address[] {
  return Object.values(underlays).map(({ cidr }) => {
    let offset = 5;
    while (taken.includes(plus(cidr.address, offset))) offset++;
    return plus(cidr.address, offset);
  });
}
