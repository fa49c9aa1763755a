/** The part of a host's rules that is about Services, and the rest. */

import { isAboutServices, withJumps } from "../formats/iptables/kube-proxy-jumps.ts";
import type { BaseChain, Program, Rule, Table } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { withDesigners } from "./by-design.ts";

/** Rules about Services, alone and among the others. */
export interface ServiceRules {
  /** Only they. */
  readonly own: Program;
  /** All rules of the host. */
  readonly whole: Program;
  /** Families that there are rules about Services for. */
  readonly families: readonly Family[];
  readonly owner: "kube-proxy" | "kpc";
  /** The behaviour that the rules were made for; undefined when they do not show it. */
  readonly mode: "nftables" | "iptables" | undefined;
  /** Families of which no built-in chain leads to KUBE-… or KPC-… chains. `given`: the text is one that kube-proxy restores,
   *  which lacks the jumps, and they were put in. `missing`: it is a host's, and they are not there. */
  readonly withoutJumps: Readonly<Record<"given" | "missing", readonly Family[]>>;
  readonly others: readonly Others[];
}

/** Rules that are somebody else's. */
export interface Others {
  /** `chain FORWARD of table ip filter, 2 rules`. */
  readonly what: string;
  readonly rules: readonly Rule[];
  /** It is no rule, but the policy of a chain. */
  readonly policy?: Policy;
}

/** The policy of a chain that drops. */
export interface Policy {
  readonly chain: BaseChain;
  readonly what: string;
}

/** A rule, or the policy of a chain. */
export type Suspect = Rule | Policy;

/** What a host does for Services: rules of kube-proxy, or of kpc. `restored`: families whose text is no host's, but such as
 *  kube-proxy restores. `strictSource`: no translation of sources is taken for a network plugin's design. */
export function serviceRulesOf(
  { ruleset: { tables }, routes }: Program,
  restored: readonly Family[],
  { strictSource }: { readonly strictSource: boolean } = { strictSource: false },
): ServiceRules {
  const ruleset = { tables: strictSource ? tables : tables.map(withDesigners) };
  const others: Others[] = [];
  const [own, whole]: [Table[], Table[]] = [[], []];
  const withoutJumps = { given: [] as Family[], missing: [] as Family[] };
  const lacking = TABLE_FAMILIES.filter(({ tables: each }) => {
    const theirs = ruleset.tables.filter(({ family, chains }) => family === each && chains.some(isOwnChain));
    return theirs.length > 0 && !theirs.some(({ chains }) => chains.some((chain) => ownJumps(chain).length > 0));
  });
  for (const { family } of lacking) withoutJumps[restored.includes(family) ? "given" : "missing"].push(family);
  for (const table of ruleset.tables) {
    const isGiven = lacking.some(({ tables: each, family }) => each === table.family && restored.includes(family));
    if (NFT_TABLES.has(table.name)) {
      own.push(table);
      whole.push(table);
    } else if (table.chains.some(isOwnChain)) {
      const counted = { ...table, chains: table.chains.map(withoutAccounting) };
      const complete = isGiven ? withJumps(counted) : counted;
      own.push({ ...complete, chains: complete.chains.map((chain) => onlyJumps(chain)) });
      whole.push(complete);
      for (const chain of complete.chains) others.push(...othersIn(chain, table));
    } else {
      whole.push(table);
      const rules = table.chains.flatMap((chain) => chain.rules);
      if (rules.length > 0) others.push({ what: `table ${table.family} ${table.name}, ${count(rules)}`, rules });
      for (const chain of table.chains) others.push(...policyOf(chain, table));
    }
  }
  const names = own.flatMap(({ name, chains }) => [name, ...chains.map((chain) => chain.name)]);
  return {
    own: { ruleset: { tables: own }, routes },
    whole: { ruleset: { tables: whole }, routes },
    families: familiesOf(own),
    owner: names.some((name) => name === "kube-proxy" || name.startsWith("KUBE-")) ? "kube-proxy" : "kpc",
    mode: modeOf(names),
    withoutJumps,
    others,
  };
}

/** Families that tables are of. */
export function familiesOf(tables: readonly Table[]): Family[] {
  const has = (family: Table["family"]): boolean =>
    tables.some((table) => table.family === family || table.family === "inet");
  return TABLE_FAMILIES.filter(({ tables: family }) => has(family)).map(({ family }) => family);
}

const TABLE_FAMILIES = [
  { tables: "ip", family: "IPv4" },
  { tables: "ip6", family: "IPv6" },
] as const;

/** Tables of nft that are about Services only. */
const NFT_TABLES: ReadonlySet<string> = new Set(["kube-proxy", "kpc"]);

/** Of kpc's rules the chains tell that only one of the modes has. */
function modeOf(names: readonly string[]): ServiceRules["mode"] {
  if (names.includes("kube-proxy")) return "nftables";
  if (names.some((name) => name.startsWith("KUBE-"))) return "iptables";
  const plain = new Set(names.map((name) => name.replace(/^KPC-/, "")));
  if (plain.has("unserved-elsewhere")) return "nftables";
  return plain.has("forward-translated") ? "iptables" : undefined;
}

function isOwnChain({ name }: { readonly name: string }): boolean {
  return isAboutServices(name);
}

/** Its rules that lead to chains about Services. */
function ownJumps(chain: Table["chains"][number]): readonly Rule[] {
  return chain.kind === "base" ? chain.rules.filter((rule) => isAboutServices(targetOf(rule) ?? "")) : [];
}

/** A base chain without what others put there. */
function onlyJumps(chain: Table["chains"][number]): Table["chains"][number] {
  return chain.kind === "base" ? { ...chain, policy: "accept", rules: ownJumps(chain) } : chain;
}

function othersIn(chain: Table["chains"][number], table: Table): Others[] {
  const own = new Set(isOwnChain(chain) ? chain.rules : ownJumps(chain));
  const rules = chain.rules.filter((rule) => !own.has(rule));
  return [
    ...(rules.length > 0 ? [{ what: `chain ${nameOf(chain, table)}, ${count(rules)}`, rules }] : []),
    ...policyOf(chain, table),
  ];
}

function policyOf(chain: Table["chains"][number], table: Table): Others[] {
  if (chain.kind !== "base" || chain.policy !== "drop") return [];
  const what = `policy drop of chain ${nameOf(chain, table)}`;
  return [{ what, rules: [], policy: { chain, what } }];
}

function nameOf({ name }: { readonly name: string }, { family, name: table }: Table): string {
  return `${name} of table ${family} ${table}`;
}

/** A match on an accounting object counts, and holds unless the object has a quota. kube-proxy's have none. */
function withoutAccounting(chain: Table["chains"][number]): Table["chains"][number] {
  if (!isOwnChain(chain)) return chain;
  const rules = chain.rules.map((rule) => {
    const steps = rule.steps.filter((step) => step.kind !== "opaque" || !ACCOUNTING.test(step.spelled ?? step.text));
    return steps.length === rule.steps.length ? rule : { ...rule, steps };
  });
  return { ...chain, rules };
}

const ACCOUNTING = /^-m nfacct --nfacct-name (ct_state_invalid_dropped_pkts|localhost_nps_accepted_pkts)$/;

function targetOf({ steps }: Rule): string | undefined {
  const last = steps.at(-1);
  return last?.kind === "verdict" && "chain" in last.verdict ? last.verdict.chain : undefined;
}

function count(rules: readonly Rule[]): string {
  return rules.length === 1 ? "1 rule" : `${rules.length} rules`;
}
