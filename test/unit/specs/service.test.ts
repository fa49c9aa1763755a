import { describe, expect, test } from "vitest";
import { expectFindings, load } from "./findings.ts";

describe("what a Service becomes", () => {
  const decode = (spec: string) => {
    const { specs, findings } = load(
      `apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: ${spec}`,
    );
    expect(findings.filter((finding) => finding.includes(" error "))).toEqual([]);
    return specs.services[0] ?? expect.unreachable();
  };

  test("defaults are those of the API server", () => {
    expect(decode("{ports: [{port: 80}]}")).toMatchObject({
      type: "ClusterIP",
      clusterIps: [],
      headless: false,
      ipFamilies: [],
      ports: [{ name: "", protocol: "tcp", port: 80, targetPort: undefined, nodePort: undefined }],
      selector: undefined,
      affinitySeconds: undefined,
      internalTrafficPolicy: "Cluster",
      externalTrafficPolicy: "Cluster",
      healthCheckNodePort: undefined,
      publishNotReadyAddresses: false,
      trafficDistribution: undefined,
    });
  });

  test.each([
    [{ affinitySeconds: 10800 }, "{clusterIP: None, sessionAffinity: ClientIP}"],
    [{ trafficDistribution: "PreferSameZone" }, "{clusterIP: None, trafficDistribution: PreferClose}"],
    [{ trafficDistribution: "PreferSameNode" }, "{clusterIP: None, trafficDistribution: PreferSameNode}"],
    [{ headless: true, clusterIps: [] }, "{clusterIP: None}"],
    [{ ipFamilies: ["IPv6"] }, '{clusterIP: "fd00::1", ports: [{port: 80}]}'],
    [{ clusterIps: [{ value: 0x0a000001 }] }, "{clusterIP: 010.0.0.1, ports: [{port: 80}]}"],
    [
      { loadBalancerSourceRanges: [{ value: { address: 0x0a000000, length: 8 } }] },
      "{type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 80}]}",
    ],
    [
      { ports: [{ nodePort: { value: 30080 }, targetPort: "http" }] },
      "{type: NodePort, ports: [{port: 80, nodePort: 30080, targetPort: http}]}",
    ],
    [
      { healthCheckNodePort: { value: 30000 } },
      "{type: LoadBalancer, healthCheckNodePort: 30000, ports: [{port: 80}]}",
    ],
    [
      {
        selector: new Map([
          ["app", "web"],
          ["tier", ""],
        ]),
      },
      "{clusterIP: None, selector: {app: web, tier: null}}",
    ],
  ])("%j: %s", (wanted, spec) => {
    expect(decode(spec)).toMatchObject(wanted);
  });
});

/** What the API server says of external IPs that stand first in `spec`. */
const DEPRECATED_IPS =
  "4:21 warning deprecated spec.externalIPs is deprecated and may no longer be implemented in some clusters";

