/** Clusters in which there are several Services of each of a few kinds. */
import { type ClusterInput, type Manifest, PROXY } from "./arbitraries.ts";
import type { Picker } from "./dressing.ts";

type Spec = Manifest;

/** Kinds of Services: what their specs have besides names and addresses. `endpoints`: how many each has. */
interface ServiceKind {
  readonly endpoints: number;
  /** They have node ports: more of them stay in a reduction. */
  readonly hasNodePorts?: true;
  readonly spec: (i: number) => Spec;
}

const PORT = { name: "http", port: 80, targetPort: 8080, protocol: "TCP" };
const KINDS: readonly ServiceKind[] = [
  { endpoints: 2, spec: () => ({ ports: [PORT] }) },
  { endpoints: 1, spec: () => ({ ports: [PORT] }) },
  { endpoints: 0, spec: () => ({ ports: [PORT] }) },
  {
    endpoints: 3,
    spec: () => ({ ports: [PORT, { name: "dns", port: 53, targetPort: 53, protocol: "UDP" }] }),
  },
  { endpoints: 2, spec: () => ({ ports: [PORT], sessionAffinity: "ClientIP" }) },
  { endpoints: 2, spec: (i) => ({ ports: [PORT], externalIPs: [`198.51.100.${i + 1}`, `2001:db8::${i + 1}`] }) },
  {
    endpoints: 2,
    spec: (i) => ({
      ports: [PORT],
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 + (i % 5 === 0 ? 1 : 0) } },
    }),
  },
  { endpoints: 1, hasNodePorts: true, spec: (i) => ({ type: "NodePort", ports: [{ ...PORT, nodePort: 30000 + i }] }) },
  {
    endpoints: 2,
    hasNodePorts: true,
    spec: (i) => ({
      type: "NodePort",
      ports: [{ ...PORT, nodePort: 30000 + i }],
      sessionAffinity: "ClientIP",
    }),
  },
  {
    endpoints: 1,
    hasNodePorts: true,
    spec: (i) => ({
      type: "NodePort",
      ports: [
        { ...PORT, nodePort: 30000 + i },
        // Some have the port of the other protocol that another one has.
        { name: "dns", port: 53, targetPort: 53, protocol: "UDP", nodePort: i % 4 === 0 ? 30001 + i : 32000 + i },
      ],
      externalTrafficPolicy: i % 8 === 0 ? "Local" : "Cluster",
    }),
  },
  {
    endpoints: 2,
    hasNodePorts: true,
    spec: (i) => ({
      type: "LoadBalancer",
      ports: [{ ...PORT, nodePort: 31000 + i }],
      allocateLoadBalancerNodePorts: true,
      loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"],
      externalTrafficPolicy: i % 2 === 0 ? "Local" : "Cluster",
    }),
  },
  { endpoints: 2, spec: () => ({ ports: [PORT], internalTrafficPolicy: "Local" }) },
];

/** One or two kinds of Services, as a rule more of each than stay in a reduction. */
export function repeatedCluster(pick: Picker): ClusterInput {
  const objects: Manifest[] = [];
  let pods = 0;
  let number = 0;
  for (let kinds = pick(3) === 0 ? 2 : 1; kinds > 0; kinds--) {
    const kind = KINDS[pick(KINDS.length)] as ServiceKind;
    const families = (["IPv4", "IPv6"] as const).filter(() => pick(3) > 0);
    if (families.length === 0) families.push("IPv4");
    for (let copies = (kind.hasNodePorts ? 20 : 10) + pick(5); copies > 0; copies--) {
      const i = number++;
      const name = `service-${i}`;
      const spec = kind.spec(i);
      // Some have an endpoint that another one has, too.
      if (pick(12) === 0 && pods > 0) pods--;
      const addresses = Array.from({ length: kind.endpoints }, () => pods++);
      const clusterIPs = families.map((family) => (family === "IPv4" ? `172.30.0.${i + 10}` : `fd00:10:96::${i + 10}`));
      objects.push({
        apiVersion: "v1",
        kind: "Service",
        metadata: { namespace: "ns", name },
        spec: { clusterIP: clusterIPs[0], clusterIPs, ipFamilies: families, ...spec },
        ...(spec["type"] === "LoadBalancer"
          ? { status: { loadBalancer: { ingress: [{ ip: `192.0.2.${i + 1}` }] } } }
          : {}),
      });
      for (const family of families)
        objects.push({
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: {
            namespace: "ns",
            name: `${name}-${family}`.toLowerCase(),
            labels: { "kubernetes.io/service-name": name },
          },
          addressType: family,
          endpoints: addresses.map((pod) => ({
            addresses: [family === "IPv4" ? `10.180.1.${pod + 1}` : `fd00:10:180::${pod + 1}`],
            nodeName: pod % 2 === 0 ? "node-a" : "node-b",
            conditions: { ready: true },
          })),
          ports: (spec["ports"] as readonly Manifest[]).map(({ name, targetPort, protocol }) => ({
            name,
            port: targetPort,
            protocol,
          })),
        });
    }
  }
  return {
    objects,
    mode: pick(2) === 0 ? "nftables" : "iptables",
    proxy: pick(3) === 0 ? { ...PROXY, masqueradeAll: true } : PROXY,
  };
}
