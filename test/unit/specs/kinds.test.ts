/** Each kind that kpc reads: its smallest object, in each version, and the list of `Specs` that it comes to. A new kind does not compile
 *  until it is here. */
import { describe, expect, test } from "vitest";
import { API_VERSIONS, type KnownKind } from "../../../compiler/specs/kinds.ts";
import type { Specs } from "../../../compiler/specs/types.ts";
import { load } from "./findings.ts";

type ListName = { [Name in keyof Specs]: Specs[Name] extends readonly unknown[] ? Name : never }[keyof Specs];

interface Sample {
  readonly list: ListName;
  /** What stands beside apiVersion, kind and metadata. */
  readonly body?: string;
  /** What a field must be that is wrong here, and what is said of it. */
  readonly wrong: readonly [body: string, finding: string];
}

const POD = "{containers: [{name: a}]}";
const TEMPLATE = `selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: ${POD}}`;

const workload = (spec: string, wrong = "spec: {replicas: x}"): Sample => ({
  list: "workloads",
  body: `spec: {${spec}}`,
  wrong: [wrong, "wrong-type"],
});

const SAMPLES: Readonly<Record<KnownKind, Sample>> = {
  Service: {
    list: "services",
    body: "spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}",
    wrong: ["spec: {ports: 80}", "wrong-type"],
  },
  Endpoints: { list: "endpoints", wrong: ["subsets: 1", "wrong-type"] },
  Pod: { list: "pods", body: `spec: ${POD}`, wrong: ["spec: 1", "wrong-type"] },
  Node: { list: "nodes", wrong: ["spec: {podCIDR: x}", "invalid-value"] },
  EndpointSlice: {
    list: "endpointSlices",
    body: "addressType: IPv4\nendpoints: []",
    wrong: ["addressType: IPv5\nendpoints: []", "invalid-value"],
  },
  Ingress: {
    list: "ingresses",
    body: "spec: {defaultBackend: {service: {name: a, port: {number: 80}}}}",
    wrong: ["spec: {rules: 1}", "wrong-type"],
  },
  IngressClass: { list: "ingressClasses", body: "spec: {controller: a.example/b}", wrong: ["spec: 1", "wrong-type"] },
  Secret: { list: "secrets", wrong: ["type: kubernetes.io/tls\ndata: 1", "wrong-type"] },
  GatewayClass: {
    list: "gatewayClasses",
    body: "spec: {controllerName: a.example/b}",
    wrong: ["spec: {}", "missing-field"],
  },
  Gateway: {
    list: "gateways",
    body: "spec: {gatewayClassName: a, listeners: [{name: a, port: 80, protocol: HTTP}]}",
    wrong: ["spec: {gatewayClassName: a, listeners: []}", "missing-field"],
  },
  HTTPRoute: { list: "httpRoutes", body: "spec: {}", wrong: ["spec: {hostnames: 1}", "wrong-type"] },
  ReferenceGrant: {
    list: "referenceGrants",
    body: 'spec: {from: [{group: a.example, kind: B, namespace: c}], to: [{group: "", kind: Service}]}',
    wrong: ["spec: {from: [], to: []}", "missing-field"],
  },
  Namespace: { list: "namespaces", wrong: ["metadata: 1", "wrong-type"] },
  KubeProxyConfiguration: { list: "kubeProxies", body: "mode: nftables", wrong: ["mode: 1", "wrong-type"] },
  Deployment: workload(TEMPLATE),
  StatefulSet: workload(`serviceName: a, ${TEMPLATE}`),
  DaemonSet: workload(TEMPLATE, "spec: {template: 1}"),
  ReplicaSet: workload(TEMPLATE),
  ReplicationController: workload(`template: {metadata: {labels: {app: a}}, spec: ${POD}}`),
  Job: workload(`template: {spec: ${POD}}`, "spec: {template: 1}"),
  CronJob: workload(`schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: ${POD}}}}`, "spec: {jobTemplate: 1}"),
  ServiceCIDR: {
    list: "serviceCidrs",
    body: "spec: {cidrs: [10.96.0.0/16]}",
    wrong: ["spec: {cidrs: [x]}", "invalid-value"],
  },
};

const objectOf = (kind: string, version: string, body: string): string =>
  `apiVersion: ${version}\nkind: ${kind}\n${kind === "KubeProxyConfiguration" || body.startsWith("metadata") ? "" : "metadata: {name: a, namespace: b}\n"}${body}\n`;

describe.each(Object.entries(SAMPLES))("%s", (kind, { list, body = "", wrong }) => {
  const versions: readonly string[] = API_VERSIONS[kind as KnownKind];

  test.each(versions)("is read in %s, into its list alone", (version) => {
    const { specs, findings } = load(objectOf(kind, version, body));
    expect(findings.filter((each) => / error /.test(each))).toEqual([]);
    const lists = Object.entries(specs).filter(([, value]) => Array.isArray(value) && value.length > 0);
    expect(lists.map(([name]) => name)).toEqual([list]);
    expect(specs[list]).toHaveLength(1);
    expect([...specs.skipped.keys()]).toEqual([]);
  });

  test("is looked into", () => {
    const [text, code] = wrong;
    const { findings } = load(objectOf(kind, versions[0] ?? "", text));
    expect(findings.map((each) => each.split(" ")[2])).toContain(code);
  });

  test("is read in no other version", () => {
    const { specs, findings } = load(objectOf(kind, (versions[0] ?? "").replace(/v\d\w*$/, "v9"), body));
    expect(findings.map((each) => each.split(" ")[2])).toContain("unknown-version");
    expect(specs[list]).toEqual([]);
  });
});
