import { expect, test } from "vitest";
import { printAddress } from "../../../compiler/net/address.ts";
import { describeShop, flowOf } from "../../support/walks.ts";

test("a SYN-ACK by way of a host that has not seen the SYN is invalid there, and not masqueraded", () => {
  const { walker } = describeShop({ pods: "bridge", balancer: "nat", keepsClient: true });
  const { branches } = walker.walk(flowOf("outside/client > 198.51.100.40:80"));
  const sources = branches.map(({ back }) => back?.end.kind === "stranger" && printAddress(back.end.got.source));
  expect(new Set(sources)).toEqual(new Set(["192.168.50.11", "192.168.50.12"]));
});
