/** How pods of the node are recognised, as far as the settings say it. */
import type { Report } from "../diagnostics.ts";
import type { Family } from "../net/address.ts";
import { type Prefix, prefixFamily } from "../net/prefix.ts";
import type { NodeSpec } from "../specs/types.ts";
import type { Config } from "./config.ts";
import type { Detector } from "./settings.ts";

/** For one family, as kube-proxy has one instance per family. A mode without what it needs means no detector. */
export function detectorOf(family: Family, config: Config, node: NodeSpec | undefined): Detector | undefined {
  const { detectLocalInterface: name } = config;
  switch (config.detectLocalMode) {
    case undefined:
    case "ClusterCIDR":
    case "NodeCIDR": {
      const own = blocksOf(config, node).filter((prefix) => prefixFamily(prefix) === family);
      return own.length === 0 ? undefined : { kind: "source", prefixes: own };
    }
    case "BridgeInterface":
      return name === undefined ? undefined : { kind: "interface", name };
    case "InterfaceNamePrefix":
      return name === undefined ? undefined : { kind: "interface-prefix", prefix: name };
    case "none":
      return undefined;
  }
}

function blocksOf({ detectLocalMode, clusterCidr }: Config, node: NodeSpec | undefined): readonly Prefix[] {
  const isOfNode = detectLocalMode === "NodeCIDR" || node?.assumed === true; // which has the cluster's
  return clusterCidr ?? (isOfNode ? node?.podCidrs : undefined) ?? [];
}

/** Reports `no-detector` where a mode is asked for and lacks what it needs, and `ignored-field` where something is given
 *  that the mode does not look at. */
export function reportDetector(config: Config, node: NodeSpec | undefined, report: Report): void {
  const lacking = lackOf(config, node);
  if (lacking !== undefined)
    report({
      severity: "warning",
      code: "no-detector",
      message: `detectLocalMode ${config.detectLocalMode} ${lacking}: ${CONSEQUENCE}`,
      ...originOf(config, "detectLocalMode"),
    });
  const { detectLocalMode: mode, detectLocalInterface: name, clusterCidr = [] } = config;
  const takesInterface = mode === "BridgeInterface" || mode === "InterfaceNamePrefix";
  const without = mode === undefined ? "without detectLocalMode" : `with detectLocalMode ${mode}`;
  if (name !== undefined && !takesInterface)
    report({
      severity: "warning",
      code: "ignored-field",
      message: `detectLocalInterface ${without} is ignored: expected BridgeInterface or InterfaceNamePrefix`,
      ...originOf(config, "detectLocalInterface"),
    });
  if (clusterCidr.length > 0 && (takesInterface || mode === "none"))
    report({
      severity: mode === "none" ? "warning" : "info",
      code: "ignored-field",
      message: `clusterCIDR ${without} is ignored: expected ClusterCIDR`,
      ...originOf(config, "clusterCidr"),
    });
}

const CONSEQUENCE =
  "kpc recognises no packet as one of this node's pods: it masquerades nothing for coming from elsewhere, and pods " +
  "that call a load balancer with externalTrafficPolicy Local get local endpoints only";

/** What the mode that is asked for lacks, in words. */
function lackOf(config: Config, node: NodeSpec | undefined): string | undefined {
  switch (config.detectLocalMode) {
    case undefined:
    case "none":
      return undefined;
    case "ClusterCIDR":
      return blocksOf(config, node).length > 0 ? undefined : "without clusterCIDR";
    case "NodeCIDR":
      if (blocksOf(config, node).length > 0) return undefined;
      return node === undefined ? "without a Node object" : `with Node ${node.meta.name}, which has no spec.podCIDRs`;
    case "BridgeInterface":
    case "InterfaceNamePrefix":
      return config.detectLocalInterface === undefined ? "without detectLocalInterface" : undefined;
  }
}

function originOf({ origins }: Config, name: keyof NonNullable<Config["origins"]>): object {
  const origin = origins?.[name];
  return origin === undefined ? {} : { origin };
}
