/** Settings for each Node of the input. */
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Specs } from "../specs/types.ts";
import type { Config } from "./config.ts";
import { type Resolved, resolveConfig } from "./resolve.ts";

/** Members of a config that say something of one node, with their words in a file. */
const OF_ONE_NODE = [
  ["nodeName", "nodeName"],
  ["nodeIp", "nodeIP"],
  ["nodeIps", "nodeIPs"],
  ["zone", "zone"],
] as const;

/** Settings for all Nodes, in the order of their names. What the config says of one node is left out: each Node object says
 *  it of its own. A finding that several nodes share is reported once. Reports `no-node` where no Node is given, and
 *  `ignored-field`. */
export function resolveConfigs(config: Config, specs: Specs, report: Report): readonly Resolved[] {
  reportIgnored(config, report);
  if (specs.nodes.length === 0) {
    const message =
      "rules for all nodes need Node objects, and the input has none: expected kind: Node, such as kubectl get nodes -o yaml prints";
    report({ severity: "error", code: "no-node", message });
  }
  const common = { ...config, ...Object.fromEntries(OF_ONE_NODE.map(([member]) => [member, undefined])) };
  const once = reportOnce(report);
  const names = specs.nodes.map(({ meta }) => meta.name).sort();
  return names.map((nodeName) => resolveConfig({ ...common, nodeName }, specs, once));
}

function reportIgnored(config: Config, report: Report): void {
  for (const [member, word] of OF_ONE_NODE) {
    if (config[member] === undefined) continue;
    const origin = config.origins?.[member];
    const message = `${word} is about one node: rules for all nodes take it from each Node object`;
    report({ severity: "warning", code: "ignored-field", message, ...(origin === undefined ? {} : { origin }) });
  }
}

/** Passes on each finding that no other node has had. Findings about one node name it. */
function reportOnce(report: Report): Report {
  const told = new Set<string>();
  return (diagnostic: Diagnostic): void => {
    const key = `${diagnostic.code} ${diagnostic.message}`;
    if (!told.has(key)) report(diagnostic);
    told.add(key);
  };
}
