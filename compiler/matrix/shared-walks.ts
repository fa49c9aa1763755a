/**
 * Outcomes for many clients from few walks.
 *
 * A walk asks hosts what they do with a packet. Rename a client, the node that it asks, an endpoint that was chosen, and the nodes that
 * these are on, each to another one of its class: then all hosts give the renamed answers (see `AlikeHosts`), and the renamed walk is
 * the other client's, if also
 *
 * - the walk met no other pod of a node that is renamed, no host that something is renamed to, and no address in their blocks;
 * - the rules of each renamed node have the same items for all addresses and ports on the way that are nobody's new name;
 * - an address of somebody renamed came into the packet only by its own host's rules, by who sent it, or by choice.
 *
 * Endpoints are chosen by the items of the Service's address, so they are the same ones for the other client, with the same chances. Which
 * walk tells what becomes of an endpoint depends on its class and on where it is: the client itself, on the client's node, on the node
 * that was asked, elsewhere. Where no walk tells, or a premise does not hold, the client's packet is followed.
 */
import { ALWAYS } from "../evaluate/unknown/condition.ts";
import { type Address, familyOf } from "../net/address.ts";
import type {
  AlikeDestinations,
  ChosenDestination,
  DestinationChance,
  Walk,
  WalkBranch,
  WalkFlow,
} from "../walk/types.ts";
import type { AlikeHosts } from "./alike-hosts.ts";
import { metOn } from "./met.ts";
import { type AddressOwners, addedUp, type BranchResult, outcomeOf, outcomesOf, resultOf } from "./outcomes.ts";
import type { MatrixOutcome } from "./types.ts";

/** Follows a packet; `alike`: see `PacketWalker.walk`. */
export type WalkFunction = (flow: WalkFlow, alike?: AlikeDestinations) => Walk;

/** Who takes part in a connection: those that may be renamed. */
interface Parties {
  readonly client: string;
  /** The node that the client is, or is on; undefined: it is outside. */
  readonly clientNode: string | undefined;
  /** The node that has the address that is asked for; undefined: none, or one that is like no other. */
  readonly askedNode: string | undefined;
}

/** What becomes of packets to a group of destinations. */
interface Tail {
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
interface Template {
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

export class SharedWalks {
  private readonly alike: AlikeHosts | undefined;
  private readonly owners: AddressOwners;
  private readonly walk: WalkFunction;
  private readonly templates = new Map<string, Template[]>();

  /** `alike` undefined: each packet is followed. */
  constructor(alike: AlikeHosts | undefined, owners: AddressOwners, walk: WalkFunction) {
    this.alike = alike;
    this.owners = owners;
    this.walk = walk;
  }

  outcomesFor(flow: WalkFlow): readonly MatrixOutcome[] {
    const { alike } = this;
    if (alike === undefined) return outcomesOf(this.walk(flow), this.owners);
    const asked = alike.ownerOf(flow.destination);
    const askedNode =
      asked !== undefined && alike.nodeOf(asked) === asked && alike.classOf(asked) !== undefined ? asked : undefined;
    const parties: Parties = { client: flow.from, clientNode: alike.nodeOf(flow.from), askedNode };
    const key = keyOf(alike, flow, parties);
    const templates = this.templates.get(key) ?? [];
    this.templates.set(key, templates);
    for (const template of templates) {
      const found = template.isOwnOnly ? undefined : this.known(alike, template, parties);
      if (found !== undefined) return found;
    }
    const walk = this.walk(flow, {
      groupOf: (destination, hosts) => groupOf(alike, parties, destination, hosts),
    });
    const template = templateOf(alike, this.owners, walk, parties);
    const own = template && outcomesIn(alike, template, parties);
    if (template === undefined || own === undefined) return outcomesOf(this.walk(flow), this.owners);
    if (templates.length < MOST_TEMPLATES) templates.push(template);
    return own;
  }

