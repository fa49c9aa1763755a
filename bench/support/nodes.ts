/** Node objects for the clusters that are measured. */

/** What `kubectl get nodes -o json` prints, less what kpc does not look at: node-1, node-2, … with a pod CIDR, an address and a
 *  zone each. */
export function printNodes(count: number) {
  const items = Array.from({ length: count }, (_, i) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: `node-${i + 1}`,
      labels: { "topology.kubernetes.io/zone": ZONES[i % ZONES.length] },
    },
    spec: { podCIDR: `10.${176 + (i >> 8)}.${i & 255}.0/24`, podCIDRs: [`10.${176 + (i >> 8)}.${i & 255}.0/24`] },
    status: { addresses: [{ type: "InternalIP", address: `192.168.${i >> 8}.${(i & 255) + 2}` }] },
  }));
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

const ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
