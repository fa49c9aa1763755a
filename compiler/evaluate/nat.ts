/** Where translations of destinations lead. */
import { CT_STATUS } from "../ir/constants.ts";
import type { Interval, MapElement, NatRandom, NatTarget, Statement, Value } from "../ir/types.ts";
import { type Address, familyOf, printAddress } from "../net/address.ts";
import { within, without } from "../packets/packet-set.ts";
import { maskSpread, type Spread } from "../packets/preimage.ts";
import { type Cut, Ranges, unite, valuesIn } from "../packets/ranges.ts";
import { evaluateExpression } from "./expression.ts";
import { hasPorts } from "./field.ts";
import type { Because, Frame, ReasonExtra, StepProgress } from "./frame.ts";
import type { Reason } from "./packet.ts";
import { Partition } from "./partition.ts";
import { lookUpInFilledMap } from "./remember.ts";
import {
  type Branch,
  changeShared,
  isExplained,
  mappedTo,
  type Now,
  narrow,
  type SharedState,
  type State,
  translate,
  valueNow,
  withBits,
} from "./state.ts";
import { assumeElement, isData } from "./unknown-element.ts";
import { isUnknown } from "./unknown-expression.ts";

/** What a translation gives, each one of an interval where there is one. */
export type Given = Omit<Extract<NatTarget, { kind: "literal" }>, "kind">;

/** What a translation does to a branch that is given an address and a port. */
export type Give = (parts: Partition<"next" | "done">, branch: Branch, given: Given, extra: ReasonExtra) => void;

export function runNat(
  to: NatTarget,
  state: State,
  frame: Frame,
  giveBy: (shared: SharedState) => Give,
): StepProgress[] {
  const run = (each: State): StepProgress[] => translateTo(to, each, frame, giveBy);
  if (to.kind === "literal") return run(state);
  const list = frame.table.lists.filledSet(to.map, frame.table.table);
  return list === undefined ? run(state) : lookUpInFilledMap(to.key, list, state, run);
}

function translateTo(to: NatTarget, state: State, frame: Frame, giveBy: (shared: SharedState) => Give): StepProgress[] {
  const { shared, branches } = state;
  const give = giveBy(shared);
  const parts = new Partition<"next" | "done">(state);
  if (to.kind === "literal") {
    for (const branch of branches) give(parts, branch, to, {});
    return parts.progress;
  }
  const declaration = frame.table.map(to.map);
  const giveFound = (each: Give, into: typeof parts, branch: Branch, element: MapElement | undefined): void => {
    if (element === undefined || !isData(element.value)) {
      into.add(branch, "next");
      return;
    }
    const [address, port] = element.value.map((value): Interval => ({ from: value, to: value }));
    const given = { ...(address && { addresses: address }), ...(port && { ports: port }) };
    each(into, branch, given, { element, declaration });
  };
  if (isUnknown(to.key, shared))
    return assumeElement(to.key, declaration.elements, state, frame.table, (element, chosen) => {
      const own = new Partition<"next" | "done">(chosen);
      const giveThem = giveBy(chosen.shared);
      for (const branch of chosen.branches) giveFound(giveThem, own, branch, element);
      return own.progress;
    });
  const elements = frame.table.mapElements(to.map);
  for (const branch of branches) {
    for (const { region, probability, value } of evaluateExpression(to.key, shared, branch, frame.table)) {
      if (value === undefined) parts.add(narrow(branch, region, probability), "next");
      else
        for (const { region: part, element } of elements.split(value, region))
          giveFound(give, parts, narrow(branch, part, probability), element);
    }
  }
  return parts.progress;
}

/** One of the destinations that a branch is given. */
interface Way {
  readonly branch: Branch;
  readonly address: Now<Address>;
  readonly port: Now<number>;
  readonly taken: readonly Taken[];
}

/** A choice that is not followed: as in `Result`, and the expressions that are not known behind it, as `describe` names them. */
interface Taken {
  readonly text: string;
  readonly hides: readonly string[];
}

const NOTHING_TAKEN: readonly Taken[] = [];
const ADDRESSES: readonly string[] = ["ip daddr", "ip6 daddr", "fib daddr type"];
const PORTS: readonly string[] = ["th dport", "tcp dport", "udp dport", "sctp dport"];

/** Destinations. */
export function destinations(because: Because, random: NatRandom): (shared: SharedState) => Give {
  return (shared) => {
    const sharedAfter = sharedWhenSent(shared, because, true);
    return (parts, branch, given, extra) => {
      for (const chosen of addressesFor(branch, given))
        for (const way of portsFor(chosen, shared, given, random)) sendOn(parts, way, sharedAfter, extra);
    };
  };
}

