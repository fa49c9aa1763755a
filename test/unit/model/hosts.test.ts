import { expect, test } from "vitest";
import { type Origin, printPlace } from "../../../compiler/diagnostics.ts";
import { resolveCluster } from "../../../compiler/model/resolve.ts";
import { resolvePods } from "../../../compiler/model/resolve-hosts.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { completeText } from "../../support/complete.ts";

const node = (name: string, spec: string, addresses = ""): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nspec: {${spec}}\nstatus: {addresses: [${addresses}]}\n`;

const pod = (name: string, spec: string, status: string, namespace = "shop"): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}, labels: {app: web}}\nspec: {${spec}}\nstatus: {${status}}\n`;

const clusterOf = (...objects: readonly string[]) =>
  resolveCluster(
    loadSpecs([{ name: "a.yaml", text: objects.join("---\n") }], rethrow),
    { controller: "x" },
    () => undefined,
  );

function rethrow({ message }: { readonly message: string }): never {
  throw new Error(message);
}

const placeOf = (origin: Origin | undefined): string | undefined =>
  origin === undefined ? undefined : printPlace(origin.span());

test("Nodes are sorted by name, each with its addresses and pod CIDRs and their places", () => {
  const { nodes } = clusterOf(
    node("n2", "podCIDR: 10.244.2.0/24"),
    node(
      "n1",
      'podCIDRs: [10.244.1.0/24, "fd00:1::/64"]',
      '{type: ExternalIP, address: 203.0.113.1}, {type: InternalIP, address: "fd00::1"}, {type: InternalIP, address: 192.168.0.1}',
    ),
  );
  const shown = nodes.map((each) => ({
    name: each.name,
    addresses: each.addresses.map(printAddress),
    internal: each.internalAddresses.map(({ address, origin }) => `${printAddress(address)} ${placeOf(origin)}`),
    podCidrs: each.podCidrs.map(printPrefix),
    at: placeOf(each.podCidrsOrigin),
  }));
  expect(shown).toEqual([
    {
      name: "n1",
      addresses: ["fd00::1", "192.168.0.1", "203.0.113.1"],
      internal: ["fd00::1 a.yaml:11:92", "192.168.0.1 a.yaml:11:132"],
      podCidrs: ["10.244.1.0/24", "fd00:1::/64"],
      at: "a.yaml:10:18",
    },
    { name: "n2", addresses: [], internal: [], podCidrs: ["10.244.2.0/24"], at: "a.yaml:4:17" },
  ]);
});

test("Pods are sorted by namespace and name, without those that have finished", () => {
  const { pods } = clusterOf(
    pod("b", "", "podIP: 10.244.1.2"),
    pod("ended", "", "podIP: 10.244.1.2, phase: Succeeded"),
    pod("a", "", "", "zoo"),
    pod("a", "nodeName: n1", "", "app"),
    pod("a", "", "podIP: 10.244.1.3"),
  );
  expect(pods.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(["app/a", "shop/a", "shop/b", "zoo/a"]);
  expect(pods.map(({ nodeName }) => nodeName)).toEqual(["n1", undefined, undefined, undefined]);
});

test("a Pod has the containers that run at one time and all ports that they declare", () => {
  const { pods } = clusterOf(
    pod(
      "a",
      "initContainers: [{name: setup, ports: [{containerPort: 1}]}, {name: proxy, restartPolicy: Always, ports: [{containerPort: 9, protocol: UDP}]}], containers: [{name: web, ports: [{name: http, containerPort: 8080}, {containerPort: 8443}]}, {name: quiet}]",
      "podIP: 10.244.1.2",
    ),
  );
  expect(pods[0]).toMatchObject({
    containers: ["web", "quiet", "proxy"],
    ports: [
      { container: "web", name: "http", protocol: "tcp", port: 8080 },
      { container: "web", name: "", protocol: "tcp", port: 8443 },
      { container: "proxy", name: "", protocol: "udp", port: 9 },
    ],
  });
});

test("a Pod's address and node have the places where they stand", () => {
  const { pods } = clusterOf(pod("a", "nodeName: n1", "podIPs: [{ip: 10.244.1.2}]"));
  expect(placeOf(pods[0]?.addressOrigin)).toBe("a.yaml:5:18");
  expect(placeOf(pods[0]?.nodeOrigin)).toBe("a.yaml:4:18");
});

test("a Pod on its node's network has the node's addresses, one of each family", () => {
  const addresses =
    '{type: InternalIP, address: 192.168.0.1}, {type: InternalIP, address: 192.168.9.1}, {type: InternalIP, address: "fd00::1"}';
  const { pods } = clusterOf(
    node("n1", "", addresses),
    pod("a", "hostNetwork: true, nodeName: n1", ""),
    pod("b", "hostNetwork: true", ""),
    pod("c", "hostNetwork: true, nodeName: n1", "podIP: 192.168.9.1"),
  );
  expect(pods.map((each) => [each.isHostNetwork, ...each.addresses.map(printAddress)])).toEqual([
    [true, "192.168.0.1", "fd00::1"],
    [true],
    [true, "192.168.9.1"],
  ]);
});

test("a Pod that stays as it is gets the addresses of its Node as they are now", () => {
  const address = (ip: string) => `{type: InternalIP, address: ${ip}}`;
  const specsOf = (ip: string) =>
    loadSpecs(
      [
        {
          name: "a.yaml",
          text: `${node("n1", "", address(ip))}---\n${pod("a", "hostNetwork: true, nodeName: n1", "")}`,
        },
      ],
      rethrow,
    );
  const before = specsOf("192.168.0.1");
  const after = { ...before, nodes: specsOf("192.168.0.2").nodes };
  const shown = [before, after].map((specs) => resolvePods(specs)[0]?.addresses.map(printAddress));
  expect(shown).toEqual([["192.168.0.1"], ["192.168.0.2"]]);
});

test("what kpc has chosen for a Pod is marked as assumed", () => {
  const { specs } = completeText(
    `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n---\n${node("n1", "podCIDR: 10.244.1.0/24")}`,
  );
  const [first] = resolveCluster(specs, { controller: "x" }, () => undefined).pods;
  expect(first?.nodeName).toBe("n1");
  expect(first?.addressOrigin.assumed).toEqual(["pod address"]);
  expect(first?.nodeOrigin.assumed).toEqual(["pod node"]);
  expect(first?.origin.assumed).toEqual(["pod address", "pod node"]);
});
