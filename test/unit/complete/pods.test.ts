import { describe, expect, test } from "vitest";
import { printAddress } from "../../../compiler/net/address.ts";
import { completeText, valuesOf } from "../../support/complete.ts";

const workload = (kind: string, spec: string, metadata = "name: web", template = "containers: []"): string =>
  `apiVersion: ${kind === "Job" ? "batch/v1" : kind === "ReplicationController" ? "v1" : "apps/v1"}
kind: ${kind}
metadata: {${metadata}}
spec: {${spec === "" ? "" : `${spec}, `}template: {metadata: {labels: {app: web}}, spec: {${template}}}}
---
`;

const pod = (name: string, rest = "", spec = ""): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: {app: web}${rest}}\nspec: {${spec}}\n---\n`;

const node = (name: string, spec: string, metadata = ""): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}${metadata}}\nspec: {${spec}}\n---\n`;

const SERVICE =
  "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n---\n";

const slice = (service: string): string =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, labels: {kubernetes.io/service-name: ${service}}}\naddressType: IPv4\nendpoints: []\n---\n`;

function namesIn(text: string, settings: object = {}): string[] {
  return completeText(text, settings).specs.pods.map(({ meta }) => meta.name);
}

function nodesIn(text: string, settings: object = {}): (string | undefined)[] {
  return completeText(text, settings).specs.pods.map(({ nodeName }) => nodeName);
}

describe("Pods of workloads", () => {
  test.each([
    ["Deployment", "", ["web-0"]],
    ["Deployment", "replicas: 3", ["web-0", "web-1", "web-2"]],
    ["Deployment", "replicas: 0", []],
    ["ReplicaSet", "replicas: 2", ["web-0", "web-1"]],
    ["ReplicationController", "replicas: 2, selector: {app: web}", ["web-0", "web-1"]],
    ["StatefulSet", "replicas: 2", ["web-0", "web-1"]],
    ["StatefulSet", "replicas: 2, ordinals: {start: 5}", ["web-5", "web-6"]],
    ["Job", "", ["web-0"]],
    ["Job", "parallelism: 5, completions: 2", ["web-0", "web-1"]],
    ["Job", "parallelism: 5, suspend: true", []],
    ["DaemonSet", "", ["web-node-1"]], // the assumed Node
  ])("%s {%s}", (kind, spec, wanted) => {
    expect(namesIn(workload(kind, spec))).toEqual(wanted);
  });

  test("have the template's labels, those that the controllers add, and its ports", () => {
    const template = "containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]";
    const [made] = completeText(workload("StatefulSet", "", "name: web", template)).specs.pods;
    expect(Object.fromEntries(made?.meta.labels ?? [])).toEqual({
      app: "web",
      "apps.kubernetes.io/pod-index": "0",
      "statefulset.kubernetes.io/pod-name": "web-0",
    });
    expect(made).toMatchObject({ ready: true, ports: [{ name: "http", protocol: "tcp", port: 8080 }] });
    expect(made?.assumed).toEqual(["pod", "pod address", "pod node"]);
    const [ofJob] = completeText(workload("Job", "")).specs.pods;
    expect(ofJob?.meta.labels.get("batch.kubernetes.io/job-name")).toBe("web");
  });

  test("of one name in two workloads: a StatefulSet's are fixed, the others give way", () => {
    expect(namesIn(workload("Deployment", "") + workload("StatefulSet", ""))).toEqual(["web-0", "web-deployment-0"]);
  });

  test.each([
    [
      "a Pod that the selector matches",
      workload("Deployment", "selector: {matchLabels: {app: web}}") + pod("x"),
      ["x"],
    ],
    [
      "a Pod that it controls",
      workload("StatefulSet", "selector: {matchLabels: {app: other}}") +
        pod("x", ", ownerReferences: [{controller: true, kind: StatefulSet, name: web}]"),
      ["x"],
    ],
    ["slices of all its Services", workload("Deployment", "") + SERVICE + slice("web"), []],
    ["an API server's uid", workload("Deployment", "", "name: web, uid: u"), []],
    [
      "an owner",
      workload("ReplicaSet", "", "name: web-1, ownerReferences: [{controller: true, kind: Deployment, name: web}]"),
      [],
    ],
  ])("are not made for a workload with %s", (_, text, wanted) => {
    expect(namesIn(text)).toEqual(wanted);
  });

  test("are made where a Service of theirs has no slices", () => {
    const second = SERVICE.replace("name: web", "name: second");
    expect(namesIn(workload("Deployment", "") + SERVICE + slice("web") + second)).toEqual(["web-0"]);
  });

  test("are at most 10,000 of one workload", () => {
    expect(namesIn(workload("Deployment", "replicas: 2000000000")).length).toBe(10_000);
  });
});

describe("nodes", () => {
  const NODES =
    node("a", "podCIDR: 10.1.1.0/24") + node("b", "podCIDR: 10.1.2.0/24") + node("c", "podCIDR: 10.1.3.0/24");

  test("take replicas in turns, and addresses are from their blocks", () => {
    const { specs } = completeText(workload("Deployment", "replicas: 6") + NODES);
    const values = valuesOf(specs);
    const nodes = specs.pods.map(({ nodeName }) => nodeName);
    expect([...nodes].sort()).toEqual(["a", "a", "b", "b", "c", "c"]);
    for (const { meta, nodeName } of specs.pods) {
      const block = { a: "10.1.1.", b: "10.1.2.", c: "10.1.3." }[nodeName ?? ""];
      expect(values.get(`pod default/${meta.name} 4`)).toMatch(new RegExp(`^${block}\\d+$`));
      expect(values.has(`pod default/${meta.name} 6`)).toBe(false);
    }
  });

  test("have one Pod of a DaemonSet each, but for those that its selector and their taints keep out", () => {
    const nodes =
      node("a", "", ", labels: {disk: ssd}") +
      node("b", "", ", labels: {disk: ssd}").replace("spec: {}", "spec: {taints: [{key: x, effect: NoSchedule}]}") +
      node("c", "unschedulable: true", ", labels: {disk: ssd}") +
      node("d", "");
    const daemons = (template: string): string[] =>
      namesIn(workload("DaemonSet", "", "name: w", template) + nodes).sort();
    expect(daemons("nodeSelector: {disk: ssd}")).toEqual(["w-a", "w-c"]);
    expect(daemons("nodeSelector: {disk: ssd}, tolerations: [{operator: Exists}]")).toEqual(["w-a", "w-b", "w-c"]);
    expect(daemons("nodeSelector: {kubernetes.io/os: linux}")).toEqual(["w-a", "w-c", "w-d"]); // a kubelet's label
    expect(namesIn(workload("Deployment", "replicas: 9", "name: w", "nodeSelector: {disk: ssd}") + nodes).length).toBe(
      9,
    );
    expect(
      nodesIn(workload("Deployment", "replicas: 9", "name: w", "nodeSelector: {disk: ssd}") + nodes),
    ).not.toContain("c");
  });

  test("that no Pod fits are a warning", () => {
    const { specs, findings } = completeText(workload("Deployment", "", "name: w", "nodeSelector: {x: z}") + NODES);
    expect(specs.pods).toEqual([]);
    expect(findings).toEqual([
      expect.stringMatching(/^warning unschedulable: no Node takes the Pods of Deployment default\/w/),
    ]);
  });

  test("are assumed where none is given: one with the cluster's blocks, by the name that is known", () => {
    const { specs, assumed } = completeText(workload("Deployment", ""));
    expect(specs.nodes).toMatchObject([{ meta: { name: "node-1" }, podCidrs: [{ length: 16 }, { length: 64 }] }]);
    expect(assumed).toContain("Node node-1");
    expect(nodesIn(workload("Deployment", ""), { nodeName: "worker" })).toEqual(["worker"]);
    expect(nodesIn(pod("x") + pod("z", "", "nodeName: worker"))).toEqual(["worker", "worker"]);
    expect(completeText(SERVICE).specs.nodes).toEqual([]); // nobody needs one
  });

  test("a Pod that has an address is on the Node whose block holds it", () => {
    const text = pod("x").replace("spec: {}", "spec: {}\nstatus: {podIP: 10.1.2.7}") + NODES;
    expect(nodesIn(text)).toEqual(["b"]);
  });
});

describe("addresses", () => {
  test("of Pods on the host's network are their Node's", () => {
    const host = workload("Deployment", "", "name: web", "hostNetwork: true");
    const given =
      "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.7}]}\n";
    expect(valuesOf(completeText(host + given).specs).get("pod default/web-0 4")).toBe("192.0.2.7");
    expect(valuesOf(completeText(host, { nodeIPs: ["192.0.2.8"] }).specs).get("pod default/web-0 4")).toBe("192.0.2.8");
    expect(completeText(host)).toMatchObject({
      findings: [expect.stringMatching(/^info not-completed: Pod default\/web-0 is on the network of Node node-1/)],
    });
  });

  test("are from a Cluster's pods.cidr where Nodes have no blocks, also beside another clusterCIDR", () => {
    const cluster = "apiVersion: kpc.dev/v1alpha1\nkind: Cluster\npods: {cidr: [172.20.0.0/24]}\n---\n";
    for (const settings of [{}, { clusterCIDR: ["172.16.0.0/24"] }]) {
      const [made] = completeText(cluster + pod("x"), settings).specs.pods;
      expect(made?.podIps.map(printAddress)).toEqual([expect.stringMatching(/^172\.20\.0\.\d+$/)]);
    }
  });

  test("are from clusterCIDR where Nodes have no blocks", () => {
    const values = valuesOf(completeText(pod("x"), { clusterCIDR: ["172.16.0.0/24"] }).specs);
    expect([...values.keys()]).toEqual(["pod default/x node", "pod default/x 4"]);
    expect(values.get("pod default/x 4")).toMatch(/^172\.16\.0\.\d+$/);
  });

  test("of Pods that a server has written, or that have finished, are left alone", () => {
    for (const text of [pod("x", ", uid: u"), pod("x").replace("spec: {}", "spec: {}\nstatus: {phase: Succeeded}")])
      expect(completeText(text).assumed).toEqual([]);
  });

  test("a status that says not ready is believed", () => {
    const text = pod("x").replace("spec: {}", 'spec: {}\nstatus: {conditions: [{type: Ready, status: "False"}]}');
    expect(completeText(text).specs.pods).toMatchObject([
      { ready: false, podIps: [expect.anything(), expect.anything()] },
    ]);
  });
});
