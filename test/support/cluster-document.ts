/** Texts of kind Cluster. */

/** A Cluster with these members. */
export function clusterDocument(members: string): string {
  return `apiVersion: kpc.dev/v1alpha1\nkind: Cluster\n${members}\n`;
}

/** One that has every member somewhere, but for those that are other names of one. */
export const WHOLE_CLUSTER = clusterDocument(`metadata: {name: shop}
proxy: kpc
pods: {network: bridge, cidrs: [10.244.0.0/16, "fd00:244::/48"], tunnel: vxlan, masquerade: flannel, mtu: 1450, bridge: cni0, hairpin: true}
underlay: {cidr: 192.168.50.0/24, interface: eth0, mtu: 1500}
gateway:
  inside: [192.168.50.1, "fd00:50::1"]
  outside: 198.51.100.1/24
  masquerade: true
  knowsPods: false
  forwards: [{port: 8080, to: "node-1:30123"}, {port: 8080, protocol: udp, to: "[fd00:50::b]:53"}, {port: 22, to: 192.168.50.11:22}]
outside: [{name: client, address: 198.51.100.10}, {name: partner}]
loadBalancers: [{service: shop/partners, kind: nat, keepsClient: true, nodes: healthy, addresses: [192.168.50.5, "fd00:50::5"]}]
ingress: {service: ingress/proxy, ports: {http: 8080, https: 8443}, addresses: [198.51.100.50, "fd00:50::50"]}
nodes:
- name: node-2
  rules: host.nft
  sysctls: {net.bridge.bridge-nf-call-iptables: 0, net/ipv4/conf/eth0.7/rp_filter: "2"}
  routes:
  - {to: 10.244.9.0/24, via: 192.168.50.99, interface: eth0, metric: 5, source: 192.168.50.12}
  - {kind: blackhole, to: 10.9.0.1}
  - {to: default, via: "fd00:50::1"}
- {name: node-3, files: dumps/node-3}`);
