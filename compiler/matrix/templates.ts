/** Walks that may stand for those of others, and what they rest on. */
import { ALWAYS } from "../evaluate/unknown/condition.ts";
import type { Address } from "../net/address.ts";
import type { ChosenDestination, DestinationChance, Walk, WalkBranch } from "../walk/types.ts";
import type { AlikeHosts } from "./alike-hosts.ts";
import { metOn } from "./met.ts";
import { type AddressOwners, type BranchResult, resultOf } from "./outcomes.ts";
import type { MatrixOutcome } from "./types.ts";

/** Who takes part in a connection: those that may be renamed. */
export interface Parties {
  readonly client: string;
  /** The node that the client is, or is on; undefined: it is outside. */
  readonly clientNode: string | undefined;
  /** The node that has the address that is asked for; undefined: none, or one that is like no other. */
  readonly askedNode: string | undefined;
}

/** What becomes of packets to a group of destinations. */
export interface Tail {
  /** Among the tails of its template. */
  readonly number: number;
  readonly members: readonly DestinationChance[];
  /** The pod that was followed, and its node; undefined: nothing was chosen by chance, or somebody who is not renamed. */
  readonly endpoint: string | undefined;
  readonly endpointNode: string | undefined;
  readonly results: readonly BranchResult[];
  /** Results name neither nodes that are renamed nor, but as the client, who asks. */
  readonly isFree: boolean;
  /** Whether a host can be renamed to another one, by the names of both. */
  readonly checked: Map<string, boolean>;
  /** Whom the packet met besides those that may be renamed, and nodes that they are on or that have them in their blocks. */
  readonly others: ReadonlySet<string>;
  readonly otherNodes: ReadonlySet<string>;
}

/** A walk that may stand for those of others. */
export interface Template {
  readonly parties: Parties;
  readonly tails: ReadonlyMap<string, Tail>;
  /** Who can be chosen; undefined: nobody is. */
  readonly choice: readonly (DestinationChance & { readonly port: string })[] | undefined;
  /** On the way, and nobody's who may be renamed. */
  readonly addresses: readonly Address[];
  readonly ports: readonly number[];
  /** Pods that can be chosen, and others that the packet met. */
  readonly special: ReadonlySet<string>;
  readonly items: Map<string, string>;
  /** Outcomes for clients that are not among the endpoints, by the node of the client and the one that it asks. */
  readonly known: Map<string, readonly MatrixOutcome[]>;
  /** Outcomes that name nobody who may be renamed, by the numbers of the tails of all that can be chosen. */
  readonly byPattern: Map<string, readonly MatrixOutcome[]>;
  /** Whether more than one choice was made, so that it stands for its own client only. */
  readonly isOwnOnly: boolean;
}

/** Where an endpoint is. Equal ones of a walk go alike, if `templateOf` finds nothing else. */
export function groupOf(
  alike: AlikeHosts,
  { client, clientNode, askedNode }: Parties,
  destination: Address,
  hosts: ReadonlySet<string>,
): string {
  const pod = alike.ownerOf(destination);
  const kind = pod === undefined ? undefined : alike.classOf(pod);
  const node = pod === undefined ? undefined : alike.nodeOf(pod);
  if (pod === undefined || kind === undefined || node === undefined || node === pod)
    return `${typeof destination} ${destination}`;
  const what = `pod ${kind} ${alike.indexOf(destination, pod)}`;
  if (pod === client) return `${what} client`;
  if (node === clientNode) return `${what} at client`;
  if (node === askedNode) return `${what} at asked`;
  if (hosts.has(node) || hosts.has(pod)) return `${typeof destination} ${destination}`;
  return `${what} elsewhere`;
}

