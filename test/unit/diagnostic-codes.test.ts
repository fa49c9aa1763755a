/** Each code of a finding is given by some input, at the place that is to blame, and has its paragraph in docs/diagnostics.md.
 *  Long because it is a table: a row for each code. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { findLike } from "../../compiler/cli/like.ts";
import { type Output, printOutput } from "../../compiler/cli/print-output.ts";
import { answerOf } from "../../compiler/compare/answer.ts";
import { staleFindings } from "../../compiler/compare/exceptions/render.ts";
import { compile } from "../../compiler/compile.ts";
import type { ControllerName } from "../../compiler/controllers/controllers.ts";
import { DIAGNOSTIC_CODES, type Diagnostic, type DiagnosticCode, lineAndColumn } from "../../compiler/diagnostics.ts";
import { findWalkNotes } from "../../compiler/findings/walk-notes.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { readHaproxy, readHaproxyMaps } from "../../compiler/formats/haproxy/read.ts";
import { isShownMaps } from "../../compiler/formats/haproxy/read-maps.ts";
import { readRules } from "../../compiler/formats/read-rules.ts";
import type { PathRoute, RouteTarget } from "../../compiler/ir/routes.ts";
import type { Config } from "../../compiler/node/config.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { resolveRequest } from "../../compiler/trace/http/request.ts";
import { parsePacket, parseTraceText } from "../../compiler/trace/parse.ts";
import { resolvePacket } from "../../compiler/trace/resolve.ts";
import { FAULTS } from "../support/all-faults.ts";
import { makeCertificate, tlsSecret } from "../support/certificates.ts";
import { inFolder, kpc } from "../support/cli.ts";
import { toConfig } from "../support/compile.ts";
import { hold } from "../support/exceptions.ts";
import { describeFault, findingsOfFlow, UNHEALTHY_NODE, type WalkFaultCode } from "../support/faults.ts";
import { describeGrid } from "../support/grid-cluster.ts";
import { readHostTexts } from "../support/host-files.ts";
import { mustReadIptables } from "../support/read.ts";
import { flowOf } from "../support/walks.ts";

/** The findings about an input. */
type Cause = () => readonly Diagnostic[] | Promise<readonly Diagnostic[]>;

const manifests =
  (text: string, config: Config = { nodeName: "n" }): Cause =>
  () =>
    compile([{ name: "input.yaml", text }], config).diagnostics;

/** What `kpc check` finds besides. */
const network =
  (...objects: readonly string[]): Cause =>
  () => {
    const source = { name: "input.yaml", text: objects.join("---\n") };
    const options = { checksNetwork: true };
    return compile([source], { nodeName: "n1" }, options).diagnostics;
  };

const rules = (text: string): Cause => {
  return async () => {
    const findings: Diagnostic[] = [];
    await readRules([{ name: "rules", text }], (diagnostic) => findings.push(diagnostic));
    return findings;
  };
};

/** A configuration of HAProxy without maps, or what its runtime API printed of them. */
const haproxy = (text: string): Cause => {
  return () => {
    const findings: Diagnostic[] = [];
    const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
    const source = { name: "haproxy", text };
    if (isShownMaps(text)) readHaproxyMaps(source, report);
    else readHaproxy(source, new Map(), report);
    return findings;
  };
};

/** What another controller would do otherwise. */
const like =
  (text: string, controller: ControllerName): Cause =>
  () =>
    findLike(controller, (report) => loadSpecs([{ name: "input.yaml", text }], report), {}, {});

/** A rule that a format cannot hold. */
const unsupported =
  (output: Output, rule: string): Cause =>
  async () => {
    const findings: Diagnostic[] = [];
    const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
    const text = rule.startsWith("-")
      ? `*filter\n-A INPUT ${rule}\nCOMMIT\n`
      : `table ip t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t\t${rule}\n\t}\n}\n`;
    const program = await readRules([{ name: "rules", text }], report);
    const { compiled } = compile([{ name: "input.yaml", text: service("web", OK) }], { nodeName: "n" });
    if (compiled !== undefined) await printOutput({ ...compiled, program }, { output }, "", report);
    return findings;
  };

