import { describe, expect, test } from "vitest";
import { resolveCluster } from "../../../compiler/model/resolve.ts";
import { printAddressPort } from "../../../compiler/net/address.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { textAt } from "../../support/resolved.ts";

const service = (selector: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {clusterIP: 10.96.0.9, ports: [{port: 80}]${selector}}\n`;
const endpoints = (metadata = "", subsets = "{addresses: [{ip: 10.0.0.1}], ports: [{port: 8080}]}"): string =>
  `apiVersion: v1\nkind: Endpoints\nmetadata: {name: db${metadata}}\nsubsets: [${subsets}]\n`;
const slice = (labels = ""): string =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: db-1, labels: {kubernetes.io/service-name: db${labels}}}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.2]}]\nports: [{port: 8080}]\n`;
const pod = (labels: string, ip = "10.0.0.3"): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {${labels}}}\nspec: {containers: []}\nstatus: {podIP: ${ip}, conditions: [{type: Ready, status: "True"}]}\n`;

const SELECTING = service(", selector: {app: db}");
const PLAIN = service("");

/** The endpoints of the only Service, and what is said of Endpoints objects. */
function resolve(...objects: readonly string[]): { endpoints: string[]; said: string[] } {
  const said: string[] = [];
  const specs = loadSpecs([{ name: "a.yaml", text: objects.join("---\n") }], (finding) => {
    if (finding.severity === "error") said.push(finding.message);
  });
  const { servicePorts } = resolveCluster(specs, { controller: "x" }, ({ severity, code, message, origin }) => {
    if (code !== "endpoints-ignored" && code !== "too-many-items") return;
    said.push(`${severity}: ${message}`);
    if (code === "too-many-items") expect(textAt(origin)).toMatch(/^\{addresses: .*ports: \[\{port: 80\}\]\}$/);
  });
  const found = servicePorts.IPv4.flatMap(({ candidates }) => candidates).filter(({ ready }) => ready);
  return { endpoints: found.map(({ address, port }) => printAddressPort(address, port)), said };
}

const LEFT_OUT = "Endpoints default/db is left out:";

describe("a Service without a selector", () => {
  test.each<[what: string, objects: string[], endpoints: string[], said: string[]]>([
    ["Endpoints are mirrored", [endpoints()], ["10.0.0.1:8080"], []],
    ["beside other slices too", [endpoints(), slice()], ["10.0.0.1:8080", "10.0.0.2:8080"], []],
    [
      "not where mirrored slices are in the input",
      [endpoints(), slice(", endpointslice.kubernetes.io/managed-by: endpointslicemirroring-controller.k8s.io")],
      ["10.0.0.2:8080"],
      [`info: ${LEFT_OUT} its mirrored EndpointSlices are in the input`],
    ],
    [
      "not with the label skip-mirror",
      [endpoints(', labels: {endpointslice.kubernetes.io/skip-mirror: "true"}')],
      [],
      [
        `warning: ${LEFT_OUT} it carries the label endpointslice.kubernetes.io/skip-mirror: "true"; its Service has no other endpoints`,
      ],
    ],
    [
      "with another value of that label",
      [endpoints(', labels: {endpointslice.kubernetes.io/skip-mirror: "false"}')],
      ["10.0.0.1:8080"],
      [],
    ],
    [
      "with that as an annotation, which is not looked at",
      [endpoints(', annotations: {endpointslice.kubernetes.io/skip-mirror: "true"}')],
      ["10.0.0.1:8080"],
      [],
    ],
    [
      "not with the annotation of leader election",
      [endpoints(', annotations: {control-plane.alpha.kubernetes.io/leader: "{}"}'), slice()],
      ["10.0.0.2:8080"],
      [`info: ${LEFT_OUT} it carries the annotation control-plane.alpha.kubernetes.io/leader`],
    ],
    ...["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"].map(
      (label): [string, string[], string[], string[]] => [
        `not seen with ${label}, which slices inherit`,
        [endpoints(`, labels: {${label}: ""}`)],
        [],
        [
          `warning: ${LEFT_OUT} its mirrored EndpointSlices carry the label ${label}, which they inherit; its Service has no other endpoints`,
        ],
      ],
    ),
    ["whatever Pods there are", [endpoints(), pod("app: db")], ["10.0.0.1:8080"], []],
  ])("%s", (_, objects, wanted, said) => {
    expect(resolve(PLAIN, ...objects)).toEqual({ endpoints: wanted, said });
    // An API server stores an empty selector as none.
    expect(resolve(service(", selector: {}"), ...objects)).toEqual({ endpoints: wanted, said });
  });

  test("an address that is ready in one subset only is not ready, a thousand addresses of a subset count", () => {
    const subset = (key: string, ip: string, port: number): string =>
      `{${key}: [{ip: ${ip}}], ports: [{port: ${port}}]}`;
    const both = `${subset("addresses", "10.0.0.1", 80)}, ${subset("notReadyAddresses", "10.0.0.1", 80)}`;
    expect(resolve(PLAIN, endpoints("", both)).endpoints).toEqual([]);
    const other = `${subset("addresses", "10.0.0.1", 80)}, ${subset("notReadyAddresses", "10.0.0.1", 81)}`;
    expect(resolve(PLAIN, endpoints("", other)).endpoints).toEqual(["10.0.0.1:80"]);
    const listOf = (length: number) => Array.from({ length }, (_, i) => `{ip: 10.1.${i >> 8}.${i & 255}}`).join();
    const list = listOf(1001);
    const { endpoints: found, said } = resolve(PLAIN, endpoints("", `{addresses: [${list}], ports: [{port: 80}]}`));
    expect(found).toHaveLength(1000);
    expect(said).toEqual([
      "warning: Endpoints default/db has 1001 addresses in a subset: only the first 1000 are mirrored",
    ]);
    const halves = `{addresses: [${listOf(600)}], notReadyAddresses: [${listOf(500)}], ports: [{port: 80}]}`;
    expect(resolve(PLAIN, endpoints("", halves)).said).toEqual([
      "warning: Endpoints default/db has 1100 addresses in a subset: only the first 1000 are mirrored",
    ]);
    expect(resolve(PLAIN, endpoints("", `{addresses: [${listOf(1000)}], ports: [{port: 80}]}`)).said).toEqual([]);
  });
});

describe("a Service with a selector", () => {
  test.each<[what: string, objects: string[], endpoints: string[], said: string[]]>([
    ["Endpoints stand in for Pods that are not in the input", [endpoints()], ["10.0.0.1:8080"], []],
    [
      "slices count, Endpoints do not",
      [endpoints(), slice()],
      ["10.0.0.2:8080"],
      [`info: ${LEFT_OUT} its Service has a selector, and EndpointSlices are in the input`],
    ],
    [
      "Pods count, Endpoints do not",
      [endpoints(), pod("app: db")],
      ["10.0.0.3:80"],
      [`info: ${LEFT_OUT} its Service has a selector, and Pods are in the input`],
    ],
    [
      "also where the selector matches none of the Pods",
      [endpoints(), pod("app: web")],
      [],
      [`info: ${LEFT_OUT} its Service has a selector, and Pods are in the input`],
    ],
    [
      "slices that kube-proxy does not see are not replaced by Endpoints",
      [endpoints(), slice(', service.kubernetes.io/headless: ""')],
      [],
      [`info: ${LEFT_OUT} its Service has a selector, and EndpointSlices are in the input`],
    ],
  ])("%s", (_, objects, wanted, said) => {
    expect(resolve(SELECTING, ...objects)).toEqual({ endpoints: wanted, said });
  });
});

describe("the endpoints of one port", () => {
  const MANY =
    "[{name: web, port: 8080}, {name: dns, port: 53, protocol: UDP}, {name: web, port: 8081, protocol: UDP}]";
  /** Of a Service without a selector that has the port `web` of TCP: addresses of its candidates, those that are not ready in brackets. */
  function candidatesOf(...subsets: readonly string[]): string[] {
    const named = PLAIN.replace("{port: 80}", "{name: web, port: 80}");
    const specs = loadSpecs(
      [{ name: "a.yaml", text: `${named}---\n${endpoints("", subsets.join(", "))}` }],
      () => undefined,
    );
    const { servicePorts } = resolveCluster(specs, { controller: "x" }, () => undefined);
    return servicePorts.IPv4.flatMap(({ candidates }) => candidates).map(({ address, port, ready }) => {
      const text = printAddressPort(address, port);
      return ready ? text : `(${text})`;
    });
  }

  test.each<[what: string, subsets: string[], candidates: string[]]>([
    ["by name and protocol", [`{addresses: [{ip: 10.0.0.1}], ports: ${MANY}}`], ["10.0.0.1:8080"]],
    ["none of a subset without the port", ["{addresses: [{ip: 10.0.0.1}], ports: [{name: dns, port: 53}]}"], []],
    ["none of a subset without ports", ["{addresses: [{ip: 10.0.0.1}]}"], []],
    [
      "those that are not ready",
      [`{addresses: [{ip: 10.0.0.1}], notReadyAddresses: [{ip: 10.0.0.2}], ports: ${MANY}}`],
      ["10.0.0.1:8080", "(10.0.0.2:8080)"],
    ],
    [
      "an address that is not ready in another subset",
      [`{addresses: [{ip: 10.0.0.1}], ports: ${MANY}}`, `{notReadyAddresses: [{ip: 10.0.0.1}], ports: ${MANY}}`],
      ["(10.0.0.1:8080)"],
    ],
    [
      "an address that is not ready at another port",
      [
        `{addresses: [{ip: 10.0.0.1}], ports: ${MANY}}`,
        "{notReadyAddresses: [{ip: 10.0.0.1}], ports: [{name: web, port: 9090}]}",
      ],
      ["10.0.0.1:8080", "(10.0.0.1:9090)"],
    ],
  ])("%s", (_, subsets, candidates) => {
    expect(candidatesOf(...subsets)).toEqual(candidates);
  });
});