describe("fields of spec", () => {
  test.each<[wanted: string[], text: string]>([
    [[], "{ports: [{port: 80}]}"],
    [["4:7 error missing-field spec.ports: Required value"], "{}"],
    [["1:1 error missing-field spec.ports: Required value"], "null"],
    [["4:7 error wrong-type spec: Invalid value: expected object, found array"], "[]"],
    [["4:7 error missing-field spec.ports: Required value"], "{ports: []}"],
    [["4:15 error wrong-type spec.ports: Invalid value: expected array, found object"], "{ports: {}}"],
    [["4:16 error wrong-type spec.ports[0]: Invalid value: expected object, found number 80"], "{ports: [80]}"],
    [["4:16 error wrong-type spec.ports[0]: Invalid value: expected object, found null"], "{ports: [null]}"],
    // unknown fields: all are reported, and the rest is read
    [
      [
        '4:8 warning unknown-field unknown field "spec.replicas"',
        '4:21 error unknown-field unknown field "spec.portz", did you mean "ports"?',
        '4:51 warning unknown-field unknown field "spec.ports[0].foo"',
      ],
      "{replicas: 3, portz: [], ports: [{port: 80, foo: 1}]}",
    ],
    // type
    [
      [
        '4:25 error unknown-field unknown field "spec.nodePort", did you mean "spec.ports.nodePort"?',
        '4:14 error invalid-value spec.type: Unsupported value: "Clusterip": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
      "{type: Clusterip, nodePort: 1, ports: [{port: 80}]}",
    ],
    [[], '{type: "", ports: [{port: 80}]}'],
    [
      ["4:14 error wrong-type spec.type: Invalid value: expected string, found number 5 (a string needs quotes here)"],
      "{type: 5, ports: [{port: 80}]}",
    ],
    // external names
    [[], "{type: ExternalName, externalName: example.com}"],
    [[], "{type: ExternalName, externalName: example.com.}"],
    [["4:7 error missing-field spec.externalName: Required value"], "{type: ExternalName}"],
    [
      ['4:42 error invalid-value spec.externalName: Invalid value: "a_b": a lowercase…'],
      '{type: ExternalName, externalName: "a_b"}',
    ],
    [
      ['4:42 error invalid-value spec.externalName: Invalid value: "a\\u0000b": a lowercase…'],
      '{type: ExternalName, externalName: "a\\u0000b"}',
    ],
    [
      [
        "4:60 warning forbidden-field spec.clusterIP: Forbidden: may not be set for ExternalName services",
        "4:82 warning forbidden-field spec.ipFamilies: Forbidden: may not be set for ExternalName services",
        "4:106 warning forbidden-field spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
      ],
      "{type: ExternalName, externalName: a.com, clusterIP: 10.0.0.1, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack}",
    ],
    [
      ['4:62 warning ignored-field spec.externalIPs is ignored when spec.type is "ExternalName"'],
      "{type: ExternalName, externalName: a.com, externalIPs: [1.2.3.4]}",
    ],
    [
      ['4:22 warning ignored-field spec.externalName is ignored when spec.type is not "ExternalName"'],
      "{externalName: example.com, ports: [{port: 80}]}",
    ],
    // external IPs
    [[DEPRECATED_IPS], '{externalIPs: [1.2.3.4, "2001:db8::1"], ports: [{port: 80}]}'],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
        DEPRECATED_IPS,
      ],
      "{externalIPs: [127.0.0.1], ports: [{port: 80}]}",
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
        DEPRECATED_IPS,
      ],
      "{externalIPs: [0.0.0.0], ports: [{port: 80}]}",
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
        DEPRECATED_IPS,
      ],
      "{externalIPs: [169.254.1.1], ports: [{port: 80}]}",
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
        DEPRECATED_IPS,
      ],
      "{externalIPs: [224.0.0.1], ports: [{port: 80}]}",
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "::": may not be unspecified (::)',
        DEPRECATED_IPS,
      ],
      '{externalIPs: ["::"], ports: [{port: 80}]}',
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
        DEPRECATED_IPS,
      ],
      '{externalIPs: ["::1"], ports: [{port: 80}]}',
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
        DEPRECATED_IPS,
      ],
      '{externalIPs: ["fe80::1"], ports: [{port: 80}]}',
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "ff02::1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
        DEPRECATED_IPS,
      ],
      '{externalIPs: ["ff02::1"], ports: [{port: 80}]}',
    ],
    [
      [
        '4:22 error invalid-value spec.externalIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        '4:25 warning leading-zeros spec.externalIPs[1]: non-standard IP address "192.168.099.022" will be considered invalid in a future Kubernetes release: use "192.168.99.22"',
        DEPRECATED_IPS,
      ],
      "{externalIPs: [x, 192.168.099.022], ports: [{port: 80}]}",
    ],
    [
      [
        "4:22 error wrong-type spec.externalIPs[0]: Invalid value: expected string, found number 5 (a string needs quotes here)",
      ],
      "{externalIPs: [5], ports: [{port: 80}]}",
    ],
    // source ranges
    [[], '{type: LoadBalancer, loadBalancerSourceRanges: [" 10.0.0.0/8 ", "fd00::/64"], ports: [{port: 80}]}'],
    [
      [
        '4:55 warning host-bits spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?): read as "10.0.0.0/8"',
      ],
      "{type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.1/8], ports: [{port: 80}]}",
    ],
    [
      [
        '4:55 warning host-bits spec.loadBalancerSourceRanges[0]: CIDR value "fd00::1/64" is ambiguous in this context (should be "fd00::/64" or "fd00::1/128"?): read as "fd00::/64"',
      ],
      '{type: LoadBalancer, loadBalancerSourceRanges: ["fd00::1/64"], ports: [{port: 80}]}',
    ],
    [
      [
        '4:55 warning leading-zeros spec.loadBalancerSourceRanges[0]: non-standard CIDR value "010.0.0.0/08" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"',
      ],
      "{type: LoadBalancer, loadBalancerSourceRanges: [010.0.0.0/08], ports: [{port: 80}]}",
    ],
    [
      [
        '4:55 error invalid-value spec.loadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        '4:65 error invalid-value spec.loadBalancerSourceRanges[1]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
      "{type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0, 10.0.0.0/33], ports: [{port: 80}]}",
    ],
    [
      [
        '4:55 warning host-bits spec.loadBalancerSourceRanges[0]: CIDR value "::ffff:1.2.3.4/120" is ambiguous in this context (should be "1.2.3.0/24" or "1.2.3.4/32"?): read as "1.2.3.0/24"',
        '4:55 warning ipv4-mapped spec.loadBalancerSourceRanges[0]: non-standard CIDR value "::ffff:1.2.3.4/120" will be considered invalid in a future Kubernetes release: use "1.2.3.0/24"',
      ],
      '{type: LoadBalancer, loadBalancerSourceRanges: ["::ffff:1.2.3.4/120"], ports: [{port: 80}]}',
    ],
    // fields of load balancers
    [
      [
        "4:34 warning forbidden-field spec.loadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      ],
      "{loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 80}]}",
    ],
    [
      [
        "4:63 warning forbidden-field spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "4:27 warning forbidden-field spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      ],
      "{loadBalancerClass: a/b, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]}",
    ],
    [[], "{type: LoadBalancer, loadBalancerClass: a/b, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]}"],
    [
      ['4:47 error invalid-value spec.loadBalancerClass: Invalid value: "a b": name part must…'],
      '{type: LoadBalancer, loadBalancerClass: "a b", ports: [{port: 80}]}',
    ],
    // session affinity
    [[], "{sessionAffinity: ClientIP, ports: [{port: 80}]}"],
    [[], '{sessionAffinity: "", ports: [{port: 80}]}'],
    [
      [
        '4:25 error invalid-value spec.sessionAffinity: Unsupported value: "clientIP": supported values: "ClientIP", "None"',
      ],
      "{sessionAffinity: clientIP, sessionAffinityConfig: {}, ports: [{port: 80}]}",
    ],
    [
      [],
      "{sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}, ports: [{port: 80}]}",
    ],
    [
      [
        "4:86 error invalid-value spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
      ],
      "{sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}, ports: [{port: 80}]}",
    ],
    [
      [
        "4:86 error invalid-value spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400",
      ],
      "{sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}, ports: [{port: 80}]}",
    ],
    [
      ["4:31 warning ignored-field spec.sessionAffinityConfig is ignored when spec.sessionAffinity is None"],
      "{sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}, ports: [{port: 80}]}",
    ],
    [
      ['4:59 error unknown-field unknown field "spec.sessionAffinityConfig.clientIp", did you mean "clientIP"?'],
      "{sessionAffinity: ClientIP, sessionAffinityConfig: {clientIp: {timeoutSeconds: 10}}, ports: [{port: 80}]}",
    ],
    // traffic policies and health checks
    [
      [
        '4:31 warning forbidden-field spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
      ],
      "{externalTrafficPolicy: Local, ports: [{port: 80}]}",
    ],
    [
      [DEPRECATED_IPS.replace("4:21", "4:51")],
      "{externalTrafficPolicy: Local, externalIPs: [1.2.3.4], ports: [{port: 80}]}",
    ],
    [
      [
        '4:47 error invalid-value spec.externalTrafficPolicy: Unsupported value: "local": supported values: "Cluster", "Local"',
      ],
      "{type: NodePort, externalTrafficPolicy: local, ports: [{port: 80}]}",
    ],
    [[], "{internalTrafficPolicy: Local, ports: [{port: 80}]}"],
    [
      [
        '4:31 error invalid-value spec.internalTrafficPolicy: Unsupported value: "": supported values: "Cluster", "Local"',
      ],
      '{internalTrafficPolicy: "", ports: [{port: 80}]}',
    ],
    [[], "{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30000, ports: [{port: 80}]}"],
    [
      [
        "4:79 error invalid-value spec.healthCheckNodePort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      ],
      "{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 70000, ports: [{port: 80}]}",
    ],
    [
      [
        "4:49 warning forbidden-field spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
      "{type: LoadBalancer, healthCheckNodePort: 30000, ports: [{port: 80}]}",
    ],
    [[], "{healthCheckNodePort: 0, ports: [{port: 80}]}"],
    // the rest
    [
      ['4:29 warning deprecated spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
      "{trafficDistribution: PreferClose, ports: [{port: 80}]}",
    ],
    [
      [
        '4:29 error invalid-value spec.trafficDistribution: Unsupported value: "PreferSameZones": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
      ],
      "{trafficDistribution: PreferSameZones, ports: [{port: 80}]}",
    ],
    [[], "{publishNotReadyAddresses: yes, ports: [{port: 80}]}"],
    [
      ['4:34 error wrong-type spec.publishNotReadyAddresses: Invalid value: expected boolean, found string "true"'],
      '{publishNotReadyAddresses: "true", ports: [{port: 80}]}',
    ],
    [[], "{selector: {app: web, tier: null}, ports: [{port: 80}]}"],
    [
      [
        "4:24 error wrong-type spec.selector.app: Invalid value: expected string, found boolean true (a string needs quotes here)",
        "4:38 error wrong-type spec.selector.version: Invalid value: expected string, found number 1 (a string needs quotes here)",
      ],
      "{selector: {app: yes, version: 1.0}, ports: [{port: 80}]}",
    ],
    [
      [
        '4:19 error invalid-value spec.selector: Invalid value: "a b": name part must…',
        '4:32 error invalid-value spec.selector: Invalid value: "a/b": a valid label…',
      ],
      '{selector: {"a b": c, x: "a/b"}, ports: [{port: 80}]}',
    ],
    [
      ["4:18 error wrong-type spec.selector: Invalid value: expected object, found array"],
      "{selector: [app], ports: [{port: 80}]}",
    ],
    [
      [
        "4:65 warning ignored-field spec.externalIPs is ignored for headless services",
        "4:42 warning ignored-field spec.sessionAffinity is ignored for headless services",
        "4:92 warning ignored-field spec.loadBalancerIP is ignored for headless services",
      ],
      "{clusterIP: None, sessionAffinity: ClientIP, externalIPs: [1.2.3.4], loadBalancerIP: 1.2.3.4}",
    ],
  ])("%j: %s", (wanted, text) => {
    expectFindings(`apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: ${text}`, wanted);
  });
});
