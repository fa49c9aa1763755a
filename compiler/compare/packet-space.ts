/** All packets that can come: by which kinds of traffic, with which marks, of which connections. */

import { hasPorts } from "../evaluate/field.ts";
import { type CtState, ctStateOf, isIcmp, type Packets } from "../evaluate/packet.ts";
import { CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { Program } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { allAddresses } from "../packets/address-type.ts";
import { PacketSet } from "../packets/packet-set.ts";
import { Ranges, unite } from "../packets/ranges.ts";
import { type TestedValues, testedBy } from "./tested-values.ts";
import { TRANSLATED, type TrafficKind, trafficKindsOf } from "./traffic-kinds.ts";

/** The values that marks and connection tracking can have for packets that come in. */
interface Remembered {
  readonly ctStates: readonly number[];
  readonly ctStatus: readonly number[];
  readonly ctMarks: Ranges;
}

/** Which packets may come. */
export interface Traffic {
  readonly families: readonly Family[];
  /** Only the first ones of connections. */
  readonly firstOnly?: boolean;
  /** None that has a mark already. */
  readonly unmarked?: boolean;
}

/** All packets that can come, as far as programs tell them apart. */
export class PacketSpace {
  readonly trafficKinds: readonly TrafficKind[];
  private readonly tested: TestedValues;
  private readonly marks: Ranges;
  /** Assumptions that matter to the answer: printed behind "assuming". */
  readonly given: readonly string[];
  /** What the comparison leaves out, a sentence each. */
  readonly gaps: readonly string[];

  constructor(programs: readonly Program[], { families, firstOnly = false, unmarked = false }: Traffic) {
    this.trafficKinds = trafficKindsOf(programs, families).filter(({ tracking }) => tracking === "first" || !firstOnly);
    this.tested = testedBy(programs);
    const { marks: all, ctMarks } = this.tested;
    const marks = unmarked ? ZERO : all;
    this.marks = marks ?? ZERO;
    this.given = unmarked && all?.single === undefined ? ["that packets come without a mark"] : [];
    this.gaps = [
      ...(marks === undefined ? ["packets with a mark: rules distinguish too many marks"] : []),
      ...(ctMarks === undefined ? ["connections with a mark: rules distinguish too many marks"] : []),
    ];
  }

  /** Whether some rule translates connections. */
  get translates(): boolean {
    return this.tested.translates;
  }

  /** All packets of a kind of traffic, in disjoint parts. */
  packetsBy(trafficKind: TrafficKind): Packets[] {
    const { family, protocol, tracking, inInterface } = trafficKind;
    const ports = new Ranges(hasPorts(protocol) && tracking !== "invalid" ? [0, 65536] : [0, 1]);
    const addresses = allAddresses(family);
    const isSent = this.tested.translates && (tracking === "original" || tracking === "reply");
    const none = Ranges.of(family === "IPv4" ? 0 : 0n);
    return this.rememberedBy(trafficKind).map(({ ctStates, ctStatus, ctMarks }) => ({
      ...{ family, protocol, tracking, inInterface },
      region: new PacketSet(addresses, ports, addresses, ports, {
        mark: this.marks,
        ctstate: pointsOf(ctStates),
        ctstatus: pointsOf(ctStatus),
        ctmark: ctMarks,
        toaddr: isSent ? addresses : none,
        toport: isSent ? ports : ZERO,
      }),
    }));
  }

  /** The states of connection tracking that packets of a kind of traffic have, in words. */
  ctStatesOf(trafficKind: TrafficKind): readonly CtState[] {
    return this.rememberedBy(trafficKind).flatMap(({ ctStates }) =>
      ctStates.map((bits) => ctStateOf(trafficKind.tracking, bits)),
    );
  }

  private rememberedBy({ tracking, protocol }: TrafficKind): Remembered[] {
    const { ctMarks = ZERO, status, translates, direction } = this.tested;
    switch (tracking) {
      case "first": {
        // A connection that was expected has the mark of the one that announced it.
        const related = { ctStates: [CT_STATE.related], ctStatus: [CT_STATUS.expected], ctMarks };
        const fresh = { ctStates: [CT_STATE.new], ctStatus: [0], ctMarks: ZERO };
        if (isIcmp(protocol)) return [fresh];
        if ((status & CT_STATUS.expected) !== 0 || ctMarks.single === undefined) return [fresh, related];
        return [{ ...fresh, ctStates: [CT_STATE.related, CT_STATE.new] }];
      }
      case "original":
      case "reply": {
        // Rules that test none of these fields treat both directions alike.
        if (tracking === "reply" && !direction && status === 0) return [];
        const free = (status & (CT_STATUS.expected | CT_STATUS.assured)) | (translates ? TRANSLATED : 0);
        const established = { ctStates: [CT_STATE.established], ctStatus: combine(BOTH_WAYS, free), ctMarks };
        if (!isIcmp(protocol)) return [established];
        const isTold = (status & CT_STATUS["seen-reply"]) !== 0;
        if (!isTold) return [{ ...established, ctStates: [CT_STATE.established, CT_STATE.related] }];
        const any = combine(CT_STATUS.confirmed, free | CT_STATUS["seen-reply"]);
        return [established, { ctStates: [CT_STATE.related], ctStatus: any, ctMarks }];
      }
      default:
        return [{ ctStates: [CT_STATE[tracking]], ctStatus: [0], ctMarks: ZERO }];
    }
  }
}

const ZERO = Ranges.of(0);
/** What packets of an established connection have gone in. */
const BOTH_WAYS = CT_STATUS.confirmed | CT_STATUS["seen-reply"];

/** `bits` with each part of `free`. */
function combine(bits: number, free: number): number[] {
  let all = [bits];
  for (let bit = 1; bit <= free; bit *= 2) if ((free & bit) !== 0) all = [...all, ...all.map((each) => each | bit)];
  return all;
}

function pointsOf(values: readonly number[]): Ranges {
  return unite(values.map((value) => Ranges.of(value)));
}
