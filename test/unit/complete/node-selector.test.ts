/** On which Nodes the Pods of a DaemonSet are: those that it asks for. */
import { describe, expect, test } from "vitest";
import { completeText } from "../../support/complete.ts";

const daemons = (spec: string, kind = "DaemonSet"): string => `apiVersion: apps/v1
kind: ${kind}
metadata: {name: w}
spec: {template: {metadata: {labels: {app: w}}, spec: {containers: [], ${spec}}}}
---
`;

const affinity = (...terms: readonly string[]): string =>
  `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [${terms.join(", ")}]}}}`;

const node = (name: string, labels = "", rest = "", spec = ""): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {${labels}}${rest}}\nspec: {${spec}}\n---\n`;

const NODES = node("a", 'disk: ssd, cpus: "8"') + node("b", 'disk: hdd, cpus: "16"') + node("c");

/** Names of the Nodes of `nodes` that have a Pod. */
function nodesWith(spec: string, nodes = NODES): string[] {
  return completeText(daemons(spec) + nodes)
    .specs.pods.map(({ nodeName }) => nodeName ?? "")
    .sort();
}

describe("required node affinity", () => {
  test.each([
    ["In", "{matchExpressions: [{key: disk, operator: In, values: [ssd, nvme]}]}", ["a"]],
    ["NotIn, also without the label", "{matchExpressions: [{key: disk, operator: NotIn, values: [ssd]}]}", ["b", "c"]],
    ["Exists", "{matchExpressions: [{key: disk, operator: Exists}]}", ["a", "b"]],
    ["DoesNotExist", "{matchExpressions: [{key: disk, operator: DoesNotExist}]}", ["c"]],
    ["Gt", '{matchExpressions: [{key: cpus, operator: Gt, values: ["8"]}]}', ["b"]],
    ["Lt", '{matchExpressions: [{key: cpus, operator: Lt, values: ["16"]}]}', ["a"]],
    ["Gt of what is no number", '{matchExpressions: [{key: disk, operator: Gt, values: ["1"]}]}', []],
    ["a name", "{matchFields: [{key: metadata.name, operator: In, values: [b]}]}", ["b"]],
    ["all but a name", "{matchFields: [{key: metadata.name, operator: NotIn, values: [b]}]}", ["a", "c"]],
    [
      "expressions all hold",
      "{matchExpressions: [{key: disk, operator: Exists}, {key: cpus, operator: Gt, values: ['9']}]}",
      ["b"],
    ],
    ["a term that asks for nothing", "{}", []],
  ])("%s", (_, term, wanted) => {
    expect(nodesWith(affinity(term))).toEqual(wanted);
  });

  test("one of several terms is enough", () => {
    const [ssd, named] = [
      "{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}",
      "{matchFields: [{key: metadata.name, operator: In, values: [c]}]}",
    ];
    expect(nodesWith(affinity(ssd, named))).toEqual(["a", "c"]);
    expect(
      nodesWith(`nodeSelector: {disk: hdd}, ${affinity(ssd, "{matchExpressions: [{key: cpus, operator: Exists}]}")}`),
    ).toEqual(["b"]);
    expect(nodesWith(affinity())).toEqual([]);
  });

  test("preferences decide nothing", () => {
    const term = "{weight: 1, preference: {matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}";
    expect(nodesWith(`affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [${term}]}}`)).toEqual(
      ["a", "b", "c"],
    );
  });

  test("holds for the Pods of the other workloads, and for a Pod by itself", () => {
    const term = affinity("{matchExpressions: [{key: disk, operator: In, values: [hdd]}]}");
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {${term}}\n---\n`;
    for (const text of [daemons(term, "Deployment"), daemons(term, "StatefulSet"), pod])
      expect(completeText(text + NODES).specs.pods.map(({ nodeName }) => nodeName)).toEqual(["b"]);
  });
});

describe("labels that a kubelet gives", () => {
  test("kubernetes.io/hostname is the Node's name where a manifest leaves it out", () => {
    expect(nodesWith("nodeSelector: {kubernetes.io/hostname: b}")).toEqual(["b"]);
    expect(
      nodesWith("nodeSelector: {kubernetes.io/hostname: host-b}", NODES + node("d", "kubernetes.io/hostname: host-b")),
    ).toEqual(["d"]);
  });

  test("are not held against a manifest, but against a Node that a server has written", () => {
    const arch = affinity("{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]}");
    expect(nodesWith(arch)).toEqual(["a", "b", "c"]);
    expect(nodesWith(arch, NODES + node("d", "", ", uid: u"))).toEqual(["a", "b", "c"]);
    expect(nodesWith(affinity("{matchExpressions: [{key: kubernetes.io/arch, operator: DoesNotExist}]}"))).toEqual([]);
  });

  test("name Nodes where the input has none", () => {
    expect(nodesWith("nodeSelector: {kubernetes.io/hostname: worker-7}", "")).toEqual(["worker-7"]);
    expect(nodesWith("nodeSelector: {disk: ssd}", "")).toEqual(["node-1"]); // its labels are not known
  });
});

test("Pods of a DaemonSet on the Node's network tolerate that there is no other", () => {
  const nodes = node("a", "", "", "taints: [{key: node.kubernetes.io/network-unavailable, effect: NoSchedule}]");
  expect(nodesWith("hostNetwork: true", nodes)).toEqual(["a"]);
  expect(nodesWith("hostNetwork: false", nodes)).toEqual([]);
});

test("a CronJob has no Pods until it fires: a note where a Service waits for them", () => {
  const job = `apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec: {schedule: "0 * * * *", jobTemplate: {spec: {template: {metadata: {labels: {app: tick}}, spec: {containers: []}}}}}
---
`;
  const service =
    "apiVersion: v1\nkind: Service\nmetadata: {name: tick}\nspec: {selector: {app: tick}, ports: [{port: 80}]}\n";
  const message = "not-completed: CronJob default/tick has no Pods until it fires, and kpc assumes none";
  expect(completeText(job)).toMatchObject({ specs: { pods: [] }, findings: [`info ${message}`] });
  expect(completeText(job + service)).toMatchObject({
    specs: { pods: [] },
    findings: [`note ${message}: Service default/tick has no endpoints of it`],
  });
});