const packet =
  (text: string, specs = ""): Cause =>
  () => {
    const findings: Diagnostic[] = [];
    const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
    const parsed = parsePacket({ name: "packet", text }, report);
    const { compiled } = compile([{ name: "input.yaml", text: specs }], { nodeName: "n" });
    if (parsed !== undefined && compiled !== undefined) resolvePacket(parsed, compiled, report);
    return findings;
  };

/** A request in a cluster of which nothing says who takes it. */
const request =
  (text: string): Cause =>
  () => {
    const findings: Diagnostic[] = [];
    const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
    const parsed = parseTraceText({ name: "packet", text }, report);
    const { layout, input } = describeGrid({ nodes: 1, pods: 1, services: 1 });
    if (parsed?.request !== undefined) resolveRequest(parsed.request, { ...input, layout }, report);
    return findings;
  };

/** What a node's commands printed: an interface, and more. */
const nodeFiles =
  (link: string, ...others: readonly string[]): Cause =>
  () =>
    readHostTexts([
      `[{"ifindex":2,"ifname":"eth0","flags":["UP","LOWER_UP"],"mtu":1500,"promiscuity":0,"addr_info":[]${link}}]`,
      ...others,
    ]).findings;

const meta = (name: string, more = ""): string => `metadata: {name: ${name}, namespace: a${more}}`;
const service = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: Service\n${meta(name)}\nspec: ${spec}\n---\n`;
const slice = (name: string, of: string, port = '{name: "", port: 8080}'): string =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n${meta(name, of === "" ? "" : `, labels: {kubernetes.io/service-name: ${of}}`)}\n` +
  `addressType: IPv4\nendpoints: [{addresses: [10.244.0.5]}]\nports: [${port}]\n---\n`;
const node = (name: string): string => `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n---\n`;
const kubeProxy = (settings: string): string =>
  `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${settings}\n---\n`;
const ingress = (paths: string, more = ""): string =>
  `apiVersion: networking.k8s.io/v1\nkind: Ingress\n${meta("i")}\nspec:${more}\n  rules: [{host: a.example, http: {paths: [${paths}]}}]\n---\n`;
const path = (text: string, of: string): string =>
  `{path: ${text}, pathType: Prefix, backend: {service: {name: ${of}, port: {number: 80}}}}`;

const gateway = (listeners: string): string =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n${meta("g")}\nspec:\n  gatewayClassName: c\n  listeners:\n    - ${listeners}\n---\n`;
const httpRoute = (parent: string, rules = ""): string =>
  `${gateway("{name: web, port: 80, protocol: HTTP}")}apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n${meta("r")}\nspec:\n  parentRefs: [${parent}]\n  rules:\n    - backendRefs: [{name: web, port: 80}]${rules}\n---\n`;

const TLS = "\n  tls: [{hosts: [a.example], secretName: s}]";
const secret = (host: string): string =>
  `${JSON.stringify(tlsSecret("a/s", makeCertificate({ names: [host] })))}\n---\n`;
const pod = (labels: string): string =>
  `apiVersion: v1\nkind: Pod\n${meta("p", `, labels: {${labels}}`)}\nspec: {containers: []}\n---\n`;
const podNode = (name: string, block: number): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nspec: {podCIDR: 10.244.${block}.0/24}\n`;
const podOn = (node: string, address: string, name = "p"): string =>
  `apiVersion: v1\nkind: Pod\n${meta(name)}\nspec: {nodeName: ${node}}\nstatus: {podIP: ${address}}\n`;
const CLUSTER = "apiVersion: kpc.dev/v1alpha1\nkind: Cluster\n";
const SELECTING = "{clusterIP: 10.96.0.10, selector: {app: web}, ports: [{port: 80}]}";
const OK = "{clusterIP: 10.96.0.10, ports: [{port: 80}]}";
const TWICE = "- &a [x, x, x, x, x, x, x, x, x, x]\n";