  private known(alike: AlikeHosts, template: Template, parties: Parties): readonly MatrixOutcome[] | undefined {
    const { client, clientNode, askedNode } = parties;
    if (template.special.has(client)) return outcomesIn(alike, template, parties);
    const key = `${clientNode} ${askedNode}`;
    const known = template.known.get(key);
    if (known !== undefined) return known;
    const found = outcomesIn(alike, template, parties);
    if (found !== undefined) template.known.set(key, found);
    return found;
  }
}

/** Walks of one class of clients to one address that are tried before another one is made. */
const MOST_TEMPLATES = 8;

/** Equal for flows of which one walk may tell. */
function keyOf(alike: AlikeHosts, flow: WalkFlow, { client, clientNode, askedNode }: Parties): string {
  const to =
    askedNode === undefined
      ? `to ${typeof flow.destination} ${flow.destination}`
      : `node ${alike.classOf(askedNode)} ${alike.indexOf(flow.destination, askedNode)} ${askedNode === clientNode}`;
  const from = alike.classOf(client) ?? client;
  return [from, to, familyOf(flow.destination), flow.protocol, flow.sourcePort, flow.destinationPort].join(" ");
}

/** Where an endpoint is. Equal ones of a walk go alike, if `templateOf` finds nothing else. */
function groupOf(
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
function templateOf(
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

/** What `template` tells of the packets of others; undefined: nothing. */
function outcomesIn(alike: AlikeHosts, template: Template, parties: Parties): readonly MatrixOutcome[] | undefined {
  const used: [Tail, DestinationChance | undefined][] = [];
  if (template.isOwnOnly || template.choice === undefined) {
    for (const tail of template.tails.values())
      for (const member of tail.members.length === 0 ? [undefined] : tail.members) used.push([tail, member]);
  } else
    for (const member of template.choice) {
      const tail = tailFor(alike, template, parties, member);
      if (tail === undefined) return undefined;
      used.push([tail, member]);
    }
  for (const [tail, member] of used) if (!isLikeTail(alike, template, tail, parties, member)) return undefined;
  const outcomes = (): readonly MatrixOutcome[] =>
    addedUp(used.flatMap(([tail, member]) => outcomesOfMember(alike, template, tail, parties, member)));
  if (!used.every(([{ isFree, endpoint }]) => isFree && endpoint !== template.parties.client)) return outcomes();
  const pattern = used.map(([tail]) => tail.number).join(" ");
  const known = template.byPattern.get(pattern) ?? outcomes();
  template.byPattern.set(pattern, known);
  return known;
}

/** The tail that tells of a destination that was chosen. */
function tailFor(
  alike: AlikeHosts,
  { tails }: Template,
  parties: Parties,
  { address, port }: NonNullable<Template["choice"]>[number],
): Tail | undefined {
  return (
    tails.get(`${typeof address} ${address}${port}`) ?? tails.get(`${groupOf(alike, parties, address, NOBODY)}${port}`)
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** Whether the premises hold for `tail`, if all are renamed. */
function isLikeTail(
  alike: AlikeHosts,
  template: Template,
  tail: Tail,
  parties: Parties,
  member: DestinationChance | undefined,
): boolean {
  const old = template.parties;
  const can = (from: string | undefined, to: string | undefined): boolean => {
    if (from === to || from === undefined || to === undefined) return true;
    const key = `${from} ${to}`;
    const known = tail.checked.get(key) ?? canBeRenamed(alike, template, tail, from, to);
    tail.checked.set(key, known);
    return known;
  };
  if (!can(old.clientNode, parties.clientNode) || !can(old.askedNode, parties.askedNode)) return false;
  if (tail.others.has(parties.client) && parties.client !== old.client) return false;
  if (tail.endpoint === undefined || member === undefined) return true;
  const pod = alike.ownerOf(member.address);
  return can(tail.endpoint, pod) && can(tail.endpointNode, pod && alike.nodeOf(pod));
}

function outcomesOfMember(
  alike: AlikeHosts,
  template: Template,
  tail: Tail,
  parties: Parties,
  member: DestinationChance | undefined,
): MatrixOutcome[] {
  const old = template.parties;
  const pod = tail.endpoint === undefined ? undefined : member && alike.ownerOf(member.address);
  const nameOf = (name: string): string => {
    if (name === old.client) return parties.client;
    if (name === old.clientNode) return parties.clientNode ?? name;
    if (name === old.askedNode) return parties.askedNode ?? name;
    if (pod === undefined) return name;
    return name === tail.endpoint ? pod : name === tail.endpointNode ? (alike.nodeOf(pod) ?? name) : name;
  };
  const renaming = {
    host: nameOf,
    address: (address: Address, owner: string | undefined) =>
      owner === undefined ? address : alike.addressOn(address, owner, nameOf(owner)),
  };
  const share = member?.probability ?? 1;
  return tail.results.map((result) =>
    outcomeOf({ ...result, probability: result.probability * share }, parties.client, renaming),
  );
}

/** Whether `from` and `to`, which are of one class, are alike to all that the packet met. */
function canBeRenamed(
  alike: AlikeHosts,
  template: Template,
  { others, otherNodes }: Tail,
  from: string,
  to: string,
): boolean {
  if (others.has(from) || others.has(to)) return false;
  if (alike.nodeOf(from) !== from) return true;
  if (otherNodes.has(from) || otherNodes.has(to)) return false;
  return itemsOn(alike, template, from) === itemsOn(alike, template, to);
}

function itemsOn(alike: AlikeHosts, { items, addresses, ports }: Template, host: string): string {
  const known = items.get(host);
  if (known !== undefined) return known;
  const shape = alike.itemsShape(host, addresses, ports);
  items.set(host, shape);
  return shape;
}
