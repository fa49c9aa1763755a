/**
 * The rules that kube-proxy's iptables mode writes for a cluster (IPv4, ClusterIP, a detector by source block), with its
 * jumps as it makes them. In large clusters, above 1,000 endpoints, it leaves comments out.
 */
import { createHash } from "node:crypto";
import { CLUSTER_CIDR, type ListedService } from "./cluster.ts";

const LARGE_CLUSTER_ENDPOINTS = 1000;

/** Text for iptables-restore. */
export function printIptablesSync(cluster: readonly ListedService[]): string {
  const endpoints = cluster.reduce((sum, service) => sum + service.endpoints.length, 0);
  const isLarge = endpoints > LARGE_CLUSTER_ENDPOINTS;
  const chains = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"];
  const dispatch: string[] = [];
  const rules: string[] = [];
  for (const service of cluster) {
    const chain = `KUBE-SVC-${hash(nameOf(service))}`;
    chains.push(chain);
    const match = `-m tcp -p tcp -d ${service.clusterIp} --dport ${service.port}`;
    dispatch.push(`-A KUBE-SERVICES${comment(isLarge, `${readableName(service)} cluster IP`)} ${match} -j ${chain}`);
    const cluster = comment(isLarge, `${readableName(service)} cluster IP`);
    rules.push(`-A ${chain}${cluster} ${match} ! -s ${CLUSTER_CIDR} -j KUBE-MARK-MASQ`);
    service.endpoints.forEach((endpoint, index) => {
      const to = `${endpoint.address}:${endpoint.port}`;
      const endpointChain = `KUBE-SEP-${hash(nameOf(service) + to)}`;
      chains.push(endpointChain);
      const left = service.endpoints.length - index;
      const chance = left === 1 ? "" : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
      const why = comment(isLarge, `${readableName(service)} -> ${to}`);
      rules.push(
        `-A ${chain}${why}${chance} -j ${endpointChain}`,
        `-A ${endpointChain}${comment(isLarge, readableName(service))} -s ${endpoint.address} -j KUBE-MARK-MASQ`,
        `-A ${endpointChain}${comment(isLarge, readableName(service))} -m tcp -p tcp -j DNAT --to-destination ${to}`,
      );
    });
  }
  return [
    ...FILTER,
    "*nat",
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...dispatch,
    ...NODE_PORTS,
    ...MASQUERADING,
    ...rules,
    ...NAT_JUMPS,
    "COMMIT",
    "",
  ].join("\n");
}

const FILTER = [
  "*filter",
  ...["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS", "KUBE-FORWARD", "KUBE-PROXY-FIREWALL"].map(
    (chain) => `:${chain} - [0:0]`,
  ),
  "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
  "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
  "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
  // Each is put first in its chain, in this order.
  "-I INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
  "-I FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
  "-I INPUT -j KUBE-NODEPORTS",
  "-I FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES",
  "-I OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES",
  "-I FORWARD -j KUBE-FORWARD",
  "-I INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
  "-I OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
  "-I FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
  "COMMIT",
];

const NODE_PORTS = ["-A KUBE-SERVICES ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"];

const MASQUERADING = [
  "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
  "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
  "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
  "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
];

const NAT_JUMPS = ["PREROUTING", "OUTPUT"]
  .map((chain) => `-I ${chain} -j KUBE-SERVICES`)
  .concat("-I POSTROUTING -j KUBE-POSTROUTING");

const comment = (isLarge: boolean, text: string) => (isLarge ? "" : ` -m comment --comment "${text}"`);

const readableName = ({ namespace, name, portName }: ListedService) => `${namespace}/${name}:${portName}`;

const nameOf = (service: ListedService) => `${readableName(service)}tcp`;

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first 16 characters of the SHA-256 in base32. */
function hash(text: string) {
  const bytes = createHash("sha256").update(text).digest();
  let bits = 0n;
  for (const byte of bytes.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  return Array.from({ length: 16 }, (_, index) => BASE32.charAt(Number((bits >> BigInt(75 - index * 5)) & 31n))).join(
    "",
  );
}
