/** What Services are in the cluster: their ports in each family, and what is told of what does not count. */
import { expect, test } from "vitest";
import { resolveCluster, resolveServicePorts } from "../../../compiler/model/resolve.ts";
import type { ServicePort } from "../../../compiler/model/types.ts";
import { printAddress, printAddressPort } from "../../../compiler/net/address.ts";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { completeText } from "../../support/complete.ts";
import { at, DUAL, resolved, SERVICE_NAME, service, slice, textAt } from "../../support/resolved.ts";

function portText(port: ServicePort): string {
  const { externalIps, loadBalancerIps, sourceRanges } = port;
  const addresses = (name: string, all: typeof externalIps) =>
    all.length === 0 ? [] : [`${name}=${all.map(({ address }) => printAddress(address))}`];
  return [
    `${port.namespace}/${port.name}:${port.portName}`,
    `${port.protocol} ${printAddressPort(port.clusterIp, port.port)}`,
    ...(port.servesClusterIp ? [] : ["unserved"]),
    ...(port.nodePort === undefined ? [] : [`node=${port.nodePort}`]),
    ...addresses("external", externalIps),
    ...addresses("balancer", loadBalancerIps),
    ...(sourceRanges.length === 0 ? [] : [`from=${sourceRanges.map(printPrefix)}`]),
    ...(port.internalTrafficPolicy === "Local" ? ["internal Local"] : []),
    ...(port.externalTrafficPolicy === "Cluster" ? [] : [`external ${port.externalTrafficPolicy}`]),
    ...(port.healthCheckNodePort === undefined ? [] : [`health=${port.healthCheckNodePort}`]),
    ...(port.affinitySeconds === undefined ? [] : [`sticky=${port.affinitySeconds}`]),
    ...(port.hasAnyEndpoint ? [] : ["none"]),
  ].join(" ");
}

const portsOf = (...objects: object[]) => {
  const { cluster, findings } = resolved(objects);
  const { IPv4, IPv6 } = cluster.servicePorts;
  return {
    ports: [...IPv4, ...IPv6].map(portText),
    findings: findings.filter((finding) => !/ (?:no-endpoints|deprecated) /.test(finding)),
  };
};

const PLAIN = "a/s: tcp 10.96.0.1:80 none";
const BALANCER = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30001 };

