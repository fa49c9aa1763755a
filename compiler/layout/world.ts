/** What is around the nodes: the switch that joins them, the gateway, load balancers, and hosts outside. */
import { required } from "../invariant.ts";
import { type Address, FAMILIES, type Family, familyOf, literalAddress, printAddress } from "../net/address.ts";
import { hostPrefix, maskAddress, type Prefix, prefixContains } from "../net/prefix.ts";
import type { HostInterface, Link } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import type { InterfaceAddress, TableRoute } from "../network/types.ts";
import { balancersOf, type PlannedBalancer } from "./balancers.ts";
import {
  addressIn,
  bothFamilies,
  defaultPrefix,
  FORWARDING,
  type HostDraft,
  interfaceOf,
  linkOf,
  loopback,
  OWN_ONLY,
  routeTo,
} from "./draft.ts";
import { gatewayRules } from "./gateway-rules.ts";
import type { LayoutRules } from "./host-rules.ts";
import { portNames } from "./interface-names.ts";
import { SWITCH } from "./node.ts";
import { type LayoutPlan, nodeAddress } from "./plan.ts";
import { strangersOf } from "./strangers.ts";

export const GATEWAY = "gateway";

export interface LayoutWorld {
  readonly drafts: readonly HostDraft[];
  readonly links: readonly Link[];
  readonly rules: ReadonlyMap<string, LayoutRules>;
}

export function layOutWorld(plan: LayoutPlan): LayoutWorld {
  const outside = outsidesOf(plan);
  const balancers = balancersOf(plan);
  const rules = new Map<string, LayoutRules>();
  const gateway = gatewayRules(plan, outside.subnets);
  if (gateway !== undefined) rules.set(GATEWAY, gateway);
  for (const { host, rules: own } of balancers) if (own !== undefined) rules.set(host, own);
  const hosts = balancers.filter(({ kind }) => kind !== "routed");
  const nodes = plan.input.nodes.map(({ name }) => `node/${name}`);
  const ports = portNames([...nodes, GATEWAY, ...hosts.map(({ host }) => host)]);
  return {
    drafts: [
      switchOf(plan, [...ports.values()]),
      gatewayOf(plan, outside, balancers),
      ...outside.hosts.map((each) => outsideHost(each, outside)),
      ...(outside.hosts.length > 1 ? [outsideSwitch(outside)] : []),
      ...hosts.map((each) => balancerHost(each, plan)),
    ],
    links: [
      linkOf([GATEWAY, "lan0"], [SWITCH, portOf(ports, GATEWAY)], outside.provenance),
      ...hosts.map(({ host, provenance }) => linkOf([host, "eth0"], [SWITCH, portOf(ports, host)], provenance)),
      ...outsideLinks(outside),
    ],
    rules,
  };
}

/** The world: who is in it, and the gateway's subnets there. */
interface Outside {
  readonly hosts: readonly OutsideHost[];
  readonly subnets: readonly InterfaceAddress[];
  readonly provenance: Provenance;
}

interface OutsideHost {
  /** `outside/NAME`. */
  readonly host: string;
  readonly addresses: readonly Address[];
  readonly provenance: Provenance;
}

/** Where nothing is said: documentation addresses. */
const WORLD: Readonly<Record<Family, { readonly gateway: string; readonly length: number; readonly client: string }>> =
  {
    IPv4: { gateway: "192.0.2.1", length: 24, client: "192.0.2.10" },
    IPv6: { gateway: "2001:db8:ffff::1", length: 64, client: "2001:db8:ffff::10" },
  };

