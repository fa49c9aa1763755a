/** How packets of this node's pods are told. */
import { expect, test } from "vitest";
import { printRule } from "../../../compiler/formats/nft/print.ts";
import { rule } from "../../../compiler/ir/build.ts";
import { fromPod } from "../../../compiler/lower/sources.ts";
import type { Detector } from "../../../compiler/node/settings.ts";
import { prefix } from "../../support/service-port.ts";

test.each<[detector: Detector, is: string, isNot: string]>([
  [{ kind: "source", prefixes: [prefix("10.244.1.0/24")] }, "ip saddr 10.244.1.0/24", "ip saddr != 10.244.1.0/24"],
  [{ kind: "interface", name: "cni0" }, 'iifname "cni0"', 'iifname != "cni0"'],
  [{ kind: "interface-prefix", prefix: "veth" }, 'iifname "veth*"', 'iifname != "veth*"'],
])("by %o", (detector, is, isNot) => {
  expect(printRule(rule(fromPod(detector, "IPv4")), "ip")).toBe(is);
  expect(printRule(rule(fromPod(detector, "IPv4", true)), "ip")).toBe(isNot);
});
