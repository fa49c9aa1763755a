/** A host as the kernel's routing sees it: interfaces with addresses, policy rules, route tables, switches of sysctl. */
import type { Address, Family } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Provenance } from "./provenance.ts";

export interface Interface {
  readonly name: string;
  readonly isLoopback?: true;
  readonly isUp: boolean;
  /** In the order in which the kernel lists them. */
  readonly addresses: readonly InterfaceAddress[];
  readonly sysctls: InterfaceSysctls;
}

/** An address of an interface, with the length of its subnet. */
export interface InterfaceAddress {
  readonly address: Address;
  readonly length: number;
  readonly scope: Scope;
  /** Of a subnet that an earlier address of the interface is in; the kernel's own flag. */
  readonly isSecondary?: true;
  /** IPv6: a source only where there is no other one (its preferred lifetime is over). */
  readonly isDeprecated?: true;
  /** The other end of a point-to-point link: `length` is of its subnet. */
  readonly peer?: Address;
  readonly provenance?: Provenance;
}

/** How far an address or a route reaches (rtnetlink(7)), narrowest last. */
export type Scope = "global" | "site" | "link" | "host" | "nowhere";

/** What decides about packets of one interface: for reverse path filtering and the like the larger, or either, of `all` and the interface's
 *  own value counts, which whoever makes the model has worked out. */
export interface InterfaceSysctls {
  readonly forwarding: boolean;
  /** 0: off; 1: strict; 2: loose. */
  readonly reversePathFilter: 0 | 1 | 2;
  readonly acceptLocal: boolean;
  readonly routeLocalnet: boolean;
  readonly sendRedirects: boolean;
}

/** `ip rule`: lower priorities are asked first. */
export interface PolicyRule {
  readonly priority: number;
  readonly from?: Prefix;
  readonly to?: Prefix;
  /** Holds where the mark has this value in the bits of the mask. */
  readonly mark?: { readonly value: number; readonly mask: number };
  readonly inInterface?: string;
  readonly isNegated?: true;
  /** A route that the table has does not count if its prefix is this long or shorter. */
  readonly suppressPrefixLength?: number;
  readonly provenance?: Provenance;
  readonly action: { readonly kind: "table"; readonly table: string } | { readonly kind: RefusingRoute };
}

/** Routes by which packets do not go on: silently, or with an error to the sender. */
export type RefusingRoute = "blackhole" | "unreachable" | "prohibit";

/** Kinds of routes, by `ip route`'s words. `throw`: the table has no answer. */
export type RouteKind = "unicast" | "local" | "broadcast" | "anycast" | "throw" | RefusingRoute;

/** A route of a table. Of several for one prefix the one of the lowest metric counts. */
export interface TableRoute {
  readonly kind: RouteKind;
  readonly prefix: Prefix;
  readonly metric: number;
  readonly scope: Scope;
  /** Several: equal-cost paths. Empty for those that refuse. */
  readonly hops: readonly NextHop[];
  readonly preferredSource?: Address;
  /** Bytes, in place of the interface's. */
  readonly mtu?: number;
  /** The kernel has made it for an address (`proto kernel`). */
  readonly isAutomatic?: true;
  readonly provenance?: Provenance;
}

export interface NextHop {
  readonly interface: string;
  readonly gateway?: Address;
  /** The gateway was taken for a neighbour without looking for a route to it. */
  readonly isOnLink?: true;
  readonly weight: number;
}

/** The routing of one family on one host. */
export interface RoutingTables {
  readonly family: Family;
  readonly interfaces: readonly Interface[];
  readonly rules: readonly PolicyRule[];
  readonly tables: Readonly<Record<string, readonly TableRoute[]>>;
}
