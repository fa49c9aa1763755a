/** Small objects of an API server, for agents. */
import type { Manifest } from "./arbitraries.ts";

/** In namespace `shop`, at port 80 of `address`. */
export function serviceOf(name: string, address: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP: address, clusterIPs: [address], ipFamilies: ["IPv4"], ports: [{ port: 80 }] },
  };
}

/** Of that Service, at port 8080 of `addresses`. */
export function endpointSlice(name: string, ...addresses: readonly string[]): Manifest {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: "", port: 8080 }],
  };
}

/** Two Services of namespace `shop` with their endpoints. */
export const SHOP: readonly Manifest[] = [
  serviceOf("web", "172.30.0.41"),
  endpointSlice("web", "10.180.0.1", "10.180.0.2"),
  serviceOf("api", "172.30.0.42"),
  endpointSlice("api", "10.180.0.3"),
];