function outsidesOf(plan: LayoutPlan): Outside {
  const { input, underlays } = plan;
  const { gateway, outside = [] } = input.network ?? {};
  const families = FAMILIES.filter((family) => underlays[family] !== undefined);
  const given = (gateway?.outside ?? []).map(({ value }) => addressIn(value.address, value.length));
  const subnets = [
    ...given,
    ...families
      .filter((family) => !given.some(({ address }) => familyOf(address) === family))
      .map((family) => addressIn(literalAddress(WORLD[family].gateway), WORLD[family].length)),
  ];
  const hosts = outside.map(
    ({ name, addresses, field }): OutsideHost => ({
      host: `outside/${name}`,
      addresses: addresses.map(({ value }) => value),
      provenance: { origin: field },
    }),
  );
  const inferred = "somebody outside, with an address in the gateway's subnet there";
  const anybody: OutsideHost = {
    host: "outside/internet",
    addresses: families.flatMap((family) => {
      const subnet = subnets.find(({ address }) => familyOf(address) === family);
      return subnet === undefined ? [] : [anyIn(subnet)];
    }),
    provenance: { inferred },
  };
  const strangers = strangersOf(plan)
    .filter((address) => hosts.length > 0 || !anybody.addresses.includes(address))
    .filter((address) => !subnets.some((subnet) => subnet.address === address))
    .map(
      (address): OutsideHost => ({
        host: `outside/${printAddress(address)}`,
        addresses: [address],
        provenance: { inferred: "nobody in the input has the address, so somebody outside has" },
      }),
    );
  return {
    hosts: [...(hosts.length > 0 ? hosts : [anybody]), ...strangers],
    subnets,
    provenance: gateway === undefined ? { inferred: "nodes have a gateway to the world" } : { origin: gateway.field },
  };
}

function anyIn({ address, length }: InterfaceAddress): Address {
  const block = maskAddress(address, length);
  return (typeof block === "number" ? block + 10 : block + 16n) as Address;
}

function switchOf({ mtu }: LayoutPlan, ports: readonly string[]): HostDraft {
  return bridgeHost(SWITCH, ports, mtu, { inferred: "a switch joins the nodes" });
}

function portOf(ports: ReadonlyMap<string, string>, host: string): string {
  return required(ports.get(host), `there is a port for ${host}`);
}

function bridgeHost(name: string, ports: readonly string[], mtu: number, provenance: Provenance): HostDraft {
  const bridge = "br0";
  return {
    name,
    role: { kind: "switch" },
    interfaces: [
      interfaceOf(bridge, "bridge", provenance, { mtu }),
      ...ports.map((port) =>
        interfaceOf(port, "ethernet", provenance, {
          mtu,
          port: { bridge, hairpin: false, isolated: false, isForwarding: true },
        }),
      ),
    ],
    routes: [],
    provenance,
  };
}

function gatewayOf(plan: LayoutPlan, outside: Outside, balancers: readonly PlannedBalancer[]): HostDraft {
  const { provenance } = outside;
  const { input, underlays } = plan;
  const inside = FAMILIES.flatMap((family) => {
    const found = underlays[family];
    return found === undefined ? [] : [addressIn(found.gateway, found.cidr.length)];
  });
  const sysctls = bothFamilies(FORWARDING);
  const knowsPods = input.network?.gateway?.knowsPods;
  const toPods =
    knowsPods?.value !== true
      ? []
      : input.nodes.flatMap((node) =>
          node.podCidrs.flatMap((cidr) => {
            const gateway = nodeAddress(node, familyOf(cidr.address));
            return gateway === undefined
              ? []
              : [routeTo(cidr, { interface: "lan0", gateway }, { origin: knowsPods.field })];
          }),
        );
  const toOutside = outside.hosts.flatMap(({ addresses, provenance: own }) =>
    addresses
      .filter((address) => !isInside(address, outside.subnets))
      .map((address) => routeTo(hostPrefix(address), { interface: "wan0" }, own)),
  );
  return {
    name: GATEWAY,
    role: { kind: "gateway" },
    interfaces: [
      loopback(provenance, sysctls),
      interfaceOf("lan0", "ethernet", provenance, { addresses: inside, sysctls, mtu: plan.mtu }),
      interfaceOf("wan0", "ethernet", provenance, { addresses: outside.subnets, sysctls, proxyArp: true }),
    ],
    routes: [...toPods, ...toOutside, ...balancers.flatMap((each) => routesToBalancer(each))],
    provenance,
  };
}

