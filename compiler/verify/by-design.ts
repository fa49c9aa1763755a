/** Source translation that a network plugin does by design: for traffic out of the cluster, or to its own host ports. */
import { type Difference, differencesOf } from "../compare/outcomes.ts";
import { destinationOf, KEPT, sourceOf } from "../evaluate/disposition.ts";
import { areSame, distributionOf } from "../evaluate/distribution.ts";
import type { Outcome, Result } from "../evaluate/packet.ts";
import type { Rule, Table } from "../ir/types.ts";

/** Chains of network plugins that translate sources, by name. The bridge plugin has a chain for each pod. */
const PLUGINS: readonly { readonly by: string; readonly chains: RegExp }[] = [
  { by: "flannel", chains: /^FLANNEL-POSTRTG$/ },
  { by: "Calico", chains: /^(?:cali-nat-outgoing|nat-cali-nat-outgoing|felix-nat-outgoing)$/ },
  { by: "kindnet", chains: /^KIND-MASQ-AGENT$/ },
  { by: "portmap (host ports)", chains: /^(?:CNI-HOSTPORT-MASQ|CNI-HOSTPORT-SNAT|CNI-SN-[0-9a-f]+)$/ },
  { by: "the bridge or ptp plugin", chains: /^CNI-[0-9a-f]{24}$/ },
  { by: "the AWS VPC CNI", chains: /^AWS-SNAT-CHAIN-\d+$/ },
  { by: "ip-masq-agent", chains: /^IP-MASQ-AGENT$/ },
  { by: "Cilium", chains: /^(?:OLD_)?CILIUM_POST_nat$/ },
  { by: "Antrea", chains: /^ANTREA-POSTROUTING$/ },
  { by: "Weave Net", chains: /^(?:WEAVE|WEAVE-IPTABLES)$/ },
];

/** A table in which the rules of such chains say by whom they translate. */
export function withDesigners(table: Table): Table {
  if (!table.chains.some(({ name }) => designerOf(name) !== undefined)) return table;
  const chains = table.chains.map((chain): Table["chains"][number] => {
    const by = designerOf(chain.name);
    return by === undefined ? chain : { ...chain, rules: chain.rules.map((rule) => marked(rule, by)) };
  });
  return { ...table, chains };
}

function designerOf(chain: string): string | undefined {
  return PLUGINS.find(({ chains }) => chains.test(chain))?.by;
}

function marked(rule: Rule, by: string): Rule {
  if (!rule.steps.some(({ kind }) => kind === "masquerade" || kind === "snat")) return rule;
  const steps = rule.steps.map((step) => (step.kind === "masquerade" || step.kind === "snat" ? { ...step, by } : step));
  return { ...rule, steps };
}

/** Whose rules they are; undefined for rules that do not translate by design. */
export function markOf({ steps }: Rule): string | undefined {
  for (const step of steps)
    if ((step.kind === "masquerade" || step.kind === "snat") && step.by !== undefined) return step.by;
  return undefined;
}

/** The pairs of outcomes that differ in more than a translation by design. */
export function* realDifferences(left: readonly Outcome[], right: readonly Outcome[]): Generator<Difference> {
  for (const difference of differencesOf(left, right)) if (designIn(difference) === undefined) yield difference;
}

/** Who translates the source by design, where that is all that differs; empty where the left side translates it, too. */
export function designIn({ left, right }: Pick<Difference, "left" | "right">): ReadonlySet<string> | undefined {
  if (!right.results.some((result) => result.designer !== undefined)) return undefined;
  const by = new Set<string>();
  const results = right.results.map((result): Result => {
    const { designer, disposition } = result;
    if (designer === undefined || !("source" in disposition)) return result;
    const wanted = left.results.find((each) => isSameEnd(each, result));
    const source = wanted === undefined ? KEPT : sourceOf(wanted.disposition);
    if (source.kind === "kept") by.add(designer);
    return { ...result, disposition: { ...disposition, source } };
  });
  return areSame(distributionOf(left), distributionOf({ results })) ? by : undefined;
}

function isSameEnd(a: Result, b: Result): boolean {
  const [one, other] = [destinationOf(a.disposition), destinationOf(b.disposition)];
  return one?.address === other?.address && one?.port === other?.port;
}
