/** Deliberately wrong rules: what a judge that is worth its name must notice. */
import { partsOfKey } from "../../compiler/ir/sets.ts";
import type { Chain, MapElement, Program, Rule, Statement, Step, Table } from "../../compiler/ir/types.ts";

/** A way to be wrong: another program, or undefined where this one has nothing to get wrong so. */
export type Mutation = (program: Program) => Program | undefined;

/** By what is wrong. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "masquerading left out": everywhere(dropStatement("masquerade")),
  "masquerading for everybody": verdicts(/^masquerade-/, () => "masquerade-always"),
  "pods masqueraded for nodes and pods, too": inChain("leaving-pod-network", (rules) => rules.slice(1)),
  "what pods send elsewhere left alone": inChain("leaving-pod-network", () => []),
  "no masquerading for hairpin traffic": emptySet("hairpin"),
  "another endpoint": values(/endpoints-/, ([address, port]) => [next(address), port]),
  "another port": values(/endpoints-/, ([address, port]) => [address, Number(port) + 1]),
  "an endpoint forgotten": elements(/^(node-port-)?endpoints-/, (all) => all.slice(0, -1)),
  "the first endpoint only": everywhere(onlyFirst),
  "reject for drop": verdicts(/^drop$/, () => "rejecting"),
  "drop for reject": everywhere(dropForReject),
  "policy Local ignored": copyMap("external-cluster", "external-local"),
  "policy Local for pods and the node too": copyMap("external-local", "external-cluster"),
  "node ports left out": emptyMap("node-ports"),
  "node port addresses forgotten": emptySet("node-port-addresses"),
  "source ranges off by one": ranges("allowed-sources", 1),
  "source ranges ignored": emptySet("source-ranged-addresses"),
  "nobody in the source ranges": emptySet("allowed-sources"),
  "unknown ports pass": emptySet("cluster-ips"),
  "no reject without endpoints": emptyMap(/^unserved/),
  "clients forgotten": everywhere(dropStatement("remember")),
  "health checks not accepted": emptySet("health-check-node-ports"),
  "connections of the wrong state": everywhere(newOnly),
  "a family forgotten": ({ ruleset, ...program }) =>
    ruleset.tables.length < 2 ? undefined : { ...program, ruleset: { ...ruleset, tables: ruleset.tables.slice(0, 1) } },
};

// --- programs by their parts ---------------------------------------------------------------------------------------------

/** A mutation of tables: undefined when no table changes. */
function tables(mutate: (table: Table) => Table): Mutation {
  return (program) => {
    const changed = program.ruleset.tables.map(mutate);
    const same = changed.every(
      (table, i) => JSON.stringify(table, plain) === JSON.stringify(program.ruleset.tables[i], plain),
    );
    return same ? undefined : { ...program, ruleset: { ...program.ruleset, tables: changed } };
  };
}

function plain(key: string, value: unknown): unknown {
  if (key === "origin") return undefined;
  return typeof value === "bigint" ? value.toString() : value;
}

/** A mutation of rules; a rule that comes out undefined is gone. */
function everywhere(mutate: (rule: Rule) => Rule | undefined): Mutation {
  return tables((table) => ({
    ...table,
    chains: table.chains.map(
      (chain): Chain => ({ ...chain, rules: chain.rules.flatMap((rule) => mutate(rule) ?? []) }),
    ),
  }));
}

function inChain(name: string, mutate: (rules: readonly Rule[]) => readonly Rule[]): Mutation {
  return tables((table) => ({
    ...table,
    chains: table.chains.map(
      (chain): Chain => (chain.name === name ? { ...chain, rules: mutate(chain.rules) } : chain),
    ),
  }));
}

function dropStatement(kind: Statement["kind"]): (rule: Rule) => Rule | undefined {
  return (rule) => (rule.steps.some((step) => step.kind === kind) ? undefined : rule);
}

function steps(rule: Rule, mutate: (step: Step) => Step): Rule {
  return { ...rule, steps: rule.steps.map(mutate) };
}

