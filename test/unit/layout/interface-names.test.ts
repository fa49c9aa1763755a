import { expect, test } from "vitest";
import { portNames } from "../../../compiler/layout/interface-names.ts";

test("ports of a switch have names that Linux takes, each another one", () => {
  const long = ["ip-10-0-101-23.eu-west-1.compute.internal", "ip-10-0-101-24.eu-west-1.compute.internal"];
  const hosts = ["node/n1", ...long.map((name) => `node/${name}`), "gateway", "node/gateway", "lb/shop/pub"];
  const names = [...portNames(hosts).values()];
  expect(names).toEqual(["p-n1", "p-ip-10-0-101-2", "p-ip-10-0-101~1", "p-gateway", "p-gateway~1", "p-lb-shop-pub"]);
});
