/** Whether destinations are addresses of a node of which not all addresses are known: assumed both ways. */
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { type Address, printAddress } from "../net/address.ts";
import { addressTypeOf, addressTypes } from "../packets/address-type.ts";
import { within } from "../packets/packet-set.ts";
import { valuesBehind } from "../packets/preimage.ts";
import { assume, localityHolds } from "./assume.ts";
import { type Branch, isExplained, type Now, narrow, type SharedState, type State, valueNow } from "./state.ts";
import type { Locality } from "./unknown/assumption.ts";
import { both, NEVER, not } from "./unknown/condition.ts";

/** All destinations that rules give have one text: a packet may come to many of them by chance. */
const NEW: Locality = { of: "new", subject: "the new destination" };

/** `state`, of a node of which not all addresses are known, as states in each of which it is known, or assumed, whether destinations
 *  are the node's own. */
export function decideLocality(state: State): readonly State[] {
  const { shared, branches } = state;
  const { environment, original } = shared;
  const certain: Branch[] = [];
  const open = new Map<string, { readonly locality: Locality; readonly some: Branch[] }>();
  const ask = (branch: Branch): void => {
    const locality = localityOf(branch.destination, branch, shared);
    const known = open.get(locality.subject);
    if (known === undefined) open.set(locality.subject, { locality, some: [branch] });
    else known.some.push(branch);
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
  for (const { locality, some } of open.values())
    for (const { state: decided } of assume(locality, false, { shared, branches: some })) states.push(decided);
  return states;
}

/** Whether a destination that is not known to be the node's own was assumed to be. */
export function isAssumedLocal(destination: Now<Address>, branch: Branch, shared: SharedState): boolean {
  if (shared.environment.moreAddresses !== true) return false;
  const own = localityHolds(localityOf(destination, branch, shared));
  return both(branch.condition, not(own)) === NEVER;
}

function localityOf(destination: Now<Address>, { region }: Pick<Branch, "region">, shared: SharedState): Locality {
  if (typeof destination !== "string") return NEW;
  if (destination !== "daddr") return { of: "original", subject: "the destination of the connection" };
  const value = valueNow<Address>(destination, region);
  const subject = isExplained(shared) && typeof value !== "object" ? printAddress(value) : "the destination";
  return { of: "original", subject };
}