/** The first fault of each code that is found on walks. */
function findingsOfWalks(): Readonly<Record<WalkFaultCode, Cause>> {
  const byCode = (code: WalkFaultCode): Cause => {
    const fault = FAULTS.find((each) => each.code === code);
    if (fault === undefined) throw new Error(`no fault gives ${code}`);
    return () => findingsOfFlow(fault, fault.flow, fault.bytes);
  };
  return {
    "address-unanswered": byCode("address-unanswered"),
    "blackhole-route": byCode("blackhole-route"),
    "bridge-netfilter-off": byCode("bridge-netfilter-off"),
    "forward-drops": byCode("forward-drops"),
    "forwarding-off": byCode("forwarding-off"),
    "hairpin-off": byCode("hairpin-off"),
    "localnet-off": byCode("localnet-off"),
    loop: byCode("loop"),
    "martian-source": byCode("martian-source"),
    "mtu-black-hole": byCode("mtu-black-hole"),
    "mtu-mismatch": byCode("mtu-mismatch"),
    "no-neighbour": byCode("no-neighbour"),
    "no-route": byCode("no-route"),
    "reply-bypasses-nat": byCode("reply-bypasses-nat"),
    "reply-lost": byCode("reply-lost"),
    "reverse-path-filter": byCode("reverse-path-filter"),
    "source-not-translated": byCode("source-not-translated"),
    "undecided-rules": byCode("undecided-rules"),
    "local-policy-unhealthy-node": () => findingsOfFlow(UNHEALTHY_NODE, UNHEALTHY_NODE.flow),
    "nat-twice": byCode("nat-twice"),
    "node-without-route": byCode("node-without-route"),
    "rules-drop": byCode("rules-drop"),
    "service-not-translated": byCode("service-not-translated"),
  };
}

/** Notes about a walk through a cluster without faults. */
const notesOf =
  (pods: "bridge" | "routed", flow: string): Cause =>
  () => {
    const { known, walker } = describeFault({ pods });
    return findWalkNotes(known, walker.walk(flowOf(flow)));
  };

