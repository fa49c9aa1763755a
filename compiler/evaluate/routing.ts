/** Where packets go behind the rules that may translate them: the node's routing decision, and loopback. */
import { required } from "../invariant.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import type { Address, Family } from "../net/address.ts";
import { addressTypeOf, addressTypes } from "../packets/address-type.ts";
import { within, without } from "../packets/packet-set.ts";
import { valuesBehind } from "../packets/preimage.ts";
import { tupleOf } from "./departure.ts";
import { decideLocality, isAssumedLocal } from "./locality.ts";
import type { Environment, Route, RouteQuery } from "./packet.ts";
import {
  type Branch,
  isChosen,
  narrow,
  numberNow,
  type SharedState,
  type State,
  valueNow,
  withShared,
} from "./state.ts";

/** What is for the node itself, and what goes on to another host. */
export interface LocalAndOthers {
  readonly local: State | undefined;
  readonly others: State | undefined;
}

/** `state` with the routes that the environment says for its packets; as it was where that says none. */
export function findRoutes(at: RouteQuery["at"], state: State): State[] {
  const { shared, branches } = state;
  const { route } = shared.environment;
  if (route === undefined) return [state];
  return branches.map((branch) => {
    const query = queryOf(at, shared, branch);
    return { shared: query === undefined ? shared : routed(shared, route(query)), branches: [branch] };
  });
}

/** What the node looks for a route by; undefined: behind output it does not, as rules have not changed where the packet goes. */
export function queryOf(at: RouteQuery["at"], shared: SharedState, branch: Branch): RouteQuery | undefined {
  if (at === "output" && !isRoutedAgain(shared, branch)) return undefined;
  const { protocol, inInterface } = shared.original;
  const mark = numberNow("mark", at === "output" ? { ...shared, mark: shared.routingMark } : shared, branch.region);
  return { at, protocol, tuple: tupleOf(shared, branch), mark, inInterface };
}

/** The node looks for a route again where its rules have changed the destination, or a chain of type route the mark. */
function isRoutedAgain(
  { routingMark, original }: SharedState,
  { destination, destinationPort, region }: Branch,
): boolean {
  const isMoved = valueNow(destination, region) !== region.daddr.single;
  return (
    isMoved || valueNow(destinationPort, region) !== region.dport.single || routingMark !== original.region.mark.single
  );
}

/** `shared` of packets that the routing table leads along `route`. */
export function routed(shared: SharedState, route: Route): SharedState {
  return { ...shared, route, outInterface: outInterfaceOf(shared, route) };
}

/** At the output hook the kernel still names the interface of the first route. */
function outInterfaceOf({ original }: SharedState, route: Route): string {
  if (route.kind === "forward") return route.interface;
  return route.kind === "local" && original.inInterface === undefined ? "lo" : "";
}

/** Packets to the node and others. Where it is not known which they are, both are followed, if rules behind this may see that. */
export function splitByRoute(state: State, isSeen: () => boolean): readonly LocalAndOthers[] {
  const { route, environment } = state.shared;
  if (route !== undefined)
    return [{ local: route.kind === "local" ? state : undefined, others: route.kind === "local" ? undefined : state }];
  const isAssumed = environment.moreAddresses === true && isSeen();
  return (isAssumed ? decideLocality(state) : [state]).map(splitByAddress);
}

/** Splits packets by their destination's type, which is known or assumed. */
function splitByAddress(state: State): LocalAndOthers {
  const { shared, branches } = state;
  const { original, environment } = shared;
  const isAssumed = (branch: Branch): boolean => isAssumedLocal(branch.destination, branch, shared);
  const here: Branch[] = [];
  const away: Branch[] = [];
  for (const branch of branches) {
    const address = valueNow(branch.destination, branch.region);
    if (typeof address !== "object") {
      const isHere = addressTypeOf(address, environment) === ADDRESS_TYPE.local || isAssumed(branch);
      (isHere ? here : away).push(branch);
      continue;
    }
    if (isAssumed(branch)) {
      here.push(branch);
      continue;
    }
    const local = required(
      addressTypes(original.family, environment.localAddresses).find(({ type }) => type === ADDRESS_TYPE.local),
      "there are local addresses",
    ).addresses;
    const values = valuesBehind(address, local, branch.region[address.field]);
    const inside = within(branch.region, address.field, values);
    const outside = without(branch.region, address.field, values);
    if (inside !== undefined) here.push(narrow(branch, inside));
    if (outside !== undefined) away.push(narrow(branch, outside));
  }
  const having = (some: readonly Branch[]): State | undefined =>
    some.length === 0 ? undefined : { shared, branches: some };
  return { local: having(here), others: having(away) };
}

/** Packets that go through loopback, by the source that they have then. */
export function comeBack(local: State): State[] {
  const { shared, branches } = local;
  const looped = { inInterface: "lo", outInterface: "" };
  // Which address of several that a rule gives the kernel chooses stays open.
  if (!isChosen("address", shared) || shared.newSource?.address !== undefined) return [withShared(local, looped)];
  const choices = shared.choices.filter(({ of }) => of !== "address");
  const own = ownAddressOf(shared.original.family, shared.environment);
  if (own !== undefined) return [withShared(local, { ...looped, source: own, choices })];
  const byDestination = new Map<Branch["destination"], Branch[]>();
  for (const branch of branches)
    byDestination.set(branch.destination, [...(byDestination.get(branch.destination) ?? []), branch]);
  return [...byDestination].map(([address, some]) => ({
    shared: { ...shared, ...looped, source: address, choices },
    branches: some,
  }));
}

/** The source that masquerading gives to packets to a local address: with IPv4 the node's first (inet_select_addr);
 *  undefined: that address itself, with IPv6 (RFC 6724, rule 1) and where the node has none. */
function ownAddressOf(family: Family, { localAddresses }: Environment): Address | undefined {
  return family === "IPv6" ? undefined : [...localAddresses].find((address) => typeof address === "number");
}
