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
import { type Address, familyOf } from "../net/address.ts";
import type { AlikeDestinations, DestinationChance, Walk, WalkFlow } from "../walk/types.ts";
import type { AlikeHosts } from "./alike-hosts.ts";
import { type AddressOwners, addedUp, outcomeOf, outcomesOf } from "./outcomes.ts";
import { groupOf, type Parties, type Tail, type Template, templateOf } from "./templates.ts";
import type { MatrixOutcome } from "./types.ts";

/** Follows a packet; `alike`: see `PacketWalker.walk`. */
export type WalkFunction = (flow: WalkFlow, alike?: AlikeDestinations) => Walk;

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
