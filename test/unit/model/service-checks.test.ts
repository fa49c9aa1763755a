import { describe, expect, test } from "vitest";
import { resolveCluster } from "../../../compiler/model/resolve.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { completeText } from "../../support/complete.ts";
import { printFinding } from "../specs/findings.ts";

const CODES: ReadonlySet<string> = new Set([
  "no-matching-pod",
  "unknown-target-port",
  "affinity-per-port",
  "unknown-node",
  "pod-ignored",
  "slice-ignored",
]);

/** What is found about joins, `line:column severity message` each, with notes in parentheses. */
function check(...objects: readonly string[]): string[] {
  const found: string[] = [];
  const specs = loadSpecs([{ name: "a.yaml", text: objects.join("---\n") }], ({ severity, message }) => {
    if (severity === "error") found.push(message);
  });
  resolveCluster(specs, { controller: "x" }, (finding) => {
    if (CODES.has(finding.code)) found.push(printFinding(finding).replace(` ${finding.code} `, " "));
  });
  return found;
}

const service = (spec: string, namespace = "shop"): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: ${namespace}}\nspec: {clusterIP: 10.96.0.9, ${spec}}\n`;
const pod = (name: string, labels: string, more = "", ports = "{name: web, containerPort: 8080}"): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {${labels}}}\nspec: {containers: [{name: c, ports: [${ports}]}]${more}}\nstatus: {podIP: 10.0.0.1, conditions: [{type: Ready, status: "True"}]}\n`;
const PORT = "ports: [{port: 80}]";
const SLICE =
  "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: shop, labels: {kubernetes.io/service-name: web}}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.2]}]\nports: [{port: 80}]\n";

describe("a selector that matches nothing", () => {
  const on = "selector app=web,tier=front of Service shop/web matches none of the";
  const SELECTOR = "selector: {app: web, tier: front}";

  test.each<[what: string, objects: string[], wanted: string[]]>([
    [
      "a value that is near",
      [pod("a", "app: web, tier: frnt")],
      [`4:40 warning ${on} 1 Pod in namespace shop: the nearest, a, has tier=frnt (its labels 8:46)`],
    ],
    [
      "a key that is near",
      [pod("a", "app: web, teir: front")],
      [`4:40 warning ${on} 1 Pod in namespace shop: the nearest, a, has teir=front (its labels 8:46)`],
    ],
    [
      "the Pod with the fewest changes",
      [pod("a", "x: z"), pod("b", "app: web"), pod("c", "app: web, tier: back")],
      [`4:40 warning ${on} 3 Pods in namespace shop: the nearest, c, has tier=back (its labels 20:46)`],
    ],
    [
      "no key of the kind",
      [pod("a", "x: z")],
      [`4:40 warning ${on} 1 Pod in namespace shop: the nearest, a, has no label app, no label tier (its labels 8:46)`],
    ],
    [
      "of Pods that need the same changes the first by name",
      [pod("b", "app: web"), pod("a", "app: web")],
      [`4:40 warning ${on} 2 Pods in namespace shop: the nearest, a, has no label tier (its labels 14:46)`],
    ],
    [
      "a key that is near before another value",
      [pod("a", "app: web, tier: other"), pod("b", "app: web, teir: front"), pod("c", "app: web, tier: other")],
      [`4:40 warning ${on} 3 Pods in namespace shop: the nearest, b, has teir=front (its labels 14:46)`],
    ],
    [
      "the key as it is before one in other letters",
      [pod("a", "App: web, app: api, tier: front")],
      [`4:40 warning ${on} 1 Pod in namespace shop: the nearest, a, has app=api (its labels 8:46)`],
    ],
    [
      "a value that is near before another one",
      [pod("a", "app: web, tier: other"), pod("b", "app: web, tier: frnt"), pod("c", "app: web, tier: other")],
      [`4:40 warning ${on} 3 Pods in namespace shop: the nearest, b, has tier=frnt (its labels 14:46)`],
    ],
    [
      "another value before no label",
      [pod("a", "app: web"), pod("b", "app: web, tier: other"), pod("c", "app: web")],
      [`4:40 warning ${on} 3 Pods in namespace shop: the nearest, b, has tier=other (its labels 14:46)`],
    ],
    ["no Pods: nothing is known", [], []],
    ["Pods of other namespaces that it does not match", [pod("a", "x: z").replace("shop", "prod")], []],
    [
      "slices without endpoints say nothing",
      [pod("a", "app: web"), SLICE.replace("{addresses: [10.0.0.2]}", "")],
      [`4:40 warning ${on} 1 Pod in namespace shop: the nearest, a, has no label tier (its labels 8:46)`],
    ],
    ["slices with endpoints: the Pods that are given are not all", [pod("a", "x: z"), SLICE], []],
  ])("%s", (_, objects, wanted) => {
    expect(check(service(`${SELECTOR}, ${PORT}`), ...objects)).toEqual(wanted);
  });

  test("Pods of other namespaces are named, each namespace once", () => {
    const asking = service(`selector: {app: web}, ${PORT}`, "prod");
    const none = "4:40 warning selector app=web of Service prod/web matches none of the";
    expect(check(asking, pod("a", "app: web"))).toEqual([`${none} 0 Pods in namespace prod, but 1 in shop`]);
    const others = ["dev", "shop"].flatMap((name) =>
      [pod("a", "app: web"), pod("b", "app: web")].map((each) => each.replace("shop", name)),
    );
    const near = pod("c", "app: wbe").replace("shop", "prod");
    expect(check(asking, pod("a", "app: web"), near)).toEqual([`${none} 1 Pod in namespace prod, but 1 in shop`]);
    expect(check(asking, ...others, near)).toEqual([`${none} 1 Pod in namespace prod, but 4 in dev, shop`]);
  });

  test("that of a name has no effect", () => {
    const external =
      "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: ExternalName, externalName: x.example, selector: {app: web}}\n";
    expect(check(external, pod("a", "x: z"))).toEqual([]);
  });
});

