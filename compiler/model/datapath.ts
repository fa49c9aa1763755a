/** Network plugins whose programs decide where packets go: eBPF programs or flows of Open vSwitch, which kpc does not read. */
import type { Origin, Report } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";
import type { NodeSpec, PodSpec, SkippedKind, Specs, WorkloadSpec } from "../specs/types.ts";

/** By what a plugin is known among the objects of a cluster. */
interface Datapath {
  readonly name: string;
  readonly programs: "eBPF programs" | "flows of Open vSwitch";
  /** A label and its value, of the Pods that run on each node. */
  readonly label: readonly [key: string, value: string];
  /** Parts of the images of DaemonSets. */
  readonly images: readonly string[];
  /** Names of ConfigMaps. */
  readonly configMaps: readonly string[];
  /** The API group of its own kinds. */
  readonly group: string;
  /** What annotations of Nodes begin with. */
  readonly annotations: readonly string[];
}

const DATAPATHS: readonly Datapath[] = [
  {
    name: "Cilium",
    programs: "eBPF programs",
    label: ["k8s-app", "cilium"],
    images: ["/cilium/cilium:", "/cilium/cilium@"],
    configMaps: ["cilium-config"],
    group: "cilium.io",
    annotations: ["network.cilium.io/", "io.cilium.network."],
  },
  {
    name: "OVN-Kubernetes",
    programs: "flows of Open vSwitch",
    label: ["app", "ovnkube-node"],
    images: ["/ovn-kubernetes/ovn-kube", "/ovn-daemonset"],
    configMaps: ["ovnkube-config"],
    group: "k8s.ovn.org",
    annotations: ["k8s.ovn.org/"],
  },
  {
    name: "Kube-OVN",
    programs: "flows of Open vSwitch",
    label: ["app", "kube-ovn-cni"],
    images: ["/kubeovn/kube-ovn:", "/kubeovn/kube-ovn@"],
    configMaps: [],
    group: "kubeovn.io",
    annotations: ["ovn.kubernetes.io/"],
  },
  {
    name: "Antrea",
    programs: "flows of Open vSwitch",
    label: ["component", "antrea-agent"],
    images: ["/antrea/antrea-agent", "/antrea/antrea-ubuntu"],
    configMaps: ["antrea-config"],
    group: "crd.antrea.io",
    annotations: ["node.antrea.io/"],
  },
  {
    name: "OpenShift SDN",
    programs: "flows of Open vSwitch",
    label: ["app", "sdn"],
    images: [],
    configMaps: ["sdn-config"],
    group: "network.openshift.io",
    annotations: [],
  },
];

/** An object by which a plugin is known. */
interface Evidence {
  readonly what: string;
  readonly origin: Origin;
}

type Objects = Pick<Specs, "pods" | "nodes" | "workloads" | "skipped">;

/** Reports each plugin that decides by programs of its own, once, at the first object that shows it. */
export function reportUnknownDatapath(objects: Objects, report: Report): void {
  const tell = (name: string, programs: string, { what, origin }: Evidence): void => {
    const message = `${name} runs here (${what}): its ${programs} decide where packets go, which kpc does not read, so that walks may differ from what it says`;
    report({ severity: "warning", code: "unknown-datapath", message, origin });
  };
  for (const datapath of DATAPATHS) {
    const found = evidenceOf(datapath, objects);
    if (found !== undefined) tell(datapath.name, datapath.programs, found);
  }
  const calico = calicoEvidence(objects);
  if (calico !== undefined) tell("Calico in eBPF mode", "eBPF programs", calico);
}

