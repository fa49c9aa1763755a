/** From a walk to what its sender learns of it: said without the sender's own name, so that those of alike senders are equal. */
import { ALWAYS } from "../evaluate/unknown/condition.ts";
import { type Address, printAddress } from "../net/address.ts";
import type { Network } from "../network/network.ts";
import type { Walk, WalkBranch, WalkEnd } from "../walk/types.ts";
import type { MatrixOutcome } from "./types.ts";

/** Whose addresses are whose. */
export class AddressOwners {
  private readonly owners = new Map<Address, string>();

  constructor({ hosts }: Network) {
    for (const { name, interfaces } of hosts.values())
      for (const { addresses } of interfaces)
        for (const { address, scope } of addresses)
          if (scope !== "host" && !this.owners.has(address)) this.owners.set(address, name);
  }

  of(address: Address): string | undefined {
    return this.owners.get(address);
  }
}

/** The outcomes of `walk`, those that are equal added up, in a fixed order. */
export function outcomesOf(walk: Walk, owners: AddressOwners): MatrixOutcome[] {
  return addedUp(walk.branches.map((branch) => outcomeOf(resultOf(branch, owners), walk.flow.from, UNCHANGED)));
}

/** Outcomes that are equal added up, in a fixed order. */
export function addedUp(outcomes: readonly MatrixOutcome[]): MatrixOutcome[] {
  const found = new Map<string, MatrixOutcome>();
  for (const outcome of outcomes) {
    const key = outcomeKey(outcome);
    const known = found.get(key);
    found.set(key, known === undefined ? outcome : { ...known, probability: known.probability + outcome.probability });
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, outcome]) => ({ ...outcome, probability: Number(outcome.probability.toFixed(DIGITS)) }));
}

/** Sums of the same numbers in another order differ behind these. */
const DIGITS = 12;

/** How a branch ends, with the names of its hosts. */
export interface BranchResult {
  readonly probability: number;
  readonly isConditional: boolean;
  readonly end: string;
  readonly host: string;
  readonly port: number | undefined;
  /** The source that the endpoint sees, whose it is, and whether the client has sent from another one. */
  readonly seen:
    | { readonly address: Address; readonly owner: string | undefined; readonly isSent: boolean }
    | undefined;
  /** Where and how the answer ends. */
  readonly reply: { readonly word: string; readonly host: string } | undefined;
}

export function resultOf({ probability, condition, there, back }: WalkBranch, owners: AddressOwners): BranchResult {
  const { end } = there;
  const common = { probability, isConditional: condition !== ALWAYS, host: end.host };
  if (end.kind !== "delivered")
    return { ...common, end: endWord(end), port: undefined, seen: undefined, reply: undefined };
  const { source, destinationPort } = end.tuple;
  const sent = there.hops[0]?.before.source;
  return {
    ...common,
    end: "delivered",
    port: destinationPort,
    seen: { address: source, owner: owners.of(source), isSent: sent === undefined || sent === source },
    reply:
      back === undefined
        ? undefined
        : { word: back.end.kind === "delivered" ? "answered" : endWord(back.end), host: back.end.host },
  };
}

/** Hosts that stand for others. */
export interface Renaming {
  readonly host: (name: string) => string;
  /** `owner`: the host that has the address, before. */
  readonly address: (address: Address, owner: string | undefined) => Address;
}

const UNCHANGED: Renaming = { host: (name) => name, address: (address) => address };

/** What `client` learns of it. */
export function outcomeOf(
  { probability, isConditional, end, host, port, seen, reply }: BranchResult,
  client: string,
  renaming: Renaming,
): MatrixOutcome {
  const nameOf = (name: string): string => {
    const now = renaming.host(name);
    return now === client ? "client" : now;
  };
  return {
    probability,
    isConditional,
    end,
    host: nameOf(host),
    port,
    seenAs: seen && seenAs(seen, nameOf, renaming),
    reply: reply && (reply.word === "answered" ? reply.word : `${reply.word} at ${nameOf(reply.host)}`),
  };
}

function seenAs(
  { address, owner, isSent }: NonNullable<BranchResult["seen"]>,
  nameOf: (name: string) => string,
  renaming: Renaming,
): string {
  const name = owner === undefined ? undefined : nameOf(owner);
  if (name === "client" && isSent) return "client";
  const text = printAddress(renaming.address(address, owner));
  return name === undefined ? text : `${name} ${text}`;
}

function endWord(end: WalkEnd): string {
  switch (end.kind) {
    case "dropped":
    case "rejected":
      return `${end.kind} in ${end.hook}`;
    case "bridge-drops":
      return end.why;
    case "no-route":
      return end.refused?.kind ?? end.kind;
    default:
      // The others are told by their kind alone.
      return end.kind;
  }
}

/** Equal for outcomes that differ in nothing but how probable they are. */
export function outcomeKey({ host, port, end, seenAs, reply, isConditional }: MatrixOutcome): string {
  return [end, host, port ?? "", seenAs ?? "", reply ?? "", isConditional].join("|");
}

/** Equal for equal outcomes, where probabilities are compared to nine digits. */
export function outcomesKey(outcomes: readonly MatrixOutcome[]): string {
  return outcomes.map((each) => `${outcomeKey(each)}|${each.probability.toFixed(9)}`).join("\n");
}
