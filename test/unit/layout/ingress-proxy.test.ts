import { describe, expect, test } from "vitest";
import { resolveInput } from "../../../compiler/compile.ts";
import { describeNetwork } from "../../../compiler/described.ts";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { required } from "../../../compiler/invariant.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import { resolveConfigs } from "../../../compiler/node/all-nodes.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { clusterDocument } from "../../support/cluster-document.ts";

/** The proxy in the input: whose endpoints, from what that is known, and each place with its ports. */
function proxyIn(...texts: readonly string[]): unknown {
  const errors: string[] = [];
  const sources = [NODES, ...texts].map((text, i) => ({ name: `${i}.yaml`, text }));
  const { resolved, diagnostics } = resolveInput((report) => loadSpecs(sources, report), {}, {}, resolveConfigs);
  for (const { severity, message } of diagnostics) if (severity === "error") errors.push(message);
  expect(errors).toEqual([]);
  const found = describeNetwork(required(resolved, "the input has no error")).layout.ingressProxy;
  if (found.proxy === undefined) return found.candidates;
  const { service, instances, addresses, provenance } = found.proxy;
  return {
    service: service && `${service.meta.namespace}/${service.meta.name}`,
    from: provenance.inferred ?? `line ${lineAndColumn(required(provenance.origin, "it has a place").span()).line}`,
    at: instances.map(({ host, name, addresses: own, listeners }) =>
      [
        name,
        ...(host === name ? [] : [`on ${host}`]),
        ...own.map(printAddress),
        ...listeners.map(({ scheme, port }) => `${scheme} ${port}`),
      ].join(" "),
    ),
    ...(addresses.length === 0 ? {} : { addresses: addresses.map(printAddress) }),
  };
}

const NODES = [1, 2]
  .map(
    (n) =>
      `apiVersion: v1\nkind: Node\nmetadata: {name: n${n}}\nspec: {podCIDR: 10.244.${n}.0/24}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.${n}}]}\n`,
  )
  .join("---\n");

/** A pod of the namespace ingress. */
function pod(name: string, n: number, labels: string, { hostNetwork = false, ports = "" } = {}): string {
  const ip = hostNetwork ? `192.168.0.${n}` : `10.244.${n}.9`;
  return `apiVersion: v1
kind: Pod
metadata: {namespace: ingress, name: ${name}, labels: {${labels}}}
spec: {nodeName: n${n}, hostNetwork: ${hostNetwork}, containers: [{name: proxy, image: a, ports: [${ports}]}]}
status: {phase: Running, podIP: ${ip}, podIPs: [{ip: ${ip}}], conditions: [{type: Ready, status: "True"}]}
`;
}

function service(name: string, spec: string, ports: string, ip = ""): string {
  const status = ip === "" ? "" : `status: {loadBalancer: {ingress: [{ip: ${ip}}]}}\n`;
  return `apiVersion: v1
kind: Service
metadata: {namespace: ingress, name: ${name}}
spec: {${spec}, ports: [${ports}]}
${status}`;
}

const PROXIES = [pod("a", 1, "app: proxy"), pod("b", 2, "app: proxy")];

const HTTP_AND_HTTPS =
  "{name: plain, port: 80, targetPort: 8080}, {name: https, port: 8443}, {name: metrics, port: 9000}";

