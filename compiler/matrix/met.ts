/** Whom and what a packet has met on its way, and the answer. */
import type { Address } from "../net/address.ts";
import type { Hop, WalkBranch, WalkEnd, WalkStep } from "../walk/types.ts";

export interface Met {
  readonly hosts: ReadonlySet<string>;
  /** Of packets, and those that were looked for. */
  readonly addresses: ReadonlySet<Address>;
  readonly ports: ReadonlySet<number>;
  /** Addresses that rules have given the packet, by the host that did, besides the first destination that was chosen by chance. */
  readonly given: readonly { readonly host: string; readonly address: Address }[];
}

export function metOn(branches: readonly WalkBranch[]): Met {
  // Neighbour discovery has no ports.
  const [hosts, addresses, ports] = [new Set<string>(), new Set<Address>(), new Set([0])];
  const given: { host: string; address: Address }[] = [];
  const addTuple = ({ source, destination, sourcePort, destinationPort }: Hop["before"]): void => {
    addresses.add(source).add(destination);
    ports.add(sourcePort).add(destinationPort);
  };
  const addEnd = (end: WalkEnd): void => {
    hosts.add(end.host);
    if ("address" in end) addresses.add(end.address);
    if ("destination" in end) addresses.add(end.destination);
    if (end.kind === "no-neighbour" && end.discovery !== undefined) hosts.add(end.discovery.host);
  };
  const addStep = (host: string, step: WalkStep, choice: ReadonlySet<Address>): void => {
    if (step.kind === "neighbour") addresses.add(step.asks);
    if (step.kind === "neighbour") hosts.add(step.answeredBy.host);
    if (step.kind === "encapsulated" || step.kind === "decapsulated") addTuple(step.outer);
    if (step.kind === "proxied") {
      addTuple(step.made);
      given.push({ host, address: step.made.destination });
    }
    if (step.kind !== "translated") return;
    addTuple(step.to);
    if (step.by !== "rules") return;
    const { from, to } = step;
    if (from.source !== to.source) given.push({ host, address: to.source });
    if (from.destination !== to.destination && !choice.has(to.destination))
      given.push({ host, address: to.destination });
  };
  for (const { there, back, chosen } of branches) {
    const choice = new Set(chosen?.members.map(({ address }) => address));
    for (const leg of back === undefined ? [there] : [there, back]) {
      addEnd(leg.end);
      for (const { host, before, after, steps } of leg.hops) {
        hosts.add(host);
        addTuple(before);
        addTuple(after);
        for (const step of steps) addStep(host, step, leg === there ? choice : NOTHING);
      }
    }
  }
  return { hosts, addresses, ports, given };
}

const NOTHING: ReadonlySet<Address> = new Set();