describe("a targetPort by name", () => {
  const at = (target: string): string => service(`selector: {app: web}, ports: [{port: 80, targetPort: ${target}}]`);
  const none = (name: string): string =>
    `warning targetPort "${name}" (TCP) of Service shop/web: no Pod that its selector matches has a container port of this name: they have`;

  test.each<[wanted: string[], target: string, pods: string[]]>([
    [[], "web", [pod("a", "app: web")]],
    [[], "8080", [pod("a", "app: web", "", "")]],
    [[], "web", [pod("a", "app: web", "", ""), pod("b", "app: web")]], // one of them will do
    [[`4:83 ${none("wbe")} web (TCP), did you mean "web"? (Pod shop/a 6:1)`], "wbe", [pod("a", "app: web")]],
    [
      [`4:83 ${none("http")} no named ports (Pod shop/a 6:1)`],
      "http",
      [pod("a", "app: web", "", "{containerPort: 80}")],
    ],
    [
      [`4:83 ${none("dns")} dns (UDP) (Pod shop/a 6:1)`],
      "dns",
      [pod("a", "app: web", "", "{name: dns, containerPort: 53, protocol: UDP}")],
    ],
    [
      [`4:83 ${none("wbe")} web (TCP), dns (UDP), did you mean "web"? (Pod shop/a 6:1)`],
      "wbe",
      [
        pod("a", "app: web"),
        pod("b", "app: web", "", "{name: web, containerPort: 1}, {name: dns, containerPort: 53, protocol: UDP}"),
      ],
    ],
    [[], "web", []], // nothing is known
  ])("%j: %s", (wanted, target, pods) => {
    expect(check(at(target), ...pods)).toEqual(wanted);
  });
});

test("session affinity over several ports is said to be of each port", () => {
  const ports = "ports: [{name: http, port: 80}, {name: https, port: 443}]";
  expect(check(service(`sessionAffinity: ClientIP, ${ports}`))).toEqual([
    "4:47 warning sessionAffinity ClientIP of Service shop/web holds for each port by itself: a client may get another Pod on each of the ports http, https",
  ]);
  expect(check(service(ports))).toEqual([]);
  expect(check(service(`sessionAffinity: ClientIP, ${PORT}`))).toEqual([]);
});

