/** The part of a host's rules that is about Services. */
import { anyBit, CT_STATE_FIELD } from "../ir/build.ts";
import { CT_STATE } from "../ir/constants.ts";
import type { BaseChain, Chain, Program, Rule, Table, Verdict } from "../ir/types.ts";

/** Rules about Services, and what was set aside. */
export interface ServiceRules {
  readonly program: Program;
  /** Whose rules they are; undefined when there are none. */
  readonly mode: "nftables" | "iptables" | undefined;
  /** kube-proxy's jumps were not there, as in the text that it restores, and were taken for given. */
  readonly withoutJumps: boolean;
  /** Tables, and rules in chains, that are somebody else's: in words. */
  readonly foreign: readonly string[];
}

/** kube-proxy's rules in `program`, or kpc's own. */
export function serviceRulesOf({ ruleset, routes }: Program): ServiceRules {
  const foreign: string[] = [];
  let withoutJumps = false;
  const tables = ruleset.tables.flatMap((table): Table[] => {
    if (NFT_TABLES.has(table.name)) return [table];
    if (!table.chains.some(({ name }) => isOurs(name))) {
      if (table.chains.some(({ rules }) => rules.length > 0))
        foreign.push(`table ${table.family} ${table.name}, ${count(table.chains.flatMap(({ rules }) => rules))}`);
      return [];
    }
    const own = table.chains.map((chain) =>
      chain.kind === "base"
        ? onlyJumps(chain, table, foreign)
        : { ...chain, rules: chain.rules.map(withoutAccounting) },
    );
    if (own.some((chain) => chain.kind === "base" && chain.rules.length > 0)) return [{ ...table, chains: own }];
    withoutJumps = true;
    return [{ ...table, chains: own.map((chain) => withJumps(chain, table)) }];
  });
  const names = tables.flatMap(({ name, chains }) => [name, ...chains.map((chain) => chain.name)]);
  return { program: { ruleset: { tables }, routes }, mode: modeOf(names), withoutJumps, foreign };
}

/** Tables of nft that are about Services only. */
const NFT_TABLES: ReadonlySet<string> = new Set(["kube-proxy", "kpc"]);

function modeOf(names: readonly string[]): ServiceRules["mode"] {
  if (names.includes("kube-proxy")) return "nftables";
  return names.some((name) => name.startsWith("KUBE-")) ? "iptables" : undefined;
}

function isOurs(chain: string): boolean {
  return chain.startsWith("KUBE-") || chain.startsWith("KPC-");
}

/** A base chain without rules of others. Its policy is the host's, too. */
function onlyJumps(chain: BaseChain, table: Table, foreign: string[]): BaseChain {
  const [own, others] = partition(chain.rules, (rule) => isOurs(targetOf(rule) ?? ""));
  if (others.length > 0) foreign.push(`chain ${chain.name} of table ${table.family} ${table.name}, ${count(others)}`);
  if (chain.policy === "drop")
    foreign.push(`policy DROP of chain ${chain.name} of table ${table.family} ${table.name}`);
  return { ...chain, policy: "accept", rules: own };
}

/** A match on an accounting object counts, and holds unless the object has a quota. kube-proxy's have none. */
function withoutAccounting(rule: Rule): Rule {
  const steps = rule.steps.filter((step) => step.kind !== "opaque" || !ACCOUNTING.test(step.text));
  return steps.length === rule.steps.length ? rule : { ...rule, steps };
}

const ACCOUNTING = /^-m nfacct --nfacct-name (ct_state_invalid_dropped_pkts|localhost_nps_accepted_pkts)$/;

function targetOf({ steps }: Rule): string | undefined {
  const last = steps.at(-1);
  return last?.kind === "verdict" && "chain" in last.verdict ? last.verdict.chain : undefined;
}

/** The jumps that kube-proxy makes by commands of their own, for a chain that has none. */
function withJumps(chain: Chain, table: Table): Chain {
  if (chain.kind !== "base") return chain;
  const jumps = (JUMPS[table.name]?.[chain.name] ?? []).filter(({ to }) =>
    table.chains.some(({ name }) => name === to),
  );
  return { ...chain, rules: jumps.map(({ to, isNew }) => jump(to, isNew)) };
}

interface Jump {
  readonly to: string;
  readonly isNew: boolean;
}

const always = (to: string): Jump => ({ to, isNew: false });
const whenNew = (to: string): Jump => ({ to, isNew: true });

/** By table and chain, in their order (SEMANTICS of kube-proxy's iptables mode). */
const JUMPS: Readonly<Record<string, Readonly<Record<string, readonly Jump[]>>>> = {
  filter: {
    INPUT: [
      always("KUBE-FIREWALL"),
      whenNew("KUBE-PROXY-FIREWALL"),
      always("KUBE-NODEPORTS"),
      whenNew("KUBE-EXTERNAL-SERVICES"),
    ],
    FORWARD: [
      whenNew("KUBE-PROXY-FIREWALL"),
      always("KUBE-FORWARD"),
      whenNew("KUBE-SERVICES"),
      whenNew("KUBE-EXTERNAL-SERVICES"),
    ],
    OUTPUT: [always("KUBE-FIREWALL"), whenNew("KUBE-PROXY-FIREWALL"), whenNew("KUBE-SERVICES")],
  },
  nat: {
    PREROUTING: [always("KUBE-SERVICES")],
    OUTPUT: [always("KUBE-SERVICES")],
    POSTROUTING: [always("KUBE-POSTROUTING")],
  },
};

function jump(chain: string, isNew: boolean): Rule {
  const verdict: Verdict = { kind: "jump", chain };
  return { steps: [...(isNew ? [NEW] : []), { kind: "verdict", verdict }] };
}

const NEW = anyBit(CT_STATE_FIELD, CT_STATE.new);

function partition<T>(items: readonly T[], holds: (item: T) => boolean): [T[], T[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))];
}

function count(rules: readonly Rule[]): string {
  return rules.length === 1 ? "1 rule" : `${rules.length} rules`;
}
