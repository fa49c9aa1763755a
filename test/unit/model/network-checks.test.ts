/** What is found about the addresses of a cluster, and about what a Cluster says of them. */
import { describe, expect, test } from "vitest";
import { cluster, N1, N2, networkFindings, node, pod, service, withoutPlaces } from "../../support/network-findings.ts";

const check = (...of: Parameters<typeof networkFindings>): string[] => withoutPlaces(networkFindings(...of));

test("a cluster in order gives no finding", () => {
  const objects = [
    N1,
    N2,
    pod("p", "n1", "10.244.1.5"),
    pod("q", "n2", "10.244.2.5"),
    pod("h", "n1", "192.168.0.1", ", hostNetwork: true"),
    service("web", "clusterIP: 10.96.0.10"),
    service(
      "pub",
      "type: LoadBalancer, clusterIP: 10.96.0.11",
      "status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}\n",
    ),
    cluster(
      `pods: {cidr: 10.244.0.0/16}
underlay: {cidr: 192.168.0.0/24}
gateway: {inside: 192.168.0.254, forwards: [{port: 80, to: "n1:30080"}, {port: 81, to: "192.168.0.2:30080"}]}
loadBalancers: [{service: a/pub}]
nodes: [{name: n1, routes: [{to: 10.9.0.0/24, via: 192.168.0.2}, {to: 10.8.0.0/24, via: 10.244.1.9}, {to: 10.7.0.0/24, interface: eth0}]}]`,
    ),
  ];
  expect(check(objects, { serviceCIDRs: ["10.96.0.0/16"] })).toEqual([]);
});

test("rules do not depend on it: only who asks is told", () => {
  const objects = [N1, node("n2", "10.244.1.0/24")];
  expect(check(objects, { nodeName: "n1" }, false)).toEqual([]);
  expect(check(objects, { nodeName: "n1" })).toHaveLength(1);
});

test("a Cluster alone is not compared with an input that is not there", () => {
  expect(check([cluster("loadBalancers: [{service: a/b}]")])).toEqual([]);
});

test("names of objects with an error are not missed", () => {
  const wrong = service("b", "clusterIP: 10.96.0.10").replace("port: 80", "port: 80000");
  const lb = cluster("loadBalancers: [{service: a/b}]");
  expect(check([N1, wrong, lb])).toEqual([]);
  expect(check([N1, lb])).toEqual(['error unknown-cluster-name there is no Service "a/b" in the input']);
});

describe("overlapping-pod-cidrs", () => {
  test.each<[what: string, blocks: readonly string[], wanted: readonly string[]]>([
    [
      "the same block",
      ["10.244.1.0/24", "10.244.1.0/24"],
      ["10.244.1.0/24 of Node n1 overlaps 10.244.1.0/24 of Node n0"],
    ],
    [
      "a block in another",
      ["10.244.1.0/25", "10.244.0.0/16"],
      ["10.244.1.0/25 of Node n0 overlaps 10.244.0.0/16 of Node n1"],
    ],
    ["neighbours", ["10.244.1.0/24", "10.244.2.0/24", "10.244.0.0/24"], []],
    [
      "both families, one overlaps",
      ['10.244.1.0/24, "fd00::/64"', '10.244.2.0/24, "fd00::/65"'],
      ["fd00::/65 of Node n1 overlaps fd00::/64 of Node n0"],
    ],
    [
      "two in one",
      ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "11.0.0.0/8"],
      [
        "10.1.0.0/16 of Node n1 overlaps 10.0.0.0/8 of Node n0",
        "10.2.0.0/16 of Node n2 overlaps 10.0.0.0/8 of Node n0",
      ],
    ],
    [
      "addresses of different lengths",
      ["9.0.0.0/8", "100.0.0.0/8", "100.64.0.0/16"],
      ["100.64.0.0/16 of Node n2 overlaps 100.0.0.0/8 of Node n1"],
    ],
  ])("%s", (_, blocks, wanted) => {
    const found = check(blocks.map((block, i) => node(`n${i}`, block)));
    const shown = found.map(
      (line) => /^warning overlapping-pod-cidrs pod CIDR (.*): packets to these/.exec(line)?.[1] ?? line,
    );
    expect(shown).toEqual(wanted);
  });
});

