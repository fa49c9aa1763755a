/** What a field changes in the rules: each golden file is the difference from the rules of a plain Service. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Config } from "../../compiler/node/config.ts";
import { tabulate } from "../../compiler/tabulate/tabulate.ts";
import { printIptables, printNft, toConfig } from "../support/compile.ts";
import { differenceOf } from "../support/line-difference.ts";
import { prefix } from "../support/service-port.ts";
import { tableWords } from "../support/table-words.ts";

interface Changed {
  /** Lines of the Service's `spec`. */
  readonly spec?: string;
  readonly ports?: string;
  readonly status?: string;
  /** What is said of each endpoint. */
  readonly first?: string;
  readonly second?: string;
  /** Instead of the EndpointSlice. */
  readonly instead?: string;
  readonly settings?: Config;
  /** Compared with this, rather than with the plain Service. */
  readonly from?: Changed;
}

const SETTINGS: Config = toConfig({
  nodeName: "node-1",
  nodeIPs: ["192.168.50.11"],
  clusterCIDR: ["10.244.0.0/16", "fd00:10:244::/48"],
  mode: "nftables",
});

const BALANCER = {
  spec: "type: LoadBalancer\n  allocateLoadBalancerNodePorts: false",
  status: "status: {loadBalancer: {ingress: [{ip: 198.51.100.9}]}}",
} satisfies Changed;
const LOCAL_BALANCER = {
  ...BALANCER,
  spec: `${BALANCER.spec}\n  externalTrafficPolicy: Local`,
} satisfies Changed;
const NODE_PORT: Changed = {
  spec: "type: NodePort",
  ports: "[{name: http, port: 80, targetPort: 8080, nodePort: 30080}]",
};
const STICKY: Changed = { spec: "sessionAffinity: ClientIP" };
const ELSEWHERE: Changed = { first: "nodeName: node-2" };
const IN_ZONE: Changed = { settings: { zone: "a" } };
const UNREADY = "conditions: {ready: false}";
const ENDING = "conditions: {ready: false, serving: true, terminating: true}";

const podThatIsReady = (ready: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api}}
spec: {nodeName: node-1, containers: [{name: api, ports: [{name: web, containerPort: 9090}]}]}
status: {podIP: 10.244.1.5, phase: Running, conditions: [{type: Ready, status: "${ready}"}]}
`;
const READY: Changed = { spec: "selector: {app: api}", instead: podThatIsReady("True") };
const NOT_READY: Changed = { ...READY, instead: podThatIsReady("False") };

const sliceOf = (address: string, port: number): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints: [{addresses: ["${address}"], nodeName: node-1}]
ports: [{name: http, port: ${port}}]
`;

const IPV6_SLICE = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-2, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv6
endpoints: [{addresses: ["fd00:10:244:1::5"], nodeName: node-1}]
ports: [{name: http, port: 8080}]
`;

/** A Service beside it, so that rules of each family and protocol are there. */
const OTHER = `
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec:
  clusterIP: 10.96.0.99
  clusterIPs: [10.96.0.99, "fd00:10:96::99"]
  ipFamilyPolicy: RequireDualStack
  ports: [{name: a, port: 9, protocol: TCP}, {name: b, port: 9, protocol: UDP}, {name: c, port: 9, protocol: SCTP}]
