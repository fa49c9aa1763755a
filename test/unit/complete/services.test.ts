import { describe, expect, test } from "vitest";
import { completeText, valuesOf } from "../../support/complete.ts";

const service = (spec: string, metadata = "name: web"): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {${metadata}}\nspec: {${spec}}\n---\n`;

const PORT = "ports: [{port: 80}]";

function valuesIn(text: string, settings: object = {}): Record<string, string> {
  return Object.fromEntries(valuesOf(completeText(text, settings).specs));
}

/** Blocks of addresses, and ranges of ports, in the place of values. */
function kindsIn(text: string, settings: object = {}): Record<string, string> {
  const kind = (value: string): string =>
    /^\d+$/.test(value)
      ? Number(value) >= 30086 && Number(value) <= 32767
        ? "a node port"
        : value
      : value.replace(/^10\.96\.\d+\.\d+$/, "10.96.0.0/16").replace(/^fd00:10:96::[0-9a-f]+$/, "fd00:10:96::/112");
  return Object.fromEntries(Object.entries(valuesIn(text, settings)).map(([name, value]) => [name, kind(value)]));
}

describe("a Service gets what the API server would give it", () => {
  test.each([
    ["ClusterIP", service(PORT), { "default/web 4": "10.96.0.0/16" }],
    ["headless", service(`${PORT}, clusterIP: None`), {}],
    ["ExternalName", service("type: ExternalName, externalName: example.com"), {}],
    ["hidden from kube-proxy", service(PORT, "name: web, labels: {service.kubernetes.io/headless: ''}"), {}],
    [
      "NodePort",
      service(`${PORT}, type: NodePort`),
      { "default/web 4": "10.96.0.0/16", "default/web:80/tcp": "a node port" },
    ],
    [
      "with a node port",
      service("ports: [{port: 80, nodePort: 30080}], type: NodePort, clusterIP: 10.96.0.9"),
      { "default/web 4": "10.96.0.0/16", "default/web:80/tcp": "30080" },
    ],
    [
      "LoadBalancer",
      service(`${PORT}, type: LoadBalancer`),
      { "default/web 4": "10.96.0.0/16", "default/web:80/tcp": "a node port" },
    ],
    [
      "LoadBalancer without node ports",
      service(`${PORT}, type: LoadBalancer, allocateLoadBalancerNodePorts: false`),
      { "default/web 4": "10.96.0.0/16" },
    ],
    [
      "LoadBalancer with externalTrafficPolicy Local",
      service(`${PORT}, type: LoadBalancer, externalTrafficPolicy: Local`),
      { "default/web 4": "10.96.0.0/16", "default/web:80/tcp": "a node port", "default/web health": "a node port" },
    ],
    ["IPv6", service(`${PORT}, ipFamilies: [IPv6]`), { "default/web 6": "fd00:10:96::/112" }],
    [
      "RequireDualStack",
      service(`${PORT}, ipFamilyPolicy: RequireDualStack`),
      { "default/web 4": "10.96.0.0/16", "default/web 6": "fd00:10:96::/112" },
    ],
    [
      "a second family for a given address",
      service(`${PORT}, ipFamilyPolicy: PreferDualStack, clusterIP: "fd00:10:96::7"`),
      { "default/web 4": "10.96.0.0/16", "default/web 6": "fd00:10:96::/112" },
    ],
  ])("%s", (_, text, wanted) => {
    expect(kindsIn(text)).toEqual(wanted);
  });

  test("families come in the order that the Service wants", () => {
    const { specs } = completeText(service(`${PORT}, ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6]`));
    expect(specs.services[0]?.ipFamilies).toEqual(["IPv6", "IPv4"]);
    expect(specs.services[0]?.clusterIps.map(({ value }) => typeof value)).toEqual(["bigint", "number"]);
  });

  test("ports of one number share a node port, also one that is given", () => {
    const dns = "{name: a, port: 53}, {name: b, port: 53, protocol: UDP}";
    const chosen = valuesIn(service(`type: NodePort, ports: [${dns}]`));
    expect(chosen["default/web:53/tcp"]).toBe(chosen["default/web:53/udp"]);
    const given = valuesIn(service(`type: NodePort, ports: [${dns.replace("53}", "53, nodePort: 30053}")}]`));
    expect(given["default/web:53/udp"]).toBe("30053");
  });

  test("what an API server has written is left as it is, and the rest too: the same object", () => {
    for (const text of [
      service(`${PORT}, type: NodePort`, "name: web, uid: u"),
      service(`${PORT}, type: LoadBalancer`, "name: web, resourceVersion: '7'"),
      service("ports: [{port: 80, nodePort: 30080}], type: NodePort, clusterIP: 10.96.0.9"),
    ]) {
      expect(completeText(text).assumed).toEqual([]);
    }
  });
});

describe("the blocks", () => {
  test("are the Service CIDRs that are given, with their families", () => {
    const settings = { serviceCIDRs: ["172.30.7.0/24"] };
    expect(valuesIn(service(`${PORT}, ipFamilyPolicy: PreferDualStack`), settings)).toEqual({
      "default/web 4": expect.stringMatching(/^172\.30\.7\.\d+$/),
    });
    expect(completeText(service(`${PORT}, ipFamilies: [IPv6]`), settings)).toMatchObject({
      findings: [
        "error no-cluster-ip: Service default/web gets no cluster IP: IPv6 is not configured on this cluster (Service CIDRs 172.30.7.0/24)",
      ],
      specs: { services: [] },
    });
  });

  test("are those of ServiceCIDR objects; the first family is that of the one named kubernetes", () => {
    const cidr = (name: string, block: string): string =>
      `apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: ${name}}\nspec: {cidrs: ["${block}"]}\n---\n`;
    const both = cidr("a", "172.30.0.0/16") + cidr("kubernetes", "fd00:7::/112");
    expect(valuesIn(service(PORT) + both)).toEqual({ "default/web 6": expect.stringMatching(/^fd00:7::/) });
  });

  test("that are used up are said", () => {
    const many = [...Array(7).keys()].map((i) => service(PORT, `name: s${i}`)).join("");
    const { findings, specs } = completeText(many, { serviceCIDRs: ["10.1.1.0/29"] });
    expect(specs.services.length).toBe(6); // without the network's and the broadcast address
    expect(findings).toEqual([
      expect.stringMatching(/gets no cluster IP: IPv4 is used up \(Service CIDRs 10\.1\.1\.0\/29\)/),
    ]);
  });
});
