/** What iptables makes of a program of ours: its own tables, with our chains behind their built-in chains. */
import {
  BUILT_IN_CHAINS,
  builtInFor,
  entryChain,
  OUR_BUILT_IN,
  TABLES,
} from "../../compiler/formats/iptables/hooks.ts";
import { nameChains } from "../../compiler/formats/iptables/names.ts";
import { addressField, addressType, jump } from "../../compiler/ir/build.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Chain, Expression, Program, Rule, SetDeclaration, Step, Table } from "../../compiler/ir/types.ts";
import { unfold } from "./compile.ts";

/** The normal form of what the text for iptables, or ip6tables, says of `program`. */
export function expectedOfIptables({ ruleset }: Program, family: "ip" | "ip6"): object {
  const tables = ruleset.tables.filter((table) => table.family === family);
  return normaliseProgram(arrangeForIptables(unfold({ routes: [], ruleset: { tables } }), family));
}

/** The normal form of what the text for nft says of `program`: nothing of an earlier one. */
export function expectedOfNft({ ruleset }: Program): object {
  const tables = ruleset.tables.map(({ retired: _, ...table }) => table);
  return normaliseProgram({ ruleset: { tables }, routes: [] });
}

/** The program that the text for iptables is expected to be, from one without lookups. */
function arrangeForIptables({ ruleset, routes }: Program, family: "ip" | "ip6"): Program {
  const [own] = ruleset.tables.filter((table) => table.family === family);
  const names = nameChains((own?.chains ?? []).filter(({ kind }) => kind === "regular").map(({ name }) => name));
  const chains = new Map((own?.chains ?? []).map((chain) => [chain.name, chain]));
  const tables = TABLES.flatMap((name): Table[] => {
    const used = [...chains.values()].flatMap((chain) => {
      const builtIn = chain.kind === "base" ? builtInFor(chain) : undefined;
      return builtIn?.table === name ? [{ chain, builtIn }] : [];
    });
    const entries = new Map(
      OUR_BUILT_IN.filter(({ table }) => table === name).map((builtIn) => [entryChain(builtIn), [] as readonly Rule[]]),
    );
    if (entries.size + used.length === 0) return [];
    for (const { chain, builtIn } of used) entries.set(entryChain(builtIn), chain.rules);
    const builtIns = BUILT_IN_CHAINS[name].map((base): Chain => {
      const entry = used.find(({ builtIn }) => builtIn.chain === base.name);
      const rules = entry === undefined ? [] : [{ steps: [jump(entryChain(entry.builtIn))] }];
      return { kind: "base", ...base, policy: "accept", rules };
    });
    const reached = reachable(
      used.map(({ chain }) => chain),
      chains,
    );
    const regular = [
      ...[...entries].map(([entry, rules]) => ({ name: entry, rules })),
      ...reached.map((chain) => ({ name: names.get(chain.name) ?? chain.name, rules: chain.rules })),
    ].map(
      (chain): Chain => ({
        kind: "regular",
        name: chain.name,
        rules: chain.rules.map((rule) => arrangeRule(rule, name, names, family)),
      }),
    );
    const lists = (own?.sets ?? [])
      .filter((set) => asks(regular, listName(set.name)))
      .map((set) => asList(set, family));
    return [{ family, name, sets: lists, maps: [], chains: [...builtIns, ...regular] }];
  });
  return { ruleset: { tables }, routes };
}

function reachable(start: readonly Chain[], chains: ReadonlyMap<string, Chain>): Chain[] {
  const found = new Set<Chain>(start);
  for (const { rules } of found) {
    for (const step of rules.flatMap(({ steps }) => steps)) {
      const target = step.kind === "verdict" && "chain" in step.verdict ? chains.get(step.verdict.chain) : undefined;
      if (target !== undefined) found.add(target);
    }
  }
  return [...found].filter((chain) => !start.includes(chain));
}

/** Lists are by source, also where the rules before leave only one source. */
function bySource(key: Expression, family: "ip" | "ip6"): Expression {
  const source = addressField(family === "ip" ? "IPv4" : "IPv6", "saddr");
  return key.kind === "concat" && key.parts.length === 0 ? source : key;
}

function arrangeRule(
  { steps, comment }: Rule,
  table: string,
  names: ReadonlyMap<string, string>,
  family: "ip" | "ip6",
): Rule {
  const arranged = steps.map((step): Step => {
    switch (step.kind) {
      case "verdict":
        return "chain" in step.verdict
          ? { ...step, verdict: { ...step.verdict, chain: names.get(step.verdict.chain) ?? step.verdict.chain } }
          : step;
      case "member":
        return typeof step.set === "string"
          ? { ...step, set: listName(step.set), key: bySource(step.key, family) }
          : step;
      case "remember":
        return { kind: "remember", operation: "update", set: listName(step.set), key: bySource(step.key, family) };
      case "compare":
        // `! --ctstate DNAT` holds for packets without a connection too. NAT chains never see those.
        return isNoStatus(step) && table !== "nat" ? { ...step, orAbsent: true } : step;
      default:
        return step;
    }
  });
  return comment === undefined ? { steps: arranged } : { steps: arranged, comment };
}

function isNoStatus(step: Extract<Step, { kind: "compare" }>): boolean {
  const { left, operator } = step;
  return operator === "==" && left.kind === "bitwise" && left.operand.kind === "ct" && left.operand.key === "status";
}

function listName(set: string): string {
  return `KPC-${set.replaceAll("/", "-")}`;
}

function asks(chains: readonly Chain[], list: string): boolean {
  return chains.some(({ rules }) =>
    rules.some(({ steps }) =>
      steps.some((step) => (step.kind === "member" || step.kind === "remember") && step.set === list),
    ),
  );
}

/** iptables has one time for a list, and says nothing of sizes. */
function asList({ name, timeoutSeconds: seconds }: SetDeclaration, family: "ip" | "ip6"): SetDeclaration {
  const sample = addressField(family === "ip" ? "IPv4" : "IPv6", "saddr");
  const key = [{ type: addressType(family === "ip" ? "IPv4" : "IPv6"), sample }];
  return {
    name: listName(name),
    key,
    interval: false,
    dynamic: true,
    size: 100,
    ...(seconds === undefined ? {} : { timeoutSeconds: seconds }),
    elements: [],
  };
}
