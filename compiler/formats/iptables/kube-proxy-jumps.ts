/** How packets get to kube-proxy's chains of iptables. */
import { anyBit, CT_STATE_FIELD } from "../../ir/build.ts";
import { CT_STATE } from "../../ir/constants.ts";
import type { Program, Rule, Table, Verdict } from "../../ir/types.ts";
import { verdictsOf } from "../../ir/walk.ts";

/** Whether a chain is kube-proxy's, the kubelet's or kpc's. KUBE-ROUTER-… and the like are other people's. */
export function isAboutServices(chain: string): boolean {
  return chain.startsWith("KPC-") || KUBE_CHAINS.test(chain);
}

const KUBE_CHAINS =
  /^KUBE-(?:(?:SVC|SVL|EXT|FW|SEP|XLB)-[A-Z0-9]+|SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|FORWARD|FIREWALL|PROXY-FIREWALL|MARK-(?:MASQ|DROP)|(?:PROXY|KUBELET)-CANARY|IPTABLES-HINT)$/;

/** `tables` with kube-proxy's jumps to its chains, for the families of which no built-in chain jumps there; and these families. */
export function withMissingJumps(
  tables: readonly Table[],
  families: readonly Table["family"][],
): { readonly tables: readonly Table[]; readonly completed: readonly Table["family"][] } {
  const completed = families.filter((family) => {
    const own = tables.filter((table) => table.family === family && table.chains.some(isKubeChain));
    return own.length > 0 && !own.some(hasJumps);
  });
  return {
    tables: tables.map((table) =>
      completed.includes(table.family) && table.chains.some(isKubeChain) ? withJumps(table) : table,
    ),
    completed,
  };
}

function isKubeChain({ kind, name }: Table["chains"][number]): boolean {
  return kind === "regular" && KUBE_CHAINS.test(name);
}

function hasJumps({ chains }: Table): boolean {
  return chains.some(
    (chain) =>
      chain.kind === "base" &&
      chain.rules.some(({ steps }) =>
        steps.some((step) =>
          [...verdictsOf(step, () => [])].some((verdict) => "chain" in verdict && KUBE_CHAINS.test(verdict.chain)),
        ),
      ),
  );
}

/** A table with the jumps that kube-proxy makes by commands of their own. */
export function withJumps(table: Table): Table {
  const isThere = ({ to }: Jump): boolean => table.chains.some(({ name }) => name === to);
  const chains = table.chains.map((chain): Table["chains"][number] => {
    if (chain.kind !== "base") return chain;
    const jumps = (JUMPS[table.name]?.[chain.name] ?? []).filter(isThere);
    return { ...chain, rules: [...jumps.map(({ to, isNew }) => jump(to, isNew)), ...chain.rules] };
  });
  return { ...table, chains };
}

/** Both programs with the jumps to kube-proxy's chains, in the families in which both have such chains and neither has a jump to one:
 *  texts that kube-proxy restores have none. */
export function withJumpsOfBoth(
  left: Program,
  right: Program,
): { readonly programs: readonly [Program, Program]; readonly families: readonly Table["family"][] } {
  const lacking = ({ ruleset }: Program): readonly Table["family"][] =>
    withMissingJumps(ruleset.tables, ["ip", "ip6"]).completed;
  const families = lacking(left).filter((family) => lacking(right).includes(family));
  const complete = ({ ruleset, ...rest }: Program): Program => ({
    ...rest,
    ruleset: { ...ruleset, tables: withMissingJumps(ruleset.tables, families).tables },
  });
  return { programs: families.length === 0 ? [left, right] : [complete(left), complete(right)], families };
}

interface Jump {
  readonly to: string;
  readonly isNew: boolean;
}

const always = (to: string): Jump => ({ to, isNew: false });
const whenNew = (to: string): Jump => ({ to, isNew: true });

/** By table and chain, in their order. */
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