/** A redirected packet stays here. */
export function redirect(
  { ports, random }: Extract<Statement, { kind: "redirect" }>,
  state: State,
  because: Because,
): StepProgress[] {
  const { shared, branches } = state;
  const sharedAfter = sharedWhenSent(shared, because, false);
  const parts = new Partition<"next" | "done">(state);
  for (const branch of branches) {
    const address = redirectAddress(shared, branch);
    if (address === undefined) {
      parts.add(branch, "done", because({ ...shared, end: { kind: "drop" } }));
      continue;
    }
    const chosen: Way = {
      branch,
      address,
      port: branch.destinationPort,
      taken: NOTHING_TAKEN,
    };
    for (const way of portsFor(chosen, shared, ports && { ports }, random)) sendOn(parts, way, sharedAfter, {});
  }
  return parts.progress;
}

/** What packets have in common that a rule has sent on; `isChanged`: to another destination than they had. */
export function sentBy(shared: SharedState, isChanged: boolean): SharedState {
  return withDestination(shared, isChanged, true);
}

function withDestination(shared: SharedState, isChanged: boolean, isSaid: boolean): SharedState {
  return changeShared(shared, {
    ctStatus: isChanged ? withBits(shared.ctStatus, CT_STATUS.dnat) : shared.ctStatus,
    destinationDecided: true,
    translated: shared.translated || isSaid,
  });
}

type SharedOf = (isChanged: boolean, way: Way, sent: Branch, extra: ReasonExtra) => SharedState;

function sendOn(parts: Partition<"next" | "done">, way: Way, sharedOf: SharedOf, extra: ReasonExtra): void {
  const { same, others } = translate(way.branch, way.address, way.port);
  if (same !== undefined) parts.add(same, "done", sharedOf(false, way, same, extra));
  for (const each of others) parts.add(each, "done", sharedOf(true, way, each, extra));
}

/** What branches have in common that are sent on; the same object where it is the same. `isSaid`: a rule said where they go. */
function sharedWhenSent(shared: SharedState, because: Because, isSaid: boolean): SharedOf {
  const known = new Map<string, SharedState>();
  return (isChanged, { taken }, sent, extra) => {
    const texts = taken.map(({ text }) => text);
    const key = `${isChanged} ${texts.join("\n")}`;
    let next = known.get(key);
    if (next === undefined) {
      next = withDestination(shared, isChanged, isSaid);
      if (taken.length > 0) {
        const takenBy = [...shared.takenBy, ...texts];
        next = changeShared(next, { takenBy, overwritten: hidden(shared.overwritten, taken) });
      }
      known.set(key, next);
    }
    return isExplained(shared) ? because(next, isSaid ? { ...extra, ...translatedTo(sent) } : extra) : next;
  };
}

function hidden(overwritten: ReadonlySet<string>, taken: readonly Taken[]): ReadonlySet<string> {
  return new Set([...overwritten, ...taken.flatMap(({ hides }) => hides)]);
}

export function printAddresses(addresses: Interval): string {
  return printInterval(addresses, (each) => printAddress(each as Address));
}

export function printInterval({ from, to }: Interval, print: (value: Value) => string): string {
  return from === to ? print(from) : `${print(from)}-${print(to)}`;
}

/** More addresses and ports than this are not told apart. */
const MOST_CHOSEN = 64;

/** The kernel chooses by the client's address: each is the one for as many (nf_nat_core.c, find_best_ips_proto). */
function addressesFor(branch: Branch, { addresses, netmap }: Given): readonly Way[] {
  const port = branch.destinationPort;
  if (addresses === undefined) return [{ branch, address: branch.destination, port, taken: NOTHING_TAKEN }];
  if (netmap) {
    const address = mapped(valueNow(branch.destination, branch.region), addresses);
    return [{ branch, address, port, taken: NOTHING_TAKEN }];
  }
  const first = addresses.from as Address;
  const count = Number(BigInt(addresses.to) - BigInt(first)) + 1;
  if (count > MOST_CHOSEN) return [{ branch, address: first, port, taken: [choiceOf(addresses)] }];
  if (count === 1) return [{ branch, address: first, port, taken: NOTHING_TAKEN }];
  return Array.from({ length: count }, (_, i) => ({
    branch: narrow(branch, branch.region, 1 / count),
    address: (typeof first === "bigint" ? first + BigInt(i) : first + i) as Address,
    ...{ port, taken: NOTHING_TAKEN },
  }));
}

function choiceOf(addresses: Interval): Taken {
  return { text: `a choice of ${printAddresses(addresses)}`, hides: ADDRESSES };
}

/** Each address becomes another one: the bits that both ends of `addresses` have replace its own (xt_NETMAP,
 *  nft_nat_setup_netmap). */