test.each<[what: string, objects: object[], ports: string[], findings?: string[]]>([
  ["a Service", [service()], [PLAIN]],
  ["with an endpoint", [service(), slice()], ["a/s: tcp 10.96.0.1:80"]],
  [
    "with one that serves until it ends",
    [service(), slice({ endpoints: [at("10.244.0.1", { ready: false, serving: true, terminating: true })] })],
    ["a/s: tcp 10.96.0.1:80"],
  ],
  [
    "with one that does neither",
    [service(), slice({ endpoints: [at("10.244.0.1", { ready: false, serving: true, terminating: false })] })],
    [PLAIN],
  ],
  ["of two families", [service(DUAL)], [PLAIN, "a/s: tcp [fd00::1]:80 none"]],
  [
    "of IPv6 first",
    [service({ ...DUAL, clusterIP: "fd00::1", clusterIPs: ["fd00::1", "10.96.0.1"], ipFamilies: ["IPv6", "IPv4"] })],
    [PLAIN, "a/s: tcp [fd00::1]:80 none"],
  ],
  ["of one of two families", [service({ ...DUAL, ipFamilies: ["IPv4"] })], [PLAIN]],
  [
    "of a family that is newer than kpc, beside IPv6",
    [service({ ...DUAL, ipFamilies: ["IPv9", "IPv6"] }, { uid: "1" })],
    ["a/s: tcp [fd00::1]:80 none"],
    [
      'warning unknown-value 1: spec.ipFamilies[0]: Unsupported value: "IPv9": supported values: "IPv4", "IPv6"; kpc leaves this family out',
    ],
  ],
  ["of IPv6 without ipFamilies", [service({ clusterIP: "fd00::1" })], ["a/s: tcp [fd00::1]:80 none"]],
  [
    "ports by name, then by protocol",
    [
      service({
        ports: [
          { name: "b", port: 81 },
          { name: "a", port: 80 },
          { name: "c", port: 82, protocol: "UDP" },
        ],
      }),
    ],
    ["a/s:a tcp 10.96.0.1:80 none", "a/s:b tcp 10.96.0.1:81 none", "a/s:c udp 10.96.0.1:82 none"],
  ],
  [
    "Services by namespace, then by name, whatever their age",
    [
      service({ clusterIP: "10.96.0.2" }, { name: "t", creationTimestamp: "2026-01-01T00:00:00Z" }),
      service({ clusterIP: "10.96.0.3" }, { namespace: "b", creationTimestamp: "2026-02-01T00:00:00Z" }),
      service(),
    ],
    [PLAIN, "a/t: tcp 10.96.0.2:80 none", "b/s: tcp 10.96.0.3:80 none"],
  ],
  [
    "a node port",
    [service({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] })],
    ["a/s: tcp 10.96.0.1:80 node=30080 none"],
  ],
  [
    "external IPs of the family",
    [service({ ...DUAL, externalIPs: ["203.0.113.1", "fd00::2"] })],
    ["a/s: tcp 10.96.0.1:80 external=203.0.113.1 none", "a/s: tcp [fd00::1]:80 external=fd00::2 none"],
  ],
  ["sticky clients", [service({ sessionAffinity: "ClientIP" })], ["a/s: tcp 10.96.0.1:80 sticky=10800 none"]],
  ["an internal policy", [service({ internalTrafficPolicy: "Local" })], ["a/s: tcp 10.96.0.1:80 internal Local none"]],
  [
    "an external policy of a Service with external IPs",
    [service({ externalIPs: ["203.0.113.1"], externalTrafficPolicy: "Local" })],
    ["a/s: tcp 10.96.0.1:80 external=203.0.113.1 external Local none"],
  ],
  [
    "an external policy without a use",
    [service({ externalTrafficPolicy: "Local" })],
    [PLAIN],
    [
      'warning forbidden-field 1: spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
  ],
  [
    "a health check of a load balancer",
    [service({ ...BALANCER, ports: [{ port: 80, nodePort: 30080 }] })],
    ["a/s: tcp 10.96.0.1:80 node=30080 external Local health=30001 none"],
  ],
  [
    "no health check of another type",
    [service({ ...BALANCER, type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] })],
    ["a/s: tcp 10.96.0.1:80 node=30080 external Local none"],
    [
      "warning forbidden-field 1: spec.healthCheckNodePort: Invalid value: 30001: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  [
    "no health check for policy Cluster",
    [service({ type: "LoadBalancer", ports: [{ port: 80, nodePort: 30080 }] })],
    ["a/s: tcp 10.96.0.1:80 node=30080 none"],
  ],
  [
    "addresses of load balancers that the node answers for, and their sources",
    [
      {
        ...service({
          ...DUAL,
          type: "LoadBalancer",
          ports: [{ port: 80, nodePort: 30080 }],
          loadBalancerSourceRanges: ["192.0.2.0/24", "fd01::/64"],
        }),
        status: {
          loadBalancer: {
            ingress: [
              { ip: "203.0.113.1", ipMode: "VIP" },
              { ip: "203.0.113.2", ipMode: "Proxy" },
              { ip: "fd00::2", ipMode: "VIP" },
            ],
          },
        },
      },
    ],
    [
      "a/s: tcp 10.96.0.1:80 node=30080 balancer=203.0.113.1 from=192.0.2.0/24 none",
      "a/s: tcp [fd00::1]:80 node=30080 balancer=fd00::2 from=fd01::/64 none",
    ],
  ],
  [
    "a headless Service has no rules",
    [service(), service({ clusterIP: "None" }, { name: "t" })],
    [PLAIN],
    [
      "info service-ignored 2: Service a/t is left out: it is headless (clusterIP: None), so DNS answers with the Pods themselves",
    ],
  ],
  [
    "nor has a name",
    [service(), { ...service({}, { name: "t" }), spec: { type: "ExternalName", externalName: "x.example" } }],
    [PLAIN],
    ["info service-ignored 2: Service a/t is left out: type ExternalName is only a DNS name"],
  ],
  [
    "nor one of another proxy",
    [
      service(),
      service({ clusterIP: "10.96.0.2" }, { name: "t", labels: { "service.kubernetes.io/service-proxy-name": "x" } }),
    ],
    [PLAIN],
    ["info service-ignored 2: Service a/t is left out: it carries the label service.kubernetes.io/service-proxy-name"],
  ],
  [
    "one without an address is an error",
    [service(), { ...service({}, { name: "t" }), spec: { ports: [{ port: 80 }] } }],
    [PLAIN],
    [
      "error no-cluster-ip 2: Service a/t has no clusterIP: the API server gives one; take the manifest from the cluster, or set spec.clusterIP",
    ],
  ],
  [
    "whose slices say nothing more",
    [
      service(),
      { ...service({}, { name: "t" }), spec: { ports: [{ port: 80 }] } },
      slice({ ports: [{ name: "x", port: 1 }] }, { labels: { [SERVICE_NAME]: "t" } }),
    ],
    [PLAIN],
    [
      "error no-cluster-ip 2: Service a/t has no clusterIP: the API server gives one; take the manifest from the cluster, or set spec.clusterIP",
    ],
  ],
  [
    "an external IP that is a cluster IP",
    [service(), service({ clusterIP: "10.96.0.2", externalIPs: ["10.96.0.1"] }, { name: "t" })],
    [PLAIN, "a/t: tcp 10.96.0.2:80 none"],
    [
      "warning external-ip-conflict 2: external IP 10.96.0.1 of Service a/t is a cluster IP of Service a/s; the cluster IP 1",
      "warning address-conflict 2: external IP 10.96.0.1 port 80/TCP of Service a/t is already taken by Service a/s, which is older or first by name: kpc creates no rule for a/t; taken here 1",
    ],
  ],
  [
    "a slice without its label",
    [service(), slice({}, { labels: {} })],
    [PLAIN],
    [`info slice-ignored 2: EndpointSlice a/s-1 is left out: it has no label ${SERVICE_NAME}`],
  ],
  [
    "a slice with an empty one",
    [service(), slice({}, { labels: { [SERVICE_NAME]: "" } })],
    [PLAIN],
    [`info slice-ignored 2: EndpointSlice a/s-1 is left out: it has no label ${SERVICE_NAME}`],
  ],
  [
    "a slice of another proxy",
    [service(), slice({}, { labels: { [SERVICE_NAME]: "s", "service.kubernetes.io/headless": "" } })],
    [PLAIN],
    ["info slice-ignored 2: EndpointSlice a/s-1 is left out: it carries the label service.kubernetes.io/headless"],
  ],
  [
    "a slice of names",
    [service(), slice({ addressType: "FQDN", endpoints: [at("x.example")] })],
    [PLAIN],
    ["info slice-ignored 2: EndpointSlice a/s-1 is left out: addressType FQDN is not for kube-proxy"],
  ],
  [
    "a slice of no Service",
    [service(), slice({}, { labels: { [SERVICE_NAME]: "t" } })],
    [PLAIN],
    ["info slice-without-service 2: EndpointSlice a/s-1 belongs to Service a/t, which is not in the input"],
  ],
  [
    "a slice with a port of another name",
    [
      service({
        ports: [
          { name: "http", port: 80 },
          { name: "dns", port: 53, protocol: "UDP" },
        ],
      }),
      slice({
        ports: [
          { name: "web", port: 8080 },
          { name: "http", port: 8080 },
          { name: "dns", port: 53 },
        ],
      }),
    ],
    ["a/s:dns udp 10.96.0.1:53 none", "a/s:http tcp 10.96.0.1:80"],
    ["web", "dns"].map(
      (name) =>
        `warning unmatched-slice-port 2: port "${name}" (TCP) of EndpointSlice a/s-1 joins no port of Service s, which has "http" (TCP), "dns" (UDP); the Service 1`,
    ),
  ],
])("%s", (_, objects, ports, findings = []) => {
  expect(portsOf(...objects)).toEqual({ ports, findings });
});

