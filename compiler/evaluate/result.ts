/** From states behind all hooks to what has happened to their packets. */
import { invariant } from "../invariant.ts";
import type { Address } from "../net/address.ts";
import type { PacketSet } from "../packets/packet-set.ts";
import type { Cut, Ranges } from "../packets/ranges.ts";
import { departureOf } from "./departure.ts";
import { type Disposition, isRefused, KEPT, MASQUERADED, type NewSource, withDestination } from "./disposition.ts";
import { enteredInto } from "./memory.ts";
import { outcomeOf } from "./outcome.ts";
import type { Outcome, PathStep, Reason, Result, RuleStep } from "./packet.ts";
import { type Branch, type Now, type SharedState, type State, valueNow } from "./state.ts";
import { stepsOf } from "./taken-path.ts";
import type { Condition } from "./unknown/condition.ts";
import { type World, worldsOf } from "./unknown/worlds.ts";

/** One of the things that happen to packets of a region, each of which fares alike. */
export interface RegionResult extends Omit<Result, "disposition" | "reasons" | "path" | "sent"> {
  readonly region: PacketSet;
  readonly disposition: Disposition<RegionDestination>;
  readonly condition: Condition;
}

/** `daddr`, `dport`: where each of the packets went anyway; or what a mask makes of that. */
export interface RegionDestination {
  readonly address: Now<Address>;
  readonly port: Now<number>;
}

/** Packets of one region that have come to one end. */
export interface EndState {
  readonly shared: SharedState;
  readonly branch: Branch;
}

export function endsOf({ shared, branches }: State): EndState[] {
  return branches.map((branch) => ({ shared, branch }));
}

/** What happens in each of the ways in which the unknown matches can turn out, as far as they decide it. By chance a packet comes
 *  to several ends, which may hang on different things. */
export function worldsIn(ends: readonly EndState[]): World<{ readonly end: EndState }>[] {
  return worldsOf(ends.map((end) => ({ condition: end.branch.condition, weight: end.branch.probability, end })));
}

/** The outcome of each world. */
export function outcomesIn(worlds: readonly World<{ readonly end: EndState }>[]): Outcome[] {
  return worlds.map(({ condition, parts }) =>
    toOutcome(
      parts.map(({ end }) => end),
      condition,
    ),
  );
}

function toOutcome(ends: readonly EndState[], condition: Condition): Outcome {
  const total = ends.reduce((sum, { branch }) => sum + branch.probability, 0);
  return outcomeOf(
    ends.map((end) => toResult(end, total)),
    condition,
  );
}

function toResult(end: EndState, total: number): Result {
  const { region, disposition, isAccepted, designer } = toRegionResult(end);
  const path = stepsOf(end.shared.path);
  return {
    probability: end.branch.probability / total,
    disposition: withDestination(disposition, (to) => {
      const [address, port] = [valueNow(to.address, region), valueNow(to.port, region)];
      invariant(typeof address !== "object" && typeof port !== "object", "one packet has one destination");
      return { address, port };
    }),
    isAccepted,
    designer,
    reasons: reasonsIn(path),
    path,
    sent: departureOf(end.shared, end.branch),
  };
}

/** The rules that gave a verdict, translated or remembered. */
function reasonsIn(path: readonly PathStep[]): Reason[] {
  return path.filter(
    (step): step is RuleStep => step.kind === "rule" && step.effect.kind !== "write" && step.effect.kind !== "taken",
  );
}

/** What has happened to packets that are through all hooks. */
export function toRegionResult({ shared, branch }: EndState): RegionResult {
  const { region, probability, condition } = branch;
  const { accepted: isAccepted, newSource } = shared;
  const disposition = dispositionOf(shared, branch);
  const designer = isRefused(disposition) ? undefined : newSource?.by;
  return { region, probability, condition, disposition, isAccepted, designer };
}

function dispositionOf(shared: SharedState, branch: Branch): Disposition<RegionDestination> {
  const { end, masqueraded, entered, environment, sticky, newSource, takenBy, translated } = shared;
  const lists = environment.watched === undefined ? NOTHING : enteredInto(environment.watched, entered);
  if (end !== undefined) return { ...end, lists };
  const source: NewSource =
    newSource !== undefined ? { kind: "given", text: newSource.text } : masqueraded ? MASQUERADED : KEPT;
  const { region, destination: address, destinationPort: port } = branch;
  if (!translated && !isMoved(address, region.daddr) && !isMoved(port, region.dport))
    return { kind: "pass", source, takenBy, lists };
  return { kind: "dnat", to: { address, port }, source, stickySeconds: sticky?.timeoutSeconds, takenBy, lists };
}

const NOTHING: readonly string[] = [];

/** Whether a field is not what it was when the packets came: `translate` keeps those apart for which it is. */
function isMoved(now: Now<Cut>, before: Ranges): boolean {
  return typeof now !== "string" && now !== before.single;
}
