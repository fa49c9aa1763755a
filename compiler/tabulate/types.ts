/**
 * What a program does with first packets, as a table: a row for each destination that it knows, and in each row an answer
 * for each kind of sender. It is all that the classifier has to know.
 */
import type { Interval, RejectWith } from "../ir/types.ts";
import type { Address, Family } from "../net/address.ts";

export interface Tabulation {
  readonly interfaces: Interfaces;
  /** Every answer that occurs, by the numbers that rows give; without repetitions. */
  readonly behaviours: readonly Behaviour[];
  /** What becomes of packets at endpoints that have a say of their own, by the numbers that endpoints give. */
  readonly endpointTreatments: readonly EndpointTreatment[];
  readonly families: Readonly<Record<Family, FamilyTable>>;
}

// --- senders ------------------------------------------------------------------------------------------------------------

/** The kinds of interfaces that packets come in by. Number 0 is none: packets of the node's own. */
export interface Interfaces {
  /** What names are compared with. */
  readonly patterns: readonly { readonly name: string; readonly isPrefix: boolean }[];
  /** For each number the patterns that its names match, a bit each, the first pattern lowest; -1 for number 0. */
  readonly matches: readonly number[];
}

/** A kind of source: the sum of what is true of it. `detected`: the rules tell pods of this node by it; `local`: it is an
 *  address of the node; `allowed`: it is in the row's own list; `loopback`: it is in 127.0.0.0/8. */
export const SOURCE = { detected: 1, local: 2, allowed: 4, loopback: 8 } as const;

/** Kinds of sources. */
export const SOURCE_CLASSES = 16;

// --- answers ------------------------------------------------------------------------------------------------------------

/** One answer for each interface kind, and in it for each kind of source. */
export type Behaviour = readonly (readonly TableAnswer[])[];

/** What is done to a packet. */
export interface Treatment {
  readonly verdict: "pass" | "accept" | "drop" | "reject" | "dnat";
  readonly rejectWith?: RejectWith;
  readonly masquerade: boolean;
}

export interface TableAnswer extends Treatment {
  /** What is done when the endpoint is the source, if it is something else. */
  readonly hairpin?: Treatment;
  /** Which of the row's lists the endpoint is from. */
  readonly list?: 0 | 1 | 2 | 3;
  /** The endpoint has the last word about verdict and masquerading. */
  readonly asksEndpoint?: true;
  /** Clients are remembered. */
  readonly sticky?: true;
  /** Why, in the words of the program's comments. */
  readonly reasons: readonly string[];
}

/** For each interface kind and kind of source: what becomes of a packet that was sent to an endpoint. */
export type EndpointTreatment = readonly (readonly Pick<TableAnswer, keyof Treatment | "hairpin">[])[];

// --- rows ---------------------------------------------------------------------------------------------------------------

/** What a destination without ports of its own gets; numbers of behaviours. */
export interface Default {
  readonly new: number;
  /** When connection tracking cannot tell what the packet belongs to. */
  readonly invalid: number;
  /** When it does not look at it: neighbour discovery. */
  readonly untracked: number;
}

export function sameDefault(a: Default, b: Default): boolean {
  return a.new === b.new && a.invalid === b.invalid && a.untracked === b.untracked;
}

export interface FamilyTable {
  /** Sources that are `detected`. */
  readonly detected: readonly Interval[];
  /** Addresses with rows of their own. */
  readonly rows: readonly AddressRow[];
  /** The node's addresses, loopback included. */
  readonly local: readonly LocalAddress[];
  readonly localClasses: readonly LocalClass[];
  /** What the other addresses of 127.0.0.0/8 are, a number of `localKinds`. */
  readonly loopback: number | undefined;
  /** What all other addresses get at ports without rows: sorted, the first from the lowest address on, each up to the next… */
  readonly regions: readonly AddressRange[];
  /** …except these: sorted. */
  readonly points: readonly AddressRange[];
}

export interface AddressRange extends Default {
  readonly from: Address;
}

export interface LocalAddress {
  readonly address: Address;
  /** A number of `localKinds`. */
  readonly kind: number;
  /** It has rows of its own, too. They count before those of its kind. */
  readonly hasRows: boolean;
}

/** Addresses of the node that answer alike. */
export interface LocalClass {
  readonly default: Default;
  readonly rows: readonly PortRow[];
}

export interface PortRow {
  readonly protocol: number;
  readonly port: number;
  readonly behaviour: number;
  /** None to four. */
  readonly lists: readonly RowEndpoints[];
  /** Sources that are `allowed`; sorted, disjoint. */
  readonly allowed: readonly Interval[] | undefined;
  readonly stickySeconds: number | undefined;
  /** Whose it is, in the words of the program's comments. */
  readonly label: string;
}

export interface AddressRow extends PortRow {
  readonly address: Address;
}

/** Endpoints of which one is taken, each as likely. Lists that are equal are one object. */
export type RowEndpoints = readonly RowEndpoint[];

export interface RowEndpoint {
  readonly address: Address;
  readonly port: number;
  /** What clients are remembered by; 0 without session affinity. */
  readonly identity: number;
  /** Number of its treatment; undefined when it has none of its own. */
  readonly endpointTreatment: number | undefined;
}
