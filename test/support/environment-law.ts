/** What a mutant of a network does to the walks between all of its ends, and what kpc says of it. */
import type { Described } from "../../compiler/described.ts";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { CheckedNetwork } from "../../compiler/findings/checked-network.ts";
import { findClusterFaults } from "../../compiler/findings/cluster-findings.ts";
import { KnownNetwork } from "../../compiler/findings/known-network.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import { required } from "../../compiler/invariant.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { targetsOf } from "../../compiler/matrix/targets.ts";
import { FAMILIES, familyOf, printAddressPort } from "../../compiler/net/address.ts";
import type { Host, Network } from "../../compiler/network/network.ts";
import type { PodNetworkName } from "../../compiler/specs/network-types.ts";
import type { WalkBranch, WalkFlow } from "../../compiler/walk/types.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import { type EnvironmentMutant, MUTANT_KINDS, type MutantKind, mutantOf } from "./environment-mutants.ts";
import { EVERYTHING } from "./runs.ts";
import { numbersFrom } from "./slots.ts";
import { type ClusterKind, describeShop } from "./walks.ts";

/** The network as it is, or as `mutant` has it. */
export function checkedNetwork(
  { input, layout, known, programOf }: Described,
  mutant?: EnvironmentMutant,
): CheckedNetwork {
  const network: Network = mutant?.network ?? layout.network;
  const programs = new Map<string, Program | undefined>();
  const mutated = (host: Host): Program | undefined => {
    if (!programs.has(host.name)) programs.set(host.name, programWith(programOf(host), host, mutant));
    return programs.get(host.name);
  };
  const evaluators = new Map<string, Evaluator>();
  const evaluatorOf = (host: Host): Evaluator | undefined => {
    const program = mutated(host);
    if (program === undefined) return undefined;
    const made = evaluators.get(host.name) ?? new Evaluator(program);
    evaluators.set(host.name, made);
    return made;
  };
  return {
    input,
    known: new KnownNetwork(network, known.addresses),
    walker: new PacketWalker(network, evaluatorOf),
    programOf: mutated,
  };
}

function programWith(own: Program | undefined, host: Host, mutant: EnvironmentMutant | undefined): Program | undefined {
  if (mutant === undefined || mutant.host !== host.name) return own;
  const { rules, lacks = () => false } = mutant;
  const fail = ({ message }: Diagnostic): never => {
    throw new Error(message);
  };
  const more = rules === undefined ? [] : readNft({ name: "host.nft", text: rules }, fail).ruleset.tables;
  const tables = [...(own?.ruleset.tables ?? []).filter(({ name }) => !lacks(name)), ...more];
  return tables.length === 0 ? undefined : { ruleset: { tables }, routes: own?.routes ?? [] };
}

/** From each pod, node and host outside to each other one, and to each address of each Service. */
export function allFlows({ input, known }: CheckedNetwork): WalkFlow[] {
  const hosts = [...known.network.hosts.values()].filter(({ role }) => ENDS.has(role.kind));
  const targets = targetsOf(input.specs, input.cluster, known.network);
  const outside = targets.filter(({ entry }) => entry !== "cluster-ip");
  return hosts.flatMap((from) =>
    FAMILIES.flatMap((family) => {
      const isOutside = from.role.kind === "outside";
      if (addressesOf(from, family).length === 0) return [];
      const services = (isOutside ? outside : targets.filter(({ entry }) => entry !== "gateway-forward"))
        .filter(({ address }) => familyOf(address) === family)
        .map(({ address, port, protocol }) => ({ ...flowTo(from, address, port), protocol }));
      const others = isOutside
        ? []
        : hosts
            .filter((to) => to !== from)
            .flatMap((to) => addressesOf(to, family).map((address) => flowTo(from, address, 8080)));
      return [...services, ...others];
    }),
  );
}

const ENDS: ReadonlySet<string> = new Set(["pod", "node", "outside"]);

function addressesOf({ interfaces }: Host, family: "IPv4" | "IPv6"): readonly WalkFlow["destination"][] {
  return interfaces
    .filter(({ kind }) => kind === "ethernet")
    .flatMap(({ addresses }) => addresses)
    .flatMap(({ address, scope }) => (scope === "global" && familyOf(address) === family ? [address] : []))
    .slice(0, 1);
}

function flowTo({ name, interfaces }: Host, destination: WalkFlow["destination"], destinationPort: number): WalkFlow {
  const bytes = Math.min(1400, interfaces.find(({ kind }) => kind === "ethernet")?.mtu ?? 1400);
  return { protocol: 6, from: name, source: undefined, sourcePort: 40000, destination, destinationPort, bytes };
}

