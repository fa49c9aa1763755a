import { CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { RejectWith } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import type { Assumption } from "./assumption.ts";
import type { Environment, Packets, Reason, Sticky, Tracking } from "./packet.ts";
import { applySpread, maskSpread, type Spread } from "./preimage.ts";
import { type Cut, Ranges } from "./ranges.ts";
import { type Field, isOnePacket, outside, type Region, within } from "./region.ts";

/** What a field holds by now: a value, or what a field, which is named, held as the packet came. */
export type Now<T> = T | Field;

/** What a field of bits holds by now: a number, or what a mask makes of what a field held as the packet came. */
export type Held = number | Spread;

/** Packets on their way, each with its connection, that have fared alike so far. Never changed: each step makes new ones. */
export interface State {
  /** Those packets, as they came. */
  readonly region: Region;
  /** Of each of them, that this happens to it. */
  readonly probability: number;
  readonly protocol: number;
  readonly source: Now<Address>;
  readonly destination: Now<Address>;
  readonly destinationPort: Now<number>;
  readonly mark: Held;
  readonly priority: number;
  /** Empty for packets that were generated here and have not gone through loopback. */
  readonly inInterface: string;
  readonly ctState: Now<number>;
  readonly ctStatus: Held;
  readonly ctMark: Held;
  /** Fields, as `describe` names them, that a step which is not understood may have written. */
  readonly overwritten: ReadonlySet<string>;
  /** The packets as they came, with all that were there. */
  readonly original: Packets;
  /** Whether the destination, the source of this connection are settled: NAT chains are not asked again. */
  readonly destinationSettled: boolean;
  readonly sourceSettled: boolean;
  /** Some rule said where the packet goes, if only to where it went anyway. */
  readonly translated: boolean;
  readonly masqueraded: boolean;
  /** By a rule that says from where: as text, and the first of its addresses. */
  readonly newSource: { readonly text: string; readonly address: Address | undefined } | undefined;
  /** As in `Result`. */
  readonly takenBy: readonly string[];
  readonly sticky: Sticky | undefined;
  /** Some rule accepted the packet in so many words. */
  readonly accepted: boolean;
  readonly end: { readonly kind: "drop" } | { readonly kind: "reject"; readonly with: RejectWith } | undefined;
  /** The element of a set that the rule at hand has matched. */
  readonly member: Pick<Reason, "element" | "declaration"> | undefined;
  /** Those of a single packet. */
  readonly reasons: readonly Reason[];
  readonly assumptions: readonly Assumption[];
  readonly environment: Environment;
}

const NOBODY: readonly string[] = [];
const NOTHING_OVERWRITTEN: ReadonlySet<string> = new Set();

/** `packets` at the node's door. */
export function startState(packets: Packets, environment: Environment): State {
  return {
    region: packets.region,
    probability: 1,
    protocol: packets.protocol,
    source: "saddr",
    destination: "daddr",
    destinationPort: "dport",
    mark: asItCame("mark", packets),
    priority: 0,
    inInterface: packets.inInterface ?? "",
    ctState: hasNone(packets.tracking)
      ? CT_STATE[packets.tracking]
      : ((packets.region.ctstate.single as number | undefined) ?? "ctstate"),
    ctStatus: asItCame("ctstatus", packets),
    ctMark: asItCame("ctmark", packets),
    overwritten: NOTHING_OVERWRITTEN,
    original: packets,
    destinationSettled: false,
    sourceSettled: false,
    translated: false,
    masqueraded: false,
    newSource: undefined,
    takenBy: NOBODY,
    sticky: undefined,
    accepted: false,
    end: undefined,
    member: undefined,
    reasons: [],
    assumptions: [],
    environment,
  };
}

function hasNone(tracking: Tracking): tracking is "invalid" | "untracked" {
  return tracking === "invalid" || tracking === "untracked";
}

function asItCame(field: "mark" | "ctstatus" | "ctmark", { region }: Packets): Held {
  return heldNow({ field }, region);
}

/** What `held` is for the packets of `region`: a number, where it is one for all of them. */
export function heldNow(held: Held, region: Region): Held {
  if (typeof held === "number") return held;
  const { single } = region[held.field];
  return single === undefined ? held : Number(applySpread(held, single));
}

/** `held` with `bits` set. */
function withBits(held: Held, bits: number): Held {
  return typeof held === "number" ? held | bits : maskSpread(held, ~bits >>> 0, bits);
}

/** What `now` is for the packets of `region`: a value, where it is one for all of them. */
export function valueNow<T extends Cut>(now: Now<T>, region: Region): T | Spread {
  return typeof now === "string" ? ((region[now].single as T | undefined) ?? { field: now }) : now;
}

export function hasConnection({ ctState }: State): boolean {
  return ctState !== CT_STATE.invalid && ctState !== CT_STATE.untracked;
}

/** Whether it is told by which rules the packets went: one packet's ways are, those of many are too many. */
export function isExplained({ original }: State): boolean {
  return isOnePacket(original.region);
}

/** Below this a probability is what rounding left of zero. */
export const TINY = 1e-12;

/** `state` for some of its packets, of each with a probability; `state` itself where that changes nothing. */
export function narrow(state: State, region: Region, probability = 1): State {
  const isCertain = Math.abs(probability - 1) < TINY;
  if (isCertain && region === state.region) return state;
  return having(state, region, isCertain ? state.probability : state.probability * probability, state.member);
}

/** `state` with what changes at each match. Written out: to spread so many fields takes twenty times as long. */
export function having(state: State, region: Region, probability: number, member: State["member"]): State {
  return {
    region,
    probability,
    protocol: state.protocol,
    source: state.source,
    destination: state.destination,
    destinationPort: state.destinationPort,
    mark: state.mark,
    priority: state.priority,
    inInterface: state.inInterface,
    ctState: state.ctState,
    ctStatus: state.ctStatus,
    ctMark: state.ctMark,
    overwritten: state.overwritten,
    original: state.original,
    destinationSettled: state.destinationSettled,
    sourceSettled: state.sourceSettled,
    translated: state.translated,
    masqueraded: state.masqueraded,
    newSource: state.newSource,
    takenBy: state.takenBy,
    sticky: state.sticky,
    accepted: state.accepted,
    end: state.end,
    member,
    reasons: state.reasons,
    assumptions: state.assumptions,
    environment: state.environment,
  };
}

/** `state` sent on to `address` and `port`. Connection tracking calls it translated only when that is not where it was
 *  going (nf_nat_setup_info). */
export function translate(state: State, address: Now<Address>, port: Now<number>): State[] {
  const { region } = state;
  const same = thereAlready(thereAlready(region, state.destination, address), state.destinationPort, port);
  const sent = (part: Region, ctStatus: Held): State => ({
    ...state,
    region: part,
    destination: address,
    destinationPort: port,
    ctStatus,
    destinationSettled: true,
  });
  const changed = withBits(state.ctStatus, CT_STATUS.dnat);
  if (same === undefined) return [sent(region, changed)];
  return [sent(same, state.ctStatus), ...outside(region, same).map((part) => sent(part, changed))];
}

/** The packets for which a field that is `now` would become the same. */
function thereAlready(region: Region | undefined, now: Now<Cut>, next: Now<Cut>): Region | undefined {
  if (region === undefined || now === next) return region;
  if (typeof now === "string" && typeof next !== "string") return within(region, now, Ranges.of(next));
  return undefined;
}
