/** Comparing a walk with what was expected of it. */
import type { Origin } from "../../diagnostics.ts";
import { ALWAYS } from "../../evaluate/unknown/condition.ts";
import { type Address, printAddress } from "../../net/address.ts";
import { chance, renderCondition } from "../../trace/chance.ts";
import { endText, forwardedForText } from "../../trace/walk/end-text.ts";
import type { TellingContext } from "../../trace/walk/walk-names.ts";
import type { Walk, WalkBranch } from "../../walk/types.ts";
import type { SeenAs, WalkExpectation } from "./types.ts";
import { addressesOfKind, type CaseNetwork, nodeName, viaText, type WantedReceivers } from "./wanted.ts";

/** What of a walk is not as expected, and the member that says otherwise. */
export interface WalkMismatch {
  readonly message: string;
  readonly origin: Origin;
}

/** What a walk is compared with the help of. */
interface WalkCheck {
  readonly network: CaseNetwork;
  readonly telling: TellingContext;
  /** The whole expectation. */
  readonly origin: Origin;
}

/** Chances are compared like those of rules: iptables writes them with eleven digits. */
const CLOSE = 1e-6;

/** Undefined where all members of `expect` hold on every branch. */
export function findWalkMismatch(
  walk: Walk,
  expect: WalkExpectation,
  receivers: WantedReceivers | undefined,
  { network, telling, origin }: WalkCheck,
): WalkMismatch | undefined {
  const { delivered, seenAs, reply, via, ends, probability, status } = expect;
  const { branches } = walk;
  const branchThat = (fails: (branch: WalkBranch) => boolean): WalkBranch | undefined => branches.find(fails);
  if (delivered !== undefined && receivers !== undefined) {
    const message = findOtherReceivers(walk, receivers, telling);
    if (message !== undefined) return { message, origin: delivered.field };
  }
  if (ends !== undefined) {
    const other = branchThat(({ there }) => there.end.kind !== ends.value);
    if (other !== undefined) return { message: `not ${ends.value}: ${branchText(other, telling)}`, origin: ends.field };
  }
  if (status !== undefined) {
    const other = branchThat(({ there }) => statusOf(there) !== status.value);
    if (other !== undefined)
      return { message: `not answered with ${status.value}: ${branchText(other, telling)}`, origin: status.field };
  }
  const gets = seenAs ?? (status === undefined ? reply : undefined) ?? probability;
  const lost = gets && branchThat((branch) => !isReceived(branch));
  if (gets !== undefined && lost !== undefined)
    return { message: `not delivered: ${branchText(lost, telling)}`, origin: gets.field };
  if (seenAs !== undefined) {
    const other = branchThat((branch) => !seenAs.value.some((each) => isSeenAs(branch, walk, each, network)));
    if (other?.there.end.kind === "delivered") {
      const { host, tuple, forwardedFor } = other.there.end;
      const seen =
        forwardedFor === undefined
          ? `sees ${telling.names.printNamed(tuple.source, tuple.sourcePort, telling.protocol)}`
          : `is told ${forwardedForText(forwardedFor, telling)}`;
      const message = `${host} ${seen}, not ${seenAs.value.map(seenText).join(" or ")}`;
      return { message, origin: seenAs.field };
    }
  }
  if (reply !== undefined) {
    const other = branchThat(({ back }) => (back?.end.kind === "delivered") !== (reply.value === "delivered"));
    if (other !== undefined) return { message: replyText(other, telling), origin: reply.field };
  }
  if (via !== undefined) {
    const wanted = via.value.map(({ value }) => nodeName(value)).join();
    const other = branchThat((branch) => nodesOf(branch, telling).join() !== wanted);
    if (other !== undefined)
      return { message: `the packet comes ${viaText(nodesOf(other, telling))}`, origin: via.field };
  }
  if (probability !== undefined) {
    const chances = chancesOf(walk);
    const other = [...chances].find(([, value]) => Math.abs(value - probability.value) > CLOSE);
    if (other !== undefined) return { message: `${other[0]} gets it ${chance(other[1])}`, origin: probability.field };
  }
  const open = branchThat(({ condition }) => condition !== ALWAYS);
  if (open === undefined) return undefined;
  const message = `the walk depends on what kpc does not know: ${renderCondition(open.condition).join("; ")}`;
  return { message, origin: origin };
}

/** Whether somebody gets the packet, and of a request not only the ingress proxy. */
function isReceived({ there: { end } }: Pick<WalkBranch, "there">): boolean {
  return end.kind === "delivered" && end.answer === undefined;
}