describe("pod-outside-cidr", () => {
  const INSIDE = pod("ok", "n1", "10.244.1.5");

  test.each<[what: string, objects: readonly string[], wanted: readonly string[]]>([
    [
      "an address of nobody",
      [INSIDE, pod("p", "n1", "10.9.0.1")],
      [
        "warning pod-outside-cidr Pod a/p has no address of the pod CIDR of its Node n1 (10.244.1.0/24) but 10.9.0.1: other nodes have no route to it (Node n1 4:18)",
      ],
    ],
    [
      "an address of another node",
      [INSIDE, pod("p", "n1", "10.244.2.9")],
      [
        "warning pod-outside-cidr Pod a/p has no address of the pod CIDR of its Node n1 (10.244.1.0/24) but 10.244.2.9: packets to it go to Node n2 (Node n1 4:18)",
      ],
    ],
    [
      "several on one node",
      [INSIDE, pod("p", "n1", "10.9.0.1"), pod("q", "n1", "10.9.0.2"), pod("r", "n1", "10.9.0.3")],
      [
        "warning pod-outside-cidr Pod a/p has no address of the pod CIDR of its Node n1 (10.244.1.0/24) but 10.9.0.1, nor have 2 more Pods: other nodes have no route to it (Node n1 4:18)",
      ],
    ],
    [
      "a plugin with blocks of its own",
      [pod("p", "n1", "10.9.0.1"), pod("q", "n2", "10.9.0.2")],
      [
        "warning pod-outside-cidr no Pod has an address of its Node's pod CIDR, as Pod a/p has not: the network plugin takes other blocks, and kpc knows no routes to them",
      ],
    ],
    [
      "an address in none of the Cluster's blocks",
      [
        pod("p", "n1", "10.244.1.9"),
        pod("c", "n3", "10.9.0.1"),
        pod("d", "n3", "10.9.0.2"),
        pod("h", "n1", "192.168.0.1", ", hostNetwork: true"),
        cluster('pods: {network: calico, cidr: [10.244.0.0/16, "fd00::/48"]}'),
      ],
      [
        "warning pod-outside-cidr Pod a/c has no address of the blocks of all pods (10.244.0.0/16, fd00::/48) but 10.9.0.1, nor has 1 more Pod (the blocks 39:32)",
      ],
    ],
    [
      "an address in no block at all",
      [INSIDE, pod("p", "n1", "10.9.0.1"), cluster("pods: {cidr: 10.244.0.0/16}")],
      [
        "warning pod-outside-cidr Pod a/p has no address of the pod CIDR of its Node n1 (10.244.1.0/24) but 10.9.0.1: other nodes have no route to it (Node n1 4:18)",
      ],
    ],
    ["Calico, which is known to", [INSIDE, pod("p", "n1", "10.9.0.1"), cluster("pods: {network: calico}")], []],
    ["a family that the node has no block of", [INSIDE, pod("p", "n1", "fd00::1")], []],
    ["a Pod in its node's network", [INSIDE, pod("p", "n1", "192.168.0.1", ", hostNetwork: true")], []],
    [
      "a Pod that has finished",
      [INSIDE, `${pod("p", "n1", "10.9.0.1").replace("podIP", "phase: Succeeded, podIP")}`],
      [],
    ],
    ["an address that kpc has chosen", [INSIDE, pod("p", "n1", "10.9.0.1").replace(/status.*\n/, "")], []],
  ])("%s", (_, objects, wanted) => {
    expect(check([N1, N2, ...objects])).toEqual(wanted);
  });
});

