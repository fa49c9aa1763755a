/** What manifests tell of the ingress proxy where no Cluster does: an address that Ingresses have got, or labels of well-known controllers. */
import type { ClusterPod } from "../model/hosts.ts";
import { printAddress } from "../net/address.ts";
import { selects } from "../specs/labels.ts";
import { SERVICE_TYPES, type ServiceSpec, type ServiceType } from "../specs/types.ts";
import type { LayoutInput } from "./types.ts";

/** `inferred`: from what. `candidates`: names of Services of which each may be the one. */
export type InferredProxy =
  | { readonly kind: "service"; readonly service: ServiceSpec; readonly inferred: string }
  | { readonly kind: "pods"; readonly pods: readonly ClusterPod[]; readonly inferred: string }
  | { readonly kind: "none"; readonly candidates: readonly string[] };

const NAME_LABEL = "app.kubernetes.io/name";

/** What the charts of ingress controllers put into that label of the proxy's pods: the chart's name. */
const CONTROLLERS: ReadonlySet<string> = new Set([
  "contour",
  "haproxy-ingress",
  "ingress-nginx",
  "kong",
  "kubernetes-ingress",
  "nginx-ingress",
  "traefik",
]);

/** The Service or the pods that have to be the proxy; where it is one of several Services, their names. */
export function inferProxy(input: LayoutInput): InferredProxy {
  return byIngressAddress(input) ?? byLabel(input) ?? { kind: "none", candidates: [] };
}

/** A controller writes the address of its Service's load balancer into the Ingresses that it serves. */
function byIngressAddress({ services, ingressAddresses = [] }: LayoutInput): InferredProxy | undefined {
  const having = services.flatMap((service) => {
    const own = ingressAddresses.find((address) => frontAddresses(service).includes(address));
    return own === undefined ? [] : [{ service, own }];
  });
  const [only, second] = having;
  if (only === undefined) return undefined;
  if (second !== undefined) return several(having.map(({ service }) => service));
  const { service, own } = only;
  const inferred = `the status of Ingresses has ${printAddress(own)}, an address of Service ${nameOf(service)}`;
  return { kind: "service", service, inferred };
}

function frontAddresses({ loadBalancerIngress, externalIps }: ServiceSpec): unknown[] {
  return [...loadBalancerIngress.map(({ address }) => address), ...externalIps.map(({ value }) => value)];
}

/** Types of Services by which clients outside come in, the likeliest first. */
const OPEN_TYPES: readonly ServiceType[] = SERVICE_TYPES.filter(
  (type) => type === "LoadBalancer" || type === "NodePort",
);

/** Services of a controller besides that of its proxy serve webhooks and metrics: they have type ClusterIP. */
function byLabel({ services, pods }: LayoutInput): InferredProxy | undefined {
  const labelled = pods.filter(({ labels }) => CONTROLLERS.has(labels.get(NAME_LABEL) ?? ""));
  if (labelled.length === 0) return undefined;
  const labelOf = ({ labels }: ClusterPod): string => `${NAME_LABEL}: ${labels.get(NAME_LABEL)}`;
  for (const wanted of OPEN_TYPES) {
    const found = services.flatMap((service) => {
      const { type, selector, meta } = service;
      const own = labelled.find((pod) => pod.namespace === meta.namespace && selects(selector, pod.labels));
      return type !== wanted || own === undefined ? [] : [{ service, own }];
    });
    const [only, second] = found;
    if (only === undefined) continue;
    if (second !== undefined) return several(found.map(({ service }) => service));
    const inferred = `the pods of Service ${nameOf(only.service)} have the label ${labelOf(only.own)}`;
    return { kind: "service", service: only.service, inferred };
  }
  const open = labelled.filter(({ isHostNetwork }) => isHostNetwork);
  const [first] = open;
  if (first === undefined) return undefined;
  return { kind: "pods", pods: open, inferred: `pods in the network of their node have the label ${labelOf(first)}` };
}

function several(services: readonly ServiceSpec[]): InferredProxy {
  return { kind: "none", candidates: services.map(nameOf).sort() };
}

function nameOf({ meta }: ServiceSpec): string {
  return `${meta.namespace}/${meta.name}`;
}
