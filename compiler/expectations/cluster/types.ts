/** Expectations for a whole cluster: one file is one cluster, and flows through it with what becomes of them. */

import type { Field } from "../../documents/field.ts";
import type { NamedText } from "../../ir/routes.ts";
import type { Address, Family } from "../../net/address.ts";
import type { Config } from "../../node/config.ts";
import type { Mode } from "../../node/settings.ts";
import type { Located } from "../../specs/located.ts";
import type { TraceText } from "../../trace/parse.ts";
import type { WalkEnd } from "../../walk/types.ts";

/** A document of kind Expectations (kpc.dev/v1alpha1). */
export interface ClusterCase {
  readonly name: string;
  /** The modes in which every flow holds. */
  readonly modes: readonly Mode[];
  /** Manifests, relative to the file's own place. */
  readonly files: readonly Located<string>[];
  /** A settings file, or the settings in place. */
  readonly config: InPlaceOr<Config>;
  /** A file with a Cluster, or the Cluster in place. */
  readonly cluster: InPlaceOr<undefined>;
  readonly flows: readonly ClusterFlow[];
}

/** A part of a case that stands in a file of its own, in the case itself, or nowhere. */
export type InPlaceOr<T> =
  | { readonly kind: "file"; readonly path: Located<string> }
  | { readonly kind: "in place"; readonly field: Field; readonly value: T }
  | { readonly kind: "none" };

/** One flow in one family. */
export interface ClusterFlow {
  readonly name: string;
  /** Undefined: the one that its ends have, IPv4 where they have both. */
  readonly family: Family | undefined;
  /** Origins of its parts are the fields of the flow. */
  readonly asked: TraceText;
  /** As the file has them; `to` is the request, if there is one. */
  readonly from: string;
  readonly to: string;
  /** Of the request. */
  readonly headers: readonly NamedText[];
  readonly expect: WalkExpectation;
  readonly node: Field;
}

/** What has to hold on every branch of a walk; at least one member. */
export interface WalkExpectation {
  readonly delivered: Located<DeliveredTo> | undefined;
  /** Each receiver sees one of these; of a request, it is told that one of these is the client. */
  readonly seenAs: Located<readonly SeenAs[]> | undefined;
  readonly reply: Located<ReplyEnd> | undefined;
  /** Names of the nodes that the packet comes through on its way there, in this order, and no others. */
  readonly via: Located<readonly Located<string>[]> | undefined;
  readonly ends: Located<LostEnd> | undefined;
  /** The chance of each receiver. */
  readonly probability: Located<number> | undefined;
  /** Of HTTP: the ingress proxy answers the request itself. */
  readonly status: Located<number> | undefined;
}

/** Who gets the packet: exactly these. */
export type DeliveredTo =
  | { readonly kind: "hosts"; readonly hosts: readonly Located<Receiver>[] }
  /** All ready Pods with these labels. */
  | { readonly kind: "labels"; readonly labels: ReadonlyMap<string, string> }
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "nobody" };

export interface Receiver {
  /** As the ends of flows are named. */
  readonly name: string;
  /** Undefined: any. */
  readonly port: number | undefined;
}

export const SEEN_AS = ["client", "node", "gateway"] as const;

/** Whose address the receiver sees. */
export type SeenAs = (typeof SEEN_AS)[number] | { readonly address: Address };

export const REPLY_ENDS = ["delivered", "lost"] as const;

export type ReplyEnd = (typeof REPLY_ENDS)[number];

/** How a packet ends that is not delivered. */
export type LostEnd = Exclude<WalkEnd["kind"], "delivered" | "stranger" | "undecided">;

const IS_LOST_END: Readonly<Record<LostEnd, true>> = {
  dropped: true,
  rejected: true,
  "no-route": true,
  "not-forwarding": true,
  "reverse-path": true,
  "martian-source": true,
  "martian-destination": true,
  "not-own-source": true,
  broadcast: true,
  "no-neighbour": true,
  "bridge-drops": true,
  "no-link": true,
  "no-source": true,
  "no-tunnel-end": true,
  "too-large": true,
  "no-target": true,
  loop: true,
};

export const LOST_ENDS = Object.keys(IS_LOST_END) as readonly LostEnd[];
