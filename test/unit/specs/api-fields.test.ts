/** All fields of the API in the kinds that are read: each one decides something and has a row for what it is when absent, or is
 *  known and left alone. The lists are those of the API's own test data (api/testdata/HEAD), parts that kpc does not look into
 *  as one field.
 *  Long because it is a table: a row for each field of the API. */
import { describe, expect, test } from "vitest";
import { Field } from "../../../compiler/documents/field.ts";
import { NODE } from "../../../compiler/specs/cluster-node.ts";
import { DECIDING_FIELDS } from "../../../compiler/specs/deciding-fields.ts";
import { ENDPOINT_SLICE } from "../../../compiler/specs/endpoint-slice.ts";
import { ENDPOINTS } from "../../../compiler/specs/endpoints.ts";
import { INGRESS } from "../../../compiler/specs/ingress.ts";
import { INGRESS_CLASS } from "../../../compiler/specs/ingress-class.ts";
import { KUBE_PROXY } from "../../../compiler/specs/kube-proxy-config.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { POD } from "../../../compiler/specs/pod.ts";
import { SECRET } from "../../../compiler/specs/secret.ts";
import { SERVICE_CIDR } from "../../../compiler/specs/service-cidr.ts";
import { SERVICE } from "../../../compiler/specs/service-fields.ts";

/** Workloads apart, which are read leniently. */
type DecidedKind = keyof typeof DECIDING_FIELDS;

const SHAPES: Readonly<Record<DecidedKind, unknown>> = {
  Service: SERVICE.shape,
  EndpointSlice: ENDPOINT_SLICE.shape,
  Endpoints: ENDPOINTS.shape,
  Pod: POD.shape,
  Node: NODE.shape,
  Ingress: INGRESS.shape,
  IngressClass: INGRESS_CLASS.shape,
  Secret: SECRET.shape,
  KubeProxyConfiguration: KUBE_PROXY.shape,
  ServiceCIDR: SERVICE_CIDR.shape,
};

const under = (path: string, words: string): readonly string[] => words.split(" ").map((word) => `${path}.${word}`);

const METADATA = under(
  "metadata",
  "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generateName generation labels managedFields name namespace ownerReferences resourceVersion selfLink uid",
);

/** Containers: kpc looks at ports, and at what makes a sidecar. */
const container = (path: string): readonly string[] => [
  ...under(
    path,
    "args command env envFrom image imagePullPolicy lifecycle livenessProbe name readinessProbe resizePolicy resources restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir",
  ),
];

/** Known, and deciding nothing here. Metadata that is not among the deciding fields comes to it. */
const IGNORED: Readonly<Record<DecidedKind, readonly string[]>> = {
  Service: [
    ...under("spec", "externalName loadBalancerClass loadBalancerIP"),
    "spec.ports.appProtocol",
    "status.conditions",
    "status.loadBalancer.ingress.hostname",
    ...under("status.loadBalancer.ingress.ports", "error port protocol"),
  ],
  EndpointSlice: [...under("endpoints", "deprecatedTopology hostname targetRef zone"), "ports.appProtocol"],
  Endpoints: [
    ...under("subsets.addresses", "hostname targetRef"),
    ...under("subsets.notReadyAddresses", "hostname targetRef"),
    "subsets.ports.appProtocol",
  ],
  Pod: [
    ...container("spec.containers"),
    "spec.containers.restartPolicy",
    ...container("spec.initContainers"),
    ...under(
      "spec",
      "activeDeadlineSeconds automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks ephemeralContainers evictionInterceptors hostAliases hostIPC hostPID hostUsers hostname hostnameOverride imagePullSecrets os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates schedulingGroup securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds topologySpreadConstraints volumes workloadRef",
    ),
    ...under("spec.affinity", "podAffinity podAntiAffinity"),
    "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution",
    ...under("spec.tolerations", "effect key operator tolerationSeconds value"),
    ...under("status.conditions", "lastProbeTime lastTransitionTime message observedGeneration reason"),
    ...under(
      "status",
      "allocatedResources containerStatuses ephemeralContainerStatuses extendedResourceClaimStatus hostIP hostIPs initContainerStatuses message nodeAllocatableResourceClaimStatuses nominatedNodeName observedGeneration qosClass reason resize resourceClaimStatuses resources startTime",
    ),
  ],
  Node: [
    ...under("spec", "configSource externalID providerID unschedulable"),
    ...under("spec.taints", "effect key timeAdded value"),
    ...under(
      "status",
      "allocatable capacity conditions config daemonEndpoints declaredFeatures features images nodeInfo phase runtimeHandlers volumesAttached volumesInUse",
    ),
  ],
  Ingress: [
    ...["spec.defaultBackend", "spec.rules.http.paths.backend"].flatMap((path) =>
      under(`${path}.resource`, "apiGroup kind"),
    ),
    ...under("status.loadBalancer.ingress", "hostname ip"),
    ...under("status.loadBalancer.ingress.ports", "error port protocol"),
  ],
  IngressClass: under("spec.parameters", "apiGroup kind name namespace scope"),
  Secret: ["immutable"],
  KubeProxyConfiguration: [
    ..."bindAddressHardFail clientConnection configSyncPeriod enableProfiling featureGates healthzBindAddress ipvs logging metricsBindAddress oomScoreAdj portRange showHiddenMetricsForVersion udpIdleTimeout windowsRunAsService winkernel".split(
      " ",
    ),
    ...under("conntrack", "max maxPerCore min tcpCloseWaitTimeout tcpEstablishedTimeout udpStreamTimeout udpTimeout"),
    ...under("iptables", "masqueradeBit minSyncPeriod snatNodeInternalIP syncPeriod"),
    ...under("nftables", "masqueradeBit minSyncPeriod syncPeriod"),
  ],
  ServiceCIDR: ["status.conditions"],
};