describe("duplicate-address", () => {
  const has = (name: string, address: string, first: string, more = ""): string =>
    `warning duplicate-address ${name} has the address ${address} of ${first}${more}: packets to it go to only one of them`;

  test.each<[wanted: string, objects: readonly string[]]>([
    [has("Pod a/q", "10.244.1.5", "Pod a/p"), [pod("p", "n1", "10.244.1.5"), pod("q", "n1", "10.244.1.5")]],
    [
      has("Pod a/q", "10.244.1.5", "Pod a/p", ", and 1 more"),
      [pod("p", "n1", "10.244.1.5"), pod("q", "n1", "10.244.1.5"), pod("r", "n1", "10.244.1.5")],
    ],
    [has("Node n3", "192.168.0.1", "Node n1"), [node("n3", "10.244.3.0/24", "192.168.0.1")]],
    [has("the gateway", "192.168.0.1", "Node n1"), [cluster("gateway: {inside: 192.168.0.1}")]],
    [
      has("outside/client", "198.51.100.1", "the gateway"),
      [cluster("gateway: {outside: 198.51.100.1/24}\noutside: [{name: client, address: 198.51.100.1}]")],
    ],
    [
      has("Pod a/p", "10.244.1.1", "the bridge of Node n1"),
      [pod("p", "n1", "10.244.1.1"), cluster("pods: {network: flannel-vxlan}")],
    ],
    [
      has("the load balancer of a/pub", "192.168.0.2", "Node n2"),
      [
        service(
          "pub",
          "type: LoadBalancer, clusterIP: 10.96.0.1",
          "status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}\n",
        ),
        cluster("loadBalancers: [{service: a/pub, kind: nat, address: 192.168.0.2}]"),
      ],
    ],
  ])("%s", (wanted, objects) => {
    const found = check([N1, N2, ...objects]).map((line) => line.replace(/ \([^()]*\)$/, ""));
    expect(found).toEqual([wanted]);
  });
});

describe("service-cidr-routed", () => {
  test.each<[what: string, objects: readonly string[], settings: object, wanted: readonly string[]]>([
    [
      "the Service CIDR of the settings and a pod CIDR",
      [N1],
      { serviceCIDRs: ["10.240.0.0/12"] },
      [
        "Service CIDR 10.240.0.0/12 overlaps pod CIDR 10.244.1.0/24 of Node n1: a Service and a host can get the same address",
      ],
    ],
    [
      "a ServiceCIDR and the underlay",
      [
        "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: kubernetes}\nspec: {cidrs: [192.168.0.0/20]}\n",
        N1,
        cluster("underlay: {cidr: 192.168.0.0/16}"),
      ],
      {},
      [
        "Service CIDR 192.168.0.0/20 overlaps underlay 192.168.0.0/16: a Service and a host can get the same address (underlay 192.168.0.0/16 14:18)",
      ],
    ],
    [
      "a cluster IP",
      [N1, service("web", "clusterIP: 10.244.1.77")],
      {},
      [
        "cluster IP 10.244.1.77 of Service a/web is in pod CIDR 10.244.1.0/24 of Node n1: a host can get the same address (pod CIDR 10.244.1.0/24 of Node n1 4:18)",
      ],
    ],
  ])("%s", (_, objects, settings, wanted) => {
    expect(check(objects, settings)).toEqual(wanted.map((line) => `warning service-cidr-routed ${line}`));
  });
});

