import { CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { RejectWith } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import type { Assumption } from "./assumption.ts";
import type { Environment, Packet, Reason, Sticky } from "./packet.ts";

/** A packet on its way, with its connection. Never changed: each step makes a new one. */
export interface State {
  readonly probability: number;
  readonly protocol: number;
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly mark: number;
  readonly priority: number;
  /** Empty for packets that were generated here and have not gone through loopback. */
  readonly inInterface: string;
  readonly ctState: number;
  readonly ctStatus: number;
  readonly ctMark: number;
  /** Fields, as `describe` names them, that a step which is not understood may have written. */
  readonly overwritten: ReadonlySet<string>;
  /** The packet as it came. */
  readonly original: Packet;
  /** Whether the destination, the source of this connection are settled: NAT chains are not asked again. */
  readonly destinationSettled: boolean;
  readonly sourceSettled: boolean;
  readonly masqueraded: boolean;
  readonly sticky: Sticky | undefined;
  /** Some rule accepted the packet in so many words. */
  readonly accepted: boolean;
  readonly end: { readonly kind: "drop" } | { readonly kind: "reject"; readonly with: RejectWith } | undefined;
  /** The element of a set that the rule at hand has matched. */
  readonly member: Pick<Reason, "element" | "declaration"> | undefined;
  readonly reasons: readonly Reason[];
  readonly assumptions: readonly Assumption[];
  readonly environment: Environment;
}

const NOTHING_OVERWRITTEN: ReadonlySet<string> = new Set();

/** `packet` at the node's door, as the first of a new connection. */
export function startState(packet: Packet, environment: Environment): State {
  return {
    probability: 1,
    protocol: packet.protocol,
    source: packet.source,
    destination: packet.destination,
    sourcePort: packet.sourcePort,
    destinationPort: packet.destinationPort,
    mark: packet.mark,
    priority: 0,
    inInterface: packet.inInterface ?? "",
    ctState: CT_STATE[packet.ctState ?? "new"],
    ctStatus: 0,
    ctMark: 0,
    overwritten: NOTHING_OVERWRITTEN,
    original: packet,
    destinationSettled: false,
    sourceSettled: false,
    masqueraded: false,
    sticky: undefined,
    accepted: false,
    end: undefined,
    member: undefined,
    reasons: [],
    assumptions: [],
    environment,
  };
}

/** `state` sent on to `address` and `port`. Connection tracking calls it translated only when that is not where it was
 *  going (nf_nat_setup_info). */
export function translate(state: State, address: Address, port: number): State {
  const changed = address !== state.destination || port !== state.destinationPort;
  return {
    ...state,
    destination: address,
    destinationPort: port,
    ctStatus: changed ? state.ctStatus | CT_STATUS.dnat : state.ctStatus,
    destinationSettled: true,
  };
}