export function mapped(now: Address | Spread, { from, to }: Interval): Now<Address> {
  if (typeof now !== "object") return mapAddress(now, { from, to });
  const isWide = typeof from === "bigint";
  const host = isWide ? BigInt(from) ^ BigInt(to) : (Number(from) ^ Number(to)) >>> 0;
  const { field, masked } = maskSpread(now, host, from as Address);
  return mappedTo(field, masked.mask, masked.xor);
}

/** `address` with the network of `addresses`. */
export function mapAddress(address: Address, { from, to }: Interval): Address {
  if (typeof address === "number") {
    const host = Number(from) ^ Number(to);
    return (((address & host) | (Number(from) & ~host)) >>> 0) as Address;
  }
  const host = BigInt(from) ^ BigInt(to);
  return ((address & host) | (BigInt(from) & ~host)) as Address;
}

/** Whether a translation can change the port of the packets. */
export function translatesPorts({ protocol }: SharedState): boolean {
  return hasPorts(protocol);
}

/** Of several ports packets keep theirs if it is among them, and get the first one else; by chance they get any; shifted, one that
 *  is as far from the first as theirs is from the base (nf_nat_core.c, get_unique_tuple). Other protocols than those with
 *  ports keep all that is in their headers but the identifier of ICMP, which is not followed. */
function portsFor(way: Way, shared: SharedState, { ports, base }: Given = {}, random: NatRandom): readonly Way[] {
  const { branch, address, taken } = way;
  if (ports === undefined || !translatesPorts(shared)) return [way];
  const [first, last] = [Number(ports.from), Number(ports.to)];
  if (first === last) return [{ branch, address, port: first, taken }];
  if (base !== undefined) return shiftedPorts(way, { first, last, base });
  if (random !== "none") return randomPorts(way, first, last);
  const wanted = new Ranges([first, last + 1]);
  const port = valueNow(branch.destinationPort, branch.region);
  if (typeof port !== "object") return [wanted.has(port) ? way : { ...way, port: first }];
  const [inside, outside] = [within(branch.region, port.field, wanted), without(branch.region, port.field, wanted)];
  return [
    ...(inside === undefined ? [] : [{ ...way, branch: narrow(branch, inside) }]),
    ...(outside === undefined ? [] : [{ ...way, branch: narrow(branch, outside), port: first }]),
  ];
}

/** A random number of 16 bits, modulo the number of ports. */
function randomPorts(way: Way, first: number, last: number): readonly Way[] {
  const { branch, taken } = way;
  const count = last - first + 1;
  if (count > MOST_CHOSEN)
    return [{ ...way, port: first, taken: [...taken, { text: `a choice of ports ${first}-${last}`, hides: PORTS }] }];
  return Array.from({ length: count }, (_, i) => {
    const probability = Math.ceil((65536 - i) / count) / 65536;
    return { ...way, branch: narrow(branch, branch.region, probability), port: first + i };
  });
}

/** The port that is as far from `first` as `port` is from `base`, over and over up to `last`. */
export function shiftPort(port: number, base: number, first: number, last: number): number {
  return first + (((port - base) & 0xffff) % (last - first + 1));
}

function shiftedPorts(
  way: Way,
  { first, last, base }: { readonly first: number; readonly last: number; readonly base: number },
): readonly Way[] {
  const { branch } = way;
  const shifted = (own: number): number => shiftPort(own, base, first, last);
  const port = valueNow(branch.destinationPort, branch.region);
  if (typeof port !== "object") return [{ ...way, port: shifted(port) }];
  const came = new Map<number, Cut[]>();
  for (const value of valuesIn(branch.region[port.field])) {
    const to = shifted(Number(value));
    const known = came.get(to);
    if (known === undefined) came.set(to, [value]);
    else known.push(value);
  }
  return [...came].flatMap(([to, values]): Way[] => {
    const part = within(branch.region, port.field, unite(values.map((value) => Ranges.of(value))));
    return part === undefined ? [] : [{ ...way, branch: narrow(branch, part), port: to }];
  });
}

/** The one destination that packets have now. */
function translatedTo({ destination, destinationPort, region }: Branch): Pick<Reason, "translated"> {
  const [address, port] = [valueNow(destination, region), valueNow(destinationPort, region)];
  return typeof address === "object" || typeof port === "object" ? {} : { translated: { address, port } };
}

/** By the address of loopback when it came from here, else by one of the node; undefined: there is none. */
function redirectAddress({ original, environment }: SharedState, { destination }: Branch): Now<Address> | undefined {
  const { family, inInterface } = original;
  if (inInterface === undefined) return (family === "IPv4" ? 0x7f000001 : 1n) as Address;
  if (environment.addressOf !== undefined) return environment.addressOf(inInterface, family);
  return [...environment.localAddresses].find((address) => familyOf(address) === family) ?? destination;
}