/** That with which the ingress proxy answers itself. */
function statusOf({ end }: WalkBranch["there"]): number | undefined {
  return end.kind === "delivered" ? end.answer?.status : undefined;
}

/** The chance of each receiver. */
function chancesOf({ branches }: Walk): ReadonlyMap<string, number> {
  const chances = new Map<string, number>();
  for (const { there, probability } of branches)
    if (isReceived({ there })) chances.set(there.end.host, (chances.get(there.end.host) ?? 0) + probability);
  return chances;
}

function findOtherReceivers(walk: Walk, wanted: WantedReceivers, telling: TellingContext): string | undefined {
  if (wanted.kind === "nobody") {
    const branch = walk.branches.find(isReceived);
    return branch && `delivered: ${branchText(branch, telling)}`;
  }
  const lost = walk.branches.find((branch) => !isReceived(branch));
  if (lost !== undefined) return `not delivered: ${branchText(lost, telling)}`;
  const chances = chancesOf(walk);
  if (wanted.kind === "count")
    return chances.size === wanted.count
      ? undefined
      : `delivered to ${chances.size}: ${[...chances.keys()].join(", ")}`;
  const others = [...chances.keys()].filter((host) => !wanted.hosts.has(host));
  if (others.length > 0) return `${others.join(", ")} can get it, too`;
  const missing = [...wanted.hosts.keys()].filter((host) => !chances.has(host));
  if (missing.length > 0) return `${missing.join(", ")} never gets it`;
  for (const { there } of walk.branches) {
    if (there.end.kind !== "delivered") continue;
    const { host, tuple } = there.end;
    const ports = wanted.hosts.get(host);
    if (ports !== undefined && ports.size > 0 && !ports.has(tuple.destinationPort))
      return `${host} gets it at port ${tuple.destinationPort}`;
  }
  return undefined;
}

function isSeenAs({ there }: WalkBranch, { flow }: Walk, seenAs: SeenAs, network: CaseNetwork): boolean {
  if (there.end.kind !== "delivered") return false;
  const source = there.end.forwardedFor ?? there.end.tuple.source;
  if (typeof seenAs === "object") return source === seenAs.address;
  if (seenAs === "client") return source === (flow.source ?? there.hops[0]?.before.source);
  return addressesOfKind(seenAs, network).has(source);
}

function seenText(seenAs: SeenAs): string {
  if (typeof seenAs === "object") return printAddress(seenAs.address as Address);
  return seenAs === "client" ? "the client's address" : `an address of a ${seenAs}`;
}

/** The nodes that the packet comes through on its way there. */
function nodesOf({ there }: WalkBranch, { hosts }: TellingContext): string[] {
  const nodes = there.hops.flatMap(({ host }) => {
    const role = hosts.get(host)?.role;
    return role?.kind === "node" ? [role.node] : [];
  });
  return nodes.filter((node, i) => node !== nodes[i - 1]);
}

/** What becomes of the packets of a branch, in a line. */
function branchText({ there, back, notice }: WalkBranch, telling: TellingContext): string {
  const { end } = there;
  if (end.kind !== "delivered") return `${endText(end, telling, notice)} (at ${end.host})`;
  if (end.answer !== undefined) return `${endText(end, telling)} (at ${end.host}), ${replyText({ back }, telling)}`;
  const { tuple, host } = end;
  const { names, protocol } = telling;
  const port = tuple.destinationPort === 0 ? "" : `:${tuple.destinationPort}`;
  const seen = names.printNamed(tuple.source, tuple.sourcePort, protocol);
  const client = end.forwardedFor === undefined ? "" : `, ${forwardedForText(end.forwardedFor, telling)}`;
  return `delivered to ${host}${port}, which sees ${seen}${client}, ${replyText({ back }, telling)}`;
}

function replyText({ back }: Pick<WalkBranch, "back">, telling: TellingContext): string {
  if (back === undefined) return "no reply";
  return back.end.kind === "delivered" ? "reply delivered" : `reply ${endText(back.end, telling)}`;
}

/** All that can become of the packet, the likeliest first, each with its chance. */
export function describeWalk({ branches }: Walk, telling: TellingContext, { via }: WalkExpectation): string[] {
  const chances = new Map<string, number>();
  for (const branch of branches) {
    const way = via === undefined ? "" : `, ${viaText(nodesOf(branch, telling))}`;
    const text = `${branchText(branch, telling)}${way}`;
    chances.set(text, (chances.get(text) ?? 0) + branch.probability);
  }
  return [...chances].sort(([, a], [, b]) => b - a).map(([text, value]) => `${chance(value)}: ${text}`);
}
