/** Who takes requests for the hosts of Ingresses: what a Cluster says of it, or what Services, Pods and Ingresses tell. */
import type { ClusterPod } from "../model/hosts.ts";
import type { ServicePort } from "../model/types.ts";
import type { Address } from "../net/address.ts";
import { selects } from "../specs/labels.ts";
import type { IngressProxySpec } from "../specs/network-types.ts";
import type { ServiceSpec } from "../specs/types.ts";
import { hostPortsOf } from "./host-ports.ts";
import { inferProxy } from "./inferred-proxy.ts";
import type { FoundProxy, IngressProxy, LayoutInput, ProxyInstance, ProxyListener, Scheme } from "./types.ts";

const SCHEMES = ["http", "https"] as const satisfies readonly Scheme[];

/** Where the proxy listens if nothing else is said. */
const USUAL_PORTS: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };

/** Names that ports have in Services and containers of ingress controllers. */
const PORT_NAMES: Readonly<Record<Scheme, readonly string[]>> = {
  http: ["http", "web"],
  https: ["https", "tls", "websecure"],
};

/** The ingress proxy that `input` describes. */
export function findIngressProxy(input: LayoutInput): FoundProxy {
  const spec = input.network?.ingress;
  if (spec === undefined) {
    const found = inferProxy(input);
    if (found.kind === "none") return { candidates: found.candidates };
    const { inferred } = found;
    const proxy = found.kind === "service" ? ofService(found.service, input) : ofPods(found.pods);
    return { proxy: { ...proxy, addresses: [], provenance: { inferred } } };
  }
  const proxy = proxyOf(spec, input);
  const addresses = spec.addresses.map(({ value }) => value);
  return { proxy: { ...withPorts(proxy, spec.ports), addresses, provenance: { origin: spec.field } } };
}

type ProxyPlaces = Pick<IngressProxy, "service" | "instances">;

function proxyOf(spec: IngressProxySpec, input: LayoutInput): ProxyPlaces {
  const { service: name, pods } = spec;
  if (name !== undefined) {
    const service = input.services.find(({ meta }) => `${meta.namespace}/${meta.name}` === name.value);
    // Checks of names have reported one that is not there.
    return service === undefined ? { service: undefined, instances: [] } : ofService(service, input);
  }
  if (pods !== undefined)
    return ofPods(
      input.pods.filter(({ namespace, labels }) => namespace === pods.namespace && selects(pods.labels, labels)),
    );
  const nodes = input.nodes.filter((node) => spec.nodes.some(({ value }) => value === node.name));
  const listeners = SCHEMES.map((scheme) => ({ scheme, port: USUAL_PORTS[scheme] }));
  return {
    service: undefined,
    instances: nodes.map(({ name: own, addresses }) => {
      const host = `node/${own}`;
      return { host, name: host, addresses, listeners, hostPorts: [] };
    }),
  };
}

/** The proxy with the ports that a Cluster gives: of a scheme that has one, no others count. */
function withPorts({ service, instances }: ProxyPlaces, ports: IngressProxySpec["ports"]): ProxyPlaces {
  const listenersOf = ({ listeners }: ProxyInstance): ProxyListener[] =>
    SCHEMES.flatMap((scheme) => {
      const given = ports[scheme];
      return given === undefined ? listeners.filter((each) => each.scheme === scheme) : [{ scheme, port: given.value }];
    });
  return { service, instances: instances.map((each) => ({ ...each, listeners: listenersOf(each) })) };
}

// --- endpoints of a Service ----------------------------------------------------------------------------------------------

function ofService(service: ServiceSpec, input: LayoutInput): ProxyPlaces {
  const { meta } = service;
  const ports = input.servicePorts.filter(
    ({ namespace, name, protocol }) => namespace === meta.namespace && name === meta.name && protocol === "tcp",
  );
  const isOnly = new Set(ports.map(({ port }) => port)).size === 1;
  const instances = new Map<string, { readonly place: ProxyPlace; addresses: Address[]; listeners: ProxyListener[] }>();
  for (const port of ports) {
    const scheme = schemeOfPort(port, isOnly);
    for (const { address, port: listening } of port.candidates) {
      const place = placeOf(address, service, input);
      if (place === undefined) continue;
      const instance = instances.get(place.name) ?? { place, addresses: [], listeners: [] };
      instances.set(place.name, instance);
      if (!instance.addresses.includes(address)) instance.addresses.push(address);
      if (scheme !== undefined && !instance.listeners.some((each) => each.port === listening))
        instance.listeners.push({ scheme, port: listening });
    }
  }
  return {
    service,
    instances: [...instances.values()].map(({ place, addresses, listeners }) => ({ ...place, addresses, listeners })),
  };
}

/** The scheme of one of the Service's ports; undefined: it is for something else, such as metrics. `isOnly`: the Service has no other. */
function schemeOfPort({ portName, port }: Pick<ServicePort, "portName" | "port">, isOnly: boolean): Scheme | undefined {
  return schemeOf(portName, port) ?? (isOnly ? "http" : undefined);
}

function schemeOf(name: string, port: number): Scheme | undefined {
  return (
    SCHEMES.find((scheme) => PORT_NAMES[scheme].includes(name)) ??
    SCHEMES.find((scheme) => USUAL_PORTS[scheme] === port)
  );
}

type ProxyPlace = Pick<ProxyInstance, "host" | "name" | "hostPorts">;

/** Who has the endpoint `address`: a pod, of several in the network of their node that which the Service selects; or a node. */
function placeOf(address: Address, { selector }: ServiceSpec, { pods, nodes }: LayoutInput): ProxyPlace | undefined {
  const having = pods.filter(({ addresses }) => addresses.includes(address));
  const pod = having.find(({ labels }) => selects(selector, labels)) ?? having.find((each) => !each.isHostNetwork);
  if (pod !== undefined) return placeOfPod(pod);
  const node = nodes.find(({ addresses }) => addresses.includes(address));
  return node && { host: `node/${node.name}`, name: `node/${node.name}`, hostPorts: [] };
}

// --- pods ----------------------------------------------------------------------------------------------------------------

function placeOfPod(pod: ClusterPod): ProxyPlace {
  const { namespace, name, isHostNetwork, nodeName: node } = pod;
  const own = `pod/${namespace}/${name}`;
  const hostPorts = hostPortsOf(pod).flatMap(({ protocol, port, at, to }) =>
    protocol !== "tcp" || node === undefined ? [] : [{ node, port, at, to }],
  );
  return { host: isHostNetwork ? `node/${node}` : own, name: own, hostPorts };
}

function ofPods(pods: readonly ClusterPod[]): ProxyPlaces {
  const placed = pods.filter(({ addresses, nodeName }) => addresses.length > 0 && nodeName !== undefined);
  return {
    service: undefined,
    instances: placed.map((pod) => ({
      ...placeOfPod(pod),
      addresses: pod.addresses,
      listeners: listenersOfPod(pod),
    })),
  };
}

function listenersOfPod({ ports }: ClusterPod): ProxyListener[] {
  const declared = ports.flatMap(({ name, port, protocol }) => {
    const scheme = protocol === "tcp" ? schemeOf(name, port) : undefined;
    return scheme === undefined ? [] : [{ scheme, port }];
  });
  return declared.length > 0 ? declared : SCHEMES.map((scheme) => ({ scheme, port: USUAL_PORTS[scheme] }));
}