const CAUSES: Readonly<Record<DiagnosticCode, Cause>> = {
  "unreadable-file": () =>
    inFolder(
      {
        "case.yaml":
          "name: c\nmodes: [nftables]\nproxy: {nodeName: node-1}\nfiles: [missing.yaml]\nflows:\n" +
          "  - {protocol: tcp, origin: external, from: 10.0.0.1, to: 10.0.0.2, port: 80, expect: {verdict: pass}}\n",
      },
      (folder) => {
        const { stderr } = kpc(["test", "case.yaml"], { folder });
        return /case\.yaml:4:9: error: .* \[unreadable-file\]/.test(stderr)
          ? [{ severity: "error", code: "unreadable-file", message: stderr.split("\n")[0] ?? "" }]
          : [];
      },
    ),
  "not-text": manifests("a\u0000b"),
  "yaml-syntax": manifests("a: [b"),
  "json-syntax": rules('{"kind": "Program", "tables": [}'),
  "duplicate-key": manifests("a: 1\na: 2\n"),
  "too-many-aliases": manifests(
    `${TWICE}${Array.from({ length: 9 }, (_, i) => `- &${"bcdefghijk"[i]} [${`*${"abcdefghij"[i]}, `.repeat(10)}]\n`).join("")}`,
  ),
  "too-deep": manifests(`a: ${"[".repeat(20_000)}`),
  "too-large": manifests(`a: ${"x".repeat(25 << 20)}`),
  "empty-input": manifests(""),
  "other-input": manifests("table ip t {\n}\n"),
  "no-objects": manifests("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\n"),
  "not-an-object": manifests("- a\n"),
  "unknown-kind": manifests("apiVersion: v1\nkind: Servcie\nmetadata: {name: s}\n"),
  "skipped-kinds": manifests("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\n"),
  "skipped-object": manifests("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\n"),
  "unknown-version": manifests(service("web", OK).replace("apiVersion: v1", "apiVersion: v2")),
  "duplicate-object": manifests(service("web", OK).repeat(2)),
  "wrong-type": manifests(service("web", "{clusterIP: 10.96.0.10, ports: 80}")),
  "missing-field": manifests(service("web", "{clusterIP: 10.96.0.10, ports: [{name: http}]}")),
  "unknown-value": manifests(
    service("web", "{clusterIP: 10.96.0.10, ports: [{port: 80}], trafficDistribution: PreferSameRack}"),
  ),
  "unknown-field": manifests(service("web", "{clusterIP: 10.96.0.10, ports: [{port: 80}], colour: red}")),
  "invalid-value": manifests(service("web", "{clusterIP: 10.96.0.10, ports: [{port: 70000}]}")),
  "duplicate-value": manifests(
    service("web", "{clusterIP: 10.96.0.10, ports: [{name: a, port: 80}, {name: b, port: 80}]}"),
  ),
  "leading-zeros": manifests(service("web", "{clusterIP: 10.96.0.010, ports: [{port: 80}]}")),
  "host-bits": manifests(
    service(
      "web",
      "{type: LoadBalancer, clusterIP: 10.96.0.10, ports: [{port: 80}], loadBalancerSourceRanges: [10.0.0.1/8]}",
    ),
  ),
  "ipv4-mapped": manifests(service("web", '{clusterIP: "::ffff:10.96.0.10", ports: [{port: 80}]}')),
  "non-canonical": manifests(service("web", '{clusterIP: "fd00:0::10", ports: [{port: 80}]}')),
  deprecated: manifests(service("web", "{clusterIP: None, trafficDistribution: PreferClose, ports: [{port: 80}]}")),
  "forbidden-field": manifests(
    service("web", "{type: ClusterIP, clusterIP: 10.96.0.10, ports: [{port: 80}], externalTrafficPolicy: Local}"),
  ),
  "ignored-field": manifests(service("web", "{clusterIP: None, sessionAffinity: ClientIP, ports: [{port: 80}]}")),
  "too-many-items": manifests(
    slice("web-1", "web").replace(
      "[10.244.0.5]",
      `[${Array.from({ length: 101 }, (_, i) => `10.244.1.${i}`).join(", ")}]`,
    ),
  ),
  "too-long": manifests(
    service("web", OK).replace("namespace: a", `namespace: a, annotations: {x: ${"y".repeat(262_144)}}`),
  ),
  "node-port-range": manifests(
    service("web", "{type: NodePort, clusterIP: 10.96.0.10, ports: [{port: 80, nodePort: 80}]}"),
  ),
  "no-node": manifests(service("web", OK), {}),
  "unknown-node": manifests(`${node("worker-1")}${service("web", OK)}`, { nodeName: "woker-1" }),
  "no-detector": manifests(service("web", OK), { nodeName: "n", detectLocalMode: "BridgeInterface" }),
  "no-pod-network": manifests(service("web", OK), { nodeName: "n", masquerade: "kpc" }),
  "settings-taken": manifests(`${service("web", OK)}${kubeProxy("mode: nftables")}`),
  "unsupported-mode": manifests(`${service("web", OK)}${kubeProxy("mode: ipvs")}`),
  "service-ignored": manifests(service("web", "{clusterIP: None, ports: [{port: 80}]}")),
  "no-cluster-ip": manifests(
    service("web", "{ipFamilies: [IPv6], ports: [{port: 80}]}"),
    toConfig({ serviceCIDRs: ["10.96.0.0/16"] }),
  ),
  "no-services": manifests(service("web", "{clusterIP: None, ports: [{port: 80}]}")),
  assumed: manifests(service("web", "{ports: [{port: 80}]}")),
  "not-completed": manifests(
    `apiVersion: v1\nkind: Pod\n${meta("web")}\nspec: {hostNetwork: true}\n---\n${service("web", OK)}`,
  ),
  unschedulable: manifests(
    `apiVersion: v1\nkind: Pod\n${meta("web")}\nspec: {nodeSelector: {disk: ssd}}\n---\n${node("worker")}${service("web", OK)}`,
    { nodeName: "worker" },
  ),
  "no-endpoints": manifests(service("web", OK)),
  "slice-ignored": manifests(service("web", OK) + slice("web-1", "")),
  "pod-ignored": manifests(service("web", SELECTING) + pod("app: web").replace("---", "status: {phase: Failed}\n---")),
  "no-matching-pod": manifests(service("web", SELECTING) + pod("app: wbe")),
  "unknown-target-port": manifests(
    service("web", SELECTING.replace("port: 80", "port: 80, targetPort: http")) + pod("app: web"),
  ),
  "affinity-per-port": manifests(
    service(
      "web",
      "{clusterIP: 10.96.0.10, sessionAffinity: ClientIP, ports: [{name: a, port: 80}, {name: b, port: 81}]}",
    ),
  ),
  "pattern-in-path": manifests(service("web", OK) + ingress(path('"/*"', "web"))),
  "endpoints-ignored": manifests(
    service("web", OK) +
      `apiVersion: v1\nkind: Endpoints\n${meta("web", ", annotations: {control-plane.alpha.kubernetes.io/leader: a}")}\n---\n`,
  ),
  "unmatched-slice-port": manifests(service("web", OK) + slice("web-1", "web", "{name: other, port: 8080}")),
  "slice-without-service": manifests(service("web", OK) + slice("web-1", "wbe")),
  "address-conflict": manifests(service("web", OK) + service("api", OK)),
  "external-ip-conflict": manifests(
    service("web", "{clusterIP: 10.96.0.10, externalIPs: [10.96.0.11], ports: [{port: 80}]}") +
      service("api", "{clusterIP: 10.96.0.11, ports: [{port: 80}]}"),
  ),
  "overlapping-pod-cidrs": network(podNode("n1", 1), podNode("n2", 1)),
  "pod-outside-cidr": network(podNode("n1", 1), podOn("n1", "10.244.2.5")),
  "duplicate-address": network(podNode("n1", 1), podOn("n1", "10.244.1.5"), podOn("n1", "10.244.1.5", "q")),
  "service-cidr-routed": network(podNode("n1", 1), service("web", "{clusterIP: 10.244.1.10, ports: [{port: 80}]}")),
  "cluster-mismatch": network(podNode("n1", 1), `${CLUSTER}pods: {cidr: 10.0.0.0/16}\n`),
  "unknown-cluster-name": network(podNode("n1", 1), `${CLUSTER}nodes: [{name: n2}]\n`),
  "gateway-not-connected": network(
    podNode("n1", 1),
    `${CLUSTER}underlay: {cidr: 192.168.0.0/24}\ngateway: {inside: 10.0.0.1}\n`,
  ),
  "unknown-datapath": async () => [
    ...(await network(
      podNode("n1", 1),
      podOn("n1", "10.244.1.5").replace("namespace: a", "namespace: a, labels: {k8s-app: cilium}"),
    )()),
    ...(await nodeFiles(',"linkinfo":{"info_kind":"vrf"}')()),
  ],
  "ingress-ignored": manifests(
    ingress(path("/", "web"), "\n  ingressClassName: other") +
      "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: other}\nspec: {controller: example.com/other}\n---\n" +
      service("web", OK),
  ),
  "broken-backend": manifests(ingress(path("/", "web")) + service("api", OK)),
  "shadowed-path": manifests(
    ingress(path("/", "web")) + ingress(path("/", "web")).replace("name: i", "name: j") + service("web", OK),
  ),
  "controller-differs": like(ingress(path("/a", "web")), "nginx-inc"),
  "annotation-ignored": like(
    ingress(path("/a", "web")).replace(
      "{name: i,",
      '{name: i, annotations: {nginx.ingress.kubernetes.io/proxy-body-size: "8m"},',
    ),
    "ingress-nginx",
  ),
  "haproxy-line": haproxy("global\n"),
  "haproxy-map": haproxy("# id (file) description\n0 (routes.map) used.\n\n0x1 a\n"),
  "unusable-certificate": manifests(ingress(path("/", "web"), TLS) + service("web", OK)),
  "shadowed-certificate": manifests(
    ingress(path("/", "web"), TLS) +
      ingress(path("/b", "web"), TLS.replace("s}", "t}")).replace("name: i", "name: j") +
      service("web", OK),
  ),
  "certificate-host": manifests(ingress(path("/", "web"), TLS) + secret("b.example") + service("web", OK)),
  "certificate-time": () => {
    const text = ingress(path("/", "web"), TLS) + secret("a.example");
    return compile([{ name: "input.yaml", text }], { nodeName: "n" }, { now: Date.parse("2025-01-01") }).diagnostics;
  },
  "gateway-ignored": manifests(
    `${gateway("{name: web, port: 80, protocol: HTTP}")}apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: other}\nspec: {controllerName: example.com/other}\n---\n`,
  ),
  "gateway-not-carried": manifests(gateway("{name: web, port: 80, protocol: HTTP}\n  addresses: [{value: 192.0.2.1}]")),
  "listener-not-served": manifests(
    gateway("{name: one, port: 80, protocol: HTTP}\n    - {name: two, port: 80, protocol: HTTP}"),
  ),
  "route-not-accepted": manifests(httpRoute("{name: g, sectionName: other}")),
  "route-partially-invalid": manifests(
    httpRoute("{name: g}", "\n    - matches: [{path: {type: RegularExpression, value: /a.*}}]"),
  ),
  "unresolved-reference": manifests(httpRoute("{name: g}")),
  "no-certificate": manifests(ingress(path("/", "web"), "\n  tls: [{hosts: [a.example]}]") + service("web", OK)),
  "rules-syntax": rules("table ip t {\n\tchain c {\n\t\tip saddr is odd\n\t}\n}\n"),
  "rules-refused": rules("*filter\n-A INPUT -m owner --uid-owner 0\nCOMMIT\n"),
  "rules-dialect": rules("table ip t {\n}\n*filter\nCOMMIT\n"),
  "rules-truncated": rules("table ip t {\n\tchain c {\n"),
  "rules-include": rules('include "other.nft"\ntable ip t {\n}\n'),
  "rules-fragment": rules("-A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.0.0.1:80\n"),
  "rules-ipvs": rules("*nat\n:KUBE-LOAD-BALANCER - [0:0]\nCOMMIT\n"),
  "rules-listing": rules("table ip filter {\n\tchain INPUT {\n\t\txt match string counter drop\n\t}\n}\n"),
  "unknown-table": rules("add rule ip t c drop\n"),
  "unknown-chain": rules("*filter\n-A INPUT -j NOWHERE\nCOMMIT\n"),
  "unknown-set": rules("table ip t {\n\tchain c {\n\t\tip saddr @s drop\n\t}\n}\n"),
  "chain-loop": rules("*filter\n:a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\nCOMMIT\n"),
  "missing-node-file": nodeFiles(""),
  "repeated-node-file": nodeFiles("", '[{"ifindex":2,"ifname":"eth0","flags":[],"mtu":1400}]'),
  "unknown-interface": nodeFiles("", '[{"dst":"10.0.0.0/8","dev":"gone","flags":[]}]'),
  "unsupported-network": nodeFiles(',"linkinfo":{"info_kind":"bridge","info_data":{"vlan_filtering":1}}'),
  "packet-syntax": packet("tcp 10.0.0.1 >"),
  "unknown-object": packet("tcp pod/a/web > 10.0.0.1:80", service("web", OK)),
  "no-ingress-proxy": request("GET http://a.example/"),
  "unsupported-nft": unsupported("nft", "-m u32 --u32 0 -j DROP"),
  "unsupported-iptables": unsupported("iptables", "meta hour 10:00-12:00 drop"),
  "unsupported-haproxy": () => {
    const none: RouteTarget = { kind: "status", status: 404, reason: "none" };
    const paths: readonly PathRoute[] = [{ match: "exact", path: "/a b", target: none }];
    return printHaproxy([{ paths, fallback: none }]).unsupported;
  },
  "unsupported-table": unsupported("tables", "ip length 40 drop"),
  ...findingsOfWalks(),
  "client-address-lost": notesOf("bridge", "outside/client > 192.168.50.11:30123"),
  inferred: notesOf("bridge", "pod/shop/client > 10.244.2.10:8080"),
  "masquerade-source-surprising": notesOf("routed", "outside/client > 192.168.50.11:30123"),
  "port-not-declared": notesOf("bridge", "pod/shop/client > 10.244.2.10:9999"),
  "stale-difference": () => {
    const same = mustReadIptables("*filter\n-A INPUT -j DROP\nCOMMIT\n");
    const { applied, comparison } = hold([same, same], "  - left: drop\n    right: pass\n");
    return staleFindings(applied, answerOf([comparison], { gaps: [], given: [] }));
  },
};