/** To its addresses: by the load balancer's own one, or by any of the nodes that it may choose. */
function routesToBalancer({ addresses, via, provenance }: PlannedBalancer): TableRoute[] {
  return addresses.flatMap((address) => {
    const hops = via
      .filter((gateway) => familyOf(gateway) === familyOf(address))
      .map((gateway) => ({ interface: "lan0", gateway, weight: 1 }));
    if (hops.length === 0) return [];
    return [routeTo(hostPrefix(address), { interface: "lan0" }, provenance, { hops, scope: "global" })];
  });
}

function isInside(address: Address, subnets: readonly InterfaceAddress[]): boolean {
  return subnets.some(
    (subnet) =>
      familyOf(subnet.address) === familyOf(address) &&
      prefixContains({ address: maskAddress(subnet.address, subnet.length), length: subnet.length }, address),
  );
}

function outsideHost({ host, addresses, provenance }: OutsideHost, { subnets }: Outside): HostDraft {
  const own = addresses.map((address) => {
    const subnet = subnets.find((each) => isInside(address, [each]));
    return addressIn(address, subnet?.length ?? hostPrefix(address).length);
  });
  const routes = subnets.flatMap(({ address: gateway, length }): TableRoute[] => {
    const family = familyOf(gateway);
    if (!addresses.some((address) => familyOf(address) === family)) return [];
    const block: Prefix = { address: maskAddress(gateway, length), length };
    const isThere = own.some(({ address }) => isInside(address, [{ address: gateway, length, scope: "global" }]));
    const near = isThere ? [] : [routeTo(block, { interface: "eth0" }, provenance)];
    return [...near, routeTo(defaultPrefix(family), { interface: "eth0", gateway, isOnLink: true }, provenance)];
  });
  const sysctls = bothFamilies(OWN_ONLY);
  const eth0: HostInterface = interfaceOf("eth0", "ethernet", provenance, { addresses: own });
  return {
    name: host,
    role: { kind: "outside" },
    interfaces: [loopback(provenance, sysctls), eth0],
    routes,
    provenance,
  };
}

const OUTSIDE_SWITCH = "outside";

/** What the world takes. */
const OUTSIDE_MTU = 1500;

function outsideSwitch({ hosts, provenance }: Outside): HostDraft {
  return bridgeHost(OUTSIDE_SWITCH, [...outsidePorts(hosts).values()], OUTSIDE_MTU, provenance);
}

function outsidePorts(hosts: readonly OutsideHost[]): ReadonlyMap<string, string> {
  return portNames([GATEWAY, ...hosts.map(({ host }) => host)]);
}

function outsideLinks({ hosts, provenance }: Outside): Link[] {
  const [only, second] = hosts;
  if (only === undefined) return [];
  if (second === undefined) return [linkOf([GATEWAY, "wan0"], [only.host, "eth0"], provenance)];
  const ports = outsidePorts(hosts);
  return [
    linkOf([GATEWAY, "wan0"], [OUTSIDE_SWITCH, portOf(ports, GATEWAY)], provenance),
    ...hosts.map((each) => linkOf([each.host, "eth0"], [OUTSIDE_SWITCH, portOf(ports, each.host)], each.provenance)),
  ];
}

function balancerHost(
  { host, service, own, addresses, frontends, provenance }: PlannedBalancer,
  plan: LayoutPlan,
): HostDraft {
  const sysctls = bothFamilies(FORWARDING);
  const inUnderlay = own.map((address) => addressIn(address, plan.underlays[familyOf(address)]?.cidr.length ?? 32));
  const lo = loopback(provenance, sysctls);
  return {
    name: host,
    role: { kind: "load-balancer", service },
    interfaces: [
      {
        ...lo,
        addresses: [...lo.addresses, ...addresses.map((address) => addressIn(address, hostPrefix(address).length))],
      },
      interfaceOf("eth0", "ethernet", provenance, { addresses: inUnderlay, sysctls, mtu: plan.mtu }),
    ],
    routes: FAMILIES.flatMap((family) => {
      const underlay = plan.underlays[family];
      return underlay === undefined
        ? []
        : [routeTo(defaultPrefix(family), { interface: "eth0", gateway: underlay.gateway }, provenance)];
    }),
    proxies: frontends,
    provenance,
  };
}
