/** Clusters as manifests, with the fields that the API server fills in. */
import { closeSync, openSync, writeSync } from "node:fs";
import { printYaml } from "../../test/support/kubectl-yaml.ts";
import { fingerprint, type ListedService } from "./cluster.ts";

/** What `kubectl get services,endpointslices -A -o json` prints. */
export function* printJsonList(cluster: readonly ListedService[]): Generator<string> {
  let before = '{\n    "apiVersion": "v1",\n    "items": [\n        ';
  for (const object of objectsOf(cluster)) {
    yield before + JSON.stringify(object, null, 4).replaceAll("\n", "\n        ");
    before = ",\n        ";
  }
  yield '\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n';
}

/** What `kubectl get services,endpointslices -A -o yaml` prints. */
export function* printYamlList(cluster: readonly ListedService[]): Generator<string> {
  yield "apiVersion: v1\nitems:\n";
  for (const object of objectsOf(cluster)) yield printYaml([object]);
  yield 'kind: List\nmetadata:\n  resourceVersion: ""\n';
}

/** The same objects as one YAML document each. */
export function* printYamlDocuments(cluster: readonly ListedService[]): Generator<string> {
  for (const object of objectsOf(cluster)) yield `---\n${printYaml(object)}`;
}

/** Writes `chunks` to the file `path`. Returns its size in bytes. */
export function writeChunks(path: string, chunks: Iterable<string>) {
  const file = openSync(path, "w");
  let size = 0;
  for (const chunk of chunks) size += writeSync(file, chunk);
  closeSync(file);
  return size;
}

/** Members are sorted by name, as kubectl prints them. */
function* objectsOf(cluster: readonly ListedService[]): Generator<object> {
  for (const [index, service] of cluster.entries()) yield serviceObject(service, index);
  for (const [index, service] of cluster.entries()) yield sliceObject(service, index);
}

/** Every fourth Service has come by `kubectl apply`, the others by Helm. */
function serviceObject({ namespace, name, clusterIp, port, portName }: ListedService, index: number) {
  const labels = { "app.kubernetes.io/instance": name, "app.kubernetes.io/name": "web" };
  const ports = [{ name: portName, port, protocol: "TCP", targetPort: "http" }];
  const applied = { apiVersion: "v1", kind: "Service", metadata: { labels, name, namespace }, spec: { ports } };
  const annotations =
    index % 4 === 0
      ? { "kubectl.kubernetes.io/last-applied-configuration": `${JSON.stringify(applied)}\n` }
      : { "meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      annotations,
      creationTimestamp: "2025-03-14T09:26:53Z",
      labels,
      name,
      namespace,
      resourceVersion: String(1_000_000 + index),
      uid: uuid(`service ${name}`),
    },
    spec: {
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports,
      selector: labels,
      sessionAffinity: "None",
      type: "ClusterIP",
    },
    status: { loadBalancer: {} },
  };
}

/** One slice for a Service, however many endpoints it has: the controller would begin a second one after 100. */
function sliceObject({ namespace, name, portName, endpoints }: ListedService, index: number) {
  return {
    addressType: "IPv4",
    apiVersion: "discovery.k8s.io/v1",
    endpoints: endpoints.map(({ address, nodeName, pod, zone }) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName,
      targetRef: { kind: "Pod", name: pod, namespace, uid: uuid(`pod ${pod}`) },
      zone,
    })),
    kind: "EndpointSlice",
    metadata: {
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2025-03-14T09:27:10Z" },
      creationTimestamp: "2025-03-14T09:26:53Z",
      generateName: `${name}-`,
      generation: 7,
      labels: {
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": name,
      },
      name: `${name}-${fingerprint(name).slice(0, 5)}`,
      namespace,
      ownerReferences: [
        {
          apiVersion: "v1",
          blockOwnerDeletion: true,
          controller: true,
          kind: "Service",
          name,
          uid: uuid(`service ${name}`),
        },
      ],
      resourceVersion: String(2_000_000 + index),
      uid: uuid(`slice ${name}`),
    },
    ports: [{ name: portName, port: endpoints[0]?.port ?? 8080, protocol: "TCP" }],
  };
}

function uuid(text: string) {
  return fingerprint(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
