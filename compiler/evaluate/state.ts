import { CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { RejectWith } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import type { Assumption } from "./assumption.ts";
import type { Environment, Packets, Reason, Sticky } from "./packet.ts";
import type { Spread } from "./preimage.ts";
import { type Cut, Ranges } from "./ranges.ts";
import { type Field, isOnePacket, outside, type Region, within } from "./region.ts";

/** What a field holds by now: a value, or what a field, which is named, held as the packet came. */
export type Now<T> = T | Field;

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
  readonly mark: number;
  readonly priority: number;
  /** Empty for packets that were generated here and have not gone through loopback. */
  readonly inInterface: string;
  readonly ctState: number;
  readonly ctStatus: number;
  readonly ctMark: number;
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

/** `packets` at the node's door, each as the first of a new connection. */
export function startState(packets: Packets, environment: Environment): State {
  return {
    region: packets.region,
    probability: 1,
    protocol: packets.protocol,
    source: "saddr",
    destination: "daddr",
    destinationPort: "dport",
    mark: packets.mark,
    priority: 0,
    inInterface: packets.inInterface ?? "",
    ctState: CT_STATE[packets.ctState ?? "new"],
    ctStatus: 0,
    ctMark: 0,
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

/** What `now` is for the packets of `region`: a value, where it is one for all of them. */
export function valueNow<T extends Cut>(now: Now<T>, region: Region): T | Spread {
  return typeof now === "string" ? ((region[now].single as T | undefined) ?? { field: now }) : now;
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
  const sent = (part: Region, ctStatus: number): State => ({
    ...state,
    region: part,
    destination: address,
    destinationPort: port,
    ctStatus,
    destinationSettled: true,
  });
  const changed = state.ctStatus | CT_STATUS.dnat;
  if (same === undefined) return [sent(region, changed)];
  return [sent(same, state.ctStatus), ...outside(region, same).map((part) => sent(part, changed))];
}

/** The packets for which a field that is `now` would become the same. */
function thereAlready(region: Region | undefined, now: Now<Cut>, next: Now<Cut>): Region | undefined {
  if (region === undefined || now === next) return region;
  if (typeof now === "string" && typeof next !== "string") return within(region, now, Ranges.of(next));
  return undefined;
}
