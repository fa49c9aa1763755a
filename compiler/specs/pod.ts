import {
  type Context,
  checkRequired,
  checkText,
  lenient,
  reportDuplicate,
  reportInvalid,
  warnInvalid,
  wordOrEmpty,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Address, familyOf, parseAddress } from "../net/address.ts";
import { decodeAddress } from "./address.ts";
import { decodeLabels, decodeMeta, decodeTime, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems, portNameProblems } from "./names.ts";
import { AFFINITY, decodeNodeAffinity } from "./node-affinity.ts";
import { decodeOptionalPort, decodePort, decodeProtocol } from "./port.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { ContainerPortSpec, PodSpec, PodTemplateSpec, TolerationSpec } from "./types.ts";

const PORT = {
  containerPort: "integer",
  hostIP: "string",
  hostPort: "integer",
  name: "string",
  protocol: "string",
} as const;

/** Of a container only the ports count, and whether it is a sidecar. */
const CONTAINER = {
  args: "any",
  command: "any",
  env: "any",
  envFrom: "any",
  image: "any",
  imagePullPolicy: "any",
  lifecycle: "any",
  livenessProbe: "any",
  name: "string",
  ports: [PORT],
  readinessProbe: "any",
  resizePolicy: "any",
  resources: "any",
  restartPolicy: "string",
  restartPolicyRules: "any",
  securityContext: "any",
  startupProbe: "any",
  stdin: "any",
  stdinOnce: "any",
  terminationMessagePath: "any",
  terminationMessagePolicy: "any",
  tty: "any",
  volumeDevices: "any",
  volumeMounts: "any",
  workingDir: "any",
} as const;

const CONDITION = {
  lastProbeTime: "any",
  lastTransitionTime: "any",
  message: "any",
  observedGeneration: "any",
  reason: "any",
  status: "string",
  type: "string",
} as const;

const TOLERATION = {
  effect: "string",
  key: "string",
  operator: "string",
  tolerationSeconds: "integer",
  value: "string",
} as const;

/** PodSpec (v1). Top level only: what a Pod does inside is no business of the network. */
export const POD_SPEC = {
  activeDeadlineSeconds: "any",
  affinity: AFFINITY,
  automountServiceAccountToken: "any",
  containers: [CONTAINER],
  dnsConfig: "any",
  dnsPolicy: "any",
  enableServiceLinks: "any",
  ephemeralContainers: "any",
  evictionInterceptors: "any",
  hostAliases: "any",
  hostIPC: "any",
  hostNetwork: "boolean",
  hostPID: "any",
  hostUsers: "any",
  hostname: "string",
  hostnameOverride: "any",
  imagePullSecrets: "any",
  initContainers: [CONTAINER],
  nodeName: "string",
  nodeSelector: "strings",
  os: "any",
  overhead: "any",
  preemptionPolicy: "any",
  priority: "any",
  priorityClassName: "any",
  readinessGates: "any",
  resourceClaims: "any",
  resources: "any",
  restartPolicy: "string",
  runtimeClassName: "any",
  schedulerName: "any",
  schedulingGates: "any",
  schedulingGroup: "any",
  securityContext: "any",
  serviceAccount: "any",
  serviceAccountName: "any",
  setHostnameAsFQDN: "any",
  shareProcessNamespace: "any",
  subdomain: "string",
  terminationGracePeriodSeconds: "integer",
  tolerations: [TOLERATION],
  topologySpreadConstraints: "any",
  volumes: "any",
  workloadRef: "any",
} as const;

const STATUS = {
  allocatedResources: "any",
  conditions: [CONDITION],
  containerStatuses: "any",
  ephemeralContainerStatuses: "any",
  extendedResourceClaimStatus: "any",
  hostIP: "string",
  hostIPs: "any",
  initContainerStatuses: "any",
  message: "string",
  nodeAllocatableResourceClaimStatuses: "any",
  nominatedNodeName: "any",
  observedGeneration: "any",
  phase: "string",
  podIP: "string",
  podIPs: [{ ip: "string" }],
  qosClass: "any",
  reason: "any",
  resize: "any",
  resourceClaimStatuses: "any",
  resources: "any",
  startTime: "string",
} as const;

export const POD = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: POD_SPEC,
  status: STATUS,
});

/** `spec` of a Pod, as the manifest has it. */
type PodFields = Fitting<typeof POD_SPEC>;

type StatusFields = Fitting<typeof STATUS>;

const PHASES = ["Failed", "Pending", "Running", "Succeeded", "Unknown"] as const;