/** Paths of the fields of a shape; kind and version apart. */
function* keyedResultsOf(shape: unknown, path = ""): Generator<string> {
  const inner: unknown = Array.isArray(shape) ? shape[0] : shape;
  if (typeof inner !== "object" || inner === null) {
    if (path !== "apiVersion" && path !== "kind") yield path;
    return;
  }
  for (const [key, member] of Object.entries(inner))
    yield* keyedResultsOf(member, path === "" ? key : `${path}.${key}`);
}

const KINDS = Object.keys(SHAPES) as DecidedKind[];
const decidingOf = (kind: DecidedKind): readonly string[] => DECIDING_FIELDS[kind];

test.each(KINDS)("each field of %s decides something, or is known and left alone; there are no others", (kind) => {
  const metadata = kind === "KubeProxyConfiguration" ? [] : METADATA;
  const ignored = [...IGNORED[kind], ...metadata.filter((path) => !decidingOf(kind).includes(path))];
  expect([...keyedResultsOf(SHAPES[kind])].sort()).toEqual([...decidingOf(kind), ...ignored].sort());
});

// --- what is decoded -----------------------------------------------------------------------------------------------------

/** What is made of an object, without places, and what is reported of it as an error. Of metadata only what decides. */
function decoded(kind: DecidedKind, object: unknown): unknown {
  const errors: string[] = [];
  const specs = loadSpecs([{ name: "a", text: JSON.stringify(object) }], ({ severity, message }) => {
    if (severity === "error") errors.push(message);
  });
  const { skipped: _, nothing: __, ...lists } = specs;
  return JSON.stringify({ errors, found: Object.values(lists).flat() }, (key, value: unknown) => {
    if (value instanceof Field || SET_ASIDE.has(key)) return undefined;
    const isUndecided = ["labels", "annotations", "creationTimestamp", "namespace"].includes(key);
    if (isUndecided && !decidingOf(kind).includes(`metadata.${key}`)) return undefined;
    if (value instanceof Map) return [...value];
    return typeof value === "bigint" ? String(value) : value;
  });
}

/** Members of decoded objects that decide no rules (names of containers), or only where kpc assumes that a Pod runs. */
const SET_ASIDE: ReadonlySet<string> = new Set([
  "node",
  "container",
  "containers",
  "externalName",
  "others",
  "taints",
  "tolerations",
]);

type Json = Record<string, unknown>;

/** A copy of `object` without the field at `path`, in all elements of lists; `value`: with this value there. */
function change(object: unknown, path: readonly string[], value?: unknown): unknown {
  const [step = "", ...rest] = path;
  if (Array.isArray(object)) return object.map((item) => change(item, path, value));
  const members = { ...(object as Json) };
  const empty = LISTS.has(step) ? [{}] : {};
  if (rest.length > 0) members[step] = change(members[step] ?? empty, rest, value);
  else if (value === undefined) delete members[step];
  else members[step] = value;
  return members;
}

/** Fields that the objects below lack, and that are lists. */
const LISTS: ReadonlySet<string> = new Set(["ingress", "ports", "taints", "tls", "tolerations"]);

const at = (path: string): readonly string[] => path.split(".");

