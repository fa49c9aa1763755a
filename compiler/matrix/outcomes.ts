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
  const found = new Map<string, MatrixOutcome>();
  for (const branch of walk.branches) {
    const outcome = outcomeOf(branch, walk.flow.from, owners);
    const key = outcomeKey(outcome);
    const known = found.get(key);
    found.set(key, known === undefined ? outcome : { ...known, probability: known.probability + outcome.probability });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, outcome]) => outcome);
}

function outcomeOf(
  { probability, condition, there, back }: WalkBranch,
  client: string,
  owners: AddressOwners,
): MatrixOutcome {
  const nameOf = (host: string): string => (host === client ? "client" : host);
  const { end } = there;
  const common = { probability, isConditional: condition !== ALWAYS, host: nameOf(end.host) };
  if (end.kind !== "delivered")
    return { ...common, end: endWord(end), port: undefined, seenAs: undefined, reply: undefined };
  const { source, destinationPort } = end.tuple;
  const owner = owners.of(source);
  const seenAs =
    owner === client && !isOtherAddress(there.hops[0]?.before.source, source)
      ? "client"
      : `${owner === undefined ? "" : `${nameOf(owner)} `}${printAddress(source)}`;
  const reply =
    back === undefined
      ? "none"
      : back.end.kind === "delivered"
        ? "answered"
        : `${endWord(back.end)} at ${nameOf(back.end.host)}`;
  return { ...common, end: "delivered", port: destinationPort, seenAs, reply };
}

/** Whether the client is seen with another of its addresses than it has sent from. */
function isOtherAddress(sent: Address | undefined, seen: Address): boolean {
  return sent !== undefined && sent !== seen;
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
