/** By which objects a network plugin is known whose programs kpc does not read. */
import { expect, test } from "vitest";
import { reportUnknownDatapath } from "../../../compiler/model/datapath.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";

const daemonSet = (labels: object, image = "x") => ({
  ...{ apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "d", namespace: "a" } },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "c", image }] } },
  },
});
const pod = (labels: object) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "a", labels } },
  spec: { containers: [{ name: "c" }] },
});
const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "a" } });
const ownKind = (group: string) => ({ apiVersion: `${group}/v1`, kind: "X", metadata: { name: "x", namespace: "a" } });
const node = (annotation: string) => ({
  ...{ apiVersion: "v1", kind: "Node", metadata: { name: "n", annotations: { [annotation]: "1" } } },
});

const BPF_ON = [{ name: "FELIX_BPFENABLED", value: "true" }];
/** A DaemonSet with these containers. */
const withContainers = (labels: object, ...containers: object[]) => ({
  ...daemonSet(labels),
  spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
});

function told(...objects: object[]): string[] {
  const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  const found: string[] = [];
  const specs = loadSpecs([{ name: "m.yaml", text }], () => undefined);
  reportUnknownDatapath(specs, ({ message }) => found.push(message));
  return found.map(
    (message) => /^(.*) runs here \((.*)\): its (.*) decide/.exec(message)?.slice(1).join("; ") ?? message,
  );
}

const OVS = "flows of Open vSwitch";
const BPF = "eBPF programs";

test.each<[name: string, object: object, what: string, programs: string]>([
  ["Cilium", daemonSet({ "k8s-app": "cilium" }), "DaemonSet a/d", BPF],
  ["Cilium", daemonSet({ x: "y" }, "quay.io/cilium/cilium:v1"), "DaemonSet a/d", BPF],
  ["Cilium", daemonSet({ x: "y" }, "cilium/cilium@sha256:0"), "DaemonSet a/d", BPF],
  ["Cilium", pod({ "k8s-app": "cilium" }), "Pod a/p", BPF],
  ["Cilium", configMap("cilium-config"), "ConfigMap a/cilium-config", BPF],
  ["Cilium", ownKind("cilium.io"), "cilium.io/v1/X", BPF],
  ["Cilium", node("network.cilium.io/x"), "annotation network.cilium.io/x of Node n", BPF],
  ["Cilium", node("io.cilium.network.x"), "annotation io.cilium.network.x of Node n", BPF],
  ["OVN-Kubernetes", pod({ app: "ovnkube-node" }), "Pod a/p", OVS],
  ["OVN-Kubernetes", daemonSet({ x: "y" }, "ghcr.io/ovn-kubernetes/ovn-kube-u"), "DaemonSet a/d", OVS],
  ["OVN-Kubernetes", daemonSet({ x: "y" }, "r/ovn-daemonset"), "DaemonSet a/d", OVS],
  ["OVN-Kubernetes", configMap("ovnkube-config"), "ConfigMap a/ovnkube-config", OVS],
  ["OVN-Kubernetes", ownKind("k8s.ovn.org"), "k8s.ovn.org/v1/X", OVS],
  ["OVN-Kubernetes", node("k8s.ovn.org/x"), "annotation k8s.ovn.org/x of Node n", OVS],
  ["Kube-OVN", pod({ app: "kube-ovn-cni" }), "Pod a/p", OVS],
  ["Kube-OVN", daemonSet({ x: "y" }, "kubeovn/kube-ovn:v1"), "DaemonSet a/d", OVS],
  ["Kube-OVN", daemonSet({ x: "y" }, "kubeovn/kube-ovn@sha256:0"), "DaemonSet a/d", OVS],
  ["Kube-OVN", ownKind("kubeovn.io"), "kubeovn.io/v1/X", OVS],
  ["Kube-OVN", node("ovn.kubernetes.io/x"), "annotation ovn.kubernetes.io/x of Node n", OVS],
  ["Antrea", pod({ component: "antrea-agent" }), "Pod a/p", OVS],
  ["Antrea", daemonSet({ x: "y" }, "antrea/antrea-agent-ubuntu:v2"), "DaemonSet a/d", OVS],
  ["Antrea", daemonSet({ x: "y" }, "antrea/antrea-ubuntu:v1"), "DaemonSet a/d", OVS],
  ["Antrea", configMap("antrea-config"), "ConfigMap a/antrea-config", OVS],
  ["Antrea", ownKind("crd.antrea.io"), "crd.antrea.io/v1/X", OVS],
  ["Antrea", node("node.antrea.io/x"), "annotation node.antrea.io/x of Node n", OVS],
  ["OpenShift SDN", pod({ app: "sdn" }), "Pod a/p", OVS],
  ["OpenShift SDN", configMap("sdn-config"), "ConfigMap a/sdn-config", OVS],
  ["OpenShift SDN", ownKind("network.openshift.io"), "network.openshift.io/v1/X", OVS],
])("%s is known by %j", (name, object, what, programs) => {
  expect(told(object)).toEqual([[name, what, programs].join("; ")]);
});

test.each<[object: object]>([
  [pod({ "k8s-app": "cilium-operator" })],
  [daemonSet({ x: "y" }, "x/cilium-agent:1")],
  [{ ...daemonSet({ "k8s-app": "cilium" }), kind: "Deployment" }],
  [configMap("x-cilium-config-2")],
  [ownKind("x.cilium.io")],
  [node("x.network.cilium.io/x")],
  [withContainers({ "k8s-app": "calico-node" })],
  [withContainers({ x: "y" }, { name: "c", env: BPF_ON })],
  [withContainers({ "k8s-app": "calico-node" }, { name: "c" }, { name: "d", env: [{ name: "X", value: "true" }] })],
  [{ ...ownKind("crd.projectcalico.org"), spec: { bpfEnabled: true } }],
  [
    {
      ...daemonSet({}),
      spec: { selector: {}, template: { metadata: { labels: { "k8s-app": "calico-node" } } } },
    },
  ],
])("none is known by %j", (object) => {
  expect(told(object)).toEqual([]);
});

test.each<[what: string, objects: object[]]>([
  ["DaemonSet a/d", [withContainers({ "k8s-app": "calico-node" }, { name: "c" }, { name: "d", env: BPF_ON })]],
  [
    "crd.projectcalico.org/v1/FelixConfiguration, spec.bpfEnabled",
    [
      ownKind("x.example"),
      { ...ownKind("crd.projectcalico.org"), kind: "FelixConfiguration", spec: { bpfEnabled: true } },
    ],
  ],
])("Calico in eBPF mode is known by %s", (what, objects) => {
  expect(told(...objects)).toEqual([`Calico in eBPF mode; ${what}; ${BPF}`]);
});

test("each plugin is told once, at the first object that shows it", () => {
  const objects = [node("network.cilium.io/x"), pod({ "k8s-app": "cilium" }), configMap("sdn-config")];
  expect(told(...objects)).toEqual([`Cilium; Pod a/p; ${BPF}`, `OpenShift SDN; ConfigMap a/sdn-config; ${OVS}`]);
});