function dropForReject(rule: Rule): Rule {
  return steps(rule, (step) => (step.kind === "reject" ? { kind: "verdict", verdict: { kind: "drop" } } : step));
}

/** Chance is left out of translations. */
function onlyFirst(rule: Rule): Rule {
  return steps(rule, (step) => {
    if (step.kind !== "dnat" || step.to.kind !== "map" || step.to.key.kind !== "concat") return step;
    const parts = step.to.key.parts.map((part) => (part.kind === "numgen" ? { ...part, modulus: 1 } : part));
    return { ...step, to: { ...step.to, key: { kind: "concat", parts } } };
  });
}

/** Checks of new connections become checks of established ones. */
function newOnly(rule: Rule): Rule {
  return steps(rule, (step) => {
    const isNew = step.kind === "compare" && step.left.kind === "bitwise" && step.left.mask === 8;
    return isNew && step.left.kind === "bitwise" ? { ...step, left: { ...step.left, mask: 2 } } : step;
  });
}

// --- elements ------------------------------------------------------------------------------------------------------------

function elements(map: RegExp, mutate: (elements: readonly MapElement[]) => readonly MapElement[]): Mutation {
  return tables((table) => ({
    ...table,
    maps: table.maps.map((each) => (map.test(each.name) ? { ...each, elements: mutate(each.elements) } : each)),
  }));
}

function values(
  map: RegExp,
  mutate: (value: readonly (number | bigint | string | undefined)[]) => unknown[],
): Mutation {
  return elements(map, (all) =>
    all.map((element, i) => {
      const { value } = element;
      return i === 0 && Array.isArray(value) ? { ...element, value: mutate(value) as MapElement["value"] } : element;
    }),
  );
}

/** Verdicts of all maps that lead to a chain, or are a verdict, of that name. */
function verdicts(name: RegExp, to: () => string): Mutation {
  return elements(/./, (all) =>
    all.map((element) => {
      const { value } = element;
      if (Array.isArray(value) || !("kind" in value)) return element;
      const known = "chain" in value ? value.chain : value.kind;
      return name.test(known) ? { ...element, value: { kind: "goto", chain: to() } } : element;
    }),
  );
}

function emptyMap(map: RegExp | string): Mutation {
  return elements(typeof map === "string" ? new RegExp(`^${map}$`) : map, () => []);
}

function emptySet(name: string): Mutation {
  return tables((table) => ({
    ...table,
    sets: table.sets.map((set) => (set.name === name ? { ...set, elements: [] } : set)),
  }));
}

/** One map with the verdicts of another where both have the key. */
function copyMap(from: string, to: string): Mutation {
  return tables((table) => {
    const source = new Map(
      table.maps
        .filter(({ name }) => name === from)
        .flatMap((map) => map.elements.map((each) => [partsOfKey(each).join(), each])),
    );
    const copied = (element: MapElement): MapElement => source.get(partsOfKey(element).join()) ?? element;
    return {
      ...table,
      maps: table.maps.map((map) =>
        map.name === to
          ? { ...map, elements: from === "external-cluster" ? [...source.values()] : map.elements.map(copied) }
          : map,
      ),
    };
  });
}

/** Intervals that begin `by` too late. */
function ranges(set: string, by: number): Mutation {
  return tables((table) => ({
    ...table,
    sets: table.sets.map((each) =>
      each.name !== set
        ? each
        : {
            ...each,
            elements: each.elements.map((element) => ({
              ...element,
              key: partsOfKey(element).map((part) => {
                if (typeof part !== "object" || part.from === part.to) return part;
                return {
                  ...part,
                  from: typeof part.from === "bigint" ? part.from + BigInt(by) : Number(part.from) + by,
                };
              }),
            })),
          },
    ),
  }));
}

function next(address: number | bigint | string | undefined): number | bigint {
  return typeof address === "bigint" ? address + 1n : Number(address) + 1;
}