describe("a Cluster says it", () => {
  test("by a Service: ports by names and numbers, and none that is for something else", () => {
    const front = service("front", "type: LoadBalancer, selector: {app: proxy}", HTTP_AND_HTTPS, "198.51.100.50");
    expect(proxyIn(...PROXIES, front, clusterDocument("ingress: {service: ingress/front}"))).toEqual({
      service: "ingress/front",
      from: "line 3",
      at: ["pod/ingress/a 10.244.1.9 http 8080 https 8443", "pod/ingress/b 10.244.2.9 http 8080 https 8443"],
    });
  });

  test("an only port of any name takes HTTP; the Cluster's ports and addresses win", () => {
    const front = service("front", "type: ClusterIP, selector: {app: proxy}", "{name: main, port: 8000}");
    const [first] = PROXIES;
    expect(proxyIn(first ?? "", front, clusterDocument("ingress: {service: ingress/front}"))).toMatchObject({
      at: ["pod/ingress/a 10.244.1.9 http 8000"],
    });
    const members = "ingress: {service: ingress/front, ports: {http: 81, https: 444}, address: 203.0.113.1}";
    expect(proxyIn(first ?? "", front, clusterDocument(members))).toMatchObject({
      at: ["pod/ingress/a 10.244.1.9 http 81 https 444"],
      addresses: ["203.0.113.1"],
    });
  });

  test("by labels: pods in their node's network, and container ports by name", () => {
    const ports = "{name: web, containerPort: 8000}, {name: websecure, containerPort: 8443}, {containerPort: 9000}";
    const members = "ingress: {pods: {namespace: ingress, labels: {app: proxy}}}";
    const pods = [pod("a", 1, "app: proxy", { hostNetwork: true }), pod("b", 2, "app: proxy", { ports })];
    expect(proxyIn(...pods, service("x", "selector: {app: x}", "{port: 1}"), clusterDocument(members))).toEqual({
      service: undefined,
      from: "line 3",
      at: ["pod/ingress/a on node/n1 192.168.0.1 http 80 https 443", "pod/ingress/b 10.244.2.9 http 8000 https 8443"],
    });
  });

  test("by nodes", () => {
    const members = "ingress: {nodes: [n2], ports: {https: 8443}}";
    expect(proxyIn(service("x", "selector: {app: x}", "{port: 1}"), clusterDocument(members))).toEqual({
      service: undefined,
      from: "line 3",
      at: ["node/n2 192.168.0.2 http 80 https 8443"],
    });
  });
});

describe("manifests tell it", () => {
  const NGINX = "app.kubernetes.io/name: ingress-nginx";
  const SELECTS = `selector: {${NGINX}}`;

  test("by the label of a well-known controller: the Service that clients outside can use", () => {
    const pods = [pod("a", 1, NGINX)];
    const webhook = service("admission", `type: ClusterIP, ${SELECTS}`, "{port: 443, targetPort: 8443}");
    const front = service("front", `type: NodePort, ${SELECTS}`, "{name: http, port: 80}");
    expect(proxyIn(...pods, webhook, front)).toEqual({
      service: "ingress/front",
      from: "the pods of Service ingress/front have the label app.kubernetes.io/name: ingress-nginx",
      at: ["pod/ingress/a 10.244.1.9 http 80"],
    });
  });

  test("by the label, without a Service that clients outside can use: pods in their node's network", () => {
    const webhook = service("admission", `type: ClusterIP, ${SELECTS}`, "{port: 443, targetPort: 8443}");
    expect(proxyIn(pod("a", 1, NGINX, { hostNetwork: true }), webhook)).toEqual({
      service: undefined,
      from: "pods in the network of their node have the label app.kubernetes.io/name: ingress-nginx",
      at: ["pod/ingress/a on node/n1 192.168.0.1 http 80 https 443"],
    });
    expect(proxyIn(pod("a", 1, NGINX), webhook)).toEqual([]);
  });

  test("by the address that Ingresses have got", () => {
    const ingress = (ip: string): string =>
      `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: a}\nspec: {defaultBackend: {service: {name: b, port: {number: 80}}}}\nstatus: {loadBalancer: {ingress: [{ip: ${ip}}]}}\n`;
    const front = service("front", "type: LoadBalancer, selector: {app: proxy}", HTTP_AND_HTTPS, "198.51.100.50");
    expect(proxyIn(...PROXIES, front, ingress("198.51.100.50"))).toMatchObject({
      service: "ingress/front",
      from: "the status of Ingresses has 198.51.100.50, an address of Service ingress/front",
    });
    expect(proxyIn(...PROXIES, front, ingress("198.51.100.51"))).toEqual([]);
  });

  test("but not which of two Services", () => {
    const fronts = ["one", "two"].map((name) => service(name, `type: NodePort, ${SELECTS}`, "{name: http, port: 80}"));
    expect(proxyIn(pod("a", 1, NGINX), ...fronts)).toEqual(["ingress/one", "ingress/two"]);
  });
});