const meta = {
  name: "a",
  namespace: "x",
  creationTimestamp: "2024-01-01T00:00:00Z",
  labels: { l: "1" },
  annotations: { "a/b": "1" },
};
const v1 = (kind: DecidedKind, rest: object): Json => ({ apiVersion: "v1", kind, metadata: meta, ...rest });
const networking = (kind: DecidedKind, rest: object): Json => ({
  ...v1(kind, rest),
  apiVersion: "networking.k8s.io/v1",
});
const backend = { service: { name: "s", port: { number: 80 } } };
const named = { service: { name: "s", port: { name: "http" } } };
const resource = { resource: { kind: "K", name: "r" } };
const podPort = { name: "http", containerPort: 80, protocol: "UDP", hostPort: 8080, hostIP: "192.0.2.1" };
const port = { name: "http", port: 80, protocol: "UDP" };

/** Objects with a value other than the default in each deciding field: in one of them it makes a difference. */
const requirement = { key: "a", operator: "In", values: ["b"] };

const OBJECTS: Readonly<Record<DecidedKind, readonly Json[]>> = {
  Service: [
    v1("Service", {
      spec: {
        type: "LoadBalancer",
        allocateLoadBalancerNodePorts: false,
        ipFamilyPolicy: "RequireDualStack",
        clusterIP: "fd00::1",
        clusterIPs: ["fd00::1", "10.0.0.1"],
        ipFamilies: ["IPv6", "IPv4"],
        externalIPs: ["192.0.2.1"],
        externalTrafficPolicy: "Local",
        internalTrafficPolicy: "Local",
        healthCheckNodePort: 30001,
        loadBalancerSourceRanges: ["10.0.0.0/8"],
        ports: [{ name: "http", port: 80, protocol: "UDP", nodePort: 30000, targetPort: 8080 }],
        publishNotReadyAddresses: true,
        selector: { app: "web" },
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
        trafficDistribution: "PreferSameZone",
      },
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.2", ipMode: "Proxy" }] } },
    }),
    v1("Service", { spec: { clusterIP: "10.0.0.1", ipFamilies: ["IPv4", "IPv6"], ports: [{ port: 80 }] } }),
  ],
  EndpointSlice: [
    {
      ...v1("EndpointSlice", {}),
      apiVersion: "discovery.k8s.io/v1",
      addressType: "IPv4",
      endpoints: [
        {
          addresses: ["10.0.0.1"],
          conditions: { ready: false, serving: false, terminating: true },
          hints: { forZones: [{ name: "z" }], forNodes: [{ name: "n" }] },
          nodeName: "n",
        },
      ],
      ports: [port],
    },
  ],
  Endpoints: [
    v1("Endpoints", {
      subsets: [
        {
          addresses: [{ ip: "10.0.0.1", nodeName: "n" }],
          notReadyAddresses: [{ ip: "10.0.0.2", nodeName: "n" }],
          ports: [port],
        },
      ],
    }),
  ],
  Pod: [
    v1("Pod", {
      metadata: { ...meta, deletionTimestamp: "2024-01-01T00:00:00Z" },
      spec: {
        nodeName: "n",
        nodeSelector: { disk: "ssd" },
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [requirement], matchFields: [requirement] }],
            },
          },
        },
        hostNetwork: true,
        containers: [{ name: "c", ports: [podPort] }],
        initContainers: [{ name: "i", restartPolicy: "Always", ports: [podPort] }],
      },
      status: { phase: "Failed", podIPs: [{ ip: "10.0.0.1" }], conditions: [{ type: "Ready", status: "True" }] },
    }),
    v1("Pod", { spec: { containers: [] }, status: { podIP: "10.0.0.1" } }),
  ],
  Node: [
    v1("Node", {
      metadata: { name: "a", labels: { "topology.kubernetes.io/zone": "z" } },
      spec: { podCIDRs: ["10.0.0.0/24"] },
      status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
    }),
    v1("Node", { metadata: { name: "a" }, spec: { podCIDR: "10.0.0.0/24" } }),
  ],
  Ingress: [backend, named, resource].map((each) =>
    networking("Ingress", {
      spec: {
        ingressClassName: "c",
        defaultBackend: each,
        rules: [{ host: "a.example", http: { paths: [{ path: "/a", pathType: "Prefix", backend: each }] } }],
        tls: [{ hosts: ["a.example"], secretName: "s" }],
      },
    }),
  ),
  IngressClass: [{}, { scope: "Namespace", namespace: "x" }].map((more) =>
    networking("IngressClass", {
      metadata: { ...meta, namespace: undefined },
      spec: { controller: "a.example/c", parameters: { kind: "K", name: "n", ...more } },
    }),
  ),
  Secret: ["data", "stringData"].map((member) =>
    v1("Secret", { type: "kubernetes.io/tls", [member]: { "tls.crt": "YWJj", "tls.key": "YWJj" } }),
  ),
  KubeProxyConfiguration: [
    {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      bindAddress: "192.0.2.1",
      clusterCIDR: "10.0.0.0/8",
      conntrack: { tcpBeLiberal: true },
      detectLocal: { bridgeInterface: "cni0", interfaceNamePrefix: "veth" },
      detectLocalMode: "NodeCIDR",
      hostnameOverride: "n",
      iptables: { localhostNodePorts: false, masqueradeAll: true },
      mode: "nftables",
      nftables: { masqueradeAll: true },
      nodePortAddresses: ["localhost"],
    },
  ],
  ServiceCIDR: [
    networking("ServiceCIDR", { metadata: { ...meta, namespace: undefined }, spec: { cidrs: ["10.0.0.0/8"] } }),
  ],
};

