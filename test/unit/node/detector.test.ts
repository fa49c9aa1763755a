import { expect, test } from "vitest";
import { printPrefix } from "../../../compiler/net/prefix.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { detectorOf, reportDetector } from "../../../compiler/node/detector.ts";
import type { Detector } from "../../../compiler/node/settings.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import type { NodeSpec } from "../../../compiler/specs/types.ts";
import { prefix } from "../../support/service-port.ts";

const node = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const [NODE, BARE] = loadSpecs(
  [
    {
      name: "nodes.yaml",
      text: [node("a", '{podCIDRs: [10.244.1.0/24, "fd00:1::/64"]}'), node("b", "{}")].join("---\n"),
    },
  ],
  ({ message }) => expect.fail(message),
).nodes;
const CLUSTER = [prefix("10.244.0.0/16")];

function textOf(detector: Detector | undefined): string {
  switch (detector?.kind) {
    case undefined:
      return "none";
    case "source":
      return detector.prefixes.map(printPrefix).join(" ");
    case "interface":
      return detector.name;
    case "interface-prefix":
      return `${detector.prefix}*`;
  }
}

test.each<[config: Config, node: NodeSpec | undefined, ipv4: string, ipv6: string, found: string[]]>([
  [{}, NODE, "none", "none", []],
  [{ clusterCidr: CLUSTER }, NODE, "10.244.0.0/16", "none", []],
  [{ clusterCidr: CLUSTER, detectLocalMode: "ClusterCIDR" }, NODE, "10.244.0.0/16", "none", []],
  [{ detectLocalMode: "ClusterCIDR" }, NODE, "none", "none", ["no-detector"]],
  [{ detectLocalMode: "NodeCIDR" }, NODE, "10.244.1.0/24", "fd00:1::/64", []],
  [{ detectLocalMode: "NodeCIDR" }, BARE, "none", "none", ["no-detector"]],
  [{ detectLocalMode: "NodeCIDR" }, undefined, "none", "none", ["no-detector"]],
  [{ detectLocalMode: "BridgeInterface", detectLocalInterface: "cni0" }, NODE, "cni0", "cni0", []],
  [{ detectLocalMode: "BridgeInterface" }, NODE, "none", "none", ["no-detector"]],
  [{ detectLocalMode: "InterfaceNamePrefix", detectLocalInterface: "veth" }, NODE, "veth*", "veth*", []],
  [{ detectLocalMode: "none" }, NODE, "none", "none", []],
  [{ detectLocalInterface: "cni0" }, NODE, "none", "none", ["ignored-field"]],
  [{ detectLocalMode: "none", clusterCidr: CLUSTER }, NODE, "none", "none", ["ignored-field"]],
])("%j", (config, node, ipv4, ipv6, found) => {
  const codes: string[] = [];
  reportDetector(config, node, ({ code }) => codes.push(code));
  const [v4, v6] = (["IPv4", "IPv6"] as const).map((family) => textOf(detectorOf(family, config, node)));
  expect({ v4, v6, codes }).toEqual({ v4: ipv4, v6: ipv6, codes: found });
});
