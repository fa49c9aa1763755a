/** What kpc's tables have to do with an address, or with a chain. */
import { printRule } from "../../formats/nft/print.ts";
import { partsOfKey } from "../../ir/sets.ts";
import type { MapElement, Program, Table, Verdict } from "../../ir/types.ts";
import { verdictsOf } from "../../ir/walk.ts";
import { type Address, familyOf, printAddress, printAddressPort } from "../../net/address.ts";
import type { EndpointNames, KnownEndpoints } from "./endpoint-names.ts";
import { renderServed } from "./render-served.ts";
import { type ServedFrontend, servedFrontends } from "./served-frontends.ts";

/** What is known besides the tables. */
export interface ExplainContext extends KnownEndpoints {
  /** The node's. */
  readonly addresses: readonly Address[];
}

/** Lines about an address, or one port of it; undefined: the tables say nothing of it. */
export function explainAddress(
  program: Program,
  address: Address,
  port: number | undefined,
  known: ExplainContext,
): string[] | undefined {
  const name = port === undefined ? printAddress(address) : printAddressPort(address, port);
  const family = familyOf(address);
  const served = servedFrontends(program).filter(({ frontend }) => frontend.family === family);
  const isPort = (each: number): boolean => port === undefined || each === port;
  const own = served.filter(({ frontend }) => frontend.address === address && isPort(frontend.port));
  const isOfNode = known.addresses.includes(address);
  const nodePorts = served.filter(({ frontend }) => frontend.address === undefined && isPort(frontend.port));
  const leading = served.filter(({ endpoints, localEndpoints = [] }) =>
    [...endpoints, ...localEndpoints].some((end) => end.address === address && isPort(end.port)),
  );
  const lines = [
    ...about(`${name} is served:`, own, known),
    ...(isOfNode
      ? about(`${printAddress(address)} is an address of the node, with node ports:`, nodePorts, known)
      : []),
    ...about(`${nameOfEnd(name, address, known.pods)} is an endpoint of:`, leading, known),
    ...(own.length === 0 && port !== undefined && isClusterIp(program, address)
      ? [`${printAddress(address)} is a cluster IP, and ${port} is none of its ports: new connections are rejected`]
      : []),
  ];
  return lines.length === 0 ? undefined : lines;
}

function about(title: string, served: readonly ServedFrontend[], known: KnownEndpoints): string[] {
  return served.length === 0 ? [] : [title, ...renderServed(served, known).map((line) => `  ${line}`)];
}

function nameOfEnd(name: string, address: Address, pods: EndpointNames): string {
  const pod = pods.get(address);
  return pod === undefined ? name : `${name} (pod ${pod})`;
}

function isClusterIp({ ruleset }: Program, address: Address): boolean {
  const sets = ruleset.tables.flatMap((table) => table.sets.filter(({ name }) => name === "cluster-ips"));
  return sets.some(({ elements }) => elements.some((element) => partsOfKey(element)[0] === address));
}

// --- chains ----------------------------------------------------------------------------------------------------------------

/** The names of all chains. */
export function chainNamesIn({ ruleset }: Program): string[] {
  return [...new Set(ruleset.tables.flatMap(({ chains }) => chains.map(({ name }) => name)))];
}

/** Lines about the chain of a name in each table that has it; none where no table has. */
export function explainChain({ ruleset }: Program, name: string): string[] {
  return ruleset.tables.flatMap((table) => {
    const chain = table.chains.find((each) => each.name === name);
    if (chain === undefined) return [];
    const comment = chain.comment === undefined ? "" : `: ${chain.comment}`;
    const hook = chain.kind === "base" ? ` (at ${chain.hook}, priority ${chain.priority})` : "";
    return [
      `chain ${name} of table ${table.family} ${table.name}${hook}${comment}`,
      ...(chain.rules.length === 0
        ? ["  (no rules)"]
        : chain.rules.map((rule) => `  ${printRule(rule, table.family)}`)),
      ...leadingTo(table, name),
    ];
  });
}

const MOST_NAMED = 8;

/** Rules and elements whose verdict is this chain. */
function leadingTo(table: Table, name: string): string[] {
  const isTo = (verdict: Verdict): boolean => "chain" in verdict && verdict.chain === name;
  const chains = table.chains
    .filter(({ rules }) => rules.some(({ steps }) => steps.some((step) => [...verdictsOf(step, () => [])].some(isTo))))
    .map((chain) => `chain ${chain.name}`);
  const maps = table.maps.flatMap((map) => {
    const elements = map.elements.filter((each) => isVerdict(each.value) && isTo(each.value));
    if (elements.length === 0) return [];
    const services = [...new Set(elements.flatMap((each) => each.comment ?? []))];
    const shown = services.slice(0, MOST_NAMED).join(", ");
    const more = services.length > MOST_NAMED ? ` and ${services.length - MOST_NAMED} more` : "";
    const which = services.length === 0 ? "" : `: ${shown}${more}`;
    return [`map ${map.name}, ${elements.length} ${elements.length === 1 ? "element" : "elements"}${which}`];
  });
  const all = [...chains, ...maps];
  return all.length === 0 ? ["nothing leads here"] : all.map((each) => `from ${each}`);
}

function isVerdict(value: MapElement["value"]): value is Verdict {
  return "kind" in value;
}
