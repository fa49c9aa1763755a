/** Tables of small clusters. */
import { printTable } from "../../compiler/print.ts";
import type { ClusterInput, Manifest } from "./arbitraries.ts";
import { mustCompile } from "./compile.ts";

/** The table of a cluster; throws when there is none. */
export function mustPrintTable(cluster: ClusterInput): Uint8Array {
  const { program, node } = mustCompile(cluster);
  const { table, unsupported } = printTable(program, node.addresses, "test");
  if (table === undefined) throw new Error(unsupported[0]?.message);
  return table;
}

/** `default/web`, port 80, with these endpoints; `spec` says more about it. */
export function webCluster(endpoints: readonly string[], spec: Manifest = {}): ClusterInput {
  const family = endpoints[0]?.includes(":") ? "IPv6" : "IPv4";
  const clusterIP = family === "IPv6" ? "fd00:10:96::1" : "10.96.0.1";
  return {
    mode: "nftables",
    proxy: {
      nodeName: "node-a",
      nodeIP: "192.168.0.2",
      nodeIPs: ["192.168.0.2"],
      detectLocalMode: "ClusterCIDR",
      clusterCIDR: ["10.244.0.0/16", "fd00:10:244::/48"],
      serviceCIDRs: ["10.96.0.0/16", "fd00:10:96::/112"],
      nodePortAddresses: "default",
      localhostNodePorts: false,
      masqueradeAll: false,
    },
    objects: [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "default" },
        spec: {
          clusterIP,
          clusterIPs: [clusterIP],
          ipFamilies: [family],
          ports: [{ name: "http", port: 80 }],
          ...spec,
        },
      },
      ...Array.from({ length: Math.ceil(endpoints.length / SLICE) }, (_, i) =>
        slice(i, family, endpoints.slice(i * SLICE, (i + 1) * SLICE)),
      ),
    ],
  };
}

const SLICE = 1000;

function slice(number: number, addressType: string, addresses: readonly string[]): Manifest {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${number}`, namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
    addressType,
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}
