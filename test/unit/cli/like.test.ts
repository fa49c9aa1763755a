import { expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const OBJECTS = `${SERVICE}---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints: [{addresses: [10.244.1.20]}]
ports: [{name: http, port: 8081}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/app-root: /start
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
spec:
  ingressClassName: nginx
  rules:
    - host: shop.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {name: http}}}}]}
`;

test("kpc check --like tells what the controller of the class would do otherwise, with a URL", () => {
  inFolder({ "a.yaml": OBJECTS }, (folder) => {
    const { code, stdout } = kpc(["check", "a.yaml", "--like", "ingress-nginx", "--no-complete"], { folder });
    expect(code).toBe(0);
    expect(
      stdout,
    ).toBe(`a.yaml:32:22: warning: http://shop.example.com/ is redirected to /start with ingress-nginx, and goes to shop/api:http with kpc: ingress-nginx redirects / (app-root) [controller-differs]
        http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {name: http}}}}]}
                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
a.yaml:27:50: warning: annotation nginx.ingress.kubernetes.io/proxy-body-size of Ingress shop/shop is not carried over: kpc does nothing about it [annotation-ignored]
      nginx.ingress.kubernetes.io/proxy-body-size: 8m
                                                   ^^
`);
  });
});

test("kpc check --like says nothing of a controller that does the same, and refuses others", () => {
  inFolder({ "a.yaml": OBJECTS.replace("k8s.io/ingress-nginx", "traefik.io/ingress-controller") }, (folder) => {
    expect(kpc(["check", "a.yaml", "--like", "traefik", "--no-complete"], { folder })).toMatchObject({
      code: 0,
      stdout: "",
    });
    const { code, stderr } = kpc(["check", "a.yaml", "--like", "apache"], { folder });
    expect(code).toBe(2);
    expect(stderr).toContain("ingress-nginx, haproxy-ingress, nginx-inc, traefik");
  });
});
