/** What a picture of a walk says: hosts, steps and findings in words, without coordinates. */
import type { Hop, WalkEnd } from "../../walk/types.ts";

export interface Story {
  /** From the end of the walk, in words. */
  readonly title: string;
  /** What was asked for, as it was written. */
  readonly asked: string;
  readonly verdicts: readonly StoryVerdict[];
  /** Of the branch that is told, such as `1 in 2`; undefined: there is no other one. */
  readonly chance: string | undefined;
  readonly request: StoryWay;
  /** Undefined: nobody answers, or it was not asked for. */
  readonly reply: StoryWay | undefined;
  /** By name: all that the walk passes. */
  readonly hosts: ReadonlyMap<string, StoryHost>;
  /** What carries packets between nodes, such as `VXLAN`; undefined: nothing does. */
  readonly tunnel: string | undefined;
  /** Endpoints of other branches. */
  readonly others: readonly StoryOther[];
  /** How many pods each node has, by the node's host. */
  readonly podCounts: ReadonlyMap<string, number>;
  readonly findings: readonly StoryFinding[];
  readonly branches: readonly StoryBranch[];
  /** What stands below all. */
  readonly foot: string | undefined;
}

export type WayDirection = "request" | "reply";

export interface StoryVerdict {
  readonly text: string;
  readonly isLost: boolean;
}

/** One direction of the branch that is told. */
export interface StoryWay {
  readonly direction: WayDirection;
  readonly hops: readonly Hop[];
  readonly end: WalkEnd;
  readonly isLost: boolean;
  readonly steps: readonly StoryStep[];
}

/** What has a number. */
export interface StoryStep {
  readonly number: number;
  /** Of several steps that are drawn as one, the number of the last one; else its own. */
  readonly last: number;
  readonly direction: WayDirection;
  /** Undefined: the packet was nowhere yet. */
  readonly hop: Hop | undefined;
  readonly spot: StorySpot;
  /** `node-1 eth0`. */
  readonly where: string;
  /** A few words. */
  readonly head: string;
  /** What the head rests on, for the drawing. */
  readonly facts: readonly string[];
  /** What stands on a pod instead of them, where that is shorter. */
  readonly atPod?: string;
  /** As the text tells it, for the table. */
  readonly lines: readonly StoryLine[];
  /** Undefined: as at the step before. */
  readonly source: StoryAddress | undefined;
  readonly destination: StoryAddress | undefined;
  /** It makes another packet: translates, wraps, unwraps or cuts it. */
  readonly isChange: boolean;
  readonly isLost: boolean;
}

/** Where on a host something happens: at the bridge's port that the packet comes in by, or leaves by; where rules and routes are; or at
 *  the end of its way. */
export type StorySpot = "port-in" | "port-out" | "host" | "end";

export interface StoryLine {
  readonly text: string;
  readonly place: string | undefined;
  readonly isInferred: boolean;
}

/** An end of a packet, in text. */
export interface StoryAddress {
  readonly text: string;
  /** The address of a Service, that no host has. */
  readonly isOfRules: boolean;
}

export interface StoryHost {
  /** Of the network. */
  readonly name: string;
  /** In the drawing. */
  readonly title: string;
  readonly kind: "pod" | "node" | "gateway" | "outside" | "load-balancer" | "switch";
  readonly address: string;
  /** Of a pod: the node that it is on, by its host. */
  readonly node?: string;
  /** Of a node: the bridge of its pods, with its address. */
  readonly bridge?: { readonly name: string; readonly address: string };
  /** The interface to the other nodes. */
  readonly uplink?: string;
}

export interface StoryOther {
  readonly host: StoryHost;
  readonly note: string;
}

export interface StoryFinding {
  readonly code: string;
  /** It is what the user has to mend; otherwise good to know. */
  readonly isFault: boolean;
  readonly message: string;
  readonly fix: string | undefined;
  readonly fixHost: string | undefined;
  readonly place: string | undefined;
}

export interface StoryBranch {
  readonly probability: number;
  readonly chance: string;
  readonly isTold: boolean;
  readonly isLost: boolean;
  readonly isReplyLost: boolean;
  /** The hosts of the request that do more than pass it on, in its order. */
  readonly stops: readonly StoryStop[];
  /** What the receiver sees as the sender; undefined: it was not delivered. */
  readonly seen: string | undefined;
}

export interface StoryStop {
  readonly host: string;
  readonly hops: readonly Hop[];
}
