/** What findings about lost packets begin with. */
import type { Leg, WalkBranch, WalkFlow } from "../walk/types.ts";

/** A leg that did not arrive. */
export interface LostLeg {
  readonly branch: WalkBranch;
  readonly leg: Leg;
  /** `the packet`, or whose answer it is, as a subject. */
  readonly what: string;
  readonly isReply: boolean;
  /** Of the packet as it was sent, where that is said. */
  readonly bytes: number | undefined;
  /** What was asked for. */
  readonly flow: WalkFlow;
}