/** The headings of the page, and the text below each. */
const PARAGRAPHS = new Map(
  readFileSync(new URL("../../docs/diagnostics.md", import.meta.url), "utf8")
    .split(/^### /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n")).split("\n## ", 1)[0] ?? ""]),
);

/** What an error says of input as it should be. */
const EXPECTATION =
  /\b(?:expected|must|may only|may not|more than|Required value|did you mean|is not configured|shows what|put everything|looks like)\b/;

/** Errors that say what is so, and nothing of what else there should be. */
const SAYS_WHAT_IS: Readonly<Partial<Record<DiagnosticCode, string>>> = {
  "duplicate-key": "one of the two has to go, whichever",
  "duplicate-object": "one of the two has to go, whichever",
  "duplicate-value": "one of the two has to go, whichever",
  "chain-loop": "one of the jumps has to go, whichever",
  "unknown-table": "the name is the writer's own",
  "unknown-chain": "the name is the writer's own",
  "unknown-set": "the name is the writer's own",
  "unknown-object": "the name is the writer's own",
  "rules-syntax": "in the words of iptables, where it says so itself",
  "too-deep": "how deep is too deep depends on the stack",
  "stale-difference": "the entry has to go",
  "unsupported-nft": "nothing else can be written there",
  "unsupported-iptables": "nothing else can be written there",
  "unsupported-table": "nothing else can be written there",
  "unreadable-file": "the file is not there",
};

const OF_WALKS: ReadonlySet<string> = new Set(Object.keys(findingsOfWalks()));

/** Whether an error says what was expected, or why not. */
function saysEnough({ severity, code, message }: Diagnostic): boolean {
  return severity !== "error" || OF_WALKS.has(code) || code in SAYS_WHAT_IS || EXPECTATION.test(message);
}

const KNOWN = new Map<DiagnosticCode, Promise<readonly Diagnostic[]>>();

/** The findings of this code about the input that causes it. */
function findingsOf(code: DiagnosticCode): Promise<readonly Diagnostic[]> {
  const all = async (): Promise<readonly Diagnostic[]> =>
    (await CAUSES[code]()).filter((diagnostic) => diagnostic.code === code);
  const found = KNOWN.get(code) ?? all();
  KNOWN.set(code, found);
  return found;
}

test.each(DIAGNOSTIC_CODES)("%s", async (code) => {
  const found = await findingsOf(code);
  expect(found.map(({ code: each }) => each)).toContain(code);
  expect(found.filter((each) => !saysEnough(each)).map(({ message }) => message)).toEqual([]);
  for (const { message, origin } of found) {
    expect(message).toMatch(/^\S[^\n]*[^\s.]$/);
    if (origin !== undefined) expect(lineAndColumn(origin.span()).line).toBeGreaterThan(0);
  }
  const [, severities = "", text = ""] = /^\s*An? ([^.]*)\. (\S.*\.)\s*$/s.exec(PARAGRAPHS.get(code) ?? "") ?? [];
  for (const { severity } of found) expect(severities).toContain(severity);
  expect(text.split(/\s+/).length).toBeGreaterThan(5);
});

test("docs/diagnostics.md has no codes that there are not", () => {
  expect([...PARAGRAPHS.keys()].sort()).toEqual([...DIAGNOSTIC_CODES].sort());
});

test("errors that do not say what was expected are those that need not", async () => {
  const codes = Object.keys(SAYS_WHAT_IS) as DiagnosticCode[];
  const found = await Promise.all(codes.map(findingsOf));
  // Where all of them say it, the code has no place in the list.
  expect(codes.filter((_, i) => found[i]?.every(({ message }) => EXPECTATION.test(message)))).toEqual([]);
});