describe.each(KINDS)("%s", (kind) => {
  test.each(decidingOf(kind))("%s makes a difference", (path) => {
    const differs = OBJECTS[kind].some((object) => decoded(kind, object) !== decoded(kind, change(object, at(path))));
    expect(differs).toBe(true);
  });

  test.each(IGNORED[kind])("%s makes none", (path) => {
    const object = OBJECTS[kind][/\.resource\.|\.namespace$/.test(path) ? OBJECTS[kind].length - 1 : 0];
    const value = SAMPLES[path.split(".").slice(-1)[0] ?? ""] ?? "a";
    const changed = change(object, at(path), value);
    expect(JSON.stringify(changed)).not.toBe(JSON.stringify(object));
    const errors = /"errors":\[[^\]]*\]/;
    expect(String(decoded(kind, changed)).replace(errors, "")).toBe(String(decoded(kind, object)).replace(errors, ""));
  });
});

/** Values of fields that are not texts, or have a form. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  apiGroup: "a.example",
  kind: "Other",
  targetRef: { kind: "Pod" },
  deprecatedTopology: { a: "b" },
  hostPort: 80,
  terminationGracePeriodSeconds: 1,
  tolerationSeconds: 1,
  unschedulable: true,
  hosts: ["a.example"],
  port: 80,
  scope: "Cluster",
};

// --- what is absent --------------------------------------------------------------------------------------------------------

/** What the API server fills in (SetDefaults_…), or what an absent value means by the API's documentation; `none`: there is
 *  nothing then; `required`: the API server refuses the object. */
type Absent = { readonly is: unknown } | "none" | "required";

