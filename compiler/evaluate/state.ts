import { CT_STATE } from "../ir/constants.ts";
import type { Hook, RejectWith } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { isOnePacket, outside, type PacketField, type PacketSet, within } from "../packets/packet-set.ts";
import { applySpread, maskSpread, type Spread, valuesBehind, whereEqual } from "../packets/preimage.ts";
import { type Cut, Ranges } from "../packets/ranges.ts";
import type { Entered } from "./memory.ts";
import type { Environment, Packets, PathStep, Reason, Route, SourceChoice, Sticky } from "./packet.ts";
import { TakenPath } from "./taken-path.ts";
import { ALWAYS, type Condition } from "./unknown/condition.ts";

/** What a field holds by now: a value, or what a field, which is named, held as the packet came, or what a mask makes of that. */
export type Now<T> = T | PacketField | Mapped;

/** What a mask makes of a field. Made by `mappedTo` only: equal ones are one object. */
export type Mapped = Required<Spread>;

const MAPPED = new Map<string, Mapped>();

/** `(field & mask) ^ xor` of each packet. */
export function mappedTo(field: PacketField, mask: Cut, xor: Cut): Mapped {
  const key = `${field} ${mask} ${xor}`;
  const known = MAPPED.get(key) ?? { field, masked: { mask, xor } };
  MAPPED.set(key, known);
  return known;
}

/** A key: equal for equal values. */
export function nowKey(now: Now<Cut>): string {
  return typeof now === "object" ? `${now.field} & ${now.masked.mask} ^ ${now.masked.xor}` : String(now);
}

/** What a field of bits holds by now: a number, or what a mask makes of what a field held as the packet came. */
export type Symbolic = number | Spread;

/** Packets on their way, each with its connection, that have fared alike so far. Never changed: each step makes new ones. */
export interface State {
  readonly shared: SharedState;
  /** At least one. */
  readonly branches: readonly Branch[];
}

/** Packets of one region that go to one destination by now. Rules seldom tell one branch of a state from another one: so there
 *  are as many as there are endpoints, and not as many states. */
export interface Branch {
  /** Those packets, as they came. */
  readonly region: PacketSet;
  /** The probability that this happens, for each packet of the region. */
  readonly probability: number;
  /** What has to hold of that which is not known for this to happen. */
  readonly condition: Condition;
  readonly destination: Now<Address>;
  readonly destinationPort: Now<number>;
}

/** What all branches of a state have in common. */
export interface SharedState {
  readonly protocol: number;
  /** As far as rules tell: the first of those that the kernel chooses from, where `choices` has it. */
  readonly source: Now<Address>;
  readonly sourcePort: Now<number>;
  /** What of the source the kernel chooses. */
  readonly choices: readonly SourceChoice[];
  /** The route that the environment returned last, and the mark that counted for it. */
  readonly route: Route | undefined;
  readonly routingMark: Symbolic;
  readonly mark: Symbolic;
  readonly priority: number;
  /** Empty for packets that were generated here and have not gone through loopback. */
  readonly inInterface: string;
  /** Empty where there is none, as at prerouting; undefined: it is not known. */
  readonly outInterface: string | undefined;
  /** The hook that the packets are at, or were last. */
  readonly hook: Hook;
  readonly ctState: Now<number>;
  readonly ctStatus: Symbolic;
  readonly ctMark: Symbolic;
  /** Whether the kernel tracks connections at all: some rule needs it. */
  readonly isTracked: boolean;
  /** Fields, as `describe` names them, that a step which is not understood may have written. */
  readonly overwritten: ReadonlySet<string>;
  /** The packets as they came, with all that were there. */
  readonly original: Packets;
  /** Whether `original` is a single packet. */
  readonly isSingle: boolean;
  /** Whether the destination, the source of this connection are decided: NAT chains are not asked again. */
  readonly destinationDecided: boolean;
  readonly sourceDecided: boolean;
  /** Some rule said where the packet goes, if only to where it went anyway. */
  readonly translated: boolean;
  readonly masqueraded: boolean;
  /** The source that a rule gives: as text, and the first of its addresses. */
  readonly newSource:
    | { readonly text: string; readonly address: Address | undefined; readonly by?: string }
    | undefined;
  /** As in `Result`. */
  readonly takenBy: readonly string[];
  readonly sticky: Sticky | undefined;
  /** What rules did on the way to lists that others ask. */
  readonly entered: readonly Entered[];
  /** Some rule accepted the packet in so many words. */
  readonly accepted: boolean;
  readonly end: { readonly kind: "drop" } | { readonly kind: "reject"; readonly with: RejectWith } | undefined;
  /** The element of a set that the rule at hand has matched. */
  readonly member: Pick<Reason, "element" | "declaration"> | undefined;
  /** What rules did to a single packet; undefined: nothing yet, or there are many packets. */
  readonly path: TakenPath | undefined;
  readonly environment: Environment;
}

