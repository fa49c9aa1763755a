import type { Interval } from "../../ir/types.ts";

/** What one part of an entry is about. */
export type IpSetPart = "ip" | "net" | "port" | "mac" | "mark" | "iface" | "set";

/** A set of ipset. */
export interface IpSet {
  readonly name: string;
  /** Such as `hash:ip,port`. */
  readonly type: string;
  readonly parts: readonly IpSetPart[];
  /** Packets of the other family are in no set of one; undefined: a set of ports, of sets, of hardware addresses. */
  readonly family: "ip" | "ip6" | undefined;
  /** Options that change what it means and that kpc does not know. */
  readonly unknownOption?: string;
  readonly entries: IpSetEntry[];
}

export interface IpSetEntry {
  readonly parts: readonly IpSetValue[];
  /** Packets that it fits are not in the set, unless a narrower block has them. */
  readonly isException: boolean;
  /** As it was written, without its options. */
  readonly text: string;
}

export type IpSetValue =
  /** `length`: of a block. */
  | { readonly kind: "addresses"; readonly interval: Interval; readonly length: number }
  | { readonly kind: "ports"; readonly protocol: number | undefined; readonly interval: Interval }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "interface"; readonly name: string; readonly isPrefix: boolean }
  | { readonly kind: "set"; readonly name: string }
  /** ICMP types, bridge ports. */
  | { readonly kind: "other"; readonly protocol?: number };

/** By name. */
export type IpSets = ReadonlyMap<string, IpSet>;
