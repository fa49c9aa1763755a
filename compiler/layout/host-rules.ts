/** Rules that a host has besides kube-proxy's: what its chains of NAT are made of. */
import { addressField, equal, within } from "../ir/build.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { mergeIntervals } from "../ir/interval.ts";
import type { BaseChain, Match, Rule, Statement, Table } from "../ir/types.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import { type Prefix, prefixRange } from "../net/prefix.ts";
import type { Protocol } from "../net/protocol.ts";

/** The rules of one host. */
export interface LayoutRules {
  /** Shown where a rule of a file has the file's name. */
  readonly name: string;
  readonly tables: readonly Table[];
}

export const MASQUERADE = { kind: "masquerade", random: "none" } as const satisfies Statement;

/** The destination is an address of the host. */
export const TO_HOST: Match = equal({ kind: "fib", of: "daddr", result: "type" }, ADDRESS_TYPE.local);

export function natTable(family: Family, name: string, chains: readonly BaseChain[]): Table {
  return { family: family === "IPv4" ? "ip" : "ip6", name, sets: [], maps: [], chains };
}

/** The chain has its hook's name. */
export function natChain(
  hook: "prerouting" | "output" | "postrouting",
  priority: number,
  rules: readonly Rule[],
): BaseChain {
  return { kind: "base", name: hook, type: "nat", hook, priority, policy: "accept", rules };
}

/** The address is in one of `blocks`, of which there is at least one; `negated`: in none of them. */
export function inBlocks(family: Family, field: "saddr" | "daddr", blocks: readonly Prefix[], negated = false): Match {
  return within(addressField(family, field), mergeIntervals(blocks.map(prefixRange)), negated);
}

/** The packet is for this address and port. */
export function isTo(address: Address, protocol: Protocol, port: number): Match[] {
  return [
    equal(addressField(familyOf(address), "daddr"), address),
    equal({ kind: "transport", protocol, field: "dport" }, port),
  ];
}

export function dnatTo(address: Address, port: number): Statement {
  const to = { kind: "literal", addresses: { from: address, to: address }, ports: { from: port, to: port } } as const;
  return { kind: "dnat", to, random: "none" };
}