/** Undefined: it depends on what kpc does not know, and each packet is followed. */
export function templateOf(
  alike: AlikeHosts,
  owners: AddressOwners,
  { branches }: Walk,
  parties: Parties,
): Template | undefined {
  if (branches.some(({ condition }) => condition !== ALWAYS)) return undefined;
  const groups = new Map<ChosenDestination | undefined, WalkBranch[]>();
  for (const branch of branches) groups.set(branch.chosen, [...(groups.get(branch.chosen) ?? []), branch]);
  const choices = new Set([...groups.keys()].map((chosen) => chosen?.choice));
  const tails = new Map<string, Tail>();
  const [addresses, ports] = [new Set<Address>(), new Set<number>()];
  const choice: (DestinationChance & { port: string })[] = [];
  for (const [chosen, own] of groups) {
    const tail = tailOf(alike, owners, parties, chosen, own, addresses, ports, tails.size);
    if (tail === undefined) return undefined;
    // Groups of several choices are told apart by their number.
    tails.set(choices.size > 1 ? String(tails.size) : (chosen?.group ?? ""), tail);
    const port = chosen?.group.slice(chosen.group.lastIndexOf(" ")) ?? "";
    for (const member of chosen?.members ?? []) choice.push({ ...member, port });
  }
  const chosenPods = choice.flatMap(({ address }) => alike.ownerOf(address) ?? []);
  return {
    parties,
    tails,
    special: new Set([...chosenPods, ...[...tails.values()].flatMap(({ others }) => [...others])]),
    choice: choices.has(undefined) ? undefined : choice,
    addresses: [...addresses],
    ports: [...ports],
    items: new Map(),
    known: new Map(),
    byPattern: new Map(),
    isOwnOnly: choices.size !== 1,
  };
}

/** Adds what was met and is nobody's who may be renamed. Undefined: somebody's address came from elsewhere. */
function tailOf(
  alike: AlikeHosts,
  owners: AddressOwners,
  { client, clientNode, askedNode }: Parties,
  chosen: ChosenDestination | undefined,
  branches: readonly WalkBranch[],
  addresses: Set<Address>,
  ports: Set<number>,
  number: number,
): Tail | undefined {
  const followed = chosen?.members[0];
  const isRenamed = chosen?.group.startsWith("pod ") === true;
  const endpoint = followed === undefined || !isRenamed ? undefined : alike.ownerOf(followed.address);
  const endpointNode = endpoint && alike.nodeOf(endpoint);
  const renamed = new Set([client, clientNode, askedNode, endpoint, endpointNode]);
  const met = metOn(branches);
  for (const { host, address } of met.given) {
    const owner = alike.ownerOf(address);
    if (owner !== undefined && owner !== host && renamed.has(owner)) return undefined;
  }
  const [others, otherNodes] = [new Set<string>(), new Set<string>()];
  const addOther = (host: string): void => {
    if (renamed.has(host)) return;
    others.add(host);
    const node = alike.nodeOf(host);
    if (node !== undefined) otherNodes.add(node);
  };
  for (const host of met.hosts) addOther(host);
  for (const address of met.addresses) {
    const owner = alike.ownerOf(address);
    if (owner !== undefined && renamed.has(owner)) continue;
    addresses.add(address);
    if (owner === undefined) for (const node of alike.nodesAround(address)) otherNodes.add(node);
    else addOther(owner);
  }
  for (const port of met.ports) ports.add(port);
  const share = followed?.probability ?? 1;
  const results = branches.map((branch) => resultOf(branch, owners));
  const named = results.flatMap(({ host, seen, reply }) => [
    host,
    ...(seen?.owner === undefined || (seen.owner === client && seen.isSent) ? [] : [seen.owner]),
    ...(reply === undefined || reply.word === "answered" ? [] : [reply.host]),
  ]);
  return {
    number,
    members: chosen?.members ?? [],
    endpoint,
    endpointNode,
    isFree: named.every((name) => name === endpoint || !renamed.has(name)),
    checked: new Map(),
    results: results.map((each) => ({ ...each, probability: each.probability / share })),
    others,
    otherNodes,
  };
}
