/** Expectations about HTTP requests: that they hold where they are true, and fail where they are not. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Described } from "../../../compiler/described.ts";
import { resultOf } from "../../support/cluster-case.ts";
import { describeSources, SHOP_CLUSTER, SHOP_MANIFESTS } from "../../support/shop-example.ts";

/** `hidden`: the proxy's Service has the policy Cluster, so nodes hide clients. */
let shops: Readonly<Record<"seen" | "hidden", Described>>;

beforeAll(() => {
  const files = [...SHOP_MANIFESTS, SHOP_CLUSTER];
  const policy = "  externalTrafficPolicy: Local\n  healthCheckNodePort: 32101\n";
  const hidden = files.map(({ name, text }) => ({ name, text: text.replace(policy, "") }));
  shops = { seen: describeSources(files), hidden: describeSources(hidden) };
});

const API = "from: internet, request: GET http://shop.example.com/api";
const NONE = "from: internet, request: GET http://other.example.com/";

describe("a request", () => {
  test.each<["seen" | "hidden", string, string]>([
    ["seen", API, "delivered: {app: api}, seenAs: client, reply: delivered"],
    ["seen", API, "delivered: [api-1, api-2], probability: 1 in 2, seenAs: 198.51.100.10"],
    ["hidden", API, "delivered: 2, seenAs: node"],
    ["seen", NONE, "status: 404"],
    ["seen", NONE, "delivered: false, status: 404, reply: delivered"],
    ["seen", `${API}, families: [IPv6]`, "delivered: [api-1, api-2], seenAs: client"],
    ["seen", "from: internet, request: 'GET http://198.51.100.50/api Host: shop.example.com'", "delivered: {app: api}"],
  ])("%s: {%s} holds {%s}", (shop, flow, members) => {
    expect(resultOf(shops[shop], `{${flow}, expect: {${members}}}`)).toMatchObject({ status: "pass" });
  });

  test.each<["seen" | "hidden", string, string, string]>([
    ["seen", API, "delivered: {app: web}", "pod/shop/api-1, pod/shop/api-2 can get it, too"],
    [
      "hidden",
      API,
      "seenAs: client",
      "pod/shop/api-1 is told X-Forwarded-For: 10.244.1.1 (node/node-1), not the client's address",
    ],
    ["seen", API, "status: 404", "not answered with 404: delivered to pod/shop/api-1:8081, which sees "],
    ["seen", NONE, "status: 503", "not answered with 503: delivered to port 80 (container haproxy), sees "],
    ["seen", NONE, "delivered: 2", "not delivered: delivered to port 80 (container haproxy), sees "],
    ["seen", NONE, "seenAs: client", "not delivered: "],
    ["seen", API, "delivered: false", "delivered: delivered to pod/shop/api-1:8081"],
    ["seen", "from: nobody, request: GET http://shop.example.com/", "status: 404", "nobody is not in the input"],
  ])("%s: {%s} does not hold {%s}", (shop, flow, members, reason) => {
    const result = resultOf(shops[shop], `{${flow}, expect: {${members}}}`);
    expect(result).toMatchObject({ status: "fail" });
    expect(result.reason).toContain(reason);
  });

  test("that fails is replayed as it is written", () => {
    const { trace } = resultOf(shops.seen, `{${API}, expect: {delivered: 1}}`);
    expect(trace).toBe("kpc trace 'internet > GET http://shop.example.com/api' shop --mode nftables");
  });
});