function evidenceOf(datapath: Datapath, { pods, nodes, workloads, skipped }: Objects): Evidence | undefined {
  const { images, configMaps, group, annotations } = datapath;
  const [key, value] = datapath.label;
  const isItsPod = (labels: ReadonlyMap<string, string>): boolean => labels.get(key) === value;
  const isItsImage = (image: string): boolean => images.some((part) => image.includes(part));
  const workload = workloads.find(
    (each) => each.kind === "DaemonSet" && (isItsPod(each.labels) || imagesOf(each).some(isItsImage)),
  );
  if (workload !== undefined) return evidenceIn(workload.kind, workload);
  const pod = pods.find(({ meta }) => isItsPod(meta.labels));
  if (pod !== undefined) return evidenceIn("Pod", pod);
  for (const { value: name, field } of skipped.get("v1/ConfigMap")?.objects ?? [])
    if (configMaps.some((known) => name.endsWith(`/${known}`))) return { what: `ConfigMap ${name}`, origin: field };
  for (const [kind, { first }] of skipped) if (kind.startsWith(`${group}/`)) return { what: kind, origin: first };
  for (const node of nodes)
    for (const annotation of node.meta.annotations.keys())
      if (annotations.some((start) => annotation.startsWith(start)))
        return { what: `annotation ${annotation} of Node ${node.meta.name}`, origin: node.meta.field };
  return undefined;
}

/** The images of a DaemonSet's containers, each behind a slash. */
function imagesOf({ meta }: WorkloadSpec): readonly string[] {
  const containers = memberAt(meta.field, ["spec", "template", "spec", "containers"]);
  return (containers?.items() ?? []).map((container) => `/${container.get("image")?.value}`);
}

function evidenceIn(kind: string, { meta }: WorkloadSpec | PodSpec | NodeSpec): Evidence {
  return { what: `${kind} ${meta.namespace}/${meta.name}`, origin: meta.field };
}

// --- Calico --------------------------------------------------------------------------------------------------------------

/** Calico's plain mode is routes and netfilter; settings say that it is another one. */
function calicoEvidence({ pods, workloads, skipped }: Objects): Evidence | undefined {
  for (const [kind, objects] of skipped) {
    const found = settingIn(kind, objects);
    if (found !== undefined) return found;
  }
  const isCalico = (labels: ReadonlyMap<string, string>): boolean => labels.get("k8s-app") === "calico-node";
  const workload = workloads.find(({ labels }) => isCalico(labels));
  const template = workload?.meta.field.get("spec")?.get("template")?.get("spec");
  if (workload !== undefined && hasBpf(template)) return evidenceIn(workload.kind, workload);
  const pod = pods.find(({ meta }) => isCalico(meta.labels));
  return pod !== undefined && hasBpf(pod.meta.field.get("spec")) ? evidenceIn("Pod", pod) : undefined;
}

/** Settings of Calico's own kinds that say so. */
const CALICO_SETTINGS = [
  { kind: /projectcalico\.org\/[^/]*\/FelixConfiguration$/, path: ["spec", "bpfEnabled"], value: true },
  {
    kind: /^operator\.tigera\.io\/[^/]*\/Installation$/,
    path: ["spec", "calicoNetwork", "linuxDataplane"],
    value: "BPF",
  },
] as const;

function settingIn(kind: string, { objects }: SkippedKind): Evidence | undefined {
  for (const { kind: pattern, path, value } of CALICO_SETTINGS) {
    if (!pattern.test(kind)) continue;
    for (const { field } of objects) {
      const setting = memberAt(field, path);
      if (setting?.value === value) return { what: `${kind}, ${path.join(".")}`, origin: setting };
    }
  }
  return undefined;
}

function memberAt(field: Field, path: readonly string[]): Field | undefined {
  let at: Field | undefined = field;
  for (const key of path) at = at?.get(key);
  return at;
}

/** Whether a container of the Pod at `spec` has Felix' switch in its environment. */
function hasBpf(spec: Field | undefined): boolean {
  return (spec?.get("containers")?.items() ?? []).some((container) =>
    (container.get("env")?.items() ?? []).some(
      (variable) => variable.get("name")?.value === "FELIX_BPFENABLED" && variable.get("value")?.value === "true",
    ),
  );
}