describe("Nodes that are not in the input", () => {
  const node = (name: string): string => `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n`;
  const on = (name: string): string => pod("a", "app: web", `, nodeName: ${name}`);

  test.each<[wanted: string[], objects: string[]]>([
    [
      ["4:86 warning Node other is not in the input, and 1 Pod or endpoint is on it"],
      [on("other"), node("worker-1"), node("worker-2")],
    ],
    [
      ['4:86 warning Node woker-1 is not in the input, and 1 Pod or endpoint is on it, did you mean "worker-1"?'],
      [on("woker-1"), node("worker-1")],
    ],
    [["4:86 info Node other is not in the input, and 1 Pod or endpoint is on it"], [on("other"), node("worker-1")]],
    [[], [on("worker-1"), node("worker-1"), node("worker-2")]],
    [[], [on("worker-1")]],
    [
      ["12:86 warning Node other is not in the input, and 2 Pods or endpoints are on it"],
      [node("worker-1"), node("worker-2"), on("other"), SLICE.replace("]}", "], nodeName: other}")],
    ],
    [
      ["13:47 warning Node other is not in the input, and 1 Pod or endpoint is on it"],
      [node("worker-1"), node("worker-2"), SLICE.replace("]}", "], nodeName: other}")],
    ],
  ])("%j", (wanted, objects) => {
    expect(check(...objects)).toEqual(wanted);
  });
});

test("Pods and slices that are left out are named, with the reason", () => {
  const unready = pod("a", "app: web").replace('"True"', '"False"');
  const ended = pod("b", "app: web").replace("status: {", "status: {phase: Succeeded, ");
  const bare = pod("c", "app: web").replace("podIP: 10.0.0.1, ", "");
  const ending = pod("d", "app: web").replace(
    "namespace: shop",
    'namespace: shop, deletionTimestamp: "2026-01-01T00:00:00Z"',
  );
  const asking = service(`selector: {app: web}, ${PORT}`);
  expect(check(asking, unready, SLICE)).toEqual([]);
  expect(check(service(`selector: {app: web}, publishNotReadyAddresses: true, ${PORT}`), unready)).toEqual([]);
  expect(check(asking, unready, ended, bare, ending, pod("e", "app: web"))).toEqual([
    "6:1 info Pod shop/a is not a ready endpoint of Service shop/web: it is not ready",
    "12:1 info Pod shop/b is not a ready endpoint of Service shop/web: it has ended",
    "18:1 info Pod shop/c is not a ready endpoint of Service shop/web: it has no address",
    "24:1 info Pod shop/d is not a ready endpoint of Service shop/web: it is being deleted",
  ]);
  const slice = (labels: string, type = "IPv4"): string =>
    `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, labels: {${labels}}}\naddressType: ${type}\n`;
  const left = "1:1 info EndpointSlice default/s is left out:";
  expect(check(slice(""))).toEqual([`${left} it has no label kubernetes.io/service-name`]);
  expect(check(slice("kubernetes.io/service-name: a", "FQDN"))).toEqual([
    `${left} addressType FQDN is not for kube-proxy`,
  ]);
  expect(check(slice('kubernetes.io/service-name: a, service.kubernetes.io/headless: ""'))).toEqual([
    `${left} it carries the label service.kubernetes.io/headless`,
  ]);
});

test("Nodes are not missed where kpc has assumed the only one", () => {
  const on = (name: string) => pod(`on-${name}`, "app: web", `, nodeName: ${name}`).replace(/status.*\n/, "");
  const { specs } = completeText(`${on("n1")}---\n${on("n2")}`, { nodeName: "n1" });
  expect(specs.nodes.map(({ meta }) => meta.name)).toEqual(["n1"]);
  const codes: string[] = [];
  resolveCluster(specs, { controller: "x" }, ({ code }) => codes.push(code));
  expect(codes).not.toContain("unknown-node");
});