/** A Pod (v1): what the EndpointSlice controller looks at. Hand-written Pods have no status, hence no address. */
export function decodePod(context: Context, root: Field): PodSpec | undefined {
  const pod = readShape(context, root, POD);
  if (pod === undefined) return undefined;
  const meta = decodeMeta(context, root, pod.metadata, true, dns1123SubdomainProblems);
  const status = pod.status ?? {};
  const { deletionTimestamp } = pod.metadata ?? {};
  checkRequired(context, root, "spec", pod.spec);
  const template = decodePodTemplate(context, root.member("spec"), pod.spec ?? {});
  // Nobody writes a status with kubectl apply, and what is no address is left out: worth a warning.
  const podIps = decodePodIps(lenient(context), root, status);
  const phase = wordOrEmpty(lenient(context), root.member("status"), "phase", status.phase, PHASES);
  const deleted = decodeTime(context, root.member("metadata"), "deletionTimestamp", deletionTimestamp);
  if (meta === undefined) return undefined;
  return {
    meta,
    ...template,
    podIps,
    ready: (status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True"),
    hasStatus: phase !== undefined || (status.conditions ?? []).length > 0,
    finished: phase === "Succeeded" || phase === "Failed",
    terminating: deleted !== undefined,
    assumed: [],
  };
}

/** What a Pod's `spec`, or that of a workload's template, says; `field` is where it stands. */
export function decodePodTemplate(context: Context, field: Field, spec: PodFields): PodTemplateSpec {
  checkText(context, field, "nodeName", spec.nodeName, dns1123SubdomainProblems);
  return {
    nodeName: spec.nodeName || undefined,
    hostNetwork: spec.hostNetwork ?? false,
    nodeSelector: decodeLabels(context, field, "nodeSelector", spec.nodeSelector),
    nodeAffinity: decodeNodeAffinity(lenient(context), field, spec.affinity),
    tolerations: (spec.tolerations ?? NO_TOLERATIONS).map(decodeToleration),
    ...decodeContainers(context, field, spec),
  };
}

const NO_TOLERATIONS: NonNullable<PodFields["tolerations"]> = [];

function decodeToleration({ effect, key, operator, value }: Fitting<typeof TOLERATION>): TolerationSpec {
  return { key: key ?? "", value: operator === "Exists" ? undefined : (value ?? ""), effect: effect ?? "" };
}

/** `podIPs`; `podIP` wins where they differ, as in the API server. */
function decodePodIps(context: Context, root: Field, { podIP, podIPs }: StatusFields): readonly Address[] {
  const listed = (podIPs ?? []).map(({ ip }) => ip ?? "");
  const single = podIP ?? "";
  const differs = single !== "" && listed[0] !== single;
  const texts = differs ? [single] : listed;
  if (texts.length === 0) return [];
  const status = root.member("status");
  if (differs && listed.length > 0)
    warnInvalid(context, status.member("podIP"), "differs from the first of podIPs, which are left out");
  const addresses = texts.flatMap((text, index) => {
    const at = (): Field => (differs ? status.member("podIP") : status.member("podIPs").item(index).member("ip"));
    return decodeAddress(context, text, at) ?? [];
  });
  if (new Set(addresses.map(familyOf)).size < addresses.length)
    reportInvalid(context, status.member("podIPs"), "may specify no more than one IP for each IP family");
  return addresses;
}

/** Containers, then sidecars (init containers that are restarted always), and the ports of all in this order, in which the
 *  EndpointSlice controller looks for a name. */
function decodeContainers(
  context: Context,
  spec: Field,
  { containers, initContainers }: PodFields,
): Pick<PodTemplateSpec, "containers" | "ports"> {
  const names: string[] = [];
  const ports: ContainerPortSpec[] = [];
  const add = (list: "containers" | "initContainers", index: number, container: Fitting<typeof CONTAINER>): void => {
    const name = container.name ?? "";
    names.push(name);
    const given = container.ports ?? [];
    if (given.length > 0)
      ports.push(...decodePorts(context, () => spec.member(list).item(index).member("ports"), name, given));
  };
  for (const [index, container] of (containers ?? []).entries()) add("containers", index, container);
  for (const [index, container] of (initContainers ?? []).entries())
    if (container.restartPolicy === "Always") add("initContainers", index, container);
  return { containers: names, ports };
}

/** `hostIP`; undefined where it stands for all addresses. */
function hostAddress(text: string | null | undefined): Address | undefined {
  const address = parseAddress(text ?? "");
  return address === undefined || BigInt(address) === 0n ? undefined : address;
}

function decodePorts(
  context: Context,
  listOf: () => Field,
  container: string,
  given: readonly Fitting<typeof PORT>[],
): ContainerPortSpec[] {
  const list = listOf();
  const firsts = new Map<string, Field>();
  return given.flatMap((fields, index): ContainerPortSpec[] => {
    const field = list.item(index);
    const port = decodePort(context, field, "containerPort", fields.containerPort);
    const protocol = decodeProtocol(context, field, fields.protocol);
    const hostPort = decodeOptionalPort(context, field, "hostPort", fields.hostPort);
    checkText(context, field, "name", fields.name, portNameProblems);
    const name = fields.name ?? "";
    if (protocol === undefined) return [];
    const first = firsts.get(name);
    if (name !== "" && first === undefined) firsts.set(name, field);
    else if (first !== undefined) reportDuplicate(context, field.member("name"), first);
    if (port === undefined) return [];
    const own = hostPort === undefined ? {} : { hostPort: { port: hostPort, address: hostAddress(fields.hostIP) } };
    return [{ container, name, protocol, port, ...own }];
  });
}