describe("a Cluster that contradicts the input", () => {
  const PUB = service("pub", "type: LoadBalancer, clusterIP: 10.96.0.11");

  test.each<[wanted: readonly string[], rest: string]>([
    [['error unknown-cluster-name there is no Node "n3" in the input: expected one of n1, n2'], "nodes: [{name: n3}]"],
    [
      ['error unknown-cluster-name there is no Node "worker" in the input: expected one of n1, n2'],
      "nodes: [{name: worker}]",
    ],
    [
      ['error unknown-cluster-name there is no Node "worker" in the input: expected one of n1, n2'],
      "gateway: {forwards: [{port: 80, to: worker:30080}]}",
    ],
    [
      [
        "warning unknown-cluster-name the gateway forwards a port to 192.168.0.9, which no Node, Pod or load balancer of the input has",
      ],
      "gateway: {forwards: [{port: 80, to: 192.168.0.9:80}]}",
    ],
    [
      ['error unknown-cluster-name there is no Service "a/pbu" in the input, did you mean "a/pub"?'],
      "ingress: {service: a/pbu}",
    ],
    [
      ['error unknown-cluster-name there is no Node "n11" in the input: expected one of n1, n2'],
      "ingress: {nodes: [n11]}",
    ],
    [
      ["warning cluster-mismatch no Pod of namespace a in the input has these labels: there is no ingress proxy"],
      "ingress: {pods: {namespace: a, labels: {app: proxy}}}",
    ],
    [
      ['error unknown-cluster-name there is no Service "a/pbu" in the input, did you mean "a/pub"?'],
      "loadBalancers: [{service: a/pbu}]",
    ],
    [
      ["warning cluster-mismatch Service a/web is of type ClusterIP, and has no load balancer (the Service 18:1)"],
      "loadBalancers: [{service: a/web}]",
    ],
    [
      [
        "warning cluster-mismatch Service a/pub has no address in status.loadBalancer.ingress: nobody can send to its load balancer (the Service 13:1)",
      ],
      "loadBalancers: [{service: a/pub}]",
    ],
    [
      [
        "warning cluster-mismatch Node n1 (and 1 more address) has 192.168.0.1, which is not in the underlay 10.0.0.0/24 (the address 5:50)",
      ],
      "underlay: {cidr: 10.0.0.0/24}",
    ],
    [
      [
        "warning cluster-mismatch pod CIDR 10.244.2.0/24 of Node n2 is not in 10.244.0.0/23, the blocks of all pods (Node n2 10:18)",
      ],
      "pods: {cidr: 10.244.0.0/23}",
    ],
    [
      [
        "warning gateway-not-connected the gateway's address 10.0.0.1 is in no subnet of the nodes (192.168.0.0/24): Linux refuses a route by it",
      ],
      "underlay: {cidr: 192.168.0.0/24}\ngateway: {inside: 10.0.0.1}",
    ],
    [
      [
        "warning gateway-not-connected the gateway's address 10.0.0.1 is in no subnet of the nodes (192.168.0.0/24, inferred from their addresses): Linux refuses a route by it",
      ],
      "gateway: {inside: 10.0.0.1}",
    ],
    [
      [
        "warning gateway-not-connected next hop 10.244.2.9 is in no subnet of the nodes (192.168.0.0/24): Linux refuses a route by it",
      ],
      "underlay: {cidr: 192.168.0.0/24}\nnodes: [{name: n1, routes: [{to: 10.9.0.0/24, via: 10.244.2.9}]}]",
    ],
  ])("%j: %s", (wanted, rest) => {
    expect(check([N1, N2, PUB, service("web", "clusterIP: 10.96.0.10"), cluster(rest)])).toEqual(wanted);
  });

  test("names of Nodes are not checked where the input has none", () => {
    expect(check([service("web", "clusterIP: 10.96.0.10"), cluster("nodes: [{name: n1}]")])).toEqual([]);
  });
});