test("a Service without a usable endpoint is told in each family", () => {
  expect(resolved([service(DUAL)]).findings).toEqual(
    ["IPv4", "IPv6"].map(
      (family) => `info no-endpoints 1: Service a/s has no usable endpoint in ${family}: its packets are rejected`,
    ),
  );
});

test("a Service with one is not", () => {
  expect(resolved([service(), slice()]).findings).toEqual([]);
});

test("external IPs that are nobody's cluster IP belong to the cluster", () => {
  const { cluster } = resolved([service({ externalIPs: ["203.0.113.1", "10.96.0.1"] })]);
  expect(cluster.externalIps.map(({ address, service: owner }) => `${owner} ${printAddress(address)}`)).toEqual([
    "a/s 203.0.113.1",
  ]);
});

test.each<[what: string, object: object, want: string]>([
  ["no Service", { apiVersion: "v1", kind: "Node", metadata: { name: "n" } }, "the input has no Service"],
  ["none with rules", service({ clusterIP: "None" }), "no Service of the input gets rules (-v says why)"],
])("an input with %s is told", (_, object, want) => {
  const [note] = resolved([object], {}, true).findings.filter((finding) => finding.startsWith("note"));
  expect(note).toBe(`note no-services -: ${want}: loading the result removes all rules of kpc`);
});

