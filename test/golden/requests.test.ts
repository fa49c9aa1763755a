/** Requests through the ingress proxy of the example: as text, as data, as a diagram. `vitest -u` writes the files. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Described } from "../../compiler/described.ts";
import { askedToData, renderAsked, resolveAsked } from "../../compiler/trace/asked.ts";
import { parseTraceText } from "../../compiler/trace/parse.ts";
import type { WalkData } from "../../compiler/trace/walk/json.ts";
import { renderMermaid } from "../../compiler/trace/walk/mermaid.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import { accepts, type JsonSchema } from "../support/json-schema.ts";
import { describeSources, SHOP_CLUSTER, SHOP_MANIFESTS, WALK_SCHEMA } from "../support/shop-example.ts";

const REQUESTS = {
  outside: "GET http://shop.example.com/api/orders?id=1",
  "by-name": "pod/shop/web-1 > POST http://shop.example.com/cart Host: shop.example.com:80",
  "not-found": "GET http://other.example.com/",
  "no-certificate": "GET https://shop.example.com/",
} as const;

/** To a Gateway with one route, in the place of the Ingress. */
const GATEWAY_REQUESTS = {
  "gateway-shares": "POST http://shop.example.com/api/orders",
  "gateway-redirect": "GET http://shop.example.com/old/cart?id=1",
  "gateway-no-rule": "GET http://shop.example.com/",
} as const;

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec:
  gatewayClassName: kpc
  listeners: [{name: http, port: 80, protocol: HTTP, hostname: "*.example.com"}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: shop}]
  hostnames: [shop.example.com]
  rules:
    - matches: [{path: {value: /api}, method: POST}]
      backendRefs: [{name: api, port: 80, weight: 3}, {name: web, port: 80, weight: 1}]
    - matches: [{path: {value: /old}}]
      filters:
        - type: RequestRedirect
          requestRedirect: {scheme: https, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}, statusCode: 301}
`;

let shop: Described;
let gateway: Described;

beforeAll(() => {
  shop = describeSources([...SHOP_MANIFESTS, SHOP_CLUSTER]);
  const others = SHOP_MANIFESTS.filter(({ text }) => !text.includes("kind: Ingress\n"));
  gateway = describeSources([...others, SHOP_CLUSTER, { name: "gateway.yaml", text: GATEWAY }]);
});

/** What `format` makes of a request. */
function tell(
  { input, layout, walker }: Described,
  text: string,
): { readonly text: string; readonly data: WalkData; readonly mermaid: string } {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const parsed = parseTraceText({ name: "packet", text }, fail);
  const asked = parsed && resolveAsked(parsed, { ...input, layout }, fail);
  if (asked === undefined) throw new Error(`${text} is no request`);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: asked.flow.protocol, hosts: network.hosts, isVerbose: false };
  const walk = walker.walk(asked.flow);
  const data = { apiVersion: "kpc.dev/v1alpha1", kind: "Walk", ...askedToData(walk, asked, context, true, []) };
  return {
    text: renderAsked(walk, asked, context, false),
    data,
    mermaid: renderMermaid(walk, context, false),
  };
}

describe("requests", () => {
  test.each([...Object.entries(REQUESTS), ...Object.entries(GATEWAY_REQUESTS)])("%s", async (name, asked) => {
    const { text, data, mermaid } = tell(name.startsWith("gateway") ? gateway : shop, asked);
    const path = (ending: string): string => new URL(`requests/${name}.${ending}`, import.meta.url).pathname;
    await expect(text).toMatchFileSnapshot(path("txt"));
    await expect(mermaid).toMatchFileSnapshot(path("mmd"));
    expect(accepts(JSON.parse(WALK_SCHEMA.text) as JsonSchema, JSON.parse(JSON.stringify(data)))).toBe(true);
    // The hops are as in the text.
    const { request, answered, branches } = data;
    const ends = branches.map(({ probability, end }) => ({ probability, end }));
    await expect(`${JSON.stringify({ answered, request, ends }, undefined, 1)}\n`).toMatchFileSnapshot(
      path("data.txt"),
    );
  });
});