const ABSENT: { readonly [K in DecidedKind]: Readonly<Record<(typeof DECIDING_FIELDS)[K][number], Absent>> } = {
  Service: {
    "metadata.creationTimestamp": "none",
    "metadata.labels": "none",
    "metadata.name": "required",
    "metadata.namespace": { is: "default" },
    "metadata.annotations": "none",
    "spec.allocateLoadBalancerNodePorts": { is: true },
    "spec.clusterIP": "none", // allocated, which is another stage's work
    "spec.clusterIPs": "none",
    "spec.externalIPs": "none",
    "spec.externalTrafficPolicy": { is: "Cluster" },
    "spec.healthCheckNodePort": "none",
    "spec.internalTrafficPolicy": { is: "Cluster" },
    "spec.ipFamilies": "none", // those of the cluster IPs
    "spec.ipFamilyPolicy": "none", // decides only what is allocated
    "spec.loadBalancerSourceRanges": "none",
    "spec.ports.name": { is: "" },
    "spec.ports.nodePort": { is: 0 },
    "spec.ports.port": "required",
    "spec.ports.protocol": { is: "TCP" },
    "spec.ports.targetPort": { is: 0 }, // stands for the port
    "spec.publishNotReadyAddresses": { is: false },
    "spec.selector": "none",
    "spec.sessionAffinity": { is: "None" },
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds": { is: 10800 },
    "spec.trafficDistribution": "none",
    "spec.type": { is: "ClusterIP" },
    "status.loadBalancer.ingress.ip": "none",
    "status.loadBalancer.ingress.ipMode": { is: "VIP" },
  },
  EndpointSlice: {
    addressType: "required",
    "endpoints.addresses": "required",
    "endpoints.conditions.ready": { is: true },
    "endpoints.conditions.serving": { is: true },
    "endpoints.conditions.terminating": { is: false },
    "endpoints.hints.forNodes.name": "required",
    "endpoints.hints.forZones.name": "required",
    "endpoints.nodeName": "none",
    "metadata.labels": "none",
    "metadata.name": "required",
    "metadata.namespace": { is: "default" },
    "ports.name": { is: "" },
    "ports.port": "none", // all ports, which kube-proxy skips
    "ports.protocol": { is: "TCP" },
  },
  Endpoints: {
    "metadata.annotations": "none",
    "metadata.labels": "none",
    "metadata.name": "required",
    "metadata.namespace": { is: "default" },
    "subsets.addresses.ip": "required",
    "subsets.addresses.nodeName": "none",
    "subsets.notReadyAddresses.ip": "required",
    "subsets.notReadyAddresses.nodeName": "none",
    "subsets.ports.name": { is: "" },
    "subsets.ports.port": "required",
    "subsets.ports.protocol": { is: "TCP" },
  },
  Pod: {
    "metadata.deletionTimestamp": "none",
    "metadata.labels": "none",
    "metadata.name": "required",
    "metadata.namespace": { is: "default" },
    "spec.containers.ports.containerPort": "required",
    "spec.containers.ports.hostIP": { is: "" },
    "spec.containers.ports.hostPort": { is: 0 },
    "spec.containers.ports.name": { is: "" },
    "spec.containers.ports.protocol": { is: "TCP" },
    "spec.hostNetwork": { is: false },
    "spec.initContainers.ports.containerPort": "required",
    "spec.initContainers.ports.hostIP": { is: "" },
    "spec.initContainers.ports.hostPort": { is: 0 },
    "spec.initContainers.ports.name": { is: "" },
    "spec.initContainers.ports.protocol": { is: "TCP" },
    "spec.initContainers.restartPolicy": "none",
    "spec.nodeName": { is: "" },
    "spec.nodeSelector": { is: {} },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.key":
      { is: "" },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.operator":
      { is: "" },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchExpressions.values":
      { is: [] },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchFields.key": {
      is: "",
    },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchFields.operator":
      { is: "" },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.matchFields.values": {
      is: [],
    },
    "status.conditions.status": "none",
    "status.conditions.type": "none",
    "status.phase": { is: "" },
    "status.podIP": { is: "" },
    "status.podIPs.ip": "none",
  },
  Node: {
    "metadata.labels": "none",
    "metadata.name": "required",
    "spec.podCIDR": { is: "" },
    "spec.podCIDRs": "none",
    "status.addresses.address": "none",
    "status.addresses.type": "none",
  },
  Ingress: Object.fromEntries(
    DECIDING_FIELDS.Ingress.map((path) => [
      path,
      path.endsWith("pathType") || path === "metadata.name"
        ? "required"
        : path === "metadata.namespace"
          ? { is: "default" }
          : "none",
    ]),
  ),
  IngressClass: {
    "metadata.annotations": "none",
    "metadata.creationTimestamp": "none",
    "metadata.name": "required",
    "spec.controller": "required",
  },
  Secret: {
    data: "none",
    "metadata.name": "none", // a Secret without one is left out, with a warning
    "metadata.namespace": { is: "default" },
    stringData: "none",
    type: { is: "Opaque" },
  },
  KubeProxyConfiguration: {
    bindAddress: { is: "0.0.0.0" },
    clusterCIDR: { is: "" },
    "conntrack.tcpBeLiberal": { is: false },
    "detectLocal.bridgeInterface": { is: "" },
    "detectLocal.interfaceNamePrefix": { is: "" },
    detectLocalMode: { is: "" },
    hostnameOverride: { is: "" },
    "iptables.localhostNodePorts": "none", // true
    "iptables.masqueradeAll": { is: false },
    mode: { is: "" },
    "nftables.masqueradeAll": { is: false },
    nodePortAddresses: { is: [] },
  },
  ServiceCIDR: { "metadata.name": "required", "spec.cidrs": "required" },
};

const rows = KINDS.flatMap((kind) =>
  Object.entries<Absent>(ABSENT[kind]).map(([path, absent]) => [kind, path, absent] as const),
);

test.each(rows)("%s: absent %s is %j", (kind, path, absent) => {
  expect(decidingOf(kind)).toContain(path);
  for (const object of OBJECTS[kind]) {
    const without = decoded(kind, change(object, at(path)));
    if (absent === "required" && String(decoded(kind, object)) !== without)
      expect(without).not.toContain('"errors":[]');
    if (typeof absent === "object") expect(without).toBe(decoded(kind, change(object, at(path), absent.is)));
  }
});
