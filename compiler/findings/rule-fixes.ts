/** Commands that let packets through which a rule or a policy drops. */
import type { Origin } from "../diagnostics.ts";
import type { PathStep } from "../evaluate/packet.ts";

/** `the policy of chain FORWARD in table filter`. */
export function ruleName(step: PathStep): string {
  const rule = step.kind === "policy" ? `the policy of chain ${step.base.name}` : `a rule of chain ${step.chain}`;
  return `${rule} in table ${step.table}`;
}

export function ruleOrigin(step: PathStep): Origin | undefined {
  return step.kind === "policy" ? step.base.origin : step.rule.origin;
}

/** Whether the rules are of a chain that iptables has. */
export function isFilterChain({ base, table }: PathStep): boolean {
  return table === "filter" && IPTABLES_CHAINS.has(base.name);
}

const IPTABLES_CHAINS: ReadonlySet<string> = new Set(["FORWARD", "INPUT", "OUTPUT"]);

function programFor({ family }: PathStep): string {
  return family === "ip6" ? "ip6tables" : "iptables";
}

/** By iptables: what comes from pods or goes to them, where it is forwarded. */
export function acceptForwarded(step: PathStep, cidrs: readonly string[]): string {
  const program = programFor(step);
  if (step.kind === "policy") return `${program} -P ${step.base.name} ACCEPT`;
  return cidrs
    .flatMap((cidr) => [`${program} -I FORWARD -s ${cidr} -j ACCEPT`, `${program} -I FORWARD -d ${cidr} -j ACCEPT`])
    .join("; ");
}

/** By ip6tables: neighbour discovery. */
export function acceptDiscovery(step: PathStep): string {
  if (!isFilterChain(step)) return nftFix(step);
  const start = `${programFor(step)} -I ${step.base.name} -p icmpv6 --icmpv6-type`;
  return `${start} neighbour-solicitation -j ACCEPT; ${start} neighbour-advertisement -j ACCEPT`;
}

/** By iptables or ip6tables: ICMP's word that a packet is too large. */
export function acceptTooBig(step: PathStep): string {
  if (!isFilterChain(step)) return nftFix(step);
  const kind =
    step.family === "ip6" ? "-p icmpv6 --icmpv6-type packet-too-big" : "-p icmp --icmp-type fragmentation-needed";
  return `${programFor(step)} -I ${step.base.name} ${kind} -j ACCEPT`;
}

/** Where the policy decides, another one; else the command that shows the rules. */
export function nftFix({ kind, family, table, base }: PathStep): string {
  return kind === "policy"
    ? `nft 'chain ${family} ${table} ${base.name} { policy accept; }'`
    : `nft -a list chain ${family} ${table} ${base.name}`;
}