/** How each flow ends in the network, by the flow. */
export function fatesOf(
  { walker }: CheckedNetwork,
  flows: readonly WalkFlow[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    flows.map((flow) => [
      `${flow.from} > ${printAddressPort(flow.destination, flow.destinationPort)}`,
      [...new Set(walker.walk(flow).branches.map(endText))].sort(),
    ]),
  );
}

function endText({ there, back }: WalkBranch): string {
  const { end } = there;
  if (end.kind !== "delivered") {
    const isMeant = (end.kind === "dropped" || end.kind === "rejected") && end.by?.table === "kpc";
    return `${isMeant || end.kind === "no-target" ? "refused" : "lost"}: ${end.kind} on ${end.host}`;
  }
  return back?.end.kind === "delivered" ? "answered" : `lost: answer ${back?.end.kind} on ${back?.end.host}`;
}

/** Flows that some packet of is lost, where none is in `healthy`. */
export function lostFlows(
  healthy: ReadonlyMap<string, readonly string[]>,
  found: ReadonlyMap<string, readonly string[]>,
): string[] {
  return [...found].flatMap(([flow, ends]) => {
    const lost = ends.filter((end) => end.startsWith("lost"));
    const before = healthy.get(flow) ?? [];
    return lost.length === 0 || before.some((end) => end.startsWith("lost")) ? [] : [`${flow}: ${lost.join("; ")}`];
  });
}

/** What kpc check says, without notes. */
export function faultsIn(checked: CheckedNetwork): readonly Diagnostic[] {
  return findClusterFaults(checked).findings.filter(({ severity }) => severity === "error" || severity === "warning");
}

/** A cluster with one thing that is otherwise than it should be, and what kpc says of that. */
export interface JudgedMutant {
  /** The cluster, and what is changed where. */
  readonly name: string;
  readonly kind: MutantKind;
  readonly host: string;
  /** Flows that the healthy cluster answers, and this one does not. */
  readonly lost: readonly string[];
  readonly found: readonly Diagnostic[];
}

interface Healthy {
  readonly described: Described;
  readonly flows: readonly WalkFlow[];
  readonly fates: ReadonlyMap<string, readonly string[]>;
}

const healthy = new Map<string, Healthy>();

/** A cluster without faults, and how all flows end there. */
export function healthyCluster(kind: ClusterKind): Healthy {
  const key = JSON.stringify(kind);
  const known = healthy.get(key);
  if (known !== undefined) return known;
  const described = describeShop(kind);
  const checked = checkedNetwork(described);
  // In the quick set some of them, of all kinds.
  const flows = allFlows(checked).filter((_, i) => EVERYTHING || i % 7 === 0);
  const made: Healthy = { described, flows, fates: fatesOf(checked, flows) };
  healthy.set(key, made);
  return made;
}

/** A cluster of one of `layouts`, in either mode, with one of the load balancers. */
function randomKind(layouts: readonly PodNetworkName[], below: (limit: number) => number): ClusterKind {
  const pick = <T>(list: readonly T[]): T => required(list[below(list.length)], "there is something to pick");
  return {
    pods: pick(layouts),
    mode: pick(["nftables", "iptables"]),
    ...(below(2) === 0 ? { balancer: pick(["nat", "proxy", "routed"]) } : {}),
  };
}

/** The mutant of a seed, each kind of mutants in its turn, of a random cluster or of `only`; undefined: that cluster cannot have it. */
export function judgeMutant(
  seed: number,
  layouts: readonly PodNetworkName[],
  only?: ClusterKind,
): JudgedMutant | undefined {
  const below = numbersFrom(seed);
  const kind = only ?? randomKind(layouts, below);
  const { described, flows, fates } = healthyCluster(kind);
  const mutantKind = required(MUTANT_KINDS[seed % MUTANT_KINDS.length], "there are mutants");
  const mutant = mutantOf(mutantKind, described.layout.network, described.programOf, below);
  if (mutant === undefined) return undefined;
  const checked = checkedNetwork(described, mutant);
  const { host } = mutant;
  const name = `${seed}: ${JSON.stringify(kind)} ${mutant.name}`;
  const lost = lostFlows(fates, fatesOf(checked, flows));
  return { name, kind: mutantKind, host, lost, found: faultsIn(checked) };
}

/** What is wrong with what kpc says; undefined: nothing. */
export function complaintAbout({ name, host, lost, found }: JudgedMutant): string | undefined {
  const told = found.map((each) => `${each.code} at ${each.host}: ${each.message}`).slice(0, 3);
  if (lost.length > 0 && !found.some((each) => each.host === host))
    return [`missed: ${name}`, `lost ${lost.length}: ${lost[0]}`, ...told].join("\n  ");
  if (lost.length === 0 && found.length > 0) return [`nothing is lost: ${name}`, ...told].join("\n  ");
  return undefined;
}