${["10.244.9.9", "fd00:10:244:9::9"]
  .map(
    (address) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: other-${address.includes(":") ? 6 : 4}, namespace: shop, labels: {kubernetes.io/service-name: other}}
addressType: ${address.includes(":") ? "IPv6" : "IPv4"}
endpoints: [{addresses: ["${address}"], nodeName: node-2}]
ports: [{name: a, port: 9, protocol: TCP}, {name: b, port: 9, protocol: UDP}, {name: c, port: 9, protocol: SCTP}]
`,
  )
  .join("")}`;

const CASES: Readonly<Record<string, Changed>> = {
  "session-affinity": STICKY,
  "session-affinity-timeout": {
    spec: `${STICKY.spec}\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}`,
    from: STICKY,
  },
  "internal-traffic-policy-local": { spec: "internalTrafficPolicy: Local" },
  "internal-traffic-policy-local-elsewhere": { ...ELSEWHERE, spec: "internalTrafficPolicy: Local", from: ELSEWHERE },
  "external-ip": { spec: "externalIPs: [198.51.100.9]" },
  "external-traffic-policy-local": { spec: "externalIPs: [198.51.100.9]\n  externalTrafficPolicy: Local" },
  "external-traffic-policy-local-elsewhere": {
    ...ELSEWHERE,
    spec: LOCAL_BALANCER.spec,
    status: BALANCER.status,
    from: { ...BALANCER, ...ELSEWHERE },
  },
  "load-balancer": BALANCER,
  "load-balancer-proxy": { ...BALANCER, status: BALANCER.status.replace("9}", "9, ipMode: Proxy}"), from: BALANCER },
  "source-ranges": {
    ...BALANCER,
    spec: `${BALANCER.spec}\n  loadBalancerSourceRanges: [203.0.113.0/24]`,
    from: BALANCER,
  },
  "source-ranges-without-endpoints": {
    ...BALANCER,
    spec: `${BALANCER.spec}\n  loadBalancerSourceRanges: [203.0.113.0/24]`,
    instead: "\n",
    from: { ...BALANCER, instead: "\n" },
  },
  "health-check-node-port": {
    ...LOCAL_BALANCER,
    spec: `${LOCAL_BALANCER.spec}\n  healthCheckNodePort: 31000`,
    from: LOCAL_BALANCER,
  },
  "node-port": NODE_PORT,
  "node-port-addresses": { ...NODE_PORT, settings: { nodePortAddresses: [prefix("10.0.0.0/8")] }, from: NODE_PORT },
  "node-port-not-on-localhost": { ...NODE_PORT, settings: { localhostNodePorts: false }, from: NODE_PORT },
  // The destination does not change when the endpoint is where packets were sent to.
  "external-ip-is-endpoint": {
    spec: "externalIPs: [198.51.100.9]",
    instead: sliceOf("198.51.100.9", 80),
    from: { spec: "externalIPs: [198.51.100.9]", instead: sliceOf("198.51.100.9", 81) },
  },
  "node-port-is-port-of-endpoint": {
    ...NODE_PORT,
    instead: sliceOf("198.51.100.9", 30080),
    from: { ...NODE_PORT, instead: sliceOf("198.51.100.9", 30081) },
  },
  "node-port-addresses-of-unknown-node": {
    ...NODE_PORT,
    settings: { nodePortAddresses: [prefix("10.0.0.0/8")], nodeIps: undefined },
    from: { ...NODE_PORT, settings: { nodeIps: undefined } },
  },
  "no-endpoints": { instead: "\n" },
  "endpoint-not-ready": { second: UNREADY },
  "endpoint-terminating": { second: ENDING },
  "endpoints-all-terminating": { first: ENDING, second: ENDING, from: { first: UNREADY, second: UNREADY } },
  "zone-hints": {
    ...IN_ZONE,
    first: "hints: {forZones: [{name: a}]}",
    second: "hints: {forZones: [{name: b}]}",
    from: IN_ZONE,
  },
  "node-hints": {
    ...IN_ZONE,
    first: "hints: {forZones: [{name: a}], forNodes: [{name: node-2}]}",
    second: "hints: {forZones: [{name: a}], forNodes: [{name: node-1}]}",
    from: IN_ZONE,
  },
  "publish-not-ready-addresses": {
    ...NOT_READY,
    spec: `${NOT_READY.spec}\n  publishNotReadyAddresses: true`,
    from: NOT_READY,
  },
  "named-target-port": { ...READY, ports: "[{name: http, port: 80, targetPort: web}]", from: READY },
  "port-name-of-no-slice": { ports: "[{name: https, port: 80, targetPort: 8080}]" },
  udp: { ports: "[{name: http, port: 80, protocol: UDP}]" },
  sctp: { ports: "[{name: http, port: 80, protocol: SCTP}]" },
  "dual-stack": {
    spec: 'clusterIPs: [10.96.0.10, "fd00:10:96::10"]\n  ipFamilyPolicy: RequireDualStack\n  ipFamilies: [IPv4, IPv6]',
    instead: IPV6_SLICE,
    from: { instead: "\n" },
  },
  headless: { spec: "clusterIP: None" },
  "external-name": { spec: "type: ExternalName\n  externalName: api.example.com" },
  "masquerade-kpc": { settings: { masquerade: "kpc" } },
  "masquerade-all": { settings: { masqueradeAll: true } },
  "no-cluster-cidr": { settings: { clusterCidr: [] } },
  "service-cidr": { settings: { serviceCidrs: [prefix("10.96.0.0/16")] } },
  "tcp-be-liberal": { settings: { tcpBeLiberal: true } },
};

/** Service and endpoints. */
function manifestsOf({ spec = "", ports = PORTS, status = "", first = "", second = "", instead }: Changed): string {
  const slice = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints:
- {addresses: [10.244.1.5], ${first.startsWith("nodeName") ? "" : "nodeName: node-1, "}${first}}
- {addresses: [10.244.2.7], nodeName: node-2, ${second}}
ports: [{name: http, port: 8080${/, protocol: \w+/.exec(ports)?.[0] ?? ""}}]
`;
  return `apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec:
  ${/clusterIP: |ExternalName/.test(spec) ? "" : "clusterIP: 10.96.0.10"}
  ports: ${ports}
  ${spec}
${status}
---${instead ?? slice}---${OTHER}`;
}

const PORTS = "[{name: http, port: 80, targetPort: 8080}]";

const MODES = ["nftables", "iptables"] as const;

/** The rules in each format, a line each, and the classifier's table, which takes longer than all of them. */
interface Texts {
  readonly rules: Readonly<Record<string, readonly string[]>>;
  readonly table: () => readonly string[];
}

function textsOf(changed: Changed): Texts[] {
  const text = manifestsOf(changed);
  return MODES.map((mode) => {
    const { compiled, diagnostics } = compile([{ name: "a.yaml", text }], { ...SETTINGS, ...changed.settings, mode });
    if (compiled === undefined) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)));
    const { program, node } = compiled;
    return {
      rules: {
        nft: printNft(program).split("\n"),
        "iptables-restore": printIptables(program, "ip").split("\n"),
        "ip6tables-restore": printIptables(program, "ip6").split("\n"),
      },
      table: once(() => {
        const made = tabulate(program, node.addresses);
        return "tabulation" in made ? tableWords(made.tabulation) : ["none"];
      }),
    };
  });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The differences: texts that have the same have one heading. The table is of the first mode whose rules differ. */
function differencesBetween(old: readonly Texts[], now: readonly Texts[]): string {
  const titles = new Map<string, string[]>();
  const add = (title: string, before: readonly string[] = [], after: readonly string[] = []): void => {
    const difference = differenceOf(before, after).join("\n");
    if (difference !== "") titles.set(difference, [...(titles.get(difference) ?? []), title]);
  };
  for (const [i, mode] of MODES.entries())
    for (const [format, lines] of Object.entries(now[i]?.rules ?? {}))
      add(`${mode} mode, ${format}`, old[i]?.rules[format], lines);
  const [first] = [...titles.values()].flat();
  if (first === undefined) return "# no difference\n";
  const at = MODES.findIndex((mode) => first.startsWith(mode));
  add(`${MODES[at]} mode, classifier table`, old[at]?.table(), now[at]?.table());
  return [...titles].map(([difference, of]) => `# ${of.join("; ")}\n${difference}\n`).join("\n");
}

const KNOWN = new Map<Changed, Texts[]>();

function knownTexts(changed: Changed): Texts[] {
  const texts = KNOWN.get(changed) ?? textsOf(changed);
  KNOWN.set(changed, texts);
  return texts;
}

const PLAIN: Changed = {};

/** After a wanted change: `vitest -u`, then read the difference. */
describe("a field changes these lines", () => {
  test.each(Object.entries(CASES))("%s", async (name, changed) => {
    const difference = differencesBetween(knownTexts(changed.from ?? PLAIN), knownTexts(changed));
    await expect(difference).toMatchFileSnapshot(new URL(`fields/${name}.diff`, import.meta.url).pathname);
  });

  test("and there are no files of other cases", () => {
    const files = readdirSync(new URL("fields", import.meta.url).pathname).sort();
    const wanted = Object.keys(CASES).map((name) => `${name}.diff`);
    expect(files).toEqual(wanted.sort());
  });
});