const NO_CHOICES: readonly SourceChoice[] = [];
const NOBODY: readonly string[] = [];
const NOTHING_ENTERED: readonly Entered[] = [];
const NOTHING_OVERWRITTEN: ReadonlySet<string> = new Set();

/** `packets` at the node's entry point. */
export function startState(packets: Packets, environment: Environment, isTracked: boolean): State {
  const { region, protocol, inInterface } = packets;
  const shared: SharedState = {
    protocol,
    source: "saddr",
    sourcePort: "sport",
    choices: NO_CHOICES,
    route: undefined,
    routingMark: asItCame("mark", packets),
    mark: asItCame("mark", packets),
    priority: 0,
    inInterface: inInterface ?? "",
    outInterface: environment.route === undefined ? undefined : "",
    hook: inInterface === undefined ? "output" : "prerouting",
    ctState: (region.ctstate.single as number | undefined) ?? "ctstate",
    ctStatus: asItCame("ctstatus", packets),
    ctMark: asItCame("ctmark", packets),
    isTracked,
    overwritten: NOTHING_OVERWRITTEN,
    original: packets,
    isSingle: isOnePacket(region),
    destinationDecided: false,
    sourceDecided: false,
    translated: false,
    masqueraded: false,
    newSource: undefined,
    takenBy: NOBODY,
    sticky: undefined,
    entered: NOTHING_ENTERED,
    accepted: false,
    end: undefined,
    member: undefined,
    path: undefined,
    environment,
  };
  return {
    shared,
    branches: [
      {
        region,
        probability: 1,
        condition: environment.given ?? ALWAYS,
        destination: "daddr",
        destinationPort: "dport",
      },
    ],
  };
}

function asItCame(field: "mark" | "ctstatus" | "ctmark", { region }: Packets): Symbolic {
  return symbolicNow({ field }, region);
}

/** What `held` is for the packets of `region`: a number, where it is one for all of them. */
export function symbolicNow(held: Symbolic, region: PacketSet): Symbolic {
  if (typeof held === "number") return held;
  const { single } = region[held.field];
  return single === undefined ? held : Number(applySpread(held, single));
}

/** Equal for what is held alike. */
export function symbolicKey(held: Symbolic): string {
  return typeof held === "number" ? String(held) : `${held.field} ${held.masked?.mask} ${held.masked?.xor}`;
}

/** `held` with `bits` set. */
export function withBits(held: Symbolic, bits: number): Symbolic {
  return typeof held === "number" ? held | bits : maskSpread(held, ~bits >>> 0, bits);
}

/** What `now` is for the packets of `region`: a value, where it is one for all of them. */
export function valueNow<T extends Cut>(now: Now<T>, region: PacketSet): T | Spread {
  if (typeof now === "string") return (region[now].single as T | undefined) ?? { field: now };
  if (!isMapped(now)) return now;
  const { single } = region[now.field];
  return single === undefined ? now : (applySpread(now, single) as T);
}

function isMapped(now: Cut | Mapped): now is Mapped {
  return typeof now === "object";
}

/** What a mark or status is for the packets of `region`; undefined: it is not known, or not one number. */
export function numberNow(
  field: "mark" | "ctMark" | "ctStatus",
  shared: SharedState,
  region: PacketSet,
): number | undefined {
  if (shared.overwritten.has(NAMES[field])) return undefined;
  const held = symbolicNow(shared[field], region);
  return typeof held === "number" ? held : undefined;
}

/** As `describe` names them. */
const NAMES = { mark: "meta mark", ctMark: "ct mark", ctStatus: "ct status" } as const;

/** Whether the kernel chooses the address, or the port, that packets have as their source by now. */
export function isChosen(of: SourceChoice["of"], { choices }: SharedState): boolean {
  return choices.some((choice) => choice.of === of);
}

