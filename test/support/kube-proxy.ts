/** kube-proxy's own output for one cluster, beside the project. */
import { readFolder } from "./shared.ts";

/** The settings of the tests that kube-proxy's own output comes from. */
export const SETTINGS = {
  nodeName: "test-node",
  nodeIP: "192.168.0.2",
  nodeIPs: ["192.168.0.2", "192.168.1.2"],
  detectLocalMode: "ClusterCIDR",
  clusterCIDR: ["10.0.0.0/8"],
  serviceCIDRs: ["172.30.0.0/16"],
};

/** kube-proxy's nft transaction with objects before what refers to them: its test prints them sorted by Service. */
export function sortNft(text: string): string {
  const lines = text.split("\n").filter((line) => line.startsWith("add "));
  const rank = (line: string): number =>
    ["table", "set", "map", "chain", "rule", "element"].indexOf(line.split(" ")[1] ?? "");
  return lines
    .map((line, i) => ({ line, i }))
    .sort((a, b) => rank(a.line) - rank(b.line) || a.i - b.i)
    .map(({ line }) => line)
    .join("\n");
}

/** kube-proxy's restore text for a host without kubelet: jumps as kube-proxy makes them, no accounting objects. */
export function completeIptables(text: string): string {
  const jumps = {
    filter: [
      "INPUT -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
      "FORWARD -m conntrack --ctstate NEW -j KUBE-EXTERNAL-SERVICES",
      "INPUT -j KUBE-NODEPORTS",
      "FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES",
      "OUTPUT -m conntrack --ctstate NEW -j KUBE-SERVICES",
      "FORWARD -j KUBE-FORWARD",
      "INPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
      "OUTPUT -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
      "FORWARD -m conntrack --ctstate NEW -j KUBE-PROXY-FIREWALL",
      "INPUT -j KUBE-FIREWALL",
      "OUTPUT -j KUBE-FIREWALL",
    ],
    nat: ["PREROUTING -j KUBE-SERVICES", "OUTPUT -j KUBE-SERVICES", "POSTROUTING -j KUBE-POSTROUTING"],
  };
  const plain = text.replace(/-m nfacct --nfacct-name \S+ /g, "");
  // Each is put first in its chain, in this order.
  return plain.replace(/\*(filter|nat)\n([\s\S]*?)COMMIT/g, (_, table: "filter" | "nat", body: string) => {
    return `*${table}\n${body}${jumps[table].map((jump) => `-I ${jump}\n`).join("")}COMMIT`;
  });
}

const [spec] = readFolder("corpus/k8s", "kube-proxy-overall.yaml");
const [nft] = readFolder("corpus/nft", "kube-proxy-overall.nft");
const [iptables] = readFolder("corpus/iptables", "kube-proxy-overall.rules");

/** The manifests, and what kube-proxy makes of them in its two modes; undefined where they are not there. */
export const KUBE_PROXY =
  spec === undefined || nft === undefined || iptables === undefined ? undefined : { spec, nft, iptables };

if (KUBE_PROXY === undefined)
  process.stderr.write("tests are left out: kube-proxy's own output (../shared/corpus) is not there\n");
