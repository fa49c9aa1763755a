/** The network that manifests describe, with the rules of its hosts: what packets are walked through. */
import { compileNode, type ResolvedInput } from "./compile.ts";
import type { Source } from "./diagnostics.ts";
import { Evaluator } from "./evaluate/evaluate.ts";
import { clusterAddresses } from "./findings/cluster-addresses.ts";
import { KnownNetwork } from "./findings/known-network.ts";
import { withPrintedPlaces } from "./formats/nft/printed-places.ts";
import type { Program } from "./ir/types.ts";
import { layOut } from "./layout/layout.ts";
import type { CollectedHost, NetworkLayout } from "./layout/types.ts";
import { type Address, FAMILIES, parseAddress } from "./net/address.ts";
import type { Host } from "./network/network.ts";
import { PacketWalker } from "./walk/walk.ts";

export interface Described {
  readonly input: ResolvedInput;
  readonly layout: NetworkLayout;
  readonly walker: PacketWalker;
  /** What findings ask of the network. */
  readonly known: KnownNetwork;
  /** The rules of a host; undefined: it has none. Made when they are asked for. */
  readonly programOf: (host: Host) => Program | undefined;
  /** The dumps that the rules of a host were given as; none: kpc made the rules. */
  readonly dumpsOf: (host: Host) => readonly Source[];
}

/** A node as its own files describe it; what is undefined is inferred from manifests. */
export interface CollectedNode {
  readonly host: CollectedHost | undefined;
  readonly program: Program | undefined;
  /** What `program` was read from. */
  readonly dumps?: readonly Source[];
}

/** `collected`: nodes with files of their own, by name; `mentioned`: addresses that a question names, which somebody outside has if
 *  nobody else. */
export function describeNetwork(
  input: ResolvedInput,
  collected: ReadonlyMap<string, CollectedNode> = new Map(),
  mentioned: readonly Address[] = [],
): Described {
  const { cluster, config, nodes, specs } = input;
  const layout = layOut({
    nodes: cluster.nodes,
    pods: cluster.pods,
    services: specs.services,
    servicePorts: FAMILIES.flatMap((family) => cluster.servicePorts[family]),
    network: specs.network,
    clusterCidrs: config.clusterCidr ?? [],
    serviceCidrs: nodes.flatMap(({ settings }) => FAMILIES.flatMap((family) => settings.families[family].serviceCidrs)),
    ingressAddresses: ingressAddressesOf(input),
    proxyProtocol: config.haproxy?.proxyProtocol ?? false,
    mentioned: [...mentioned, ...externalAddressesOf(input)],
    masqueradesPods: nodes.some(({ settings }) =>
      FAMILIES.some((family) => settings.families[family].podNetwork !== undefined),
    ),
    localhostNodePorts: nodes.some(({ settings }) => settings.families.IPv4.localhostNodePorts),
    collected: new Map([...collected].flatMap(([name, { host }]) => (host === undefined ? [] : [[name, host]]))),
  });
  const programs = new Map<string, Program | undefined>();
  const evaluators = new Map<Program, Evaluator>();
  const make = ({ name, role }: Host): Program | undefined => {
    const given = role.kind === "node" ? collected.get(role.node)?.program : undefined;
    if (given !== undefined) return given;
    const own = role.kind === "node" ? nodes.find(({ node }) => node.name === role.node) : undefined;
    const compiled = own === undefined || specs.network?.proxy === "none" ? undefined : compileNode(input, own);
    const others = layout.rules.get(name);
    const tables = [
      ...(compiled?.program.ruleset.tables ?? []),
      ...(others === undefined ? [] : withPrintedPlaces(others.tables, others.name)),
    ];
    return tables.length === 0 ? undefined : { ruleset: { tables }, routes: compiled?.program.routes ?? [] };
  };
  const programOf = (host: Host): Program | undefined => {
    if (!programs.has(host.name)) programs.set(host.name, make(host));
    return programs.get(host.name);
  };
  const dumpsOf = ({ role }: Host): readonly Source[] =>
    role.kind === "node" ? (collected.get(role.node)?.dumps ?? []) : [];
  const evaluatorOf = (host: Host): Evaluator | undefined => {
    const program = programOf(host);
    if (program === undefined) return undefined;
    const known = evaluators.get(program);
    if (known !== undefined) return known;
    const made = new Evaluator(program);
    evaluators.set(program, made);
    return made;
  };
  const known = new KnownNetwork(layout.network, clusterAddresses(cluster, layout.podCidrs));
  return { input, layout, walker: new PacketWalker(layout.network, evaluatorOf), known, programOf, dumpsOf };
}

/** Addresses outside of the cluster that Ingresses send to. */
function externalAddressesOf({ routes }: ResolvedInput): Address[] {
  const targets = routes.flatMap(({ paths, fallback }) => [...paths.map(({ target }) => target), fallback]);
  return targets.flatMap((target) =>
    target.kind === "status" ? [] : (parseAddress(target.external?.host ?? "") ?? []),
  );
}

/** Addresses that a controller has given to the Ingresses that are ours. */
function ingressAddressesOf({ specs, cluster }: ResolvedInput): Address[] {
  const ours = new Set(cluster.ingresses.map(({ namespace, name }) => `${namespace}/${name}`));
  return specs.ingresses.flatMap(({ meta, addresses }) =>
    ours.has(`${meta.namespace}/${meta.name}`) ? addresses : [],
  );
}