export function hasConnection({ ctState }: SharedState): boolean {
  return ctState !== CT_STATE.invalid && ctState !== CT_STATE.untracked;
}

/** Whether it is told by which rules the packets went: one packet's ways are, those of many are too many. */
export function isExplained({ isSingle }: SharedState): boolean {
  return isSingle;
}

/** `shared` of a single packet, with one more step on its path. */
export function withStep(shared: SharedState, step: PathStep): SharedState {
  const next = copyOf(shared);
  next.path = new TakenPath(shared.path, step);
  return next;
}

/** Below this a probability is what rounding left of zero. */
export const TINY = 1e-12;

/** `branch` for some of its packets, of each with a probability; `branch` itself where that changes nothing. */
export function narrow(branch: Branch, region: PacketSet, probability = 1): Branch {
  const isCertain = Math.abs(probability - 1) < TINY;
  if (isCertain && region === branch.region) return branch;
  const { condition, destination, destinationPort } = branch;
  return {
    region,
    probability: isCertain ? branch.probability : branch.probability * probability,
    condition,
    destination,
    destinationPort,
  };
}

/** `branch` where `condition`, which is part of its own, holds. */
export function where(branch: Branch, condition: Condition): Branch {
  return condition === branch.condition ? branch : { ...branch, condition };
}

/** `state` with `change` in what its branches share. */
export function withShared({ shared, branches }: State, change: Partial<SharedState>): State {
  return { shared: changeShared(shared, change), branches };
}

/** `shared` with `change`. */
export function changeShared(shared: SharedState, change: Partial<SharedState>): SharedState {
  return Object.assign(copyOf(shared), change);
}

/** A copy for somebody who changes it. Field by field, as a spread takes three times as long: packets are copied at each step. */
function copyOf(shared: SharedState): { -readonly [Key in keyof SharedState]: SharedState[Key] } {
  return {
    protocol: shared.protocol,
    source: shared.source,
    sourcePort: shared.sourcePort,
    choices: shared.choices,
    route: shared.route,
    routingMark: shared.routingMark,
    mark: shared.mark,
    priority: shared.priority,
    inInterface: shared.inInterface,
    outInterface: shared.outInterface,
    hook: shared.hook,
    ctState: shared.ctState,
    ctStatus: shared.ctStatus,
    ctMark: shared.ctMark,
    isTracked: shared.isTracked,
    overwritten: shared.overwritten,
    original: shared.original,
    isSingle: shared.isSingle,
    destinationDecided: shared.destinationDecided,
    sourceDecided: shared.sourceDecided,
    translated: shared.translated,
    masqueraded: shared.masqueraded,
    newSource: shared.newSource,
    takenBy: shared.takenBy,
    sticky: shared.sticky,
    entered: shared.entered,
    accepted: shared.accepted,
    end: shared.end,
    member: shared.member,
    path: shared.path,
    environment: shared.environment,
  };
}

/** A branch that is sent on. */
export interface Sent {
  /** The packets that went there anyway. */
  readonly same: Branch | undefined;
  readonly others: readonly Branch[];
}

/** `branch` sent on to `address` and `port`. Connection tracking calls it translated only when that is not where it was
 *  going (nf_nat_setup_info). */
export function translate(branch: Branch, address: Now<Address>, port: Now<number>): Sent {
  const { region, probability, condition } = branch;
  const same = thereAlready(thereAlready(region, branch.destination, address), branch.destinationPort, port);
  const sent = (part: PacketSet): Branch => ({
    region: part,
    ...{ probability, condition },
    destination: address,
    destinationPort: port,
  });
  return same === undefined
    ? { same: undefined, others: [sent(region)] }
    : { same: sent(same), others: outside(region, same).map(sent) };
}

/** The packets for which a field that is `now` would become the same. */
function thereAlready(region: PacketSet | undefined, now: Now<Cut>, next: Now<Cut>): PacketSet | undefined {
  if (region === undefined || now === next) return region;
  if (typeof next === "string" || now === next) return undefined;
  const own: Spread | undefined = typeof now === "string" ? { field: now } : typeof now === "object" ? now : undefined;
  if (own === undefined) return undefined;
  if (typeof next !== "object") return within(region, own.field, valuesBehind(own, Ranges.of(next), region[own.field]));
  return within(region, own.field, whereEqual(own, next, region[own.field]));
}
