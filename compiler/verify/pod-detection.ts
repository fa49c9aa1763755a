/** How a host's own rules about Services recognise the pods of the node: by what they do not masquerade. */

import { lineAndColumn, type Origin } from "../diagnostics.ts";
import { intervalAsPrefix } from "../ir/interval.ts";
import type { Program, Rule, Step } from "../ir/types.ts";
import { type Prefix, prefixFamily, printPrefix } from "../net/prefix.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import type { ServiceRules } from "./service-rules.ts";

/** Settings by which pods are recognised, and a sentence about where they are from. */
export interface PodDetection {
  readonly config: Pick<Config, "detectLocalMode" | "detectLocalInterface" | "clusterCidr">;
  readonly note: string;
}

/** The detection of a host with `rules`: the block, or interface, from outside of which packets to cluster IPs are masqueraded; of
 *  families without rules about Services, the podCIDRs of the Nodes. */
export function podDetectionOf(rules: Pick<ServiceRules, "own" | "families">, { nodes }: Specs): PodDetection {
  const found = conditionsIn(rules.own);
  const byInterface = found.find((each) => each.kind !== "blocks");
  if (byInterface !== undefined) {
    const { kind, name, origin } = byInterface;
    const detectLocalMode = kind === "interface" ? "BridgeInterface" : "InterfaceNamePrefix";
    return {
      config: { detectLocalMode, detectLocalInterface: name },
      note: `pods of this node are recognised by ${kind === "interface" ? "interface" : "interfaces"} ${name}${kind === "interface" ? "" : "*"}, from this host's rules${placeOf(origin)}${CHANGE}`,
    };
  }
  const blocks = found.flatMap((each) => (each.kind === "blocks" ? [each] : []));
  const own = unique(blocks.flatMap(({ prefixes }) => prefixes));
  if (own.length > 0)
    return {
      config: { clusterCidr: own },
      note: `cluster CIDR ${own.map(printPrefix).join(", ")}, from this host's rules${placeOf(blocks[0]?.origin)}${CHANGE}`,
    };
  if (hasServices(rules.own))
    return {
      config: {},
      note: `this host's rules have no cluster CIDR and masquerade nothing for coming from outside the pods: compared without one${CHANGE}`,
    };
  const fromNodes = unique(nodes.flatMap(({ podCidrs }) => podCidrs)).filter((prefix) =>
    rules.families.includes(prefixFamily(prefix)),
  );
  if (fromNodes.length > 0)
    return {
      config: { clusterCidr: fromNodes },
      note: `cluster CIDR ${fromNodes.map(printPrefix).join(", ")}, from the podCIDRs of the Nodes${CHANGE}`,
    };
  return { config: {}, note: `no cluster CIDR is known, neither from this host's rules nor from Nodes${CHANGE}` };
}

const CHANGE = " (--cluster-cidr to change it)";

function placeOf(origin: Origin | undefined): string {
  const span = origin?.span();
  return span === undefined ? "" : `, ${span.source.name}:${lineAndColumn(span).line}`;
}

type Condition = { readonly origin: Origin | undefined } & (
  | { readonly kind: "blocks"; readonly prefixes: readonly Prefix[] }
  | { readonly kind: "interface" | "interface-prefix"; readonly name: string }
);

/** What packets that are marked, or masqueraded, do not have. */
function conditionsIn({ ruleset }: Program): Condition[] {
  return ruleset.tables.flatMap(({ chains }) =>
    chains.flatMap(({ rules }) =>
      rules.filter(masquerades).flatMap(({ steps, origin }) => steps.flatMap((step) => conditionOf(step, origin))),
    ),
  );
}

const MARKING: ReadonlySet<string> = new Set(["KUBE-MARK-MASQ", "mark-for-masquerade"]);

function masquerades({ steps }: Rule): boolean {
  const last = steps.at(-1);
  if (last?.kind === "verdict") return "chain" in last.verdict && MARKING.has(last.verdict.chain);
  return last?.kind === "masquerade";
}

function conditionOf(step: Step, origin: Origin | undefined): Condition[] {
  switch (step.kind) {
    case "compare": {
      if (step.operator !== "!=") return [];
      if (isInterface(step.left)) return [{ kind: "interface", name: String(step.right), origin }];
      return isSource(step.left)
        ? [{ kind: "blocks", prefixes: prefixesOf([{ from: step.right, to: step.right }]), origin }]
        : [];
    }
    case "within":
      return step.negated && isSource(step.left)
        ? [{ kind: "blocks", prefixes: prefixesOf(step.intervals), origin }]
        : [];
    case "name-prefix":
      return step.negated && isInterface(step.left) ? [{ kind: "interface-prefix", name: step.prefix, origin }] : [];
    default:
      // kube-proxy recognises pods by no other match.
      return [];
  }
}

function isSource(left: Extract<Step, { kind: "compare" }>["left"]): boolean {
  return (left.kind === "ip" || left.kind === "ip6") && left.field === "saddr";
}

function isInterface(left: Extract<Step, { kind: "compare" }>["left"]): boolean {
  return left.kind === "meta" && left.key === "iifname";
}

function prefixesOf(intervals: Extract<Step, { kind: "within" }>["intervals"]): Prefix[] {
  return intervals.flatMap((interval) => {
    const type = typeof interval.from === "bigint" ? "ipv6_addr" : "ipv4_addr";
    return intervalAsPrefix(interval, type) ?? [];
  });
}

function unique(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [printPrefix(prefix), prefix])).values()];
}

/** Whether there are rules for Services, which would ask where packets come from. */
function hasServices({ ruleset }: Program): boolean {
  return ruleset.tables.some(({ chains }) =>
    chains.some(({ name, rules }) => /^(?:KUBE-SVC-|service-|(?:KPC-)?masquerade-as-)/.test(name) && rules.length > 0),
  );
}