describe("unknown-datapath", () => {
  const daemonSet = (name: string, labels: string, container = ""): string =>
    `apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: ${name}, namespace: kube-system}\nspec: {selector: {matchLabels: {${labels}}}, template: {metadata: {labels: {${labels}}}, spec: {hostNetwork: true, containers: [{name: c${container}}]}}}\n`;
  const daemonPod = (labels: string, container = ""): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: kube-system, labels: {${labels}}}\nspec: {hostNetwork: true, nodeName: n1, containers: [{name: c${container}}]}\n`;
  const other = (apiVersion: string, kind: string, rest: string, name = "x"): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: kube-system}\n${rest}\n`;
  const ON = ', env: [{name: FELIX_BPFENABLED, value: "true"}]';

  test.each<[wanted: string | undefined, objects: readonly string[]]>([
    ["Cilium runs here (DaemonSet kube-system/cilium): its eBPF programs", [daemonSet("cilium", "k8s-app: cilium")]],
    [
      "Cilium runs here (Pod kube-system/p): its eBPF programs",
      [daemonPod("k8s-app: cilium"), daemonPod("k8s-app: cilium").replace("name: p", "name: q")],
    ],
    [
      "Cilium runs here (ConfigMap kube-system/cilium-config): its eBPF programs",
      [other("v1", "ConfigMap", "data: {}", "cilium-config")],
    ],
    [
      "Cilium runs here (cilium.io/v2/CiliumNode): its eBPF programs",
      [other("cilium.io/v2", "CiliumNode", "spec: {}")],
    ],
    [
      "Cilium runs here (annotation network.cilium.io/ipv4-cilium-host of Node n9): its eBPF programs",
      [node("n9", "10.244.9.0/24", "", ", annotations: {network.cilium.io/ipv4-cilium-host: 10.244.9.1}")],
    ],
    [
      "OVN-Kubernetes runs here (DaemonSet kube-system/ovnkube-node): its flows",
      [daemonSet("ovnkube-node", "app: ovnkube-node")],
    ],
    ["Kube-OVN runs here (kubeovn.io/v1/Subnet): its flows", [other("kubeovn.io/v1", "Subnet", "spec: {}")]],
    ["Antrea runs here (Pod kube-system/p): its flows", [daemonPod("app: antrea, component: antrea-agent")]],
    [
      "Calico in eBPF mode runs here (DaemonSet kube-system/calico-node): its eBPF programs",
      [daemonSet("calico-node", "k8s-app: calico-node", ON)],
    ],
    ["Calico in eBPF mode runs here (Pod kube-system/p): its eBPF programs", [daemonPod("k8s-app: calico-node", ON)]],
    [
      "Calico in eBPF mode runs here (crd.projectcalico.org/v1/FelixConfiguration, spec.bpfEnabled): its eBPF programs",
      [other("crd.projectcalico.org/v1", "FelixConfiguration", "spec: {bpfEnabled: true}")],
    ],
    [
      "Calico in eBPF mode runs here (operator.tigera.io/v1/Installation, spec.calicoNetwork.linuxDataplane): its eBPF programs",
      [other("operator.tigera.io/v1", "Installation", "spec: {calicoNetwork: {linuxDataplane: BPF}}")],
    ],
    [
      "Cilium runs here (DaemonSet kube-system/agent): its eBPF programs",
      [daemonSet("agent", "app: net", ", image: quay.io/cilium/cilium:v1.16.1")],
    ],
    [
      "Kube-OVN runs here (DaemonSet kube-system/cni): its flows",
      [daemonSet("cni", "app: net", ", image: kubeovn/kube-ovn:v1.12.0")],
    ],
    [undefined, [daemonSet("hubble", "app: hubble", ", image: quay.io/cilium/hubble-relay:v1.16.1")]],
    [undefined, [daemonSet("calico-node", "k8s-app: calico-node")]],
    [undefined, [daemonSet("calico-node", "k8s-app: calico-node", ON.replace("true", "false"))]],
    [undefined, [other("operator.tigera.io/v1", "Installation", "spec: {calicoNetwork: {linuxDataplane: Iptables}}")]],
    [undefined, [daemonSet("kube-flannel", "app: flannel")]],
  ])("%s", (wanted, objects) => {
    const found = check([N1, service("web", "clusterIP: 10.96.0.10"), ...objects]);
    const shown = found.map(
      (line) => /^warning unknown-datapath (.*?(?:eBPF programs|flows)) /.exec(line)?.[1] ?? line,
    );
    expect(shown).toEqual(wanted === undefined ? [] : [wanted]);
  });
});
