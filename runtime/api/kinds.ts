/** What an agent watches, as kube-proxy selects it. */

export interface WatchedKind {
  /** Without the server's own path. */
  readonly path: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Whether the API server may not have the kind (404): then there are no objects of it. */
  readonly isOptional?: boolean;
}

/** Services that another proxy serves, and those that have no cluster IP, are no business of the node's proxy. */
const SERVED_HERE = "!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless";

/** Nobody has to label a headless Service: kube-proxy 1.37 asks for the field. */
export const SERVICES: WatchedKind = {
  path: "/api/v1/services",
  labelSelector: SERVED_HERE,
  fieldSelector: "spec.clusterIP!=None",
};

export const ENDPOINT_SLICES: WatchedKind = {
  path: "/apis/discovery.k8s.io/v1/endpointslices",
  labelSelector: SERVED_HERE,
};

/** Since Kubernetes 1.33. */
export const SERVICE_CIDRS: WatchedKind = { path: "/apis/networking.k8s.io/v1/servicecidrs", isOptional: true };

/** The Node of that name alone. */
export function oneNode(name: string): WatchedKind {
  return { path: "/api/v1/nodes", fieldSelector: `metadata.name=${name}` };
}
