import { expect, test } from "vitest";
import { type ResolvedInput, resolveInput } from "../../../compiler/compile.ts";
import { required } from "../../../compiler/invariant.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { namesFor } from "../../../runtime/playground/worker/names.ts";

const SERVICES = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, clusterIP: 10.96.0.9, ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {clusterIP: 10.96.0.10, ports: [{port: 8080}]}
`;

/** An Ingress to api, whose hosts of \`tls\` have certificates. */
function ingress(hosts: readonly string[], tls: readonly string[]): string {
  const backend = "backend: {service: {name: api, port: {number: 8080}}}";
  const rules = hosts.map((host) => `{host: "${host}", http: {paths: [{path: /api, pathType: Prefix, ${backend}}]}}`);
  return `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api, namespace: shop}
spec: {tls: [{hosts: [${tls.map((host) => `"${host}"`).join()}]}], rules: [${rules.join()}]}
`;
}

const GATEWAY = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: kpc}
spec: {controllerName: kpc.dev/ingress}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: kpc, listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 8000, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: ["*.a.test"]
  rules: [{matches: [{path: {type: Exact, value: /v1}}], backendRefs: [{name: api, port: 8080}]}]
`;

function names(text: string): string[] {
  const sources = [{ name: "a.yaml", text: SERVICES + text }];
  const { resolved } = resolveInput(
    (report) => loadSpecs(sources, report),
    {},
    {},
    () => [],
  );
  return namesFor(required<ResolvedInput>(resolved, "no errors"));
}

const OF_SERVICES = ["internet", "lb/shop/web", "svc/shop/api:8080", "svc/shop/web:dns", "svc/shop/web:http"];

test.each<[what: string, text: string, more: string[]]>([
  ["Services, by port and as load balancers", "", []],
  ["a host of an Ingress", ingress(["a.test"], []), ["http://a.test/api"]],
  ["a host with a certificate", ingress(["a.test"], ["a.test"]), ["http://a.test/api", "https://a.test/api"]],
  ["a wildcard", ingress(["*.a.test"], []), ["http://any.a.test/api"]],
  ["HTTPRoutes at each listener", GATEWAY, ["http://any.a.test/v1", "http://any.a.test:8000/v1"]],
])("%s", (_, text, more) => {
  expect(names(text)).toEqual([...OF_SERVICES, ...more].sort());
});
