/** Whether destinations are addresses of a node of which not all addresses are known: assumed both ways. */
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { type Address, printAddress } from "../net/address.ts";
import { addressTypeOf, addressTypes } from "../packets/address-type.ts";
import { within } from "../packets/packet-set.ts";
import { valuesBehind } from "../packets/preimage.ts";
import { assume } from "./assume.ts";
import { type Branch, isExplained, type Now, narrow, type SharedState, type State, valueNow } from "./state.ts";
import type { Assumption } from "./unknown/assumption.ts";
import { both, NEVER, not, unknownMatch } from "./unknown/condition.ts";

/** How an assumption about a destination ends. */
const LOCAL = "is an address of this node";

/** All destinations that rules give have one text: a packet may come to many of them by chance. */
const NEW = `the new destination ${LOCAL}`;

/** Whether an assumption is about the addresses of the node: `original`, whether the packet was sent to one; `new`, whether a rule
 *  sends it to one. */
export function localityIn({ text }: { readonly text: string }): "original" | "new" | undefined {
  if (!text.endsWith(LOCAL)) return undefined;
  return text === NEW ? "new" : "original";
}

/** Whether the text of an assumption, or a text about it, is about the addresses of the node. */
export function mentionsLocality(text: string): boolean {
  return text.endsWith(LOCAL) || text.endsWith(LOCAL.replace("is ", "is not "));
}

/** What is assumed, as a sentence or after `not`. */
export function printAssumption({ text, holds }: Pick<Assumption, "text" | "holds">, not = "not "): string {
  if (holds) return text;
  return mentionsLocality(text) ? text.replace(LOCAL, LOCAL.replace("is ", "is not ")) : `${not}${text}`;
}

/** `state` as states in each of which it is known, or assumed, whether destinations are the node's own: `state` alone where all
 *  addresses of the node are known. */
export function decideLocality(state: State): readonly State[] {
  const { shared, branches } = state;
  const { environment, original } = shared;
  if (environment.moreAddresses !== true) return [state];
  const certain: Branch[] = [];
  const open = new Map<string, Branch[]>();
  const ask = (branch: Branch): void => {
    const text = textOf(branch.destination, branch, shared);
    open.set(text, [...(open.get(text) ?? []), branch]);
  };
  for (const branch of branches) {
    const address = valueNow(branch.destination, branch.region);
    if (typeof address !== "object") {
      if (addressTypeOf(address, environment) === ADDRESS_TYPE.unicast) ask(branch);
      else certain.push(branch);
      continue;
    }
    for (const { type, addresses } of addressTypes(original.family, environment.localAddresses)) {
      const values = valuesBehind(address, addresses, branch.region[address.field]);
      const part = within(branch.region, address.field, values);
      if (part === undefined) continue;
      if (type === ADDRESS_TYPE.unicast) ask(narrow(branch, part));
      else certain.push(narrow(branch, part));
    }
  }
  if (open.size === 0) return [state];
  const states: State[] = certain.length === 0 ? [] : [{ shared, branches: certain }];
  for (const [text, some] of open)
    for (const { state: decided } of assume(text, false, { shared, branches: some })) states.push(decided);
  return states;
}

/** Whether a destination that is not known to be the node's own was assumed to be. */
export function isAssumedLocal(destination: Now<Address>, branch: Branch, shared: SharedState): boolean {
  if (shared.environment.moreAddresses !== true) return false;
  const own = unknownMatch(textOf(destination, branch, shared));
  return both(branch.condition, not(own)) === NEVER;
}

function textOf(destination: Now<Address>, { region }: Pick<Branch, "region">, shared: SharedState): string {
  if (typeof destination !== "string") return NEW;
  if (destination !== "daddr") return `the destination of the connection ${LOCAL}`;
  const value = valueNow<Address>(destination, region);
  return `${isExplained(shared) && typeof value !== "object" ? printAddress(value) : "the destination"} ${LOCAL}`;
}