test("what kpc has assumed of a Service port is marked", () => {
  const text = (spec: string) =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {type: NodePort, ${spec}}\n`;
  const assumedOf = (spec: string) => {
    const { servicePorts } = resolveCluster(completeText(text(spec)).specs, { controller: "x" }, () => undefined);
    const [port = expect.unreachable()] = servicePorts.IPv4;
    return [port.origin.assumed, port.clusterIpOrigin.assumed, port.nodePortOrigin.assumed];
  };
  expect(assumedOf("ports: [{port: 80}]")).toEqual([undefined, ["cluster IP"], ["node port"]]);
  expect(assumedOf("clusterIP: 10.96.0.1, ports: [{port: 80, nodePort: 30080}]")).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test.each<[what: string, object: object]>([
  ["with rules", service()],
  ["without a cluster IP, which is an error", { ...service(), spec: { ports: [{ port: 80 }] } }],
])("an input with a Service %s is not", (_, object) => {
  expect(resolved([object], {}, true).findings.filter((finding) => finding.startsWith("note"))).toEqual([]);
});

test("the ports of Services alone are those of the whole cluster, with the same findings", () => {
  const objects = [service(), service({ clusterIP: "10.96.0.2", externalIPs: ["10.96.0.1"] }, { name: "t" }), slice()];
  const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  const specs = loadSpecs([{ name: "m.yaml", text }], () => undefined);
  const [alone, whole]: [string[], string[]] = [[], []];
  const ports = resolveServicePorts(specs, ({ message }) => alone.push(message));
  const cluster = resolveCluster(specs, { controller: "x" }, ({ message }) => whole.push(message));
  expect(ports).toEqual(cluster.servicePorts);
  expect(alone).toEqual(whole);
  expect(alone.filter((message) => message.includes("is a cluster IP of"))).toHaveLength(1);
});

test("Endpoints are deprecated, which is told once", () => {
  const endpoints = (name: string) => ({ apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace: "a" } });
  const { findings, diagnostics } = resolved([service(), endpoints("s"), endpoints("t")]);
  expect(findings.filter((each) => each.includes("deprecated"))).toEqual([
    "warning deprecated 2: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  ]);
  expect(textAt(diagnostics.find(({ code }) => code === "deprecated")?.origin)).toBe('"Endpoints"');
});
